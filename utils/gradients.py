"""Gradients held against central differences at a few sampled entries of each array.

A full numerical gradient needs two evaluations for every weight; a handful of entries of every array, drawn anew each
time, finds the same mistakes in a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np

from utils.checks import CheckFailed, relative_errors

MARKERS = "os^vD*X+x<>P"
Pairs = dict[str, tuple[np.ndarray, np.ndarray]]


def pairs(
    f: Callable[[], float],
    arrays: Mapping[str, np.ndarray],
    gradients: Mapping[str, np.ndarray],
    rng: np.random.Generator,
    entries: int = 6,
    step: float = 1e-5,
) -> Pairs:
    """The analytic and the numeric derivative of f at a few entries of each array.

    f: takes nothing and returns a number. It reads the arrays themselves: one entry at a time is moved by `step` to
        either side, (f(+) - f(-)) / (2 step) is taken, and the entry is put back bit for bit, also when f raises.
    arrays: float64 arrays by name, of any shape and memory layout.
    gradients: what is claimed to be the derivative of f, by the same names, each in its array's shape.
    entries: how many different entries of each array are drawn; all of them where there are no more.
    Returns (analytic, numeric) by name, two arrays (at most entries,) each.
    Raises CheckFailed when a gradient is missing or has another shape, ValueError for an array that is not float64.
    """
    by_name = {}
    for name, array in arrays.items():
        if array.dtype != np.float64:
            raise ValueError(f"{name} must be float64 for differences of {step:g}, got {array.dtype}")
        analytic = _gradient(name, array, gradients)
        chosen = rng.choice(array.size, size=min(entries, array.size), replace=False)
        places = [tuple(map(int, np.unravel_index(flat, array.shape))) for flat in chosen]
        numeric = [_difference(f, array, place, step) for place in places]
        by_name[name] = (np.array([analytic[place] for place in places]), np.array(numeric))
    return by_name


def agree(gradient_pairs: Pairs, where: str = "", relative: float = 1e-6, absolute: float = 1e-9) -> float:
    """The largest relative error over all pairs; raises CheckFailed naming the arrays whose pairs differ.

    where: opens the message, such as "for a single step".
    relative: bound on |a - n| / max(1e-8, |a| + |n|). absolute: differences up to this size pass all the same.
    """
    largest, wrong = 0.0, {}
    for name, (analytic, numeric) in gradient_pairs.items():
        errors = np.where(np.isfinite(analytic), relative_errors(analytic, numeric), np.inf)
        largest = max(largest, float(errors.max()))
        errors = np.where(np.abs(analytic - numeric) <= absolute, 0.0, errors)
        worst = int(np.argmax(errors))
        if errors[worst] > relative:
            wrong[name] = (errors[worst], analytic[worst], numeric[worst])
    if not wrong:
        return largest
    name, (error, analytic, numeric) = max(wrong.items(), key=lambda item: item[1][0])
    right = [f"d{other}" for other in gradient_pairs if other not in wrong]
    raise CheckFailed(
        f"{where}{': ' if where else ''}{', '.join(f'd{other}' for other in wrong)}"
        f" {'differ' if len(wrong) > 1 else 'differs'} from central differences,"
        f" {', '.join(right) + ' agree' if right else 'none agrees'};"
        f" worst in d{name}: {analytic:.6g} against {numeric:.6g} (relative error {error:.2g})"
    )


def scatter(gradient_pairs: Pairs, title: str = "") -> None:
    """Two panels: numeric against analytic derivatives around the diagonal, and the worst relative error by name."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), width_ratios=(1.1, 1), layout="constrained")
    reach = max(float(np.abs(numeric).max()) for _, numeric in gradient_pairs.values()) * 1.1 or 1.0
    left.plot([-reach, reach], [-reach, reach], color="0.6", linewidth=1, zorder=0)
    names = list(gradient_pairs)
    for place, (name, (analytic, numeric)) in enumerate(gradient_pairs.items()):
        marker = MARKERS[place % len(MARKERS)]
        left.plot(analytic, numeric, linestyle="", marker=marker, markersize=5, alpha=0.8, label=name)
        error = max(float(relative_errors(analytic, numeric).max()), 1e-16)
        right.plot(error, place, marker=marker, markersize=6, color="0.2")
    left.set(xlabel="your gradient", ylabel="central difference", title=title)
    left.legend(fontsize=7, ncols=2)
    right.axvline(1e-6, color="0.5", linestyle="--", linewidth=1)
    right.annotate("bound 1e-6", (1e-6, len(names) - 0.5), fontsize=8, ha="right", va="bottom", rotation=90)
    right.set_xscale("log")
    right.set_yticks(range(len(names)), names, fontsize=8)
    right.set(xlabel="worst relative error", xlim=(1e-13, 10), ylim=(len(names) - 0.4, -0.6))
    right.grid(alpha=0.3)
    plt.show()


def _gradient(name: str, array: np.ndarray, gradients: Mapping[str, np.ndarray]) -> np.ndarray:
    if not isinstance(gradients, Mapping):
        raise CheckFailed(f"the gradients should be a dict by name, but a {type(gradients).__name__} came back")
    if name not in gradients:
        raise CheckFailed(f"d{name} is missing among the gradients")
    analytic = np.asarray(gradients[name])
    if analytic.shape != array.shape:
        raise CheckFailed(f"d{name}: shape {analytic.shape} came back, {array.shape} was expected, as {name} itself")
    if analytic.dtype.kind != "f":
        raise CheckFailed(f"d{name}: dtype {analytic.dtype} came back, float64 was expected")
    return analytic


def _difference(f: Callable[[], float], array: np.ndarray, place: tuple[int, ...], step: float) -> float:
    before = array[place]
    try:
        array[place] = before + step
        above = float(f())
        array[place] = before - step
        below = float(f())
    finally:
        array[place] = before
    return (above - below) / (2 * step)
