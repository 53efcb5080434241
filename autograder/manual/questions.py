"""The written questions of an assignment: text, model answer and rubric, and how many answers wait for a mark."""

from __future__ import annotations

from dataclasses import dataclass

from nbgrader.api import Gradebook, GradeCell, MissingEntry

from autograder.course.errors import CourseError
from autograder.course.paths import Assignment
from autograder.course.rubrics import Rubric, parts, read_rubric
from autograder.course.solutions import assignment_cells
from autograder.pages.layout import titles


@dataclass(frozen=True)
class Written:
    """A written question of an assignment."""

    assignment: Assignment
    name: str
    title: str
    text: str
    rubric: Rubric


def written_questions(assignment: Assignment) -> dict[str, Written]:
    """The written questions of an assignment by name, in the notebook's order. Raises CourseError."""
    questions = {}
    for cell in assignment_cells(assignment):
        if cell.role == "written":
            text, below = parts(cell.source)
            try:
                rubric = read_rubric(below)
            except ValueError as error:
                path = assignment.relative("notebook.py")
                raise CourseError(f"{path}:{cell.line}: {cell.id}: {error}") from None
            questions[cell.id] = Written(assignment, cell.id, titles(assignment)[cell.id], text, rubric)
    return questions


def written_question(assignment: Assignment, name: str) -> Written:
    """The written question of this name. Raises CourseError, which names those that there are."""
    questions = written_questions(assignment)
    if name not in questions:
        there = f"it has {', '.join(questions)}" if questions else "it has none"
        raise CourseError(f"{assignment} has no written question {name!r}; {there}")
    return questions[name]


def grade_cell(gradebook: Gradebook, question: Written) -> GradeCell:
    """A question's cell in the gradebook. Raises CourseError where there is none, or nothing is graded."""
    assignment = question.assignment
    try:
        book = gradebook.find_notebook(assignment.name, assignment.name)
    except MissingEntry:
        raise CourseError(f"the gradebook has no assignment {assignment}: run `course build {assignment}`") from None
    if not book.submissions:
        raise CourseError(f"nothing of {assignment} is graded yet: run `course grade {assignment}`")
    for cell in book.grade_cells:
        if cell.name == question.name:
            return cell
    raise CourseError(f"the gradebook has no question {question.name}: run `course build {assignment}`")


def waiting(gradebook: Gradebook, question: Written) -> tuple[int, int]:
    """How many answers of a question wait for a mark, and how many there are; of those who wrote something."""
    grades = grade_cell(gradebook, question).grades
    written = [grade for grade in grades if grade.auto_score is None or grade.manual_score is not None]
    return sum(grade.needs_manual_grade for grade in written), len(written)
