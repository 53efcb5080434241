"""Grade a class, the one way to do it: workers grade, this process alone writes; a run goes on where one stopped.

`nbgrader autograde`, the formgrader's button, nbgrader's library, `course grade` and a cluster all come here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from traitlets.config import Config

from autograder.course.dates import FILE as DATES
from autograder.course.dates import Dates, read_dates
from autograder.course.errors import CourseError
from autograder.course.failures import keep_failures
from autograder.course.nbgrader_api import unusable
from autograder.course.paths import Assignment
from autograder.course.secret import course_secret
from autograder.grading.changes import note
from autograder.grading.class_run import LOG, ClassRun, RunSummary, counted, one_run, run_class
from autograder.grading.record import Recorder
from autograder.grading.tasks import Graded, Runner, Task
from autograder.intake.submission import Submission, finished
from autograder.intake.submissions import unmatched


def grade_class(
    coursedir: CourseDirectory,
    assignments: Sequence[Assignment],
    runner: Runner,
    force: bool = False,
    unsafe: bool = False,
    log: logging.Logger = LOG,
    progress: bool = False,
    config: Config | None = None,
) -> RunSummary:
    """Grade what is new or changed among the submissions in a course's folder; what fails keeps its old mark.

    coursedir: with its students (names or patterns). runner: who grades (cores.py, cluster.py). log: is told of
    repairs. config: the settings, where coursedir was made before all were read. Raises CourseError where another run
    is under way, the folder or its gradebook cannot be used, the gradebook lacks an assignment, there are no
    submissions, or as the runner does.
    """
    root, settings, summary = Path(coursedir.root), config or coursedir.config, RunSummary()
    counts = counted(coursedir, assignments)
    try:
        with one_run(root), Recorder(coursedir, settings, _dates(root, assignments)) as recorder:
            if lacking := unmatched(coursedir, [one.name for one in assignments]):
                wanted, submitted = ", ".join(map(str, assignments)), root / coursedir.submitted_directory
                whose = " or ".join(map(repr, lacking))
                raise CourseError(f"no submissions of {wanted} match {whose} in {submitted}")
            for assignment in counts:
                recorder.check_known(assignment.name)

            done: list[tuple[str, str]] = []

            def is_wanted(assignment: Assignment, student: str, _: Submission, digest: str) -> bool:
                graded = recorder.folder(assignment.name, student) / f"{assignment}.ipynb"
                if force or finished(graded) != digest:
                    return True
                log.info("Skipping %s, %s: it is graded, and nothing has changed", student, assignment)
                summary.skipped += 1
                done.append((student, assignment.name))
                return False

            def keep(task: Task, graded: Graded) -> None:
                if graded.problem:
                    return
                try:
                    changes = recorder.mark(task, graded)
                    note(root, changes)
                    summary.changes += changes
                    recorder.put_notebook(task)
                    done.append((task.student, task.assignment.name))
                except OperationalError:  # of the gradebook: the next one would fare no better
                    raise
                except Exception:
                    recorder.forget()
                    raise

            run = ClassRun(
                coursedir,
                counts,
                settings,
                course_secret(root),
                is_wanted,
                keep,
                fatal=(OperationalError,),
                unsafe=unsafe,
                log=log,
                progress=progress,
            )
            try:
                run_class(run, runner, summary)
            finally:
                keep_failures(root, summary.reasons, done)
    except SQLAlchemyError as error:
        raise CourseError(unusable(error)) from None
    return summary


def _dates(root: Path, assignments: Sequence[Assignment]) -> Dates:
    """The course's dates, to be read once no other command can change them."""
    return read_dates(root / DATES, assignments[0].course) if assignments else Dates()
