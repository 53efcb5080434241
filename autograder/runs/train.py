"""`course train`: long runs of the language models, by the notebooks' own solutions and the trainer in `utils`."""

from __future__ import annotations

import json
import math
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import safetensors.torch
import torch

from autograder.course.errors import CourseError
from autograder.course.paths import OWN
from autograder.course.solutions import namespace
from autograder.oracle.exported import solution_model
from autograder.runs import fused_loss, regularised
from autograder.runs.gru import faster_gru
from autograder.runs.recipes import Recipe
from autograder.runs.samples import PROMPTS, samples
from utils import corpora
from utils.training import BEST, fit, shrink_on_plateau
from utils.weights import read_weights, save_weights


def train(recipe: Recipe, folder: Path, device: str | None = None, stop_after: int | None = None) -> dict:
    """Train by `recipe`, resuming from `folder`, and measure the test text once at the end.

    stop_after: end after so many epochs, with the validation text alone measured; a later call goes on.
    Writes `history.csv` and `result.json` into the folder; at the end the weights, where they fit into a file that may
    be handed in; for a model of words of a corpus with prompts, `samples.txt`. Returns what the second holds. Raises
    CourseError for a device that cannot be used, or a recipe that asks for what is only there for an LSTM of words.
    """
    if recipe.regularised and (recipe.rnn_type != "LSTM" or not recipe.tied or recipe.characters):
        raise CourseError(
            "dropout by segments, costs of the outputs and a spread of lengths are for a tied LSTM of words"
        )
    if recipe.regularised and recipe.dropout:
        raise CourseError("dropout by segments takes the place of --dropout: set that to 0")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError):  # the second where torch was built without such devices
        raise CourseError(f"device {device!r} cannot be used here: choose cpu, or cuda with an NVIDIA GPU") from None
    hw5 = namespace(OWN.assignment("hw5_word_lm"))
    corpus = corpora.load(recipe.corpus)
    hw7 = namespace(OWN.assignment("hw7_char_lm")) if recipe.characters else {}
    lines = {split: hw7.get("characters", list)(getattr(corpus, split)) for split in corpora.SPLITS}
    vocabulary = hw5["build_vocabulary"](lines["train"], recipe.max_vocabulary)
    ids = {split: hw5["encode"](lines[split], vocabulary).to(device) for split in corpora.SPLITS}
    torch.manual_seed(recipe.seed)
    model = hw5["WordLM"](
        recipe.rnn_type,
        len(vocabulary),
        recipe.embedding_size,
        recipe.hidden_size,
        recipe.num_layers,
        recipe.dropout,
        recipe.tied,
    ).to(device)
    if recipe.characters:
        hw7["uniform_init"](model, 0.1)
    optimiser = optimiser_of(recipe, model)
    if recipe.start:
        start = folder.with_name(recipe.start) / BEST
        if not start.exists():
            raise CourseError(f"{start} does not exist: course reproduce {recipe.start} makes it")
        model.load_state_dict(safetensors.torch.load_file(start))
    source = hw5["batchify"](ids["train"], recipe.batch_size)
    fused = device == "cpu" and recipe.precision == "bfloat16"  # for the decoder; other layers gain nothing

    def train_epoch() -> float:
        swap_averages(optimiser)  # between epochs the model holds the averages
        if recipe.regularised:
            return regularised.train_epoch(model, recipe, source, optimiser)
        with faster_gru(model):
            if fused:
                return fused_loss.train_epoch(hw5, model, source, optimiser, recipe.bptt, recipe.clip)
            return hw5["train_epoch"](model, source, optimiser, recipe.bptt, recipe.clip)

    def validate() -> float:
        swap_averages(optimiser)
        return hw5["perplexity"](model, ids["valid"], 512)

    torch.set_flush_denormal(True)
    history = fit(
        model,
        optimiser,
        train=train_epoch,
        validate=validate,
        epochs=stop_after or recipe.epochs,
        rate=schedule(recipe),
        folder=folder,
        config=recipe.changes(),
        precision="medium" if fused else recipe.precision,
        seed=recipe.seed,
    )
    torch.set_flush_denormal(False)
    best = history.iloc[int(history["validation"].argmin())]
    result = {
        "recipe": asdict(recipe),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "best_epoch": int(best["epoch"]),
        "validation_perplexity": float(best["validation"]),
        "hardware": hardware(device),
        "torch": torch.__version__,
        "seconds": float(history["seconds"].sum()),
        "finished": time.strftime("%Y-%m-%d"),
    }
    if len(history) >= recipe.epochs:
        result["test_perplexity"] = hw5["perplexity"](model, ids["test"], 512)
        if recipe.characters:
            for split in ("valid", "test"):
                result[split] = hw7["three_measures"](model, vocabulary, getattr(corpus, split), 512)
    history.to_csv(folder / "history.csv", index=False, float_format="%.6g")
    write_result(folder, result)  # before all that may fail: hours of training are in it
    if len(history) >= recipe.epochs:
        weights_file = folder / ("char_lm.safetensors" if recipe.characters else "word_lm.safetensors")
        try:
            save_weights(weights_file, model, corpus=recipe.corpus)
        except ValueError as error:
            print(f"{weights_file.name} is not written: {error}", flush=True)
        else:
            result["test_perplexity_of_the_file"] = perplexity_of_file(hw5, weights_file.read_bytes(), ids["test"])
            write_result(folder, result)
    if recipe.corpus in PROMPTS and not recipe.characters:
        (folder / "samples.txt").write_text(samples(hw5, model, vocabulary, recipe.corpus), encoding="utf-8")
    return result


