"""The solution in the notebook is the reference: its definitions as a namespace, also with edits applied."""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from autograder.notebooks import Cell, CourseError, read_cells

ROOT = Path(__file__).resolve().parent.parent
ASSIGNMENTS = ROOT / "assignments"


@cache
def assignment_cells(assignment: str) -> tuple[Cell, ...]:
    """The cells of an assignment's text notebook. Raises CourseError when there is no such assignment."""
    return tuple(read_cells(ASSIGNMENTS / assignment / "notebook.py"))


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
        exec(compile(source, label, "exec"), names)
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
