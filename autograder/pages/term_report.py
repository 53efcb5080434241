"""The class over the term: who has handed in what, with which mark, and what there is to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry

from autograder.course.dates import FILE, read_dates
from autograder.course.errors import CourseError
from autograder.course.failures import read_failures
from autograder.course.marks import Mark, full_name, mean, read_marks
from autograder.course.nbgrader_api import course_directory
from autograder.course.paths import Assignment, Course
from autograder.intake.submission import usable_name
from autograder.intake.submissions import submission_folders
from autograder.pages.layout import written

MISSED = 2  # assignments of which somebody handed in nothing before they are named for it


@dataclass(frozen=True)
class Entry:
    """A student's work on an assignment.

    mark: none where nothing is graded. there: whether something was handed in. why: why it, or what came after it,
    could not be graded. due: when, for this student. open: whether nothing was handed in and there is still time.
    """

    assignment: Assignment
    mark: Mark | None = None
    there: bool = True
    why: str = ""
    due: datetime | None = None
    open: bool = False

    @property
    def missing(self) -> bool:
        """Whether nothing was handed in and there is no more time."""
        return not self.there and not self.open


@dataclass(frozen=True)
class Standing:
    """A student over the term: what there is of each assignment, in the order of the columns."""

    student: str
    name: str
    entries: Sequence[Entry]

    @property
    def marks(self) -> list[Mark]:
        """The marks so far."""
        return [entry.mark for entry in self.entries if entry.mark]

    @property
    def total(self) -> float:
        """The sum of the points of what is graded."""
        return sum(mark.total for mark in self.marks)

    @property
    def most(self) -> float:
        """The points that were to be had in what is graded."""
        return sum(mark.most for mark in self.marks)

    @property
    def waiting(self) -> int:
        """How many answers a person has still to mark."""
        return sum(len(mark.waiting) for mark in self.marks)


@dataclass(frozen=True)
class Column:
    """An assignment over the class: what there is of it by student, and when it is due for all."""

    assignment: Assignment
    entries: dict[str, Entry]
    due: datetime | None

    @property
    def short(self) -> str:
        """The name that commands take."""
        return self.assignment.name.split("_")[0]

    @property
    def marks(self) -> list[Mark]:
        """The marks so far."""
        return [entry.mark for entry in self.entries.values() if entry.mark]

    @property
    def mean(self) -> float:
        """The mean of the marks so far."""
        return mean(self.marks)

    @property
    def handed_in(self) -> int:
        """How many handed in something."""
        return sum(entry.there for entry in self.entries.values())

    @property
    def waiting(self) -> dict[str, int]:
        """How many answers wait for a mark, by student."""
        return {mark.student: len(mark.waiting) for mark in self.marks if mark.waiting}

    @property
    def waiting_written(self) -> int:
        """How many of them are written, for which `course mark` has a page; the others wait in the formgrader."""
        return sum(name in written(self.assignment) for mark in self.marks for name in mark.waiting)

    @property
    def failed(self) -> dict[str, str]:
        """Why something that was handed in is not graded, by student; empty where nothing is known."""
        entries = self.entries.items()
        return {student: one.why for student, one in entries if one.why or (one.there and not one.mark)}

    @property
    def failed_by_reason(self) -> dict[str, list[str]]:
        """The same, the other way round: who, by the reason."""
        students: dict[str, list[str]] = {}
        for student, why in self.failed.items():
            students.setdefault(why, []).append(student)
        return students

    @property
    def missing(self) -> list[str]:
        """Who handed in nothing."""
        return [student for student, entry in self.entries.items() if entry.missing]


@dataclass(frozen=True)
class TermReport:
    """A class over the term. columns: the assignments of which something was handed in. names: by student."""

    columns: list[Column]
    names: dict[str, str]

    @cached_property
    def standings(self) -> list[Standing]:
        """Each student of the class, in order."""
        columns = self.columns
        return [Standing(who, name, [one.entries[who] for one in columns]) for who, name in self.names.items()]

    @property
    def missing(self) -> dict[str, list[str]]:
        """Who handed in nothing of MISSED assignments or more, with their short names."""
        missed = {who: [column.short for column in self.columns if who in column.missing] for who in self.names}
        return {who: names for who, names in missed.items() if len(names) >= MISSED}

    def column(self, assignment: Assignment) -> Column:
        """An assignment of which something was handed in. Raises CourseError for another."""
        for column in self.columns:
            if column.assignment == assignment:
                return column
        raise CourseError(f"nothing of {assignment} is graded yet: run `course grade {assignment}`")


def read_term(root: Path, course: Course, now: datetime | None = None) -> TermReport:
    """Gather a class's work in a course folder, from the gradebook, `submitted/` and `dates.csv`.

    The class: the roster, and whoever has handed in. now: the time, in UTC without a zone. Raises CourseError for
    dates that cannot be understood.
    """
    now = now or datetime.now(UTC).replace(tzinfo=None)
    coursedir, dates, failures = course_directory(root), read_dates(root / FILE, course), read_failures(root)
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        names = {one.id: full_name(one) for one in gradebook.students if usable_name(one.id)}
        found = []
        for assignment in course.assignments():
            try:
                due = gradebook.find_assignment(assignment.name).duedate
                marks = {who: one for who, one in read_marks(gradebook, assignment.name).items() if one.graded}
            except MissingEntry:
                continue
            folders = {Path(folder).parent.name for folder in submission_folders(coursedir, assignment.name)}
            there = set(marks) | {student for student in folders if usable_name(student)}
            if there:
                found.append((assignment, due, marks, there))
                names |= {student: "" for student in there if student not in names}
    names = {student: names[student] for student in sorted(names)}
    columns = []
    for assignment, due, marks, there in found:
        entries = {}
        for student in names:
            own = dates.extended.get((assignment.name, student), due)
            entries[student] = Entry(
                assignment,
                marks.get(student),
                student in there,
                failures.get((student, assignment.name), "") if student in there else "",
                own,
                student not in there and own is not None and own > now,
            )
        columns.append(Column(assignment, entries, due))
    return TermReport(columns, names)
