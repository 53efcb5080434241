"""What a class has handed in for an assignment, student by student. Whatever fails in reading costs one submission."""

from __future__ import annotations

import copy
import glob
from collections.abc import Iterator
from logging import Logger
from pathlib import Path

from nbgrader.coursedir import CourseDirectory

from autograder.course.errors import CourseError
from autograder.intake import submission
from autograder.intake.grafting import HandIn, shown


def submission_folders(coursedir: CourseDirectory, assignment: str) -> list[str]:
    """The folders that students handed in, whatever lies in them."""
    return glob.glob(coursedir.format_path(coursedir.submitted_directory, coursedir.student_id, assignment))


def taken(coursedir: CourseDirectory, assignment: str, log: Logger) -> Iterator[tuple[str, HandIn]]:
    """Each student whose hand-in can be read, and what was taken in of it; the rest goes to the log.

    Which students: `coursedir.student_id`, a name or a pattern.
    """
    for student, found in _read(coursedir, assignment, log):
        if isinstance(found, str):
            log.warning("%s: %s", student, found)
        else:
            yield student, found


def collected(coursedir: CourseDirectory, assignment: str, log: Logger) -> Iterator[tuple[str, dict[str, bytes] | str]]:
    """Each student who handed in, with the files that the hand-in was taken in as, or in words why it was not."""
    for student, found in _read(coursedir, assignment, log):
        try:
            files = found if isinstance(found, str) else submission.packed(found, assignment)
        except Exception as error:
            files = reason(error)
        yield student, files


def _read(coursedir: CourseDirectory, assignment: str, log: Logger) -> Iterator[tuple[str, HandIn | str]]:
    """Each student who handed in, and what was taken in, or in words why it was not; repairs go to the log.

    This is the one place that reads what students handed in: whatever fails here costs one hand-in.
    """
    course = Path(coursedir.root)
    pristine, handed_out = submission.pristine(assignment, course), submission.handed_out(assignment, course)
    pattern = coursedir.format_path(coursedir.submitted_directory, coursedir.student_id, assignment)
    for folder in map(Path, sorted(glob.glob(pattern))):
        student = folder.parent.name
        try:
            if folder.is_symlink() or folder.parent.is_symlink() or not folder.is_dir():
                raise CourseError("it was left out: it is no folder of its own")
            if not submission.usable_name(student):
                raise CourseError("it was left out: no student can be called that")
            found = submission.take_in(folder, assignment, copy.deepcopy(pristine), handed_out)
        except Exception as error:
            yield shown(student), reason(error)
            continue
        for line in found.repairs:
            log.warning("%s: %s", student, line)
        yield student, found


def reason(error: Exception) -> str:
    """Why a hand-in could not be graded, in one line that a terminal can show."""
    text = str(error) if isinstance(error, CourseError) else f"{type(error).__name__}: {error}"
    return "".join(sign if sign.isprintable() else " " for sign in text)[:400]
