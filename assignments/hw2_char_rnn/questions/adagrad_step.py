"""What the grader asks of `adagrad_step`: a step and the memory that it leaves."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.cases import reordered


def to_step(scale: float):
    """A draw of parameters, gradients and a memory, with zeros among them."""

    def draw(rng: np.random.Generator) -> dict:
        shapes = {"U": (4, 3), "W": (3, 3), "b": (3,)}
        gradients = {name: scale * rng.standard_normal(shape) for name, shape in shapes.items()}
        gradients["W"][1] = 0.0
        memory = {name: scale**2 * rng.uniform(0, 4, shape) for name, shape in shapes.items()}
        memory["W"][:2] = 0.0
        return {
            "params": {name: rng.standard_normal(shape) for name, shape in shapes.items()},
            "gradients": gradients,
            "memory": memory,
            "rate": float(rng.uniform(0.05, 0.2)),
        }

    return draw


ADAGRAD = "adagrad_step(params, gradients, memory, rate)"

QUESTION = Question(
    cases=[
        Case("one step", f"{ADAGRAD}; (params, memory)", to_step(1.0), weight=2, core=True),
        Case("gradients so small that the 1e-8 counts", f"{ADAGRAD}; (params, memory)", to_step(1e-4)),
        Case("large gradients", f"{ADAGRAD}; (params, memory)", to_step(1e3)),
        Case(
            "three steps, the memory growing",
            "for factor in (1.0, -2.0, 0.5):\n    gradients = {n: factor * g for n, g in gradients.items()}\n"
            f"    {ADAGRAD}\n(params, memory)",
            to_step(1.0),
            weight=2,
            core=True,
        ),
        Case(
            "the arrays themselves change, the gradients do not",
            f"""
held = list(params.values()), list(memory.values())
before = {{name: g.copy() for name, g in gradients.items()}}
{ADAGRAD}
(held, all(bool((before[name] == gradients[name]).all()) for name in before))
""",
            to_step(2.0),
        ),
        Case(
            "the entries of gradients in another order",
            f"{ADAGRAD}; (params, memory)",
            reordered(to_step(1.0), "gradients"),
            weight=0.5,
        ),
    ],
    core="a memory that grows from step to step",
    misconceptions=[
        Misconception(
            "memory replaced",
            "memory[name] += gradient * gradient",
            "memory[name][...] = gradient * gradient",
            "The memory is replaced by the last squares: it is the sum of all of them.",
        ),
        Misconception(
            "no squares",
            "memory[name] += gradient * gradient",
            "memory[name] += np.abs(gradient)",
            "The memory sums the gradients' sizes: it is the sum of their squares.",
        ),
        Misconception(
            "no root",
            "np.sqrt(memory[name] + 1e-8)",
            "(memory[name] + 1e-8)",
            "The step is divided by the memory: divide by its root.",
        ),
        Misconception(
            "outside the root",
            "np.sqrt(memory[name] + 1e-8)",
            "(np.sqrt(memory[name]) + 1e-8)",
            "The 1e-8 is added outside of the root: it stands under it.",
        ),
        Misconception(
            "uphill",
            "params[name] -= learning_rate",
            "params[name] += learning_rate",
            "The step goes uphill: subtract it.",
        ),
        Misconception(
            "new arrays",
            "params[name] -= learning_rate * gradient / np.sqrt(memory[name] + 1e-8)",
            "params[name] = params[name] - learning_rate * gradient / np.sqrt(memory[name] + 1e-8)",
            "New arrays are put into the dict: the arrays themselves must change, in place.",
        ),
    ],
)
