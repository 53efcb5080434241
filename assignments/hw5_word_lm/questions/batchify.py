"""What the grader asks of `batchify`: columns of contiguous text."""

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.programs import refuses

from ._draws import stream

QUESTION = Question(
    cases=[
        Case(
            "columns are contiguous stretches, the remainder is dropped",
            "batchify(ids, 5)",
            lambda rng: {"ids": stream(rng, 38, 1000)},
            weight=2,
            core=True,
        ),
        Case(
            "ids that fill the rows exactly", "batchify(ids, 4)", lambda rng: {"ids": stream(rng, 28, 1000)}, weight=1.5
        ),
        Case(
            "a batch of one, and one row",
            "[batchify(ids, 1), batchify(ids, 7), batchify(ids, 4)]",
            lambda rng: {"ids": stream(rng, 7, 1000)},
        ),
        Case(
            "fewer ids than columns are refused",
            refuses("batchify(ids, value)", "(5, 6, 4, 40)"),
            lambda rng: {"ids": stream(rng, 5, 1000)},
            weight=0.5,
        ),
        Case(
            "the ids stay as they were",
            "(batchify(ids, 3), batchify(ids, 3), ids)",
            lambda rng: {"ids": stream(rng, 11, 1000)},
            weight=0.5,
        ),
    ],
    core="columns that are stretches of the text one after the other",
    misconceptions=[
        Misconception(
            "rows contiguous",
            ".view(batch_size, steps).t().contiguous()",
            ".view(steps, batch_size)",
            "The rows are contiguous text, but the columns should be: lay out (batch_size, steps) first, then "
            "turn it round.",
        ),
        Misconception(
            "batch first",
            ".t().contiguous()",
            "",
            "The shape is (batch_size, steps); the steps should come first: (steps, batch_size).",
        ),
        Misconception(
            "remainder kept",
            "steps = len(ids) // batch_size\n    return ids[: steps * batch_size]",
            "steps = -(-len(ids) // batch_size)\n    return F.pad(ids, (0, steps * batch_size - len(ids)))",
            "The remainder was padded to a whole row; it should be dropped.",
        ),
        Misconception(
            "remainder dropped in front",
            "ids[: steps * batch_size]",
            "ids[len(ids) - steps * batch_size :]",
            "What does not fill a row was dropped at the beginning of the text; it should be dropped at its end.",
        ),
        Misconception(
            "too few ids accepted",
            "if len(ids) < batch_size:",
            "if batch_size < 1:",
            "Fewer ids than columns give no row at all and should be refused with a ValueError.",
        ),
    ],
)
