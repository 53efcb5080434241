"""Put due dates and extensions into nbgrader's own fields, with what lateness costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.config import Config

from autograder.course.dates import FILE, read_dates
from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import local
from autograder.course.paths import Course
from autograder.grading.class_run import one_run
from utils.files import replaced


def set_dates(coursedir: CourseDirectory, config: Config, path: Path, course: Course) -> Iterator[str]:
    """Put a file's dates into the gradebook and keep the file in the course's folder; yields what was done.

    Submissions that are graded get their extension, and their penalty anew. Raises CourseError as `read_dates` does,
    for an assignment that the gradebook lacks, for a student whom it does not know and while a grading run, which knows
    the dates of its beginning, is under way; then nothing is changed.
    """
    if not path.is_file():
        raise CourseError(f"there is no file {path}")
    dates = read_dates(path, course)
    with one_run(Path(coursedir.root)), Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
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
                after = penalise(gradebook, config, submission)
                gradebook.db.commit()
                if after != before:
                    yield f"  {submission.student.id}: {before:g} points off for lateness -> {after:g}"


def penalise(gradebook: Gradebook, config: Config, submission: SubmittedAssignment) -> float:
    """Set what the course's plugin takes off for lateness, as nbgrader's preprocessor does, and return it.

    Commits nothing: marks and what lateness costs belong to one transaction.
    """
    late = submission.total_seconds_late
    if late > 0 or any(book.late_submission_penalty for book in submission.notebooks):
        nbgrader = AssignLatePenalties(config=config)
        nbgrader.notebook_id = nbgrader.assignment_id = submission.assignment.name  # a plugin may ask its parent
        nbgrader.student_id, nbgrader.gradebook = submission.student.id, gradebook
        nbgrader.db_url = gradebook.engine.url.render_as_string(hide_password=False)
        nbgrader.init_plugin()
        gradebook.db.flush()
        for book in submission.notebooks:
            gradebook.db.refresh(book, ["score"])
            taken = None
            if late > 0:
                taken = nbgrader.plugin_inst.late_submission_penalty(submission.student.id, book.score, late)
            book.late_submission_penalty = None if taken is None else min(max(taken, 0.0), book.score)
    return sum(book.late_submission_penalty or 0.0 for book in submission.notebooks)
