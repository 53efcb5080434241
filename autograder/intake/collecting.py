"""Whose hand-in is it? `nbgrader zip_collect` for what Moodle and Canvas give, by the roster in the gradebook.

How the two name what a teacher downloads, from their sources:

- Moodle, "Download all submissions": a folder `First Last_1234567_assignsubmission_file` for each student, or, by the
  teacher's choice, files with that in front of their names. The number belongs to the student in this assignment alone,
  so the name decides. Older releases end the folder's name in `_`.
  https://github.com/moodle/moodle/blob/main/mod/assign/classes/downloader.php
- Canvas, "Download submissions": files `lastfirst_12345_678901_name.ipynb`: Canvas's number of the student, then of the
  file, which grows with each attempt; `_LATE` after the name of a late one, `-1` after the file's own name where the
  student had handed in one of that name before.
  https://github.com/instructure/canvas-lms/blob/master/lib/content_zipper.rb

Whoever is not recognised for certain is named in a sentence and left where it lies: no work is given to another.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.plugins import FileNameCollectorPlugin

from autograder.intake.submission import usable_name

MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>[0-9]+)_assignsubmission_file(?:_(?P<rest>.*))?", re.DOTALL)
# without a name but `anon` where the assignment is anonymous; then the number is not the student's
CANVAS = re.compile(
    r"(?!(?:LATE_)?anon_)(?P<name>\w+?)(?P<late>_LATE)?_(?P<number>[0-9]+)_(?P<file>[0-9]+)_(?P<rest>.+)"
)
COPY = re.compile(r"^(?:Copy of )+|(?: ?\([0-9]+\)|-[0-9]+)$")  # Colab's, a browser's and Canvas's signs of a copy


# what nbgrader says of each file and folder besides: it would hide the sentences
NOISE = ("Directory not found. Creating", "Skipped submission with no match information")


@dataclass(frozen=True)
class Origin:
    """What a download's name says: the system, its number of the student, their name, and of Canvas more."""

    system: str
    number: str
    name: str
    late: bool = False
    file: int = 0  # Canvas's number of the file
    rest: str = ""  # the file's own name

    @property
    def who(self) -> str:
        """The person, for a sentence and to tell people apart."""
        return printable(f"{self.name} ({self.system}'s number {self.number})")


@dataclass(frozen=True)
class Person:
    """A student of the roster."""

    id: str
    first: str = ""
    last: str = ""
    number: str = ""  # `lms_user_id`: Canvas's own number, or another text


@dataclass(frozen=True)
class Found:
    """A file that was unpacked: where it lies, whose its path says it is, and in which download it came."""

    path: Path
    origin: Origin
    download: str

    @property
    def name(self) -> str:
        """What the student called it, without signs of a copy."""
        own = self.origin.rest if self.origin.rest.lower().endswith(self.path.suffix) else self.path.name
        return COPY.sub("", own[: -len(self.path.suffix)]) + self.path.suffix


def origin(parts: tuple[str, ...]) -> Origin | None:
    """Whose a file is by its path: the outermost name that is Moodle's or Canvas's, which no student can choose."""
    for part in parts:
        if found := MOODLE.fullmatch(part):
            return Origin("Moodle", found["number"], found["name"], rest=found["rest"] or "")
        if found := CANVAS.fullmatch(part):
            late, file = bool(found["late"]), int(found["file"][:18])
            return Origin("Canvas", found["number"], found["name"], late, file, found["rest"])
    return None


def printable(text: str) -> str:
    """A name that others chose, fit for a sentence and a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def people(gradebook: Gradebook) -> list[Person]:
    """The roster that a gradebook holds."""
    found = gradebook.students
    return [Person(s.id, s.first_name or "", s.last_name or "", (s.lms_user_id or "").strip()) for s in found]


def words(name: str) -> tuple[str, ...]:
    """A name's words without case, accents, signs and order."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    kept = ("".join(sign for sign in word if sign.isalnum()) for word in plain.split())
    return tuple(sorted(word for word in kept if word))


def called(who: Origin, roster: list[Person]) -> list[str]:
    """Ids of the students that an origin may mean; exactly one is an answer."""
    if who.system == "Moodle":
        return [one.id for one in roster if words(f"{one.first} {one.last}") == words(who.name)]
    if known := [one.id for one in roster if one.number == who.number]:
        return known
    named = {"".join(words(who.name))}
    unnumbered = [one for one in roster if not one.number.isdecimal()]  # another number is another person
    return [
        one.id
        for one in unnumbered
        if named & {"".join(words(text.replace(" ", ""))) for text in (one.last + one.first, one.first + one.last)}
    ]


