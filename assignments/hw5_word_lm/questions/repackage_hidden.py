"""What the grader asks of `repackage_hidden`: states with the same values and without their history."""

from __future__ import annotations

import numpy as np
import torch

from autograder.oracle import Case, Misconception, Question

SEEN = """
import torch

def seen(h, before):
    if isinstance(h, torch.Tensor):
        return (h, h.requires_grad, h.grad_fn is None)
    if isinstance(h, tuple):
        return tuple(seen(part, old) for part, old in zip(h, before, strict=True))
    return type(h).__name__
"""


def draw_state(rng: np.random.Generator) -> dict:
    """Leaves to make states from."""
    return {name: torch.from_numpy(rng.standard_normal((2, 3, 4))) for name in ("a", "b", "c")}


QUESTION = Question(
    cases=[
        Case(
            "a tensor: same values, no history",
            f"{SEEN}\nstate = a.requires_grad_() * 3\nseen(repackage_hidden(state), state)",
            draw_state,
            weight=2,
            core=True,
        ),
        Case(
            "a pair of tensors, as an LSTM has it",
            f"{SEEN}\nstate = (a.requires_grad_() * 3, b.requires_grad_().tanh())\n"
            "seen(repackage_hidden(state), state)",
            draw_state,
            weight=2,
            core=True,
        ),
        Case(
            "tuples within tuples",
            f"{SEEN}\nstate = ((a.requires_grad_() * 3, (b.requires_grad_() + 1,)), c.requires_grad_().exp())\n"
            "seen(repackage_hidden(state), state)",
            draw_state,
        ),
        Case(
            "no copy: the values stay in the memory where they are",
            f"{SEEN}\nstate = (a.requires_grad_() * 3, b * 2)\n"
            "[(cut, cut.data_ptr() == old.data_ptr()) for cut, old in zip(repackage_hidden(state), state)]",
            draw_state,
            weight=0.5,
        ),
        Case(
            "a leaf that wants a gradient, and a tensor without history",
            f"{SEEN}\n(seen(repackage_hidden(a.requires_grad_()), a), seen(repackage_hidden(b), b))",
            draw_state,
            weight=0.5,
        ),
        Case(
            "the state that was given keeps its history",
            f"{SEEN}\na.requires_grad_()\nstate = a * a\ncut = repackage_hidden(state)\n"
            "if state.requires_grad:\n    state.sum().backward()\n(seen(cut, state), state.requires_grad, a.grad)",
            draw_state,
            weight=0.5,
        ),
    ],
    core="states that keep their values and lose their history",
    misconceptions=[
        Misconception(
            "no detach",
            "h.detach()",
            "h",
            "The state still hangs on the graph that made it, so the backward pass would run through all earlier "
            "segments.",
        ),
        Misconception(
            "zeros",
            "h.detach()",
            "torch.zeros_like(h)",
            "A state of zeros came back: the history is to be cut off, the values stay.",
        ),
        Misconception(
            "copied",
            "h.detach()",
            "h.detach().clone()",
            "The values were copied, but the result should share the memory of the state that was given.",
        ),
        Misconception(
            "a list for a tuple",
            "tuple(repackage_hidden(part) for part in h)",
            "[repackage_hidden(part) for part in h]",
            "A list came back for a tuple, also the state of an LSTM should stay a tuple.",
        ),
        Misconception(
            "in place",
            "h.detach()",
            "h.detach_()",
            "The state that was given lost its own history; a new tensor should be returned instead.",
        ),
        Misconception(
            "only one level of tuples",
            "tuple(repackage_hidden(part) for part in h)",
            "tuple(part.detach() for part in h)",
            "Tuples within tuples are not handled: let the function call itself for each part.",
        ),
    ],
)
