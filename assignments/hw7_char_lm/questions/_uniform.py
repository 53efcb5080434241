"""A model of mixed layers, and judges of how its weights are drawn."""

from __future__ import annotations

import math

import numpy as np
import torch

# Embedding and decoder tied, a norm with running estimates, a frozen bias, a parameter of the module itself.
MIXED = """
import torch

class Mixed(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(61, 23)
        self.norm = torch.nn.BatchNorm1d(23)
        self.rnn = torch.nn.LSTM(23, 23, num_layers=2)
        self.decoder = torch.nn.Linear(23, 61)
        self.decoder.weight = self.embedding.weight
        self.gain = torch.nn.Parameter(torch.full((311,), 5.0))
        self.pair = torch.nn.Parameter(torch.full((2,), 7.0))
        self.rnn.bias_hh_l0.requires_grad_(False)
        self.gain.requires_grad_(False)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                parameter.data.fill_(4.0)
        self.norm.running_mean.fill_(3.0)
        self.register_buffer("mask", torch.arange(12.0))

torch.manual_seed(seed)
model = Mixed()
"""


def uniform(values: np.ndarray, bound: float) -> bool:
    """Whether values look as drawn uniformly in [-bound, bound].

    By the inequality of Dvoretzky, Kiefer and Wolfowitz with Massart's constant, the distribution function of n right
    draws is farther than 3.3 / sqrt(n) off with a chance under 2 exp(-2 * 3.3^2) = 7e-10, some 60 times a question.
    """
    values = np.sort(values.astype(np.float64).ravel())
    if not np.all(np.isfinite(values)) or np.abs(values).max() > bound * (1 + 1e-6):
        return False
    expected = (values / bound + 1) / 2
    steps = np.arange(len(values) + 1) / len(values)
    off = max(np.abs(expected - steps[:-1]).max(), np.abs(expected - steps[1:]).max())
    return bool(off <= 3.3 / math.sqrt(len(values)))


SIZES = {
    "embedding.weight": (61, 23),
    "norm.weight": (23,),
    "norm.bias": (23,),
    "decoder.bias": (61,),
    "gain": (311,),
    "pair": (2,),
    **{f"rnn.weight_{kind}_l{layer}": (92, 23) for kind in ("ih", "hh") for layer in (0, 1)},
    **{f"rnn.bias_{kind}_l{layer}": (92,) for kind in ("ih", "hh") for layer in (0, 1)},
}


def parameters_of(answer, dtype: torch.dtype = torch.float32) -> dict[str, np.ndarray] | None:
    """The answer as the parameters of MIXED, or None when it is anything else."""
    if not isinstance(answer, dict) or set(answer) - {"decoder.weight"} != set(SIZES):  # there when no longer tied
        return None
    for name, shape in SIZES.items():
        if not isinstance(answer[name], torch.Tensor) or tuple(answer[name].shape) != shape:
            return None
        if answer[name].dtype != dtype:
            return None
    return {name: answer[name].numpy() for name in SIZES}


MATRICES = tuple(name for name, shape in SIZES.items() if len(shape) == 2)
VECTORS = tuple(name for name, shape in SIZES.items() if len(shape) == 1)
FROZEN = ("gain", "rnn.bias_hh_l0")

ONE_SIDED = "The values are drawn from 0 to bound; they should go from -bound to bound."
MATRICES_LEFT = (
    "Matrices keep their old values: each should be drawn in place, a new tensor under the loop's name changes nothing."
)
VECTORS_LEFT = "The biases keep their old values; they should be drawn like the matrices."
FROZEN_LEFT = "Frozen parameters keep their old values; they should be drawn too and stay frozen."
NEW_OBJECTS = (
    "New parameters take the place of the old ones: draw in place, so that tied weights stay tied and an optimiser "
    "still holds what it should move."
)
BUFFERS_DRAWN = "Buffers are drawn too, they are no parameters and should stay as they are."
SEEDED = "The generator is seeded in the function, so every call gives the same start."


