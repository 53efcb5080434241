"""A cell of the course's own that fails marks nobody, unless it was a student who broke it."""

from __future__ import annotations

import pytest

from tests.conftest import TinyCourse, scores
from tests.test_grading import CLASS

GIVEN = '# %% tags=["provided"]\nimport numpy as np\n'
BROKEN = "import os\n\nif 'NBGRADER_EXECUTION' in os.environ:\n    raise RuntimeError('no data here')\n"
RAISES = "\n\ndef start():\n    raise RuntimeError('no data here')\n"
LATER = '\n# %% tags=["provided"]\nONE = np.ones(1)\n'
FULL = {"double": 2, "halve": 3, "total": 1}


def grade(course, command):
    if command == "course":
        return course.course("grade", "--force")
    if command == "course in a process":  # with this folder's own `utils`
        return course.course_process("grade", "--force")
    return course.nbgrader("autograde", course.name, "--force")


def marks(course, student):
    return {name: score for name, score in scores(course, student).items() if name in FULL}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A course with a provided cell after the first solution cell, in which two submissions have full marks."""
    course = TinyCourse(tmp_path_factory.mktemp("fault") / "course")
    course.edit("notebook.py", "\n# %%\nprint(", LATER + "\n# %%\nprint(")
    assert course.course("build").returncode == 0
    for student in ("student-01", "student-02"):
        course.hand_in(student, CLASS["full"])
    assert grade(course, "course").returncode == 0
    assert marks(course, "student-01") == FULL
    return course


@pytest.fixture
def course(graded, tmp_path):
    """A copy of it, for one test."""
    return TinyCourse.copy_of(graded, tmp_path / "course")


@pytest.mark.parametrize(
    ("command", "where"),
    [("course in a process", "utils"), pytest.param("nbgrader", "a provided cell", marks=pytest.mark.slow)],
)
def test_nothing_is_marked_and_old_marks_stay(course, command, where):
    if where == "utils":
        with (course.root / "utils" / "session.py").open("a") as file:
            file.write(RAISES)
    else:
        course.edit("notebook.py", GIVEN, GIVEN + BROKEN)
        assert course.course("build").returncode == 0
    before = {path: path.read_bytes() for path in course.root.glob("autograded/*/*/*.ipynb")}
    done = grade(course, command)
    assert done.returncode == 1
    told = done.stdout + done.stderr
    assert told.count("the course's own cell") >= 2
    assert "failed, so nothing was marked" in told
    assert "no data here" in told
    assert [marks(course, student) for student in ("student-01", "student-02")] == [FULL, FULL]
    assert {path: path.read_bytes() for path in course.root.glob("autograded/*/*/*.ipynb")} == before


def test_a_student_who_breaks_a_provided_cell_is_marked(course):
    course.hand_in("student-01", CLASS["full"] | {"double": CLASS["full"]["double"] + "\n\nnp = None"})
    assert grade(course, "course").returncode == 0
    assert marks(course, "student-01") == {"double": 2, "halve": 3, "total": 0}
    assert marks(course, "student-02") == FULL


def test_one_that_fails_after_the_course_s_own_solution_too_is_the_course_s_fault(course):
    grading = "'NBGRADER_EXECUTION' in __import__('os').environ"  # else the build would see it
    broken = f"np.no_such_name if {grading} else np.ones(1)"
    course.edit("notebook.py", LATER, LATER.replace("np.ones(1)", broken))
    assert course.course("build").returncode == 0
    done = grade(course, "course")
    assert done.returncode == 1
    assert "'provided-2' failed, so nothing was marked: AttributeError" in done.stdout
    assert marks(course, "student-01") == FULL
