"""`course new`: what it writes builds and verifies at once."""

import os
import shutil
import subprocess
import sys

import pytest

from autograder.course.paths import ROOT


@pytest.fixture
def course(tmp_path):
    """A copy of the course with one of its assignments, to which others may be added."""
    for part in ("autograder", "utils"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "assignments" / "hw4_gru_gradients", tmp_path / "assignments" / "hw4_gru_gradients")
    for name in ("pyproject.toml", "nbgrader_config.py"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def run(course, *arguments):
    """`course ...` of the copy."""
    command = [sys.executable, "-m", "autograder.cli", *arguments]
    env = os.environ | {"PYTHONPATH": str(course)}
    return subprocess.run(command, cwd=course, env=env, capture_output=True, text=True)


def test_a_new_assignment_builds_and_verifies_at_once(course):
    begun = run(course, "new", "hw8_attention")
    assert begun.returncode == 0, begun.stderr
    assert "course build hw8_attention" in begun.stdout
    built = run(course, "build", "hw8")
    assert built.returncode == 0, built.stderr
    assert (course / "release" / "hw8_attention" / "hw8_attention.ipynb").is_file()
    verified = run(course, "verify", "hw8", "--jobs", "1", "--output", "table.md")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    table = (course / "table.md").read_text()
    assert "bits_per_token" in table
    assert "hw8_attention" in table


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("attention", "needs a name like hw8_attention"),
        ("../hw8_attention", "needs a name like hw8_attention"),
        ("hw4_other", "hw4 is taken by hw4_gru_gradients"),
    ],
)
def test_a_name_that_will_not_do_is_one_sentence(course, name, told):
    refused = run(course, "new", name)
    assert refused.returncode == 2
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr
    assert [path.name for path in (course / "assignments").iterdir()] == ["hw4_gru_gradients"]


def test_what_stands_is_not_written_over(course):
    (course / "assignments" / "hw8_attention").mkdir()
    (course / "assignments" / "hw8_attention" / "notes.md").write_text("mine")
    assert "exists already" in run(course, "new", "hw8_attention").stderr
    assert (course / "assignments" / "hw8_attention" / "notes.md").read_text() == "mine"
