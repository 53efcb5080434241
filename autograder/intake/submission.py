"""Take in a hand-in: the student's cells go into a pristine notebook, weights beside it, and nothing else.

A hand-in is whatever lies in the student's folder. Nothing in it decides how it is run or marked: cells, metadata,
tags, order and the notebook's name are those of the release; of the student's notebook only the sources of solution
cells and written answers are taken. What was put right on the way is said in words, for the feedback.
"""

from __future__ import annotations

import copy
import os
import re
import stat
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import nbformat
from nbgrader.utils import parse_utc

from autograder.course.errors import CourseError
from autograder.intake.grafting import HandIn, fill, shown
from autograder.intake.reading import FILE_LIMIT, Unreadable, plain_cells

NOTEBOOK_LIMIT, DATA_LIMIT = FILE_LIMIT, 64 << 20  # bytes of a notebook's file, of all files beside it
DATA = (".safetensors",)  # of what a student may hand in beside the notebook
DATA_FILES = 8
TIMESTAMP, SECRET = "timestamp.txt", "submission_secret.txt"
EXCHANGED = (TIMESTAMP, SECRET)  # nbgrader's own, beside a hand-in from a hub: when it came, and for its feedback
EXCHANGED_LIMIT = 1000  # bytes of one
SILENT = {"__pycache__", "__macosx", "thumbs.db", "desktop.ini", "icon\r", "feedback"}  # systems' and nbgrader's own
FOLDERS, REPAIRS = 20, 60  # that are looked into for a notebook; that are said


def take_in(folder: Path, assignment: str, released: nbformat.NotebookNode, handed_out: Collection[str] = ()) -> HandIn:
    """Read a student's folder for an assignment. Raises CourseError where no notebook in it can be read.

    released: the assignment's notebook as students get it, to be filled with their cells. handed_out: names of the
    files that they got with it.
    """
    found = HandIn(released)
    silent = SILENT | {name.lower() for name in handed_out if not name.lower().endswith(".ipynb")}
    folders: list[Path] = []
    paths = list(_entries(folder, silent, folders, found))
    if not any(map(_is_book, paths)):
        paths += _deeper(folders, silent, found)
    for path in folders:
        found.repairs.append(f"the folder {shown(path.name)} was left out: only files beside the notebook are taken")
    room = DATA_LIMIT
    for path in paths:
        size = path.lstat().st_size
        if path.name in EXCHANGED:
            if path.name == SECRET or _is_time(path):
                found.files.append(path)
            else:
                found.repairs.append(f"{TIMESTAMP} holds no time that can be read: it is not known when this came")
        elif not _is_book(path):
            if size <= room and len(found.files) < DATA_FILES:
                room -= size
                found.files.append(path)
            else:
                most = f"{DATA_LIMIT >> 20} are the most, and {DATA_FILES} files of {DATA_LIMIT >> 20} MiB in all"
                found.repairs.append(f"{shown(path.name)} was left out: {size >> 20} MiB, {most}")
    fill(found, _student_cells(list(filter(_is_book, paths)), assignment, found))
    if len(found.repairs) > REPAIRS:
        found.repairs[REPAIRS:] = [f"and {len(found.repairs) - REPAIRS} more of such lines"]
    return found


def packed(found: HandIn, assignment: str) -> dict[str, bytes]:
    """What was taken in as files by name: the notebook, with the repairs at its top, and what lies beside it."""
    notebook = copy.copy(found.notebook)
    if found.repairs:
        text = "**What was put right in this hand-in**\n\n" + "".join(f"- {line}\n" for line in found.repairs)
        notebook.cells = [nbformat.v4.new_markdown_cell(text, id="repairs"), *notebook.cells]
    notebook.metadata["course"] = {"repairs": found.repairs, "missing": found.missing, "figures": found.figures}
    files = {f"{assignment}.ipynb": f"{nbformat.writes(notebook)}\n".encode("utf-8", "replace")}
    for path in found.files:
        with open(path, "rb", opener=_no_links) as source:
            files[path.name] = source.read(path.lstat().st_size)
    return files


def _is_book(path: Path) -> bool:
    return path.suffix.lower() == ".ipynb"


