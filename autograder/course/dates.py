"""When assignments are due, for all and for single students, as `dates.csv` in the course's folder says it."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from autograder.course.errors import CourseError
from autograder.course.paths import Course

FILE, COLUMNS = "dates.csv", ["assignment", "student", "due"]
LAST = time(23, 59, 59)  # of a day


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
            picked = course.pick([row["assignment"]])
        except CourseError as error:
            raise CourseError(f"{where}: {error}") from None
        if len(picked) != 1:
            raise CourseError(f"{where}: {row['assignment']!r} means {' and '.join(map(str, picked))}: name one")
        (assignment,) = picked
        try:
            due = _utc(row["due"])
        except (ValueError, OverflowError):
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
    """A time in UTC, without its zone. Raises ValueError for what is no time, OverflowError for one past all years."""
    try:
        moment = datetime.combine(date.fromisoformat(text), LAST)
    except ValueError:
        moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None)
