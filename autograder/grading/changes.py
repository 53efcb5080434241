"""What a regrade changes: for whom, which mark, from what to what, and why; kept in the course's folder."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from nbgrader.api import Grade

from autograder.course.marks import points_of
from autograder.intake.submission import DATA, EXCHANGED

LOG = "mark_changes.csv"
OWN = "own-"  # how the ids of cells begin that are the student's own (intake/helpers.py)


@dataclass(frozen=True)
class MarkChange:
    """A question's points, extra credit among them, that are others than before.

    why: "another submission", where an answer, a helper or a weights file of the student's has changed, "another
    question or grader", or "given to all".
    """

    student: str
    assignment: str
    question: str
    before: float
    after: float
    why: str

    def __str__(self) -> str:
        return f"{self.student}, {self.assignment}, {self.question}: {self.before:g} -> {self.after:g} ({self.why})"


def points(grade: Grade) -> float:
    """A question's points with extra credit, as they count for the mark."""
    given, extra = points_of(grade)
    return (given or 0.0) + extra


def sources(path: Path) -> dict[str, str]:
    """The sources of an autograded notebook's graded and solution cells, and of the student's own that were kept.

    By grade id or the kept cell's id; none where there is no notebook, or a broken one.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return {name: "".join(cell["source"]) for cell in cells if (name := answer_id(cell))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def answer_id(cell: Mapping) -> str:
    """The grade id of a cell, or the id of one of the student's own; empty for any other."""
    own = str(cell.get("id", ""))
    return cell["metadata"].get("nbgrader", {}).get("grade_id") or (own if own.startswith(OWN) else "")


def same_helpers(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Whether the cells of the student's own are as they were."""
    kept = [{name: source for name, source in each.items() if name.startswith(OWN)} for each in (before, after)]
    return kept[0] == kept[1]


def same_files(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether the weights files in a graded submission's folder are those of a submission's files."""
    before = {path.name for path in folder.glob("*") if path.suffix in DATA}
    return before == files.keys() - {*EXCHANGED} and all((folder / name).read_bytes() == files[name] for name in before)


def same_answer(grade: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Whether the cell that a grade belongs to, the function above a check or a written answer, is as it was."""
    name = grade.removeprefix("check_")
    name = name if name in after else grade
    return name in before and before[name] == after.get(name)


def note(root: Path, changes: Iterable[MarkChange]) -> None:
    """Add changes to the log in a course's folder."""
    changes = list(changes)
    if not changes:
        return
    path, now = root / LOG, time.strftime("%Y-%m-%d %H:%M:%S")
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        if new:
            rows.writerow(["time", *(field.name for field in fields(MarkChange))])
        rows.writerows([now, *astuple(change)] for change in changes)
