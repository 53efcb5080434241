"""Whose submission is it? `nbgrader zip_collect` for downloads from Moodle and Canvas, by the gradebook's roster.

How the two name what a teacher downloads, from their sources:

- Moodle, "Download all submissions": a folder `First Last_1234567_assignsubmission_file` for each student, or, by the
  teacher's choice, files with that in front of their names. The number belongs to the student in this assignment alone,
  so the name decides. Older releases end the folder's name in `_`.
  https://github.com/moodle/moodle/blob/main/mod/assign/classes/downloader.php
- Canvas, "Download submissions": files `lastfirst_12345_678901_name.ipynb`: Canvas's number of the student, then of the
  file, which grows with each attempt; `_LATE` after the name of a late one, `-1` after the file's own name where the
  student had handed in one of that name before.
  https://github.com/instructure/canvas-lms/blob/master/lib/content_zipper.rb

A submission whose student is not certain is named in a sentence and stays where it is.
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

from autograder.course.words import counted
from autograder.intake.submission import EXCHANGED, TIMESTAMP, usable_name

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

    @property
    def canvas_name(self) -> str:
        """What Canvas called the file: it reads in that name whose an answer is, and to which file."""
        return f"{self.name}{'_LATE' * self.late}_{self.number}_{self.file}_{self.rest}"


@dataclass(frozen=True)
class Person:
    """A student of the roster."""

    id: str
    first: str = ""
    last: str = ""
    number: str = ""  # `lms_user_id`: Canvas's own number, or another text


@dataclass(frozen=True)
class UnpackedFile:
    """A file that was unpacked: its path, its origin by that path, and the download that it came in."""

    path: Path
    origin: Origin
    download: str

    @property
    def name(self) -> str:
        """What the student called it, without signs of a copy."""
        filename = self.origin.rest if self.origin.rest.lower().endswith(self.path.suffix) else self.path.name
        return COPY.sub("", filename[: -len(self.path.suffix)]) + self.path.suffix


def origin(parts: tuple[str, ...]) -> Origin | None:
    """A file's origin by its path: the outermost name that is Moodle's or Canvas's, which no student can choose."""
    for part in parts:
        if match := MOODLE.fullmatch(part):
            return Origin("Moodle", match["number"], match["name"], rest=match["rest"] or "")
        if match := CANVAS.fullmatch(part):
            late, file = bool(match["late"]), int(match["file"][:18])
            return Origin("Canvas", match["number"], match["name"], late, file, match["rest"])
    return None


def printable(text: str) -> str:
    """A name that others chose, fit for a sentence and a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def people(gradebook: Gradebook) -> list[Person]:
    """The roster that a gradebook holds."""
    students = gradebook.students
    return [Person(s.id, s.first_name or "", s.last_name or "", (s.lms_user_id or "").strip()) for s in students]


def words(name: str) -> tuple[str, ...]:
    """A name's words without case, accents, signs and order."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    kept = ("".join(sign for sign in word if sign.isalnum()) for word in plain.split())
    return tuple(sorted(word for word in kept if word))


def unpacked_files(extracted: Path) -> list[UnpackedFile]:
    """The files that were unpacked below a folder, without those whose name is neither Moodle's nor Canvas's."""
    files = []
    for path in sorted(path for path in extracted.rglob("*") if path.is_file()):
        parts = path.relative_to(extracted).parts
        if who := origin(parts):
            files.append(UnpackedFile(path, who, "" if origin(parts[:1]) else parts[0]))
    return files


def matching_students(who: Origin, roster: list[Person]) -> list[str]:
    """Ids of the students that an origin may mean; it is certain only where there is one."""
    if who.system == "Moodle":
        return [person.id for person in roster if words(f"{person.first} {person.last}") == words(who.name)]
    if numbered := [person.id for person in roster if person.number == who.number]:
        return numbered
    named = {"".join(words(who.name))}
    unnumbered = [person for person in roster if not person.number.isdecimal()]  # another number is another person
    return [
        person.id
        for person in unnumbered
        if named
        & {"".join(words(text.replace(" ", ""))) for text in (person.last + person.first, person.first + person.last)}
    ]


def plan(
    unpacked: list[UnpackedFile], roster: list[Person], assignment: str, submitted: str = "submitted"
) -> tuple[dict[Path, tuple[str, str]], list[str]]:
    """Each file's student and name, and notes on what is left behind and why. submitted: the folder to collect into.

    All files of a person are left where the roster has no certain match, where two persons match one student, and
    where a student has two different notebooks, or weights, and no name says which is newer.
    """
    notes: list[str] = []
    folder = f"{submitted}/<student>/{assignment}/"
    owners: dict[str, dict[str, list[UnpackedFile]]] = defaultdict(dict)  # by student: who matched them, with what
    for who, files in _grouped(unpacked, lambda file: file.origin.who).items():
        students = matching_students(files[0].origin, roster)
        if len(students) == 1:
            owners[students[0]][who] = files
        elif students:
            notes.append(f"{who} may be {' or '.join(sorted(students))}: copy the submission to {folder} yourself")
        else:
            notes.append(f"{who} is not in the roster: add them, or copy the submission to {folder} yourself")
    destinations: dict[Path, tuple[str, str]] = {}
    for student, persons in sorted(owners.items()):
        if len({who.rpartition("(")[2] for who in persons}) > 1:
            notes.append(f"{' and '.join(persons)} all match {student}: copy the right submission to {folder} yourself")
            continue
        files = [file for sent in persons.values() for file in sent]
        chosen = _choose_files(student, files, assignment, notes)
        destinations |= {file.path: (student, name) for name, file in chosen.items()}
        if chosen and any(file.origin.late for file in chosen.values()):
            notes.append(f"{student} handed in late, according to Canvas")
    return destinations, notes


