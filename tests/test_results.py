"""The published tables say what the committed runs measured."""

import csv
import json
import math

import pytest

from autograder.reproduce import EXPERIMENTS
from autograder.solutions import ROOT

TABLE = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
RESULTS = {path.parent: json.loads(path.read_text()) for path in sorted((ROOT / "results").glob("*/result.json"))}
WORD_MODELS = [run for run, result in RESULTS.items() if "test_perplexity" in result]
CHARACTERS = ROOT / "results" / "shakespeare_char_rnn"


def row(run):
    line = next(line for line in TABLE.splitlines() if f"[{run.name}]" in line)
    return [cell.strip() for cell in line.split("|")]


def test_each_run_has_a_command():
    assert {run.name for run in RESULTS} == set(EXPERIMENTS)
    assert all(f"`course reproduce {run.name}`" in row(run) for run in RESULTS)


@pytest.mark.parametrize("run", WORD_MODELS, ids=lambda run: run.name)
def test_the_table_holds_the_runs_own_figures(run):
    result, cells = RESULTS[run], row(run)
    assert cells[2] == f"{result['test_perplexity']:.2f}"
    assert cells[3] == f"{result['validation_perplexity']:.2f}"
    assert math.isclose(float(cells[7]), result["seconds"] / 3600, abs_tol=0.006)


@pytest.mark.parametrize("run", WORD_MODELS, ids=lambda run: run.name)
def test_the_best_epoch_is_the_historys(run):
    result = RESULTS[run]
    rows = list(csv.DictReader((run / "history.csv").open()))
    best = min(rows, key=lambda row: float(row["validation"]))
    assert int(best["epoch"]) == result["best_epoch"]
    assert math.isclose(float(best["validation"]), result["validation_perplexity"], rel_tol=1e-4)
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
