"""Marks as nbgrader's gradebook has them, added up in one place for pages, exports and the terminal."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nbgrader.api import Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy.orm import selectinload


@dataclass(frozen=True)
class QuestionMark:
    """What a question gives: points by hand before the grader's, and extra credit beside them.

    waits: whether a person has still to give or to confirm the points. book: nbgrader's id of the submitted notebook.
    """

    name: str
    score: float
    extra: float
    points: float
    waits: bool
    book: str = ""


@dataclass(frozen=True)
class Mark:
    """A submission's mark: its questions by grade id, and what lateness costs.

    penalty: never more than there are points. comments: by the cell that they were written at. handed_in, due and
    due_for_all are in UTC without a zone, as far as they are known. graded: whether any question has points.
    """

    student: str
    name: str
    questions: Mapping[str, QuestionMark]
    penalty: float = 0.0
    comments: Mapping[str, str] = field(default_factory=dict)
    due: datetime | None = None
    due_for_all: datetime | None = None
    handed_in: datetime | None = None
    late: bool = False
    graded: bool = True

    @property
    def total(self) -> float:
        """The mark: all points and extra credit less the penalty, never below 0."""
        return max(0.0, sum(one.score + one.extra for one in self.questions.values()) - self.penalty)

    @property
    def most(self) -> float:
        """The points to be had."""
        return sum(one.points for one in self.questions.values())

    @property
    def waiting(self) -> list[str]:
        """The questions that a person has still to mark or to confirm."""
        return [name for name, one in self.questions.items() if one.waits]


def read_marks(gradebook: Gradebook, assignment: str) -> dict[str, Mark]:
    """The marks of an assignment by student, in order. Raises nbgrader's MissingEntry for an unknown assignment."""
    books = selectinload(SubmittedAssignment.notebooks)  # asked for together: one by one takes 2,000 queries for 100
    query = gradebook.db.query(SubmittedAssignment).filter_by(assignment=gradebook.find_assignment(assignment))
    query = query.options(
        selectinload(SubmittedAssignment.student),
        books.selectinload(SubmittedNotebook.grades),
        books.selectinload(SubmittedNotebook.comments),
    )
    return {entry.student_id: mark_of(entry) for entry in sorted(query, key=lambda entry: entry.student_id)}


def mark_of(entry: SubmittedAssignment) -> Mark:
    """The mark of a submission that the gradebook holds."""
    questions: dict[str, QuestionMark] = {}
    comments: dict[str, str] = {}
    graded = False
    for book in entry.notebooks:
        own = {grade.name for grade in book.grades}
        for one in book.comments:  # nbgrader's "No response." is for answers that are marked by hand
            if text := one.comment if one.name in own else one.manual_comment:
                comments[one.name] = text
        for grade in book.grades:
            points, extra = points_of(grade)
            graded = graded or points is not None
            waits = bool(grade.needs_manual_grade)
            questions[grade.name] = QuestionMark(grade.name, points or 0.0, extra, grade.cell.max_score, waits, book.id)
    points = sum(one.score + one.extra for one in questions.values())
    penalty = sum(book.late_submission_penalty or 0.0 for book in entry.notebooks)
    return Mark(
        entry.student_id,
        full_name(entry.student),
        questions,
        min(penalty, max(points, 0.0)),
        comments,
        entry.duedate if entry.assignment.duedate else None,
        entry.assignment.duedate,
        entry.timestamp,
        entry.total_seconds_late > 0 if entry.assignment.duedate else False,
        graded,
    )


def points_of(grade: Grade) -> tuple[float | None, float]:
    """A question's points, by hand before the grader's, None where neither gave any; and extra credit beside them."""
    points = grade.manual_score if grade.manual_score is not None else grade.auto_score
    return points, 0.0 if points is None else grade.extra_credit or 0.0  # nbgrader counts none without points


def full_name(student) -> str:
    """A student's first and last name, as far as the roster has them."""
    return " ".join(part for part in (student.first_name, student.last_name) if part)


def mean(marks: Iterable[Mark]) -> float:
    """The mean of some marks; 0 where there are none."""
    totals = [mark.total for mark in marks]
    return statistics.fmean(totals) if totals else 0.0
