"""A language model whose logits show what it has read, for `perplexity` and `train_epoch`."""

from __future__ import annotations

import numpy as np
import torch

from ._draws import stream

# A small network with a memory: everything it does depends on its state and on its mode, and it notes how it is asked.
RECALL = """
import torch

class Recall(torch.nn.Module):
    def __init__(self, pair=False):
        super().__init__()
        for name, value in weights.items():
            self.register_parameter(name, torch.nn.Parameter(value.clone()))
        self.pair, self.calls = pair, []

    def forward(self, tokens, hidden):
        first = hidden[0] if self.pair else hidden
        if first.size(1) != tokens.size(1):
            raise RuntimeError("the state and the tokens have different batch sizes")
        cut = not any(part.requires_grad for part in (hidden if self.pair else (hidden,)))
        self.calls.append({"steps": len(tokens), "batch": tokens.size(1), "training": self.training, "cut": cut,
                           "state": first.detach().clone(), "recorded": torch.is_grad_enabled(),
                           "chance": float(torch.rand(()))})
        h, outputs = first[0], []
        for row in tokens:
            h = torch.tanh(self.read[row] + h @ self.keep)
            outputs.append(h)
        scores = torch.stack(outputs) @ self.write * (0.4 if self.training else 1.0)
        self.calls[-1]["after"] = h.detach().clone()
        return scores, ((h.unsqueeze(0), hidden[1] + h.unsqueeze(0)) if self.pair else h.unsqueeze(0))

    def init_hidden(self, batch_size):
        zeros = self.keep.new_zeros(1, batch_size, self.keep.size(0))
        return (zeros, zeros.clone()) if self.pair else zeros
"""


def draw_recall(tokens: int, batch: int = 0):
    """Weights of a `Recall` of 7 words and 5 units, and ids: a stream, or columns where a batch is given."""

    def draw(rng: np.random.Generator) -> dict:
        sizes = {"read": (7, 5), "keep": (5, 5), "write": (5, 7)}
        weights = {name: torch.from_numpy(rng.uniform(-1.2, 1.2, size)) for name, size in sizes.items()}
        ids = stream(rng, tokens * max(1, batch), 7)
        return {"weights": weights, "ids": ids.view(tokens, batch) if batch else ids}

    return draw
