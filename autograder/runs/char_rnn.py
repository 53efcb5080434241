"""hw2's full run: its own solution on Shakespeare; the curve, the samples, the best bits per character.

A student's report on an assignment of KTH Stockholm tells of 660,000 steps at hidden size 100 and 25 steps, and of a
smoothed loss of 38.22.
"""

from __future__ import annotations

import csv
import json
import math
import time
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from autograder.course.paths import OWN
from autograder.course.solutions import namespace
from autograder.runs.train import hardware
from utils import corpora
from utils.files import replaced

HIDDEN, STEPS, SEED = 100, 25, 1
CHECKPOINT, BEST = "checkpoint.safetensors", "best.safetensors"


def full_run(
    folder: Path, steps: int = 660_000, *, every: int = 10_000, patience: int = 20, corpus: str = "shakespeare"
) -> dict:
    """Train until `steps`, or until the held-out bits per character have not improved for `patience` measurements.

    Calling it again with the same folder goes on from the last checkpoint; the numbers are those of a run that was
    never stopped, as long as the numpy and the machine are the same.
    folder: gets `history.csv` (step, smoothed loss, bits per character on the validation text where it was measured),
        `samples.txt` (text by the network as it was then), `best.safetensors`, `curve.png` and `result.json`.
    every: steps between two measurements, samples and checkpoints; a multiple of 10.
    Returns what `result.json` holds. Raises ValueError for an `every` that is no multiple of 10, or when the folder
    holds a run of another description.
    """
    if every < 10 or every % 10:
        raise ValueError(f"every must be a multiple of 10, got {every}")
    hw2 = namespace(OWN.assignment("hw2_char_rnn"))
    texts = corpora.load(corpus)
    alphabet = sorted(set(texts.text("train")))
    index = {character: k for k, character in enumerate(alphabet)}
    tokens = {split: np.array([index[c] for c in texts.text(split)]) for split in corpora.SPLITS}
    description = {"corpus": corpus, "hidden": HIDDEN, "steps_per_piece": STEPS, "every": every}
    folder.mkdir(parents=True, exist_ok=True)
    run = hw2["start_training"](len(alphabet), HIDDEN, np.random.default_rng(SEED), STEPS, np.float32)
    notes: dict = {"rows": [], "samples": [], "seconds": 0.0}
    if (folder / CHECKPOINT).exists():
        notes = _resume(folder, run, description)
    while run["step"] < steps and not _stalled(notes["rows"], patience):
        started = time.perf_counter()
        while run["step"] < steps:
            hw2["train_step"](run, tokens["train"], STEPS)
            if run["step"] % (every // 10) == 0:
                notes["rows"].append([run["step"], run["smoothed"], None])
            if run["step"] % every == 0:
                break
        bits = float(hw2["bits_per_character"](run["params"], tokens["valid"]))
        if not notes["rows"] or notes["rows"][-1][0] != run["step"]:
            notes["rows"].append([run["step"], run["smoothed"], None])
        better = bits < min((row[2] for row in notes["rows"] if row[2] is not None), default=math.inf)
        notes["rows"][-1][2] = bits
        ids = hw2["sample"](run["params"], 0 * run["h"], index["\n"], 300, np.random.default_rng(run["step"]), 0.8)
        notes["samples"].append([run["step"], "".join(alphabet[k] for k in ids)])
        notes["seconds"] += time.perf_counter() - started
        if better:
            _write(folder / BEST, run["params"], {"step": run["step"], "bits": bits, "alphabet": alphabet})
        _write(folder / CHECKPOINT, _arrays(run), {"description": description, "run": _numbers(run), "notes": notes})
        print(f"step {run['step']:8,}  smoothed {run['smoothed']:6.2f}  held-out {bits:.4f} bits", flush=True)
    return _report(folder, hw2, notes, description, tokens["test"])


def _arrays(run: dict) -> dict[str, np.ndarray]:
    return {name: run[name] for name in ("all", "memory", "h")}


def _numbers(run: dict) -> dict:
    return {key: run[key] for key in ("position", "step", "smoothed")}


def _resume(folder: Path, run: dict, description: dict) -> dict:
    arrays, metadata = _read(folder / CHECKPOINT)
    if metadata["description"] != description:
        raise ValueError(
            f"{folder} holds a run of another description: {metadata['description']}; choose another folder"
        )
    run["all"][...] = arrays["all"]  # in place: the parameters are views into it
    run |= metadata["run"] | {"memory": arrays["memory"], "h": arrays["h"]}
    return metadata["notes"]


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    with safetensors.safe_open(path, "numpy") as file:
        metadata = file.metadata()
    arrays = {name: array.copy() for name, array in safetensors.numpy.load_file(path).items()}
    return arrays, {key: json.loads(value) for key, value in metadata.items()}


def _write(path: Path, arrays: dict[str, np.ndarray], metadata: dict) -> None:
    with replaced(path) as part:
        safetensors.numpy.save_file(arrays, part, {key: json.dumps(value) for key, value in metadata.items()})


def _stalled(rows: list, patience: int) -> bool:
    bits = [row[2] for row in rows if row[2] is not None]
    return bool(bits) and len(bits) - 1 - int(np.argmin(bits)) >= patience


def _report(folder: Path, hw2: dict, notes: dict, description: dict, test: np.ndarray) -> dict:
    rows = notes["rows"]
    best, metadata = _read(folder / BEST)
    smoothed = min(row[1] for row in rows)
    result = {
        **description,
        "learning_rate": 0.1,
        "clip": 5.0,
        "seed": SEED,
        "steps": rows[-1][0],
        "smoothed_loss": rows[-1][1],
        "lowest_smoothed_loss": smoothed,
        "lowest_smoothed_bits_per_character": smoothed / STEPS / math.log(2),
        "best_step": metadata["step"],
        "validation_bits_per_character": metadata["bits"],
        "test_bits_per_character": float(hw2["bits_per_character"](best, test)),
        "hardware": hardware("cpu"),
        "numpy": np.__version__,
        "seconds": notes["seconds"],
        "steps_per_second": rows[-1][0] / notes["seconds"],
        "finished": time.strftime("%Y-%m-%d"),
    }
    with (folder / "history.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "smoothed_loss", "validation_bits_per_character"])
        writer.writerows([[s, f"{loss:.4f}", "" if bits is None else f"{bits:.5f}"] for s, loss, bits in rows])
    samples = "".join(f"--- after {step:,} steps\n{text}\n\n" for step, text in notes["samples"])
    (folder / "samples.txt").write_text(samples, encoding="utf-8")
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    _draw(folder / "curve.png", rows)
    return result


def _draw(path: Path, rows: list) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    at, smoothed = np.array([row[:2] for row in rows]).T
    measured = np.array([[row[0], row[2]] for row in rows if row[2] is not None])
    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    axes.plot(at, smoothed / STEPS / math.log(2), "-", linewidth=1, label="smoothed loss, training text")
    axes.plot(*measured.T, "--s", markersize=3, linewidth=1, label="validation text")
    axes.axhline(
        38.22 / STEPS / math.log(2), color="0.5", linewidth=0.8, label="smoothed loss of a student's report, 38.22"
    )
    axes.set(xlabel="training steps", ylabel="bits per character")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)
