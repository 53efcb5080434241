"""Networks, tokens and states that several questions draw."""

from __future__ import annotations

import numpy as np

SIZES = {"U": ("C", "H"), "W": ("H", "H"), "V": ("H", "C"), "b": ("H",), "c": ("C",)}


def parameters(rng: np.random.Generator, classes: int, hidden_size: int, scale: float) -> dict:
    """The five arrays with normal entries, biases included."""
    sizes = {"C": classes, "H": hidden_size}
    return {n: scale * rng.standard_normal([sizes[s] for s in shape]) for n, shape in SIZES.items()}


def network(classes: int, hidden_size: int, steps: int, scale: float = 0.5, start: float = 0.5):
    """A draw of a network, a stream of steps + 1 tokens and a starting state."""

    def draw(rng: np.random.Generator) -> dict:
        return {
            "params": parameters(rng, classes, hidden_size, scale),
            "tokens": rng.integers(0, classes, steps + 1),
            "h0": start * rng.standard_normal(hidden_size),
        }

    return draw
