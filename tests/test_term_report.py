"""`course report` over the term: who has handed in what, with which mark, what there is to do, a page a student."""

import re
import shutil

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.sandbox import bubblewrap
from tests.browser import accessible_on_a_phone, chromium_page
from tests.conftest import TinyCourse
from tests.test_changes import RIGHT

MORE = "hw1_more"
DATES = """\
assignment,student,due
hw0,,2026-03-01 12:00+00:00
hw1,,2026-03-08 12:00+00:00
hw1,student-04,2126-03-08 12:00+00:00
"""


def hand_in_more(course: TinyCourse, student: str, cells: dict[str, str]) -> None:
    """Hand in the second assignment."""
    notebook = nbformat.read(course.root / "release" / MORE / f"{MORE}.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = cells.get(cell.id, cell.source)
    path = course.root / "submitted" / student / MORE / f"{MORE}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> TinyCourse:
    """Two assignments; of four students one did both, one the first, late, one none, and one's cannot be read."""
    if lacking := bubblewrap.lacks():
        pytest.skip(f"no isolation here: {lacking}")
    course = TinyCourse.built(tmp_path_factory.mktemp("term") / "course")
    shutil.copytree(course.assignment, course.root / "assignments" / MORE)
    shutil.rmtree(course.root / "assignments" / MORE / "alternatives")
    done = course.course("build", MORE)
    assert done.returncode == 0, done.stderr
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as book:
        for number in range(1, 5):
            book.add_student(f"student-0{number}", first_name="First", last_name=f"Last {number}")
    course.hand_in("student-01", RIGHT)
    hand_in_more(course, "student-01", RIGHT | {"why": "Because 2 / 2 = 1."})
    course.hand_in("student-02", RIGHT)
    course.submitted("student-02").with_name("timestamp.txt").write_text("2026-03-02 12:00:00 UTC")
    course.submitted("student-04").parent.mkdir(parents=True)
    course.submitted("student-04").write_text("no json")
    (course.root / "sheet.csv").write_text(DATES)
    assert course.course("dates", "sheet.csv").returncode == 0
    done = course.course("grade")
    assert done.returncode == 1
    assert done.stdout.strip().split("\n")[-2:] == [
        "hw0: 2 submissions, mean 5 of 8, nothing waits; next: course report hw0",
        "hw1: 1 submission, mean 5 of 8 so far, 1 answer waits; next: course mark hw1",
    ]
    done = course.course("report")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["report/index.html", "report/hw0_tiny.html", "report/hw1_more.html"]
    return course


def rows(shown, selector="table.term tbody tr") -> dict[str, list[str]]:
    """The rows of a table, by their first cell; what stands in a cell on one line."""
    found = [
        [" ".join(cell.split()) for cell in row.locator("td").all_inner_texts()]
        for row in shown.locator(selector).all()
    ]
    return {row[0]: row[1:] for row in found}


def test_the_first_page_says_who_has_what_and_what_there_is_to_do(course):
    with chromium_page() as shown:
        shown.goto((course.root / "report" / "index.html").as_uri())
        table, to_do = rows(shown), shown.locator("main > ul").first.inner_text().split("\n")
        means = shown.locator("table.term tfoot td").all_inner_texts()
        links = {link.get_attribute("href") for link in shown.locator("a").all()}
    assert table["student-01"] == ["First Last 1", "5", "5 waits for 1 answer", "10 so far", "16"]
    assert table["student-02"] == ["First Last 2", "5 late", "not handed in", "5", "8"]
    assert table["student-03"] == ["First Last 3", "not handed in", "not handed in", "0", "0"]
    assert table["student-04"][1] == "not graded"
    assert table["student-04"][2].startswith("not handed in, due by 2126-03-08 ")
    assert means[1:3] == ["5", "5"]
    assert [to_do[0], to_do[2]] == [
        "hw1: 1 answer of 1 student waits for a mark: course mark hw1",
        "First Last 3 handed in nothing of hw0, hw1",
    ]
    assert to_do[1].startswith("hw0: 1 submission is not graded (First Last 4): hw0_tiny.ipynb cannot be read: ")
    assert to_do[1].endswith(". course grade hw0")
    assert all((course.root / "report" / link).is_file() for link in links)
    assert {"hw0_tiny.html", "hw1_more.html", "students/student-03.html", "hw1_more/student-01.html"} <= links


def test_its_table_sorts_by_an_assignment_with_the_mean_below(course):
    with chromium_page() as shown:
        shown.goto((course.root / "report" / "index.html").as_uri())
        table = shown.locator("table.term")
        table.get_by_role("button", name="hw0").click()
        assert [*rows(shown)][:2] == ["student-03", "student-04"]
        table.get_by_role("button", name="hw0").click()
        assert [*rows(shown)][-2:] == ["student-04", "student-03"]
        assert table.locator("tr").last.inner_text().startswith("mean")


def test_a_student_s_page_has_their_own_work_alone(course):
    for number in range(1, 5):
        text = (course.root / "report" / "students" / f"student-0{number}.html").read_text()
        assert not re.search(r"<a |<script|rank|mean|average", text)
        assert set(re.findall(r"Last \d", text)) == {f"Last {number}"}
    with chromium_page() as shown:
        shown.goto((course.root / "report" / "students" / "student-02.html").as_uri())
        first, second, together = shown.locator("tbody tr").all_inner_texts()
    assert re.fullmatch(r"hw0_tiny\s+due by 2026-03-01 .*\s+handed in 2026-03-02 .*, late\s+5 of 8", first)
    assert re.fullmatch(r"hw1_more\s+due by 2026-03-08 .*\s+not handed in\s+", second)
    assert together.split() == ["together", "5", "of", "8"]
    with chromium_page() as shown:
        shown.goto((course.root / "report" / "students" / "student-04.html").as_uri())
        first, second, _ = shown.locator("tbody tr").all_inner_texts()
    assert "handed in, not graded yet: ask your teacher" in first
    assert "due by 2126-03-08 " in second
    assert "not handed in yet" in second


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "students/student-02", "hw0_tiny", "hw1_more/student-01"])
def test_pages_fit_a_phone_and_axe_finds_no_fault(course, name, scheme):
    accessible_on_a_phone(course.root / "report" / f"{name}.html", scheme)


def test_why_something_is_not_graded_is_forgotten_when_it_is(course, tmp_path):
    copy = TinyCourse.copy_of(course, tmp_path / "course")
    kept = (copy.root / "not_graded.csv").read_text()
    assert "student-04,hw0_tiny," in kept
    assert copy.course("grade", "hw0", "--students", "student-01", "--students", "student-02").returncode == 0
    assert (copy.root / "not_graded.csv").read_text() == kept  # another student's run
    copy.hand_in("student-04", RIGHT)
    done = copy.course("grade", "hw0", "--students", "student-0[34]", "--students", "student-01")
    assert "graded 1, unchanged 1, failed 0" in done.stdout
    assert "student-04" not in (copy.root / "not_graded.csv").read_text()
    done = copy.course("grade", "hw0", "--students", "student-01", "--students", "nobody")
    assert (done.returncode, "match 'nobody' in" in done.stderr) == (2, True)
