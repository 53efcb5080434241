"""Notebooks that were worked on in Colab: taken in, graded in one run with full marks, shown with their figures."""

import json
import os
import random
import subprocess
import sys

import nbformat
import pytest

from autograder.build.builder import build
from autograder.course.paths import OWN, ROOT
from autograder.sandbox import bubblewrap
from autograder.verification.grades import auto_scores
from autograder.verification.samples import filled_notebook, solution_cells
from autograder.verification.verify import question_points
from tests.colab import PNG, saved_by_colab
from tests.conftest import thorough

pytestmark = pytest.mark.skipif(bubblewrap.lacks() is not None, reason=f"no isolation here: {bubblewrap.lacks()}")


def some(*names):
    return [OWN.assignment(assignment) for assignment in names]


# student -> what Colab did to the notebooks, and which ones
CLASS = {
    "student-01": ({}, OWN.assignments()),
    "student-02": ({"nbgrader": False}, some("hw3_lstm", *["hw1_dropout_batchnorm"] * thorough())),
    "student-03": ({"nbgrader": False, "own_ids": True}, some("hw4_gru_gradients", *["hw2_char_rnn"] * thorough())),
    "student-04": ({"old": True, "own_ids": True}, some("hw4_gru_gradients")),
}
WORKS = [(student, assignment) for student, (_, chosen) in CLASS.items() for assignment in chosen]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A course's folder with the class in it, after one `course grade`; what the command put out is in grade.txt."""
    root = tmp_path_factory.mktemp("colab")
    for assignment in OWN.assignments():
        build(assignment, root)
    rng = random.Random(20)
    for student, assignment in WORKS:
        folder = root / "submitted" / student / assignment.name
        folder.mkdir(parents=True)
        saved = saved_by_colab(filled_notebook(assignment, solution_cells(assignment)), rng, **CLASS[student][0])
        (folder / f"Copy of {assignment}.ipynb").write_text(json.dumps(saved, indent=2), encoding="utf-8")
    call = [sys.executable, "-m", "autograder.cli", "grade"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(call, cwd=root, env=env, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    (root / "grade.txt").write_text(done.stdout)
    return root


def notebook(root, student, assignment):
    return nbformat.read(root / "autograded" / student / assignment.name / f"{assignment}.ipynb", as_version=4)


def test_one_run_grades_them_all(graded):
    assert f"graded {len(WORKS)}, unchanged 0, failed 0" in (graded / "grade.txt").read_text()


@pytest.mark.parametrize(("student", "assignment"), WORKS)
def test_the_marks_are_full(graded, student, assignment):
    scores = auto_scores(graded, student, assignment.name)
    assert {f"check_{question}": points for question, points in question_points(assignment).items()} == {
        cell: score for cell, score in scores.items() if cell.startswith("check_")
    }


@pytest.mark.parametrize(("student", "assignment"), WORKS)
def test_repairs_are_the_name_and_what_was_lost(graded, student, assignment):
    first, *others = notebook(graded, student, assignment).metadata["course"]["repairs"]
    assert first == f"the notebook is called Copy of {assignment}.ipynb and was read as {assignment}.ipynb"
    lost = CLASS[student][0].get("own_ids") and not CLASS[student][0].get("nbgrader", True)
    told = [
        f"matched by {way}, because their ids are missing" for way in ("the function they define", "their first line")
    ]
    assert [line.split(":")[0] for line in others] == (told if lost else [])


def test_figures_are_shown_as_colab_drew_them(graded):
    for student, assignment in WORKS:
        cells = notebook(graded, student, assignment).cells
        shown = [out for cell in cells for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]
        assert shown, (student, assignment)
        assert {out.data["image/png"].strip() for out in shown} == {PNG}


def test_the_form_is_colab_s():
    """What a notebook that Colab wrote has and one of Jupyter's has not."""
    saved = saved_by_colab(filled_notebook(OWN.assignment("hw5_word_lm"), {}), random.Random(1))
    assert (saved["nbformat"], saved["nbformat_minor"]) == (4, 0)
    assert not any("id" in cell for cell in saved["cells"])
    assert all(isinstance(cell["source"], list) and cell["metadata"]["id"] for cell in saved["cells"])
    assert saved["cells"][0]["metadata"]["id"] == "view-in-github"
    assert {"colab", "executionInfo", "outputId"} <= set(saved["cells"][2]["metadata"])
    assert saved["metadata"]["colab"]["gpuType"] == "T4"
    nbformat.validate(nbformat.from_dict(saved))
