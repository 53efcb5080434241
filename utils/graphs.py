"""A model's steps as CUDA graphs: a training loop that stays as it is, and a GPU that does not wait for Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


class _Recorded(dict):
    """The graphs of one model, kept on it so that they go when it goes; a copy of the model starts without any."""

    def __deepcopy__(self, memo: dict) -> _Recorded:
        return _Recorded()

    def __reduce__(self) -> tuple:
        return _Recorded, ()


class _Forward(nn.Module):
    """A model's forward pass alone, without the hooks that are registered on the model."""

    def __init__(self, model: nn.Module, eager: Callable):
        super().__init__()
        self.model, self.eager = model, eager

    def forward(self, tokens: torch.Tensor, hidden: Any) -> tuple:
        return self.eager(tokens, hidden)


@contextmanager
def graphed(model: nn.Module, steps: int, batch_size: int) -> Iterator[None]:
    """In this block, replay the model's forward and backward pass of each segment (steps, batch_size) as a CUDA graph.

    A recurrent network is hundreds of small operations, and a GPU has finished each one before Python has started the
    next. A CUDA graph records them once and starts all of them by a single call. The training loop does not
    change: `model(tokens, hidden)` returns logits and state as ever, dropout draws other masks in each replay, and
    loss, clipping and optimiser run as they would.

    model: called as model(tokens, hidden), with tokens of whole numbers and a state of one tensor or a tuple of them.
    It runs as ever on a CPU, in evaluation mode, for segments of another shape (the last one of a text), for a state
    that has a history, and when it cannot be recorded, which is said once. Its Python code runs while recording alone,
    so a network that decides something anew in each step, or counts, must not be graphed.
    The graphs stay on the model: entering the block again records nothing. Chance is as before the recording.
    Source: torch.cuda.make_graphed_callables.
    """
    if not _on_gpu(model):
        yield
        return
    recorded = model.__dict__.setdefault("_recorded_graphs", _Recorded())
    eager, own = model.forward, model.__dict__.get("forward")

    def forward(tokens: torch.Tensor, hidden: Any) -> tuple:
        whole = tuple(tokens.shape) == (steps, batch_size) and not any(part.requires_grad for part in _parts(hidden))
        if not (whole and model.training and torch.is_grad_enabled()):
            return eager(tokens, hidden)
        key = (steps, batch_size, *_circumstances(model))
        if key not in recorded:
            recorded[key] = _record(model, eager, tokens, hidden)
        return (recorded[key] or eager)(tokens, hidden)

    model.forward = forward
    try:
        yield
    finally:
        del model.forward
        if own is not None:
            model.forward = own


def _on_gpu(model: nn.Module) -> bool:
    return next(model.parameters()).device.type == "cuda"


def _parts(state: Any) -> list[torch.Tensor]:
    """The tensors of a state: a tensor, or tuples of states."""
    return [state] if isinstance(state, torch.Tensor) else [tensor for part in state for tensor in _parts(part)]


def _copy(state: Any) -> Any:
    """The same state in memory of its own."""
    return state.detach().clone() if isinstance(state, torch.Tensor) else tuple(_copy(part) for part in state)


def _circumstances(model: nn.Module) -> tuple:
    """What a recording depends on besides the shape: the precision and where the weights lie."""
    half = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else None
    weights = tuple((weight.data_ptr(), weight.requires_grad) for weight in model.parameters())
    return half, torch.get_float32_matmul_precision(), weights


def _record(model: nn.Module, eager: Callable, tokens: torch.Tensor, hidden: Any) -> Callable | None:
    """The model's pass over such a segment as a CUDA graph, or None, with a line that says why not."""
    chance = torch.cuda.get_rng_state(tokens.device)
    sample = (tokens.clone(), _copy(hidden))
    try:
        return torch.cuda.make_graphed_callables(_Forward(model, eager), sample, allow_unused_input=True)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        print(f"this network cannot be recorded as a CUDA graph and trains without: {reason}", flush=True)
        return None
    finally:
        torch.cuda.set_rng_state(chance, tokens.device)
