"""Texts, vocabularies and streams of ids that several questions draw."""

from __future__ import annotations

import numpy as np
import torch

WORDS = ["wolf", "ant", "zebra", "bee", "yak", "cow", "xerus", "dove", "ibis", "emu", "heron", "fish", "goose"]
WORDS += ["kite", "mole", "newt", "owl", "puma", "quail", "raven"]
SPECIAL = ["<eos>", "<unk>"]


def shuffled(rng: np.random.Generator, words: list[str]) -> list[str]:
    """The words in another order."""
    return [words[i] for i in rng.permutation(len(words))]


def text(rng: np.random.Generator, lines: int, words: list[str]) -> list[str]:
    """Lines of 1 to 7 words, some words far more frequent than others."""
    shares = 1 / np.arange(1, len(words) + 1)
    drawn = [rng.choice(len(words), rng.integers(1, 8), p=shares / shares.sum()) for _ in range(lines)]
    return [" ".join(words[i] for i in line) for line in drawn]


def small_vocabulary(rng: np.random.Generator, size: int) -> dict[str, int]:
    """A vocabulary of the given size, of words in some order."""
    return {word: i for i, word in enumerate(SPECIAL + shuffled(rng, WORDS)[: size - 2])}


def stream(rng: np.random.Generator, tokens: int, size: int) -> torch.Tensor:
    """A LongTensor of ids."""
    return torch.from_numpy(rng.integers(0, size, tokens))
