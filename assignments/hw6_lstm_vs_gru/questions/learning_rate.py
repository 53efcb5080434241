"""What the grader asks of `learning_rate`: a schedule that is flat and then falls."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.programs import numpy_numbers


def draw_schedule(rng: np.random.Generator, flat: int) -> dict:
    """A base, a factor and a number of flat epochs."""
    return {"base": float(rng.uniform(0.5, 30)), "decay": float(rng.uniform(0.6, 0.97)), "flat": flat}


QUESTION = Question(
    cases=[
        Case(
            "flat up to and with the last flat epoch",
            "[learning_rate(epoch, base, flat, decay) for epoch in range(1, flat + 2)]",
            lambda rng: draw_schedule(rng, int(rng.integers(4, 9))),
            weight=1.5,
            core=True,
        ),
        Case(
            "a factor once per epoch after that",
            "[learning_rate(epoch, base, flat, decay) for epoch in (flat + 1, flat + 2, flat + 3, flat + 30)]",
            lambda rng: draw_schedule(rng, int(rng.integers(4, 9))),
            weight=2,
            core=True,
        ),
        Case(
            "no flat epoch, and a single one",
            "[learning_rate(epoch, base, flat, decay) for flat in (0, 1) for epoch in (1, 2, 3, 9)]",
            lambda rng: draw_schedule(rng, 0),
        ),
        Case(
            "the two schedules of the text",
            "[(learning_rate(epoch, 1, 15, 0.98), learning_rate(epoch, base, 14, 1 / 1.15)) "
            "for epoch in (1, 14, 15, 16, 39, 70)]",
            lambda rng: draw_schedule(rng, 0),
            weight=0.5,
        ),
        Case(
            "more flat epochs than epochs, and a decay of 1",
            "[learning_rate(epoch, base, flat, factor) for epoch in (1, 5, 40) "
            "for flat, factor in ((100, decay), (3, 1.0), (40, decay))]",
            lambda rng: draw_schedule(rng, 0),
            weight=0.5,
        ),
        Case(
            "numbers of numpy",
            numpy_numbers("base", "flat", "decay")
            + "[learning_rate(epoch, base, flat, decay) for epoch in numpy.arange(1, 12)]",
            lambda rng: draw_schedule(rng, 5),
            weight=0.5,
        ),
    ],
    equivalent=[Equivalent(r"max\(epoch - flat_epochs, 0\)", "The largest is the same in any order.")],
    core="a rate that is flat first and then decays once per epoch",
    misconceptions=[
        Misconception(
            "decay from the first epoch",
            "max(0, epoch - flat_epochs)",
            "(epoch - 1)",
            "The rate decays from the first epoch on; it should stay at base for the first flat_epochs.",
        ),
        Misconception(
            "decay an epoch late",
            "epoch - flat_epochs",
            "epoch - flat_epochs - 1",
            "The decay begins an epoch too late: epoch flat_epochs + 1 is the first one with a factor.",
        ),
        Misconception(
            "decay an epoch early",
            "epoch - flat_epochs",
            "epoch - flat_epochs + 1",
            "The decay begins an epoch too early: epochs count from 1, and epoch flat_epochs is still at base.",
        ),
        Misconception(
            "no floor under the exponent",
            "max(0, epoch - flat_epochs)",
            "(epoch - flat_epochs)",
            "In the flat epochs the rate is above base: the exponent is negative there and should be 0.",
        ),
        Misconception(
            "one factor in all",
            "decay ** max(0, epoch - flat_epochs)",
            "(decay if epoch > flat_epochs else 1)",
            "The factor is applied once in all; it should be applied once more in every epoch after the flat ones.",
        ),
        Misconception(
            "product for power",
            "decay ** max(0, epoch - flat_epochs)",
            "(decay * (epoch - flat_epochs) if epoch > flat_epochs else 1)",
            "The factor is multiplied by the number of epochs after the flat ones; it should be raised to that power.",
        ),
        Misconception(
            "divided by the factor",
            "base * decay **",
            "base / decay **",
            "The rate is divided by decay, so it grows: multiply by the factor.",
        ),
        Misconception(
            "an exponential of the exponent",
            "decay ** max(0, epoch - flat_epochs)",
            "math.exp(-(1 - decay) * max(0, epoch - flat_epochs))",
            "The rate falls by exp(-(1 - decay)) per epoch, which is near decay for a decay near 1 only; it is "
            "multiplied by "
            "decay.",
        ),
        Misconception(
            "a factor too many",
            "max(0, epoch - flat_epochs)",
            "(epoch - flat_epochs + 1 if epoch > flat_epochs else 0)",
            "The first epoch after the flat ones already has the factor twice: the exponent is epoch - flat_epochs.",
        ),
    ],
)
