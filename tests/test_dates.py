"""Due dates and extensions from one CSV: in nbgrader's own fields, in the penalty, on the student's page."""

import pytest
from nbgrader.api import Gradebook

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


PLUGIN = """
from nbgrader.plugins import BasePlugin

class OneADay(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return total_seconds_late / 86400
"""


def test_a_penalty_plugin_in_the_course_s_folder_is_found(late):
    (late.root / "late_work.py").write_text(PLUGIN)
    with (late.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.AssignLatePenalties.plugin_class = 'late_work.OneADay'\n")
    set_dates(late, ROWS)
    done = late.course("grade")
    assert done.returncode == 0, done.stderr
    assert marks(late) == {"student-01": 4, "student-02": 5}
