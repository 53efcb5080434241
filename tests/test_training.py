"""The trainer: best weights, early stop, and a kill at any moment that changes no number."""

import functools
import itertools
import linecache
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from autograder.course.paths import OWN, ROOT
from autograder.verification.samples import filled_notebook, solution_cells
from utils.training import constant, fingerprint, fit, shrink_on_plateau
from utils.weights import read_weights

SCRIPT = """
import sys, time, torch
from torch import nn
from utils.training import fit, shrink_on_plateau
torch.manual_seed(3)
model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
optimiser = getattr(torch.optim, sys.argv[2])(model.parameters(), lr=0.1)
x = torch.randn(32, 4)
def train():
    model.train()
    for _ in range(20):
        optimiser.zero_grad()
        loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
        loss.backward()
        optimiser.step()
        time.sleep(float(sys.argv[3]))
    return loss.item()
def validate():
    model.eval()
    with torch.no_grad():
        return (model(x) - x.sum(1, keepdim=True)).square().mean().exp().item()
history = fit(model, optimiser, train, validate, epochs=8, rate=shrink_on_plateau(0.05, 4), folder=sys.argv[1], seed=5)
history.drop(columns="seconds").to_csv(sys.argv[1] + "/history.csv", index=False)
torch.save(model.state_dict(), sys.argv[1] + "/final.pt")
"""


