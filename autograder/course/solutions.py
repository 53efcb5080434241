"""The solution in the notebook is the reference: its definitions as a namespace, also with edits applied."""

from __future__ import annotations

import linecache
import re
import traceback
import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from autograder.course.cells import MARKER, Cell, read_cells
from autograder.course.errors import CourseError
from autograder.course.paths import Assignment

INCLUDE = re.compile(r"^# include (\w+): (.+)$", re.MULTILINE)


@cache
def assignment_cells(assignment: Assignment) -> tuple[Cell, ...]:
    """The cells of an assignment's text notebook, with what it includes of others in place.

    A line `# include hw5_word_lm: batchify, WordLM` of a `provided` cell stands for those solution cells of the other
    assignment, without their markers, so that each solution is written once.
    Raises CourseError when there is no such assignment, and with file and line for an include that cannot be resolved.
    """
    cells = read_cells(assignment.folder / "notebook.py")
    return tuple(_with_includes(assignment, cell) if cell.role == "provided" else cell for cell in cells)


def _with_includes(assignment: Assignment, cell: Cell) -> Cell:
    location = f"{assignment.relative('notebook.py')}:{cell.line}"

    def included(match: re.Match) -> str:
        other, names = assignment.course.assignment(match[1]), [name.strip() for name in match[2].split(",")]
        if other == assignment or not (other.folder / "notebook.py").is_file():
            raise CourseError(f"{location}: include names {match[1]!r}, which is not another assignment")
        theirs = {c.id: c.source for c in read_cells(other.folder / "notebook.py") if c.role == "solution"}
        for name in names:
            if name not in theirs:
                raise CourseError(f"{location}: include names {name!r}, which is not a solution cell of {other}")
        lines = [[line for line in theirs[name].splitlines() if not MARKER.search(line)] for name in names]
        return "\n\n\n".join("\n".join(part) for part in lines)

    return replace(cell, source=INCLUDE.sub(included, cell.source))


def namespace(assignment: Assignment, replaced: Mapping[str, str] | None = None) -> dict:
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
    """Execute a cell's source in `names`; tracebacks show its lines, also once the cell was run with other edits."""
    file = f"{label}, {zlib.crc32(source.encode()):08x}"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    try:
        exec(compile(source, file, "exec", dont_inherit=True), names)  # no __future__ of this file in it
    except Exception as error:
        lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
        at = f", at `{lines[-1].strip()}`" if lines and lines[-1] else ""
        raise CourseError(f"assignments/{label}: the cell does not run: {type(error).__name__}: {error}{at}") from error
