"""What the grader asks of `softmax_regression_gradient`: the loss and its gradients by the weights and the biases."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.cases import pure

from ._libraries import DIFFERENCES, NUMPY_ALONE


def classified(rows: int, features: int, classes: int, scale: float = 1.0):
    """A draw of softmax regression's weights and examples."""

    def draw(rng: np.random.Generator) -> dict:
        return {
            "W": scale * rng.standard_normal((features, classes)),
            "b": scale * rng.standard_normal(classes),
            "x": rng.standard_normal((rows, features)),
            "targets": rng.integers(0, classes, rows),
        }

    return draw


REGRESSION = "softmax_regression_gradient(W, b, x, targets)"

QUESTION = Question(
    cases=[
        Case("loss and gradient", f"tuple({REGRESSION})", classified(5, 4, 3), weight=3, core=True),
        Case("one row", f"tuple({REGRESSION})", classified(1, 3, 4)),
        Case("square weights", f"tuple({REGRESSION})", classified(6, 4, 4)),
        Case("large scores", f"tuple({REGRESSION})", classified(4, 3, 5, scale=900.0)),
        pure(f"tuple({REGRESSION})", classified(3, 5, 2)),
    ],
    equivalent=[
        Equivalent(r"dscores = dscores / ", "Nobody else holds the array."),
        Equivalent(r"targets\] - 1", "In place or not, the same entries change."),
        Equivalent(r"len\((x|scores|dscores)\)", "All have a row for each target."),
    ],
    core="the loss and its gradient for a few rows",
    misconceptions=[
        Misconception(
            "y - p",
            "    dscores /= len(targets)",
            "    dscores /= -len(targets)",
            "The gradient has the wrong sign: it is p - y, what the model said minus what it should have said.",
        ),
        Misconception(
            "sum for mean",
            "    dscores /= len(targets)\n",
            "",
            "The gradient is summed over the rows: the loss is a mean, so its gradient has the factor 1 / rows.",
        ),
        Misconception(
            "bias averaged",
            "dscores.sum(axis=0)",
            "dscores.mean(axis=0)",
            "The bias's gradient is averaged once too often: divide by the number of rows once.",
        ),
        Misconception(
            "p alone",
            "    dscores[np.arange(len(targets)), targets] -= 1\n",
            "",
            "The 1 of the right class is missing: a score's gradient is p - 1 there and p elsewhere.",
        ),
        Misconception(
            "all targets in every row",
            "dscores[np.arange(len(targets)), targets] -= 1",
            "dscores[:, targets] -= 1",
            "1 is subtracted in the columns of all targets in every row; in each row it belongs to its own "
            "target alone.",
        ),
    ],
    builds_on=("softmax", "cross_entropy"),
    forbids=(*NUMPY_ALONE, *DIFFERENCES),
)
