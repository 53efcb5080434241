"""What the grader asks of `matched_hidden_size`: the width at which two layers have as many parameters."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.programs import numpy_numbers


def size(rnn_type: str, width: int, words: int, layers: int) -> int:
    """Parameters of an untied WordLM whose embedding is as wide as its layers, to draw ties from."""
    blocks = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}[rnn_type]
    return 2 * words * width + words + layers * blocks * width * (2 * width + 2)


TYPES = ("LSTM", "GRU", "RNN_TANH", "RNN_RELU")


def draw_counts(rng: np.random.Generator) -> dict:
    """Numbers of parameters of models of each type, moved a little, with words and layers."""
    rows = []
    for rnn_type in TYPES:
        for layers in (1, 2, 3):
            words, width = int(rng.integers(20, 300)), int(rng.integers(5, 60))
            gap = size(rnn_type, width + 1, words, layers) - size(rnn_type, width, words, layers)
            near = size(rnn_type, width, words, layers) + int(rng.integers(-gap // 3, gap // 3))
            upper = size(rnn_type, width, words, layers) + gap // 2 + int(rng.integers(1, gap // 4))
            rows += [(rnn_type, near, words, layers), (rnn_type, upper, words, layers)]
        # below a middle by a number that tells a bias too few in each block from the biases of one layer alone
        width = int(rng.integers(30, 60))
        middle = (size(rnn_type, width, 20, 3) + size(rnn_type, width + 1, 20, 3)) // 2
        rows.append((rnn_type, middle - 7 * (size(rnn_type, width, 0, 1) // (2 * width + 2)) // 2, 20, 3))
    return {"rows": rows}


def draw_ties(rng: np.random.Generator) -> dict:
    """Numbers midway between those of two neighbouring widths, and those beside it."""
    rows = []
    for rnn_type in TYPES:
        words, width, layers = int(rng.integers(20, 90)), int(rng.integers(2, 30)), int(rng.integers(1, 4))
        middle = (size(rnn_type, width, words, layers) + size(rnn_type, width + 1, words, layers)) // 2
        rows += [(rnn_type, middle + more, words, layers) for more in (-1, 0, 1)]
    return {"rows": rows}


def draw_literature(rng: np.random.Generator) -> dict:
    """How much to add to the published numbers, and numbers just beyond the middle between two widths."""
    beyond = []
    for rnn_type in TYPES:
        width = int(rng.integers(150, 350))
        middle = (size(rnn_type, width, 10_000, 2) + size(rnn_type, width + 1, 10_000, 2)) // 2
        beyond += [(rnn_type, middle - 2), (rnn_type, middle + 2)]
    return {"more": int(rng.integers(-3000, 3000)), "beyond": beyond}


QUESTION = Question(
    cases=[
        Case(
            "the nearest width for each type, with words and layers",
            "[matched_hidden_size(*row) for row in rows]",
            draw_counts,
            weight=2,
            core=True,
        ),
        Case(
            "the size of the literature: 10,000 words and two layers unless said otherwise",
            "[matched_hidden_size(kind, parameters + more) for kind in ('LSTM', 'GRU', 'RNN_TANH', 'RNN_RELU') "
            "for parameters in (4653200, 4492400, 4170800, 1000000, 12_345_678)] "
            "+ [matched_hidden_size(*row) for row in beyond]",
            draw_literature,
            weight=1.5,
        ),
        Case("the smaller width at a tie", "[matched_hidden_size(*row) for row in rows]", draw_ties),
        Case(
            "at least 1",
            "[matched_hidden_size(kind, parameters, words, 2) for kind in ('LSTM', 'GRU', 'RNN_TANH') "
            "for parameters in (-10, 0, 1, words, 2 * words, 60 * words)]",
            lambda rng: {"words": int(rng.integers(30, 300))},
            weight=0.5,
        ),
        Case(
            "a type that WordLM does not know is refused",
            """
def outcome(kind):
    try:
        width = matched_hidden_size(kind, parameters, 50, 1)
    except ValueError:
        return "ValueError"
    return width

