"""`course new`: what it writes builds and verifies at once."""

import shutil
import subprocess

import pytest
from nbgrader.api import Gradebook

from autograder.build.leftovers import leftovers
from tests.conftest import TinyCourse


@pytest.fixture
def course(tmp_path):
    """A tiny course, to which assignments may be added."""
    return TinyCourse(tmp_path / "course")


def test_a_new_assignment_builds_and_verifies_at_once(course):
    begun = course.course("new", "hw8_attention")
    assert begun.returncode == 0, begun.stderr
    assert "course build hw8_attention" in begun.stdout
    built = course.course("build", "hw8")
    assert built.returncode == 0, built.stderr
    assert (course.root / "release" / "hw8_attention" / "hw8_attention.ipynb").is_file()
    verified = course.course("verify", "hw8", "--jobs", "1", "--output", "table.md")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    table = (course.root / "table.md").read_text()
    assert "bits_per_token" in table
    assert "hw8_attention" in table


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("attention", "needs a name like hw8_attention"),
        ("../hw8_attention", "needs a name like hw8_attention"),
        ("hw0_other", "hw0 is taken by hw0_tiny"),
    ],
)
def test_a_name_that_will_not_do_is_one_sentence(course, name, told):
    refused = course.course("new", name)
    assert refused.returncode == 2
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr
    assert [path.name for path in (course.root / "assignments").iterdir()] == ["hw0_tiny"]


def test_what_stands_is_not_written_over(course):
    (course.root / "assignments" / "hw8_attention").mkdir()
    (course.root / "assignments" / "hw8_attention" / "notes.md").write_text("mine")
    assert "exists already" in course.course("new", "hw8_attention").stderr
    assert (course.root / "assignments" / "hw8_attention" / "notes.md").read_text() == "mine"


def test_an_assignment_that_is_dropped_is_told_with_what_removes_it(tmp_path):
    course = TinyCourse.built(tmp_path / "course")
    course.course("new", "hw8_attention")
    assert "no assignment" not in course.course("build", "hw8").stdout
    shutil.rmtree(course.root / "assignments" / "hw8_attention")
    told = (
        "hw8_attention is no assignment, but stands in source/hw8_attention/, release/hw8_attention/ and the "
        "gradebook; this removes it: rm -r source/hw8_attention release/hw8_attention && "
        ".venv/bin/nbgrader db assignment remove hw8_attention"
    )
    assert told in course.course("build").stdout.splitlines()
    for command in told.partition(": ")[2].split(" && "):
        words = command.split()
        done = course.nbgrader(*words[1:]) if "nbgrader" in words[0] else subprocess.run(words, cwd=course.root)
        assert done.returncode == 0
    assert "no assignment" not in course.course("build").stdout


def test_a_dropped_assignment_with_marks_says_that_they_go(tmp_path):
    course = TinyCourse.built(tmp_path / "course")
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        gradebook.add_student("student-01")
        gradebook.add_assignment("hw9_gone")
        gradebook.add_submission("hw9_gone", "student-01")
    (told,) = leftovers(course.own)
    assert told == (
        "hw9_gone is no assignment, but stands in the gradebook; this removes it (with the marks of 1 submission): "
        ".venv/bin/nbgrader db assignment remove hw9_gone --force"
    )
