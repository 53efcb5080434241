"""Grade a class, the one way to do it: workers grade, this process alone writes; a run goes on where one stopped.

`nbgrader autograde`, the formgrader's button, nbgrader's library, `course grade` and a cluster all come here.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm
from traitlets.config import Config

from autograder.course.errors import CourseError, reason
from autograder.course.nbgrader_api import unusable
from autograder.course.paths import Assignment, check_folder
from autograder.course.secret import course_secret
from autograder.grading.changes import MarkChange, note
from autograder.grading.dates import FILE as DATES
from autograder.grading.dates import Dates, read_dates
from autograder.grading.record import Recorder
from autograder.grading.tasks import Runner, Task
from autograder.intake.submission import finished, pristine
from autograder.intake.submissions import collected, submission_folders

LOCK = ".grading.lock"
LOG = logging.getLogger("course")


@dataclass
class RunSummary:
    """What a run did: how many submissions were graded, skipped as unchanged, which failed, whose marks changed."""

    graded: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    changes: list[MarkChange] = field(default_factory=list)
    stopped: bool = False


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

    coursedir: with its students (a name or a pattern). runner: who grades (cores.py, cluster.py). log: is told of
    repairs. config: the settings, where coursedir was made before all were read. Raises CourseError where another run
    is under way, the folder or its gradebook cannot be used, the gradebook lacks an assignment, there are no
    submissions, or as the runner does.
    """
    root = Path(coursedir.root)
    for assignment in assignments:
        check_folder(root, assignment.course)
    summary = RunSummary()
    dates = read_dates(root / DATES, assignments[0].course) if assignments else Dates()
    try:
        with one_run(root), Recorder(coursedir, config or coursedir.config, dates) as recorder:
            counts = {one: len(submission_folders(coursedir, one.name)) for one in assignments}
            if not any(counts.values()):
                wanted, submitted = ", ".join(map(str, assignments)), root / coursedir.submitted_directory
                raise CourseError(f"no submissions of {wanted} match {coursedir.student_id!r} in {submitted}")
            for assignment in filter(counts.get, assignments):
                recorder.check_known(assignment.name)
            bar = tqdm(total=sum(counts.values()), unit="submission", file=sys.stderr, disable=not progress)
            with bar, logging_redirect_tqdm([log]) if progress else contextlib.nullcontext():
                tasks = _tasks(recorder, list(filter(counts.get, assignments)), force, unsafe, summary, bar, log)
                _record(recorder, runner, tasks, summary, bar, log)
    except SQLAlchemyError as error:
        raise CourseError(unusable(error)) from None
    return summary


def _tasks(
    recorder: Recorder,
    assignments: Sequence[Assignment],
    force: bool,
    unsafe: bool,
    summary: RunSummary,
    bar: tqdm,
    log: logging.Logger,
) -> Iterator[Task]:
    """What is to be graded; the rest is counted."""
    coursedir = recorder.coursedir
    root, settings = Path(coursedir.root), plain(recorder.config)
    secret = course_secret(root)
    for assignment in assignments:
        basis, released = _basis(assignment), pristine(assignment.name, root)
        for student, submitted in collected(coursedir, assignment.name):
            if isinstance(submitted, str):
                summary.failed.append(f"{student}, {assignment}: {submitted}")
                bar.update()
                continue
            digest = hashlib.sha256(f"{basis} {submitted.digest()}".encode()).hexdigest()
            if not force and finished(recorder.folder(assignment.name, student) / f"{assignment}.ipynb") == digest:
                log.info("Skipping %s, %s: it is graded, and nothing has changed", student, assignment)
                summary.skipped += 1
                bar.update()
                continue
            course = {"digest": digest, "unsafe": unsafe, "secret": secret}
            yield Task(assignment, student, submitted, released, course, settings)


def _record(
    recorder: Recorder, runner: Runner, tasks: Iterator[Task], summary: RunSummary, bar: tqdm, log: logging.Logger
) -> None:
    """Have the runner grade, and write down what comes back."""
    try:
        for task, graded in runner(tasks):
            problem = graded.problem
            for line in graded.repairs:
                log.warning("%s: %s", task.student, line)
            try:
                if not problem:
                    changes = recorder.graded(task, graded)
                    note(Path(recorder.coursedir.root), changes)
                    summary.changes += changes
                    summary.graded += 1
                    log.info("Graded %s, %s", task.student, task.assignment)
            except OperationalError:  # of the gradebook: the next one would fare no better
                raise
            except Exception as error:
                recorder.forget()
                problem = reason(error)
            if problem:
                summary.failed.append(f"{task.student}, {task.assignment}: {problem}")
            bar.update()
    except KeyboardInterrupt:
        summary.stopped = True


def _basis(assignment: Assignment) -> str:
    """A digest of everything in the course that a mark depends on: the notebook, the oracle and its bars."""
    folder, digest = assignment.folder, hashlib.sha256()
    for path in (folder / "notebook.py", *sorted((folder / "questions").glob("*.py")), folder / "bars.json"):
        if path.is_file():
            data = path.read_bytes()
            digest.update(f"{path.name} {len(data)}\n".encode() + data)
    return digest.hexdigest()


@contextlib.contextmanager
def one_run(course: Path) -> Iterator[None]:
    """Hold a course's lock. Raises CourseError where another run holds it."""
    try:
        lock = FileLock(course / LOCK).acquire(timeout=0)
    except Timeout:
        raise CourseError(f"another grading run is under way in {course}: wait until it ends") from None
    with lock:
        yield


def plain(config: Config) -> dict[str, dict]:
    """The settings that are plain values, by class and name; a worker needs no others.

    Those of CourseDirectory stay here: the gradebook's address may hold a password.
    """
    kinds = (bool, int, float, str, set)
    return {
        section: kept
        for section, values in config.items()
        if section != "CourseDirectory"
        and (kept := {name: value for name, value in values.items() if isinstance(value, kinds)})
    }
