"""What the grader asks of `relative_error`: one number for two arrays, zeros included."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.cases import pure


def pair(rng: np.random.Generator) -> dict:
    """Two arrays that are close, with one place where both are 0."""
    a = rng.standard_normal((3, 5))
    a[1, 2] = 0.0
    return {"a": a, "b": a * (1 + 1e-3 * rng.standard_normal(a.shape))}


QUESTION = Question(
    cases=[
        Case("two arrays", "relative_error(a, b)", pair, weight=2, core=True),
        Case("numbers", "[relative_error(a, b), relative_error(b, a)]", lambda rng: {"a": 1.5, "b": rng.uniform(1, 2)}),
        Case(
            "equal arrays, zeros among them, and others",
            "[relative_error(a, a.copy()), relative_error(0 * a, 0 * a), relative_error(a, b)]",
            pair,
        ),
        Case(
            "tiny numbers",
            "relative_error(a, b)",
            lambda rng: {"a": 1e-9 * rng.uniform(1, 2, 4), "b": -1e-9 * rng.uniform(1, 2, 4)},
        ),
        Case(
            "opposite signs",
            "relative_error(a, b)",
            lambda rng: {"a": rng.uniform(1, 2, 3), "b": -rng.uniform(1, 2, 3)},
        ),
        pure("relative_error(a, b)", pair),
    ],
    equivalent=[
        Equivalent(r"1e-08\)\)\.max", "The maximum is the same either way round."),
        Equivalent(r"np\.abs\(b - a\)", "The absolute value is the same."),
    ],
    core="the largest relative error of two arrays",
    misconceptions=[
        Misconception("mean", ").max()", ").mean()", "The mean over the entries is taken: the largest counts."),
        Misconception(
            "one side",
            "np.abs(a) + np.abs(b)",
            "np.abs(a)",
            "The difference is divided by |a| alone: divide by |a| + |b|.",
        ),
        Misconception(
            "signs",
            "np.abs(a) + np.abs(b)",
            "np.abs(a + b)",
            "The difference is divided by |a + b|, which is small for opposite signs: it is |a| + |b|.",
        ),
        Misconception(
            "no floor",
            "np.maximum(1e-8, np.abs(a) + np.abs(b))",
            "(np.abs(a) + np.abs(b))",
            "Nothing keeps the divisor from 0: take the larger of 1e-8 and |a| + |b|.",
        ),
        Misconception(
            "largest difference by largest size",
            "return (np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))).max()",
            "return np.abs(a - b).max() / max(1e-8, (np.abs(a) + np.abs(b)).max())",
            "The largest difference is divided by the largest size; the ratio belongs to each entry, and the "
            "largest ratio "
            "counts, so that an error in a small entry shows.",
        ),
    ],
)
