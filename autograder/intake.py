"""Take in a hand-in: the student's cells go into a pristine notebook, weights beside it, and nothing else.

A hand-in is whatever lies in the student's folder. Nothing in it decides how it is run or marked: cells, metadata,
tags, order and the notebook's name are those of the release; of the student's notebook only the sources of solution
cells and written answers are taken. What was put right on the way is said in words, for the feedback.
"""

from __future__ import annotations

import copy
import json
import os
import re
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbformat
from nbgrader.utils import parse_utc

from autograder.grafting import HandIn, fill, shown
from autograder.notebooks import CourseError

NOTEBOOK_LIMIT, DATA_LIMIT = 32 << 20, 64 << 20  # bytes of a file
SOURCE_LIMIT = 1 << 20  # characters of a cell
DEPTH_LIMIT, CELL_LIMIT = 32, 2_000
PICTURE_LIMIT, FIGURE_LIMIT, FIGURES = 8 << 20, 1 << 20, 8  # characters of a picture, of a figure; figures of a cell
DATA = (".safetensors",)  # of what a student may hand in beside the notebook
TIMESTAMP = "timestamp.txt"  # nbgrader's own, beside a hand-in: when it came
IMAGES = ("image/png", "image/jpeg", "image/gif")


def take_in(folder: Path, assignment: str, released: nbformat.NotebookNode) -> HandIn:
    """Read a student's folder for an assignment; never fails over what lies in it.

    released: the assignment's notebook as students get it, to be filled with their cells.
    """
    found = HandIn(released)
    books: list[Path] = []
    for path in _entries(folder, found):
        if path.suffix == ".ipynb":
            books.append(path)
        elif path.suffix in DATA or (path.name == TIMESTAMP and _is_time(path)):
            found.files.append(path)
        else:
            found.repairs.append(f"{shown(path.name)} was left out: it is neither a notebook nor weights")
    fill(found, _student_cells(books, assignment, found))
    return found


def packed(found: HandIn, assignment: str) -> dict[str, bytes]:
    """What was taken in as files by name: the notebook, with the repairs at its top, and what lies beside it."""
    notebook = copy.copy(found.notebook)
    if found.repairs:
        text = "**What was put right in this hand-in**\n\n" + "".join(f"- {line}\n" for line in found.repairs)
        notebook.cells = [nbformat.v4.new_markdown_cell(text, id="repairs"), *notebook.cells]
    notebook.metadata["course"] = {"repairs": found.repairs, "missing": found.missing, "figures": found.figures}
    files = {f"{assignment}.ipynb": f"{nbformat.writes(notebook)}\n".encode()}
    for path in found.files:
        with open(path, "rb", opener=_no_links) as source:
            files[path.name] = source.read(DATA_LIMIT)
    return files


def _is_time(path: Path) -> bool:
    """Whether nbgrader can read a timestamp file; one that it cannot would end the run."""
    with open(path, "rb", opener=_no_links) as file:
        text = file.read(200)
    try:
        parse_utc(text.decode("ascii").strip())
    except Exception:
        return False
    return True


def _no_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _entries(folder: Path, found: HandIn) -> Iterator[Path]:
    """Regular files of an acceptable size and name, at the folder's top."""
    for path in sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name)):
        told, name = path.lstat(), shown(path.name)
        limit = DATA_LIMIT if path.suffix in DATA else NOTEBOOK_LIMIT
        if path.name.startswith(".") or path.name in ("__pycache__", "__MACOSX"):
            continue  # .ipynb_checkpoints, .DS_Store and the like
        if stat.S_ISLNK(told.st_mode):
            found.repairs.append(f"{name} was left out: it is a link, and only files are taken")
        elif stat.S_ISDIR(told.st_mode):
            found.repairs.append(f"the folder {name} was left out: only files beside the notebook are taken")
        elif not stat.S_ISREG(told.st_mode):
            found.repairs.append(f"{name} was left out: it is no ordinary file")
        elif told.st_size > limit:
            found.repairs.append(f"{name} was left out: {told.st_size >> 20} MiB, {limit >> 20} are the most")
        elif path.suffix != ".ipynb" and not re.fullmatch(r"[A-Za-z0-9_. ()-]{1,100}", path.name):
            found.repairs.append(f"{name} was left out: its name may hold letters, digits, '.', '-' and '_'")
        else:
            yield path


