"""A grading run that is killed at any moment, or meets another one, or fails: the gradebook is right in the end."""

import json
import random
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from tests.conftest import Course, in_the_open
from tests.processes import wait_for
from tests.test_grading import CLASS, DOUBLE, scores

pytestmark = pytest.mark.xdist_group("resume")
STUDENTS = ("full", "half-right", "square", "untouched")
KILLS = 50


def course_of(folder):
    course = Course(folder / "course")
    assert course.course("build").returncode == 0
    (course.root / ".course_secret").write_text("the same for all")
    for student in STUDENTS:
        notebook = nbformat.read(course.released, as_version=4)
        for cell in notebook.cells:
            cell.source = CLASS[student].get(cell.id, cell.source)
        course.submitted(student).parent.mkdir(parents=True)
        nbformat.write(notebook, course.submitted(student))
    return course


def gradebook(course, db_url="sqlite:///gradebook.db"):
    """All that nbgrader knows of every grade."""
    script = "import json\nfrom nbgrader.api import Gradebook\n"
    script += f"with Gradebook({db_url!r}) as g:\n"
    script += (
        "    print(json.dumps(sorted((s.student.id, n.name, d.name, d.auto_score, d.manual_score, d.needs_manual_grade)"
    )
    script += " for s in g.assignment_submissions('hw0_tiny') for n in s.notebooks for d in n.grades)))"
    return json.loads(course.python("-c", script).stdout)


def started(course, *more):
    """A run of nbgrader autograde, under way."""
    call = [sys.executable, "-m", "nbgrader", "autograde", course.name, *more, *in_the_open()]
    return subprocess.Popen(call, cwd=course.root, env=course.env(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A course that was graded in one go, and the seconds that it took."""
    course = course_of(tmp_path_factory.mktemp("whole"))
    begun = time.time()
    assert course.nbgrader("autograde", course.name).returncode == 0
    course.seconds = time.time() - begun
    return course


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
    assert not (course.root / ".taken").exists()


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
    first = started(whole, "--force")
    wait_for((whole.root / ".taken").exists)
    first.send_signal(signal.SIGSTOP)  # it is at work for as long as the second one asks
    second = whole.nbgrader("autograde", whole.name, "--force")
    first.send_signal(signal.SIGCONT)
    first.communicate()
    assert first.returncode == 0
    assert second.returncode != 0
    assert "another grading run is at work" in second.stderr
    assert "Traceback" not in second.stderr


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
    new = {name: (score, waits) for student, _, name, score, _, waits in now if student == "newcomer"}
    assert new["check_double"] == (None, True)  # no mark, which is not 0


BROKEN = """
def broken(answer, inputs, solution):
    from autograder.course.errors import CourseError
    raise CourseError("this oracle cannot be asked here")
"""
