"""What the grader asks of `lstm_sequence`: all hidden states and the last pair of states."""

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.cases import pure

from ._draws import sequence

RUN = """
outputs, (h, c) = lstm_sequence(xs, h0, c0, params)
(outputs, h, c)
"""

QUESTION = Question(
    cases=[
        Case("several steps", RUN, sequence(5, 3, 2, 4), weight=3, core=True),
        Case("a single step", RUN, sequence(1, 2, 4, 3)),
        Case("a batch of one, from zero states", RUN, sequence(4, 1, 3, 5, zero=True)),
        Case("many steps", RUN, sequence(40, 2, 3, 4)),
        Case(
            "two pieces with the states passed on",
            "first, (h, c) = lstm_sequence(xs[:2], h0, c0, params)\n"
            "second, (h, c) = lstm_sequence(xs[2:], h, c, params)\n"
            "(first, second, h, c)",
            sequence(5, 2, 4, 3),
        ),
        pure("(lambda hs, last: (hs, *last))(*lstm_sequence(xs, h0, c0, params))", sequence(3, 2, 3, 5)),
    ],
    core="all states of several steps",
    misconceptions=[
        Misconception(
            "state not carried",
            "h, c = lstm_cell(x, h, c, params)",
            "h, c = lstm_cell(x, h0, c0, params)",
            "Every step starts from h0 and c0; the states of one step must go into the next.",
        ),
        Misconception(
            "cell state not carried",
            "h, c = lstm_cell(x, h, c, params)",
            "h, c = lstm_cell(x, h, c0, params)",
            "The output h goes into the next step, but the cell state starts from c0 each time.",
        ),
        Misconception(
            "cell states for outputs",
            "outputs.append(h)",
            "outputs.append(c)",
            "The outputs are the cell states c; what the rest of the network sees is h.",
        ),
        Misconception(
            "outputs of the states before",
            "        h, c = lstm_cell(x, h, c, params)\n        outputs.append(h)",
            "        outputs.append(h)\n        h, c = lstm_cell(x, h, c, params)",
            "The outputs begin with h0 and lack the last one; each step's output is the h after it.",
        ),
        Misconception(
            "batch first",
            "return np.stack(outputs), (h, c)",
            "return np.stack(outputs, axis=1), (h, c)",
            "The outputs have the batch in front; sequences are (steps, batch, hidden) here.",
        ),
        Misconception(
            "states in the other order",
            "np.stack(outputs), (h, c)",
            "np.stack(outputs), (c, h)",
            "The last states come back as (c, h); the pair is (h, c), as in torch.",
        ),
    ],
    builds_on=("lstm_cell",),
)
