"""Where a course lies on disk, and which assignments it has. Standard library alone: every command begins here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from autograder.course.errors import CourseError

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENTS = ROOT / "assignments"


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
