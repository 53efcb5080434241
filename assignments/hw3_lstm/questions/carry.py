"""What the grader asks of `carry`: zeros in the rows that start anew, the old state in the others."""

import numpy as np

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.cases import pure


def states(batch, hidden_size, *, dtype="float64", broken=False, start_anew=True):
    """Draws h, c and reset: at least one row of each kind where there are two rows or more; no row without start_anew.

    broken: nan and infinity in the rows that are reset.
    """

    def draw(rng):
        h, c = (rng.standard_normal((batch, hidden_size)).astype(dtype) for _ in range(2))
        reset = rng.permutation([start_anew and k % 2 == 0 for k in range(batch)])
        if broken:
            h[reset], c[reset] = np.nan, np.inf
            c[reset, 0] = -np.inf
        return {"h": h, "c": c, "reset": reset}

    return draw


QUESTION = Question(
    cases=[
        Case("a pair", "carry((h, c), reset)", states(5, 3), weight=2, core=True),
        Case("one array", "carry(h, reset)", states(4, 6), weight=1.5),
        Case("as many units as rows", "(carry((h, c), reset), carry(h, reset))", states(3, 3)),
        Case(
            "one bool for all rows",
            "(carry((h, c), True), carry((h, c), False), carry(h, True), carry(h, False))",
            states(3, 4),
        ),
        Case("a batch of one", "(carry((h, c), reset), carry(c, ~reset))", states(1, 4), weight=0.5),
        Case("a list of bools", "carry((h, c), reset.tolist())", states(4, 3), weight=0.5),
        Case("zeros whatever stood there", "(carry((h, c), reset), carry(c, reset))", states(5, 4, broken=True)),
        Case("float32 stays float32", "(carry((h, c), reset), carry(h, reset))", states(4, 2, dtype="float32"), 0.5),
        pure("(carry((h, c), reset), carry(h, reset))", states(4, 5)),
        pure("(carry((h, c), reset), carry(h, reset))", states(3, 4, start_anew=False)),
    ],
    equivalent=[
        Equivalent(r"\(list, tuple\)", "The order of the types makes no difference."),
    ],
    core="zeros where a row is reset, and its old state where it is not",
    misconceptions=[
        Misconception(
            "the other way round",
            "np.where(rows[:, None], np.zeros_like(state), state)",
            "np.where(rows[:, None], state, np.zeros_like(state))",
            "The rows that should be reset are kept, and the others are set to zero.",
        ),
        Misconception(
            "multiplied by zero",
            "return np.where(rows[:, None], np.zeros_like(state), state)",
            'with np.errstate(invalid="ignore"):\n        return state * ~rows[:, None]',
            "The rows are multiplied by 0, which leaves nan and infinity behind; zero means zero whatever stood there.",
        ),
        Misconception(
            "cell state not reset",
            "return tuple(carry(part, reset) for part in state)",
            "return carry(state[0], reset), state[1].copy()",
            "Only h is reset; the cell state still holds the past of the other text.",
        ),
        Misconception(
            "output not reset",
            "return tuple(carry(part, reset) for part in state)",
            "return state[0].copy(), carry(state[1], reset)",
            "Only the cell state is reset; h still holds the past of the other text.",
        ),
        Misconception(
            "everything reset",
            "rows = np.broadcast_to(reset, len(state))",
            "rows = np.full(len(state), np.any(reset))",
            "All rows are set to zero as soon as one is to be reset.",
        ),
        Misconception(
            "everything kept",
            "rows = np.broadcast_to(reset, len(state))",
            "rows = np.full(len(state), np.all(reset))",
            "All rows are kept unless all are to be reset.",
        ),
        Misconception(
            "columns in place of rows",
            "rows = np.broadcast_to(reset, len(state))\n"
            "    return np.where(rows[:, None], np.zeros_like(state), state)",
            "if np.ndim(reset) and len(reset) != state.shape[1]:\n        reset = np.asarray(reset)[:, None]\n"
            "    return np.where(reset, np.zeros_like(state), state)",
            "Where there are as many units as rows, columns are set to zero: the mask needs the shape (batch, 1).",
        ),
        Misconception(
            "in place",
            "return np.where(rows[:, None], np.zeros_like(state), state)",
            "state[rows] = 0.0\n    return state",
            "The states that were given are changed; the result should be a new one.",
        ),
        Misconception(
            "always float64",
            "np.where(rows[:, None], np.zeros_like(state), state)",
            "np.where(rows[:, None], np.zeros(state.shape), state)",
            "A float32 state comes back as float64: the zeros should have the state's dtype.",
        ),
    ],
)
