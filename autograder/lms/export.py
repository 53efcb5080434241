"""Marks as CSV that Canvas and Moodle import as it is: export plugins of nbgrader, and `course export`.

What the two expect, from their manuals and, where these are silent, from the importers themselves:

- Canvas: a header of Student, ID, SIS User ID, SIS Login ID and Section, then a column for each assignment, matched by
  its title; a row 'Points Possible'; UTF-8. A student is looked up by ID (Canvas's own number), then by SIS user ID,
  then by login, then by name. An empty field empties the mark that stands there; a student without a row keeps all
  marks, and so does an assignment without a column.
  https://community.canvaslms.com/t5/Instructor-Guide/How-do-I-import-grades-in-the-Gradebook/ta-p/807
  https://github.com/instructure/canvas-lms/blob/master/lib/gradebook_importer.rb
- Moodle: any header, whose columns are mapped by hand at the import; UTF-8, commas. A student is looked up in one
  column: user name, ID number or e-mail address. '-' and an empty field empty the mark that stands there; a student
  without a row, and a grade item to which no column is mapped, keep theirs.
  https://docs.moodle.org/en/Grade_import
  https://github.com/moodle/moodle/blob/main/grade/import/csv/classes/load_data.php

So that no import empties a mark, a file holds one assignment and the students who have a mark for it; several
assignments are several files. Neither asks for a byte order mark, so there is none. Lines end in CR LF (RFC 4180).
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Gradebook, Student
from nbgrader.plugins import ExportPlugin
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Bool

from autograder.course.errors import CourseError
from autograder.course.marks import Mark, read_marks
from autograder.course.nbgrader_api import course_directory, unusable
from autograder.course.words import counted, number
from utils.files import replaced

NAMED = 20  # students in a sentence
# A cell that starts so is a formula to a spreadsheet, which may read ';' or a tab as the end of a cell. Quotes are no
# help: they are gone before a spreadsheet looks (https://owasp.org/www-community/attacks/CSV_Injection).
FORMULA = re.compile(r"(^|[;\t\r\n])[^\S\t\r\n]*\0*(?=[=+\-@＝＋－＠])")


class Marks(ExportPlugin):
    """What the two exports share: which marks stand, and how a file is written."""

    with_unmarked = Bool(False, help="also export submissions that wait for manual marking").tag(config=True)
    empty_unmarked = Bool(False, help="one file with everybody: who has no mark loses one that the LMS has").tag(
        config=True
    )
    file = ""  # where to, unless it is said: with the assignment's name before the dot
    points = ""  # what a row with the points to be had is called, where there is one
    no_mark = ""

    def export(self, gradebook: Gradebook) -> None:
        """Write the files for `nbgrader export`: what there is to say goes to its log, an error ends it."""
        try:
            for line in self.write(gradebook):
                self.log.info(line)
        except CourseError as error:
            self.log.error(str(error))
            sys.exit(1)

    def write(self, gradebook: Gradebook) -> list[str]:
        """Write each file, whole or not at all; returns what was written, and who was left out and why, in sentences.

        Raises CourseError for an assignment, a student or a folder that does not exist, and where nobody has a mark.
        """
        target = Path(self.to or self.file)
        if target.is_dir() or not target.parent.is_dir():
            raise CourseError(f"{target} cannot be written: name a file in a folder that exists")
        assignments = chosen({entry.name: entry for entry in gradebook.assignments}, self.assignment, "assignment")
        students = chosen({entry.id: entry for entry in gradebook.students}, self.student, "student")
        marks, why = {}, []
        for assignment in assignments:
            # a run that was killed may leave a submission without marks
            read = {who: mark for who, mark in read_marks(gradebook, assignment.name).items() if mark.graded}
            marks[assignment.name] = {one.student: number(one.total) for one in read.values() if self.stands(one)}
            waiting = [student.id for student in students if student.id in read and read[student.id].waiting]
            absent = [student.id for student in students if student.id not in read]
            why += self.sentences(assignment.name, waiting, absent)
        notes: list[str] = []
        if self.empty_unmarked:
            self.write_file(target, assignments, students, marks, notes)
        else:
            for assignment in assignments:
                own = [student for student in students if student.id in marks[assignment.name]]
                whole = self.to and len(assignments) == 1
                path = target if whole else target.with_stem(f"{target.stem}_{assignment.name}")
                if own:
                    self.write_file(path, [assignment], own, marks, notes)
            if not notes:
                raise CourseError(f"nobody has a mark to export: {'; '.join(why)}")
        return notes + why

    def stands(self, mark: Mark) -> bool:
        """Whether a mark is exported: a student who saw the points so far would think that the rest is lost."""
        return self.with_unmarked or not mark.waiting

    def sentences(self, assignment: str, waiting: list[str], absent: list[str]) -> list[str]:
        """Who has no mark for an assignment, or not a whole one, and what the file has of them."""
        done = "emptied" if self.empty_unmarked else "left out"
        told = []
        if waiting and self.with_unmarked:
            told.append(f"{assignment}: with the points so far, since answers wait for a mark: {some(waiting)}")
        elif waiting:
            hint = "--with-unmarked exports the points so far"
            told.append(f"{assignment}: {done}, since answers wait for a mark: {some(waiting)} ({hint})")
        if absent:
            told.append(f"{assignment}: {done}, since nothing of theirs is graded: {some(absent)}")
        return told

    def write_file(
        self,
        target: Path,
        assignments: list[Assignment],
        students: list[Student],
        marks: dict[str, dict[str, str]],
        notes: list[str],
    ) -> None:
        """Write the marks of some students, by assignment and student, into one file."""
        told = [f"wrote {target}: {counted(len(assignments), 'assignment')}, {counted(len(students), 'student')}"]
        columns = self.columns(students, told)
        points = [self.points, *[""] * (len(columns) - 1), *(number(entry.max_score) for entry in assignments)]
        for assignment in assignments:
            columns[assignment.name] = [marks[assignment.name].get(one.id, self.no_mark) for one in students]
        rows = [list(columns), *([points] if self.points else []), *zip(*columns.values(), strict=True)]
        with replaced(target) as part, part.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        notes += told

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
                without = counted(values.count(""), "student")
                notes.append(f"no column '{title}': {without} with none, or with none that can be read safely")
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


def some(names: list[str]) -> str:
    """Names for a sentence: all, or the first NAMED and how many more."""
    more = len(names) - NAMED
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:NAMED])} and {more} more"


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
    root: Path,
    kind: str,
    assignments: list[str],
    output: Path | None = None,
    with_unmarked: bool = False,
    empty_unmarked: bool = False,
) -> list[str]:
    """Export the marks of the course folder `root`, from the gradebook that its nbgrader_config.py names.

    kind: a key of KINDS. Returns what was done, in sentences. Raises CourseError as `Marks.write` does, and where
    there is no gradebook or it cannot be opened.
    """
    coursedir = course_directory(root)
    said = {"with_unmarked": with_unmarked, "empty_unmarked": empty_unmarked}
    options = {name: True for name, is_said in said.items() if is_said}  # else the settings decide
    plugin = KINDS[kind](config=coursedir.config, to=str(output or ""), assignment=assignments, **options)
    try:
        url = make_url(coursedir.db_url)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            raise CourseError(f"there is no gradebook {url.database}: run `course build` and grade first")
        with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
            return plugin.write(gradebook)
    except (SQLAlchemyError, ImportError) as error:  # ImportError: the database's driver is not installed
        raise CourseError(unusable(error)) from None
