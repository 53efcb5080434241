"""A GRU layer whose backward pass is written by hand: on a CPU faster than torch's, with the same results.

torch runs `nn.LSTM` on a CPU by oneDNN, and `nn.GRU` step by step through autograd, which adds to the gradients of all
weights in each step. Here a step back does only what needs the step after it; everything else, the gradients of the
weights above all, is taken for all steps at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn


class GRULayer(torch.autograd.Function):
    """One layer over a sequence: x (steps, batch, inputs), h (batch, hidden) and nn.GRU's four weights to outputs.

    Outputs are (steps, batch, hidden); the last of them is the next state. Equations as in torch.nn.GRU:
    r, z = sigmoid(...), n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h' = (1 - z) n + z h.
    """

    @staticmethod
    def forward(ctx: Any, x, h, w_ih, w_hh, b_ih, b_hh) -> torch.Tensor:
        (steps, batch, _), size = x.shape, h.size(-1)
        gates = torch.addmm(b_ih, x.flatten(0, 1), w_ih.t()).view(steps, batch, 3 * size)
        gates[..., : 2 * size] += b_hh[: 2 * size]
        to_gates, to_candidate = w_hh[: 2 * size].t().contiguous(), w_hh[2 * size :].t().contiguous()
        states = x.new_empty(steps + 1, batch, size)
        rz, n = x.new_empty(steps, batch, 2 * size), x.new_empty(steps, batch, size)
        hn = torch.empty_like(n)
        states[0] = h
        for t in range(steps):
            torch.addmm(gates[t, :, : 2 * size], states[t], to_gates, out=rz[t]).sigmoid_()
            torch.addmm(b_hh[2 * size :], states[t], to_candidate, out=hn[t])
            torch.addcmul(gates[t, :, 2 * size :], rz[t, :, :size], hn[t], out=n[t]).tanh_()
            torch.lerp(n[t], states[t], rz[t, :, size:], out=states[t + 1])
        ctx.save_for_backward(x, states, rz, n, hn, w_ih, w_hh)
        return states[1:]

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple:
        (d_outputs,) = gradients
        x, states, rz, n, hn, w_ih, w_hh = ctx.saved_tensors
        (steps, batch, _), size = x.shape, n.size(-1)
        (r, z), before = rz.split(size, dim=-1), states[:-1]
        to_n = (1 - z) * (1 - n * n)
        # what a gradient at h' is multiplied by on its way to W_hh h + b_hh, for all steps at once
        factors = torch.stack([hn * r * (1 - r) * to_n, (before - n) * z * (1 - z), r * to_n], dim=2)
        d_states, d_hidden = torch.empty_like(n), torch.empty_like(factors)
        d_state = torch.zeros_like(d_outputs[0])
        for t in reversed(range(steps)):
            torch.add(d_outputs[t], d_state, out=d_states[t])
            torch.mul(factors[t], d_states[t][:, None], out=d_hidden[t])
            d_state = torch.addmm(d_states[t] * z[t], d_hidden[t].view(batch, -1), w_hh)
        d_input = torch.cat([d_hidden[:, :, :2].flatten(2), d_states * to_n], dim=-1).flatten(0, 1)
        d_hidden = d_hidden.view(steps * batch, -1)
        return (
            (d_input @ w_ih).view_as(x),
            d_state,
            d_input.t() @ x.flatten(0, 1),
            d_hidden.t() @ before.flatten(0, 1),
            d_input.sum(0),
            d_hidden.sum(0),
        )


@contextmanager
def faster_gru(model: nn.Module) -> Iterator[None]:
    """In this block, run a model's GRUs by `GRULayer` while it trains on a CPU; elsewhere they run as ever.

    Left alone are GRUs in two directions, with the batch first or without biases, and sequences without a batch;
    and all of them under autocast.
    """
    grus = [
        module
        for module in model.modules()
        if isinstance(module, nn.GRU) and module.bias and not (module.bidirectional or module.batch_first)
    ]
    for gru in grus:
        gru.forward = partial(_forward, gru, gru.forward)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for gru in grus:
            del gru.forward


def _forward(gru: nn.GRU, eager: Any, x: torch.Tensor, h: torch.Tensor | None = None) -> tuple:
    if h is None or x.is_cuda or x.dim() != 3 or not torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"):
        return eager(x, h)
    last = []
    for layer in range(gru.num_layers):
        if layer:
            x = nn.functional.dropout(x, gru.dropout, gru.training)
        names = (f"{name}_l{layer}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        x = GRULayer.apply(x, h[layer], *(getattr(gru, name) for name in names))
        last.append(x[-1])
    return x, torch.stack(last)
