"""Where a course lies on disk, and which assignments it has. Standard library alone: every command begins here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.course.errors import CourseError

ROOT = Path(__file__).resolve().parents[2]  # of this package: what kernels and clusters share is its code


@dataclass(frozen=True)
class Course:
    """A course: a folder with `assignments/`, and with `source/` and `release/`, which are built from them."""

    root: Path

    def assignments(self) -> list[Assignment]:
        """The assignments that have a text notebook, in order."""
        return [self.assignment(path.parent.name) for path in sorted(self.root.glob("assignments/*/notebook.py"))]

    def assignment(self, name: str) -> Assignment:
        """The assignment of this full name, whether it exists or not."""
        return Assignment(self, name)

    def pick(self, patterns: Iterable[str]) -> list[Assignment]:
        """The assignments that the given names or short names (`hw5`) mean; all when none are given."""
        every = self.assignments()
        chosen = []
        for pattern in patterns:
            matches = [one for one in every if pattern in (one.name, one.name.split("_")[0])]
            if not matches:
                raise CourseError(f"no assignment is called {pattern!r}; there are {', '.join(map(str, every))}")
            chosen += matches
        return chosen or every


@dataclass(frozen=True)
class Assignment:
    """An assignment of a course, by its name. All that is written by hand for it lies in its folder."""

    course: Course
    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        """The folder of its text notebook, its hand-out and its questions."""
        return self.course.root / "assignments" / self.name

    def relative(self, file: str) -> Path:
        """The path of a file in its folder as messages show it: from the course's folder."""
        return Path("assignments", self.name, file)


# previews before the deadline: what is asked for, the pages, downloads from an LMS; all in a course's folder
PREVIEW_REQUESTS, PREVIEW_PAGES, PREVIEW_DOWNLOADS = "preview", "preview_feedback", "preview_downloaded"
PREVIEW_LOG = "previews.csv"

OWN = Course(ROOT)  # the course that this package lies in


def check_folder(folder: Path, course: Course = OWN) -> None:
    """Raise CourseError for a folder in which `course` cannot be used, because of its path or its own code.

    To nbgrader and the database some characters of a path are special. And a copy of the course has its own code, while
    the command may come from another folder: marks would be of a mixture.
    """
    folder = folder.absolute()
    if match := re.search(r"[\[\]*?]|%[0-9A-Fa-f]{2}", str(folder)):
        raise CourseError(
            f"the course's folder {str(folder)!r} has {match[0]!r} in its path: move it, or rename a folder"
        )
    has_own = (folder / "autograder" / "cli.py").is_file() or any((folder / "assignments").glob("*/notebook.py"))
    if has_own and folder.resolve() != course.root.resolve():
        raise CourseError(
            f"{folder} is a separate course, but this command belongs to {course.root}: work there, or give {folder} "
            "its own environment (`make build`)"
        )
