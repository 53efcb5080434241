"""Training the course's language models on an NVIDIA GPU: tokens a second, precision, and how long each notebook takes.

    python benchmarks/gpu.py          # some eight minutes on one card; writes results/gpu/
    python benchmarks/gpu.py --tiny   # the same code at tiny sizes, on any machine; writes nothing

All loops train the same network (two layers of 200, tied, dropout 0.2, 10,000 words, 20 columns, 35 steps) in one run,
one after the other, and the ratio to the first one is what counts:

- *pytorch/examples*: the loop of its word_language_model, written anew as its README and its main.py of 2017 describe
  it: log-softmax in the model, negative log-likelihood, a loss read back in each step, descent weight by weight;
- *eager*: hw5's own train_epoch with fused gradient descent;
- *model as graphs*: the same train_epoch under `utils.graphs.graphed`;
- *whole steps*: forward, loss, backward, clipping and descent in one graph (`autograder.runs.whole_steps`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from autograder.course.paths import OWN, ROOT
from autograder.course.solutions import namespace
from autograder.runs.whole_steps import WholeSteps
from utils import corpora
from utils.graphs import graphed
from utils.precision import default_precision, training_at

FULL = {"entries": 10_000, "units": 200, "batch_size": 20, "bptt": 35, "steps": 300, "rounds": 3}
TINY = {"entries": 50, "units": 8, "batch_size": 4, "bptt": 5, "steps": 3, "rounds": 2}
CLIP, RATE = 0.25, 20.0
Loop = Callable[[torch.Tensor], Any]


class Examples(nn.Module):
    """The network of pytorch/examples' word_language_model, whose output is the logarithm of the probabilities."""

    def __init__(self, rnn_type: str, entries: int, units: int, dropout: float):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(entries, units)
        self.rnn = getattr(nn, rnn_type)(units, units, 2, dropout=dropout)
        self.decoder = nn.Linear(units, entries)
        self.decoder.weight = self.encoder.weight

    def forward(self, tokens: torch.Tensor, hidden: Any) -> tuple:
        outputs, hidden = self.rnn(self.drop(self.encoder(tokens)), hidden)
        scores = self.decoder(self.drop(outputs))
        return nn.functional.log_softmax(scores.view(-1, scores.size(-1)), dim=1), hidden


