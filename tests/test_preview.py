"""Previews before the deadline: what a page says and what it keeps, how many there are a day, and the way back."""

import csv
import re
import shlex
import zipfile
from datetime import datetime, timedelta

import pytest

from autograder.course.nbgrader_api import course_directory
from autograder.course.secret import course_secret, preview_secret
from autograder.grading.worker import one_by_one
from autograder.marking.reference import draw_inputs
from autograder.oracle.questions import load_questions
from autograder.preview.run import preview_class
from tests.browser import accessible_on_a_phone
from tests.conftest import TinyCourse, gradebook, in_the_open
from tests.test_collecting import moodle, packed
from tests.test_exchange import PAGE, STUDENTS, Hub
from tests.test_grading import CANARY, CLASS, DOUBLE, GOOD

NOON, DAY = datetime(2027, 3, 1, 12), timedelta(days=1)
SLIP = {
    "double": DOUBLE,
    "halve": "def halve(x):\n    if not x.size:\n        raise ValueError\n    y = x + 2\n    return y",
}
MARKUP = "It is so, <b onclick=x>because</b> 2 / 2 is 1."


def ask(course, student, cells):
    """Put a notebook into the folder of requests."""
    course.hand_in(student, cells)
    notebook, place = course.submitted(student), course.root / "preview" / student / course.name
    place.mkdir(parents=True, exist_ok=True)
    notebook.replace(place / notebook.name)
    notebook.parent.rmdir()
    notebook.parent.parent.rmdir()


def preview(course, now, a_day=2, **options):
    """What `course preview` does, at some time."""
    coursedir = course_directory(course.root)
    coursedir.submitted_directory = "preview"
    unsafe = bool(in_the_open())
    return preview_class(
        coursedir, [course.own.assignment(course.name)], one_by_one, now, a_day, unsafe=unsafe, **options
    )


def page(course, student):
    return course.root / "preview_feedback" / student / course.name / f"{course.name}.html"


def files(folder):
    """All files below a folder, with what is in them."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} if folder.exists() else {}


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A graded course in which five students have asked for a preview; one of them by what is no notebook."""
    course = TinyCourse.built(tmp_path_factory.mktemp("preview") / "course")
    for student, cells in {
        "square": CLASS["square"] | {"why": MARKUP},
        "slip": SLIP,
        "untouched": {},
        "full": GOOD,
    }.items():
        ask(course, student, cells)
    ask(course, "broken", GOOD)
    (course.root / "preview" / "broken" / course.name / f"{course.name}.ipynb").write_text("{")
    course.hand_in("full", GOOD)
    assert course.course("grade").returncode == 0
    kept = gradebook(course), [files(course.root / name) for name in ("submitted", "autograded", "feedback")]
    done = course.course("preview", "hw0")
    assert done.returncode == 1
    assert "previews: 4 made, 0 unchanged, 0 waiting, 1 failed; the pages are in preview_feedback/" in done.stdout
    assert "broken, hw0_tiny: hw0_tiny.ipynb cannot be read" in done.stdout
    assert kept == (gradebook(course), [files(course.root / name) for name in ("submitted", "autograded", "feedback")])
    return course


def test_a_page_names_the_properties_that_fail_with_the_reason(asked):
    text = " ".join(re.sub("<[^>]+>", " ", page(asked, "square").read_text()).split())
    assert "all properties hold in 1 of 3 questions" in text
    assert (
        "double : no property holds The square stands where twice the value is asked. values; x is left as it was"
        in text
    )
    assert "It builds on double: fix that first." in text
    assert "10 words so far" in text
    assert "You have 1 more preview of this assignment on this day." in text
    text = page(asked, "slip").read_text()
    assert "1 of 2 properties fails" in text
    assert "<li>an empty array</li>" in text


def test_a_page_shows_neither_points_nor_inputs_nor_a_line_nor_markup(asked):
    for student in ("square", "slip", "untouched", "full", "broken"):
        text = page(asked, student).read_text().partition("</style>")[2]
        assert not re.search(r"\bpoints?\b|&minus;|[^0-9]0\.[0-9]", text)
        assert CANARY not in text
        assert "x + 2" not in text
        assert "onclick" not in text
        assert not re.search("<(script|img|iframe|b)\\b", text)


def test_what_is_not_written_yet_has_no_card(asked):
    text = page(asked, "untouched").read_text()
    assert text.count("not written yet") == 2
    assert text.count("nothing written yet") == 1
    assert 'id="q-double"' not in text


