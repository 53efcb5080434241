"""Train a model over many epochs: progress, best weights, checkpoints that survive a kill, early stop.

`fit` knows nothing of words or networks. It calls the two functions that a notebook hands it, one that trains for
an epoch and one that gives the validation perplexity, and looks after everything around them.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import os
import sys
import textwrap
import time
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import safetensors
import safetensors.torch
import torch
from torch import nn
from tqdm import tqdm

from utils.files import replaced
from utils.precision import PRECISIONS, default_precision, training_at

if TYPE_CHECKING:  # imported where it is used: it takes a quarter of a second, and most notebooks never train at length
    import pandas as pd

CHECKPOINT, BEST = "checkpoint.safetensors", "best.safetensors"


def fit(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    train: Callable[[], float],
    validate: Callable[[], float],
    *,
    epochs: int,
    rate: Callable[[pd.DataFrame], float],
    folder: str | Path | None = None,
    config: Mapping | None = None,
    patience: int | None = None,
    precision: str | None = None,
    seconds: float | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Train for at most `epochs`, leave the best weights in `model` and return the history.

    train: trains for one epoch and returns the mean loss per token, in nats.
    validate: returns the validation perplexity; the lowest decides which weights are best, nan never does.
    rate: learning rate of the next epoch, given the history so far (`constant`, `shrink_on_plateau`).
    folder: where `checkpoint.safetensors` and `best.safetensors` are kept. Calling `fit` again with the same folder
        goes on after the last finished epoch; on a CPU the numbers are those of a run that was never stopped.
    config: plain values that describe the run; a folder that holds a run of another description is refused.
    patience: stop after so many epochs in a row without a better validation perplexity.
    precision: of training alone, one of PRECISIONS; validation is always "highest". By default what COURSE_PRECISION or
        the device says (`default_precision`).
    seconds: start no epoch that would probably end after so many seconds of training in all, resumed ones included.
    Returns a row per epoch: epoch (from 1), train and validation perplexity, learning_rate, seconds.
    Raises ValueError for an unknown precision, epochs under 1 or a folder that holds another run.
    """
    import pandas as pd

    device = next(model.parameters()).device
    precision = precision or default_precision(device)
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, got {epochs}")
    folder = Path(folder) if folder is not None else None
    description = json.loads(json.dumps({**(config or {}), "seed": seed, "precision": precision}))
    rows = _resume(folder, model, optimiser, description) if folder else []
    best: dict[str, torch.Tensor] = {}
    if folder and (folder / BEST).exists() and rows:
        best = safetensors.torch.load_file(folder / BEST)
    total = None
    while len(rows) < epochs and not _out_of_patience(rows, patience) and not _out_of_time(rows, seconds):
        epoch = len(rows) + 1
        torch.manual_seed(1_000_003 * seed + epoch)  # an epoch draws the same numbers whether or not it was resumed
        learning_rate = rate(pd.DataFrame(rows, columns=COLUMNS))
        for group in optimiser.param_groups:
            group["lr"] = learning_rate
        started = time.perf_counter()
        with _progress(optimiser, f"epoch {epoch}/{epochs}", total) as bar, training_at(precision, model, optimiser):
            loss = train()
        total = bar.n
        perplexity = validate()
        row = {
            "epoch": epoch,
            "train": float(torch.tensor(loss, dtype=torch.float64).exp()),
            "validation": float(perplexity),
            "learning_rate": learning_rate,
            "seconds": time.perf_counter() - started,
        }
        rows.append(row)
        if _best_row(rows) is row:
            best = _copy(model.state_dict())
            if folder:
                _write(folder / BEST, best, description)
        if folder:
            tensors, scalars = _pack_optimiser(optimiser)
            weights = {f"model.{name}": tensor for name, tensor in _copy(model.state_dict()).items()}
            _write(folder / CHECKPOINT, weights | tensors, description, rows=rows, optimiser=scalars)
        print(
            f"epoch {epoch:3d}  train {row['train']:9.2f}  validation {row['validation']:9.2f}"
            f"  rate {learning_rate:<8.4g} {row['seconds']:7.1f} s",
            flush=True,
        )
        if len(rows) == 1:
            _announce(row["seconds"] * (epochs - 1), seconds)
    if best:
        model.load_state_dict(best)
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = ["epoch", "train", "validation", "learning_rate", "seconds"]


def constant(value: float) -> Callable[[pd.DataFrame], float]:
    """The same learning rate in every epoch, for `fit`."""
    return lambda history: value


def shrink_on_plateau(initial: float, factor: float) -> Callable[[pd.DataFrame], float]:
    """`initial`, divided by `factor` after each epoch that did not beat the best validation perplexity, for `fit`.

    Source: pytorch/examples, word_language_model (factor 4).
    """

    def rate(history: pd.DataFrame) -> float:
        best, value = float("inf"), initial
        for perplexity in history["validation"]:
            if perplexity < best:
                best = perplexity
            else:
                value /= factor
        return value

    return rate


