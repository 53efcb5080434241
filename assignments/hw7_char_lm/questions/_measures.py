"""The cases that the three measures share."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case
from autograder.oracle.programs import numpy_numbers, refuses


def draw_total(rng: np.random.Generator) -> dict:
    """A total in nats, and a count."""
    return {"nll": float(rng.uniform(300, 900)), "count": int(rng.integers(250, 700))}


def measure_cases(name: str) -> list[Case]:
    """Cases that the three measures share: value, other sizes, the count's ValueError."""
    return [
        Case("the measure of a total", f"{name}(nll, count)", draw_total, weight=3, core=True),
        Case(
            "small totals, a total of zero, one symbol",
            f"[float({name}(nll / 100, 1)), float({name}(0.0, count)), float({name}(nll / 1e6, count))]",
            draw_total,
        ),
        Case(
            "a long text",
            f"{name}(nll * 1e4, count * 10_000)",
            draw_total,
            weight=0.5,
        ),
        Case(
            "a count that is not positive is refused",
            f"known = float({name}(nll, count))\n"
            + refuses(f"{name}(nll / 1000, value)", "(0, -1, -40, 1)").replace("\n[outcome", "\n[known] + [outcome"),
            draw_total,
        ),
        Case("numbers of numpy", numpy_numbers("nll", "count") + f"float({name}(nll, count))", draw_total, weight=0.5),
    ]
