"""What the grader asks of `numerical_gradient`: central differences for each entry, the array left as it was."""

from __future__ import annotations

from autograder.oracle import Case, Equivalent, Misconception, Question


def cubic(*shape: int):
    """A draw of a point and of the coefficients of a cubic."""
    return lambda rng: {"x": rng.standard_normal(shape), "A": rng.standard_normal(shape), "h": rng.uniform(0.05, 0.3)}


DIFFERENCES = {"relative": 1e-6, "absolute": 1e-8}

QUESTION = Question(
    cases=[
        Case(
            "a cubic, with a large h",
            "numerical_gradient(lambda v: float((A * v**3).sum()), x, h)",
            cubic(3, 4),
            weight=2,
            **DIFFERENCES,
            core=True,
        ),
        Case("a vector", "numerical_gradient(lambda v: float((A * v**3).sum()), x, h)", cubic(5), **DIFFERENCES),
        Case(
            "three axes", "numerical_gradient(lambda v: float((A * v**3).sum()), x, h)", cubic(2, 3, 2), **DIFFERENCES
        ),
        Case(
            "a small h",
            "import numpy\nnumerical_gradient(lambda v: numpy.sin(v).sum(), x, 1e-5)",
            cubic(4, 2),
            relative=1e-6,
            absolute=1e-7,
        ),
        Case(
            "an f that holds x itself",
            "numerical_gradient(lambda _: float((A * x**3).sum()), x, h)",
            cubic(2, 4),
            weight=2,
            **DIFFERENCES,
            core=True,
        ),
        Case(
            "an f that holds x, which is a sliced and transposed view",
            "view = x.T[::2, ::-1]; numerical_gradient(lambda _: float((A.T[::2, ::-1] * view**3).sum()), view, h)",
            cubic(5, 4),
            weight=2,
            **DIFFERENCES,
        ),
        Case(
            "x afterwards, bit for bit",
            """
import numpy
x[0, 0] = -0.0
before = x.copy()
results = numerical_gradient(lambda v: float((A * v**3).sum()), x, h)
(results, x.tobytes() == before.tobytes(), numpy.round((x - before) / h))
""",
            cubic(6, 5),
            **DIFFERENCES,
            core=True,
        ),
    ],
    equivalent=[
        Equivalent(r"gradient\.shape", "The gradient has the shape of x."),
        Equivalent(r"two lines exchanged: x\[index\] = old", "The entry is put back either way."),
        Equivalent(r"np\.ones\(x\.shape\)", "Every entry is set."),
    ],
    core="central differences that move x itself and put it back",
    misconceptions=[
        Misconception(
            "forward differences",
            "x[index] = old - h",
            "x[index] = old; h_sides = 1",
            "The difference goes to one side only: move the entry to either side and divide by 2 h.",
        ),
        Misconception(
            "divided by h",
            "(above - below) / (2 * h)",
            "(above - below) / h",
            "The difference is divided by h: the two points are 2 h apart.",
        ),
        Misconception(
            "a flat view",
            "    gradient = np.zeros(x.shape)\n",
            "    gradient, x = np.zeros(x.shape), x.reshape(-1).reshape(x.shape)\n",
            "x is flattened first, which copies it for some memory layouts: index x itself.",
        ),
        Misconception(
            "a copy moves",
            "    gradient = np.zeros(x.shape)\n",
            "    gradient = np.zeros(x.shape)\n    x = x.copy()\n",
            "A copy of x is moved, not x itself: an f that holds x then sees no change.",
        ),
        Misconception(
            "added and subtracted back",
            "        x[index] = old\n",
            "        x[index] += h\n",
            "x is brought back by arithmetic, which rounds: keep the old value and put it back.",
        ),
        Misconception(
            "not put back",
            "        x[index] = old\n",
            "",
            "Moved entries are not put back before the next one is moved: restore each at once.",
        ),
    ],
)
