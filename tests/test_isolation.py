"""Where submissions cannot be isolated: one line and a refusal, and a way to go on that says what it is."""

import sys
from pathlib import Path

import pytest

from autograder.grading.nbgrader_hook import UNSAFE


@pytest.fixture
def handed_in(built):
    """A course with one submission."""
    built.hand_in("student-01", {})
    return built


def without_bubblewrap(course, *arguments):
    """Run a module where no bubblewrap is to be found."""
    return course.python("-m", *arguments, PATH=str(Path(sys.executable).parent))


def test_grading_is_refused_in_one_line_and_unsafe_goes_on(handed_in):
    refused = without_bubblewrap(handed_in, "nbgrader", "autograde", handed_in.name)
    assert refused.returncode != 0
    assert len(refused.stderr.strip().split("\n")) == 1
    assert UNSAFE in refused.stderr
    assert not (handed_in.root / "autograded").exists()
    graded = without_bubblewrap(handed_in, "nbgrader", "autograde", handed_in.name, UNSAFE)
    assert graded.returncode == 0
    assert "UNSAFE: submissions run with your own rights" in graded.stderr
    assert list(handed_in.root.glob("autograded/student-01/*/*.ipynb"))


def test_the_doctor_says_what_is_missing(handed_in):
    told = without_bubblewrap(handed_in, "autograder.cli", "doctor")
    assert told.returncode == 1
    assert "MISSING  students' code cannot be isolated here" in told.stdout
