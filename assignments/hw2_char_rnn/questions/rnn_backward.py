"""What the grader asks of `rnn_backward`: the gradient of each array through all steps."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.cases import pure, reordered
from autograder.oracle.programs import SLOPE

from ._draws import network
from ._libraries import BY_TEXT, BY_TORCH, DIFFERENCES, NUMPY_ALONE

BACKWARD = "_, _, cache = rnn_forward(params, tokens, h0)\n"
GRADIENTS = BACKWARD + "dict(rnn_backward(params, cache))"


def long_run(rng: np.random.Generator) -> dict:
    """A stream whose gradients are far larger than any usual clipping bound."""
    drawn = network(3, 4, 400, scale=0.3)(rng)
    return drawn | {"tokens": np.where(rng.random(401) < 0.9, 1, drawn["tokens"])}


BY_DIFFERENCES = (
    SLOPE
    + """
own_forward = rnn_forward

def rnn_forward(params, tokens, h0):
    loss, h, _ = own_forward(params, tokens, h0)
    return loss, h, (tokens, h0.copy())

def rnn_backward(params, cache):
    def loss():
        return own_forward(params, *cache)[0]
    return {name: slope(loss, array) for name, array in params.items()}
"""
)

QUESTION = Question(
    cases=[
        Case("a few steps", GRADIENTS, network(6, 4, 5), weight=3, absolute=1e-10, core=True),
        Case("one step", GRADIENTS, network(4, 3, 1), absolute=1e-10),
        Case("one step from a zero state", GRADIENTS, network(3, 5, 1, start=0.0), absolute=1e-10),
        Case("many steps, characters that repeat", GRADIENTS, network(3, 5, 40), weight=2, absolute=1e-9, core=True),
        Case("as many units as classes", GRADIENTS, network(4, 4, 6), absolute=1e-10),
        Case("gradients far above 5, not clipped", GRADIENTS, long_run, absolute=1e-8),
        Case("saturated units and large scores", GRADIENTS, network(4, 3, 12, scale=60.0), absolute=1e-9),
        pure(
            "dict(rnn_backward(params, cache))",
            network(4, 3, 7),
            setup="_, _, cache = rnn_forward(params, tokens, h0)\n",
            relative=1e-6,
        ),
        Case(
            "back without going forward again",
            BACKWARD
            + """
calls, forward = [], rnn_forward
rnn_backward.__globals__["rnn_forward"] = lambda *given: calls.append(1) or forward(*given)
try:
    gradients = dict(rnn_backward(params, cache))
finally:
    rnn_backward.__globals__["rnn_forward"] = forward
(gradients, "forward again" if len(calls) > 1 else "once at most")
""",
            network(4, 3, 9),
            weight=0.5,
            relative=1e-6,
        ),
        Case(
            "the last state is changed in between, and another text is read",
            "_, h, cache = rnn_forward(params, tokens, h0)\nh += 1\n"
            "rnn_forward(params, tokens[::-1].copy(), h0)\ndict(rnn_backward(params, cache))",
            network(5, 3, 6),
            weight=0.5,
            relative=1e-6,
        ),
        Case(
            "the entries of params in another order", GRADIENTS, reordered(network(4, 4, 5)), weight=0.5, absolute=1e-10
        ),
    ],
    equivalent=[
        Equivalent(r"do\[steps, targets\] - 1", "In place or not, the same entries change."),
        Equivalent(r"two lines exchanged: for here, s", "The table of ones does not depend on the states."),
        Equivalent(r"later = here; here \*= s$", "`later` is the same array, which the next line scales."),
        Equivalent(
            r"came = np\.zeros", "The table holds zeros and ones in any dtype, and all of these have as many entries."
        ),
        Equivalent(
            r"later = np\.zeros_like", "All of these are rows of hidden units, and zeros have no values of theirs."
        ),
        Equivalent(r"steps = np\.arange", "Inputs and scores are as many as the targets."),
    ],
    core="the gradient through all steps",
    misconceptions=[
        Misconception(
            "torch computes it",
            "    inputs, targets, states, scores = cache\n",
            """    inputs, targets, states, scores = cache
    leaves = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    h, loss = torch.tensor(states[0]), 0.0
    for x, y in zip(inputs.tolist(), targets.tolist()):
        h = torch.tanh(leaves["U"][x] + h @ leaves["W"] + leaves["b"])
        loss = loss - torch.log_softmax(h @ leaves["V"] + leaves["c"], 0)[y]
    loss.backward()
    return {name: leaf.grad.numpy() for name, leaf in leaves.items()}
""",
            BY_TORCH,
            unseen=BY_TEXT,
        ),
        Misconception(
            "nothing through time",
            '        here += params["W"].dot(later)\n',
            "",
            "No gradient comes back from the next step: each state is also used by the step after it, through W.",
        ),
        Misconception(
            "1 - tanh",
            "1 - states[1:] ** 2",
            "1 - states[1:]",
            "The slope of tanh is taken as 1 - h: it is 1 - h squared.",
        ),
        Misconception(
            "slope of the state before",
            "slope = 1 - states[1:] ** 2",
            "slope = 1 - states[:-1] ** 2",
            "The slope of tanh is taken at the state before the step; it belongs to the state that tanh gave.",
        ),
        Misconception(
            "W not transposed",
            'params["W"].dot(later)',
            'later.dot(params["W"])',
            "The gradient goes back through W, not through its transpose: it is the next step's times W^T.",
        ),
        Misconception(
            "y - p",
            "    do[steps, targets] -= 1\n",
            "    do[steps, targets] -= 1\n    do *= -1\n",
            "The gradient of the scores has the wrong sign: it is p - y.",
        ),
        Misconception(
            "repeated characters lost",
            '"U": came @ da,',
            '"U": np.array([da[inputs == k][-1] if k in inputs else 0 * da[0] for k in range(len(came))]),',
            "Where a character comes more than once, only one of its gradients is kept in dU: they add up.",
        ),
        Misconception(
            "new states for W",
            '"W": states[:-1].T @ da',
            '"W": states[1:].T @ da',
            "W's gradient is made with the states after each step: W multiplies the state before it.",
        ),
        Misconception(
            "mean over steps",
            '"c": do.sum(axis=0)',
            '"c": do.mean(axis=0)',
            "A bias's gradient is averaged over the steps: the loss is a sum, so the gradients add up.",
        ),
        Misconception(
            "clipped inside",
            "    do[steps, targets] -= 1\n",
            "    do[steps, targets] -= 1\n    do = do.clip(-0.5, 0.5)\n",
            "Something is clipped on the way back: the gradients are asked as they are.",
        ),
        Misconception(
            "slope forgotten",
            "        here *= s\n",
            "",
            "The slope of tanh is missing: multiply by 1 - h squared before going on.",
        ),
        Misconception(
            "one step back in time",
            '        here += params["W"].dot(later)\n        here *= s\n        later = here\n',
            '        own = here * s\n        here += params["W"].dot(later)\n        here *= s\n        later = own\n',
            "The gradient goes back by one step only: what a step sends back must hold what came to it from "
            "later steps.",
        ),
    ],
    builds_on=("softmax", "rnn_forward"),
    by_differences=BY_DIFFERENCES,
    forbids=(*NUMPY_ALONE, *DIFFERENCES),
)
