"""What the grader asks of `dropout2d`: the same as of `dropout`, channel by channel."""

from autograder.oracle import Misconception, Question

from ._draws import seed
from ._dropout import dropout_cases
from ._libraries import NUMPY_ALONE


def draw_dropout2d(rng):
    return {"x": rng.uniform(0.5, 2, (90, 110, 2, 3)), "p": rng.uniform(0.2, 0.45), "s": seed(rng)}


QUESTION = Question(
    cases=dropout_cases("dropout2d", draw_dropout2d),
    core="whole channels dropped at random and the rest scaled in training, and all left alone in evaluation",
    misconceptions=[
        Misconception(
            "a draw for each pixel",
            "np.ones(x.shape[:2]), p, training, rng)\n    return x * factors[:, :, None, None]",
            "np.ones(x.shape), p, training, rng)\n    return x * factors",
            "Each pixel is drawn by itself: one draw decides for a whole channel.",
        ),
        Misconception(
            "one mask for all examples",
            "np.ones(x.shape[:2])",
            "np.ones((1, x.shape[1]))",
            "All examples lose the same channels: each example draws its own.",
        ),
        Misconception(
            "whole examples dropped",
            "np.ones(x.shape[:2])",
            "np.ones((len(x), 1))",
            "An example loses all its channels or none: each channel is drawn by itself.",
        ),
        Misconception(
            "on in evaluation",
            "[:2]), p, training, rng)",
            "[:2]), p, True, rng)",
            "Channels are dropped in evaluation too: there nothing is changed.",
        ),
    ],
    builds_on=("dropout",),
    seconds=10,
    forbids=NUMPY_ALONE,
)