def start(folder, optimiser, pause):
    folder.mkdir(exist_ok=True)
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    call = [sys.executable, "-c", SCRIPT, str(folder), optimiser, str(pause)]
    return subprocess.Popen(call, env=env, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("optimiser", [pytest.param("SGD", marks=pytest.mark.slow), "AdamW"])
def test_killed_at_any_moment_it_ends_with_the_same_numbers(tmp_path, optimiser):
    assert start(tmp_path / "whole", optimiser, 0).wait() == 0
    stopped, kills = tmp_path / "stopped", 0
    for delay in itertools.chain([0.05, 0.2, 0.35], itertools.repeat(0.28)):
        running = start(stopped, optimiser, 0.004)
        _wait_for_progress(running, stopped)
        time.sleep(delay)
        if running.poll() is None:
            running.send_signal(signal.SIGKILL)
            kills += 1
        running.wait()
        if (stopped / "final.pt").exists():
            break
    assert kills >= 2
    assert (stopped / "history.csv").read_text() == (tmp_path / "whole" / "history.csv").read_text()
    one, other = (torch.load(tmp_path / name / "final.pt") for name in ("whole", "stopped"))
    assert all(torch.equal(one[key], other[key]) for key in one)


def _wait_for_progress(running, folder):
    """Until the run has written one checkpoint more, or is over."""
    path = folder / "checkpoint.safetensors"
    before = path.stat().st_mtime_ns if path.exists() else 0
    while running.poll() is None and not (path.exists() and path.stat().st_mtime_ns > before):
        time.sleep(0.01)


def model_and_optimiser():
    model = nn.Linear(1, 1)
    return model, torch.optim.SGD(model.parameters(), lr=1.0)


def run(perplexities, **options):
    """Fit a model whose weight is the epoch's number, over a list of validation perplexities."""
    model, optimiser = model_and_optimiser()
    given = iter(perplexities)
    rates = []

    def train():
        rates.append(optimiser.param_groups[0]["lr"])
        with torch.no_grad():
            model.weight.fill_(len(rates))
        model(torch.zeros(1, 1))
        return 1.0

    options = {"epochs": len(perplexities), "rate": constant(0.5)} | options
    history = fit(model, optimiser, train, lambda: next(given), **options)
    return model.weight.item(), history, rates


def test_the_best_weights_are_kept_and_the_first_of_equals():
    weight, history, _ = run([9.0, 5.0, 5.0, 7.0])
    assert weight == 2
    assert list(history["epoch"]) == [1, 2, 3, 4]
    assert list(history["validation"]) == [9.0, 5.0, 5.0, 7.0]


def test_nan_is_never_best():
    assert run([float("nan"), 5.0, float("nan")])[0] == 2


def test_early_stop_waits_for_its_patience():
    _, history, _ = run([9.0, 5.0, 6.0, 6.0, 1.0], patience=2)
    assert len(history) == 4


def test_the_rate_shrinks_after_each_epoch_that_is_no_better():
    rates = run([9.0, 5.0, 6.0, 5.5, 4.0, 4.5], rate=shrink_on_plateau(20, 4))[2]
    assert rates == [20, 20, 20, 5, 1.25, 1.25]
    assert shrink_on_plateau(3, 2)(pd.DataFrame({"validation": []})) == 3


def test_a_finished_run_is_not_trained_again(tmp_path):
    first = run([9.0, 5.0, 7.0], folder=tmp_path)
    again = run([1.0, 1.0, 1.0], folder=tmp_path)
    assert again[2] == []
    assert again[0] == first[0] == 2
    pd.testing.assert_frame_equal(again[1], first[1])


def test_a_folder_of_another_run_is_refused(tmp_path):
    run([9.0], folder=tmp_path, config={"hidden_size": 200})
    with pytest.raises(ValueError, match=r"holds another run .*200"):
        run([9.0], folder=tmp_path, config={"hidden_size": 300})
    with pytest.raises(ValueError, match=r"holds another run \(without \{'dropout': 0\.3\}\)"):
        run([9.0], folder=tmp_path, config={"hidden_size": 200, "dropout": 0.3})


def test_tied_weights_survive_a_checkpoint(tmp_path):
    model = nn.Module()
    model.one = nn.Embedding(3, 2)
    model.two = nn.Linear(2, 3)
    model.two.weight = model.one.weight
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    fit(model, optimiser, lambda: 1.0, lambda: 2.0, epochs=1, rate=constant(1), folder=tmp_path)
    assert model.two.weight is model.one.weight


def test_a_folder_of_a_run_by_other_code_is_refused(tmp_path):
    run([9.0], folder=tmp_path, config={"code": "123456"})
    with pytest.raises(ValueError, match="holds a run of other code"):
        run([9.0], folder=tmp_path, config={"code": "654321"})


def test_no_epoch_is_started_that_would_end_after_the_limit(tmp_path, monkeypatch):
    clock = itertools.count(step=10)  # each epoch reads it twice, so it takes 10 s
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    _, history, _ = run([9.0, 8.0, 7.0, 6.0, 5.0], seconds=35, folder=tmp_path)
    assert list(history["epoch"]) == [1, 2, 3]
    _, again, _ = run([5.0, 4.0], seconds=45, folder=tmp_path, epochs=5)  # what was spent before counts
    assert list(again["validation"]) == [9.0, 8.0, 7.0, 5.0]


def test_after_the_first_epoch_it_says_how_long_the_others_will_take(monkeypatch, capsys):
    clock = itertools.count(step=120)
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    run([9.0, 8.0, 7.0])
    assert "the other epochs will take about 4 minutes" in capsys.readouterr().out


def test_a_fingerprint_changes_with_the_code_and_not_with_its_words():
    versions = [
        "def f(x):\n    return x + 1\n",
        "def f(x):  # a comment\n    'A docstring.'\n    return (x\n            + 1)\n",
        "def f(x):\n    return x + 2\n",
        "class f:\n    def forward(self, x):\n        return x + 1\n",
        "class f:\n    def forward(self, x):\n        return x - 1\n",
    ]
    prints = []
    for place, source in enumerate(versions):
        names = {"__name__": "notebook"}
        linecache.cache[f"<cell {place}>"] = (len(source), None, source.splitlines(keepends=True), f"<cell {place}>")
        exec(compile(source, f"<cell {place}>", "exec"), names)
        prints.append(fingerprint(names["f"]))
    assert prints[0] == prints[1]
    assert len(set(prints)) == 4


def test_a_fingerprint_of_what_has_no_source_is_that_of_its_bytecode():
    plus, minus, again = (eval(f"lambda x: x {sign} 1") for sign in "+-+")
    assert fingerprint(plus) == fingerprint(again) != fingerprint(minus)
    assert fingerprint(print, functools.partial(print)) == fingerprint()


@pytest.mark.parametrize(("option", "value"), [("precision", "double"), ("epochs", 0)])
def test_wrong_options_are_named(option, value):
    with pytest.raises(ValueError, match=option):
        run([1.0], **{option: value})


def test_precision_is_put_back_and_validation_is_not_touched(tmp_path):
    model, optimiser = model_and_optimiser()
    seen = {}

    def train():
        seen["train"] = torch.get_float32_matmul_precision()
        return 1.0

    def validate():
        seen["validate"] = torch.get_float32_matmul_precision()
        return 1.0

    fit(model, optimiser, train, validate, epochs=1, rate=constant(1), precision="medium")
    assert seen == {"train": "medium", "validate": "highest"}


def cells_of_the_long_run():
    """hw5's cells for its long run as one program: what is given, the solutions, the cell that trains, made small."""
    notebook = filled_notebook(OWN.assignment("hw5_word_lm"), solution_cells(OWN.assignment("hw5_word_lm")))
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    needed = [
        cell.source
        for cell in cells
        if cell.id in ("set-up", "provided-1", *solution_cells(OWN.assignment("hw5_word_lm")))
    ]
    training = next(cell.source for cell in cells if "def full_run(" in cell.source)
    for old, new in (("200", "16"), ("40", "8")):  # sizes and epochs of the full profile
        assert training.count(f": {old},\n") == {"200": 2, "40": 1}[old]
        training = training.replace(f": {old},\n", f": {new},\n")
    return "\n\n".join([*needed, training])


def long_run(vm, drive):
    """Start the program in a folder, as a Colab session with a GPU would in its own; checkpoints go to `drive`."""
    vm.mkdir()
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "COURSE_ROOT": str(ROOT)}
    env |= {"COURSE_PROFILE": "full", "COURSE_CORPUS": "toy", "COURSE_RUNS": str(drive)}
    call = [sys.executable, "-u", "-c", cells_of_the_long_run()]
    return subprocess.Popen(call, cwd=vm, env=env, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_notebook_s_long_run_goes_on_in_the_folder_that_the_student_chose(tmp_path):
    whole = long_run(tmp_path / "undisturbed", tmp_path / "other").communicate()[0]
    running = long_run(tmp_path / "first-session", tmp_path / "drive")
    for line in running.stdout:
        if line.startswith("epoch   1 "):
            running.kill()
            break
    running.communicate()
    told = long_run(tmp_path / "second-session", tmp_path / "drive").communicate()[0].splitlines()
    place = tmp_path / "drive" / "word_lm_toy_full" / "checkpoint.safetensors"
    (start,) = [k for k, line in enumerate(told) if line.startswith("going on after epoch ")]
    assert told[start].endswith(f", from {place}")
    done = int(told[start].split(",")[0].split()[-1])
    assert 1 <= done < 8
    assert [int(line.split()[1]) for line in told if line.startswith("epoch ")] == [*range(done + 1, 9)]
    assert not (tmp_path / "second-session" / "runs").exists()
    files = [tmp_path / name / "word_lm.safetensors" for name in ("undisturbed", "second-session")]
    np.testing.assert_equal(*(read_weights(file.read_bytes()) for file in files), err_msg=whole)
