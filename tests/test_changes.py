"""A regrade: what stays confirmed, what waits again, and whose marks changed, said and kept."""

import csv

import nbformat
import pytest
from nbgrader.api import Gradebook

from tests.conftest import TinyCourse, gradebook

RIGHT = {"double": "def double(x):\n    return 2 * x", "halve": "def halve(x):\n    return x / 2"}
ANSWERS = {"student-01": "Because 2 / 2 = 1.", "student-02": "They cancel."}


@pytest.fixture
def marked(built) -> TinyCourse:
    """Two students' work, graded, each written answer marked by hand, and one mark of the grader's overridden."""
    for student, answer in ANSWERS.items():
        built.hand_in(student, RIGHT | {"why": answer})
    assert built.course("grade").returncode == 0
    with Gradebook(f"sqlite:///{built.root / 'gradebook.db'}") as opened:
        for work in opened.assignment_submissions(built.name):
            for grade in work.notebooks[0].grades:
                if grade.name == "why" or (grade.name == "check_halve" and work.student.id == "student-02"):
                    grade.manual_score, grade.needs_manual_grade = 1.5, False
        opened.db.commit()
    return built


def waiting(course: TinyCourse) -> list[tuple[str, str]]:
    """Whose mark of which question waits for a person."""
    return [(student, cell.removeprefix("check_")) for student, _, cell, _, _, waits in gradebook(course) if waits]


def kept(course: TinyCourse) -> list[dict[str, str]]:
    """The rows of the course's log of changes."""
    with (course.root / "mark_changes.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_marks_by_hand_stay_confirmed_where_nothing_has_changed(marked):
    assert waiting(marked) == []
    done = marked.course("grade", "--force")
    assert "marks that changed" not in done.stdout
    assert waiting(marked) == []
    assert not (marked.root / "mark_changes.csv").exists()


def test_another_answer_waits_again_and_no_other(marked):
    marked.hand_in("student-02", RIGHT | {"why": "Because a half and a double cancel each other."})
    assert marked.course("grade").returncode == 0
    assert waiting(marked) == [("student-02", "why")]


def test_an_overridden_question_waits_again_when_its_function_changes(marked):
    better = "def halve(x):\n    if x.size == 0:\n        raise ValueError('none')\n    return x / 2"
    marked.hand_in("student-02", RIGHT | {"why": ANSWERS["student-02"], "halve": better})
    assert marked.course("grade").returncode == 0
    assert waiting(marked) == [("student-02", "halve")]


def test_a_change_of_the_question_says_whose_mark_changed(marked):
    marked.edit("questions/halve.py", "weight=2", "weight=5")
    (marked.root / "autograded" / "student-01" / marked.name / ".ipynb_checkpoints").mkdir()  # Jupyter's, no weights
    done = marked.course("grade")
    assert "graded 2" in done.stdout
    assert "student-01, hw0_tiny, halve: 2 -> 2.5 (another question or grader)" in done.stdout
    assert waiting(marked) == [("student-02", "halve")]  # the grader's own points have changed below the override
    (row,) = kept(marked)
    assert (row["student"], row["question"], row["before"], row["after"]) == ("student-01", "halve", "2.0", "2.5")
    assert row["time"] > "2026"


def test_another_submission_says_so_and_the_log_grows(marked):
    for submission in ("def halve(x):\n    return x", RIGHT["halve"]):
        marked.hand_in("student-01", RIGHT | {"why": ANSWERS["student-01"], "halve": submission})
        assert "student-01, hw0_tiny, halve: " in marked.course("grade").stdout
    assert {row["why"] for row in kept(marked)} == {"another submission"}
    halves = [(row["before"], row["after"]) for row in kept(marked) if row["question"] == "halve"]
    assert halves == [("2.0", "0.0"), ("0.0", "2.0")]


@pytest.mark.parametrize("what", ["weights", "helper"])
def test_other_weights_or_another_helper_are_another_submission(built, what):
    reads = "def double(x):\n    return len(open('word_lm.safetensors').read()) * x"
    calls = "def double(x):\n    return twice(x)"
    for number in (2, 3):
        built.hand_in("student-01", RIGHT | {"double": reads if what == "weights" else calls})
        path = built.submitted("student-01")
        if what == "weights":
            path.with_name("word_lm.safetensors").write_text("w" * number)
        else:
            notebook = nbformat.read(path, as_version=4)
            notebook.cells.insert(2, nbformat.v4.new_code_cell(f"def twice(x):\n    return {number} * x"))
            nbformat.write(notebook, path)
        done = built.course("grade")
    assert "student-01, hw0_tiny, double: 2 -> 0 (another submission)" in done.stdout


def test_a_mark_is_noted_and_said_where_its_notebook_cannot_be_put_in_its_place(marked):
    obstacle = marked.root / "autograded" / "student-01" / f".{marked.name}.old"
    obstacle.write_text("where the old notebook is moved to")
    marked.hand_in("student-01", RIGHT | {"why": ANSWERS["student-01"], "halve": "def halve(x):\n    return x"})
    done = marked.course("grade")
    assert done.returncode == 1
    told = "student-01, hw0_tiny: its marks are in the gradebook, but its notebook could not be put in its place: "
    assert told in done.stdout
    assert [(row["question"], row["after"]) for row in kept(marked)] == [("halve", "0.0"), ("total", "0.0")]
    obstacle.unlink()
    assert marked.course("grade").returncode == 0
    assert len(kept(marked)) == 2


def test_a_first_grading_is_no_change(built):
    built.hand_in("student-01", RIGHT)
    assert "marks that changed" not in built.course("grade").stdout


def test_a_question_is_given_to_all_and_stays_given(marked):
    done = marked.course("give", "hw0", "halve")
    assert done.returncode == 0, done.stderr
    assert "2 marks changed" in done.stdout
    assert [(row["before"], row["after"], row["why"]) for row in kept(marked)] == [
        ("2.0", "3.0", "given to all"),
        ("1.5", "3.0", "given to all"),
    ]
    assert marked.course("grade", "--force").returncode == 0
    assert {row[4] for row in gradebook(marked) if row[2] == "check_halve"} == {3.0}
    assert waiting(marked) == []


def test_extra_credit_stays_on_top_of_what_is_given_to_all(marked):
    with Gradebook(f"sqlite:///{marked.root / 'gradebook.db'}") as opened:
        opened.find_grade("check_halve", marked.name, marked.name, "student-01").extra_credit = 1
        opened.db.commit()
    assert "2 marks changed" in marked.course("give", "hw0", "halve").stdout
    assert [(row["before"], row["after"]) for row in kept(marked)] == [("3.0", "4.0"), ("1.5", "3.0")]


def test_a_question_that_is_none_is_one_sentence(marked):
    done = marked.course("give", "hw0", "thirds")
    assert done.returncode == 2
    assert "has no question 'thirds'; it has double, halve, total, why" in done.stderr
