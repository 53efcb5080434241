"""One submission: collected as bytes that nothing has read yet, then taken in by a worker.

A submission is whatever lies in the student's folder. Nothing in it decides how it is run or marked: cells, metadata,
tags, order and the notebook's name are those of the release; of the student's notebook only the sources of solution
cells and written answers are taken. Repairs are listed in words, for the feedback.
"""

from __future__ import annotations

import copy
import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nbformat
from nbgrader.utils import parse_utc

from autograder.course.errors import CourseError
from autograder.intake.grafting import Grafted, fill
from autograder.intake.pieces import shown
from autograder.intake.reading import FILE_LIMIT, Unreadable, plain_cells

NOTEBOOK_LIMIT, DATA_LIMIT = FILE_LIMIT, 64 << 20  # bytes of a notebook's file, of all files beside it
DATA = (".safetensors",)  # of the files that a student may hand in beside the notebook
DATA_FILES = 8
TIMESTAMP, SECRET = "timestamp.txt", "submission_secret.txt"
EXCHANGED = (TIMESTAMP, SECRET)  # nbgrader's own, beside a submission from a hub: when it came, and for its feedback
EXCHANGED_LIMIT = 1000  # bytes of one
SILENT = {"__pycache__", "__macosx", "thumbs.db", "desktop.ini", "icon\r", "feedback"}  # systems' and nbgrader's own
FOLDERS, REPAIRS = 20, 60  # searched for a notebook; listed in the feedback
END = 200  # bytes of an autograded notebook that hold its digest


@dataclass
class Submission:
    """A student's folder as bytes by name, and in words what was left out.

    notebooks: the one with the right name comes first; a sentence stands for one that is not read.
    files: weights, and nbgrader's own (EXCHANGED).
    """

    notebooks: dict[str, bytes | str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def digest(self, exchanged: bool = True) -> str:
        """A digest of everything in it. exchanged: nbgrader's own files too, which differ each time it is handed in."""
        digest = hashlib.sha256("\n".join(self.remarks).encode("utf-8", "replace"))
        files = [(name, data) for name, data in sorted(self.files.items()) if exchanged or name not in EXCHANGED]
        for name, held in [*self.notebooks.items(), *files]:
            data = held if isinstance(held, bytes) else held.encode()
            digest.update(f"{name} {len(data)}\n".encode("utf-8", "replace") + data)
        return digest.hexdigest()


def collect(folder: Path, assignment: str, handed_out: Collection[str] = ()) -> Submission:
    """A student's folder for an assignment as bytes, within bounds.

    handed_out: names of the files that students get with the notebook.
    """
    submission = Submission()
    silent = SILENT | {name.lower() for name in handed_out if not name.lower().endswith(".ipynb")}
    folders: list[Path] = []
    paths = list(_entries(folder, silent, folders, submission.remarks))
    if not any(map(_is_book, paths)):
        paths += _deeper(folders, {path.name for path in paths}, silent, submission.remarks)
    for path in folders:
        submission.remarks.append(
            f"the folder {shown(path.name)} was left out: only files beside the notebook are taken"
        )
    room, count = DATA_LIMIT, 0
    for path in paths:
        size = path.lstat().st_size
        if path.name in EXCHANGED:
            data = _bytes(path, size)
            if path.name == SECRET or _is_time(data):
                submission.files[path.name] = data
            else:
                submission.remarks.append(f"{TIMESTAMP} holds no valid time: it is not known when this came")
        elif not _is_book(path):
            if size <= room and count < DATA_FILES:
                room, count = room - size, count + 1
                submission.files[path.name] = _bytes(path, size)
            else:
                most = (
                    f"at most {DATA_LIMIT >> 20} are allowed, and {DATA_FILES} files of {DATA_LIMIT >> 20} MiB in all"
                )
                submission.remarks.append(f"{shown(path.name)} was left out: {size >> 20} MiB, {most}")
    books, wanted = [path for path in paths if _is_book(path)], f"{assignment}.ipynb"
    books.sort(key=lambda path: (path.name != wanted, assignment not in path.name, -path.lstat().st_mtime))
    room = NOTEBOOK_LIMIT
    for path in books:
        size = path.lstat().st_size
        if size <= room:
            submission.notebooks[path.name] = _bytes(path, size)
            room -= size
        else:
            most = f"at most {NOTEBOOK_LIMIT >> 20} are allowed, for all notebooks together"
            submission.notebooks[path.name] = f"it has {size >> 20} MiB; {most}"
    return submission


def take_in(submitted: Submission, assignment: str, released: nbformat.NotebookNode) -> Grafted:
    """Put the student's cells into their places. Raises CourseError where no notebook can be read.

    released: the assignment's notebook as students get it, to be filled with their cells.
    """
    filled = Grafted(released, list(submitted.remarks))
    fill(filled, _student_cells(submitted.notebooks, assignment, filled.repairs))
    if len(filled.repairs) > REPAIRS:
        filled.repairs[REPAIRS:] = [f"and {len(filled.repairs) - REPAIRS} more like these"]
    return filled


def packed(filled: Grafted) -> str:
    """The text of the notebook to be graded, with the repairs at its top."""
    notebook = copy.copy(filled.notebook)
    if filled.repairs:
        text = "**What we repaired in your submission**\n\n" + "".join(f"- {line}\n" for line in filled.repairs)
        notebook.cells = [nbformat.v4.new_markdown_cell(text, id="repairs"), *notebook.cells]
    notebook.metadata["course"] = {"repairs": filled.repairs, "missing": filled.missing, "figures": filled.figures}
    return nbformat.writes(notebook).encode("utf-8", "replace").decode()


def _is_book(path: Path) -> bool:
    return path.suffix.lower() == ".ipynb"


def _bytes(path: Path, most: int) -> bytes:
    with open(path, "rb", opener=_no_links) as file:
        return file.read(most)


def _no_links(path: str, flags: int) -> int:
    more = ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")  # as far as the system knows them
    return os.open(path, flags | sum(getattr(os, name, 0) for name in more))


def _is_time(text: bytes) -> bool:
    """Whether nbgrader can read a timestamp; one that it cannot would end the run."""
    try:
        parse_utc(text.decode("ascii").strip())
    except Exception:
        return False
    return True


def _entries(folder: Path, silent: Collection[str], folders: list[Path], remarks: list[str]) -> Iterator[Path]:
    """Notebooks, weights and nbgrader's own files at a folder's top; a folder in it is put into `folders`."""
    for path in sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name)):
        status, name = path.lstat(), shown(path.name)
        if path.name.startswith(".") or path.name.lower() in silent:
            continue  # .ipynb_checkpoints, .DS_Store and the like
        if stat.S_ISLNK(status.st_mode):
            remarks.append(f"{name} was left out: it is a link, and only files are taken")
        elif stat.S_ISDIR(status.st_mode):
            folders.append(path)
        elif not stat.S_ISREG(status.st_mode):
            remarks.append(f"{name} was left out: it is not an ordinary file")
        elif path.name in EXCHANGED and status.st_size > EXCHANGED_LIMIT:
            remarks.append(f"{name} was left out: it is longer than nbgrader writes it")
        elif not _is_book(path) and path.suffix not in DATA and path.name not in EXCHANGED:
            remarks.append(f"{name} was left out: it is neither a notebook nor weights")
        elif not _is_book(path) and not re.fullmatch(r"[A-Za-z0-9_. ()-]{1,100}", path.name):
            remarks.append(f"{name} was left out: its name may hold letters, digits, '.', '-' and '_'")
        else:
            yield path


