"""Programs that oracles of more than one assignment have the kernel run, as text: see `Case`."""

from __future__ import annotations

# Defines Sums(), a language model of 11 symbols with a state. It is sure of the symbol whose id is the sum of all ids
# read so far, each plus 1, and in training mode of the one after that; `modes` remembers the mode of each call,
# `recorded` whether a graph was made of it.
SUMS = """
import torch

class Sums(torch.nn.Module):
    def __init__(self, sharpness=60.0):
        super().__init__()
        self.sharpness = torch.nn.Parameter(torch.tensor(sharpness))
        self.modes, self.recorded = [], []

    def forward(self, tokens, hidden):
        self.modes.append(self.training)
        self.recorded.append(torch.is_grad_enabled())
        if hidden.size(1) != tokens.size(1):
            raise RuntimeError("the state and the tokens have different batch sizes")
        total = hidden[0, :, 0] + (tokens + 1).cumsum(0)
        target = (total.long() + self.training) % 11
        return torch.nn.functional.one_hot(target, 11) * self.sharpness, total[-1].view(1, -1, 1).float()

    def init_hidden(self, batch_size):
        return torch.zeros(1, batch_size, 1)
"""

# Defines seeded(seed), a generator; where torch is imported.
SEEDED = """
def seeded(seed):
    return torch.Generator().manual_seed(seed)
"""
SUMS += SEEDED

# Defines exported(model): a model's weights, or the reason why there are none.
EXPORTED = """
from utils.weights import export_weights

def exported(model):
    try:
        return export_weights(model)
    except ValueError as error:
        return str(error)
"""


def numpy_numbers(*names: str) -> str:
    """A program that makes inputs that are Python's numbers numpy's, as they come out of arrays."""
    return "import numpy\n" + "".join(f"{name} = numpy.array({name})[()]\n" for name in names)


def outcomes(function: str) -> str:
    """A program that defines outcome(*arguments): what the function returns, or that it raised ValueError."""
    return f"""
def outcome(*arguments):
    try:
        return {function}(*arguments)
    except ValueError:
        return "ValueError"
"""


def refuses(call: str, values: str) -> str:
    """A program that says for each value whether the call raises ValueError; other errors pass through."""
    return f"""
def outcome(value):
    try:
        {call}
    except ValueError:
        return "ValueError"
    return "fine"

[outcome(value) for value in {values}]
"""


# Defines slope(f, array): the derivative of f() by each entry of an array that it reads, by central differences.
SLOPE = """
def slope(f, array):
    import numpy
    found = numpy.zeros(array.shape)
    for place in numpy.ndindex(*array.shape):
        before, values = array[place], []
        for step in (1e-6, -1e-6):
            array[place] = before + step
            values.append(f())
        array[place] = before
        found[place] = (values[0] - values[1]) / 2e-6
    return found
"""
