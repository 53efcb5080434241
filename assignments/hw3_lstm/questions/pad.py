"""What the grader asks of `pad`: sequences of unequal lengths in one array."""

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.cases import pure


def ragged(lengths, *trailing, dtype="float64"):
    """Draws sequences of the given lengths, in an order of their own, and the number to fill in."""

    def draw(rng):
        sequences = [(7 * rng.standard_normal((length, *trailing))).astype(dtype) for length in lengths]
        value = int(rng.integers(50, 99)) + (0 if dtype == "int64" else 0.5)
        return {"sequences": [sequences[k] for k in rng.permutation(len(lengths))], "value": value}

    return draw


PADDED = """
padded, lengths = pad(sequences, value)
(padded, lengths)
"""

QUESTION = Question(
    cases=[
        Case("sequences of whole numbers", PADDED, ragged((5, 2, 3, 1), dtype="int64"), weight=2, core=True),
        Case("sequences of vectors", PADDED, ragged((2, 4, 3), 5), weight=1.5),
        Case("float32, with two further axes", PADDED, ragged((3, 1), 2, 4, dtype="float32")),
        Case(
            "lists of numbers",
            "sequences = [array.tolist() for array in sequences]\n" + PADDED,
            ragged((3, 6, 1, 4, 2), dtype="int64"),
        ),
        Case("a single sequence", PADDED, ragged((4,), 3)),
        Case(
            "an empty sequence of vectors among others",
            "import numpy\nsequences = [*sequences[:1], numpy.zeros((0, 3)), *sequences[1:]]\n" + PADDED,
            ragged((2, 5), 3),
            weight=0.5,
        ),
        Case(
            "an empty list in front of whole numbers, whose dtype counts",
            "sequences = [[], *[array.tolist() for array in sequences]]\n" + PADDED,
            ragged((3, 1, 2), dtype="int64"),
            weight=0.5,
        ),
        Case(
            "an empty list among vectors, and nothing but empty ones",
            "empty, counts = pad([[], []], value)\nsequences = [*sequences[:1], [], *sequences[1:]]\n"
            + PADDED.strip().removesuffix("(padded, lengths)")
            + "(padded, lengths, empty.shape[:2], counts)",
            ragged((2, 4), 3),
            weight=0.5,
        ),
        Case(
            "ValueError for an empty list, and none for others",
            """
def outcome(sequences):
    try:
        padded, lengths = pad(sequences, value)
        return padded, lengths
    except ValueError:
        return "ValueError"
(outcome(sequences), outcome([]))
""",
            ragged((2, 1), dtype="int64"),
            weight=0.5,
        ),
        pure("tuple(pad(sequences, value))", ragged((3, 1, 4), 2)),
    ],
    equivalent=[
        Equivalent(r"two lines exchanged: lengths", "Neither line needs the other."),
        Equivalent(
            r"enumerate\(sequences\)|for array in sequences\]|len\(sequences\), \*telling",
            "numpy takes a list as it takes its array, and they are as many.",
        ),
        Equivalent(r"len\(lengths\), \*telling", "There is a length for each sequence."),
        Equivalent(r"lengths\.max\(axis=", "Lengths have one axis."),
        Equivalent(r"lengths\[0\]|arrays\[-1\]", "The dtype and the further axes of empty sequences are left free."),
        Equivalent(r"<= 0:", "A length is never negative."),
    ],
    core="sequences of different lengths in one padded array",
    misconceptions=[
        Misconception(
            "padding in front",
            "padded[: len(array), row] = array",
            "padded[len(padded) - len(array) :, row] = array",
            "The padding stands in front of the sequences; they begin at step 0 and are filled up at the end.",
        ),
        Misconception(
            "batch first",
            "return padded, lengths",
            "return np.swapaxes(padded, 0, 1), lengths",
            "The sequences lie along the first axis; the steps come first, (steps, batch, ...).",
        ),
        Misconception(
            "always filled with zeros",
            "value, dtype=telling.dtype)",
            "0, dtype=telling.dtype)",
            "The padding is always 0; it should be `value`.",
        ),
        Misconception(
            "dtype of an empty sequence",
            "telling = next((array for array in arrays if len(array)), arrays[0])",
            "telling = arrays[0]",
            "The dtype is the first sequence's even where it is empty; an empty sequence's dtype counts for nothing.",
        ),
        Misconception(
            "dtype of the filling value",
            "value, dtype=telling.dtype)",
            "value)",
            "The batch has the dtype of the filling value, so that with the value 0 numbers are cut to whole ones; "
            "it should have the dtype of the sequences.",
        ),
        Misconception(
            "always floats",
            "value, dtype=telling.dtype)",
            "value, dtype=float)",
            "The batch is always float64; it has the sequences' dtype, and whole numbers stay whole.",
        ),
        Misconception(
            "cut to the shortest",
            "    return padded, lengths",
            "    return padded[: lengths.min()], lengths",
            "The batch is as long as the shortest sequence; nothing is cut off, the short ones are filled up.",
        ),
        Misconception(
            "lengths of the padded sequences",
            "return padded, lengths",
            "return padded, np.full(len(arrays), len(padded))",
            "The lengths are those after padding; asked are the true lengths.",
        ),
        Misconception(
            "sorted by length",
            "    lengths = np.array(",
            "    arrays.sort(key=len, reverse=True)\n    lengths = np.array(",
            "The sequences are sorted by length; they keep the order of the list.",
        ),
        Misconception(
            "empty list let through",
            '        raise ValueError("there must be at least one sequence to pad, got an empty list")',
            "        return np.zeros((0, 0)), np.zeros(0, dtype=int)",
            "An empty list gives an empty batch; it is an error, since the shape of the batch is not known.",
        ),
    ],
)