[outcome(kind) for kind in ("LTSM", "RNN", "gru", "", "GRU", "LSTM")]
""",
            lambda rng: {"parameters": int(rng.integers(2000, 9000))},
            weight=0.75,
        ),
        Case(
            "numbers of numpy",
            numpy_numbers("parameters") + "matched_hidden_size('GRU', parameters, 50, 1)",
            lambda rng: {"parameters": int(rng.integers(2000, 9000))},
            weight=0.5,
        ),
    ],
    equivalent=[
        Equivalent(r"< parameters", "At equality the next width is tried and the nearer one taken."),
    ],
    core="the nearest width for each type",
    misconceptions=[
        Misconception(
            "recurrent layers only",
            "return vocab_size * width + recurrent + vocab_size * width + vocab_size",
            "return recurrent",
            "Only the recurrent layers are counted: embedding and decoder grow with the width too.",
        ),
        Misconception(
            "tied",
            "return vocab_size * width + recurrent + vocab_size * width + vocab_size",
            "return vocab_size * width + recurrent + vocab_size",
            "Embedding and decoder are counted as one matrix, but the model is untied.",
        ),
        Misconception(
            "the nearest width, not the nearest number",
            "    width = 1\n    while count(width + 1) <= parameters:\n        width += 1\n"
            "    return width if parameters - count(width) <= count(width + 1) - parameters else width + 1",
            "    a = 2 * num_layers * blocks[rnn_type]\n    b = 2 * vocab_size + a\n"
            "    inside = b * b - 4 * a * (vocab_size - parameters)\n"
            "    return max(1, round((math.sqrt(max(0, inside)) - b) / (2 * a)))",
            "The width at which the numbers are equal was rounded, but N grows faster than the width: compare the "
            "numbers of both neighbours.",
        ),
        Misconception(
            "no decoder bias",
            " + vocab_size * width + vocab_size",
            " + vocab_size * width",
            "The decoder's bias, one number per word, is not counted.",
        ),
        Misconception(
            "one bias per block",
            "(2 * width + 2)",
            "(2 * width + 1)",
            "There is one bias per block in the count; torch has two.",
        ),
        Misconception(
            "biases of one layer",
            "num_layers * blocks[rnn_type] * width * (2 * width + 2)",
            "blocks[rnn_type] * width * (num_layers * 2 * width + 2)",
            "The biases of one recurrent layer are counted; every layer has them.",
        ),
        Misconception(
            "one layer",
            "num_layers * blocks[rnn_type]",
            "blocks[rnn_type]",
            "One recurrent layer is counted whatever num_layers says.",
        ),
        Misconception(
            "four blocks for every type",
            "num_layers * blocks[rnn_type]",
            "num_layers * 4",
            "Every type is counted like an LSTM, with four blocks: a GRU has three and a plain RNN one.",
        ),
        Misconception(
            "rounded down",
            "return width if parameters - count(width) <= count(width + 1) - parameters else width + 1",
            "return width",
            "The largest width that does not exceed the number came back; it should be the nearest one.",
        ),
        Misconception(
            "rounded up",
            "return width if parameters - count(width) <= count(width + 1) - parameters else width + 1",
            "return width if parameters <= count(width) else width + 1",
            "The smallest width whose number is at least the given one came back; it should be the nearest one.",
        ),
        Misconception(
            "the larger at a tie",
            "parameters - count(width) <= count(width + 1) - parameters",
            "parameters - count(width) < count(width + 1) - parameters",
            "At a tie the larger width came back; it should be the smaller one.",
        ),
        Misconception(
            "width 0",
            "    width = 1\n",
            "    width = 0\n",
            "A width of 0 came back; it should be at least 1.",
        ),
        Misconception(
            "unknown type taken for an LSTM",
            "if rnn_type not in blocks:",
            "rnn_type = rnn_type if rnn_type in blocks else 'LSTM'\n    if not rnn_type:",
            "A type that WordLM does not know should be refused with a ValueError.",
        ),
    ],
)
