"""One truth for marks: every page, export and the terminal show what nbgrader's gradebook has, and rows make it up."""

import csv
import re

import pytest
from nbgrader.api import Gradebook

from tests.browser import chromium_page
from tests.conftest import TinyCourse
from tests.test_changes import RIGHT
from tests.test_dates import PLUGIN, set_dates

HALVE = "def halve(x):\n    if x.size == 0:\n        raise ValueError('none')\n    return x / 2"
WORK = {
    "full": RIGHT | {"halve": HALVE, "why": "Because 2 / 2 = 1."},  # a hand mark with a comment, extra credit
    "late": RIGHT | {"why": "They cancel."},  # a mark overridden, half a point a day of lateness
    "open": RIGHT | {"why": "It is so."},  # still to be marked
    "again": {"double": "def double(x):\n    return x * x", "why": "No."},  # marked, and to be confirmed
    "empty": {},
}
DATES = "assignment,student,due\nhw0,,2027-03-01 12:00+00:00\n"
SEEN = ("short", "feedback", "class", "term", "index", "canvas", "moodle")


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> TinyCourse:
    """A class with all that changes a mark, and somebody who handed in nothing; `total` is given to all."""
    course = TinyCourse.built(tmp_path_factory.mktemp("marks") / "course")
    (course.root / "half_a_day.py").write_text(PLUGIN.replace("/ 86400", "/ 172800"))
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.AssignLatePenalties.plugin_class = 'half_a_day.OneADay'\n")
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as book:
        for student in (*WORK, "absent"):
            book.update_or_create_student(student)
    for student, cells in WORK.items():
        course.hand_in(student, cells)
    course.submitted("late").with_name("timestamp.txt").write_text("2027-03-02 12:00:00 UTC")
    assert set_dates(course, DATES).returncode == 0
    assert course.course("grade").returncode == 0
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as book:

        def by_hand(student, cell, **fields):
            grade = book.find_grade(cell, course.name, course.name, student)
            for name, value in {"needs_manual_grade": False, **fields}.items():
                setattr(grade, name, value)

        by_hand("full", "why", manual_score=1.25)
        by_hand("full", "check_double", extra_credit=0.75)
        by_hand("late", "check_halve", manual_score=2.675)
        by_hand("late", "why", manual_score=2.0)
        by_hand("again", "why", manual_score=1.5, needs_manual_grade=True)
        book.find_comment("why", course.name, course.name, "full").manual_comment = "Say which two."
        book.find_comment("double", course.name, course.name, "full").manual_comment = "Short, and *good*."
        book.db.commit()
    assert course.course("give", "hw0", "total").returncode == 0
    course.told = course.course("grade").stdout
    assert course.course("report").returncode == 0
    course.feedback()
    for to in ("canvas", "moodle"):
        assert course.course("export", "--to", to, "--with-unmarked").returncode == 0
    return course


@pytest.fixture(scope="module")
def totals(course) -> dict[str, float]:
    """What nbgrader says: the score that its own export would write."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as book:
        works = book.assignment_submissions(course.name)
        return {one.student.id: max(0.0, one.score - one.late_submission_penalty) for one in works}


@pytest.fixture(scope="module")
def seen(course):
    """Each student's mark as each page and export shows it, and the rows of the two pages that have some."""
    marks: dict[str, dict[str, float]] = {place: {} for place in SEEN}
    rows: dict[tuple[str, str], list[float]] = {}
    report, name = course.root / "report", course.name
    with chromium_page() as shown:
        for student in WORK:
            pages = {
                "short": report / name / f"{student}.html",
                "feedback": course.root / "feedback" / student / name / f"{name}.html",
            }
            for place, path in pages.items():
                shown.goto(path.as_uri())
                marks[place][student] = number(shown.locator("p.lead strong").inner_text())
                lines = shown.locator("table.overview tbody tr td:last-child").all_inner_texts()
                rows[place, student] = [number(line) for line in lines]
            shown.goto((report / "students" / f"{student}.html").as_uri())
            marks["term"][student] = number(shown.locator("tbody tr td.n").first.inner_text())
        shown.goto((report / f"{name}.html").as_uri())
        for row in shown.locator("table.sorts").last.locator("tbody tr").all():
            student, _, points, *_ = row.locator("td").all_inner_texts()
            marks["class"][student] = number(points)
        shown.goto((report / "index.html").as_uri())
        for row in shown.locator("table.term tbody tr").all():
            student, _, points, *_ = row.locator("td").all_inner_texts()
            marks["index"][student] = number(points)
    for to, column in (("canvas", "SIS Login ID"), ("moodle", "Username")):
        with (course.root / f"{to}_{course.name}.csv").open(newline="") as file:
            marks[to] = {row[column]: float(row[name]) for row in csv.DictReader(file) if row[column]}
    return marks, rows


def number(text: str) -> float:
    """The number that a text begins with, nothing for a question mark."""
    match = re.match(r"[+−]?[\d.]+", text.strip())
    return float(match[0].replace("−", "-")) if match else 0.0


def test_the_class_has_all_that_changes_a_mark(totals):
    assert totals == pytest.approx({"full": 8.0, "late": 7.175, "open": 5.0, "again": 2.5, "empty": 1.0})


@pytest.mark.parametrize("place", SEEN)
def test_each_page_and_export_shows_the_gradebook_s_mark(seen, totals, place):
    found = {student: mark for student, mark in seen[0][place].items() if student != "absent"}
    assert found == pytest.approx(totals, abs=0.0051)
    assert found == seen[0]["canvas"]  # rounded alike


@pytest.mark.parametrize("place", ["short", "feedback"])
@pytest.mark.parametrize("student", WORK)
def test_the_rows_of_a_page_add_up_to_its_mark(seen, totals, place, student):
    *rows, together = seen[1][place, student]
    assert sum(rows) == pytest.approx(totals[student], abs=0.011)
    assert together == pytest.approx(totals[student], abs=0.0051)


def test_the_terminal_ends_with_the_mean_and_what_waits(course, totals):
    mean = sum(totals.values()) / len(totals)
    last = course.told.strip().split("\n")[-1]
    assert last == f"hw0: 5 submissions, mean {mean:.2f} of 8 so far, 2 answers wait; next: course mark hw0"
