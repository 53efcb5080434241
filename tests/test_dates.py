"""Due dates and extensions from one CSV: in nbgrader's own fields, in the penalty, on the student's page."""

import contextlib
from datetime import UTC, datetime

import pytest
from nbgrader.api import Gradebook

from autograder.course.dates import read_dates
from autograder.course.errors import CourseError
from autograder.course.paths import Course
from autograder.grading.class_run import one_run
from tests.conftest import TinyCourse

RIGHT = {"double": "def double(x):\n    return 2 * x", "halve": "def halve(x):\n    return x / 2"}
ROWS = "assignment,student,due\nhw0,,2027-03-01 12:00+00:00\nhw0_tiny,student-02,2027-03-03 12:00+00:00\n"


@pytest.fixture
def late(built) -> TinyCourse:
    """Two students who handed in a day late, in a course that gives nothing for late work."""
    with (built.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    with Gradebook(f"sqlite:///{built.root}/gradebook.db") as opened:
        for student in ("student-01", "student-02"):
            opened.update_or_create_student(student)
            built.hand_in(student, RIGHT)
            built.submitted(student).with_name("timestamp.txt").write_text("2027-03-02 12:00:00 UTC")
    return built


def set_dates(course: TinyCourse, rows: str):
    (course.root / "sheet.csv").write_text(rows)
    return course.course("dates", "sheet.csv")


def marks(course: TinyCourse) -> dict[str, float]:
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as opened:
        return {
            work.student.id: work.score - work.late_submission_penalty
            for work in opened.assignment_submissions(course.name)
        }


def test_an_extension_holds_for_its_student_alone(late):
    done = set_dates(late, ROWS)
    assert done.returncode == 0, done.stderr
    assert "hw0_tiny is due by " in done.stdout
    assert "; student-02 by " in done.stdout
    assert late.course("grade").returncode == 0
    assert marks(late) == {"student-01": 0, "student-02": 5}


def test_dates_that_come_after_grading_count_at_once(late):
    assert late.course("grade").returncode == 0
    assert marks(late) == {"student-01": 5, "student-02": 5}
    assert "student-01: 0 points off for lateness -> 5" in set_dates(late, ROWS).stdout
    assert marks(late) == {"student-01": 0, "student-02": 5}
    everybody = "assignment,student,due\nhw0,,2027-03-05\n"
    assert "student-01: 5 points off for lateness -> 0" in set_dates(late, everybody).stdout
    assert marks(late) == {"student-01": 5, "student-02": 5}


def test_students_read_their_own_date_and_what_lateness_costs(late):
    set_dates(late, ROWS)
    late.course("grade")
    assert late.course("report").returncode == 0
    pages = {
        student: (late.root / "report" / late.name / f"{student}.html").read_text()
        for student in ("student-01", "student-02")
    }
    assert "5 points off for lateness" in pages["student-01"]
    assert "extended" not in pages["student-01"]
    assert "extended from" in pages["student-02"]
    assert "off for lateness" not in pages["student-02"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("assignment,due\nhw0,2027-03-01\n", "the first line should be assignment,student,due"),
        ("assignment,student,due\nhw9,,2027-03-01\n", "line 2: no assignment is called 'hw9'"),
        ("assignment,student,due\nhw0,,1 March\n", "line 2: '1 March' is no date"),
        ("assignment,student,due\nhw0,,9999-12-31 23:59:59-12:00\n", "line 2: '9999-12-31 23:59:59-12:00' is no date"),
        ("assignment,student,due\nhw0,,2027-03-01\nhw0,nobody,2027-03-02\n", "the roster has no nobody"),
        ("assignment,student,due\nhw0,student-01,2027-03-02\n", "which has none for all"),
        ("assignment,student,due\nhw0,,2027-03-01\nhw0_tiny,,2027-03-02\n", "line 3: a second date for hw0_tiny"),
    ],
)
def test_what_cannot_be_understood_is_one_sentence_and_changes_nothing(late, rows, told):
    set_dates(late, ROWS)
    done = set_dates(late, rows)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert (late.root / "dates.csv").read_text() == ROWS


def test_a_date_alone_is_its_last_minute_and_an_assignment_one(tmp_path):
    for name in ("hw1_a", "hw1_b"):
        (tmp_path / "assignments" / name).mkdir(parents=True)
        (tmp_path / "assignments" / name / "notebook.py").touch()
    file = tmp_path / "dates.csv"
    file.write_text("assignment,student,due\nhw1_a,,2027-03-01\nhw1_b,,20270301\n")
    due = read_dates(file, Course(tmp_path)).due
    assert due["hw1_a"] == due["hw1_b"] == datetime(2027, 3, 1, 23, 59, 59).astimezone(UTC).replace(tzinfo=None)
    file.write_text("assignment,student,due\nhw1,,2027-03-01\n")
    with pytest.raises(CourseError, match="line 2: 'hw1' means hw1_a and hw1_b: name one"):
        read_dates(file, Course(tmp_path))


PLUGIN = """
from nbgrader.plugins import BasePlugin

class OneADay(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return total_seconds_late / 86400 if self.parent.assignment_id == "hw0_tiny" else 0
"""


def test_a_penalty_plugin_that_fails_leaves_the_old_mark(late):
    assert late.course("grade").returncode == 0
    (late.root / "broken_late_work.py").write_text(PLUGIN.replace("return total_seconds_late / 86400", "return 1 / 0"))
    with (late.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.AssignLatePenalties.plugin_class = 'broken_late_work.OneADay'\n")
    (late.root / "dates.csv").write_text(ROWS)
    with Gradebook(f"sqlite:///{late.root}/gradebook.db") as opened:
        opened.update_or_create_assignment(late.name, duedate="2027-03-01 12:00:00")
    late.hand_in("student-01", {"double": RIGHT["double"]})
    done = late.course("grade")
    assert done.returncode == 1
    assert "student-01, hw0_tiny: ZeroDivisionError: " in done.stdout
    assert marks(late) == {"student-01": 5, "student-02": 5}


def test_dates_are_not_set_during_a_grading_run(late):
    with one_run(late.root):
        done = set_dates(late, ROWS)
    assert done.returncode == 2
    assert "another grading run is under way" in done.stderr
    assert not (late.root / "dates.csv").exists()


def test_a_run_takes_the_dates_that_were_set_before_it_has_begun(late, monkeypatch):
    @contextlib.contextmanager
    def one_run_after_another(root):
        set_dates(late, ROWS)
        with one_run(root):
            yield

    monkeypatch.setattr("autograder.grading.driver.one_run", one_run_after_another)
    assert late.course("grade").returncode == 0
    assert marks(late) == {"student-01": 0, "student-02": 5}


def test_a_penalty_plugin_in_the_course_s_folder_is_found(late):
    (late.root / "late_work.py").write_text(PLUGIN)
    with (late.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.AssignLatePenalties.plugin_class = 'late_work.OneADay'\n")
    set_dates(late, ROWS)
    done = late.course("grade")
    assert done.returncode == 0, done.stderr
    assert marks(late) == {"student-01": 4, "student-02": 5}
