"""What the grader asks of `sigmoid_derivative`: the derivative from the output."""

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.cases import pure

from ._libraries import NUMPY_ALONE

QUESTION = Question(
    cases=[
        Case(
            "a grid of outputs",
            "sigmoid_derivative(s)",
            lambda rng: {"s": rng.uniform(0.02, 0.98, (3, 5))},
            weight=2,
            core=True,
        ),
        Case(
            "saturated at both ends, and the middle",
            "import numpy\nsigmoid_derivative(numpy.array([0.0, 1e-6, 0.5, 1.0 - 1e-6, 1.0]))",
            absolute=1e-12,
        ),
        pure("sigmoid_derivative(s)", lambda rng: {"s": rng.uniform(0.1, 0.9, (2, 3, 4))}),
        Case(
            "a single number, and one in an array without axes",
            "import numpy\n[sigmoid_derivative(form(s)) for form in (float, numpy.array, lambda s: numpy.array([s]))]",
            lambda rng: {"s": rng.uniform(0.1, 0.4)},
            weight=0.5,
        ),
    ],
    core="the derivative from the output",
    misconceptions=[
        Misconception(
            "derivative of tanh",
            "s * (1 - s)",
            "1 - s**2",
            "1 - s^2 is the derivative of tanh in terms of its output; the logistic function has another one.",
        ),
        Misconception(
            "the output taken for the input",
            "s * (1 - s)",
            "sigmoid(s) * (1 - sigmoid(s))",
            "The argument is the output s already; the logistic function must not be applied to it once more.",
        ),
        Misconception(
            "wrong sign",
            "s * (1 - s)",
            "s * (s - 1)",
            "The sign is wrong: the logistic function rises everywhere, so its derivative is not negative.",
        ),
        Misconception(
            "one factor only",
            "s * (1 - s)",
            "1 - s",
            "1 - s is the second factor alone; the first factor, s itself, is missing.",
        ),
    ],
    forbids=NUMPY_ALONE,
)
