"""What the grader asks of `batch_norm_backward`: the three gradients, in both modes."""

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.cases import pure
from autograder.oracle.programs import SLOPE

from ._draws import draw_flat, draw_norm
from ._libraries import NUMPY_ALONE

BACKWARD = (
    "_, cache = batch_norm_forward(x, gamma, beta, mean, var, momentum, eps, {training})\n"
    "dx, dgamma, dbeta = batch_norm_backward(dy, cache)\n"
)

BY_DIFFERENCES = (
    SLOPE
    + """
own_forward = batch_norm_forward

def batch_norm_forward(x, gamma, beta, mean, var, *options):
    given = mean.copy(), var.copy(), *options
    return own_forward(x, gamma, beta, mean, var, *options)[0], (x, gamma, beta, given)

def batch_norm_backward(dy, cache):
    x, gamma, beta, given = cache
    def pulled():
        mean, var, *options = given
        return (own_forward(x, gamma, beta, mean.copy(), var.copy(), *options)[0] * dy).sum()
    return slope(pulled, x), slope(pulled, gamma), slope(pulled, beta)
"""
)

QUESTION = Question(
    cases=[
        Case("dx after a training step", BACKWARD.format(training=True) + "dx", draw_norm(6, 4), weight=3, core=True),
        Case("dgamma and dbeta", BACKWARD.format(training=True) + "(dgamma, dbeta)", draw_norm(5, 3), weight=1.5),
        Case("a batch of two, one feature", BACKWARD.format(training=True) + "(dx, dgamma, dbeta)", draw_norm(2, 1)),
        Case(
            "a constant column", BACKWARD.format(training=True) + "(dx, dgamma, dbeta)", draw_flat, 0.5, relative=1e-5
        ),
        Case(
            "after evaluation the estimates are constants",
            BACKWARD.format(training=False) + "(dx, dgamma, dbeta)",
            draw_norm(4, 3),
            weight=2,
            core=True,
        ),
        Case(
            "after evaluation of one row",
            BACKWARD.format(training=False) + "(dx, dgamma, dbeta)",
            draw_norm(1, 5),
            weight=0.5,
        ),
        pure(
            "tuple(batch_norm_backward(dy, cache))",
            draw_norm(3, 2),
            setup="_, cache = batch_norm_forward(x, gamma, beta, mean, var, momentum, eps, True)\n",
            relative=1e-6,
        ),
        Case(
            "two uses in turn, each with its own cache",
            "_, one = batch_norm_forward(x, gamma, beta, mean, var, momentum, eps, True)\n"
            "_, other = batch_norm_forward(2 * dy, beta, gamma, mean, var, momentum, eps, True)\n"
            "batch_norm_forward(x + 1, gamma, beta, mean, var, momentum, eps, False)\n"
            "[list(batch_norm_backward(dy, one)), list(batch_norm_backward(x, other))]",
            draw_norm(5, 3),
            weight=0.5,
            relative=1e-6,
        ),
    ],
    core="the gradient through the batch's own mean and variance in training, and without them in evaluation",
    misconceptions=[
        Misconception(
            "mean and variance as constants",
            "    if training:\n        dx = dx - dx.mean(axis=0) - normalised * (dx * normalised).mean(axis=0)\n",
            "",
            "Mean and variance are taken as constants: in training both depend on x, and both send a part to dx.",
        ),
        Misconception(
            "variance as a constant",
            " - normalised * (dx * normalised).mean(axis=0)",
            "",
            "The part of dx that comes through the variance is missing (step 3 of the derivation).",
        ),
        Misconception(
            "mean as a constant",
            "dx - dx.mean(axis=0) - normalised",
            "dx - normalised",
            "The part of dx that comes through the mean is missing (step 4 of the derivation).",
        ),
        Misconception(
            "batch statistics after evaluation",
            "if training:",
            "if True:",
            "After evaluation the running estimates are constants: nothing comes back through mean and variance.",
        ),
        Misconception(
            "gamma forgotten",
            "dx = dy * gamma",
            "dx = dy",
            "Gamma is missing on the way back: the gradient of x-hat is gamma times dy.",
        ),
        Misconception(
            "mean instead of sum",
            "(dy * normalised).sum(axis=0)\n    dbeta = dy.sum(axis=0)",
            "(dy * normalised).mean(axis=0)\n    dbeta = dy.mean(axis=0)",
            "The gradients of gamma and beta are means over the rows: one gamma serves all rows, so they are sums.",
        ),
        Misconception(
            "dgamma without the normalised input",
            "dgamma = (dy * normalised).sum(axis=0)",
            "dgamma = (dy * gamma).sum(axis=0)",
            "The gradient of gamma needs the factor that gamma was multiplied by, which is x-hat.",
        ),
    ],
    builds_on=("batch_norm_forward",),
    by_differences=BY_DIFFERENCES,
    forbids=NUMPY_ALONE,
)
