"""The published tables say what the committed runs measured."""

import csv
import json
import math

import pytest

from autograder.solutions import ROOT

RUNS = sorted(path.parent for path in (ROOT / "results").glob("*/result.json"))


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_the_table_holds_the_runs_own_figures(run):
    result = json.loads((run / "result.json").read_text())
    row = next(line for line in (ROOT / "results" / "README.md").read_text().splitlines() if f"[{run.name}]" in line)
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[2] == f"{result['test_perplexity']:.2f}"
    assert cells[3] == f"{result['validation_perplexity']:.2f}"
    assert math.isclose(float(cells[7]), result["seconds"] / 3600, abs_tol=0.006)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_the_best_epoch_is_the_historys(run):
    result = json.loads((run / "result.json").read_text())
    rows = list(csv.DictReader((run / "history.csv").open()))
    best = min(rows, key=lambda row: float(row["validation"]))
    assert int(best["epoch"]) == result["best_epoch"]
    assert math.isclose(float(best["validation"]), result["validation_perplexity"], rel_tol=1e-4)
    assert math.isclose(result["test_perplexity_of_the_file"], result["test_perplexity"], rel_tol=1e-3)
