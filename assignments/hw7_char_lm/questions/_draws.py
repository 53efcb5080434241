"""Lines and seeds that several questions draw."""

from __future__ import annotations

import numpy as np

WORDS = ["wolf", "ant", "zebra", "bee", "yak", "cow's", "N", "dove", "ibis", "emu", "u.s.", "fish", "42", "kite", "owl"]


def lines_of(rng: np.random.Generator, lines: int, words: list[str] | None = None) -> list[str]:
    """Lines of 1 to 7 words, one space apart."""
    words = words or WORDS
    return [" ".join(rng.choice(words, rng.integers(1, 8))) for _ in range(lines)]


def seed_of(rng: np.random.Generator) -> int:
    """A seed for torch."""
    return int(rng.integers(1 << 30))
