"""Put due dates and extensions into nbgrader's own fields, with what lateness costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.config import Config

from autograder.course.dates import FILE, read_dates
from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import local
from autograder.course.paths import Course
from utils.files import replaced


def set_dates(coursedir: CourseDirectory, config: Config, path: Path, course: Course) -> Iterator[str]:
    """Put a file's dates into the gradebook and keep the file in the course's folder; yields what was done.

    Submissions that are graded get their extension, and their penalty anew. Raises CourseError as `read_dates` does,
    for an assignment that the gradebook lacks and for a student whom it does not know; then nothing is changed.
    """
    if not path.is_file():
        raise CourseError(f"there is no file {path}")
    dates = read_dates(path, course)
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        students = {student.id for student in gradebook.students}
        if unknown := sorted({student for _, student in dates.extended} - students):
            raise CourseError(f"{path}: the roster has no {', '.join(unknown)}")
        for name in dates.due:
            try:
                gradebook.find_assignment(name)
            except MissingEntry:
                raise CourseError(f"the gradebook has no assignment {name}: run `course build {name}`") from None
        for name, due in dates.due.items():
            gradebook.update_or_create_assignment(name, duedate=due)
            for submission in gradebook.assignment_submissions(name):
                submission.extension = dates.extension(name, submission.student.id)
        gradebook.db.commit()
        kept = Path(coursedir.root) / FILE
        if not (kept.exists() and kept.samefile(path)):
            with replaced(kept) as part:
                part.write_bytes(path.read_bytes())
        for name, due in sorted(dates.due.items()):
            own = {student: moment for (one, student), moment in dates.extended.items() if one == name}
            told = "".join(f"; {student} by {local(moment)}" for student, moment in sorted(own.items()))
            yield f"{name} is due by {local(due)}{told}"
            for submission in gradebook.assignment_submissions(name):
                before = submission.late_submission_penalty
                after = penalise(gradebook, coursedir, config, submission)
                if after != before:
                    yield f"  {submission.student.id}: {before:g} points off for lateness -> {after:g}"


def penalise(
    gradebook: Gradebook, coursedir: CourseDirectory, config: Config, submission: SubmittedAssignment
) -> float:
    """Set what the course's plugin takes off for lateness, by nbgrader's own preprocessor; returns it."""
    if submission.total_seconds_late > 0 or any(book.late_submission_penalty for book in submission.notebooks):
        name = submission.assignment.name
        resources = {"notebook": name, "assignment": name, "student": submission.student.id}
        resources["db_url"] = coursedir.db_url
        AssignLatePenalties(config=config).preprocess(nbformat.v4.new_notebook(), {"nbgrader": resources})
        gradebook.db.expire_all()
    return sum(book.late_submission_penalty or 0.0 for book in submission.notebooks)
