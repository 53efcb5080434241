"""What the grader asks of `clip_by_value`: gradients cut off at a bound, entry by entry."""

from autograder.oracle import Case, Misconception, Question

from ._clipping import HELD, clipping, draw_gradients

QUESTION = Question(
    cases=[
        Case(
            "entries beyond the bound on both sides",
            clipping("clip_by_value(made, 0.4)"),
            draw_gradients(3.0),
            2,
            core=True,
        ),
        Case(
            "entries within a wide bound stay, those beyond a narrow one do not",
            f"{HELD}\nsmall, large = holding(gradients), holding(gradients)\n"
            "clip_by_value(small, 6.0)\nclip_by_value(large, 0.5)\n(held(small), held(large))",
            draw_gradients(5.0),
            weight=0.5,
        ),
        Case(
            "an iterable that can be gone through once", clipping("clip_by_value(iter(made), 0.3)"), draw_gradients(4.0)
        ),
        Case(
            "parameters without a gradient are skipped",
            clipping("clip_by_value((p for p in made), 0.2)"),
            draw_gradients(2.0, missing=True),
        ),
    ],
    core="entries that are cut to the bounds",
    misconceptions=[
        Misconception(
            "upper side only",
            "clamp_(-bound, bound)",
            "clamp_(max=bound)",
            "Only large positive entries were cut, those below -bound should be cut too.",
        ),
        Misconception(
            "weights clipped",
            "parameter.grad.clamp_(-bound, bound)",
            "parameter.data.clamp_(-bound, bound)",
            "The weights were clipped; it should be their gradients.",
        ),
        Misconception(
            "clipped by norm",
            "parameter.grad.clamp_(-bound, bound)",
            "parameter.grad.mul_((bound / parameter.grad.norm()).clamp(max=1.0))",
            "The gradients were shortened by their norm; here each entry should be cut for itself.",
        ),
        Misconception(
            "large entries set to zero",
            "parameter.grad.clamp_(-bound, bound)",
            "parameter.grad.mul_(parameter.grad.abs() <= bound)",
            "Entries beyond the bound were set to zero; they should be moved to the bound.",
        ),
    ],
)
