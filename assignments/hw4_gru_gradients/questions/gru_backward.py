"""What the grader asks of `gru_backward`: the gradient of each array through all steps."""

from autograder.oracle import Equivalent, Misconception, Question
from autograder.oracle.cases import pure, reordered

from ._cases import gradient
from ._draws import sequence
from ._libraries import NUMPY_ALONE

QUESTION = Question(
    cases=[
        gradient(
            "several steps", sequence(5, 3, 2, 4), "dict(gru_backward(xs, targets, h0, params))", weight=3, core=True
        ),
        gradient("a single step", sequence(1, 2, 4, 3), "dict(gru_backward(xs, targets, h0, params))"),
        gradient("two steps", sequence(2, 4, 3, 2), "dict(gru_backward(xs, targets, h0, params))"),
        gradient(
            "a batch of one, from a zero state",
            sequence(4, 1, 3, 5, zero=True),
            "dict(gru_backward(xs, targets, h0, params))",
        ),
        gradient("many steps", sequence(30, 2, 3, 5), "dict(gru_backward(xs, targets, h0, params))"),
        gradient(
            "without going forward for each entry of each array",
            sequence(6, 2, 3, 2),
            """
calls, forward = [], gru_cell
gru_backward.__globals__["gru_cell"] = lambda *given: calls.append(1) or forward(*given)
try:
    gradients = dict(gru_backward(xs, targets, h0, params))
finally:
    gru_backward.__globals__["gru_cell"] = forward
(gradients, "too many steps forward" if len(calls) > len(xs) ** 2 else "few steps forward")
""",
            weight=0.5,
        ),
        pure("dict(gru_backward(xs, targets, h0, params))", sequence(3, 2, 4, 3), relative=1e-6),
        gradient(
            "the entries of params in another order",
            reordered(sequence(3, 2, 4, 4)),
            "dict(gru_backward(xs, targets, h0, params))",
            weight=0.5,
        ),
    ],
    equivalent=[
        Equivalent(r"two lines exchanged: for x in xs", "What is summed up may be made before."),
        Equivalent(r"states\.append\(h_next\); caches", "Both lists grow by one."),
        Equivalent(r"total\[name\] = total\[name\] \+", "Nobody else holds the array."),
        Equivalent(r"for name in (params|gradients)", "They have the same names."),
        Equivalent(r"range\(len\((targets|caches)\)\)", "There is one for each step."),
        Equivalent(r"np\.zeros_like\(h_next\)", "It has the shape of h0."),
    ],
    core="the gradient of all losses through all steps",
    misconceptions=[
        Misconception(
            "last step only",
            "for t in reversed(range(len(xs))):",
            "for t in [len(xs) - 1]:",
            "This is the gradient of the last step alone; the weights are used at every step, and every use adds.",
        ),
        Misconception(
            "nothing carried back",
            "states[t + 1] - targets[t] + dh",
            "states[t + 1] - targets[t]",
            "What a later step sends back to the state is not added: each step only sees its own loss.",
        ),
        Misconception(
            "last loss only",
            "states[t + 1] - targets[t] + dh",
            "(states[t + 1] - targets[t] if t == len(xs) - 1 else dh)",
            "Only the last step's loss goes back; every step's own difference h_t - y_t has to join on the way.",
        ),
        Misconception(
            "gradients replaced",
            "total[name] += gradients[name]",
            "total[name] = gradients[name]",
            "The gradients of each step replace those of the step before; they add up.",
        ),
        Misconception(
            "mean over the batch",
            "states[t + 1] - targets[t] + dh",
            "(states[t + 1] - targets[t]) / len(h0) + dh",
            "These are means over the batch; the loss is a sum over the examples, and so is its gradient.",
        ),
        Misconception(
            "mean over the steps",
            "total[name] += gradients[name]",
            "total[name] += gradients[name] / len(xs)",
            "These are means over the steps; the loss is a sum over the steps, and so is its gradient.",
        ),
        Misconception(
            "steps in forward order",
            "for t in reversed(range(len(xs))):",
            "for t in range(len(xs)):",
            "The backward loop runs from the first step to the last; a gradient comes from the end.",
        ),
        Misconception(
            "difference doubled",
            "states[t + 1] - targets[t] + dh",
            "2 * (states[t + 1] - targets[t]) + dh",
            "The differences go back twice as large: with the half in the loss its derivative is h_t - y_t.",
        ),
        Misconception(
            "wrong sign",
            "states[t + 1] - targets[t] + dh",
            "targets[t] - states[t + 1] + dh",
            "All gradients have the wrong sign: the derivative of the loss by h_t is h_t - y_t.",
        ),
        Misconception(
            "difference of the state before",
            "states[t + 1] - targets[t] + dh",
            "states[t] - targets[t] + dh",
            "The differences are taken with the state before each step; the target belongs to the state after it.",
        ),
    ],
    builds_on=("gru_cell", "gru_cell_backward"),
    forbids=NUMPY_ALONE,
)
