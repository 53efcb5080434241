"""`course report`: pages on a class and on each student, from what grading left."""

import base64
import hashlib
import re

import pytest
from nbgrader.api import Gradebook

from autograder.course.paths import OWN
from autograder.marking.verdicts import Finding, Verdict
from autograder.pages.class_report import ClassReport, SubmissionReport
from autograder.pages.references import references
from autograder.sandbox import bubblewrap
from tests.browser import accessible_on_a_phone, chromium_page
from tests.conftest import TinyCourse
from tests.test_grading import CLASS

STUDENTS = ["full", "square", "untouched"]
NAME = "O'Neil, <script>alert(1)</script> Ünal"


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A course in which three submissions are graded, one student's name holds markup, and one has failed."""
    if lacking := bubblewrap.lacks():
        pytest.skip(f"no isolation here: {lacking}")
    course = TinyCourse.built(tmp_path_factory.mktemp("report") / "course")
    for student in STUDENTS:
        course.hand_in(student, CLASS[student])
    answered = course.submitted("full")
    answered.write_text(answered.read_text().replace("Why is twice the half the whole?", "Because 2 / 2 = 1."))
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.add_student("square", first_name=NAME, last_name="Last")
        gradebook.add_student("absent", first_name="Not", last_name="There")
    done = course.course("grade")
    assert done.returncode == 0, done.stderr
    (course.root / "submitted" / "late" / course.name).mkdir(parents=True)
    done = course.course("report", "--formgrader", "http://localhost:9999")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["report/index.html", f"report/{course.name}.html"]
    return course


def page(course, student=""):
    place = course.root / "report" / course.name
    return (place / f"{student}.html" if student else place.with_suffix(".html")).read_text()


def test_the_class_page_says_how_marks_and_questions_came_out(graded):
    text = page(graded)
    assert "4 handed in, 3 graded, 1 not graded" in text
    assert "1 handed in nothing" in text
    with chromium_page() as shown:
        shown.goto((graded.root / "report" / f"{graded.name}.html").as_uri())
        tenths = [row.inner_text().split("\t") for row in shown.locator("main table").first.locator("tbody tr").all()]
        assert len(tenths) == 10
        assert sum(int(tenth[-1] or 0) for tenth in tenths) == 3
        words = " ".join(shown.locator("main").inner_text().split())
    assert "1 student, double: The square stands where twice the value is asked. for example return x * x" in words
    assert "late: not graded. Run course grade hw0_tiny" in words
    assert "Not There: handed in nothing" in words
    assert "0 of 3" not in words
    assert re.search(r"Who needs help .* untouched: 0 % of the points; least in ", words)
    assert "Not written yet: double (1), halve (1)" in words


def test_tables_sort_by_each_column_there_and_back(graded):
    with chromium_page() as shown:
        shown.goto((graded.root / "report" / f"{graded.name}.html").as_uri())
        table = shown.locator("table.sorts").last

        def points():
            return [row.locator("td").nth(2).inner_text().rstrip("*") for row in table.locator("tbody tr").all()]

        marks = sorted(float(value) for value in points() if not value.startswith("not "))
        table.get_by_role("button", name="points").click()
        assert points()[:2] == ["not handed in", "not graded"]
        assert [float(value) for value in points()[2:]] == marks
        assert table.locator("th[aria-sort=ascending]").inner_text() == "points"
        table.get_by_role("button", name="points").click()
        assert [float(value) for value in points()[:-2]] == marks[::-1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("student", ["", "square", "late"])
def test_pages_fit_a_phone_and_axe_finds_no_fault(graded, student, scheme):
    place = graded.root / "report" / graded.name
    accessible_on_a_phone(place / f"{student}.html" if student else place.with_suffix(".html"), scheme)


def test_a_page_needs_nothing_else_and_runs_the_course_s_script_alone(graded):
    for text in (page(graded), page(graded, "square")):
        assert not re.search(r"<(link|img|iframe)\b|@import|url\(", text)
    assert "<script" not in page(graded, "square")
    (script,) = re.findall(r"<script>(.*?)</script>", page(graded), re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{allowed}';" in page(graded)
    links = set(re.findall(r'href="(http[^"]*)"', page(graded)))
    assert links
    assert all(re.fullmatch(r"http://localhost:9999/formgrader/submissions/[0-9a-f]+/", link) for link in links)


def test_names_are_text(graded):
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Ünal Last" in page(graded)
    assert "&lt;script&gt;" in page(graded, "square")


def test_a_student_reads_of_nobody_else(graded):
    text = page(graded, "square")
    assert "The square stands where twice the value is asked." in text
    assert not re.search(
        "full|untouched|late|rank|class has|stand in", re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    )


def test_nothing_graded_is_one_sentence(tmp_path):
    course = TinyCourse(tmp_path / "course")
    for arguments in ([], ["hw0_tiny"]):
        done = course.course("report", *arguments)
        assert done.returncode != 0
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def work(student, value, figure="test perplexity on ptb"):
    finding = Finding("c", True, 1, figure=figure, value=value)
    return SubmissionReport(student, "", 1, 1, verdicts=[Verdict("full_run", 1, 1, [finding])])


def test_a_ranking_stands_among_floors_and_published_figures():
    report = ClassReport(
        OWN.assignment("hw5_word_lm"), [work("student-01", 120.0), work("student-02", 90.0), work("student-03", 90.0)]
    )
    rows = report.ranking("test perplexity on ptb")
    assert [row.value for row in rows] == sorted(row.value for row in rows)
    assert [(row.place, row.who) for row in rows if row.place] == [
        ("1", "student-02"),
        ("1", "student-03"),
        ("3", "student-01"),
    ]
    names = [row.who for row in rows]
    assert names.index("student-01") < names.index("trigram") < names.index("unigram")
    own = report.ranking("test perplexity on ptb", only="student-01")
    assert [row.who for row in own if row.place] == ["student-01"]


@pytest.mark.parametrize("figure", ["perplexity over the exact one", "bits per character over the exact ones"])
def test_floors_of_the_toy_language_lie_above_what_is_exact(figure):
    found = references(figure, OWN)
    assert found["uniform"] > found["unigram"] > found["bigram"] > found["exact, from the grammar"] == 1
