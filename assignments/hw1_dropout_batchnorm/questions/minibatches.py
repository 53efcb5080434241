"""What the grader asks of `minibatches`: every row once, in an order drawn from the generator that is passed."""

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.programs import numpy_numbers

from ._draws import seed
from ._judging import MISCOUNTED, off, parts


def numbers(value, count):
    """Whether a value is a list of so many whole numbers."""
    return isinstance(value, list) and len(value) == count and all(type(n) is int for n in value)


FURTHER_SIZES = ((12, 4), (7, 1), (5, 9), (0, 3))  # rows and size of a batch


def draw_batches(rng):
    return {"s": seed(rng), "rows": int(rng.integers(40, 60)), "size": int(rng.integers(7, 12))}


def judge_partition(answer, inputs, solution):
    asked = [(inputs["rows"], inputs["size"]), *FURTHER_SIZES]
    if not parts(answer, len(asked)):
        return MISCOUNTED
    for (rows, size), batches in zip(asked, answer, strict=True):
        if not isinstance(batches, list) or not all(isinstance(b, list) and numbers(b, len(b)) for b in batches):
            return "batches of row numbers were expected"
        if sorted(i for batch in batches for i in batch) != list(range(rows)):
            return "not every row number is in exactly one batch"
        if [len(batch) for batch in batches] != [min(size, rows - start) for start in range(0, rows, size)]:
            return "the sizes of the batches are wrong"
    return None


def judge_shuffled(answer, inputs, solution):
    if not parts(answer, 4) or not parts(answer[3], 3000) or not all(numbers(pair, 2) for pair in answer[3]):
        return MISCOUNTED
    first, again, second, pairs = answer
    if not all(numbers(order, 40) and set(order) == set(range(40)) for order in (first, again, second)):
        return "not every row number is in exactly one batch"
    if first != again:
        return "the same state of rng gave other batches: draw from rng alone"
    if first == second:
        return "two calls with the same generator gave the same order"
    if any(off(sum(pair[0] == row for pair in pairs), 3000, 0.2) for row in range(5)):
        return "some rows come first more often than others"
    together = [set(pair) for pair in pairs]
    if any(off(together.count({one, other}), 3000, 0.1) for one in range(5) for other in range(one)):
        return (
            "some rows share a batch more often than others: every order of the rows should be as likely as any other"
        )
    return None


QUESTION = Question(
    cases=[
        Case(
            "every row once, in batches of the right sizes",
            "import numpy as np\n"
            f"sizes = [(rows, size), *{FURTHER_SIZES}]\n"
            "[[[int(i) for i in batch] for batch in minibatches(n, b, np.random.default_rng(s))] for n, b in sizes]",
            draw_batches,
            judge=judge_partition,
            core=True,
        ),
        Case(
            "shuffled by the generator that is passed",
            "import numpy as np\n"
            "def order(rng, n=40, b=7):\n    return [int(i) for batch in minibatches(n, b, rng) for i in batch]\n"
            "rng = np.random.default_rng(s)\n"
            "first, second = order(rng), order(rng)\n"
            "pairs = [order(rng, 5, 2)[:2] for _ in range(3000)]\n"
            "(first, order(np.random.default_rng(s)), second, pairs)",
            draw_batches,
            judge=judge_shuffled,
            core=True,
        ),
        Case(
            "a ValueError for a batch size under 1",
            "import numpy as np\n"
            "def kind(size):\n"
            "    try:\n        return sum(len(b) for b in minibatches(6, size, np.random.default_rng(s)))\n"
            "    except ValueError:\n        return 'ValueError'\n"
            "[kind(0), kind(-2), kind(1)]",
            draw_batches,
            weight=0.5,
        ),
        Case(
            "numbers of numpy",
            numpy_numbers("rows", "size")
            + "[len(batch) for batch in minibatches(rows, size, numpy.random.default_rng(s))]",
            draw_batches,
            weight=0.5,
        ),
    ],
    equivalent=[
        Equivalent(r"batch_size < 0", "A size of 0 is refused all the same: range takes no step of 0."),
    ],
    core="every row once, in an order drawn anew",
    misconceptions=[
        Misconception(
            "rows not shuffled",
            "rng.permutation(rows)",
            "np.arange(rows)",
            "The rows come in their old order: shuffle them with rng.",
        ),
        Misconception(
            "rotated",
            "rng.permutation(rows)",
            "np.roll(np.arange(rows), rng.integers(max(rows, 1)))",
            "The rows keep their old order and only begin elsewhere: shuffle them with rng.",
        ),
        Misconception(
            "remainder dropped",
            "range(0, rows, batch_size)",
            "range(0, rows - batch_size + 1, batch_size)",
            "The rows that do not fill a batch are dropped: the last batch is smaller.",
        ),
        Misconception(
            "drawn with repetition",
            "rng.permutation(rows)",
            "rng.integers(0, max(rows, 1), rows)",
            "Row numbers are drawn with repetition: in an epoch every row comes once.",
        ),
        Misconception(
            "negative batch size accepted",
            "batch_size < 1",
            "batch_size == 0",
            "A negative batch size gives no batches: it needs a ValueError, as 0 does.",
        ),
    ],
)
