"""Programs and judges of `WordLM`: models with weights drawn anew, compared by what they compute."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from autograder.oracle.exported import solution_model
from utils.weights import describe

from ._draws import stream

TYPES = ("LSTM", "GRU", "RNN_TANH", "RNN_RELU")

# A model of a given type with every weight drawn anew, so that nothing rests on how it starts.
BUILD = """
import torch

def build(rnn_type, embedding_size, hidden_size, num_layers, dropout, tied, vocab_size=13):
    model = WordLM(rnn_type, vocab_size, embedding_size, hidden_size, num_layers, dropout, tied)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(1.6 * torch.rand(parameter.shape, generator=generator) - 0.8)
    return model

def as_pair(state):
    return state if isinstance(state, tuple) else (state,)

def apart(one, other):
    return max(float((a - b).detach().abs().max()) for a, b in zip(as_pair(one), as_pair(other), strict=True))

torch.manual_seed(seed)
"""

WEIGHTS_AND_LOGITS = """
answers = []
for rnn_type in ("LSTM", "GRU", "RNN_TANH", "RNN_RELU"):
    model = build(rnn_type, {embedding}, 7, 2, 0.4, {tied})
    if {step}:
        optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
        model(tokens, (a, b) if rnn_type == "LSTM" else a)[0].logsumexp(-1).sum().backward()
        optimiser.step()
    model.eval()
    logits, after = model(tokens, (a, b) if rnn_type == "LSTM" else a)
    weights = exported(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.3 if parameter.dim() > 1 else 0.0)
    answers.append((logits, after, weights, *model(tokens, (a, b) if rnn_type == "LSTM" else a)))
answers
"""


def draw_tokens(rng: np.random.Generator) -> dict:
    """Tokens (6, 3) of 13 words, states of 2 layers of 7, and a seed for weights."""
    drawn = {name: torch.from_numpy(rng.uniform(-1, 1, (2, 3, 7)).astype(np.float32)) for name in ("a", "b")}
    return {"tokens": stream(rng, 18, 13).view(6, 3), "seed": int(rng.integers(1 << 30)), **drawn}


def matches(came, expected: torch.Tensor) -> bool:
    """Whether an untrusted answer is a tensor of the expected shape and values."""
    if not isinstance(came, torch.Tensor) or came.shape != expected.shape or not came.is_floating_point():
        return False
    size = max(1.0, float(expected.abs().max()))  # RNN_RELU's states grow with equal weights
    return bool((came.double() - expected.double()).abs().max() < 1e-4 * size)


def unlike(came, expected) -> str | None:
    """What untrusted logits and state are where they are not the expected ones: kind and shape before values."""
    logits, after = came
    wanted, states = expected
    steps, batch, words = wanted.shape
    if not isinstance(logits, torch.Tensor) or not logits.is_floating_point():
        return "the logits should be a tensor of floats"
    if logits.shape != wanted.shape:
        flat = ", which is (steps * batch, vocab)" if logits.shape == (steps * batch, words) else ""
        return f"logits of shape {tuple(logits.shape)} came back{flat}; (steps, batch, vocab) was expected"
    if matches(logits, wanted.log_softmax(-1)):
        return "log-probabilities came back in the place of logits: the softmax belongs to the loss"
    if matches(logits, wanted.softmax(-1)):
        return "probabilities came back in the place of logits: the softmax belongs to the loss"
    if len(as_pair(after)) != len(as_pair(states)):
        return f"the state should be {'a pair (h, c)' if len(as_pair(states)) > 1 else 'one tensor'}"
    for one, other in zip(as_pair(after), as_pair(states), strict=True):
        if not isinstance(one, torch.Tensor) or one.shape != other.shape:
            return "the state that comes back should have the shape of init_hidden's: (layers, batch, hidden)"
    if not matches(logits, wanted):
        return "the logits are not those of embedding, recurrent layers and decoder with these weights"
    if not all(matches(*pair) for pair in zip(as_pair(after), as_pair(states), strict=True)):
        return "the state that comes back is not the recurrent layers' last one"
    return None


def as_pair(state) -> tuple:
    """The parts of a state."""
    return state if isinstance(state, tuple) else (state,)


def with_constant_weights(rnn_type: str, size: int, tokens: torch.Tensor, state, solution) -> tuple:
    """Logits and state of the solution's model with 0.3 in all matrices and 0 in all vectors."""
    model = solution["WordLM"](rnn_type, 13, size, 7, 2, 0.4, size == 7).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.3 if parameter.dim() > 1 else 0.0)
        return model(tokens, state)


