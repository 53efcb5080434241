"""The solution in the notebook is the reference: its definitions as a namespace, also with edits applied."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from autograder.notebooks import MARKER, Cell, CourseError, read_cells

ROOT = Path(__file__).resolve().parent.parent
ASSIGNMENTS = ROOT / "assignments"
INCLUDE = re.compile(r"^# include (\w+): (.+)$", re.MULTILINE)


def check_folder(course: Path) -> None:
    """Raise CourseError for a course folder that cannot be worked with: by its path, or as it has code of its own.

    In nbgrader's and the database's eyes some characters of a path mean something. And a copy of the course holds its
    own code, while the command that was typed may be that of another folder: marks would be of a mixture.
    """
    course = course.absolute()
    if wrong := re.search(r"[\[\]*?]|%[0-9A-Fa-f]{2}", str(course)):
        raise CourseError(
            f"the course's folder {str(course)!r} has {wrong[0]!r} in its path: move it, or rename a folder"
        )
    own = (course / "autograder" / "cli.py").is_file() or any((course / "assignments").glob("*/notebook.py"))
    if own and course.resolve() != ROOT:
        raise CourseError(
            f"{course} holds a course of its own, but this command is that of {ROOT}: work there, or give {course} an "
            "environment of its own (`make build`)"
        )


@cache
def assignment_cells(assignment: str) -> tuple[Cell, ...]:
    """The cells of an assignment's text notebook, with what it includes of others in place.

    A line `# include hw5_word_lm: batchify, WordLM` of a `provided` cell stands for those solution cells of the other
    assignment, without their markers: what was asked there is given here, and is written once.
    Raises CourseError when there is no such assignment, and with file and line for an include that cannot be met.
    """
    cells = read_cells(ASSIGNMENTS / assignment / "notebook.py")
    return tuple(_with_includes(assignment, cell) if cell.role == "provided" else cell for cell in cells)


def _with_includes(assignment: str, cell: Cell) -> Cell:
    place = f"{(ASSIGNMENTS / assignment / 'notebook.py').relative_to(ROOT)}:{cell.line}"

    def given(found: re.Match) -> str:
        other, names = found[1], [name.strip() for name in found[2].split(",")]
        if other == assignment or not (ASSIGNMENTS / other / "notebook.py").is_file():
            raise CourseError(f"{place}: include names {other!r}, which is no other assignment")
        theirs = {c.id: c.source for c in read_cells(ASSIGNMENTS / other / "notebook.py") if c.role == "solution"}
        for name in names:
            if name not in theirs:
                raise CourseError(f"{place}: include names {name!r}, which is no solution cell of {other}")
        lines = [[line for line in theirs[name].splitlines() if not MARKER.search(line)] for name in names]
        return "\n\n\n".join("\n".join(part) for part in lines)

    return replace(cell, source=INCLUDE.sub(given, cell.source))


def namespace(assignment: str, replaced: Mapping[str, str] | None = None) -> dict:
    """Names that the solution defines: its `provided` and `solution` cells run in order, nothing else.

    replaced: source by cell id, for a misconception or an alternative.
    Raises CourseError naming the cell when it does not run or when `replaced` names no cell.
    """
    replaced = dict(replaced or {})
    # a __name__ of its own: classes and functions defined here say where they come from
    names: dict = {"__name__": f"solution_{assignment}"}
    for cell in assignment_cells(assignment):
        if cell.role in ("provided", "solution"):
            source = replaced.pop(cell.id, cell.source) if cell.id else cell.source
            run(source, names, f"{assignment}/notebook.py:{cell.line}")
    if replaced:
        raise CourseError(f"{assignment}: no solution cell is called {', '.join(replaced)}")
    return names


def run(source: str, names: dict, label: str) -> None:
    """Execute a cell's source in `names`; tracebacks show its lines under `label`."""
    linecache.cache[label] = (len(source), None, source.splitlines(keepends=True), label)
    try:
        exec(compile(source, label, "exec", dont_inherit=True), names)  # no __future__ of this file in it
    except Exception as error:
        raise CourseError(f"{label}: the cell does not run: {type(error).__name__}: {error}") from error


def assignments() -> list[str]:
    """Names of the assignments that have a text notebook, in order."""
    return sorted(folder.parent.name for folder in ASSIGNMENTS.glob("*/notebook.py"))


def pick(patterns: Iterable[str]) -> list[str]:
    """The assignments that the given names or short names (`hw5`) mean; all when none are given."""
    known = assignments()
    chosen = []
    for pattern in patterns:
        found = [name for name in known if name == pattern or name.split("_")[0] == pattern]
        if not found:
            raise CourseError(f"no assignment is called {pattern!r}; there are {', '.join(known)}")
        chosen += found
    return chosen or known
