"""`course report`: pages on a class and on each student, from what grading left."""

import re

import pytest
from nbgrader.api import Gradebook

from autograder.course.paths import OWN
from autograder.marking.verdicts import Finding, Verdict
from autograder.pages.references import references
from autograder.pages.report import ClassReport, SubmissionReport
from autograder.sandbox import bubblewrap
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
    done = course.course("grade")
    assert done.returncode == 0, done.stderr
    (course.root / "submitted" / "late" / course.name).mkdir(parents=True)
    done = course.course("report", "--formgrader", "http://localhost:9999")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"report/{course.name}.html"]
    return course


def page(course, student=""):
    place = course.root / "report" / course.name
    return (place / f"{student}.html" if student else place.with_suffix(".html")).read_text()


def test_the_class_page_says_how_marks_and_questions_came_out(graded):
    text = page(graded)
    counts = re.findall(r'<td>\d+ to \d+ %</td>\s*<td class="bar">.*?</td><td class="n">(\d+)</td>', text, re.DOTALL)
    assert len(counts) == 10
    assert sum(map(int, counts)) == 3
    assert "4 handed in, 3 graded, 1 failed" in text
    assert "<strong>1</strong> student: The square stands where twice the value is asked." in text
    assert re.search(r"<code>double</code></td>.*?1 of 3</td>", text, re.DOTALL)
    assert "<strong>late</strong>: not graded" in text


def test_a_page_needs_nothing_else(graded):
    for text in (page(graded), page(graded, "square")):
        assert not re.search(r"<(script|link|img|iframe)\b|@import|url\(", text)
    links = set(re.findall(r'href="(http[^"]*)"', page(graded)))
    assert links
    assert all(re.fullmatch(r"http://localhost:9999/formgrader/submissions/[0-9a-f]+/", link) for link in links)


def test_names_are_text(graded):
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Ünal Last" in page(graded)
    assert "&lt;script&gt;" in page(graded, "square")


def test_a_student_reads_of_nobody_else(graded):
    text = page(graded, "square")
    assert "The square stands where twice the value is asked." in text
    assert "yours" in text
    assert not re.search("full|untouched|late", re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL))


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
