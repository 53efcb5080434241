"""What the grader asks of `uniform_init`: every weight drawn anew, uniformly, in place."""

from __future__ import annotations

import numpy as np
import torch

from autograder.oracle import Case, Misconception, Question

from ._draws import seed_of
from ._uniform import (
    BUFFERS_DRAWN,
    FROZEN,
    FROZEN_LEFT,
    MATRICES,
    MATRICES_LEFT,
    MIXED,
    NEW_OBJECTS,
    ONE_SIDED,
    SEEDED,
    VECTORS,
    VECTORS_LEFT,
    buffers_kept,
    by_the_generator,
    drawn_apart,
    drawn_uniformly,
    in_place,
)


def draw_bound(rng: np.random.Generator) -> dict:
    """A bound and a seed."""
    return {"bound": float(rng.uniform(0.02, 0.5)), "seed": seed_of(rng)}


READ = "{name: parameter.detach() for name, parameter in model.named_parameters()}"

QUESTION = Question(
    cases=[
        Case(
            "matrices are drawn uniformly in [-bound, bound]",
            f"{MIXED}\nuniform_init(model, bound)\n{READ}",
            draw_bound,
            weight=2,
            judge=drawn_uniformly(MATRICES),
            core=True,
        ),
        Case(
            "biases and other vectors are drawn too",
            f"{MIXED}\nuniform_init(model, bound)\n{READ}",
            draw_bound,
            weight=1.5,
            judge=drawn_uniformly(tuple(name for name in VECTORS if name not in FROZEN)),
        ),
        Case(
            "frozen parameters are drawn too",
            f"{MIXED}\nuniform_init(model, bound)\n{READ}",
            draw_bound,
            judge=drawn_uniformly(FROZEN),
        ),
        Case(
            "in place: the same objects and memory, tied stays tied, frozen stays frozen",
            f"""{MIXED}
before = [(parameter, parameter.data_ptr(), parameter.requires_grad) for parameter in model.parameters()]
uniform_init(model, bound)
after = list(model.parameters())
pairs = list(zip(before, after))
({READ}, len(after) == len(before) and all(old[0] is new for old, new in pairs),
 all(old[1] == new.data_ptr() for old, new in pairs), model.decoder.weight is model.embedding.weight,
 all(old[2] == new.requires_grad for old, new in pairs))
""",
            draw_bound,
            weight=1.5,
            judge=in_place,
            core=True,
        ),
        Case(
            "buffers stay as they were",
            f"""{MIXED}
before = [buffer.clone() for buffer in model.buffers()]
uniform_init(model, bound)
({READ}, all(torch.equal(old, new) for old, new in zip(before, model.buffers())))
""",
            draw_bound,
            judge=buffers_kept,
        ),
        Case(
            "the chance comes from torch's generator",
            f"""{MIXED}
drawn = []
for number in (seed, None, seed, seed + 1):
    if number is not None:
        torch.manual_seed(number)
    uniform_init(model, bound)
    drawn.append({{name: parameter.detach().clone() for name, parameter in model.named_parameters()}})
tuple(drawn)
""",
            draw_bound,
            judge=by_the_generator,
        ),
        Case(
            "parameters are drawn independently of each other",
            f"{MIXED}\nuniform_init(model, bound)\n{READ}",
            draw_bound,
            weight=0.5,
            judge=drawn_apart,
        ),
        Case(
            "float64 stays float64",
            f"{MIXED}\nmodel = model.double()\nuniform_init(model, bound)\n{READ}",
            draw_bound,
            weight=0.5,
            judge=drawn_uniformly(MATRICES, torch.float64),
        ),
    ],
    core="matrices drawn uniformly within the bound, in place",
    misconceptions=[
        Misconception(
            "embeddings only",
            "for parameter in model.parameters():",
            "for parameter in [part.weight for part in model.modules() if isinstance(part, nn.Embedding)]:",
            "Only the embeddings are drawn; every parameter of the module should be.",
        ),
        Misconception(
            "biases left out",
            "            parameter.uniform_(-bound, bound)",
            "            if parameter.dim() > 1:\n                parameter.uniform_(-bound, bound)",
            VECTORS_LEFT,
        ),
        Misconception(
            "frozen ones left out",
            "            parameter.uniform_(-bound, bound)",
            "            if parameter.requires_grad:\n                parameter.uniform_(-bound, bound)",
            FROZEN_LEFT,
        ),
        Misconception(
            "one-sided",
            "uniform_(-bound, bound)",
            "uniform_(0, bound)",
            ONE_SIDED,
        ),
        Misconception(
            "a normal distribution",
            "uniform_(-bound, bound)",
            "normal_(0, bound)",
            "The values follow a normal distribution; a uniform one was asked for.",
        ),
        Misconception(
            "a new tensor under the loop's name",
            "parameter.uniform_(-bound, bound)",
            "parameter = torch.empty_like(parameter).uniform_(-bound, bound)",
            MATRICES_LEFT,
        ),
        Misconception(
            "buffers drawn too",
            "in model.parameters():",
            "in [*model.parameters(), *(b for b in model.buffers() if b.is_floating_point())]:",
            BUFFERS_DRAWN,
        ),
        Misconception(
            "new parameters, no longer tied",
            "        for parameter in model.parameters():\n            parameter.uniform_(-bound, bound)",
            "        for module in model.modules():\n"
            "            for name, old in list(module._parameters.items()):\n"
            "                fresh = torch.empty_like(old).uniform_(-bound, bound)\n"
            "                setattr(module, name, nn.Parameter(fresh, requires_grad=old.requires_grad))",
            NEW_OBJECTS,
        ),
        Misconception(
            "seeded in the function",
            "    with torch.no_grad():\n",
            "    torch.manual_seed(0)\n    with torch.no_grad():\n",
            SEEDED,
        ),
        Misconception(
            "biases set to zero",
            "            parameter.uniform_(-bound, bound)",
            "            parameter.uniform_(-bound, bound) if parameter.dim() > 1 else parameter.zero_()",
            "The biases are set to zero; they should be drawn like the matrices.",
        ),
    ],
)