def drawn_uniformly(names: tuple[str, ...], dtype: torch.dtype = torch.float32):
    """A judge of the parameters of the given names."""

    def judge(answer, inputs, solution) -> str | None:
        parameters = parameters_of(answer, dtype)
        if parameters is None:
            return "the parameters have changed their names, shapes or dtype"
        for name in names:
            if name in MATRICES and np.all(parameters[name] == 4.0):  # as it was
                return MATRICES_LEFT
            if name == "gain" and np.all(parameters[name] == 5.0):
                return FROZEN_LEFT
            if name == "norm.weight" and np.all(parameters[name] == 1.0):
                return VECTORS_LEFT
            if np.abs(parameters[name]).max() > inputs["bound"] * (1 + 1e-6):
                return f"{name} reaches beyond [-bound, bound]"
            if len(parameters[name]) > 30 and parameters[name].max() > parameters[name].min() >= 0:
                return ONE_SIDED
            if name == "pair" and np.any(parameters[name] == 7.0):
                return "parameters of a few entries keep their old values; they should be drawn like the others"
            if not uniform(parameters[name], inputs["bound"]):
                return f"{name} is not drawn uniformly in [-bound, bound]"
        return None

    return judge


def drawn_apart(answer, inputs, solution) -> str | None:
    """Parameters of one shape are drawn independently of each other.

    |r| sqrt(n) of n = 2116 independent pairs is above 6 with a chance of about 2e-9.
    """
    parameters = parameters_of(answer)
    if parameters is None:
        return "the parameters have changed their names, shapes or dtype"
    same = [
        parameters[f"rnn.weight_{kind}_l{layer}"].ravel().astype(np.float64)
        for kind in ("ih", "hh")
        for layer in (0, 1)
    ]
    if not all(np.isfinite(array).all() and array.std() > 0 for array in same):
        return "the weights are not drawn at all"
    for i, one in enumerate(same):
        for other in same[:i]:
            if abs(np.corrcoef(one, other)[0, 1]) * math.sqrt(one.size) > 6:
                return "weights of one shape are not drawn independently of each other"
    return None


def in_place(answer, inputs, solution) -> str | None:
    """The old parameter objects in their old memory, with new values; frozen ones frozen, tied ones tied."""
    if not isinstance(answer, tuple) or len(answer) != 5:
        return "the parameters cannot be read"
    wrong = drawn_uniformly(MATRICES)(answer[0], inputs, solution)
    if wrong:
        return wrong
    for came, reason in zip(
        answer[1:],
        (
            NEW_OBJECTS,
            "the values lie in other memory than before",
            "tied weights are no longer tied",
            "what was frozen should stay frozen, and nothing else should be",
        ),
        strict=True,
    ):
        if came is not True:
            return reason
    return None


def buffers_kept(answer, inputs, solution) -> str | None:
    """Buffers as they were, parameters drawn."""
    if not isinstance(answer, tuple) or len(answer) != 2:
        return "the parameters cannot be read"
    if answer[1] is not True:
        return BUFFERS_DRAWN
    return drawn_uniformly(MATRICES)(answer[0], inputs, solution)


def by_the_generator(answer, inputs, solution) -> str | None:
    """The same seed gives the same start; a second call without one, and another seed, give another."""
    if not isinstance(answer, tuple) or len(answer) != 4:
        return "the parameters cannot be read"
    for one in answer:
        wrong = drawn_uniformly(MATRICES)(one, inputs, solution)
        if wrong:
            return wrong
    if any(torch.equal(answer[0]["rnn.weight_hh_l1"], one["rnn.weight_hh_l0"]) for one in answer):
        return SEEDED
    first, second, again, other = (one["rnn.weight_hh_l1"] for one in answer)
    if not torch.equal(first, again):
        return "the same torch.manual_seed does not give the same start"
    if torch.equal(first, second):
        return SEEDED
    return "another torch.manual_seed does not give another start" if torch.equal(first, other) else None
