"""What the grader asks of `clip_by_norm`: gradients scaled to a norm of all of them together."""

import numpy as np

from autograder.oracle import Case, Misconception, Question

from ._clipping import HELD, clipping, draw_gradients

QUESTION = Question(
    cases=[
        Case(
            "a norm above the bound",
            clipping("clip_by_norm(made, 0.7)"),
            draw_gradients(6.0),
            2,
            relative=1e-5,
            core=True,
        ),
        Case(
            "a norm below the bound stays, one above does not",
            f"{HELD}\nsmall, large = holding(gradients), holding(gradients)\n"
            "clip_by_norm(small, 5.0)\nclip_by_norm(large, 4.0)\nnext_to = holding(gradients)\n"
            "clip_by_norm(next_to, 4.2005)\n(held(small), held(large), held(next_to))",
            draw_gradients(4.2),
            weight=1.5,
            relative=1e-6,
            core=True,
        ),
        Case(
            "an iterable that can be gone through once",
            clipping("clip_by_norm(iter(made), 1.3)"),
            draw_gradients(9.0),
            relative=1e-5,
        ),
        Case(
            "parameters without a gradient are skipped",
            clipping("clip_by_norm((p for p in made), 0.25)"),
            draw_gradients(3.0, missing=True),
            relative=1e-5,
        ),
        Case(
            "small and large gradients in float32",
            clipping("clip_by_norm(made, 10.0)"),
            draw_gradients(1e6, dtype=np.float32),
            weight=0.5,
            relative=1e-4,
        ),
        Case(
            "zero gradients stay zero, and no gradient at all is no error",
            f"{HELD}\nmade, none = holding([0 * g for g in gradients]), holding(['none', 'none'])\n"
            "large = holding(gradients)\n"
            "clip_by_norm(made, 1.0)\nclip_by_norm(none, 1.0)\nclip_by_norm([], 1.0)\nclip_by_norm(large, 1.0)\n"
            "(held(made), held(none), held(large))",
            draw_gradients(2.0),
            weight=0.5,
            relative=1e-5,
        ),
    ],
    core="gradients scaled together when their common norm is above the bound, and only then",
    misconceptions=[
        Misconception(
            "norm of each tensor by itself",
            "    for gradient in gradients:\n        gradient.mul_(factor)",
            "    for gradient in gradients:\n        gradient.mul_((bound / gradient.norm()).clamp(max=1.0))",
            "Each tensor was clipped by a norm of its own: there is one norm over all gradients.",
        ),
        Misconception(
            "always scaled to the bound",
            ".clamp(max=1.0)",
            "",
            "Gradients whose norm is below the bound were scaled up to it; they should stay as they are.",
        ),
        Misconception(
            "no square root",
            "torch.stack([gradient.norm() for gradient in gradients]).norm()",
            "torch.stack([gradient.pow(2).sum() for gradient in gradients]).sum()",
            "The sum of squares was taken for the norm: its square root is missing.",
        ),
        Misconception(
            "norms added up",
            "for gradient in gradients]).norm()",
            "for gradient in gradients]).sum()",
            "The norms of the tensors were added up, but it is their squares that add up.",
        ),
        Misconception(
            "iterable gone through twice",
            "    for gradient in gradients:\n        gradient.mul_(factor)",
            "    for parameter in parameters:\n        if parameter.grad is not None:\n"
            "            parameter.grad.mul_(factor)",
            "The parameters are gone through twice, which a generator such as model.parameters() does not allow: "
            "make a list first.",
        ),
        Misconception(
            "clipped by value",
            "gradient.mul_(factor)",
            "gradient.clamp_(-bound, bound)",
            "Each entry was clipped by its value; here the whole gradient should be made shorter.",
        ),
    ],
)
