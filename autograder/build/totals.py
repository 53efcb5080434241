"""What hand-out and notebook say about points and minutes, compared with what the cells give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from autograder.course.cells import BEGIN, Cell
from autograder.course.paths import Assignment
from autograder.course.solutions import assignment_cells

ROW = re.compile(r"\|\s*`([\w-]+)`\s*\|\s*([0-9.]+)\s*\|(?:\s*([0-9.]+)\s*\|)?")  # question, points, minutes
POINTS = re.compile(r"(\d+(?:\.\d+)?)\s+points?\b")
# "In all 28 points", "There are 28 points", "**Points**: 28", "28 points (23 by ...", "28 points, about 180 minutes"
TOTAL = re.compile(
    r"\b(?:[Ii]n all|Total|There are|Points)\W{1,5}(\d+(?:\.\d+)?)\b(?!\s+minutes)(?:\s+points?\b)?"
    r"|(\d+(?:\.\d+)?)\s+points?(?=\s*\(|,\s+about\s+\d+\s+minutes)"
)
MINUTES = re.compile(r"\babout\s+(\d+)\s+minutes")
BY_CELLS = re.compile(r"(\d+(?:\.\d+)?)\s+(?:by|for)\s+(?:the\s+)?graded\s+cells?")
BY_HAND = re.compile(r"(\d+(?:\.\d+)?)\s+by\s+hand")
HEADING = re.compile(r"^#{2,}\s.*\((.*\bpoints?\b.*)\)\s*$", re.MULTILINE)
Told = Iterator[tuple[int, str]]  # lines of a file, and what is wrong there


def points_and_minutes(assignment: Assignment) -> tuple[float, int | None]:
    """An assignment's points, by its cells, and the minutes that its hand-out says, if it says any."""
    match = MINUTES.search(_prose(_handout(assignment)))
    return sum(cell.points or 0 for cell in assignment_cells(assignment)), int(match[1]) if match else None


def handout_title(assignment: Assignment) -> str:
    """The title of a hand-out, without the assignment's short name; the assignment's name where there is none."""
    match = re.match(r"# (?:\w+: )?(.+)", _handout(assignment))
    return match[1].strip() if match else assignment.name


def handout_problems(assignment: Assignment, cells: Sequence[Cell]) -> Told:
    """What the hand-out says of points and minutes and does not hold."""
    text = _handout(assignment)
    prose = _prose(text)
    yield from _sums(prose, 1, cells)
    total = MINUTES.search(prose)
    listed = sum(float(row[2] or 0) for row in ROW.findall(text))
    if total and listed > int(total[1]):
        yield _line(prose, total), f"about {total[1]} minutes are said, the table's rows make {listed:g}"


def table_problems(assignment: Assignment, cells: Sequence[Cell]) -> Told:
    """Cells, by their lines in the notebook, whose points are not those of the hand-out's table."""
    table = {row[0]: float(row[1]) for row in ROW.findall(_handout(assignment))}
    for cell in cells:
        if cell.points is not None:
            listed = table.pop(cell.id.removeprefix("check_"), None)
            if listed != cell.points:
                words = "does not list it" if listed is None else f"says {listed:g}"
                yield cell.line, f"{cell.id} gives {cell.points:g} points, the table in README.md {words}"
    for name in table:
        yield 1, f"the table in README.md lists {name!r}, which is not a graded cell"


def notebook_problems(assignment: Assignment, cells: Sequence[Cell]) -> Told:
    """What the notebook's opening, headings and questions say of points and minutes and does not hold."""
    opening = True
    for index, cell in enumerate(cells):
        if cell.role == "written":
            match = POINTS.search(cell.source.partition(BEGIN)[0])
            if match and float(match[1]) != cell.points:
                yield cell.line + _line(cell.source, match), f"{match[0]!r} is said, {cell.id} gives {cell.points:g}"
        elif cell.kind == "markdown":
            opening = opening and not re.search(r"^## ", cell.source, re.MULTILINE)
            if opening:
                yield from _sums(cell.source, cell.line + 1, cells)
                yield from _minutes(assignment, cell)
            for heading in HEADING.finditer(cell.source):
                said, gives = sum(map(float, POINTS.findall(heading[1]))), _below(cells[index + 1 :])
                if said not in gives:
                    told = f"the heading says {heading[1]!r}, the cells below it give {max(gives):g} points"
                    yield cell.line + _line(cell.source, heading), told


def _below(cells: Sequence[Cell]) -> list[float]:
    """What the points of a heading may be: those of the first graded cells below it, with written answers or without.

    As far as the next heading that says points.
    """
    sums, graded, everything = [], 0.0, 0.0
    for cell in cells:
        if cell.kind == "markdown" and not cell.role and HEADING.search(cell.source):
            break
        if cell.points:
            everything += cell.points
            graded += cell.points if cell.role == "question" else 0
            sums += [everything, graded]
    return sums or [0.0]


def _sums(text: str, first: int, cells: Sequence[Cell]) -> Told:
    """The first total of points in a text, and its shares by graded cells and by hand."""
    by_cells = sum(cell.points or 0 for cell in cells if cell.role == "question")
    by_hand = sum(cell.points or 0 for cell in cells if cell.role == "written")
    for pattern, gives, what in (
        (TOTAL, by_cells + by_hand, "points in all"),
        (BY_CELLS, by_cells, "points by graded cells"),
        (BY_HAND, by_hand, "points by hand"),
    ):
        match = pattern.search(text)
        if match and float(next(filter(None, match.groups()))) != gives:
            said = " ".join(match[0].split())
            yield first - 1 + _line(text, match), f"{said!r} is said, but there are {gives:g} {what}"


def _minutes(assignment: Assignment, cell: Cell) -> Told:
    """The minutes of the notebook's opening, which are the hand-out's."""
    told = points_and_minutes(assignment)[1]
    match = MINUTES.search(cell.source)
    if match and told is not None and int(match[1]) != told:
        yield cell.line + _line(cell.source, match), f"{match[0]!r} is said, README.md says about {told} minutes"


def _handout(assignment: Assignment) -> str:
    path = assignment.folder / "README.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _prose(text: str) -> str:
    """A text with its tables' rows emptied: lines keep their numbers."""
    return re.sub(r"^\|.*$", "", text, flags=re.MULTILINE)


def _line(text: str, match: re.Match) -> int:
    return text.count("\n", 0, match.start()) + 1