def write_result(folder: Path, result: dict) -> None:
    """Write what a run measured into its folder."""
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def optimiser_of(recipe: Recipe, model: torch.nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimiser. Raises ValueError for an unknown one."""
    arguments: dict[str, Any] = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay, "fused": True}
    if recipe.optimiser == "SGD":
        return torch.optim.SGD(model.parameters(), momentum=recipe.momentum, **arguments)
    if recipe.optimiser == "AdamW":
        return torch.optim.AdamW(model.parameters(), betas=(recipe.momentum, 0.999), **arguments)
    if recipe.optimiser == "ASGD":
        return torch.optim.ASGD(
            model.parameters(), recipe.learning_rate, lambd=0, t0=0, weight_decay=recipe.weight_decay
        )
    raise ValueError(f"optimiser must be SGD, ASGD or AdamW, got {recipe.optimiser!r}")


@torch.no_grad()
def swap_averages(optimiser: torch.optim.Optimizer) -> None:
    """Exchange weights and their averages, where an optimiser keeps any (ASGD; Polyak and Juditsky 1992)."""
    for group in optimiser.param_groups:
        for weight in group["params"]:
            average = optimiser.state.get(weight, {}).get("ax")
            if average is not None:
                weight_before = weight.clone()
                weight.copy_(average)
                average.copy_(weight_before)


def schedule(recipe: Recipe) -> Callable[[pd.DataFrame], float]:
    """The learning rate of the next epoch, given the history so far, for `fit`."""
    if recipe.cosine:
        return lambda history: recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * len(history) / recipe.epochs))
    if not recipe.flat_epochs:
        return shrink_on_plateau(recipe.learning_rate, recipe.shrink)
    rate = namespace(OWN.assignment("hw6_lstm_vs_gru"))["learning_rate"]
    return lambda history: rate(len(history) + 1, recipe.learning_rate, recipe.flat_epochs, recipe.decay)


def perplexity_of_file(hw5: dict, data: bytes, ids: torch.Tensor) -> float:
    """Perplexity of a text under the weights of a submitted file, by hw5's own solution, on the CPU."""
    _, weights = read_weights(data)
    return hw5["perplexity"](solution_model(weights, hw5), ids.cpu(), 512)


def hardware(device: str) -> str:
    """What the run ran on, in words."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} threads of {os.cpu_count()} cores, {platform.machine()}"
