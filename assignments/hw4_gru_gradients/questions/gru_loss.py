"""What the grader asks of `gru_loss`: half the squared differences, summed over a sequence."""

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.cases import pure, reordered

from ._draws import sequence
from ._libraries import NUMPY_ALONE

QUESTION = Question(
    cases=[
        Case(
            "the loss of several steps",
            "gru_loss(xs, targets, h0, params)",
            sequence(5, 3, 2, 4),
            weight=3,
            core=True,
        ),
        Case("a single step", "gru_loss(xs, targets, h0, params)", sequence(1, 2, 4, 3)),
        Case("a batch of one, from a zero state", "gru_loss(xs, targets, h0, params)", sequence(3, 1, 2, 5, zero=True)),
        pure("gru_loss(xs, targets, h0, params)", sequence(4, 2, 3, 2)),
        Case(
            "the entries of params in another order",
            "gru_loss(xs, targets, h0, params)",
            reordered(sequence(3, 2, 4, 4)),
            weight=0.5,
        ),
    ],
    equivalent=[
        Equivalent(r"\(y - h\) \*\* 2", "The square is the same."),
    ],
    core="the loss of several steps",
    misconceptions=[
        Misconception(
            "no half",
            "loss += 0.5 * np.sum((h - y) ** 2)",
            "loss += np.sum((h - y) ** 2)",
            "The loss is twice as large as asked: the factor 1/2 is missing.",
        ),
        Misconception(
            "mean over the batch",
            "loss += 0.5 * np.sum((h - y) ** 2)",
            "loss += 0.5 * np.sum((h - y) ** 2) / len(y)",
            "The loss is a mean over the batch; it is asked as a sum over steps, batch and units.",
        ),
        Misconception(
            "mean over batch and units",
            "loss += 0.5 * np.sum((h - y) ** 2)",
            "loss += 0.5 * np.mean((h - y) ** 2)",
            "The loss of a step is a mean over batch and units; it is asked as a sum.",
        ),
        Misconception(
            "mean over the steps",
            "return loss",
            "return loss / len(xs)",
            "The loss is a mean over the steps; it is asked as their sum.",
        ),
        Misconception(
            "last step only",
            "loss += 0.5 * np.sum((h - y) ** 2)",
            "loss = 0.5 * np.sum((h - y) ** 2)",
            "Only the last step's loss is returned; every step has a target and adds its share.",
        ),
        Misconception(
            "state not carried",
            "h, _ = gru_cell(x, h, params)",
            "h, _ = gru_cell(x, h0, params)",
            "Every step starts from h0; the state of one step must go into the next.",
        ),
        Misconception(
            "targets of the state before",
            "h, _ = gru_cell(x, h, params)\n        loss += 0.5 * np.sum((h - y) ** 2)",
            "loss += 0.5 * np.sum((h - y) ** 2)\n        h, _ = gru_cell(x, h, params)",
            "Each target is compared with the state before its step; it belongs to the state after it.",
        ),
    ],
    builds_on=("gru_cell",),
    forbids=NUMPY_ALONE,
)
