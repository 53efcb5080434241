"""Training steps on a GPU as one CUDA graph each: forward, loss, backward, clipping and gradient descent."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from utils.precision import HALVES

WARM_UP = 3  # steps before the recording, in which cuDNN and the allocator find their ways


class WholeSteps:
    """Trains a model in segments of one shape, each step a single replay; shorter segments run one by one.

    model: a WordLM on a GPU. clip: the gradients' norm over all is clipped at it. weight_decay: as of torch.optim.SGD.
    precision: "highest", "high", "medium" or "bfloat16"; the loss is always taken in float32.
    Descent is plain, without momentum. Chance and weights are the same after the recording as before.
    """

    def __init__(
        self,
        model: nn.Module,
        bptt: int,
        batch_size: int,
        clip: float,
        *,
        weight_decay: float = 0.0,
        precision: str = "highest",
    ):
        self.model, self.bptt, self.clip, self.decay = model, bptt, clip, weight_decay
        self.half = HALVES.get(precision)
        self.matmul = "highest" if self.half else precision
        self.weights: list[torch.Tensor] = [weight for weight in model.parameters() if weight.requires_grad]
        device = self.weights[0].device
        self.rate = torch.zeros((), device=device)
        self.segment = torch.zeros(bptt + 1, batch_size, dtype=torch.long, device=device)
        self.hidden = _states(model.init_hidden(batch_size))  # type: ignore[operator]
        self.loss = torch.zeros((), device=device)
        self.graph: torch.cuda.CUDAGraph | None = None

    def train_epoch(self, source: torch.Tensor, rate: float) -> float:
        """Train once through source (steps, batch) at a learning rate; returns the mean loss per token, in nats."""
        self.model.train()
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision(self.matmul)
        try:
            if self.graph is None and source.is_cuda:
                self._record()
            self.rate.fill_(rate)
            for state in self.hidden:
                state.zero_()
            total, rows = torch.zeros((), device=source.device), len(source) - 1
            for start in range(0, rows, self.bptt):
                segment = source[start : start + self.bptt + 1]
                if self.graph is not None and len(segment) == self.bptt + 1:
                    self.segment.copy_(segment)
                    self.graph.replay()
                else:
                    self._step(segment)
                total += self.loss * (len(segment) - 1)
            return float(total) / rows
        finally:
            torch.set_float32_matmul_precision(before)

    def _step(self, segment: torch.Tensor) -> None:
        """One step on a segment (steps + 1, batch) from `self.hidden`, which it moves on; no part waits for the GPU."""
        with torch.autocast(segment.device.type, self.half, enabled=self.half is not None, cache_enabled=False):
            state: Any = self.hidden[0] if len(self.hidden) == 1 else tuple(self.hidden)
            logits, state = self.model(segment[:-1], state)
            loss = F.cross_entropy(logits.flatten(0, 1).float(), segment[1:].flatten())
        gradients = list(torch.autograd.grad(loss, self.weights))
        with torch.no_grad():
            norm = torch.stack(torch._foreach_norm(gradients)).norm()
            torch._foreach_mul_(gradients, (self.clip / norm).clamp(max=1.0))
            if self.decay:
                torch._foreach_add_(gradients, self.weights, alpha=self.decay)
            torch._foreach_mul_(gradients, self.rate)
            torch._foreach_sub_(self.weights, gradients)
            for kept, new in zip(self.hidden, _states(state), strict=True):
                kept.copy_(new)
            self.loss.copy_(loss)

    def _record(self) -> None:
        """Record a step; at a rate of 0 its trial runs leave the weights alone."""
        device = self.segment.device
        chance = torch.cuda.get_rng_state(device)
        self.rate.fill_(0.0)
        torch.cuda.synchronize()
        with torch.cuda.stream(torch.cuda.Stream()):
            for _ in range(WARM_UP):
                self._step(self.segment)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._step(self.segment)
        self.graph = graph
        torch.cuda.set_rng_state(chance, device)


def _states(hidden: Any) -> list[torch.Tensor]:
    """A state's tensors: one for a plain network or a GRU, two for an LSTM."""
    return [hidden] if isinstance(hidden, torch.Tensor) else list(hidden)
