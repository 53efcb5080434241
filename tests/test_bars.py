"""Bars of trained results: what they promise, that the committed ones follow from their runs, and how they are set."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from autograder.course.errors import CourseError
from autograder.course.paths import OWN
from autograder.marking.reference import judge_one
from autograder.oracle.bars import CHANCE, CONFIDENCE, FILE, Bar, bar_of, beyond_exact, read_bars, tolerance_factor
from autograder.oracle.questions import load_questions

TRAINED = [
    pytest.param(name, question, id=f"{name}-{question.id}")
    for name in OWN.assignments()
    for question in load_questions(name)
    if any(isinstance(case.judge, Bar) for case in question.cases)
]


def test_a_bar_leaves_out_less_than_the_chance_as_often_as_it_says():
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((20_000, 12))
    bars = samples.mean(axis=1) + tolerance_factor(12) * samples.std(axis=1, ddof=1)
    kept = (stats.norm.sf(bars) <= CHANCE).mean()
    assert abs(kept - CONFIDENCE) < 0.008  # five standard errors


def test_the_worst_of_the_right_solutions_counts():
    runs = [[1.0, 1.0], [1.1, 1.1], [0.9, 0.9]]
    alone = bar_of(runs, {}, at_most=True)
    assert bar_of(runs, {"better": [0.5, 0.6, 0.4]}, at_most=True) == alone
    assert bar_of(runs, {"the same from the first seeds": [1.0, 1.1]}, at_most=True) == alone
    assert math.isclose(bar_of(runs, {"worse": [2.0, 2.1, 1.9]}, at_most=True), 1 + alone, abs_tol=0.2)
    assert bar_of([[-x for x in row] for row in runs], {}, at_most=False) == -alone


def test_better_than_the_exact_entropy_by_more_than_chance_is_no_models_own():
    assert beyond_exact(980.0, 1000.0, 500) is None  # e^-20 = 2e-9
    assert beyond_exact(1e9, 1000.0, 500) is None
    assert beyond_exact(math.nan, 1000.0, 500) is None
    assert beyond_exact(979.0, 1000.0, 500).startswith("a perplexity of 7.09 on text whose exact figure is 7.39: ")
    assert "1.41 bits per character" in beyond_exact(979.0, 1000.0, 1000, "bits per character")


def test_a_figure_that_is_not_finite_reaches_no_bar():
    (judge,) = [q.cases[0].judge for q in load_questions(OWN.assignment("hw5_word_lm")) if q.id == "model"]
    judge = replace(judge, measure=lambda answer, inputs, solution: answer)
    assert judge(1.1, {}, {}).reason is None
    assert all(judge(ratio, {}, {}).reason for ratio in (math.nan, math.inf, -math.inf))


def test_a_bar_that_is_not_set_is_the_course_s_fault_and_costs_no_student(tmp_path):
    hw5 = OWN.assignment("hw5_word_lm")
    (question,) = [one for one in load_questions(hw5) if one.id == "model"]
    measured = replace(question.cases[0].judge, measure=lambda answer, inputs, solution: 1.0)
    for file, told in (("{}", "no bar is set for 'nope': run course calibrate"), ("{", "cannot be read")):
        (tmp_path / FILE).write_text(file)
        judge = replace(measured, name="nope", file=tmp_path / FILE)
        asked = replace(question, cases=[replace(question.cases[0], judge=judge)])
        with pytest.raises(CourseError, match=told):
            judge_one(hw5, asked, 0, {"kind": "number", "value": 1.0}, "a secret")
        read_bars.cache_clear()


def test_a_missed_bar_is_told_beside_what_models_without_a_network_reach():
    (judge,) = [q.cases[0].judge for q in load_questions(OWN.assignment("hw5_word_lm")) if q.id == "model"]
    judge = replace(judge, measure=lambda answer, inputs, solution: answer)
    assert "unigram 9.03, bigram 1.81" in judge(9.0, {}, {}).reason


@pytest.mark.parametrize(("assignment", "question"), TRAINED)
def test_the_committed_bars_follow_from_the_committed_runs(assignment, question):
    found = json.loads((assignment.folder / FILE).read_text())
    bars = [case.judge for case in question.cases if isinstance(case.judge, Bar)]
    assert {bar.name for bar in bars} == set(found["figures"])
    assert found["threads"] == [1, 2]
    for bar in bars:
        figure = found["figures"][bar.name]
        assert len(figure["runs"]) >= 8
        assert all(len(row) == 2 for row in figure["runs"])
        for theirs in figure["others"].values():
            first = [row[0] for row in figure["runs"][: len(theirs)]]
            assert len(theirs) == len(figure["runs"]) or np.allclose(theirs, first, rtol=2e-3)
        assert math.isclose(bar_of(figure["runs"], figure["others"], bar.at_most), figure["bar"], abs_tol=0.011)
    assert set(found["misconceptions"]) == set(question.spoiled_by)
    for spoiled in found["misconceptions"].values():
        for name in spoiled["falls_short_of"]:
            figure = found["figures"][name]
            worse = [
                run[name] > figure["bar"] if figure["at_most"] else run[name] < figure["bar"] for run in spoiled["runs"]
            ]
            assert all(worse)
        assert spoiled["falls_short_of"]


TRAINING = """
# %% id="make_total"
import torch

