"""What the grader asks of `softmax`: rows of probabilities, also of scores that are far apart."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.cases import pure

from ._libraries import BY_TEXT, BY_TORCH, NUMPY_ALONE


def scores(*shape: int, scale: float = 2.0):
    """A draw of an array z."""
    return lambda rng: {"z": scale * rng.standard_normal(shape)}


def far_apart(rng: np.random.Generator) -> dict:
    """Rows of scores thousands apart, so that one maximum for all of them is not enough."""
    return {"z": rng.standard_normal((4, 5)) + np.array([[3000.0], [-3000.0], [0.0], [900.0]])}


QUESTION = Question(
    cases=[
        Case("a row alone", "softmax(z)", scores(6)),
        Case("rows, each over the last axis", "softmax(z)", scores(3, 4), weight=2, core=True),
        Case("more axes in front of the classes", "softmax(z)", scores(2, 3, 5)),
        Case("scores of a few thousand, of both signs, in one array", "softmax(z)", far_apart, weight=2, core=True),
        Case("scores far apart within a row", "softmax(z)", scores(3, 4, scale=800.0)),
        pure("softmax(z)", scores(2, 3)),
    ],
    core="rows that are normalised each by itself, and scores of a few thousand",
    misconceptions=[
        Misconception(
            "torch computes it",
            "    exponentials = np.exp(z - z.max(axis=-1, keepdims=True))\n"
            "    return exponentials / exponentials.sum(axis=-1, keepdims=True)",
            "    return torch.softmax(torch.tensor(z), -1).numpy()",
            BY_TORCH,
            unseen=BY_TEXT,
        ),
        Misconception(
            "no shift",
            "z - z.max(axis=-1, keepdims=True)",
            "z",
            "The exponentials are taken of the scores as they stand: subtract each row's largest score first, or large "
            "scores overflow.",
        ),
        Misconception(
            "one maximum for all",
            "z.max(axis=-1, keepdims=True)",
            "z.max()",
            "One maximum is subtracted from the whole array: each row needs its own, or low rows become 0 / 0.",
        ),
        Misconception(
            "first axis",
            "exponentials / exponentials.sum(axis=-1, keepdims=True)",
            "exponentials / exponentials.sum(axis=0)",
            "The sum runs over the first axis: the classes are the last one.",
        ),
        Misconception(
            "not normalised",
            "exponentials / exponentials.sum(axis=-1, keepdims=True)",
            "exponentials",
            "The exponentials are not divided by their sum: probabilities of a row add up to 1.",
        ),
    ],
    forbids=NUMPY_ALONE,
)
