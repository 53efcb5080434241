"""`course results`: the tables and the picture of results/README.md, made from what the runs themselves wrote."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd

from autograder.course.errors import CourseError
from autograder.course.paths import OWN
from autograder.runs.reproduce import RECIPES
from utils import plots

RESULTS = OWN.root / "results"
BEGIN, END = "<!-- {}: written by `course results` -->", "<!-- end of {} -->"
TEXT = "README of pytorch/examples, March 2017"

# What others reached with the same model: test perplexity and source.
PUBLISHED = {
    "ptb_lstm": "114.5 (Zaremba et al. 2014, table 1)",
    "ptb_lstm_dropout": "93.1 (a solution of the same homework)",
    "ptb_gru": "118.0 (a solution of the same homework)",
    "ptb_gru_dropout": "98.6 (a solution of the same homework)",
    "ptb_gru_dropout_sgd": "98.6 (a solution of the same homework)",
    "ptb_tied_lstm": f"87.17 ({TEXT})",
    "ptb_tied_lstm_averaged": f"87.17 ({TEXT})",
    "ptb_record": "82.7 (Inan et al. 2016, table 1)",
}
# The homework's own table, all four by one recipe: train, validation and test perplexity.
HISTORICAL = {
    "ptb_lstm_dropout": ("LSTM dropout", 49.85, 113.83, 106.74),
    "ptb_lstm": ("LSTM", 90.19, 149.03, 143.03),
    "ptb_gru_dropout": ("GRU dropout", 59.71, 127.12, 120.87),
    "ptb_gru": ("GRU", 92.46, 157.19, 150.97),
}


def results(characters: bool = False) -> dict[str, dict]:
    """`result.json` of each run of a word or character model that is there, by name, in the order of the recipes."""
    files = {name: RESULTS / name / "result.json" for name in RECIPES if RECIPES[name].characters == characters}
    return {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.is_file()}


def word_models() -> str:
    """The table of the word models, a row per run."""
    lines = ["| run | test | validation | published | epochs | hardware | hours | command |"]
    lines += ["| --- " * 8 + "|"]
    for name, result in results().items():
        epochs = len(pd.read_csv(RESULTS / name / "history.csv"))
        cells = [f"[{name}]({name}/result.json)", f"{result['test_perplexity']:.2f}"]
        cells += [f"{result['validation_perplexity']:.2f}", PUBLISHED[name]]
        cells += [
            f"{epochs}, best {result['best_epoch']}",
            result["hardware"].split(" of ")[0].replace("1 threads", "1 thread"),
        ]
        cells += [f"{result['seconds'] / 3600:.2f}", f"`course reproduce {name}`"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def homework_table() -> str:
    """The homework's table beside what the course's recipes reach."""
    lines = ["| 2 x 200 | historical train | validation | test | here: validation | test |", "| --- " * 6 + "|"]
    measured = results()
    for name, (words, *historical) in HISTORICAL.items():
        mine = [
            f"{measured[name][f'{part}_perplexity']:.2f}" if name in measured else "" for part in ("validation", "test")
        ]
        lines.append(f"| {' | '.join([words, *(f'{value:.2f}' for value in historical), *mine])} |")
    return "\n".join(lines)


def character_models() -> str:
    """The three measures of each character model, on validation and test text."""
    lines = ["| run | text | bits per character | word perplexity, words counted | with the exponent 5.6 | command |"]
    lines += ["| --- " * 6 + "|"]
    for name, result in results(characters=True).items():
        for split, words in (("valid", "validation"), ("test", "test")):
            cells = [f"[{name}]({name}/result.json)", words, f"{result[split]['bits_per_character']:.3f}"]
            cells += [f"{result[split][key]:.1f}" for key in ("word_perplexity", "historical_perplexity")]
            lines.append(f"| {' | '.join([*cells, f'`course reproduce {name}`'])} |")
    return "\n".join(lines)


def draw(path: Path) -> None:
    """Training and validation perplexity by epoch of all runs, as an SVG that is the same from the same files."""
    histories = {name: pd.read_csv(RESULTS / name / "history.csv") for name in results()}
    with matplotlib.rc_context({"svg.hashsalt": "course", "backend": "agg"}):
        figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained", sharey=True)
        for panel, part in zip(axes, ("train", "validation"), strict=True):
            series = {name.removeprefix("ptb_").replace("_", " "): history[part] for name, history in histories.items()}
            label = "perplexity while training" if part == "train" else "validation perplexity"
            plots.curves(series, x_label="epoch", y_label=label, log=True, axes=panel)
            panel.set_ylim(top=250)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def write_results() -> None:
    """Put the tables into results/README.md and the picture beside it. Raises CourseError for a missing marker."""
    path = RESULTS / "README.md"
    text = path.read_text(encoding="utf-8")
    tables = {"word models": word_models(), "homework": homework_table(), "character models": character_models()}
    for name, table in tables.items():
        begin, end = BEGIN.format(name), END.format(name)
        if text.count(begin) != 1 or text.count(end) != 1:
            raise CourseError(f"{path}: {begin!r} and {end!r} must each occur in it once")
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}"
    path.write_text(text, encoding="utf-8")
    draw(RESULTS / "ptb_curves.svg")
