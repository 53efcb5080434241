"""What a regrade changes: for whom, which mark, from what to what, and why; kept in the course's folder."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

LOG = "mark_changes.csv"


@dataclass(frozen=True)
class MarkChange:
    """A question's points that are others than before; a mark given by hand counts over the grader's.

    why: "another submission", where an answer of the student's has changed, or "another question or grader".
    """

    student: str
    assignment: str
    question: str
    before: float
    after: float
    why: str

    def __str__(self) -> str:
        return f"{self.student}, {self.assignment}, {self.question}: {self.before:g} -> {self.after:g} ({self.why})"


def sources(path: Path) -> dict[str, str]:
    """The sources of an autograded notebook's cells by grade id; none where there is none, or a broken one."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        named = {cell["metadata"].get("nbgrader", {}).get("grade_id"): "".join(cell["source"]) for cell in cells}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {name: source for name, source in named.items() if name}


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
