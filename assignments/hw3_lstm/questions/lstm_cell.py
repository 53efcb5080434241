"""What the grader asks of `lstm_cell`: one forward step."""

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.cases import pure, reordered
from autograder.oracle.draws import gate_parameters, saturating

from ._draws import NAMES


def step(batch, input_size, hidden_size, *, zero=False, saturated=False):
    """Draws x, h, c and params of one step, from zero states or with gates that are fully open or shut."""

    def draw(rng):
        params = gate_parameters(rng, NAMES, input_size, hidden_size)
        if saturated:  # half of the units each way; the candidate stays where it can be told apart
            for gate in "ifo":
                params[f"b_{gate}"] = saturating(rng, hidden_size)
        h, c = rng.uniform(-1, 1, (batch, hidden_size)), 1.5 * rng.standard_normal((batch, hidden_size))
        return {
            "x": rng.standard_normal((batch, input_size)),
            "h": 0.0 * h if zero else h,
            "c": 0.0 * c if zero else c,
            "params": params,
        }

    return draw


STEP = """
h_next, c_next = lstm_cell(x, h, c, params)
(h_next, c_next)
"""

QUESTION = Question(
    cases=[
        Case("the next states of a batch", STEP, step(3, 5, 4), weight=3, core=True),
        Case("a batch of one", STEP, step(1, 4, 6)),
        Case("one input and one unit", STEP, step(4, 1, 1)),
        Case("from zero states", STEP, step(2, 3, 5, zero=True)),
        Case("gates fully open and fully shut", STEP, step(3, 2, 6, saturated=True)),
        Case(
            "a cell state far beyond 1",
            STEP,
            lambda rng: step(2, 3, 4)(rng) | {"c": 40.0 * rng.standard_normal((2, 4))},
        ),
        pure("tuple(lstm_cell(x, h, c, params))", step(2, 4, 3)),
        Case("the entries of params in another order", STEP, reordered(step(2, 4, 4)), weight=0.5),
    ],
    core="both next states of a batch",
    misconceptions=[
        Misconception(
            "gates in torch's order read as another",
            'o = sigmoid(x @ params["W_xo"] + h @ params["W_ho"] + params["b_o"])\n'
            '    g = np.tanh(x @ params["W_xg"] + h @ params["W_hg"] + params["b_g"])',
            'o = sigmoid(x @ params["W_xg"] + h @ params["W_hg"] + params["b_g"])\n'
            '    g = np.tanh(x @ params["W_xo"] + h @ params["W_ho"] + params["b_o"])',
            "The weights of the output gate and of the candidate have changed places: torch stacks i, f, g, o.",
        ),
        Misconception(
            "cell state through tanh before it is stored",
            "c_next = i * g + f * c\n    h_next = o * np.tanh(c_next)",
            "c_next = np.tanh(i * g + f * c)\n    h_next = o * c_next",
            "The cell state goes through tanh before it is stored; the tanh stands on the way to the output only.",
        ),
        Misconception(
            "forget and update swapped",
            "c_next = i * g + f * c",
            "c_next = f * g + i * c",
            "Forget and input gate have changed places: f multiplies the old cell state and i the candidate.",
        ),
        Misconception(
            "input gate left out, as in a GRU",
            "c_next = i * g + f * c",
            "c_next = (1 - f) * g + f * c",
            "The candidate is weighted by 1 - f, as in a GRU; the LSTM has a gate of its own for it, i.",
        ),
        Misconception(
            "no tanh on the way out",
            "h_next = o * np.tanh(c_next)",
            "h_next = o * c_next",
            "The output is o * c'; the cell state goes through tanh on its way to the output.",
        ),
        Misconception(
            "output of the old cell state",
            "h_next = o * np.tanh(c_next)",
            "h_next = o * np.tanh(c)",
            "The output shows the old cell state; it is computed from the new one.",
        ),
        Misconception(
            "sigmoid for the candidate",
            'g = np.tanh(x @ params["W_xg"]',
            'g = sigmoid(x @ params["W_xg"]',
            "The candidate is squashed by the logistic function; it is no gate, and tanh lets it be negative.",
        ),
        Misconception(
            "gates that read the cell state",
            'f = sigmoid(x @ params["W_xf"] + h @ params["W_hf"]',
            'f = sigmoid(x @ params["W_xf"] + c @ params["W_hf"]',
            "The forget gate reads the cell state; all four blocks read x and the output h.",
        ),
        Misconception(
            "states returned in the other order",
            "return h_next, c_next",
            "return c_next, h_next",
            "The two states come back in the other order: first the output h', then the cell state c'.",
        ),
    ],
)
