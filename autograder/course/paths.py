"""Where a course lies on disk, and which assignments it has. Standard library alone: every command begins here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from autograder.course.errors import CourseError

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENTS = ROOT / "assignments"


def check_folder(course: Path) -> None:
    """Raise CourseError for a course folder that cannot be used, because of its path or its own code.

    To nbgrader and the database some characters of a path are special. And a copy of the course has its own code, while
    the command may come from another folder: marks would be of a mixture.
    """
    course = course.absolute()
    if match := re.search(r"[\[\]*?]|%[0-9A-Fa-f]{2}", str(course)):
        raise CourseError(
            f"the course's folder {str(course)!r} has {match[0]!r} in its path: move it, or rename a folder"
        )
    holds_course = (course / "autograder" / "cli.py").is_file() or any((course / "assignments").glob("*/notebook.py"))
    if holds_course and course.resolve() != ROOT:
        raise CourseError(
            f"{course} is a separate course, but this command belongs to {ROOT}: work there, or give {course} its "
            "own environment (`make build`)"
        )


def assignments() -> list[str]:
    """Names of the assignments that have a text notebook, in order."""
    return sorted(folder.parent.name for folder in ASSIGNMENTS.glob("*/notebook.py"))


def pick(patterns: Iterable[str]) -> list[str]:
    """The assignments that the given names or short names (`hw5`) mean; all when none are given."""
    names = assignments()
    chosen = []
    for pattern in patterns:
        matches = [name for name in names if name == pattern or name.split("_")[0] == pattern]
        if not matches:
            raise CourseError(f"no assignment is called {pattern!r}; there are {', '.join(names)}")
        chosen += matches
    return chosen or names