def same_logits(size: int):
    """A judge of models with an embedding of a size; tied where it is that of the layers."""
    return partial(_same_logits, size)


def _same_logits(size: int, answer, inputs, solution) -> str | None:
    """The exported weights in the solution's model give the same logits and states, and so do constant weights.

    Structures that `export_weights` refuses are judged by the latter, which need no names: all matrices hold 0.3, all
    vectors 0. A gate too few, or another function, gives other values.
    """
    if not isinstance(answer, list) or len(answer) != len(TYPES):
        return "the answer is not one result per rnn_type"
    for rnn_type, one in zip(TYPES, answer, strict=True):
        if not isinstance(one, tuple) or len(one) != 5:
            return f"{rnn_type}: logits and state should come back"
        logits, after, weights, *constant = one
        state = (inputs["a"], inputs["b"]) if rnn_type == "LSTM" else inputs["a"]
        equal = with_constant_weights(rnn_type, size, inputs["tokens"], state, solution)
        if wrong := unlike(constant, equal):
            values = "are not those" in wrong or "is not the" in wrong
            said = "with equal weights everywhere, logits or state are not those of this type of layer"
            return f"{rnn_type}: {said if values else wrong}"
        if isinstance(weights, str):
            shapes_right = isinstance(logits, torch.Tensor) and tuple(logits.shape) == (6, 3, 13)
            if not shapes_right or not logits.isfinite().all():
                return f"{rnn_type}: the logits should be finite and of shape (steps, batch, vocab)"
            if not logits.double().flatten(0, 1).std(0).max() > 1e-3:
                return f"{rnn_type}: the logits are the same whatever was read"
            continue
        try:
            shape = describe(weights)
        except ValueError as error:
            return f"{rnn_type}: the weights are no word language model's: {error}"
        if (shape["rnn_type"], shape["hidden_size"], shape["num_layers"]) != (rnn_type, 7, 2):
            return (
                f"{rnn_type}: the recurrent layers are {shape['num_layers']} of {shape['rnn_type']}, not what was asked"
            )
        with torch.no_grad():
            expected = solution_model(weights, solution)(inputs["tokens"], state)
        if wrong := unlike((logits, after), expected):
            return f"{rnn_type}: {wrong}"
    return None


# Which positions of dropout act, seen with a p next to 1, which leaves nothing (1 itself is not allowed by the text):
# the weights are found by their shapes.
DROPPED = """
model = build(rnn_type, 5, 7, 2, 1 - 1e-9, False)
state = (a, b) if rnn_type == "LSTM" else a
bias = [parameter for parameter in model.parameters() if parameter.shape == (13,)]
logits, after = model(tokens, state)
_, other = model((tokens + 1) % 13, state)
model.eval()
logits_off, after_off = model(tokens, state)
_, other_off = model((tokens + 1) % 13, state)
results.append((
    rnn_type,
    "output", bool(logits.std(dim=(0, 1)).max() < 1e-6), bool(logits_off.std(dim=(0, 1)).max() > 1e-3),
    "embeddings", apart(as_pair(after)[0][0], as_pair(other)[0][0]) < 1e-6,
    apart(as_pair(after_off)[0][0], as_pair(other_off)[0][0]) > 1e-3,
))
"""