def _deeper(folders: list[Path], top: Collection[str], silent: Collection[str], remarks: list[str]) -> list[Path]:
    """The files one folder too deep, as in a zip of the folder: taken where there is one notebook only.

    top: names of the files beside the folder. None in it replaces one of these, or stands for one of nbgrader's own:
    when a submission came is not for the student to say.
    """
    ways = []
    for folder in folders[:FOLDERS]:
        inner: list[str] = []
        paths = list(_entries(folder, silent, [], inner))
        if books := [path for path in paths if _is_book(path)]:
            ways.append((folder, books, paths, inner))
    if len(ways) != 1 or len(ways[0][1]) != 1:
        return []
    [(folder, [book], paths, inner)] = ways
    folders.remove(folder)
    remarks += [f"{shown(book.name)} was in the folder {shown(folder.name)} and was taken from there", *inner]
    for path in [path for path in paths if path.name in EXCHANGED or path.name in top]:
        paths.remove(path)
        why = "nbgrader writes it beside the folder" if path.name in EXCHANGED else "another one is beside the folder"
        remarks.append(f"{shown(path.name)} in the folder {shown(folder.name)} was left out: {why}")
    return paths


def _student_cells(notebooks: dict[str, bytes | str], assignment: str, repairs: list[str]) -> list[dict]:
    """The cells of the submitted notebook as plain data; of several notebooks, the first that can be read.

    Raises CourseError where there are notebooks and none can be read.
    """
    wanted, problems = f"{assignment}.ipynb", []
    for name, data in notebooks.items():
        try:
            if isinstance(data, str):
                raise Unreadable(data)
            cells, left = plain_cells(data)
        except Unreadable as reason:
            problems.append(f"{shown(name)} cannot be read: {reason}")
            continue
        repairs += problems + left
        if name != wanted:
            repairs.append(f"the notebook is called {shown(name)} and was read as {wanted}")
        others = [shown(other) for other in notebooks if other != name]
        if others:
            repairs.append(f"there are several notebooks: {shown(name)} was used, not {', '.join(others)}")
        return cells
    if problems:
        raise CourseError("; ".join(problems[:3]))
    repairs.append("no notebook was handed in")
    return []


@cache
def pristine(assignment: str, course: Path) -> nbformat.NotebookNode:
    """The released notebook of a course folder. Raises CourseError where it has not been built."""
    path = course / "release" / assignment / f"{assignment}.ipynb"
    if not path.is_file():
        raise CourseError(f"{path} is not there: run `course build {assignment}`")
    return nbformat.read(path, as_version=4)


@cache
def handed_out(assignment: str, course: Path) -> frozenset[str]:
    """Names of the files that students get with a notebook."""
    return frozenset(path.name for path in (course / "release" / assignment).iterdir())


def usable_name(student: str) -> bool:
    """Whether a folder's name can be a student's: one line, no separators, nothing that a pattern would read."""
    return bool(student) and student.isprintable() and not set(student) & set("/\\*?[]\0+") and student[0] not in ".-"


def finished(path: Path) -> str | None:
    """The digest at an autograded notebook's end, for which grading finished; None where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(-min(END, path.stat().st_size), os.SEEK_END)
            mark = re.search(rb'"digest": "([0-9a-f]{64})"}}, "nbformat": 4, "nbformat_minor": \d+}\s*$', file.read())
    except OSError:
        return None
    return mark[1].decode() if mark else None
