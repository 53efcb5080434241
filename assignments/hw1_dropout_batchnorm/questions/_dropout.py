"""The cases that `dropout` and `dropout2d` have in common, and their judges."""

import numpy as np

from autograder.oracle import Case

from ._draws import seed
from ._judging import MISCOUNTED, misshaped, off, parts


def judge_dropout(answer, inputs, solution):
    x, p = inputs["x"], inputs["p"]
    if wrong := misshaped(answer, *x.shape):
        return wrong
    kept = answer != 0
    if x.ndim == 4 and np.any(kept != kept[:, :, :1, :1]):
        return "a channel was dropped in part: one draw decides for all its pixels"
    drawn = kept if x.ndim == 2 else kept[:, :, 0, 0]
    if off(np.sum(~drawn), drawn.size, p):
        swapped = not off(np.sum(drawn), drawn.size, p)
        meant = "which is the probability of keeping" if swapped else "which is not the probability asked for"
        return f"the share that was dropped is {np.mean(~drawn):.3f}, {meant}"
    if not np.allclose(answer[kept], x[kept] / (1 - p), rtol=1e-9):
        return "the values that are kept have the wrong size"
    for axis, words in ((0, "in some places"), (1, "in some examples")):
        lengths = drawn.shape[axis]
        if any(off(count, lengths, p, 7.5) for count in np.sum(~drawn, axis=axis)):
            return f"more is dropped {words} than in others: draw for each by itself"
    for mask, words in ((drawn, "places"), (drawn.T, "examples")):
        for distance in range(1, mask.shape[1]):  # pairs overlap: a wider bound
            agree = mask[:, distance:] == mask[:, :-distance]
            if off(np.sum(agree), agree.size, p * p + (1 - p) * (1 - p), 9):
                return f"what is dropped in some {words} depends on what is dropped in others: draw for each by itself"
    return None


def draw_many(rng):
    """Arrays of one and of three axes, without zeros, and a small and a large p."""
    return {
        "line": rng.uniform(0.5, 2, 40),
        "block": rng.uniform(-2, -0.5, (3, 4, 2)),
        "small": rng.uniform(0.02, 0.05),
        "large": rng.uniform(0.8, 0.9),
        "s": seed(rng),
    }


MANY = 1500  # draws of each


def judge_many(answer, inputs, solution):
    """Counts over many masks of a small array: neither more alike nor more different than independent draws.

    A count of a place or of a pair of places is held to 7 deviations and 3; the spread of a mask's own count to 9.
    """
    if not parts(answer, 2):
        return MISCOUNTED
    for came, x, p in zip(answer, (inputs["line"], inputs["block"]), (inputs["small"], inputs["large"]), strict=True):
        if wrong := misshaped(came, MANY, *x.shape):
            return wrong
        gone = (came == 0).reshape(MANY, x.size)
        if off(np.sum(gone), gone.size, p):
            return f"the share that was dropped is {np.mean(gone):.3f}, which is not the probability asked for"
        if not np.allclose(np.where(came == 0, 0, came - x / (1 - p)), 0, atol=1e-9):
            return "the values that are kept have the wrong size"
        together = gone.T.astype(float) @ gone
        chances = np.full(together.shape, p * p) + np.eye(x.size) * (p - p * p)
        if np.any(np.abs(together - MANY * chances) > 7 * np.sqrt(MANY * chances * (1 - chances)) + 3):
            return "what is dropped in one place depends on what is dropped in another: draw for each by itself"
        spread = np.mean((gone.sum(axis=1) - x.size * p) ** 2) / (x.size * p * (1 - p))
        if abs(spread - 1) > 9 * np.sqrt((2 + 1 / (x.size * p * (1 - p))) / MANY):
            return "every mask drops the same number of values: draw for each value by itself"
    return None


def judge_generator(answer, inputs, solution):
    x, p = inputs["x"], inputs["p"]
    if not isinstance(answer, (list, tuple)) or len(answer) != 4:
        return "four results were expected"
    for one in answer[:3]:
        if wrong := misshaped(one, *x.shape):
            return wrong
    first, second, again, unchanged = answer
    if not np.array_equal(first, again):
        return "the same state of rng gave another mask: draw from rng alone"
    drawn = slice(None) if x.ndim == 2 else (slice(None), slice(None), 0, 0)
    agree = (first == 0)[drawn] == (second == 0)[drawn]
    if off(np.sum(agree), agree.size, p * p + (1 - p) * (1 - p)):
        return "a second call with the same generator did not draw a new mask"
    return None if unchanged is True else "x was changed by the call"


def dropout_cases(name, draw):
    """The cases that dropout and dropout2d share; `name` is the function."""
    prelude = "import numpy as np\n"
    return [
        Case(
            "what is kept, how much is dropped, and where",
            f"{prelude}{name}(x, p, True, np.random.default_rng(s))",
            draw,
            weight=3,
            judge=judge_dropout,
            core=True,
        ),
        Case(
            "draws from the generator, and advances it",
            f"{prelude}rng, before = np.random.default_rng(s), x.copy()\n"
            f"first, second = {name}(x, p, True, rng), {name}(x, p, True, rng)\n"
            f"(first, second, {name}(x, p, True, np.random.default_rng(s)), bool(np.array_equal(x, before)))",
            draw,
            judge=judge_generator,
        ),
        Case(
            "evaluation, and p = 0, leave x as it is",
            f"{prelude}[{name}(x[:9], q, t, np.random.default_rng(s)) for q, t in ((p, False), (1, False), (0, True))]",
            draw,
            weight=1,
            core=True,
        ),
        Case(
            "p = 1 gives zeros",
            f"{prelude}[{name}(x[:9], q, True, np.random.default_rng(s)) for q in (1, 1.0)]",
            draw,
            weight=1,
        ),
        Case(
            "a ValueError, in both modes, for a p outside of 0 to 1 and for nan",
            f"{prelude}def kind(q, training):\n"
            f"    try:\n        return float(np.sum({name}(x[:2] * 0, q, training, np.random.default_rng(s))))\n"
            "    except ValueError:\n        return 'ValueError'\n"
            "[kind(q, t) for q in (-1e-9, 1 + 1e-9, float('nan'), float('inf'), -3, 0.0, 1.0) for t in (True, False)]",
            draw,
            weight=1,
        ),
    ]