# Whether a state changes by what is dropped below it alone: its own values are never dropped.
NOT_RECURRENT = """
results = []
for rnn_type in ("LSTM", "GRU", "RNN_TANH"):
    state = (a, b) if rnn_type == "LSTM" else a
    above = as_pair(build(rnn_type, 5, 7, 2, 1 - 1e-9, False)(tokens, state)[1])[0][1]
    moved = build(rnn_type, 5, 7, 2, 1 - 1e-9, False)(tokens, tuple(
        torch.stack([1 - part[0], part[1]]) for part in state) if rnn_type == "LSTM" else torch.stack([1 - a[0], a[1]]))
    model = build(rnn_type, 5, 7, 1, 0.5, False)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.shape == (13, 5):
                parameter.zero_()
    one = (a[:1], b[:1]) if rnn_type == "LSTM" else a[:1]
    training = [model(tokens, one)[1] for _ in range(3)]
    model.eval()
    off = model(tokens, one)[1]
    results.append((apart(above, as_pair(moved[1])[0][1]) < 1e-6, [apart(state, off) < 1e-5 for state in training]))
results
"""

# Two units of the output seen by themselves, and layers of one unit: what a layer read is its only value, so the values
# of a state tell what was dropped below it.
SHARES = """
import torch
torch.manual_seed(seed)
model = WordLM("GRU", 13, 5, 40, 1, 0.2, False)
with torch.no_grad():
    for parameter in model.parameters():
        if parameter.shape == (13, 40):
            parameter.zero_()
            parameter[0, 0] = parameter[2, 1] = 1.0
        if parameter.shape == (13,):
            parameter.zero_()
logits, _ = model(torch.randint(13, (100, 40)), model.init_hidden(40))
outputs = (logits[..., 0] != 0, logits[..., 2] != 0)
layers = []
for kind in ("RNN_TANH", "GRU", "LSTM"):
    model = WordLM(kind, 13, 1, 1, 2, 0.2, False).double()  # so that values that differ are far from equal
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 + 0.6 * torch.rand(parameter.shape))
    zeros = torch.zeros(2, 4000, 1, dtype=torch.float64)
    state = model(torch.zeros(1, 4000, dtype=torch.long), (zeros, zeros) if kind == "LSTM" else zeros)[1]
    for layer in state[0] if isinstance(state, tuple) else state:
        values = layer.flatten().sort().values
        groups = torch.tensor_split(values, (values.diff() > 1e-10).nonzero().flatten() + 1)
        layers.append(sorted(len(group) for group in groups))
([tuple(kept.shape) for kept in outputs], [kept.float().mean().item() for kept in outputs],
 (outputs[0] == outputs[1]).float().mean().item(), layers)
"""


def shares_dropped(answer, inputs, solution) -> str | None:
    """4,000 values dropped with probability 0.2: 0.2 +- 0.0063, so 0.05 away is 8 standard deviations (1e-15)."""
    if not isinstance(answer, tuple) or len(answer) != 4 or answer[0] != [(100, 40)] * 2:
        return "the logits have another shape"
    _, kept, agree, layers = answer
    if not all(isinstance(share, float) for share in (*kept, agree)) or not isinstance(layers, list):
        return "the logits have another shape"
    for share in kept:
        if not abs(share - 0.8) < 0.05:
            return f"with dropout 0.2 a share of {1 - share:.2f} of the outputs was dropped"
    if not abs(agree - (0.8**2 + 0.2**2)) < 0.06:
        return "the units of the output are dropped together: each value is drawn by itself"
    expected = ([800, 3200], [640, 800, 2560])  # what came in; below it, what came in and what was dropped above
    for place, counts in enumerate(layers):
        wanted = expected[place % 2]
        words = "embeddings" if place % 2 == 0 else "values between the layers"
        if len(counts) != len(wanted) or any(abs(n - m) > 200 for n, m in zip(counts, wanted, strict=True)):
            return f"the {words} are not dropped once each, with the probability that was asked for"
    return None
