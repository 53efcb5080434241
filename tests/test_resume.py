"""A grading run that is killed at any moment, or meets another one, or fails: the gradebook is right in the end."""

import random
import re
import signal
import subprocess
import sys
import time

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.course.errors import CourseError
from autograder.grading.driver import one_run
from tests.conftest import TinyCourse, gradebook, in_the_open
from tests.test_grading import CLASS

STUDENTS = ("full", "half-right", "square", "untouched")
TWO = ("full", "square")
KILLS = 50


def course_of(folder, students=STUDENTS):
    course = TinyCourse.built(folder / "course")
    (course.root / ".course_secret").write_text("the same for all")
    for student in students:
        notebook = nbformat.read(course.released, as_version=4)
        for cell in notebook.cells:
            cell.source = CLASS[student].get(cell.id, cell.source)
        course.submitted(student).parent.mkdir(parents=True)
        nbformat.write(notebook, course.submitted(student))
    return course


def started(course, *more, **env):
    """A run of nbgrader autograde, under way, in a process group of its own."""
    call = [sys.executable, "-m", "nbgrader", "autograde", course.name, *more, *in_the_open()]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(call, cwd=course.root, env=course.env() | env, start_new_session=True, **pipes)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A course that was graded in one go."""
    course = course_of(tmp_path_factory.mktemp("whole"))
    assert course.course("grade").returncode == 0
    return course


KILL = """
import itertools, os, signal, sys
from sqlalchemy import event
from sqlalchemy.orm import Session

def reached(moment):
    if moment == os.environ["KILLED"] and next(sys.moments) == int(os.environ["KILLED_AT"]):
        os.killpg(0, signal.SIGKILL)

def heard(what, arguments):
    if what == "open" and "submitted" in str(arguments[0]) and str(arguments[0]).endswith(".ipynb"):
        reached("before a submission is read")
    if what == "os.rename" and "autograded" in str(arguments[1]):
        reached("before a notebook is moved")

if not hasattr(sys, "moments"):  # this file is read more than once
    sys.moments = itertools.count(1)
    event.listen(Session, "after_commit", lambda session: reached("after a commit"))
    sys.addaudithook(heard)
"""
# name -> what is about to happen for which time when the run is killed
MOMENTS = {
    "before anything is read": ("before a submission is read", 1),
    "while the first is graded": ("before a submission is read", 2),
    "after a commit": ("after a commit", 2),
    "before the first notebook is moved": ("before a notebook is moved", 1),
    "before the second notebook is moved": ("before a notebook is moved", 2),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (MOMENTS[name][1] == 1)) for name in MOMENTS]
)
def test_killed_at_a_moment_and_started_again_it_ends_with_the_same_gradebook(whole, tmp_path, name):
    course = course_of(tmp_path, TWO)
    settings = course.root / "nbgrader_config.py"
    text = settings.read_text()
    settings.write_text(text + KILL)
    moment, time_of_it = MOMENTS[name]
    run = started(course, KILLED=moment, KILLED_AT=str(time_of_it))
    _, told = run.communicate(timeout=300)
    assert run.returncode == -signal.SIGKILL, told
    settings.write_text(text)
    assert course.course("grade").returncode == 0
    assert gradebook(course) == [row for row in gradebook(whole) if row[0] in TWO]


def test_killed_between_two_moves_a_mark_given_by_hand_stays_confirmed(tmp_path):
    course = course_of(tmp_path, TWO)
    assert course.course("grade").returncode == 0
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as opened:
        for student in TWO:
            grade = opened.find_grade("check_halve", course.name, course.name, student)
            grade.manual_score, grade.needs_manual_grade = 1.5, False
        opened.db.commit()
    before = gradebook(course)
    settings = course.root / "nbgrader_config.py"
    text = settings.read_text()
    settings.write_text(text + KILL)
    run = started(course, "--force", KILLED="before a notebook is moved", KILLED_AT="2")
    _, told = run.communicate(timeout=300)
    assert run.returncode == -signal.SIGKILL, told
    assert (
        len(list(course.root.glob(f"autograded/*/{course.name}"))) == 1
    )  # of one the old notebook has been moved away
    settings.write_text(text)
    assert course.course("grade").returncode == 0
    assert gradebook(course) == before
    assert not list(course.root.glob("autograded/*/.*"))


@pytest.mark.slow
def test_killed_at_fifty_moments_and_started_again_it_ends_with_the_same_gradebook(whole, tmp_path):
    course, rng = course_of(tmp_path), random.Random(7)
    finished, begun = 0, time.time()
    assert started(course_of(tmp_path / "timed")).wait() == 0
    seconds = time.time() - begun
    for _ in range(KILLS):
        run = started(course)
        try:
            run.wait(timeout=rng.uniform(0, seconds))
            finished += 1
            if finished % 3 == 0:  # all is graded: begin again, over what is there
                notebook = course.submitted(rng.choice(STUDENTS))
                notebook.write_text(notebook.read_text() + " ")
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            run.wait()
        run.stderr.close()
    assert course.course("grade").returncode == 0
    assert gradebook(course) == gradebook(whole)


def test_a_second_run_at_once_is_refused_in_one_line(whole):
    with one_run(whole.root):
        second = whole.course("grade", "--force")
    assert second.returncode == 2
    assert re.fullmatch(r"course: another grading run is under way in \S+: wait until it ends\n", second.stderr)


def test_only_the_lock_says_that_another_run_is_at_work(tmp_path):
    with one_run(tmp_path), pytest.raises(CourseError, match="another grading run is under way"), one_run(tmp_path):
        pass
    with pytest.raises(BlockingIOError), one_run(tmp_path):
        raise BlockingIOError("of something else")
