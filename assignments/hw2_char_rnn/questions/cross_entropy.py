"""What the grader asks of `cross_entropy`: a mean over rows that stays finite however large the scores are."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.cases import pure

from ._libraries import BY_TEXT, BY_TORCH, NUMPY_ALONE


def scored(rows: int, classes: int, scale: float = 2.0, shift: float = 0.0):
    """A draw of scores and targets."""

    def draw(rng: np.random.Generator) -> dict:
        z = scale * rng.standard_normal((rows, classes)) + shift * rng.choice([-1.0, 1.0], (rows, 1))
        return {"z": z, "targets": rng.integers(0, classes, rows)}

    return draw


QUESTION = Question(
    cases=[
        Case("a few rows", "cross_entropy(z, targets)", scored(5, 4), weight=2, core=True),
        Case("one row", "cross_entropy(z, targets)", scored(1, 6)),
        Case("one row and many: the mean over rows", "cross_entropy(z, targets)", scored(50, 3)),
        Case("scores of many thousands", "cross_entropy(z, targets)", scored(4, 5, shift=9000.0), core=True),
        Case(
            "a right class thousands below the best",
            "cross_entropy(z, targets)",
            lambda rng: {"z": np.array([[0.0, -rng.uniform(1e3, 1e4), 3.0]]), "targets": np.array([1])},
            weight=2,
            core=True,
        ),
        pure("cross_entropy(z, targets)", scored(3, 4)),
    ],
    equivalent=[
        Equivalent(r"\.mean\(axis=", "The losses have one axis."),
        Equivalent(r"axis=-1", "Scores have two axes, so the last is axis 1."),
        Equivalent(r"np\.arange\(len\((scores|shifted|log_sums)\)\)", "All have a row for each target."),
    ],
    core="the mean over rows, and scores of many thousands",
    misconceptions=[
        Misconception(
            "torch computes it",
            "    return (log_sums - shifted[np.arange(len(targets)), targets]).mean()",
            "    return torch.nn.functional.cross_entropy(torch.tensor(scores), torch.tensor(targets)).item()",
            BY_TORCH,
            unseen=BY_TEXT,
        ),
        Misconception(
            "no shift",
            "scores - scores.max(axis=1, keepdims=True)",
            "scores - 0.0",
            "The exponentials are taken of the scores as they stand: subtract each row's largest score first.",
        ),
        Misconception(
            "logarithm of a softmax",
            "return (log_sums - shifted[np.arange(len(targets)), targets]).mean()",
            "return -np.log(softmax(scores)[np.arange(len(targets)), targets]).mean()",
            "The logarithm is taken of a probability that is rounded to 0 where the right class is far below the best: "
            "put the logarithm inside, log-sum-exp minus the score.",
        ),
        Misconception(
            "sum over rows",
            ".mean()",
            ".sum()",
            "The losses of the rows are summed: the mean over the rows is asked.",
        ),
        Misconception(
            "mean over classes too",
            "shifted[np.arange(len(targets)), targets]).mean()",
            "shifted[np.arange(len(targets)), targets]).mean() / scores.shape[1]",
            "The loss is divided by the number of classes too: the mean is over the rows alone.",
        ),
        Misconception(
            "bits",
            "np.log(np.exp(shifted)",
            "np.log2(np.exp(shifted)",
            "A logarithm to the base 2 is mixed in: nats have the natural logarithm.",
        ),
        Misconception(
            "a small number in the logarithm",
            "    log_sums = np.log(np.exp(shifted).sum(axis=1))\n"
            "    return (log_sums - shifted[np.arange(len(targets)), targets]).mean()",
            "    return -np.log(softmax(scores)[np.arange(len(targets)), targets] + 1e-12).mean()",
            "A small number is added within the logarithm: the loss cannot grow beyond about 28 nats, and it has to.",
        ),
    ],
    forbids=NUMPY_ALONE,
)
