"""`course report`: pages on a class and on each student, from what grading left."""

import base64
import hashlib
import re
from html import unescape

import pytest
from nbgrader.api import Gradebook

from autograder.course.paths import OWN
from autograder.marking.verdicts import Finding, Verdict
from autograder.pages.class_report import ClassReport, SubmissionReport
from autograder.pages.layout import Row, template
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


def told(graded, folder, marks, penalty=0.0):
    """What the pages of class and term say after marks by hand for the student `full`, each with whether it waits."""
    course = TinyCourse.copy_of(graded, folder / "course")
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        for name, (points, waits) in marks.items():
            grade = gradebook.find_grade(name, course.name, course.name, "full")
            grade.manual_score, grade.needs_manual_grade = points, waits
        gradebook.find_submission_notebook(course.name, course.name, "full").late_submission_penalty = penalty
        gradebook.db.commit()
    assert course.course("report").returncode == 0
    pages = [page(course), (course.root / "report" / "index.html").read_text()]
    return [" ".join(unescape(re.sub("<style>.*?</style>|<[^>]+>", " ", text, flags=re.S)).split()) for text in pages]


def test_a_command_is_named_for_written_answers_and_the_formgrader_for_code(graded, tmp_path):
    both, to_do = told(graded, tmp_path / "both", {"check_double": (1, True)})
    assert "course mark hw0_tiny why opens a page for a written question. A name below leads to the formgrader." in both
    assert "2 answers of 1 student wait for a mark: course mark hw0 ; 1 of them in the formgrader" in to_do
    code, to_do = told(graded, tmp_path / "code", {"check_double": (1, True), "why": (2, False)})
    assert "Answers still to be marked A name below leads to the formgrader." in code
    assert "1 answer of 1 student waits for a mark in the formgrader" in to_do
    assert "course mark" not in code + to_do


def test_a_penalty_takes_no_share_below_none(graded, tmp_path):
    words, _ = told(graded, tmp_path, {"why": (0.6, True)}, penalty=100.0)
    assert re.search(r"full : 0 % of the points (?!; least)", words)
    assert re.search(r"how many 0 to 10 % [a-z, ]+ 2 10 to 20 %", words)  # with `untouched`


def test_that_nobody_lost_a_point_is_said_of_what_is_marked_for_all(graded, tmp_path):
    waits = dict.fromkeys(("check_double", "check_halve", "check_total", "why"), (1, True))
    words, _ = told(graded, tmp_path, waits)
    assert "What went worst Nobody lost a point in a question that is marked for all. Questions" in words


def test_an_example_is_of_whoever_has_one_and_times_are_of_students_not_of_names():
    finding = Finding("values", False, 4, "wrong values")
    works = [
        SubmissionReport(
            f"student-0{n}",
            "Same Name",
            0,
            4,
            verdicts=[Verdict("gru_loss", 0, 4, (finding,))],
            seconds={"cell": seconds},
            lines={"gru_loss": "loss = 0"} if n == 2 else {},
        )
        for n, seconds in ((1, 5.0), (2, 1.0))
    ]
    report = ClassReport(OWN.assignment("hw4_gru_gradients"), works)
    assert [(one.met, one.example) for one in report.mistakes] == [(2, "loss = 0")]
    assert (report.times.median, report.times.longest, report.times.slowest) == (3, 5, "Same Name")


def test_a_student_s_page_has_figures_and_points_as_they_are():
    findings = (
        Finding("one", False, 11.25, "wrong"),
        Finding("other", False, 100, "wrong too"),
        Finding("measured", True, 12.5, figure="LSTM dropout", value=1.5),
    )
    verdict = Verdict("results", 0, 123.75, findings, cap="too little")
    row = Row("results", "Results", 0, 123.75)
    one = SubmissionReport("student-01", "", 0, 123.75, [row], verdicts=[verdict])
    report = ClassReport(OWN.assignment("hw6_lstm_vs_gru"), [one])
    text = template("student.html.j2").render(report=report, work=one)
    assert re.findall(r"\(&minus;(.+?)\)", text) == ["11.25", "100", "12.5"]
    assert "<h2>LSTM dropout</h2>" in text


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
    assert not [name for name in names if "char" in name]  # whose perplexity is per character
    own = report.ranking("test perplexity on ptb", only="student-01")
    assert [row.who for row in own if row.place] == ["student-01"]


@pytest.mark.parametrize("figure", ["perplexity over the exact one", "bits per character over the exact ones"])
def test_floors_of_the_toy_language_lie_above_what_is_exact(figure):
    found = references(figure, OWN)
    assert found["uniform"] > found["unigram"] > found["bigram"] > found["exact, from the grammar"] == 1
