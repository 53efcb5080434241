"""Read an assignment's text notebook: cells with a role, an id, points and the line they start on.

`assignments/<hw>/notebook.py` is jupytext's percent format. A cell's role is its one tag:

| tag | cell | in the notebook |
| --- | --- | --- |
| `provided` | code that the solutions need (imports, data) | read-only |
| `solution` | code between markers that students write; `id` is the function's or class's name | editable |
| `question` | visible checks, `id="check_<question>" points=N`; the grader asks after it | read-only, graded |
| `written` | markdown with a model answer between markers, `id=... points=N` | editable, marked by hand |
| none | prose, or code that shows something | read-only code, free prose |

A `provided` cell may hold a line `# include hw5_word_lm: WordLM, perplexity`: solution cells of another assignment
(solutions.py puts them in place).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import jupytext

from autograder.course.errors import CourseError, reason

ROLES = ("provided", "solution", "question", "written")
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
MARKER = re.compile(r"(BEGIN|END) SOLUTION")


@dataclass(frozen=True)
class Cell:
    """One cell of a text notebook. `line` counts from 1; `points` is None where none are given."""

    kind: str
    source: str
    role: str
    id: str
    points: float | None
    line: int


def read_cells(path: Path) -> list[Cell]:
    """The cells of a percent-format notebook, in order. Raises CourseError naming file and line."""
    if not path.is_file():
        raise CourseError(f"{path}: no such notebook")
    text = path.read_text(encoding="utf-8")
    try:
        notebook = jupytext.reads(text, fmt="py:percent")
    except Exception as error:  # jupytext's and nbformat's, of a cell's options
        raise CourseError(f"{path}: its cells cannot be read: {reason(error)}") from None
    lines = [n for n, line in enumerate(text.splitlines(), 1) if re.match(r"# %%(\s|$)", line)]
    if len(lines) != len(notebook.cells):
        raise CourseError(f"{path}:1: every cell must start with a '# %%' line, also the first")
    return [_cell(path, raw, line) for raw, line in zip(notebook.cells, lines, strict=True)]


def _cell(path: Path, raw, line: int) -> Cell:
    tags = raw.metadata.get("tags", [])
    for tag in tags:
        if tag not in ROLES:
            raise CourseError(f"{path}:{line}: unknown tag {tag!r}, expected one of {', '.join(ROLES)}")
    if len(tags) > 1:
        raise CourseError(f"{path}:{line}: a cell has one role, not {' and '.join(tags)}")
    options = {"tags", "id", "points", "cell_marker", "lines_to_next_cell", "lines_to_end_of_cell_marker"}
    for key in raw.metadata:
        if key not in options:
            raise CourseError(f"{path}:{line}: unknown cell option {key!r}, expected id, tags or points")
    points = raw.metadata.get("points")
    if points is not None and (isinstance(points, bool) or not isinstance(points, (int, float))):
        raise CourseError(f"{path}:{line}: points must be a number, got {points!r}")
    return Cell(
        kind=raw.cell_type,
        source=raw.source,
        role=tags[0] if tags else "",
        id=str(raw.metadata.get("id", "")),
        points=None if points is None else float(points),
        line=line,
    )
