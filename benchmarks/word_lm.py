"""Training the course's word language model on a CPU: tokens a second, beside the loop of pytorch/examples.

    python -m benchmarks.word_lm             # every loop by one thread and by two, some ten minutes
    python -m benchmarks.word_lm --epoch     # validation perplexity after an epoch of the Penn Treebank, half an hour

All loops train the same network (two layers of 200, tied, dropout 0.2, 10,000 words, 20 columns, 35 steps). The first
is that of pytorch/examples' word_language_model, written anew (`benchmarks/gpu.py` says how it goes). The others are
what `course train` does: hw5's own train_epoch with fused gradient descent and flushed denormals, at a precision, for
the GRU under `faster_gru`, and last that of `autograder.runs.fused_loss`, the rest at "medium". The loops take turns,
so that whatever else the machine does meets all of them; a loop's speed is that of its median turn, and the ratio to
the first one is what counts.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import time

import torch

from autograder.course.paths import OWN
from autograder.course.solutions import namespace
from autograder.runs.fused_loss import train_epoch
from autograder.runs.gru import faster_gru
from benchmarks.gpu import CLIP, RATE, Examples, Loop, examples_epoch
from utils import corpora
from utils.precision import training_at

SIZE = {"entries": 10_000, "units": 200, "dropout": 0.2, "batch_size": 20, "bptt": 35, "steps": 12, "rounds": 9}
TINY = {"entries": 50, "units": 8, "dropout": 0.2, "batch_size": 4, "bptt": 5, "steps": 3, "rounds": 2}
FIRST = "pytorch/examples"
PRECISIONS = ("highest", "medium")


def loops(hw5: dict, rnn_type: str, size: dict) -> dict[str, tuple[torch.nn.Module, Loop]]:
    """Each loop's network, all with the same weights, and the loop as a function of the columns to train on."""

    def network() -> torch.nn.Module:
        torch.manual_seed(1)
        return hw5["WordLM"](rnn_type, size["entries"], size["units"], size["units"], 2, size["dropout"], True)

    def own(precision: str, faster: bool = False, fused: bool = False) -> tuple[torch.nn.Module, Loop]:
        model = network()
        descent = torch.optim.SGD(model.parameters(), lr=RATE, fused=True)

        def epoch(source: torch.Tensor) -> float:
            gru = faster_gru(model) if faster else contextlib.nullcontext()
            with training_at(precision, model, descent), gru:
                if fused:
                    return train_epoch(hw5, model, source, descent, size["bptt"], CLIP)
                return hw5["train_epoch"](model, source, descent, size["bptt"], CLIP)

        return model, epoch

    theirs = Examples(rnn_type, size["entries"], size["units"], size["dropout"])
    theirs.load_state_dict({name.replace("embedding", "encoder"): w for name, w in network().state_dict().items()})
    table: dict[str, tuple[torch.nn.Module, Loop]] = {
        FIRST: (theirs, lambda source: examples_epoch(theirs, hw5, size["bptt"], source))
    }
    for precision in PRECISIONS:
        table[precision] = own(precision)
        if rnn_type == "GRU":
            table[f"{precision}, faster_gru"] = own(precision, faster=True)
    table["bfloat16, fused loss"] = own("medium", faster=True, fused=True)
    return table


def speeds(hw5: dict, rnn_type: str, size: dict) -> dict[str, float]:
    """Tokens a second of every loop, as its median turn had it."""
    torch.manual_seed(1)
    source = torch.randint(size["entries"], (size["steps"] * size["bptt"] + 1, size["batch_size"]))
    table = loops(hw5, rnn_type, size)
    seconds: dict[str, list[float]] = {name: [] for name in table}
    for turn in range(size["rounds"] + 1):  # the first one warms up
        for name, (_, loop) in table.items():
            started = time.perf_counter()
            loop(source)
            if turn:
                seconds[name].append(time.perf_counter() - started)
    tokens = (len(source) - 1) * size["batch_size"]
    return {name: tokens / statistics.median(measured) for name, measured in seconds.items()}


def perplexities(hw5: dict, rnn_type: str, size: dict, train: torch.Tensor, valid: torch.Tensor) -> dict[str, float]:
    """Validation perplexity, by hw5's own function, after an epoch of each loop from the same seed."""
    source, found = hw5["batchify"](train, size["batch_size"]), {}
    for name, (model, loop) in loops(hw5, rnn_type, size).items():
        torch.manual_seed(2)
        loop(source)
        measured = model
        if name == FIRST:  # the same network under other names
            measured = hw5["WordLM"](rnn_type, size["entries"], size["units"], size["units"], 2, size["dropout"], True)
            measured.embedding, measured.rnn, measured.decoder = model.encoder, model.rnn, model.decoder
        found[name] = hw5["perplexity"](measured, valid, 512)
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--epoch", action="store_true", help="validation perplexity after an epoch, too")
    options.add_argument("--tiny", action="store_true", help="tiny sizes, to try the script")
    options.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    chosen = options.parse_args()
    size = TINY if chosen.tiny else SIZE
    hw5 = namespace(OWN.assignment("hw5_word_lm"))
    torch.set_flush_denormal(True)
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}")
    for threads in chosen.threads:
        torch.set_num_threads(threads)
        for rnn_type in ("LSTM", "GRU"):
            rates = speeds(hw5, rnn_type, size)
            for name, tokens in rates.items():
                ratio = tokens / rates[FIRST]
                print(
                    f"{threads} threads {rnn_type:5} {name:24} {tokens:8,.0f} tokens/s {ratio:6.2f} times", flush=True
                )
    if chosen.epoch:
        text = corpora.load("toy" if chosen.tiny else "ptb")
        words = hw5["build_vocabulary"](text.train, size["entries"])
        train, valid = (hw5["encode"](lines, words) for lines in (text.train, text.valid))
        if chosen.tiny:
            train, valid = train[:2000] % size["entries"], valid[:500] % size["entries"]
        for rnn_type in ("LSTM", "GRU"):
            for name, value in perplexities(hw5, rnn_type, size, train, valid).items():
                print(f"after an epoch {rnn_type:5} {name:24} validation perplexity {value:8.2f}", flush=True)


if __name__ == "__main__":
    main()
