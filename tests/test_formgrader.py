"""nbgrader's formgrader in a real browser: the rubric below the answer, a mark and a comment, and the feedback page."""

import re

import pytest
from nbgrader.api import Gradebook

from tests.browser import chromium_page, jupyter_server
from tests.conftest import TinyCourse
from tests.test_grading import CLASS, DOUBLE

pytestmark = pytest.mark.browser
HEADING = "Model answer and rubric (students do not see this)"
ANSWER = "Because the half of twice a thing is the thing."
RUBRIC = "1 point for the product, 1 point for the quotient."
COMMENT = "Say it with *2 / 2 = 1*."


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """A course with a graded submission, its written answer marked in the formgrader, and what was seen there."""
    course = TinyCourse.built(tmp_path_factory.mktemp("formgrader") / "course")
    with chromium_page() as page:
        course.hand_in("student-01", {**CLASS["full"], "double": f"print('wide ' * 80)\n{DOUBLE}"})
        notebook = course.submitted("student-01")
        notebook.write_text(notebook.read_text().replace("YOUR ANSWER HERE", ANSWER))
        with jupyter_server(course) as address:
            page.goto(f"{address}/login?token=known")
            page.goto(f"{address}/formgrader/manage_submissions/{course.name}")
            with page.expect_response(re.compile("/autograde"), timeout=120_000) as graded:
                page.locator("td.autograde a").click()
            assert graded.value.json()["success"], graded.value.text()
            page.goto(f"{address}/formgrader/submissions/{book(course).id}/")
            answer = page.locator(".nbgrader_cell", has_text=ANSWER)
            below = answer.locator("xpath=ancestor::div[contains(@class, 'text_cell')]/following-sibling::div[1]")
            course.seen = below.inner_text()
            course.headings = page.get_by_text(HEADING).count()
            score = answer.locator("input.score")
            score.wait_for()
            page.wait_for_function("formgrader.grades.loaded && formgrader.comments.loaded")
            with page.expect_response(re.compile("/api/grade/")) as saved:
                score.fill("1.5")
                score.press("Tab")
            assert saved.value.ok
            with page.expect_response(re.compile("/api/comment/")) as saved:
                answer.locator("textarea.comment").fill(COMMENT)
                answer.locator("textarea.comment").press("Tab")
            assert saved.value.ok
    course.feedback()
    return course


def book(course):
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        return gradebook.find_submission_notebook(course.name, course.name, "student-01")


def test_the_rubric_stands_below_the_written_answer_and_nowhere_else(marked):
    assert marked.seen.startswith(HEADING)
    assert RUBRIC in marked.seen
    assert "SOLUTION" not in marked.seen
    assert marked.headings == 1


def test_mark_and_comment_are_in_the_gradebook(marked):
    with Gradebook(f"sqlite:///{marked.root / 'gradebook.db'}") as gradebook:
        grade = gradebook.find_grade("why", marked.name, marked.name, "student-01")
        comment = gradebook.find_comment("why", marked.name, marked.name, "student-01")
        assert (grade.manual_score, grade.needs_manual_grade) == (1.5, False)
        assert comment.manual_comment == COMMENT


def test_feedback_has_mark_and_comment_and_no_rubric(marked):
    text = (marked.root / "feedback" / "student-01" / marked.name / f"{marked.name}.html").read_text()
    assert ANSWER in text
    assert "1.5 of 2 points" in text
    assert "<em>2 / 2 = 1</em>" in text
    assert HEADING not in text
    assert RUBRIC not in text


def test_long_lines_are_wrapped(marked):
    with chromium_page() as page:
        page.goto((marked.root / "feedback" / "student-01" / marked.name / f"{marked.name}.html").as_uri())
        assert page.locator("pre", has_text="wide wide").count() >= 1
        assert page.evaluate("[...document.querySelectorAll('pre')].every(one => one.scrollWidth <= one.clientWidth)")
