"""What the grader asks of `clip_by_value`: entries moved into the bounds, in the arrays that were given."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Misconception, Question


def to_clip(rng: np.random.Generator) -> dict:
    """Gradients of which some are above the bound, some below minus the bound, one on it."""
    bound = float(rng.uniform(0.5, 3))
    gradients = {"U": 9 * rng.standard_normal((4, 5)), "b": 9 * rng.standard_normal(6)}
    gradients["U"][0, :3] = [bound, 40.0, -40.0]
    gradients["b"][:2] = [-1e9, bound / 2]
    return {"gradients": gradients, "bound": bound}


QUESTION = Question(
    cases=[
        Case("the entries that come back", "dict(clip_by_value(gradients, bound))", to_clip, weight=2, core=True),
        Case(
            "the arrays themselves change",
            "held = list(gradients.values()); clip_by_value(gradients, bound); held",
            to_clip,
            weight=2,
            core=True,
        ),
        Case(
            "the same dict, holding the same arrays",
            """
held = dict(gradients)
result = clip_by_value(gradients, bound)
(result is gradients, all(gradients[name] is held[name] for name in held), held["b"])
""",
            to_clip,
        ),
        Case(
            "small entries stay as they are, beside large ones",
            "import numpy\nclip_by_value({'a': x, 'b': 1e6 * x}, 5.0)",
            lambda rng: {"x": rng.uniform(-4, 4, (3, 2))},
        ),
    ],
    core="entries that are cut to the bounds in the arrays themselves",
    misconceptions=[
        Misconception(
            "norm",
            "        gradient.clip(-bound, bound, out=gradient)\n",
            "        gradient *= min(1.0, bound / np.linalg.norm(gradient))\n",
            "The array is scaled by its norm: each entry is clipped by itself.",
        ),
        Misconception(
            "upper end only",
            "gradient.clip(-bound, bound, out=gradient)",
            "np.minimum(gradient, bound, out=gradient)",
            "Only the upper end is clipped: entries below -bound become -bound.",
        ),
        Misconception(
            "a copy",
            "        gradient.clip(-bound, bound, out=gradient)\n",
            "        gradient = gradient.clip(-bound, bound)\n",
            "A clipped copy is made and the arrays stay as they were: write into the array itself.",
        ),
        Misconception(
            "a new dict",
            "    return gradients",
            "    return dict(gradients)",
            "Another dict is returned: return the one that was given.",
        ),
    ],
)
