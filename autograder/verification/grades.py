"""Read the results of a grading run: scores from the gradebook, verdicts from the autograded notebooks."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry

from autograder.marking.verdicts import Verdict


def auto_scores(course: Path, student: str, assignment: str, db_url: str = "") -> dict[str, float | None]:
    """The automatic score of every graded cell by its id, None where nbgrader has none. Empty without a submission.

    db_url: the gradebook's address, nbgrader's default in the course's folder unless given (`CourseDirectory.db_url`).
    """
    with Gradebook(db_url or f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        try:
            submission = gradebook.find_submission(assignment, student)
        except MissingEntry:
            return {}
        return {grade.name: grade.auto_score for book in submission.notebooks for grade in book.grades}


def verdicts(course: Path, student: str, assignment: str) -> list[Verdict]:
    """The verdict of every question of an autograded submission, in notebook order."""
    cells = _cells(course, student, assignment)
    return [Verdict.from_dict(cell.metadata["course"]) for cell in cells if "course" in cell.metadata]


def cell_errors(course: Path, student: str, assignment: str) -> list[str]:
    """The errors that cells of an autograded submission ended with, each as "cell: error"."""
    cells = [cell for cell in _cells(course, student, assignment) if cell.cell_type == "code"]
    errors = [(cell.id, output) for cell in cells for output in cell.outputs if output.output_type == "error"]
    return [f"{name}: {output.ename}: {output.evalue}" for name, output in errors]


def passed_checks(course: Path, student: str, assignment: str) -> frozenset[str]:
    """The questions whose visible check said OK in an autograded submission."""
    cells = [cell for cell in _cells(course, student, assignment) if cell.id.startswith("check_")]
    said = {cell.id.removeprefix("check_"): "".join(out.get("text", "") for out in cell.outputs) for cell in cells}
    return frozenset(name for name, text in said.items() if re.search(rf"^OK {name}\b", text, re.MULTILINE))


def _cells(course: Path, student: str, assignment: str) -> list:
    path = course / "autograded" / student / assignment / f"{assignment}.ipynb"
    return nbformat.read(path, as_version=4).cells if path.exists() else []
