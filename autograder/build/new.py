"""Begin an assignment: a folder with one question that builds and verifies at once, to be edited."""

from __future__ import annotations

import re
from pathlib import Path

from autograder.course.errors import CourseError
from autograder.course.paths import Course

SKELETON = Path(__file__).parent / "skeleton"


def begin(course: Course, name: str) -> Path:
    """Write assignments/<name>/ of a course; returns it. Raises CourseError for a name that is invalid or taken."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", name):
        raise CourseError(
            f"an assignment needs a name like hw8_attention: lower-case letters, digits and '_', got {name!r}"
        )
    short = name.split("_")[0]
    for taken in course.assignments():
        if taken.name.split("_")[0] == short:
            raise CourseError(f"{short} is taken by {taken}")
    folder = course.assignment(name).folder
    try:
        folder.mkdir()
    except FileExistsError:
        raise CourseError(f"{folder.relative_to(course.root)} exists already") from None
    for file in sorted(SKELETON.rglob("*")):
        if file.suffix in (".py", ".md"):
            target = folder / file.relative_to(SKELETON)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = file.read_text(encoding="utf-8").replace("ASSIGNMENT", name)
            target.write_text(text, encoding="utf-8", newline="\n")
    return folder
