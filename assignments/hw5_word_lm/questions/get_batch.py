"""What the grader asks of `get_batch`: inputs, and targets one row later."""

from __future__ import annotations

import numpy as np
import torch

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.programs import numpy_numbers


def draw_source(rows: int, batch: int):
    """Columns of distinct ids."""

    def draw(rng: np.random.Generator) -> dict:
        return {"source": torch.from_numpy(rng.permutation(rows * batch).reshape(rows, batch))}

    return draw


QUESTION = Question(
    cases=[
        Case(
            "a whole segment",
            "data, targets = get_batch(source, 4, 5)\n(data, targets)",
            draw_source(17, 3),
            weight=2,
            core=True,
        ),
        Case(
            "the last segment is shorter",
            "[tuple(get_batch(source, start, bptt)) for start, bptt in ((9, 5), (11, 2), (11, 35), (0, 100))] "
            "+ [tuple(get_batch(source.repeat(20, 1), 3, 300))]",
            draw_source(13, 4),
            weight=1.5,
        ),
        Case(
            "a batch of one, segments of one step",
            "[tuple(get_batch(source, start, 1)) for start in range(6)]",
            draw_source(7, 1),
            weight=0.5,
        ),
        Case(
            "a segment that ends at the last row",
            "[tuple(get_batch(source, start, 4)) for start in (0, 4)]",
            draw_source(9, 2),
            weight=0.5,
        ),
        Case("the source stays as it was", "(tuple(get_batch(source, 2, 3)), source)", draw_source(8, 3), weight=0.25),
        Case(
            "numbers of numpy",
            numpy_numbers("start", "bptt") + "tuple(get_batch(source, start, bptt))",
            lambda rng: draw_source(13, 2)(rng) | {"start": 4, "bptt": 6},
            weight=0.5,
        ),
    ],
    equivalent=[
        Equivalent(r"start \+ 1 \+ bptt\]", "At the end of the text a slice stops by itself."),
        Equivalent(r"min\(len\(source\)", "The smallest is the same in any order."),
    ],
    core="a segment and its targets one step later",
    misconceptions=[
        Misconception(
            "targets not shifted",
            "source[start + 1 : start + 1 + steps]",
            "source[start : start + steps]",
            "The targets are the inputs themselves; they should be the tokens one row later.",
        ),
        Misconception(
            "flat targets",
            "source[start + 1 : start + 1 + steps]",
            "source[start + 1 : start + 1 + steps].flatten()",
            "The targets are flattened; they should be (steps, batch) as the inputs are.",
        ),
        Misconception(
            "last row read as input",
            "len(source) - 1 - start",
            "len(source) - start",
            "The last row of the source is read as an input although it has no target, so inputs and targets "
            "differ in length.",
        ),
        Misconception(
            "last segment too short",
            "len(source) - 1 - start",
            "len(source) - 2 - start",
            "The last segment lacks a step: the last row of the source is a target.",
        ),
        Misconception(
            "targets two rows later",
            "source[start + 1 : start + 1 + steps]",
            "source[start + 2 : start + 2 + steps]",
            "The targets are two rows later than the inputs; they should be the very next tokens.",
        ),
    ],
)
