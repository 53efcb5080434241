"""Where a course lies, whose code works on it, and a gradebook that another process holds: one sentence or it works."""

import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from autograder.course import nbgrader_api
from autograder.course.errors import CourseError
from autograder.course.paths import ROOT, check_folder
from tests.conftest import TinyCourse, in_the_open, scores
from tests.test_classroom import counts
from tests.test_grading import CLASS

GRADE, AUTOGRADE = ("course", "grade"), ("nbgrader", "autograde", "hw0_tiny", "--log-level=WARN")
EXPORT, FEEDBACK = ("course", "export", "--to", "moodle"), ("nbgrader", "generate_feedback", "hw0_tiny")


def run(folder: Path, code: Path, program: str, *arguments: str) -> subprocess.CompletedProcess:
    """A command in a folder, with the code of a course."""
    module = "autograder.cli" if program == "course" else "nbgrader"
    start = f"import runpy, sys; sys.path[0] = {str(code)!r}; sys.argv = ['{module}', *sys.argv[1:]]; "
    start += f"runpy.run_module({module!r}, run_name='__main__')"
    call = [sys.executable, "-c", start, *arguments]
    env = TinyCourse.env(type("", (), {"root": code}))
    return subprocess.run(call, cwd=folder, env=env, capture_output=True, text=True, timeout=300)


def one_sentence(done: subprocess.CompletedProcess, *words: str) -> None:
    told = done.stderr.strip()
    assert done.returncode in (1, 2), done
    assert "\n" not in told
    assert not done.stdout.strip()
    for word in words:
        assert word in told


@pytest.mark.parametrize(
    ("name", "command"),
    [
        *(("a[b]", GRADE), ("a*b", AUTOGRADE), ("a?b", EXPORT)),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in (("a[b]", FEEDBACK), ("a?b", AUTOGRADE), ("a%20b", GRADE))
        ),
    ],
)
def test_a_path_that_nbgrader_or_the_database_would_read_otherwise_is_refused(tmp_path, name, command):
    folder = tmp_path / name / "course"
    folder.mkdir(parents=True)
    shutil.copyfile(ROOT / "nbgrader_config.py", folder / "nbgrader_config.py")
    sign = next(sign for sign in ("[", "*", "?", "%20") if sign in name)
    one_sentence(run(folder, ROOT, *command), repr(sign), "in its path")
    assert {path.name for path in folder.iterdir()} <= {"nbgrader_config.py"}


def test_a_copy_of_a_course_is_not_graded_by_the_code_of_another(tmp_path):
    copy = TinyCourse(tmp_path / "copy")
    for command in (GRADE, ("course", "build")):
        one_sentence(run(copy.root, ROOT, *command), str(copy.root), str(ROOT), "make build")
    done = run(tmp_path, ROOT, *AUTOGRADE, f"--CourseDirectory.root={copy.root}", *in_the_open())
    assert done.returncode == 1
    assert f"{copy.root} is a separate course, but this command belongs to {ROOT}" in done.stderr.split("\n")[-2]
    assert not (copy.root / "gradebook.db").exists()


@pytest.mark.parametrize("name", [pytest.param("a+b (1)", marks=pytest.mark.slow), "a{b}:c\\d\n%&'#ü"])
def test_other_signs_in_a_path_do_no_harm(tmp_path, name):
    course = TinyCourse.built(tmp_path / name / "course")
    course.hand_in("full", CLASS["full"])
    assert counts(course.course("grade").stdout) == (1, 0, 0)
    link = tmp_path / "link"  # a path of modules cannot name a folder with ":"
    link.symlink_to(course.root)
    call = ("autograde", course.name, "--force", "--log-level=WARN", *in_the_open())
    done = course.python("-m", "nbgrader", *call, PYTHONPATH=str(link))
    assert done.returncode == 0, done.stderr
    assert scores(course, "full")["double"] == 2


def test_a_folder_without_code_of_its_own_is_any_course_s(tmp_path):
    check_folder(tmp_path)
    check_folder(ROOT)
    with pytest.raises(CourseError, match="in its path"):
        check_folder(tmp_path / "a[b]")


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """A course with a submission, whose commands wait for the gradebook for five seconds."""
    course = TinyCourse.built(tmp_path_factory.mktemp("held") / "course")
    course.hand_in("full", CLASS["full"])
    return course


def test_a_gradebook_that_another_process_holds_is_waited_for_and_then_it_is_one_sentence(held, monkeypatch):
    grade = ["grade", "--force"]
    book = sqlite3.connect(held.root / "gradebook.db", check_same_thread=False)
    book.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(nbgrader_api, "PATIENCE", 1)
    for command in (grade, ["export", "--to", "moodle"]):
        done = held.course(*command)
        assert done.returncode == 2
        assert done.stderr.strip().split("\n")[-1].startswith("course: the gradebook cannot be ")
        assert "another process has held it for 1 s" in done.stderr
        assert "Traceback" not in done.stderr
    monkeypatch.setattr(nbgrader_api, "PATIENCE", 100)
    threading.Timer(7, book.rollback).start()  # longer than SQLite's own patience
    started = time.monotonic()
    done = held.course(*grade)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started > 7
    assert scores(held, "full")["double"] == 2
