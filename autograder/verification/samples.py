"""Sample submissions from the course's own material: solution, release, misconceptions, alternatives, slips in them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import zip_longest
from pathlib import Path

import nbformat

from autograder.course.cells import MARKER
from autograder.course.paths import Assignment
from autograder.course.solutions import assignment_cells
from autograder.marking.edits import changed, edits
from autograder.oracle.questions import Misconception, Question, edited_cell, load_questions
from autograder.pages.layout import STUB
from autograder.verification.answers import written


@dataclass(frozen=True)
class SampleSubmission:
    """A made-up submission and its purpose. `cells` holds the source of each solution cell that is filled in."""

    name: str
    kind: str  # solution, release, misconception, alternative or slip
    cells: Mapping[str, str]
    question: Question | None = None
    misconception: Misconception | None = None
    edited: Mapping[str, str] = field(default_factory=dict)  # question id -> name of the alternative in it, or the slip


def solution_cells(assignment: Assignment) -> dict[str, str]:
    """Source of each solution cell by its id."""
    return {cell.id: cell.source for cell in assignment_cells(assignment) if cell.role == "solution"}


def sample_submissions(assignment: Assignment) -> Iterator[SampleSubmission]:
    """The solution, the release, one submission per misconception, and the alternatives: the n-th of every question."""
    solution = solution_cells(assignment)
    yield SampleSubmission("solution", "solution", solution)
    yield SampleSubmission("release", "release", {})
    questions = load_questions(assignment)
    for question in questions:
        for number, misconception in enumerate(question.misconceptions, 1):
            cells = solution | edited_cell(assignment, question, misconception)
            yield SampleSubmission(
                f"misconception-{question.id}-{number}", "misconception", cells, question, misconception
            )
    columns = zip_longest(*([(q, alternative) for alternative in q.alternatives] for q in questions))
    for number, column in enumerate(columns, 1):
        cells, edited = dict(solution), {}
        for question, alternative in filter(None, column):
            cells |= edited_cell(assignment, question, alternative)
            edited[question.id] = alternative.name
        yield SampleSubmission(f"alternatives-{number}", "alternative", cells, edited=edited)


SLIPS = 2  # of each question
APART = 4  # of so many questions, one has a slip in a submission


@cache
def slip_submissions(assignment: Assignment) -> tuple[SampleSubmission, ...]:
    """Submissions with a single edit of an alternative in some questions: mistakes without a name, in another style.

    The same each time. A slip may change nothing that counts.
    """
    solution, slips, submissions = solution_cells(assignment), [], []
    for question in load_questions(assignment):
        choice = random.Random(f"{assignment} {question.id}")
        styles = [one.source for one in question.alternatives if not one.cell and question.id in solution]
        changes = [(style, edit) for style in styles for edit in edits(style)]
        chosen = choice.sample(changes, min(SLIPS, len(changes)))
        slips += [(question.id, place, *change) for place, change in enumerate(chosen)]
    for place in range(SLIPS):
        row = [(name, style, edit) for name, nth, style, edit in slips if nth == place]
        for start in range(min(APART, len(row))):
            some = row[start::APART]
            cells = solution | {name: edit.source for name, _, edit in some}
            edited = {name: f"line {edit.line}, {edit.kind}: {changed(style, edit)}" for name, style, edit in some}
            submissions.append(SampleSubmission(f"slips-{place + 1}-{start + 1}", "slip", cells, edited=edited))
    return tuple(submissions)


def filled_notebook(assignment: Assignment, cells: Mapping[str, str]) -> nbformat.NotebookNode:
    """The released notebook with the given solution cells filled in, as a student would hand it in."""
    released = nbformat.read(assignment.course.root / "release" / assignment.name / f"{assignment}.ipynb", as_version=4)
    for cell in released.cells:
        if cell.id in cells:
            cell.source = cells[cell.id]
    return released


def answered_notebook(assignment: Assignment, cells: Mapping[str, str], student: int = 0) -> nbformat.NotebookNode:
    """As `filled_notebook`, as the n-th student would leave it: without solution markers, with written answers."""
    filled = filled_notebook(assignment, {name: without_markers(source) for name, source in cells.items()})
    for cell in filled.cells:
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "markdown":
            cell.source = cell.source.replace(STUB, written(cell.id, student) or STUB)
    return filled


def without_markers(source: str) -> str:
    """A solution cell as a student would have written it."""
    return "\n".join(line for line in source.split("\n") if not MARKER.search(line))


def hand_in(folder: Path, student: str, assignment: Assignment, filled: nbformat.NotebookNode) -> Path:
    """Write a notebook to where nbgrader collects submissions; returns the folder."""
    submitted = folder / "submitted" / student / assignment.name
    submitted.mkdir(parents=True, exist_ok=True)
    nbformat.write(filled, submitted / f"{assignment}.ipynb")
    return submitted
