"""Cases that questions of more than one assignment ask in the same way."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograder.oracle.questions import Case, Draw


def pure(call: str, draw: Draw, weight: float = 0.5, setup: str = "", **options: Any) -> Case:
    """A call is made twice: it gives the same, changes none of its inputs, and gives arrays of its own each time."""
    name = "the same when called twice, the arguments left as they were, and nothing shared with them"
    return Case(name, f"{setup}({call}, {call})", draw, weight, pure=True, **options)


def reordered(draw: Draw, *names: str) -> Draw:
    """The same inputs with the entries of their dicts, or of those that are named, in the opposite order."""

    def turned(rng: np.random.Generator) -> dict:
        inputs = dict(draw(rng))
        for name in names or list(inputs):
            if isinstance(inputs[name], dict):
                inputs[name] = dict(reversed(inputs[name].items()))
        return inputs

    return turned
