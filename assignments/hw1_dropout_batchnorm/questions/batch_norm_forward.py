"""What the grader asks of `batch_norm_forward`: both modes, the running estimates, batches without spread."""

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.cases import pure

from ._draws import draw_flat, draw_norm
from ._libraries import NUMPY_ALONE

FORWARD = "y, _ = batch_norm_forward(x, gamma, beta, mean, var, momentum, eps, {training})\n"

QUESTION = Question(
    cases=[
        Case("y in training", FORWARD.format(training=True) + "y", draw_norm(7, 4), weight=2, core=True),
        Case("y in training, two rows and one feature", FORWARD.format(training=True) + "y", draw_norm(2, 1)),
        Case(
            "y of constant and of nearly constant columns",
            FORWARD.format(training=True) + "y",
            draw_flat,
            relative=1e-6,
        ),
        Case(
            "large values far from zero",
            FORWARD.format(training=True) + "(y, mean, var)",
            draw_norm(6, 3, 300.0, 20.0),
            weight=0.5,
        ),
        Case(
            "running estimates after one batch",
            FORWARD.format(training=True) + "(mean, var)",
            draw_norm(4, 5),
            weight=2,
            core=True,
        ),
        Case(
            "running estimates after three batches, at momentum 0 and 1 too",
            "results = []\nfor a in (momentum, 0.0, 1.0):\n    m, v = mean.copy(), var.copy()\n"
            "    for scale in (1.0, 2.0, -0.5):\n"
            "        batch_norm_forward(scale * x + scale, gamma, beta, m, v, a, eps, True)\n"
            "    results.append((m, v))\nresults",
            draw_norm(3, 4),
        ),
        Case(
            "evaluation normalises by the running estimates and leaves them",
            FORWARD.format(training=False) + "(y, mean, var)",
            draw_norm(6, 3),
            weight=1.5,
            core=True,
        ),
        Case("evaluation of one row", FORWARD.format(training=False) + "y", draw_norm(1, 4), weight=0.5),
        Case(
            "a ValueError for a training batch of one, and the running estimates as they were",
            "def kind(rows):\n"
            "    try:\n        y, _ = batch_norm_forward(x[:rows], gamma, beta, mean, var, momentum, eps, True)\n"
            "    except ValueError:\n        return 'ValueError', mean.copy(), var.copy()\n    return y\n"
            "[kind(1), kind(2)]",
            draw_norm(3, 4),
            weight=0.5,
        ),
        pure("batch_norm_forward(x, gamma, beta, mean, var, momentum, eps, True)[0]", draw_norm(5, 2)),
    ],
    equivalent=[
        Equivalent(r"normalised, gamma, inverse_std", "On the way back the two are multiplied with each other."),
        Equivalent(r"rows <= 1", "A batch without rows is not asked about."),
    ],
    core="the batch's statistics in training, and running estimates that are kept then and used in evaluation",
    misconceptions=[
        Misconception(
            "unbiased variance to normalise",
            "x.var(axis=0)\n",
            "x.var(axis=0, ddof=1) * (1 if training else 1)\n        biased = x.var(axis=0)\n",
            "The batch is normalised by the unbiased variance: n - 1 belongs in the running estimate only.",
        ),
        Misconception(
            "biased variance in the running estimate",
            "variance * rows / (rows - 1)",
            "variance",
            "The running variance takes in the biased variance: it needs the factor n / (n - 1).",
        ),
        Misconception(
            "momentum the wrong way round",
            "running_mean += momentum * (mean - running_mean)\n        running_var += momentum *",
            "running_mean += (1 - momentum) * (mean - running_mean)\n        running_var += (1 - momentum) *",
            "Momentum is the wrong way round: it is the weight of the new value.",
        ),
        Misconception(
            "eps outside of the root",
            "1 / np.sqrt(variance + eps)",
            "1 / (np.sqrt(variance) + eps)",
            "Eps stands outside of the root: it is added to the variance.",
        ),
        Misconception(
            "running estimates not changed in place",
            "running_mean += momentum * (mean - running_mean)\n        running_var += momentum *",
            "running_mean = running_mean + momentum * (mean - running_mean)\n"
            "        running_var = running_var + momentum *",
            "The running estimates get a new array: the caller's own has to change in place.",
        ),
        Misconception(
            "batch statistics in evaluation",
            "mean, variance = running_mean, running_var",
            "mean, variance = x.mean(axis=0), x.var(axis=0)",
            "Evaluation normalises by its own batch: it has to use the running estimates.",
        ),
        Misconception(
            "gamma and beta forgotten",
            "gamma * normalised + beta",
            "normalised",
            "The result is only normalised: scale it by gamma and shift it by beta.",
        ),
        Misconception(
            "statistics of the rows",
            "x.mean(axis=0), x.var(axis=0)\n        running_mean",
            "x.mean(), x.var()\n        running_mean",
            "One mean and variance serve the whole array: every feature has its own, over the rows.",
        ),
        Misconception(
            "one row accepted",
            "if rows == 1:",
            "if rows == 0:",
            "A training batch of one row needs a ValueError: its variance says nothing.",
        ),
        Misconception(
            "a training batch normalised by the running estimates",
            "    else:\n        mean, variance = running_mean, running_var\n",
            "    mean, variance = running_mean, running_var\n",
            "A training batch is normalised by the running estimates; it is normalised by its own mean and "
            "variance, and "
            "the estimates are for evaluation.",
        ),
    ],
    forbids=NUMPY_ALONE,
)
