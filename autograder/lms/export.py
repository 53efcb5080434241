"""Marks as CSV that Canvas and Moodle import as it is: export plugins of nbgrader, and `course export`.

What the two expect, from their manuals and, where these are silent, from the importers themselves:

- Canvas: a header of Student, ID, SIS User ID, SIS Login ID and Section, then a column for each assignment, matched by
  its title; a row 'Points Possible'; UTF-8. A student is looked up by ID (Canvas's own number), then by SIS user ID,
  then by login, then by name. An empty field is no mark.
  https://community.canvaslms.com/t5/Instructor-Guide/How-do-I-import-grades-in-the-Gradebook/ta-p/807
  https://github.com/instructure/canvas-lms/blob/master/lib/gradebook_importer.rb
- Moodle: any header, whose columns are mapped by hand at the import; UTF-8, commas. A student is looked up in one
  column: user name, ID number or e-mail address. '-' is no mark.
  https://docs.moodle.org/en/Grade_import
  https://github.com/moodle/moodle/blob/main/grade/import/csv/classes/load_data.php

Neither asks for a byte order mark, so there is none. Lines end in CR LF (RFC 4180).
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, Student, SubmittedAssignment
from nbgrader.plugins import ExportPlugin
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import undefer
from traitlets import Bool

from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import course_directory, unusable
from utils.files import replaced

# A cell that starts so is a formula to a spreadsheet, which may read ';' or a tab as the end of a cell. Quotes are no
# help: they are gone before a spreadsheet looks (https://owasp.org/www-community/attacks/CSV_Injection).
FORMULA = re.compile(r"(^|[;\t\r\n])[^\S\t\r\n]*\0*(?=[=+\-@＝＋－＠])")


class Marks(ExportPlugin):
    """What the two exports share: which marks stand, and how a file is written."""

    with_unmarked = Bool(False, help="also export submissions that wait for manual marking").tag(config=True)
    file = ""  # where to, unless it is said
    points = ""  # what a row with the points to be had is called, where there is one
    no_mark = ""

    def export(self, gradebook: Gradebook) -> None:
        """Write the file for `nbgrader export`: what there is to say goes to its log, an error ends it."""
        try:
            for line in self.write(gradebook):
                self.log.info(line)
        except CourseError as error:
            self.log.error(str(error))
            sys.exit(1)

    def write(self, gradebook: Gradebook) -> list[str]:
        """Write the file, whole or not at all; returns what was written and what was left out, in sentences.

        Raises CourseError for an assignment, a student or a folder that does not exist.
        """
        target = Path(self.to or self.file)
        if target.is_dir() or not target.parent.is_dir():
            raise CourseError(f"{target} cannot be written: name a file in a folder that exists")
        assignments = chosen({entry.name: entry for entry in gradebook.assignments}, self.assignment, "assignment")
        students = chosen({entry.id: entry for entry in gradebook.students}, self.student, "student")
        notes = [f"wrote {target}: {len(assignments)} assignments, {len(students)} students"]
        columns = self.columns(students, notes)
        points = [self.points, *[""] * (len(columns) - 1), *(number(entry.max_score) for entry in assignments)]
        unmarked = 0
        for assignment in assignments:
            marks, waiting = self.marks(gradebook, assignment.name)
            columns[assignment.name] = [marks.get(student.id, self.no_mark) for student in students]
            unmarked += sum(student.id in waiting for student in students)
        if unmarked:
            what = "with points so far" if self.with_unmarked else "left out (--with-unmarked includes them)"
            notes.append(f"{unmarked} submissions wait for manual marking: {what}")
        rows = [list(columns), *([points] if self.points else []), *zip(*columns.values(), strict=True)]
        with replaced(target) as part, part.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        return notes

    def marks(self, gradebook: Gradebook, assignment: str) -> tuple[dict[str, str], set[str]]:
        """The marks of an assignment by student, and the students whose submission waits for manual marking.

        A mark is nbgrader's score, manual marks in it, less the penalty for lateness, never below 0. A submission
        that waits has none yet: a student who saw the points so far would think that the rest is lost.
        """
        # asked for together: one by one, as nbgrader loads them, a class of 100 takes 2,000 queries
        names = ("score", "late_submission_penalty", "needs_manual_grade")
        figures = [undefer(getattr(SubmittedAssignment, name)) for name in names]
        query = gradebook.db.query(SubmittedAssignment).filter_by(assignment=gradebook.find_assignment(assignment))
        entries = query.options(*figures).all()
        waiting = {entry.student_id for entry in entries if entry.needs_manual_grade}
        marks = {
            entry.student_id: number(max(0.0, entry.score - entry.late_submission_penalty))
            for entry in entries
            if self.with_unmarked or entry.student_id not in waiting
        }
        return marks, waiting

    def columns(self, students: list[Student], notes: list[str]) -> dict[str, list[str]]:
        """The columns before the marks, by title: a value for each student. `notes` takes what is to be said."""
        raise NotImplementedError


class Canvas(Marks):
    """Marks for Canvas: Gradebook, Import."""

    file = "canvas.csv"
    points = "    Points Possible"

    def columns(self, students: list[Student], notes: list[str]) -> dict[str, list[str]]:
        names = [", ".join(part for part in (s.last_name, s.first_name) if part) or s.id for s in students]
        ids = [identifier(student.lms_user_id) for student in students]
        return {
            # Canvas takes a row for that of the points by this name, whoever's it is
            "Student": [harmless(name).replace("Points Possible", "Points-Possible") for name in names],
            # Canvas cuts an ID at its first letter, and "12b" would be student 12: a SIS user ID may be any text
            "ID": [text if re.fullmatch("[0-9]+", text) else "" for text in ids],
            "SIS User ID": ["" if re.fullmatch("[0-9]+", text) else text for text in ids],
            "SIS Login ID": [student.id for student in students],
            "Section": ["" for _ in students],  # Canvas wants the column and reads no value of it
        }


class Moodle(Marks):
    """Marks for Moodle: Grades, Import, CSV file."""

    file = "moodle.csv"
    no_mark = "-"  # an empty field is 0 where the import makes a new grade item

    def columns(self, students: list[Student], notes: list[str]) -> dict[str, list[str]]:
        columns = {"Username": [student.id for student in students]}
        for title, field in (("First name", "first_name"), ("Last name", "last_name")):
            # Moodle's reader (PHP's fgetcsv) takes \" for a quote and would run one field into the next
            columns[title] = [harmless(getattr(student, field) or "").replace("\\", "＼") for student in students]
        for title, field in (("ID number", "lms_user_id"), ("Email address", "email")):
            values = [identifier(getattr(student, field)) for student in students]
            # Moodle gives the marks of a row without identifier to the student of the row before: all or none
            if all(values):
                columns[title] = values
            elif any(values):
                notes.append(
                    f"no column '{title}': {values.count('')} students have none, or none that can be read safely"
                )
        return columns


def harmless(name: str) -> str:
    """A name that no spreadsheet takes for a formula: an apostrophe stands before a sign that would start one.

    Names come from a roster, where people may name themselves. To change one breaks no import: Moodle does not read
    it, and Canvas only where ID, SIS user ID and login have all failed; then it asks whom the row means.
    """
    return FORMULA.sub(r"\g<0>'", name)


def identifier(value: str | None) -> str:
    """The value to look a student up by, or nothing where a spreadsheet or Moodle's reader would not read it as it is.

    An apostrophe would make it another identifier. The student's id needs no such care: the course itself gave it.
    """
    text = (value or "").strip()
    return "" if FORMULA.search(text) or "\\" in text else text


def number(points: float) -> str:
    """Points with two decimals at most, which is what both show, rounded half up as people do: 2.675 is 2.68."""
    return f"{Decimal(str(points)).quantize(Decimal('0.01'), ROUND_HALF_UP):f}".rstrip("0").rstrip(".")


def chosen(entries: dict[str, Any], wanted: Iterable, kind: str) -> list:
    """The entries that are wanted by name or, `hw5`, by what stands before its first `_`; all by default.

    Raises CourseError for an unknown name, and where there are no entries.
    """
    if not entries:
        raise CourseError(f"the gradebook has no {kind} yet: build and grade first")
    names = set()
    for name in map(str, wanted):
        meant = {name} & set(entries) or {other for other in entries if other.split("_")[0] == name}
        if not meant:
            raise CourseError(f"the gradebook has no {kind} {name!r}; it has {', '.join(sorted(entries))}")
        names |= meant
    return [entries[name] for name in sorted(names or entries)]


KINDS: dict[str, type[Marks]] = {"canvas": Canvas, "moodle": Moodle}


def export(
    root: Path, kind: str, assignments: list[str], output: Path | None = None, with_unmarked: bool = False
) -> list[str]:
    """Export the marks of the course folder `root`, from the gradebook that its nbgrader_config.py names.

    kind: a key of KINDS. Returns what was done, in sentences. Raises CourseError as `Marks.write` does, and where
    there is no gradebook or it cannot be opened.
    """
    coursedir = course_directory(root)
    options = {"with_unmarked": True} if with_unmarked else {}  # else the settings decide
    plugin = KINDS[kind](config=coursedir.config, to=str(output or ""), assignment=assignments, **options)
    try:
        url = make_url(coursedir.db_url)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            raise CourseError(f"there is no gradebook {url.database}: run `course build` and grade first")
        with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
            return plugin.write(gradebook)
    except (SQLAlchemyError, ImportError) as error:  # ImportError: the database's driver is not installed
        raise CourseError(unusable(error)) from None
