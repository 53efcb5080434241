"""What the grader asks of `encode`: ids of a text, ends of lines and unknown words included."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Misconception, Question

from ._draws import WORDS, shuffled, small_vocabulary, text


def draw_encoding(lines: int, words: int):
    """Lines over all words and a vocabulary that has some of them."""

    def draw(rng: np.random.Generator) -> dict:
        return {"lines": text(rng, lines, shuffled(rng, WORDS)[:words]), "vocabulary": small_vocabulary(rng, 9)}

    return draw


def vocabulary_of(rng: np.random.Generator) -> dict:
    """A vocabulary as a named input."""
    return {"vocabulary": small_vocabulary(rng, 12)}


QUESTION = Question(
    cases=[
        Case(
            "ids of a text, with unknown words", "encode(lines, vocabulary)", draw_encoding(20, 20), weight=2, core=True
        ),
        Case(
            "<eos> after an empty line too",
            "encode(lines, vocabulary)",
            lambda rng: {"lines": ["", *text(rng, 3, WORDS), "", "  ", *text(rng, 1, WORDS)], **vocabulary_of(rng)},
        ),
        Case("one line", "encode(lines, vocabulary)", draw_encoding(1, 5)),
        Case(
            "no lines give no ids", "encode(lines, vocabulary)", lambda rng: {"lines": [], **vocabulary_of(rng)}, 0.25
        ),
        Case(
            "<unk> and <eos> in the text are those entries",
            "encode(lines, vocabulary)",
            lambda rng: {"lines": text(rng, 6, ["<unk>", *shuffled(rng, WORDS)[:5], "<eos>"]), **vocabulary_of(rng)},
            weight=0.5,
        ),
        Case(
            "lines and vocabulary stay as they were",
            "(encode(lines, vocabulary), lines, vocabulary)",
            draw_encoding(4, 20),
            weight=0.5,
        ),
    ],
    core="the ids of a text, unknown words and line ends included",
    misconceptions=[
        Misconception(
            "no end marks",
            '        ids.append(vocabulary["<eos>"])\n',
            "",
            "There is no <eos> after the lines: where a line ends is part of the text.",
        ),
        Misconception(
            "empty lines left out",
            "    for line in lines:",
            "    for line in filter(str.strip, lines):",
            "An empty line is a line too and gives an <eos>.",
        ),
        Misconception(
            "unknown words left out",
            'vocabulary.get(word, vocabulary["<unk>"]) for word in line.split()',
            "vocabulary[word] for word in line.split() if word in vocabulary",
            "Words outside of the vocabulary were left out; they should be encoded as <unk>.",
        ),
        Misconception(
            "end mark in front",
            '        ids.extend(vocabulary.get(word, vocabulary["<unk>"]) for word in line.split())\n'
            '        ids.append(vocabulary["<eos>"])',
            '        ids.append(vocabulary["<eos>"])\n'
            '        ids.extend(vocabulary.get(word, vocabulary["<unk>"]) for word in line.split())',
            "The <eos> stands before each line; it should stand after it.",
        ),
        Misconception(
            "32-bit ids",
            "dtype=torch.long",
            "dtype=torch.int32",
            "The ids are 32-bit integers; a LongTensor was asked for.",
        ),
    ],
)