def fingerprint(*functions: Callable) -> str:
    """Twelve characters that change when the code of a function or a class changes, for `config` of `fit`.

    Comments, layout and docstrings do not count, nor does what the functions call: name these as well.
    """
    sources: list[str] = []
    for function in functions:
        methods = vars(function).values() if isinstance(function, type) else [inspect.unwrap(function)]
        sources += [_source(method) for method in filter(inspect.isfunction, methods)]
    return hashlib.sha256("\n".join(sources).encode()).hexdigest()[:12]


def _source(function: types.FunctionType) -> str:
    """A function's text without comments, layout and docstrings; its bytecode where no text stands alone."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):  # a lambda within a longer expression, or code that came from no file or cell
        return function.__code__.co_code.hex()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _best_row(rows: list[dict]) -> dict | None:
    finite = [row for row in rows if row["validation"] == row["validation"]]
    return min(finite, key=lambda row: row["validation"]) if finite else None


def _out_of_patience(rows: list[dict], patience: int | None) -> bool:
    if patience is None or not rows:
        return False
    best = _best_row(rows)
    return len(rows) - (best["epoch"] if best else 0) >= patience


def _out_of_time(rows: list[dict], seconds: float | None) -> bool:
    if seconds is None or not rows:
        return False
    return sum(row["seconds"] for row in rows) + rows[-1]["seconds"] > seconds


def _announce(rest: float, limit: float | None) -> None:
    """Say after the first epoch how long the others will take, where it is worth saying."""
    rest = rest if limit is None else min(rest, limit)
    if rest > 30:
        left = f"{rest / 60:.0f} minutes" if rest >= 90 else f"{rest:.0f} s"
        print(f"the other epochs will take about {left}", flush=True)


class _progress:
    """A bar on stdout that counts steps; silent under grading, where stderr and redraws are unwelcome."""

    def __init__(self, optimiser: torch.optim.Optimizer, label: str, total: int | None):
        silent = "NBGRADER_EXECUTION" in os.environ or not (sys.stdout.isatty() or "ipykernel" in sys.modules)
        self.bar = tqdm(
            desc=label, total=total, file=sys.stdout, leave=False, unit="step", mininterval=0.5, disable=silent
        )
        self.optimiser, self.n = optimiser, 0

    def __enter__(self) -> _progress:
        self.handle = self.optimiser.register_step_post_hook(self._step)
        return self

    def _step(self, *_) -> None:
        self.n += 1
        self.bar.update()

    def __exit__(self, *_) -> None:
        self.handle.remove()
        self.bar.close()


def _copy(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors of their own on the CPU: safetensors refuses tensors that share storage, as tied weights do."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}


def _write(path: Path, tensors: dict[str, torch.Tensor], config: dict, **more) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {name: json.dumps(value) for name, value in {"config": config, **more}.items()}
    with replaced(path) as part:
        safetensors.torch.save_file(tensors, part, metadata=metadata)


def _resume(folder: Path, model: nn.Module, optimiser: torch.optim.Optimizer, config: dict) -> list[dict]:
    path = folder / CHECKPOINT
    if not path.exists():
        return []
    with safetensors.safe_open(path, "pt") as file:
        metadata = {name: json.loads(value) for name, value in file.metadata().items()}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if metadata["config"] != config:
        other = {k: v for k, v in metadata["config"].items() if config.get(k) != v}
        more = {k: v for k, v in config.items() if k not in metadata["config"]}
        if set(other) == {"code"} and not more:
            raise ValueError(
                f"{folder} holds a run of other code: a function that it was trained with has changed since. "
                "Choose another folder or delete that one"
            )
        told = " ".join([str(other)] * bool(other) + [f"without {more}"] * bool(more))
        raise ValueError(f"{folder} holds another run ({told}): choose another folder or delete that one")
    model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    _unpack_optimiser(optimiser, tensors, metadata["optimiser"])
    print(f"going on after epoch {len(metadata['rows'])}, from {path}", flush=True)
    return metadata["rows"]


def _pack_optimiser(optimiser: torch.optim.Optimizer) -> tuple[dict[str, torch.Tensor], dict]:
    """The optimiser's state as tensors for safetensors and scalars for JSON."""
    tensors, scalars = {}, {}
    for index, state in optimiser.state_dict()["state"].items():
        for name, value in state.items():
            key = f"optimiser.{index}.{name}"
            if isinstance(value, torch.Tensor):
                tensors[key] = value
            else:
                scalars[key] = value
    return _copy(tensors), scalars


def _unpack_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, torch.Tensor], scalars: dict) -> None:
    state: dict[int, dict] = {}
    for key, value in {**tensors, **scalars}.items():
        if key.startswith("optimiser."):
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
