"""What the grader asks of `rnn_backward`: the gradient of each array through all steps."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Misconception, Question

from ._draws import network
from ._libraries import BY_TORCH, NUMPY_ALONE

BACKWARD = "_, _, cache = rnn_forward(params, tokens, h0)\n"
GRADIENTS = BACKWARD + "dict(rnn_backward(params, cache))"


def long_run(rng: np.random.Generator) -> dict:
    """A stream whose gradients are far larger than any usual clipping bound."""
    drawn = network(3, 4, 400, scale=0.3)(rng)
    return drawn | {"tokens": np.where(rng.random(401) < 0.9, 1, drawn["tokens"])}


QUESTION = Question(
    cases=[
        Case("a few steps", GRADIENTS, network(6, 4, 5), weight=3, absolute=1e-10, core=True),
        Case("one step", GRADIENTS, network(4, 3, 1), absolute=1e-10),
        Case("one step from a zero state", GRADIENTS, network(3, 5, 1, start=0.0), absolute=1e-10),
        Case("many steps, characters that repeat", GRADIENTS, network(3, 5, 40), weight=2, absolute=1e-9, core=True),
        Case("as many units as classes", GRADIENTS, network(4, 4, 6), absolute=1e-10),
        Case("gradients far above 5, not clipped", GRADIENTS, long_run, absolute=1e-8),
        Case("saturated units and large scores", GRADIENTS, network(4, 3, 12, scale=60.0), absolute=1e-9),
        Case(
            "the parameters are left as they were, and the cache serves twice",
            """
before = {name: array.copy() for name, array in params.items()}
_, _, cache = rnn_forward(params, tokens, h0)
one = {name: array.copy() for name, array in rnn_backward(params, cache).items()}
two = dict(rnn_backward(params, cache))
(one, two, all(bool((before[name] == params[name]).all()) for name in params))
""",
            network(5, 3, 6),
            weight=0.5,
            absolute=1e-10,
        ),
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
    ],
    builds_on=("softmax", "rnn_forward"),
    forbids=NUMPY_ALONE,
)
