"""docs/instructor.md, walked as it stands: its commands, in its order, over a class of three."""

import csv
import io
import re
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.course.paths import OWN
from autograder.oracle.questions import edited_cell, load_questions
from autograder.sandbox import bubblewrap
from autograder.verification.samples import answered_notebook, filled_notebook, solution_cells
from tests.conftest import ROOT, TinyCourse

pytestmark = pytest.mark.skipif(bubblewrap.lacks() is not None, reason=f"no isolation here: {bubblewrap.lacks()}")
HW4 = OWN.assignment("hw4_gru_gradients")
NAME = HW4.name
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / "docs" / "instructor.md").read_text(), re.DOTALL | re.MULTILINE)
# what a test does in another way, or elsewhere
LEFT_OUT = {
    ".venv/bin/course verify hw4": "tests/test_verify.py, and minutes",
    ".venv/bin/course new-term 2027-spring": "tests/test_term.py: it takes the class away",
    ".venv/bin/course mark hw4 why_six_biases": "tests/test_marking.py: it serves until Ctrl-C; marks are given below",
}


class Hw4(TinyCourse):
    """The course with hw4 alone, and `.venv/bin/` as a clone has it after `make`."""

    name = NAME

    def __init__(self, root):
        super().__init__(root)
        shutil.rmtree(root / "assignments")
        shutil.copytree(ROOT / "assignments" / NAME, root / "assignments" / NAME)
        for name in ("Makefile", "requirements.lock", "LICENSE", "environment.yml"):
            shutil.copyfile(ROOT / name, root / name)
        (root / "docs").mkdir()
        shutil.copyfile(ROOT / "docs" / "student.md", root / "docs" / "student.md")
        (root / ".venv" / "bin").mkdir(parents=True)
        for name, module in (("course", "autograder.cli"), ("nbgrader", "nbgrader"), ("python", "")):
            script = root / ".venv" / "bin" / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {"-m " * bool(module)}{module} "$@"\n')
            script.chmod(0o755)
        (root / ".venv" / ".ready").touch()

    def shell(self, line):
        """Run a line of the page; returns what it printed."""
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.root, env=self.env(), capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, (line, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout + done.stderr


def wrong_notebook():
    """A submission with the first misconception of the first question that has one, and nothing written."""
    question = next(question for question in load_questions(HW4) if question.misconceptions)
    return filled_notebook(HW4, solution_cells(HW4) | edited_cell(HW4, question, question.misconceptions[0]))


def put_downloads(course, folder):
    """Two students' submissions as Moodle gives them, one of them in a zip, and one as Canvas does."""
    archive = course.root / folder / NAME / "archive"
    archive.mkdir(parents=True, exist_ok=True)
    right = nbformat.writes(answered_notebook(HW4, solution_cells(HW4)))
    own = io.BytesIO()
    with zipfile.ZipFile(own, "w") as file:
        file.writestr("homework/my work.ipynb", right)
    with zipfile.ZipFile(archive / "course-hw4-7.zip", "w") as file:
        file.writestr(f"First One_55001_assignsubmission_file/Copy of {NAME}.ipynb", right)
        file.writestr("First Two_55002_assignsubmission_file/homework.zip", own.getvalue())
    with zipfile.ZipFile(archive / "course-hw4_submissions.zip", "w") as file:
        file.writestr(f"threefirst_LATE_1003_900_{NAME}-1.ipynb", nbformat.writes(wrong_notebook()))


def mark_by_hand(course, points=1.0):
    """Mark what waits, as the formgrader's page does. Returns how many marks were given."""
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        waiting = [
            grade
            for submission in gradebook.assignment_submissions(NAME)
            for book in submission.notebooks
            for grade in book.grades
            if grade.needs_manual_grade
        ]
        for grade in waiting:
            grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()
        return len(waiting)


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The course after the page's last command, and what each command printed."""
    course = Hw4(tmp_path_factory.mktemp("instructor") / "course")
    told = {}
    for kind, block in BLOCKS:
        if kind == "csv":
            continue
        for line in block.splitlines():
            command = line.partition("#")[0].strip()
            if match := re.search(r"(students|dates)\.csv$", command):
                first = {"students": "id,", "dates": "assignment,"}[match[1]]
                text = next(text for kind, text in BLOCKS if kind == "csv" and text.startswith(first))
                (course.root / match[0]).write_text(text)
            if "zip_collect" in command:
                put_downloads(course, "preview_downloaded" if "preview_downloaded" in command else "downloaded")
            if command not in LEFT_OUT:
                told[command] = course.shell(command)
        if "grade hw4" in block:
            course.marks_given = mark_by_hand(course)
    course.told = told
    return course


def test_what_is_left_out_is_on_the_page():
    commands = {line.partition("#")[0].strip() for kind, block in BLOCKS for line in block.splitlines()}
    assert set(LEFT_OUT) <= commands


def test_hand_ins_of_both_systems_are_collected_and_graded(walked):
    for number in (1, 2, 3):
        assert walked.submitted(f"student-0{number}").is_file()
    assert (
        "student-03 handed in late, according to Canvas"
        in walked.told[f".venv/bin/nbgrader zip_collect {NAME} --force"]
    )
    assert "graded 3, unchanged 0, failed 0" in walked.told[".venv/bin/course grade hw4"]
    assert walked.marks_given == 6  # three answers of two students; the third wrote none, and has 0 points


def test_a_preview_says_what_fails_and_counts(walked):
    assert "3 made" in walked.told[".venv/bin/course preview hw4 --from submitted"]
    assert "made" in walked.told[".venv/bin/course preview hw4"]
    page = (walked.root / "preview_feedback" / "student-03" / NAME / f"{NAME}.html").read_text()
    assert re.search(r"properties fails?|no property holds", page)
    with zipfile.ZipFile(walked.root / f"preview_{NAME}.zip") as file:
        assert len(file.namelist()) == 2


def test_marks_are_exported_for_all(walked):
    rows = list(csv.reader((walked.root / f"canvas_{NAME}.csv").open()))
    marks = {row[rows[0].index("SIS Login ID")]: row[rows[0].index(NAME)] for row in rows[2:]}
    assert marks["student-01"] == marks["student-02"] == "26"  # 23 by the grader, and 1 for each of three answers
    assert 0 < float(marks["student-03"]) < 23
    assert "answers wait for a mark" not in walked.told[".venv/bin/course export hw4 --to canvas"]


def test_pages_go_back_to_those_who_handed_in(walked):
    with zipfile.ZipFile(walked.root / f"feedback_{NAME}.zip") as file:
        pages = {name: file.read(name).decode() for name in file.namelist()}
    folders = [f"First {name}_{number}_assignsubmission_file" for name, number in (("One", 55001), ("Two", 55002))]
    assert set(pages) == {f"{folder}/{NAME}{end}" for folder in folders for end in (".html", "_marks.html")}
    assert not [name for name, page in pages.items() if "students do not see this" in page]
    assert "no pages for student-03" in walked.told[".venv/bin/course return hw4"]


@pytest.mark.slow
def test_the_commands_of_other_pages_run_over_the_same_class(walked):
    pages = {name: (ROOT / name).read_text() for name in ("README.md", "docs/export.md", "docs/similarity.md")}
    (grading,) = re.findall(r"^make build  .*?^```", pages["README.md"], re.DOTALL | re.MULTILINE)
    (exports,) = re.findall(r"^```\n(.*?)^```", pages["docs/export.md"], re.DOTALL | re.MULTILINE)
    (alike,) = re.findall(r"^`(course similar [^`]*)`", pages["docs/similarity.md"], re.MULTILINE)
    lines = [line.partition("#")[0].strip() for line in (grading + exports + alike).replace("`", "").splitlines()]
    told = {}
    for line in lines:
        line = line.replace("hw1 hw2", "hw4").replace("['hw1']", f"['{NAME}']")
        line = re.sub("^(course|nbgrader) ", r".venv/bin/\1 ", line)
        if line and line not in LEFT_OUT:
            told[line] = walked.shell(line)
    assert len(told) == 8  # one stands on two pages
    assert "graded 0, unchanged 3, failed 0" in told[".venv/bin/course grade"]
    assert len((walked.root / "marks.csv").read_text().split("\n")) > 3
    assert NAME in (walked.root / "alike.html").read_text()


@pytest.mark.slow
def test_a_corrected_oracle_regrades_all_and_keeps_what_was_marked_by_hand(walked):
    with (walked.root / "assignments" / NAME / "questions" / "gru_cell.py").open("a") as file:
        file.write("\n# corrected\n")
    walked.shell(".venv/bin/course build hw4")
    assert "graded 3, unchanged 0, failed 0" in walked.shell(".venv/bin/course grade hw4")
    with Gradebook(f"sqlite:///{walked.root / 'gradebook.db'}") as gradebook:
        book = gradebook.find_submission_notebook(NAME, NAME, "student-01")
        by_hand = [grade for grade in book.grades if grade.manual_score is not None]
        assert [(grade.manual_score, grade.needs_manual_grade) for grade in by_hand] == [(1.0, False)] * 3


@pytest.mark.slow
def test_a_new_download_is_collected_by_force_and_only_it_is_graded(walked):
    archive = walked.root / "downloaded" / NAME / "archive" / "course-hw4_submissions.zip"
    with zipfile.ZipFile(archive, "w") as file:
        right = answered_notebook(HW4, solution_cells(HW4))
        file.writestr(f"threefirst_LATE_1003_911_{NAME}-2.ipynb", nbformat.writes(right))
    walked.shell(f".venv/bin/nbgrader zip_collect {NAME} --force")
    assert "graded 1, unchanged 2, failed 0" in walked.shell(".venv/bin/course grade hw4")
