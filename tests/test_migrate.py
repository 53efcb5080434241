"""Questions that come, go and change their points after students have handed in."""

import re

import pytest

from tests.conftest import TinyCourse, gradebook, scores
from tests.test_changes import marked  # noqa: F401, two students, graded and marked by hand

QUESTION = """\
from autograder.oracle import Case, Question

QUESTION = Question(cases=[Case("ten", "ten()")], seconds=3)
"""
CELLS = '''
# %% id="ten" tags=["solution"]
def ten():
    """Ten."""
    ### BEGIN SOLUTION
    return 10
    ### END SOLUTION


# %% id="check_ten" tags=["question"] points=2
"""Ten."""
checks.equal("ten()", ten(), 10)
checks.passed("ten")
'''


def without(course: TinyCourse, cell: str) -> None:
    """Take a cell out of the notebook's text."""
    text = (course.assignment / "notebook.py").read_text()
    parts = re.split(r"(?m)^(?=# %%)", text)
    course.write("notebook.py", "".join(part for part in parts if f'id="{cell}"' not in part.split("\n")[0]))
    readme = (course.assignment / "README.md").read_text()
    course.write("README.md", re.sub(rf"\| `{cell.removeprefix('check_')}` .*\n", "", readme))


def names(course: TinyCourse, student: str) -> set[str]:
    return set(scores(course, student))


def test_a_dropped_question_goes_with_its_marks_and_all_else_stays(marked):  # noqa: F811
    before = [row for row in gradebook(marked) if row[2] != "why"]
    without(marked, "why")
    done = marked.course("build")
    assert done.returncode == 0, done.stderr
    assert "why is dropped, with its marks" in done.stdout
    assert gradebook(marked) == before
    assert "graded 2" in marked.course("grade").stdout
    assert [row[:5] for row in gradebook(marked)] == [row[:5] for row in before]


def test_a_question_of_code_is_dropped_too(marked):  # noqa: F811
    without(marked, "check_total")
    (marked.assignment / "questions" / "total.py").unlink()
    assert "total is dropped" in marked.course("build").stdout
    assert "graded 2" in marked.course("grade").stdout
    assert names(marked, "student-01") == {"double", "halve", "why"}


def test_a_new_question_is_marked_by_the_next_grading(marked):  # noqa: F811
    text = (marked.assignment / "notebook.py").read_text()
    marked.write("notebook.py", text.replace('# %% id="halve"', CELLS.lstrip() + '\n# %% id="halve"'))
    marked.write("questions/ten.py", QUESTION)
    marked.write("alternatives/ten/other.py", "def ten():\n    return 5 + 5\n")
    readme = (marked.assignment / "README.md").read_text()
    marked.write("README.md", readme + "| `ten` | 2 | 5 |\n")
    done = marked.course("build")
    assert "ten is new" in done.stdout, done.stderr
    assert "graded 2" in marked.course("grade").stdout
    assert scores(marked, "student-01")["ten"] == 0  # who handed in before has not written it
    by_hand = {row[:3]: row[4:] for row in gradebook(marked) if row[4] is not None}
    assert set(by_hand.values()) == {(1.5, False)}


def test_a_build_that_fails_leaves_what_stood(marked, monkeypatch):  # noqa: F811
    before = marked.released.read_bytes()
    without(marked, "why")
    monkeypatch.setattr("autograder.build.builder.migrate", lambda *given: pytest.fail("out of disk"))
    with pytest.raises(pytest.fail.Exception):
        marked.course("build")
    assert marked.released.read_bytes() == before
    source = marked.root / "source" / marked.name / f"{marked.name}.ipynb"
    assert '"why"' in source.read_text()
