"""What the grader asks of `rnn_forward`: the loss and the last state of a sequence."""

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.cases import pure, reordered

from ._draws import network
from ._libraries import NUMPY_ALONE

FORWARD = "loss, h, _ = rnn_forward(params, tokens, h0)\n"

QUESTION = Question(
    cases=[
        Case("loss and last state", FORWARD + "(loss, h)", network(5, 4, 7), weight=3, core=True),
        Case("one step", FORWARD + "(loss, h)", network(3, 6, 1)),
        Case("as many units as classes", FORWARD + "(loss, h)", network(4, 4, 6)),
        Case("a long stream", FORWARD + "(loss, h)", network(6, 5, 300)),
        Case("a zero starting state", FORWARD + "(loss, h)", network(4, 3, 5, start=0.0)),
        Case("tokens in a list", "loss, h, _ = rnn_forward(params, tokens.tolist(), h0)\n(loss, h)", network(4, 5, 6)),
        Case("saturated units and large scores", FORWARD + "(loss, h)", network(5, 4, 9, scale=400.0)),
        pure("tuple(rnn_forward(params, tokens, h0)[:2])", network(4, 3, 6)),
        Case("the entries of params in another order", FORWARD + "(loss, h)", reordered(network(4, 4, 5)), weight=0.5),
    ],
    equivalent=[
        Equivalent(r"tokens = np\.asarray\(tokens\)", "Lists are cut and index as arrays do."),
        Equivalent(r"x = x \+ before", "The rows of `drive` are not read again."),
        Equivalent(r"len\((drive|scores|inputs)\)", "All have a row for each target."),
        Equivalent(r"np\.empty", "Everything that is asked is float64."),
    ],
    core="the loss and the last state of a few steps",
    misconceptions=[
        Misconception(
            "mean over steps",
            "return len(targets) * cross_entropy(scores, targets),",
            "return cross_entropy(scores, targets),",
            "The loss is the mean over the steps: their sum is asked.",
        ),
        Misconception(
            "targets not shifted",
            "tokens[:-1], tokens[1:]",
            "tokens[:-1], tokens[:-1]",
            "Each step's target is its own input: the target is the token that follows.",
        ),
        Misconception(
            "inputs and targets swapped",
            "inputs, targets = tokens[:-1], tokens[1:]",
            "targets, inputs = tokens[:-1], tokens[1:]",
            "Inputs and targets are swapped: the inputs are all tokens but the last, the targets all but the first.",
        ),
        Misconception(
            "starting state ignored",
            "states[0] = h0",
            "states[0] = 0.0",
            "The stream starts from a zero state: h0 is the state before the first step.",
        ),
        Misconception(
            "W transposed",
            'before.dot(params["W"])',
            'params["W"].dot(before)',
            "The state is multiplied by W from the wrong side: it is h W, rows times columns.",
        ),
        Misconception(
            "scores from the old state",
            'states[1:] @ params["V"]',
            'states[:-1] @ params["V"]',
            "The scores are made from the state before the step: o_t comes from h_t.",
        ),
        Misconception(
            "no output bias",
            ' @ params["V"] + params["c"]',
            ' @ params["V"]',
            "The output bias c is missing from the scores.",
        ),
    ],
    builds_on=("cross_entropy",),
    forbids=NUMPY_ALONE,
)