def _is_time(path: Path) -> bool:
    """Whether nbgrader can read a timestamp file; one that it cannot would end the run."""
    with open(path, "rb", opener=_no_links) as file:
        text = file.read(EXCHANGED_LIMIT)
    try:
        parse_utc(text.decode("ascii").strip())
    except Exception:
        return False
    return True


def _no_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _entries(folder: Path, silent: Collection[str], folders: list[Path], found: HandIn) -> Iterator[Path]:
    """Notebooks, weights and nbgrader's own files at a folder's top; a folder in it is put into `folders`."""
    for path in sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name)):
        told, name = path.lstat(), shown(path.name)
        if path.name.startswith(".") or path.name.lower() in silent:
            continue  # .ipynb_checkpoints, .DS_Store and the like
        if stat.S_ISLNK(told.st_mode):
            found.repairs.append(f"{name} was left out: it is a link, and only files are taken")
        elif stat.S_ISDIR(told.st_mode):
            folders.append(path)
        elif not stat.S_ISREG(told.st_mode):
            found.repairs.append(f"{name} was left out: it is no ordinary file")
        elif path.name in EXCHANGED and told.st_size > EXCHANGED_LIMIT:
            found.repairs.append(f"{name} was left out: nbgrader writes no such long one")
        elif not _is_book(path) and path.suffix not in DATA and path.name not in EXCHANGED:
            found.repairs.append(f"{name} was left out: it is neither a notebook nor weights")
        elif not _is_book(path) and not re.fullmatch(r"[A-Za-z0-9_. ()-]{1,100}", path.name):
            found.repairs.append(f"{name} was left out: its name may hold letters, digits, '.', '-' and '_'")
        else:
            yield path


def _deeper(folders: list[Path], silent: Collection[str], found: HandIn) -> list[Path]:
    """What lies one folder too deep, as in a zip of the folder: taken where it is the only notebook."""
    ways = []
    for folder in folders[:FOLDERS]:
        inner = HandIn(found.notebook)
        paths = list(_entries(folder, silent, [], inner))
        if books := [path for path in paths if _is_book(path)]:
            ways.append((folder, books, paths, inner.repairs))
    if len(ways) != 1 or len(ways[0][1]) != 1:
        return []
    [(folder, [book], paths, repairs)] = ways
    folders.remove(folder)
    found.repairs += [f"{shown(book.name)} lay in a folder {shown(folder.name)} and was taken from there", *repairs]
    return paths


def _student_cells(books: list[Path], assignment: str, found: HandIn) -> list[dict]:
    """The cells of the notebook that was handed in, plain data; of several the one that is named as it should be.

    Raises CourseError where there are notebooks and none can be read.
    """
    wanted = f"{assignment}.ipynb"
    ranked = sorted(books, key=lambda path: (path.name != wanted, assignment not in path.name, -path.lstat().st_mtime))
    problems = []
    for path in ranked:
        try:
            with open(path, "rb", opener=_no_links) as file:
                cells, left = plain_cells(file, path.lstat().st_size)
        except (Unreadable, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            problems.append(f"{shown(path.name)} cannot be read: {reason}")
            continue
        found.repairs += problems + left
        if path.name != wanted:
            found.repairs.append(f"the notebook is called {shown(path.name)} and was taken as {wanted}")
        others = [shown(other.name) for other in ranked if other != path]
        if others:
            found.repairs.append(f"of several notebooks {shown(path.name)} was taken, not {', '.join(others)}")
        return cells
    if problems:
        raise CourseError("; ".join(problems[:3]))
    found.repairs.append("no notebook was handed in")
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
    """Names of the files that students got with a notebook."""
    return frozenset(path.name for path in (course / "release" / assignment).iterdir())


def usable_name(student: str) -> bool:
    """Whether a folder's name can be a student's: one line, no separators, nothing that a pattern would read."""
    return bool(student) and student.isprintable() and not set(student) & set("/\\*?[]\0+") and student[0] not in ".-"


def finished(path: Path) -> str | None:
    """For which hand-in, notebook and oracle an autograded notebook was graded to its end (`grading.digest`)."""
    try:
        return nbformat.read(path, as_version=4).metadata["course"]["digest"]
    except (OSError, ValueError, KeyError, AttributeError, TypeError):  # none, or one that a killed run left
        return None
