"""What the grader asks of `gru_cell`: one forward step."""

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.cases import pure, reordered

from ._draws import step
from ._libraries import NUMPY_ALONE

FORWARD = """
h_next, _ = gru_cell(x, h, params)
h_next
"""

QUESTION = Question(
    cases=[
        Case("the next state of a batch", FORWARD, step(3, 5, 4), weight=3, core=True),
        Case("a batch of one", FORWARD, step(1, 4, 6)),
        Case("one input and one unit", FORWARD, step(4, 1, 1)),
        Case("from a zero state", FORWARD, step(2, 3, 5, zero=True)),
        Case("gates fully open and fully shut", FORWARD, step(3, 2, 6, saturated=True)),
        pure("gru_cell(x, h, params)[0]", step(2, 4, 3)),
        Case("the entries of params in another order", FORWARD, reordered(step(2, 4, 4)), weight=0.5),
    ],
    core="the next state of a batch",
    misconceptions=[
        Misconception(
            "z the wrong way round",
            "h_next = z * h + (1 - z) * g",
            "h_next = (1 - z) * h + z * g",
            "The update gate is the wrong way round: z multiplies the old state here, and 1 - z the candidate.",
        ),
        Misconception(
            "reset after the product",
            '(r * h) @ params["W_hg"]',
            'r * (h @ params["W_hg"])',
            "The reset gate multiplies h before the matrix product here, (r * h) @ W_hg; after it is torch's variant.",
        ),
        Misconception(
            "no reset",
            '(r * h) @ params["W_hg"]',
            'h @ params["W_hg"]',
            "The candidate looks at h as it is; it should look at r * h, the old state dimmed by the reset gate.",
        ),
        Misconception(
            "reset and update swapped",
            "h_next = z * h + (1 - z) * g",
            'g = np.tanh(x @ params["W_xg"] + (z * h) @ params["W_hg"] + params["b_g"])\n'
            "    h_next = r * h + (1 - r) * g",
            "The two gates have changed places: r belongs into the candidate and z into the mixture.",
        ),
        Misconception(
            "sigmoid for the candidate",
            'g = np.tanh(x @ params["W_xg"] + (r * h) @ params["W_hg"] + params["b_g"])',
            'g = sigmoid(x @ params["W_xg"] + (r * h) @ params["W_hg"] + params["b_g"])',
            "The candidate is squashed by the logistic function; it is no gate, and tanh lets it be negative.",
        ),
    ],
    forbids=NUMPY_ALONE,
)
