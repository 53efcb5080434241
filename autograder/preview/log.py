"""Which previews were made, a line each, in a file of the course's folder: what a day's number is counted from."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime
from pathlib import Path

from autograder.course.paths import PREVIEW_LOG


@dataclass(frozen=True)
class Made:
    """A preview that was made. time: in this machine's zone. digest: of what was handed in for it."""

    time: datetime
    student: str
    assignment: str
    digest: str


Log = dict[tuple[str, str], list[Made]]  # by student and assignment, the newest last


def read_log(root: Path) -> Log:
    """The previews that were made; a line that a killed run left half written counts as none."""
    log: Log = defaultdict(list)
    path = root / PREVIEW_LOG
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    for line in text.split("\n")[1:]:  # one by one: half a line may hold half a pair of quotes
        try:
            [(time, student, assignment, digest)] = csv.reader([line], strict=True)
            made = Made(datetime.fromisoformat(time), student, assignment, digest)
        except (ValueError, csv.Error):
            continue
        log[student, assignment].append(made)
    return log


def add_to_log(root: Path, log: Log, made: Made) -> None:
    """Note a preview, in the file and in what was read of it."""
    with (root / PREVIEW_LOG).open("a", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="")
        if not file.tell():
            rows.writerow(field.name for field in fields(Made))
        file.write("\n")  # before a line, not after it: the next one never goes on where a killed run stopped
        rows.writerow([made.time.isoformat(timespec="seconds"), *astuple(made)[1:]])
    log[made.student, made.assignment].append(made)


def used(earlier: Sequence[Made], day: date) -> int:
    """How many of some previews were made on a day."""
    return sum(made.time.date() == day for made in earlier)