def _student_cells(books: list[Path], assignment: str, found: HandIn) -> list[dict]:
    """The cells of the notebook that was handed in, plain data; of several the one that is named as it should be."""
    wanted = f"{assignment}.ipynb"
    ranked = sorted(books, key=lambda path: (path.name != wanted, assignment not in path.name, -path.lstat().st_mtime))
    for path in ranked:
        try:
            cells = read_cells(path)
        except CourseError as error:
            found.repairs.append(f"{shown(path.name)} could not be read: {error}")
            continue
        if path.name != wanted:
            found.repairs.append(f"the notebook is called {shown(path.name)} and was taken as {wanted}")
        left = [shown(other.name) for other in ranked if other != path]
        if left:
            found.repairs.append(f"of several notebooks {shown(path.name)} was taken, not {', '.join(left)}")
        return cells
    if not books:
        found.repairs.append("no notebook was handed in")
    return []


def read_cells(path: Path) -> list[dict]:
    """A notebook file's cells: type, id, grade id and source, whatever version it was saved in. Raises CourseError."""
    with open(path, "rb", opener=_no_links) as file:
        text = file.read(NOTEBOOK_LIMIT + 1)
    if _depth(text) > DEPTH_LIMIT:
        raise CourseError(f"it is nested more than {DEPTH_LIMIT} deep")
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        raise CourseError("it is no JSON, as a notebook is") from None
    if isinstance(read, dict) and isinstance(read.get("worksheets"), list):  # nbformat 3
        read = {"cells": [cell for sheet in read["worksheets"] if isinstance(sheet, dict) for cell in sheet["cells"]]}
    if not isinstance(read, dict) or not isinstance(read.get("cells"), list):
        raise CourseError("it holds no list of cells")
    if len(read["cells"]) > CELL_LIMIT:
        raise CourseError(f"it has {len(read['cells'])} cells, {CELL_LIMIT} are the most")
    return [plain for cell in read["cells"] if (plain := _plain(cell)) is not None]


def _depth(text: bytes) -> int:
    """How deep brackets are nested in JSON, strings left aside."""
    deepest = depth = 0
    for mark in re.finditer(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text, re.DOTALL):
        if mark[0] in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark[0] in b"]}":
            depth -= 1
    return deepest


def _plain(cell: object) -> dict | None:
    """What is taken of a cell of the file, or None for what is no cell."""
    if not isinstance(cell, dict):
        return None
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str) or len(source) > SOURCE_LIMIT:
        return None
    source = source.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    nbgrader = metadata.get("nbgrader")
    given = [cell.get("id"), metadata.get("id"), nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None]
    ids = {name for name in given if isinstance(name, str)}
    code = cell.get("cell_type") == "code"
    return {"ids": ids, "source": source, "code": code, "pictures": _pictures(cell), "figures": _figures(cell)}


def _figures(cell: dict) -> list[dict]:
    """The pictures in a code cell's outputs, in their order, as base64 text by kind: of known kinds and bounded."""
    given = cell.get("outputs")
    found: list[dict] = []
    for output in given if isinstance(given, list) else ():
        data = output.get("data") if isinstance(output, dict) else None
        kinds = [kind for kind in IMAGES if _is_picture(data.get(kind), FIGURE_LIMIT)] if isinstance(data, dict) else []
        if data and kinds and len(found) < FIGURES:
            found.append({kinds[0]: data[kinds[0]]})
    return found


def _is_picture(data: object, limit: int) -> bool:
    return isinstance(data, str) and len(data) < limit and re.fullmatch(r"[A-Za-z0-9+/=\s]*", data) is not None


def _pictures(cell: dict) -> dict:
    """A written answer's pasted pictures: of known kinds and bounded size, as base64 text."""
    found: dict = {}
    given = cell.get("attachments")
    for name, kinds in given.items() if isinstance(given, dict) else ():
        for kind, data in kinds.items() if isinstance(kinds, dict) else ():
            if kind in IMAGES and _is_picture(data, PICTURE_LIMIT) and re.fullmatch(r"[\w. ()-]{1,100}", name):
                found.setdefault(name, {})[kind] = data
    return found


@cache
def pristine(assignment: str, course: Path) -> nbformat.NotebookNode:
    """The released notebook of a course folder. Raises CourseError where it has not been built."""
    path = course / "release" / assignment / f"{assignment}.ipynb"
    if not path.is_file():
        raise CourseError(f"{path} is not there: run `course build {assignment}`")
    return nbformat.read(path, as_version=4)


def usable_name(student: str) -> bool:
    """Whether a folder's name can be a student's: one line, no separators, nothing that a pattern would read."""
    return bool(student) and student.isprintable() and not set(student) & set("/\\*?[]\0+") and student[0] not in ".-"


def finished(path: Path) -> str | None:
    """For which hand-in, notebook and oracle an autograded notebook was graded to its end (`grading.digest`)."""
    try:
        return nbformat.read(path, as_version=4).metadata["course"]["digest"]
    except (OSError, ValueError, KeyError, AttributeError, TypeError):  # none, or one that a killed run left
        return None
