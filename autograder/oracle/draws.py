"""Draws that oracles of more than one assignment make: see `Case`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def gate_parameters(
    rng: np.random.Generator, names: Sequence[str], input_size: int, hidden_size: int, scale: float = 0.6
) -> dict[str, np.ndarray]:
    """The arrays of a recurrent step by name, with normal entries.

    names: W_x.. for (input_size, hidden_size), W_h.. for (hidden_size, hidden_size), b_.. for (hidden_size,).
    """
    shapes = {"W_x": (input_size, hidden_size), "W_h": (hidden_size, hidden_size), "b_": (hidden_size,)}
    return {name: scale * rng.standard_normal(shapes["b_" if name[0] == "b" else name[:3]]) for name in names}


def saturating(rng: np.random.Generator, hidden_size: int) -> np.ndarray:
    """Biases of a gate that is fully open in half of the units and fully shut in the others."""
    return 800.0 * rng.permutation([1.0 - 2.0 * (k % 2) for k in range(hidden_size)])


def layer_sizes(rng: np.random.Generator) -> dict[str, int]:
    """Numbers of inputs, n, and of hidden units, m."""
    return {"n": int(rng.integers(30, 900)), "m": int(rng.integers(1000, 3000))}
