"""The published tables say what the committed runs measured."""

import csv
import json
import math
from dataclasses import asdict

import matplotlib
import pytest

from autograder.course.paths import OWN, ROOT
from autograder.course.solutions import namespace
from autograder.runs import results
from autograder.runs.reproduce import EXPERIMENTS, RECIPES

TABLE = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
RESULTS = {path.parent: json.loads(path.read_text()) for path in sorted((ROOT / "results").glob("*/result.json"))}
LANGUAGE_MODELS = [run for run, result in RESULTS.items() if "best_epoch" in result]
CHARACTERS = ROOT / "results" / "shakespeare_char_rnn"


def row(run):
    line = next(line for line in TABLE.splitlines() if f"[{run.name}]" in line)
    return [cell.strip() for cell in line.split("|")]


def test_each_run_has_a_command():
    assert {run.name for run in RESULTS} == set(EXPERIMENTS)
    assert all(f"`course reproduce {run.name}`" in row(run) for run in RESULTS)


def test_the_tables_and_the_picture_are_those_of_the_runs(tmp_path):
    assert f"\n{results.word_models()}\n" in TABLE
    assert f"\n{results.homework_table()}\n" in TABLE
    assert f"\n{results.character_models()}\n" in TABLE
    if f"matplotlib=={matplotlib.__version__}" in (ROOT / "requirements.lock").read_text():  # another draws otherwise
        results.draw(tmp_path / "fresh.svg")
        assert (tmp_path / "fresh.svg").read_text() == (ROOT / "results" / "ptb_curves.svg").read_text()


@pytest.mark.parametrize("run", LANGUAGE_MODELS, ids=lambda run: run.name)
def test_a_run_is_the_one_that_its_command_repeats(run):
    assert RESULTS[run]["recipe"].items() <= asdict(RECIPES[run.name]).items()


@pytest.mark.parametrize("name", ["LSTM", "LSTM dropout", "GRU"])
def test_hw6_trains_by_the_recipes_of_the_table(name):
    """But for the weight decay, which hw6's `run` has not, and for the GRU with dropout, which AdamW trained."""
    recipe = asdict(RECIPES["ptb_" + name.lower().replace(" ", "_")])
    config = namespace(OWN.assignment("hw6_lstm_vs_gru"))["RECIPES"]["full"][name]
    assert config.items() <= recipe.items()


@pytest.mark.parametrize("run", LANGUAGE_MODELS, ids=lambda run: run.name)
def test_the_best_epoch_is_the_historys(run):
    result = RESULTS[run]
    rows = list(csv.DictReader((run / "history.csv").open()))
    best = min(rows, key=lambda row: float(row["validation"]))
    assert int(best["epoch"]) == result["best_epoch"]
    assert math.isclose(float(best["validation"]), result["validation_perplexity"], rel_tol=1e-4)
    measured = "test_perplexity" in result  # once, after the last epoch
    assert measured == (len(rows) == RECIPES[run.name].epochs)
    if measured:
        assert math.isclose(result["test_perplexity_of_the_file"], result["test_perplexity"], rel_tol=1e-3)


def test_the_character_run_is_the_historys_and_the_tables():
    result, cells = RESULTS[CHARACTERS], row(CHARACTERS)
    rows = list(csv.DictReader((CHARACTERS / "history.csv").open()))
    measured = [line for line in rows if line["validation_bits_per_character"]]
    best = min(measured, key=lambda line: float(line["validation_bits_per_character"]))
    assert int(best["step"]) == result["best_step"]
    assert math.isclose(
        min(float(line["smoothed_loss"]) for line in rows), result["lowest_smoothed_loss"], abs_tol=1e-4
    )
    assert cells[2].startswith(f"{result['lowest_smoothed_loss']:.2f} ")
    assert cells[3:5] == [f"{result[f'{split}_bits_per_character']:.3f}" for split in ("validation", "test")]
    assert cells[7] == f"{result['seconds']:.0f}"
    samples = (CHARACTERS / "samples.txt").read_text(encoding="utf-8")
    assert samples.count("--- after") == len(measured) == result["steps"] // result["every"]
