"""Training on a CPU with decoder, loss and the gradients of both in one function, its products in bfloat16.

At 2 x 200 with 10,000 words three quarters of the arithmetic are the decoder's products, and as much time goes into
moving the logits, 28 MB a step, through memory: for the logarithm, for the gradient, for its zeros. Here a block of
rows stays in the cache from its product to its gradient, and only the gradient is kept, in bfloat16.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

ROWS = 64  # of 10,000 words in float32: 2.6 MB


class LinearCrossEntropy(torch.autograd.Function):
    """The mean cross-entropy in nats of targets (n,) under logits x (n, size) @ weight (words, size).T + bias (words,).

    Products in bfloat16; logarithms, sums and the loss in float32. Everything is computed in the forward pass.
    """

    @staticmethod
    def forward(ctx: Any, x, weight, bias, targets) -> torch.Tensor:
        half, weights = x.bfloat16(), weight.bfloat16()
        gradient = half.new_empty(len(x), len(weight))  # at the logits
        d_bias, total = torch.zeros_like(bias), x.new_zeros(())
        for start in range(0, len(x), ROWS):
            part, chosen = half[start : start + ROWS], targets[start : start + ROWS, None]
            logits = (part @ weights.t()).float().add_(bias)
            logits -= logits.amax(dim=1, keepdim=True)
            total -= logits.gather(1, chosen).sum()
            sums = logits.exp_().sum(dim=1, keepdim=True)
            total += sums.log().sum()
            logits /= sums * len(x)
            logits.scatter_add_(1, chosen, logits.new_full((1, 1), -1 / len(x)).expand(len(part), 1))
            d_bias += logits.sum(dim=0)
            gradient[start : start + ROWS] = logits
        ctx.save_for_backward(half, weights, gradient, d_bias)
        return total / len(x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple:
        half, weights, gradient, d_bias = ctx.saved_tensors
        (scale,) = gradients
        return scale * (gradient @ weights).float(), scale * (gradient.t() @ half).float(), scale * d_bias, None


def train_epoch(
    hw5: dict, model: nn.Module, source: torch.Tensor, optimiser: torch.optim.Optimizer, bptt: int, clip: float
) -> float:
    """hw5's `train_epoch` with that loss: once through source (steps, batch); the mean loss per token, in nats.

    hw5: the notebook's names. model: its WordLM, on a CPU.
    """
    network: Any = model.train()
    hidden = network.init_hidden(source.size(1))
    total, rows = torch.zeros(()), len(source) - 1
    for start in range(0, rows, bptt):
        data, targets = hw5["get_batch"](source, start, bptt)
        hidden = hw5["repackage_hidden"](hidden)
        optimiser.zero_grad()
        outputs, hidden = network.rnn(network.dropout(network.embedding(data)), hidden)
        x = network.dropout(outputs).flatten(0, 1)
        loss = LinearCrossEntropy.apply(x, network.decoder.weight, network.decoder.bias, targets.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
        total += loss.detach() * len(data)
    return float(total) / rows
