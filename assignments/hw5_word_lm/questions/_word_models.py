"""Programs and judges of `WordLM`: models with weights drawn anew, compared by what they compute."""

from __future__ import annotations

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
    answers.append((logits, after, exported(model)))
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
    return bool((came.double() - expected.double()).abs().max() < 1e-4)


def same_logits(answer, inputs, solution) -> str | None:
    """The exported weights in the solution's model give the same logits and states; what cannot be mapped passes.

    Structures that `export_weights` refuses are judged by the other cases, by what they do.
    """
    if not isinstance(answer, list) or len(answer) != len(TYPES):
        return "the answer is not one result per rnn_type"
    for rnn_type, one in zip(TYPES, answer, strict=True):
        if not isinstance(one, tuple) or len(one) != 3:
            return f"{rnn_type}: logits and state should come back"
        logits, after, weights = one
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
        state = (inputs["a"], inputs["b"]) if rnn_type == "LSTM" else inputs["a"]
        with torch.no_grad():
            expected, expected_after = solution_model(weights, solution)(inputs["tokens"], state)
        if not matches(logits, expected):
            return f"{rnn_type}: the logits are not those of embedding, recurrent layers and decoder with these weights"
        pairs = zip(after, expected_after, strict=True) if rnn_type == "LSTM" else [(after, expected_after)]
        if not all(matches(came, wanted) for came, wanted in pairs):
            return f"{rnn_type}: the state that comes back is not the recurrent layers' last one"
    return None


# Which positions of dropout act, seen with p = 1, which leaves nothing: the weights are found by their shapes.
DROPPED = """
model = build(rnn_type, 5, 7, 2, 1.0, False)
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


def share_dropped(answer, inputs, solution) -> str | None:
    """4,000 values dropped with probability 0.2: 0.2 +- 0.0063, so 0.05 away is 8 standard deviations (1e-15)."""
    if not isinstance(answer, tuple) or len(answer) != 2 or answer[0] != 4000 or not isinstance(answer[1], float):
        return "the logits have another shape"
    if not abs(answer[1] - 0.2) < 0.05:
        return f"with dropout 0.2 a share of {answer[1]:.2f} of the outputs was dropped"
    return None
