"""A class's submissions to an assignment, student by student. Whatever fails here costs one submission."""

from __future__ import annotations

import copy
import glob
from collections.abc import Iterator, Sequence
from logging import Logger
from pathlib import Path

from nbgrader.coursedir import CourseDirectory

from autograder.course.errors import CourseError, reason
from autograder.course.nbgrader_api import student_patterns
from autograder.intake.grafting import Grafted
from autograder.intake.pieces import shown
from autograder.intake.submission import Submission, collect, handed_out, pristine, take_in, usable_name


def submission_folders(coursedir: CourseDirectory, assignment: str) -> list[str]:
    """The submitted folders of the students that are meant, whatever is in them."""
    return sorted(
        {folder for students in student_patterns(coursedir) for folder in _folders(coursedir, students, assignment)}
    )


def unmatched(coursedir: CourseDirectory, assignments: Sequence[str]) -> list[str]:
    """The names and patterns of students of which there is no submission of any of some assignments."""
    return [
        students
        for students in student_patterns(coursedir)
        if not any(_folders(coursedir, students, assignment) for assignment in assignments)
    ]


def _folders(coursedir: CourseDirectory, students: str, assignment: str) -> list[str]:
    return glob.glob(coursedir.format_path(coursedir.submitted_directory, students, assignment))


def collected(coursedir: CourseDirectory, assignment: str) -> Iterator[tuple[str, Submission | str]]:
    """Each student's submission as bytes, or in words why it is left out.

    Which students: those of `student_patterns`, without those of `coursedir.student_id_exclude`.
    """
    released_files = handed_out(assignment, Path(coursedir.root))
    left_out = set(coursedir.student_id_exclude.split(","))
    for folder in map(Path, submission_folders(coursedir, assignment)):
        student = folder.parent.name
        if student in left_out:
            continue
        try:
            if folder.is_symlink() or folder.parent.is_symlink() or not folder.is_dir():
                raise CourseError("it was left out: it is a link or not a folder")
            if not usable_name(student):
                raise CourseError("it was left out: this is not a valid student id")
            yield student, collect(folder, assignment, released_files)
        except Exception as error:
            yield shown(student), reason(error)


def taken(coursedir: CourseDirectory, assignment: str, log: Logger) -> Iterator[tuple[str, Grafted]]:
    """Each readable submission, its cells in the pristine notebook, by student; repairs and problems go to the log."""
    released = pristine(assignment, Path(coursedir.root))
    for student, submitted in collected(coursedir, assignment):
        try:
            if isinstance(submitted, str):
                raise CourseError(submitted)
            filled = take_in(submitted, assignment, copy.deepcopy(released))
        except Exception as error:
            log.warning("%s: %s", student, reason(error))
            continue
        for line in filled.repairs:
            log.warning("%s: %s", student, line)
        yield student, filled
