"""Words with counts, and merges, that the two questions on byte-pair encoding draw."""

from __future__ import annotations

import itertools

import numpy as np

SYLLABLES = ["ba", "na", "ka", "ab", "ra", "nan", "aa", "be", "er", "re", "na"]


def words_of(rng: np.random.Generator, size: int) -> dict[str, int]:
    """Different words of a few syllables that share many pairs, in some order, with counts."""
    words: dict[str, int] = {}
    while len(words) < size:
        words["".join(rng.choice(SYLLABLES, rng.integers(1, 4)))] = int(rng.integers(1, 40))
    return words


def learned(words: dict[str, int], count: int) -> list[tuple[str, str]]:
    """Merges of words, good enough to split by: by counts, ties as they come."""
    splits = {word: list(word) for word in words}
    merges: list[tuple[str, str]] = []
    for _ in range(count):
        counts: dict[tuple[str, str], int] = {}
        for word, symbols in splits.items():
            for pair in itertools.pairwise(symbols):
                counts[pair] = counts.get(pair, 0) + words[word]
        if not counts:
            break
        pair = max(counts, key=lambda one: counts[one])
        merges.append(pair)
        for symbols in splits.values():
            place = 0
            while place < len(symbols) - 1:
                if (symbols[place], symbols[place + 1]) == pair:
                    symbols[place : place + 2] = ["".join(pair)]
                place += 1
    return merges