torch.manual_seed(1)
total = float(double(np.array([1.5]))[0]) + 0.01 * torch.randn(()).item()
"""
QUESTION = """
from autograder.oracle import Bar, Case, Question

QUESTION = Question(
    cases=[
        Case(
            "the total",
            "float(total)",
            judge=Bar("total", lambda answer, inputs, solution: answer, "{came}, {bar} wanted", at_most=False),
        )
    ],
    builds_on=("double", "halve"),
    made_by="make_total",
    spoiled_by=("double: square",),
)
"""


@pytest.fixture
def trained_tiny(tiny):
    """The tiny course, with a total that is trained and has a bar."""
    tiny.edit("notebook.py", "\n# %%\ntotal = halve(double(np.ones(3))).sum()\n", TRAINING)
    tiny.edit("notebook.py", 'checks.close("total", total, 3.0)', 'checks.close("total", total, 3.0, absolute=0.1)')
    tiny.write("questions/total.py", QUESTION)
    yield tiny
    torch.set_flush_denormal(False)  # `course calibrate` starts a session, as a notebook does, which sets it


def test_calibrate_sets_bars_that_right_hand_ins_reach_and_spoiled_ones_miss(trained_tiny):
    tiny = trained_tiny
    done = tiny.course("calibrate", "--seeds", "8")
    assert done.returncode == 0, done.stderr
    found = json.loads((tiny.assignment / FILE).read_text())
    figure = found["figures"]["total"]
    assert 2.9 < figure["bar"] < 3
    assert len({value for row in figure["runs"] for value in row}) == 8  # seeds differ, threads do not matter here
    assert found["misconceptions"]["double: square"]["falls_short_of"] == ["total"]
    assert tiny.course("build").returncode == 0
    verified = tiny.course("verify", "--jobs", "2")
    assert "| wrong accepted | 0 of" in verified.stdout, verified.stdout + verified.stderr
    assert "| right refused | 0 of" in verified.stdout


@pytest.mark.slow
def test_a_misconception_that_reaches_every_bar_is_refused(trained_tiny):
    trained_tiny.edit("questions/double.py", '"2 * x", "x * x"', '"2 * x", "x + x"')
    done = trained_tiny.course("calibrate", "--seeds", "8")
    assert done.returncode == 2
    assert "'double: square' falls short of no bar of 'total'" in done.stderr


def test_without_bars_the_grader_says_what_to_run(trained_tiny):
    question = load_questions(trained_tiny.own.assignment(trained_tiny.name))[-1]
    with pytest.raises(CourseError, match="no bars are set: run course calibrate hw0_tiny"):
        question.cases[0].judge(3.0, {}, {})