def examples_epoch(model: Examples, hw5: dict, bptt: int, source: torch.Tensor) -> float:
    """An epoch as that project's loop does it."""
    model.train()
    state = torch.zeros(2, source.size(1), model.encoder.embedding_dim, device=source.device)
    hidden: Any = (state, state) if isinstance(model.rnn, nn.LSTM) else state
    total = 0.0
    for start in range(0, len(source) - 1, bptt):
        data, targets = hw5["get_batch"](source, start, bptt)
        hidden = hw5["repackage_hidden"](hidden)
        model.zero_grad()
        output, hidden = model(data, hidden)
        loss = nn.functional.nll_loss(output, targets.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        for parameter in model.parameters():
            assert parameter.grad is not None
            parameter.data.add_(parameter.grad, alpha=-RATE)
        total += loss.item() * len(data)
    return total / (len(source) - 1)


def loops(hw5: dict, rnn_type: str, size: dict, device: torch.device) -> dict[str, Loop]:
    """Each loop as a function of the columns to train on."""

    def model() -> nn.Module:
        torch.manual_seed(1)
        return hw5["WordLM"](rnn_type, size["entries"], size["units"], size["units"], 2, 0.2, True).to(device)

    def own(precision: str, in_graphs: bool) -> Loop:
        trained = model()
        descent = torch.optim.SGD(trained.parameters(), lr=RATE, fused=True)

        def epoch(source: torch.Tensor) -> float:
            graphs = graphed(trained, size["bptt"], size["batch_size"]) if in_graphs else contextlib.nullcontext()
            with training_at(precision, trained, descent), graphs:
                return hw5["train_epoch"](trained, source, descent, size["bptt"], CLIP)

        return epoch

    def whole(precision: str) -> Loop:
        steps = WholeSteps(model(), size["bptt"], size["batch_size"], CLIP, precision=precision)
        return lambda source: steps.train_epoch(source, RATE)

    theirs = Examples(rnn_type, size["entries"], size["units"], 0.2).to(device)
    table: dict[str, Loop] = {"pytorch/examples": lambda source: examples_epoch(theirs, hw5, size["bptt"], source)}
    for precision in ("highest", "high", "bfloat16", "float16"):
        table[f"eager, {precision}"] = own(precision, False)
        table[f"model as graphs, {precision}"] = own(precision, True)
    for precision in ("highest", "high", "bfloat16"):
        table[f"whole steps, {precision}"] = whole(precision)
    return table


def seconds_of(loop: Loop, source: torch.Tensor, rounds: int) -> float:
    """Median seconds of one epoch over `source`, after one for warming up. The loop ends in a float, which waits."""
    loop(source)
    measured = []
    for _ in range(rounds):
        started = time.perf_counter()
        loop(source)
        measured.append(time.perf_counter() - started)
    return statistics.median(measured)


def speeds(hw5: dict, size: dict, device: torch.device) -> list[dict]:
    """Tokens a second of every loop and both cell types."""
    rows = []
    source = torch.randint(size["entries"], (size["steps"] * size["bptt"] + 1, size["batch_size"]), device=device)
    for rnn_type in ("LSTM", "GRU"):
        first = None
        for name, loop in loops(hw5, rnn_type, size, device).items():
            try:
                tokens = (len(source) - 1) * size["batch_size"] / seconds_of(loop, source, size["rounds"])
            except (ValueError, RuntimeError) as error:  # an old card has no bfloat16, for one
                print(f"{rnn_type:5} {name:28} not measured: {str(error).splitlines()[0]}", flush=True)
                continue
            first = first or tokens
            rows.append(
                {"rnn_type": rnn_type, "loop": name, "tokens_per_second": round(tokens), "ratio": tokens / first}
            )
            print(f"{rnn_type:5} {name:28} {tokens:10,.0f} tokens/s, {tokens / first:5.2f} times the first", flush=True)
    return rows


def perplexities(hw5: dict, size: dict, device: torch.device, epochs: int) -> list[dict]:
    """Validation perplexity on the Penn Treebank after some epochs by whole steps at each precision, and eager."""
    try:
        text = corpora.load("ptb")
    except corpora.CorpusError as error:
        print(f"no Penn Treebank, so no perplexities: {error}")
        return []
    words = hw5["build_vocabulary"](text.train, size["entries"])
    train, valid = (hw5["encode"](lines, words).to(device) for lines in (text.train, text.valid))
    source = hw5["batchify"](train if size is FULL else train[:2000], size["batch_size"])
    valid = valid if size is FULL else valid[:500]
    rows = []
    for name in ("eager, highest", "whole steps, highest", "whole steps, high", "whole steps, bfloat16"):
        torch.manual_seed(1)
        model = hw5["WordLM"]("LSTM", len(words), size["units"], size["units"], 2, 0.2, True).to(device)
        kind, precision = name.split(", ")
        descent = torch.optim.SGD(model.parameters(), lr=RATE, fused=True)
        steps = WholeSteps(model, size["bptt"], size["batch_size"], CLIP, precision=precision)
        started = time.perf_counter()
        try:
            for epoch in range(epochs):
                torch.manual_seed(epoch)
                if kind == "eager":
                    hw5["train_epoch"](model, source, descent, size["bptt"], CLIP)
                else:
                    steps.train_epoch(source, RATE)
        except (ValueError, RuntimeError) as error:
            print(f"{name:28} not measured: {str(error).splitlines()[0]}", flush=True)
            continue
        spent = time.perf_counter() - started
        value = hw5["perplexity"](model, valid, 512)
        rows.append({"loop": name, "epochs": epochs, "validation": value, "seconds_per_epoch": spent / epochs})
        print(f"{name:28} validation {value:8.2f} after {epochs} epochs, {spent / epochs:.2f} s an epoch", flush=True)
    return rows


TOKENS = {"words": 929_589, "characters": 5_017_482}  # of the Penn Treebank's training text, ends of lines included


def profiles(hw5: dict, size: dict, device: torch.device) -> list[dict]:
    """What the long trainings of the notebooks' profile `full` take: seconds an epoch, measured on some steps."""
    four = namespace(OWN.assignment("hw6_lstm_vs_gru"))["RECIPES"]["full"]
    sizes = namespace(OWN.assignment("hw7_char_lm"))["CONFIGURATIONS"]
    shape = {
        "rnn_type": "LSTM",
        "embedding_size": 200,
        "hidden_size": 200,
        "num_layers": 2,
        "dropout": 0.2,
        "tied": True,
    }
    plans: dict[str, tuple[dict[str, Any], str]] = {
        "hw5": (shape | {"batch_size": 20, "bptt": 35, "epochs": 40}, "words")
    }
    plans |= {f"hw6, {name}": (config, "words") for name, config in four.items()}
    plans |= {f"hw7, {name}": (config, "characters") for name, config in sizes.items()}
    rows = []
    for name, (config, unit) in plans.items():
        entries = 50 if unit == "characters" else size["entries"]
        if size is TINY:
            config = config | {"embedding_size": 8, "hidden_size": 8, "batch_size": 4, "bptt": 5}
        keys = ("embedding_size", "hidden_size", "num_layers", "dropout", "tied")
        trained = hw5["WordLM"](config["rnn_type"], entries, *(config[key] for key in keys)).to(device)
        descent = torch.optim.SGD(trained.parameters(), lr=1.0, fused=True)
        steps, batch_size, bptt = size["steps"] // 3, config["batch_size"], config["bptt"]
        source = torch.randint(entries, (steps * bptt + 1, batch_size), device=device)

        def epoch(columns, trained=trained, descent=descent, batch_size=batch_size, bptt=bptt):
            with training_at(default_precision(device), trained, descent), graphed(trained, bptt, batch_size):
                return hw5["train_epoch"](trained, columns, descent, bptt, CLIP)

        seconds = seconds_of(epoch, source, 1) * TOKENS[unit] / (steps * bptt * batch_size)
        rows.append({"run": name, "seconds_per_epoch": seconds, "epochs": config["epochs"]})
        minutes = seconds * config["epochs"] / 60
        print(f"{name:20} {seconds:8.1f} s an epoch, {minutes:7.1f} minutes for {config['epochs']} epochs", flush=True)
    return rows


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--tiny", action="store_true", help="tiny sizes on any machine; writes nothing")
    options.add_argument("--folder", type=Path, default=ROOT / "results/gpu")
    chosen = options.parse_args()
    if not (torch.cuda.is_available() or chosen.tiny):
        raise SystemExit("no NVIDIA GPU here: --tiny tries the script without one")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size, epochs = (TINY, 1) if chosen.tiny else (FULL, 5)
    hw5 = namespace(OWN.assignment("hw5_word_lm"))
    hardware = torch.cuda.get_device_name() if device.type == "cuda" else platform.machine()
    print(f"{hardware}, torch {torch.__version__}")
    result: dict[str, Any] = {
        "hardware": hardware,
        "torch": torch.__version__,
        "date": time.strftime("%Y-%m-%d"),
        "sizes": size,
    }
    result |= {"speeds": speeds(hw5, size, device), "perplexities": perplexities(hw5, size, device, epochs)}
    result["profiles"] = profiles(hw5, size, device)
    if not chosen.tiny:
        chosen.folder.mkdir(parents=True, exist_ok=True)
        (chosen.folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")
        print(f"written to {chosen.folder}")


if __name__ == "__main__":
    main()
