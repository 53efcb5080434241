"""hw2's full run, made small: it goes on where it stopped, with the same numbers, and tells what it measured."""

import csv
import json
import runpy

import numpy as np
import pytest

from autograder.course.paths import OWN, ROOT
from autograder.course.solutions import namespace
from autograder.runs.char_rnn import full_run


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path):
    whole = full_run(tmp_path / "whole", 90, every=30, corpus="toy")
    full_run(tmp_path / "parts", 30, every=30, corpus="toy")
    parts = full_run(tmp_path / "parts", 90, every=30, corpus="toy")
    timing = ("seconds", "steps_per_second")
    assert {k: v for k, v in whole.items() if k not in timing} == {k: v for k, v in parts.items() if k not in timing}
    for file in ("history.csv", "samples.txt"):
        assert (tmp_path / "whole" / file).read_text() == (tmp_path / "parts" / file).read_text()
    assert json.loads((tmp_path / "parts" / "result.json").read_text()) == parts
    rows = list(csv.DictReader((tmp_path / "parts" / "history.csv").open()))
    assert [int(row["step"]) for row in rows if row["validation_bits_per_character"]] == [30, 60, 90]
    assert 3 < parts["validation_bits_per_character"] < 6  # 32 characters, hardly trained
    assert (tmp_path / "parts" / "curve.png").stat().st_size > 1000


def test_it_stops_when_the_held_out_text_stops_improving(tmp_path):
    stopped = full_run(tmp_path, 200, every=10, patience=0, corpus="toy")
    assert stopped["steps"] == 10


def test_a_folder_of_another_run_is_refused(tmp_path):
    full_run(tmp_path, 10, every=10, corpus="toy")
    with pytest.raises(ValueError, match="another description"):
        full_run(tmp_path, 20, every=20, corpus="toy")
    with pytest.raises(ValueError, match="multiple of 10"):
        full_run(tmp_path, 20, every=5, corpus="toy")


def test_the_benchmarks_two_steps_do_the_same():
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "char_rnn.py"))
    hw2, text = namespace(OWN.assignment("hw2_char_rnn")), np.random.default_rng(3).integers(0, 65, 26)
    assert benchmark["largest_difference"](hw2, text) < 1e-12
    whole, parts = (hw2["start_training"](65, 100, np.random.default_rng(0)) for _ in "ab")
    slow = {"params": dict(parts["params"]), "memory": {n: np.zeros_like(a) for n, a in parts["params"].items()}}
    slow["h"] = np.zeros(100)
    for _ in range(3):
        hw2["train_step"](whole, text)
        benchmark["one_hot_step"](hw2, slow, text)
        slow["h"] = np.zeros(100)  # train_step came to the end of this short text
    for name, array in whole["params"].items():
        np.testing.assert_allclose(slow["params"][name], array, atol=1e-9)