def plan(found: list[Found], roster: list[Person], assignment: str) -> tuple[dict[Path, tuple[str, str]], list[str]]:
    """Who gets which file under which name, and in sentences what is left and why.

    Left are all files of a person whom the roster does not name for certain, of two persons whom it takes for one, and
    of a student with two different notebooks, or weights, of which no name says which is the newer one.
    """
    told: list[str] = []
    place = f"submitted/<student>/{assignment}/"
    owners: dict[str, dict[str, list[Found]]] = defaultdict(dict)  # of each student: who came as them, with what
    for who, files in _grouped(found, lambda one: one.origin.who).items():
        students = called(files[0].origin, roster)
        if len(students) == 1:
            owners[students[0]][who] = files
        elif students:
            told.append(f"{who} may be {' or '.join(sorted(students))}: copy the hand-in to {place} yourself")
        else:
            told.append(f"{who} is nobody in the roster: add them to it, or copy the hand-in to {place} yourself")
    taken: dict[Path, tuple[str, str]] = {}
    for student, persons in sorted(owners.items()):
        if len({who.rpartition("(")[2] for who in persons}) > 1:
            told.append(f"{' and '.join(persons)} all fit {student}: copy the right hand-in to {place} yourself")
            continue
        files = [file for own in persons.values() for file in own]
        chosen = _chosen(student, files, assignment, told)
        taken |= {file.path: (student, name) for name, file in chosen.items()}
        if chosen and any(file.origin.late for file in chosen.values()):
            told.append(f"{student} handed in late, says Canvas")
    return taken, told


def _chosen(student: str, files: list[Found], assignment: str, told: list[str]) -> dict[str, Found]:
    """The files that a student's hand-in is made of, by the name that they are stored under; none where it is open."""
    newest = max(files, key=lambda one: one.origin.file)
    if newest.origin.file:  # a download of Canvas's holds one attempt, and the files of a later one have higher numbers
        kept = [one for one in files if one.download == newest.download]
        if {one.origin.file for one in files} - {one.origin.file for one in kept}:
            told.append(f"{student}: of several attempts the newest was taken")
        files = kept
    groups = _grouped(files, lambda one: one.name)
    books = [name for name in groups if name.endswith(".ipynb")]
    named = [name for name in books if name == f"{assignment}.ipynb"] or books
    if len(named) != 1:
        what = f"{len(named)} notebooks, {', '.join(map(printable, named))}" if named else "no notebook"
        told.append(f"{student} handed in {what}: nothing was collected")
        return {}
    for name in set(books) - set(named):
        told.append(f"{student}: {named[0]} was taken, not {printable(name)}")
    chosen = {}
    for name in [*named, *(name for name in groups if name not in books)]:
        versions = {hashlib.sha256(file.path.read_bytes()).digest(): file for file in groups[name]}
        if len({file.origin.file for file in versions.values()}) < len(versions):
            what = f"{len(versions)} different files {printable(name)}"
            told.append(f"{student} handed in {what}, and nothing says which is newer: nothing was collected")
            return {}
        stored = f"{assignment}.ipynb" if name in books else name
        chosen[stored] = max(versions.values(), key=lambda one: one.origin.file)
    return chosen


def _grouped(files: list[Found], key) -> dict[str, list[Found]]:
    groups: dict[str, list[Found]] = defaultdict(list)
    for file in files:
        groups[key(file)].append(file)
    return dict(groups)


class RosterCollector(FileNameCollectorPlugin):
    """`nbgrader zip_collect`'s second step: from `extracted/` to `submitted/<student>/<assignment>/`."""

    collected: frozenset[str] = frozenset()  # of whom something was taken
    _plan: dict[Path, tuple[str, str]] | None = None

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.parent.log.addFilter(lambda record: not str(record.msg).startswith(NOISE))

    def collect(self, submitted_file: str) -> dict | None:
        """Whose a file is and what it is to be called, or None where it is left."""
        if self._plan is None:
            self._plan = self._planned()
        if Path(submitted_file) not in self._plan:
            return None
        student, name = self._plan[Path(submitted_file)]
        return {"student_id": student, "file_id": name}

    def _planned(self) -> dict[Path, tuple[str, str]]:
        """Look at all that was unpacked together, and say what is left."""
        app = self.parent
        with Gradebook(app.coursedir.db_url, app.coursedir.course_id) as gradebook:
            roster = people(gradebook)
        if not roster:
            app.fail("the gradebook has no students: `nbgrader db student import students.csv` first")
        root = Path(app._format_collect_path(app.extracted_directory))
        found, told = [], []
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            parts = path.relative_to(root).parts
            if who := origin(parts):
                found.append(Found(path, who, "" if origin(parts[:1]) else parts[0]))
            else:
                told.append(f"{'/'.join(parts)} was left: its name is neither Moodle's nor Canvas's")
        for one in [one for one in roster if not usable_name(one.id)]:
            told.append(f"no student can be called {printable(one.id)!r}, as one in the roster is: nothing is theirs")
            roster.remove(one)
        taken, more = plan(found, roster, app.coursedir.assignment_id)
        self.collected = frozenset(one.origin.who for one in found if one.path in taken)
        for sentence in told + more:
            self.log.warning("%s", sentence)
        missing = sorted({one.id for one in roster} - {student for student, _ in taken.values()})
        count = len(roster) - len(missing)
        self.log.warning("hand-ins of %d students are collected; none of %s", count, ", ".join(missing) or "nobody")
        return taken
