"""A grading run that is killed at any moment, or meets another one, or fails: the gradebook is right in the end."""

import random
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from autograder.course.errors import CourseError
from autograder.grading.driver import one_run
from tests.conftest import TinyCourse, gradebook, in_the_open, scores
from tests.test_grading import CLASS, DOUBLE

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
    """A course that was graded in one go, and the seconds that it took."""
    course = course_of(tmp_path_factory.mktemp("whole"))
    begun = time.time()
    assert course.nbgrader("autograde", course.name).returncode == 0
    course.seconds = time.time() - begun
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


@pytest.mark.parametrize("name", MOMENTS)
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
    assert course.course("grade", *(["--unsafe"] if in_the_open() else [])).returncode == 0
    assert gradebook(course) == [row for row in gradebook(whole) if row[0] in TWO]


@pytest.mark.slow
def test_killed_at_fifty_moments_and_started_again_it_ends_with_the_same_gradebook(whole, tmp_path):
    course, rng = course_of(tmp_path), random.Random(7)
    finished = 0
    for _ in range(KILLS):
        run = started(course)
        try:
            run.wait(timeout=rng.uniform(0, whole.seconds))
            finished += 1
            if finished % 3 == 0:  # all is graded: begin again, over what is there
                notebook = course.submitted(rng.choice(STUDENTS))
                notebook.write_text(notebook.read_text() + " ")
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            run.wait()
        run.stderr.close()
    assert course.nbgrader("autograde", course.name).returncode == 0
    assert gradebook(course) == gradebook(whole)


def test_what_is_graded_is_not_graded_again_until_it_changes(whole):
    def told(*more):
        return whole.nbgrader("autograde", whole.name, *more).stderr

    assert told().count("it is graded, and nothing has changed") == len(STUDENTS)
    notebook = nbformat.read(whole.submitted("square"), as_version=4)
    next(cell for cell in notebook.cells if cell.id == "double").source = DOUBLE
    nbformat.write(notebook, whole.submitted("square"))
    assert told().count("it is graded, and nothing has changed") == len(STUDENTS) - 1
    assert scores(whole, "square")["double"] == 2
    whole.edit("questions/double.py", '"x is left as it was"', '"x is as it was"')
    assert "nothing has changed" not in told()


def test_a_second_run_at_once_is_refused_in_one_line(whole):
    with one_run(whole.root):
        second = whole.nbgrader("autograde", whole.name, "--force")
    assert second.returncode != 0
    assert "another grading run is under way" in second.stderr
    assert "Traceback" not in second.stderr


def test_only_the_lock_says_that_another_run_is_at_work(tmp_path):
    with one_run(tmp_path), pytest.raises(CourseError, match="another grading run is under way"), one_run(tmp_path):
        pass
    with pytest.raises(BlockingIOError), one_run(tmp_path):
        raise BlockingIOError("of something else")


def test_a_failed_regrade_leaves_the_old_mark_and_notebook(whole):
    marks = gradebook(whole)
    notebook = whole.root / "autograded" / "full" / whole.name / f"{whole.name}.ipynb"
    before = notebook.read_bytes()
    assert scores(whole, "full")["double"] == 2
    whole.edit("questions/total.py", 'lambda answer, inputs, solution: None if answer == 3 else "no"', "broken")
    whole.edit("questions/total.py", "QUESTION = ", BROKEN + "\n\nQUESTION = ")
    whole.hand_in("newcomer", CLASS["full"])
    done = whole.nbgrader("autograde", whole.name)
    assert done.returncode == 1
    assert "full, hw0_tiny: this oracle cannot be asked here" in done.stderr
    assert "Traceback" not in done.stderr
    now = gradebook(whole)
    assert [row for row in now if row[0] != "newcomer"] == marks
    assert notebook.read_bytes() == before
    assert not [row for row in now if row[0] == "newcomer"]  # no mark, which is not 0


BROKEN = """
def broken(answer, inputs, solution):
    from autograder.course.errors import CourseError
    raise CourseError("this oracle cannot be asked here")
"""