def test_who_hands_in_no_notebook_reads_why(asked):
    text = page(asked, "broken").read_text()
    assert "hw0_tiny.ipynb cannot be read" in text
    assert "You have 2 more previews" in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_a_phone_and_axe_finds_no_fault(asked, scheme):
    accessible_on_a_phone(page(asked, "square"), scheme)


def test_a_day_has_so_many_and_the_next_has_them_again(built):
    versions = [CLASS["square"], CLASS["half-right"], GOOD]
    for number, cells in enumerate(versions):
        ask(built, "student-01", cells)
        done = preview(built, NOON + timedelta(hours=number))
        assert (done.graded, done.waiting) == ((1, []) if number < 2 else (0, ["student-01, hw0_tiny"]))
    assert "This was the last of 2 previews" in page(built, "student-01").read_text()
    assert "The square stands" not in page(built, "student-01").read_text()
    assert preview(built, NOON + timedelta(hours=11, minutes=59)).waiting == ["student-01, hw0_tiny"]
    assert preview(built, NOON + timedelta(hours=12)).graded == 1
    assert "all properties hold in 3 of 3 questions" in page(built, "student-01").read_text()
    assert preview(built, NOON, a_day=3).skipped == 1  # the number is that of the run


def test_what_is_unchanged_or_fails_does_not_count(built):
    ask(built, "student-01", GOOD)
    (notebook,) = (built.root / "preview").rglob("*.ipynb")
    kept = notebook.read_text()
    notebook.write_text("{")
    assert len(preview(built, NOON, a_day=1).failed) == 1
    notebook.write_text(kept)
    assert preview(built, NOON, a_day=1).graded == 1
    assert preview(built, NOON, a_day=1).skipped == 1
    assert preview(built, NOON, a_day=1, force=True).graded == 1
    page(built, "student-01").unlink()
    assert preview(built, NOON, a_day=1).graded == 1
    notebook.write_text("{")
    assert len(preview(built, NOON, a_day=1).waiting) == 1
    assert len(preview(built, NOON + DAY, a_day=1).failed) == 1
    notebook.write_text(kept)
    assert preview(built, NOON + DAY, a_day=1).graded == 1
    assert "all properties hold in 3 of 3 questions" in page(built, "student-01").read_text()
    with (built.root / "previews.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["time"], row["student"], row["assignment"]) == ("2027-03-01T12:00:00", "student-01", "hw0_tiny")


def test_a_record_that_a_killed_run_cut_short_is_continued(built):
    ask(built, "student-01", CLASS["square"])
    assert preview(built, NOON, a_day=1).graded == 1
    record = built.root / "previews.csv"
    record.write_text(record.read_text() + '\n2027-03-01T12:00:00,"student')
    ask(built, 'the "second", so called', GOOD)
    done = preview(built, NOON, a_day=1)
    assert (done.graded, done.skipped) == (1, 1)
    ask(built, 'the "second", so called', CLASS["square"])
    assert len(preview(built, NOON, a_day=1).waiting) == 1


def test_what_is_wrong_for_the_inputs_of_the_marks_alone_holds_in_a_preview(built):
    assignment = built.own.assignment(built.name)
    question = next(question for question in load_questions(assignment) if question.id == "double")
    drawn = {
        secret: draw_inputs(assignment, question, question.cases[0], secret)["x"]
        for secret in (course_secret(built.root), preview_secret(built.root))
    }
    marks, previews = (f"{float(x[0, 0])!r}" for x in drawn.values())
    assert marks != previews
    for student, value in (("marks", marks), ("previews", previews)):
        source = f"def double(x):\n    return x if x.size and x.flat[0] == {value} else 2 * x"
        ask(built, student, GOOD | {"double": source})
    preview(built, NOON)
    assert "all properties hold in 3 of 3 questions" in page(built, "marks").read_text()
    assert "all properties hold in 3 of 3 questions" not in page(built, "previews").read_text()
    (built.root / "preview").rename(built.root / "submitted")
    assert built.course("grade").returncode == 0
    given = {row[0]: row[3] for row in gradebook(built) if row[2] == "check_double"}
    assert given["marks"] < given["previews"] == 2


def test_another_folder_may_hold_what_is_asked_for(built):
    assert built.course("preview").stdout == "nobody has asked for a preview: there is no folder preview\n"
    done = built.course("preview", "--from", "submited")
    assert (done.returncode, "there is no folder submited" in done.stderr) == (2, True)
    built.hand_in("student-01", GOOD)
    before = files(built.root / "submitted")
    done = built.course("preview", "--from", "submitted", "--a-day", "1")
    assert "previews: 1 made" in done.stdout
    built.hand_in("student-01", SLIP)
    changed = files(built.root / "submitted")
    done = built.course("preview", "--from", "submitted", "--a-day", "1")
    assert "student-01, hw0_tiny: waits until tomorrow, 1 a day are made" in done.stdout
    assert done.returncode == 0
    assert before.keys() == files(built.root / "submitted").keys()
    assert changed == files(built.root / "submitted")


def test_over_the_exchange_each_request_gets_its_page(built, tmp_path):
    hub = Hub(built, tmp_path)
    (block,) = re.findall(r"^```\n(.*?)^```", PAGE.partition("## Previews")[2].partition("\n## ")[0], re.S | re.M)
    short = block.replace("hw4_gru_gradients", built.name).replace("hw4", "hw0")
    instructor = [shlex.split(line, comments=True) for line in short.splitlines()]
    hub.type([".venv/bin/nbgrader", "release_assignment", built.name])
    hub.as_student(STUDENTS[0], ["fetch_assignment", built.name])
    hub.work(STUDENTS[0], "square")
    for requests in (1, 2):  # the second is unchanged: it is not graded, and the page is its own too
        hub.as_student(STUDENTS[0], ["submit", built.name])
        for words in instructor:
            hub.type(words)
        hub.as_student(STUDENTS[0], ["fetch_feedback", built.name])
        pages = (hub.folder / STUDENTS[0] / built.name / "feedback").rglob("*.html")
        assert [f"{built.name}: preview" in one.read_text() for one in pages] == [True] * requests
    assert not (built.root / "submitted").exists()
    assert gradebook(built) == []
    with (built.root / "previews.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 1


@pytest.mark.parametrize("second", [True, False])
def test_moodle_takes_the_pages_back(built, second):
    """second: students ask in a second assignment of Moodle's, and not by handing in."""
    (built.root / "students.csv").write_text("id,first_name,last_name\nstudent-01,First,One\nstudent-02,First,Two\n")
    assert built.nbgrader("db", "student", "import", "students.csv").returncode == 0
    ask(built, "student-01", CLASS["square"])
    (notebook,) = (built.root / "preview").rglob("*.ipynb")
    sent = [moodle("First One", 71, "mine.ipynb"), "twofirst_7777_5001_hw0.ipynb"]  # the second by Canvas
    download = packed([(name, notebook.read_text()) for name in sent])
    notebook.unlink()
    archive = built.root / ("preview_downloaded" if second else "downloaded") / built.name / "archive"
    archive.mkdir(parents=True)
    (archive / "all.zip").write_bytes(download)
    more = ["--CourseDirectory.submitted_directory=preview", "--ZipCollectApp.downloaded_directory=preview_downloaded"]
    done = built.nbgrader("zip_collect", built.name, *(more if second else []))
    assert done.returncode == 0, done.stderr
    early = built.course("return", "hw0", "--preview")
    assert (early.returncode, "run `course preview hw0_tiny`" in early.stderr) == (2, True)
    assert built.course("preview", *([] if second else ["--from", "submitted"])).returncode == 0
    done = built.course("return", "hw0", "--preview")
    assert done.stdout == "wrote preview_hw0_tiny.zip, for Moodle: pages of 1 student\n"
    with zipfile.ZipFile(built.root / "preview_hw0_tiny.zip") as file:
        (name,) = file.namelist()
        assert name == "First One_71_assignsubmission_file/hw0_tiny_preview.html"
        assert file.read(name) == page(built, "student-01").read_bytes()


def test_a_new_term_begins_without_previews_and_a_restore_brings_them_back(built):
    ask(built, "student-01", GOOD)
    assert preview(built, NOON).graded == 1
    made = page(built, "student-01").read_bytes()
    assert built.course("new-term", "2027-spring").returncode == 0
    assert list(built.root.glob("preview*")) == []
    assert built.course("restore", "terms/2027-spring.tar.gz").returncode == 0
    assert page(built, "student-01").read_bytes() == made
    assert preview(built, NOON).skipped == 1
