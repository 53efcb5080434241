"""The precision of training: chosen by `COURSE_PRECISION` or by what the device is good for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import nn

PRECISIONS = ("highest", "high", "medium", "bfloat16", "float16")
HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def default_precision(device: torch.device) -> str:
    """`COURSE_PRECISION` if it is set; else "high" on an NVIDIA GPU of 2020 (Ampere) or newer and "highest" elsewhere.

    Under grading always "highest". Raises ValueError for an unknown precision, and for float16 without a GPU.
    """
    if "NBGRADER_EXECUTION" in os.environ:
        return "highest"
    ampere = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
    precision = os.environ.get("COURSE_PRECISION") or ("high" if ampere else "highest")
    if precision not in PRECISIONS:
        raise ValueError(f"COURSE_PRECISION must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision == "float16" and device.type == "cpu":
        raise ValueError("COURSE_PRECISION=float16 needs a GPU: torch has no LSTM in float16 on a CPU")
    return precision


@contextmanager
def training_at(precision: str, model: nn.Module, optimiser: torch.optim.Optimizer) -> Iterator[None]:
    """Train a model in a block at one of PRECISIONS; afterwards everything is as it was.

    "high" and "medium" let float32 matrix products use TF32 and bfloat16 inside
    (torch.set_float32_matmul_precision). "bfloat16" and "float16" run under autocast, "float16" with loss scaling. The
    cache of autocast is off, which CUDA graphs need.
    Raises ValueError for an unknown precision, and for bfloat16 on a GPU that has no units for it.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    device = next(model.parameters()).device
    if precision == "bfloat16" and device.type == "cuda" and torch.cuda.get_device_capability(device) < (8, 0):
        raise ValueError(
            f"bfloat16 needs a GPU of 2020 or newer, and {torch.cuda.get_device_name(device)} is older: "
            "choose float16, which has loss scaling, or highest"
        )
    before = torch.get_float32_matmul_precision()
    half = HALVES.get(precision)
    scaling = _scaled_gradients(model, optimiser) if precision == "float16" else nullcontext()
    torch.set_float32_matmul_precision("highest" if half else precision)
    try:
        with scaling, torch.autocast(device.type, half, enabled=half is not None, cache_enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


FIRST_SCALE, PATIENCE = 2.0**16, 2000


@contextmanager
def _scaled_gradients(model: nn.Module, optimiser: torch.optim.Optimizer) -> Iterator[None]:
    """Loss scaling (Micikevicius et al. 2018) for a training loop that knows nothing of it.

    float16 rounds numbers under 6e-8 to zero, and many gradients are smaller. So what comes back to the model's output
    is multiplied by a scale, and each parameter's gradient is divided by it before the loop sees it. A scale too large
    gives infinite gradients: then the step is taken with gradients of zero and the scale is halved; after PATIENCE good
    steps it is doubled. No step waits for the GPU.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    device = parameters[0].device
    scale = torch.full((), FIRST_SCALE, device=device)
    finite, good_steps = torch.ones((), device=device), torch.zeros((), device=device)

    def scale_output(module: nn.Module, arguments: tuple, output: tuple) -> tuple:
        scores = output[0].float()  # scaled while they are still float32: in float16 the small ones would be gone
        if scores.requires_grad:
            scores.register_hook(lambda gradient: gradient * scale)
        return (scores, *output[1:])

    def unscale(parameter: torch.Tensor) -> None:
        gradient = parameter.grad
        assert gradient is not None
        gradient.div_(scale)
        finite.mul_(torch.isfinite(gradient).all())
        gradient.nan_to_num_(0.0, 0.0, 0.0)  # so that clipping by norm still has a norm

    def before_step(optimiser: torch.optim.Optimizer, *_) -> None:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.mul_(finite)
        good_steps.add_(1).mul_(finite)
        scale.mul_(torch.where(finite > 0, 1.0 + (good_steps >= PATIENCE), 0.5))
        good_steps.mul_(good_steps < PATIENCE)
        finite.fill_(1)

    handles = [model.register_forward_hook(scale_output), optimiser.register_step_pre_hook(before_step)]
    handles += [parameter.register_post_accumulate_grad_hook(unscale) for parameter in parameters]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
