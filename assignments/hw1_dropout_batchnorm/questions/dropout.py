"""What the grader asks of `dropout`: which values are dropped, how often, and what becomes of the others."""

from autograder.oracle import Case, Equivalent, Misconception, Question

from ._draws import seed
from ._dropout import MANY, draw_many, dropout_cases, judge_many
from ._libraries import NUMPY_ALONE


def draw_dropout(rng):
    return {
        "x": rng.uniform(0.5, 2, (200, 160)) * rng.choice([-1, 1], (200, 160)),
        "p": rng.uniform(0.2, 0.45),
        "s": seed(rng),
    }


QUESTION = Question(
    cases=[
        *dropout_cases("dropout", draw_dropout),
        Case(
            "each value by itself, in arrays of any shape, at a small and a large p",
            "import numpy as np\nrng = np.random.default_rng(s)\n"
            f"[np.stack([dropout(x, p, True, rng) for _ in range({MANY})])\n"
            " for x, p in ((line, small), (block, large))]",
            draw_many,
            judge=judge_many,
        ),
    ],
    equivalent=[
        Equivalent(r"kept = .*; if not training", "Whether evaluation draws a mask that it does not use is left free."),
        Equivalent(r"> p$", "A number that is exactly p is drawn with a chance of 2^-53."),
    ],
    core="values dropped at random and the rest scaled in training, and all left alone in evaluation",
    misconceptions=[
        Misconception(
            "not scaled",
            "x[kept] / (1 - p)",
            "x[kept]",
            "What is kept is not divided by 1 - p, so the expected value shrinks.",
        ),
        Misconception(
            "p taken as the probability of keeping",
            "rng.random(x.shape) >= p\n    y = np.zeros_like(x)\n    y[kept] = x[kept] / (1 - p)",
            "rng.random(x.shape) < p\n    y = np.zeros_like(x)\n    y[kept] = x[kept] / p",
            "Here p is the probability of dropping, not of keeping.",
        ),
        Misconception(
            "on in evaluation",
            "    if not training:\n        return x\n",
            "",
            "Values are dropped in evaluation too: there dropout leaves x as it is.",
        ),
        Misconception(
            "scaled in evaluation",
            "        return x\n",
            "        return x * (1 - p)\n",
            "Evaluation is scaled by 1 - p: inverted dropout scales in training and leaves evaluation alone.",
        ),
        Misconception(
            "nan accepted",
            "not 0 <= p <= 1",
            "p < 0 or p > 1",
            "A p of nan passes the test of the bounds, because comparisons with nan are false.",
        ),
        Misconception(
            "nan at p = 1",
            "y[kept] = x[kept] / (1 - p)",
            "y = x * kept / np.float64(1 - p)",
            "At p = 1 zero is divided by zero: all values are dropped, so the answer is zeros.",
        ),
        Misconception(
            "a generator of its own",
            "kept = rng.random(",
            "kept = np.random.default_rng(0).random(",
            "The mask does not come from the generator that is passed, so it is the same every time.",
        ),
        Misconception(
            "one mask for all rows",
            "rng.random(x.shape) >= p",
            "np.broadcast_to(rng.random(x.shape[1:]) >= p, x.shape)",
            "All rows share one mask: every value is drawn by itself.",
        ),
    ],
    seconds=10,
    forbids=NUMPY_ALONE,
)