def _choose_files(
    student: str, files: list[UnpackedFile], assignment: str, notes: list[str]
) -> dict[str, UnpackedFile]:
    """The files of a student's submission by the names to store them under; none where that is not certain."""
    newest = max(files, key=lambda file: file.origin.file)
    if newest.origin.file:  # a download of Canvas's holds one attempt, and the files of a later one have higher numbers
        kept = [file for file in files if file.download == newest.download]
        if {file.origin.file for file in files} - {file.origin.file for file in kept}:
            notes.append(f"{student}: the newest of several attempts was used")
        files = kept
    groups = _grouped(files, lambda file: file.name)
    books = [name for name in groups if name.endswith(".ipynb")]
    named = [name for name in books if name == f"{assignment}.ipynb"] or books
    if len(named) != 1:
        what = f"{len(named)} notebooks, {', '.join(map(printable, named))}" if named else "no notebook"
        notes.append(f"{student} handed in {what}: nothing was collected")
        return {}
    for name in set(books) - set(named):
        notes.append(f"{student}: {named[0]} was used, not {printable(name)}")
    chosen = {}
    for name in [*named, *(name for name in groups if name not in books)]:
        versions = {hashlib.sha256(file.path.read_bytes()).digest(): file for file in groups[name]}
        if len({file.origin.file for file in versions.values()}) < len(versions):
            what = f"{len(versions)} different files {printable(name)}"
            where = ", ".join(sorted(printable("/".join(file.path.parts[-3:])) for file in versions.values()))
            why = f"and nothing says which is newer ({where})"
            notes.append(f"{student} handed in {what}, {why}: nothing was collected")
            return {}
        stored = f"{assignment}.ipynb" if name in books else name
        chosen[stored] = max(versions.values(), key=lambda file: file.origin.file)
    return chosen


def _grouped(files: list[UnpackedFile], key) -> dict[str, list[UnpackedFile]]:
    groups: dict[str, list[UnpackedFile]] = defaultdict(list)
    for file in files:
        groups[key(file)].append(file)
    return dict(groups)


class RosterCollector(FileNameCollectorPlugin):
    """`nbgrader zip_collect`'s second step: from `extracted/` to `submitted/<student>/<assignment>/`."""

    collected: frozenset[str] = frozenset()  # people whose submission was taken
    _plan: dict[Path, tuple[str, str]] | None = None

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._times: dict[Path, bytes] = {}
        self.parent.log.addFilter(lambda record: not str(record.msg).startswith(NOISE))

    def collect(self, submitted_file: str) -> dict | None:
        """A file's student and name, or None where it is left."""
        if self._plan is None:
            self._plan = self._planned()
        if Path(submitted_file) not in self._plan:
            return None
        student, name = self._plan[Path(submitted_file)]
        return {"student_id": student, "file_id": name}

    def _planned(self) -> dict[Path, tuple[str, str]]:
        """Plan for all unpacked files together, and say what is left."""
        app = self.parent
        with Gradebook(app.coursedir.db_url, app.coursedir.course_id) as gradebook:
            roster = people(gradebook)
        if not roster:
            app.fail("the gradebook has no students: `nbgrader db student import students.csv` first")
        root = Path(app._format_collect_path(app.extracted_directory))
        unpacked = unpacked_files(root)
        known = {file.path for file in unpacked}
        notes = [
            f"{path.relative_to(root).as_posix()} was left: its name is neither Moodle's nor Canvas's"
            for path in sorted(root.rglob("*"))
            if path.is_file() and path not in known
        ]
        for person in [person for person in roster if not usable_name(person.id)]:
            notes.append(
                f"{printable(person.id)!r} in the roster is not a valid student id: nothing is collected for it"
            )
            roster.remove(person)
        destinations, more = plan(unpacked, roster, app.coursedir.assignment_id, app.coursedir.submitted_directory)
        more += self._kept_times(destinations)
        self.collected = frozenset(file.origin.who for file in unpacked if file.path in destinations)
        for sentence in notes + more:
            self.log.warning("%s", sentence)
        missing = sorted({person.id for person in roster} - {student for student, _ in destinations.values()})
        count = counted(len(roster) - len(missing), "student")
        self.log.warning("collected submissions of %s; none from %s", count, ", ".join(missing) or "nobody")
        return destinations

    def _kept_times(self, destinations: dict[Path, tuple[str, str]]) -> list[str]:
        """Read the timestamps of submissions that will be replaced; sentences on those whose content will be another.

        nbgrader empties a student's folder before it copies the new files; no download holds the time.
        """
        course, notes = self.parent.coursedir, []
        for student in sorted({student for student, _ in destinations.values()}):
            folder = Path(course.format_path(course.submitted_directory, student, course.assignment_id))
            path = folder / TIMESTAMP
            if path.is_symlink() or not path.is_file():
                continue
            self._times[path] = path.read_bytes()
            before = {old.name: old.read_bytes() for old in folder.iterdir() if old.is_file()}
            after = {name: new.read_bytes() for new, (who, name) in destinations.items() if who == student}
            if {name: data for name, data in before.items() if name not in EXCHANGED} != after:
                time = printable(self._times[path].decode(errors="replace").strip()[:40])
                where = path.relative_to(course.root).as_posix()
                notes.append(
                    f"{student}: a new submission, with the old timestamp {time}: if it came later, edit {where}"
                )
        return notes

    def put_times_back(self) -> None:
        """Write the timestamps of replaced submissions, as they were."""
        for path, data in self._times.items():
            if path.parent.is_dir():
                path.write_bytes(data)
