"""What the grader asks of `gru_cell_torch`: one forward step of torch's variant."""

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.cases import pure, reordered

from ._draws import NAMES, step

TEN = (*NAMES, "b_hg")
VARIANT = "gru_cell_torch(x, h, params)"

QUESTION = Question(
    cases=[
        Case("the next state of a batch", VARIANT, step(3, 5, 4, names=TEN), weight=3, core=True),
        Case("a batch of one", VARIANT, step(1, 4, 6, names=TEN)),
        Case("from a zero state, where only the biases speak for h", VARIANT, step(2, 3, 5, zero=True, names=TEN)),
        Case("gates fully open and fully shut", VARIANT, step(3, 2, 6, saturated=True, names=TEN)),
        pure(VARIANT, step(2, 4, 3, names=TEN)),
        Case("the entries of params in another order", VARIANT, reordered(step(2, 4, 4, names=TEN)), weight=0.5),
    ],
    core="the next state by torch's parameters",
    misconceptions=[
        Misconception(
            "reset before the product",
            'params["b_g"] + r * (h @ params["W_hg"] + params["b_hg"])',
            'params["b_g"] + (r * h) @ params["W_hg"] + params["b_hg"]',
            "This is the course's own order, (r * h) @ W_hg; torch multiplies by r after the matrix product.",
        ),
        Misconception(
            "second bias outside the reset",
            'r * (h @ params["W_hg"] + params["b_hg"])',
            'r * (h @ params["W_hg"]) + params["b_hg"]',
            "The second bias b_hg is added outside of the reset; torch adds it before r multiplies.",
        ),
        Misconception(
            "second bias forgotten",
            'r * (h @ params["W_hg"] + params["b_hg"])',
            'r * (h @ params["W_hg"])',
            "The second bias of the candidate, b_hg, is missing.",
        ),
        Misconception(
            "the two biases exchanged",
            'params["b_g"] + r * (h @ params["W_hg"] + params["b_hg"])',
            'params["b_hg"] + r * (h @ params["W_hg"] + params["b_g"])',
            "The biases b_g and b_hg are exchanged: b_hg belongs to the state's product, inside the reset.",
        ),
        Misconception(
            "first bias inside the reset too",
            'params["b_g"] + r * (h @ params["W_hg"] + params["b_hg"])',
            'r * (h @ params["W_hg"] + params["b_g"] + params["b_hg"])',
            "The bias b_g of the input's product is inside the reset too; only b_hg belongs there.",
        ),
        Misconception(
            "z the wrong way round",
            "return z * h + (1 - z) * g",
            "return (1 - z) * h + z * g",
            "The update gate is the wrong way round: in torch, too, z multiplies the old state.",
        ),
    ],
)
