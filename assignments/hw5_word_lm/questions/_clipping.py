"""Gradients to clip, and the cases that both ways of clipping share."""

from __future__ import annotations

import math

import numpy as np
import torch

# Parameters that hold given gradients ("none" for one without), and the gradients as plain data again.
HELD = """
import torch

def holding(gradients):
    made = []
    for gradient in gradients:
        none = isinstance(gradient, str)
        made.append(torch.nn.Parameter(torch.ones(2, dtype=torch.float64) if none else torch.ones_like(gradient)))
        made[-1].grad = None if none else gradient.clone()
    return made

def held(parameters):
    return [(p.detach(), p.grad) for p in parameters]
"""


def draw_gradients(scale: float, *, missing: bool = False, dtype=np.float64):
    """Gradients of three shapes whose common norm is `scale`; with `missing`, parameters without one among them."""

    def draw(rng: np.random.Generator) -> dict:
        drawn = [rng.standard_normal(shape) for shape in ((3, 4), (5,), (2, 1, 3))]
        norm = math.sqrt(sum(float((g**2).sum()) for g in drawn))
        tensors: list = [torch.from_numpy((scale * g / norm).astype(dtype)) for g in drawn]
        return {"gradients": ["none", tensors[0], "none", *tensors[1:]] if missing else tensors}

    return draw


def clipping(call: str) -> str:
    """A program that holds the gradients, makes the call and gives them back."""
    return f"{HELD}\nmade = holding(gradients)\n{call}\nheld(made)"
