"""Whose submission could not be graded, and why: `not_graded.csv` in the course's folder, kept by each grading run."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from utils.files import replaced

FILE, COLUMNS = "not_graded.csv", ("student", "assignment", "why")
Submitted = tuple[str, str]  # a student and an assignment


def read_failures(root: Path) -> dict[Submitted, str]:
    """Why submissions could not be graded when that was last tried; nothing without such a file, or of a broken one."""
    try:
        with (root / FILE).open(encoding="utf-8", newline="") as file:
            return {(row["student"], row["assignment"]): row["why"] for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError, csv.Error):
        return {}


def keep_failures(root: Path, failed: Mapping[Submitted, str], graded: Iterable[Submitted]) -> None:
    """Bring the file up to date after a run. graded: what was graded, or had been before and is unchanged."""
    before, done = read_failures(root), set(graded)
    now = {who: why for who, why in before.items() if who not in done} | dict(failed)
    if now == before:
        return
    with replaced(root / FILE) as part, part.open("w", encoding="utf-8", errors="replace", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        rows.writerows([*who, why] for who, why in sorted(now.items()))
