"""When assignments are due, for all and for single students: `dates.csv`, kept in nbgrader's own fields."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.config import Config

from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import local
from autograder.course.paths import Course
from utils.files import replaced

FILE, COLUMNS = "dates.csv", ["assignment", "student", "due"]


@dataclass(frozen=True)
class Dates:
    """Due dates in UTC without a zone, as nbgrader keeps them: by assignment, and by assignment and student."""

    due: dict[str, datetime] = field(default_factory=dict)
    extended: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def extension(self, assignment: str, student: str) -> timedelta | None:
        """How much later an assignment is due for a student than for all; None where it is not."""
        own = self.extended.get((assignment, student))
        return own - self.due[assignment] if own else None


def read_dates(path: Path, course: Course) -> Dates:
    """The dates of a CSV file with the columns assignment, student and due; none where there is no such file.

    A row without a student is the date for all. A time without a zone is that of this machine; a date alone means its
    last minute. Raises CourseError, with the line, for what cannot be understood, and for an extension of an assignment
    that has no date for all.
    """
    if not path.is_file():
        return Dates()
    dates = Dates()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not set(COLUMNS) <= set(rows.fieldnames or []):
                raise CourseError(f"{path}: the first line should be {','.join(COLUMNS)}")
            lines = [(rows.line_num, {name: (row[name] or "").strip() for name in COLUMNS}) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CourseError(f"{path} cannot be read: {error}") from None
    for number, row in lines:
        where = f"{path}, line {number}"
        try:
            (assignment,) = course.pick([row["assignment"]])
            due = _utc(row["due"])
        except CourseError as error:
            raise CourseError(f"{where}: {error}") from None
        except ValueError:
            raise CourseError(f"{where}: {row['due']!r} is no date such as 2027-03-01 or 2027-03-01 18:00") from None
        table, key = (
            (dates.extended, (assignment.name, row["student"])) if row["student"] else (dates.due, assignment.name)
        )
        if key in table:
            raise CourseError(f"{where}: a second date for {' '.join(filter(None, (row['student'], assignment.name)))}")
        table[key] = due  # type: ignore[index]
    for assignment_name, student in dates.extended:
        if assignment_name not in dates.due:
            raise CourseError(f"{path}: {student} has a date for {assignment_name}, which has none for all")
    return dates


def _utc(text: str) -> datetime:
    """A time in UTC, without its zone. Raises ValueError for what is no time."""
    moment = datetime.fromisoformat(text)
    if len(text) == len("2027-03-01"):
        moment = moment.replace(hour=23, minute=59, second=59)
    return moment.astimezone(UTC).replace(tzinfo=None)


def set_dates(coursedir: CourseDirectory, config: Config, path: Path, course: Course) -> Iterator[str]:
    """Put a file's dates into the gradebook and keep the file in the course's folder; yields what was done.

    Submissions that are graded get their extension, and their penalty anew. Raises CourseError as `read_dates` does,
    for an assignment that the gradebook lacks and for a student whom it does not know; then nothing is changed.
    """
    if not path.is_file():
        raise CourseError(f"there is no file {path}")
    dates = read_dates(path, course)
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        students = {student.id for student in gradebook.students}
        if unknown := sorted({student for _, student in dates.extended} - students):
            raise CourseError(f"{path}: the roster has no {', '.join(unknown)}")
        for name in dates.due:
            try:
                gradebook.find_assignment(name)
            except MissingEntry:
                raise CourseError(f"the gradebook has no assignment {name}: run `course build {name}`") from None
        for name, due in dates.due.items():
            gradebook.update_or_create_assignment(name, duedate=due)
            for submission in gradebook.assignment_submissions(name):
                submission.extension = dates.extension(name, submission.student.id)
        gradebook.db.commit()
        kept = Path(coursedir.root) / FILE
        if not (kept.exists() and kept.samefile(path)):
            with replaced(kept) as part:
                part.write_bytes(path.read_bytes())
        for name, due in sorted(dates.due.items()):
            own = {student: moment for (one, student), moment in dates.extended.items() if one == name}
            told = "".join(f"; {student} by {local(moment)}" for student, moment in sorted(own.items()))
            yield f"{name} is due by {local(due)}{told}"
            for submission in gradebook.assignment_submissions(name):
                before = submission.late_submission_penalty
                after = penalise(gradebook, coursedir, config, submission)
                if after != before:
                    yield f"  {submission.student.id}: {before:g} points off for lateness -> {after:g}"


def penalise(
    gradebook: Gradebook, coursedir: CourseDirectory, config: Config, submission: SubmittedAssignment
) -> float:
    """Set what the course's plugin takes off for lateness, by nbgrader's own preprocessor; returns it."""
    if submission.total_seconds_late > 0 or any(book.late_submission_penalty for book in submission.notebooks):
        name = submission.assignment.name
        resources = {"notebook": name, "assignment": name, "student": submission.student.id}
        resources["db_url"] = coursedir.db_url
        AssignLatePenalties(config=config).preprocess(nbformat.v4.new_notebook(), {"nbgrader": resources})
        gradebook.db.expire_all()
    return sum(book.late_submission_penalty or 0.0 for book in submission.notebooks)
