"""`course grade`: a class on all cores. Workers grade, this process alone writes; a run goes on where one stopped."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import OperationalError
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm
from traitlets.config import Config

from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import settings, unusable
from autograder.course.paths import pick
from autograder.course.secret import course_secret
from autograder.grading import nbgrader_hook
from autograder.grading.record import Recorder
from autograder.grading.tasks import Runner, Task
from autograder.intake import submission
from autograder.intake.submissions import collected, reason, submission_folders


@dataclass
class Summary:
    """What a run did: how many hand-ins were graded, skipped as unchanged, and which failed, with the reason."""

    graded: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    stopped: bool = False


def grade_class(
    root: Path,
    runner: Runner,
    assignments: Iterable[str] = (),
    students: str = "*",
    force: bool = False,
    unsafe: bool = False,
    progress: bool = True,
) -> Summary:
    """Grade what is new or changed among the hand-ins of a course folder.

    runner: who grades (`cores.on_cores`, `cluster.on_cluster`). students: a name or a pattern.
    Raises CourseError where another run is at work, the gradebook lacks an assignment, or as the runner does, which
    refuses hand-ins that it cannot isolate unless `unsafe`.
    """
    config = settings(root)
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.student_id = students
    coursedir = CourseDirectory(config=config)
    summary = Summary()
    try:
        with nbgrader_hook.one_run(root), Recorder(coursedir, config) as recorder:
            names = [name for name in pick(list(assignments)) if submission_folders(coursedir, name)]
            if not names:
                wanted = ", ".join(assignments) or "any assignment"
                raise CourseError(f"nothing of {wanted} is handed in by {students!r} in {root / 'submitted'}")
            _grade(recorder, names, force, unsafe, runner, summary, progress)
    except OperationalError as error:
        raise CourseError(unusable(error)) from None
    return summary


def _grade(
    recorder: Recorder,
    assignments: list[str],
    force: bool,
    unsafe: bool,
    runner: Runner,
    summary: Summary,
    progress: bool,
) -> None:
    """Have the runner grade what needs it and write down what comes back."""
    coursedir, root = recorder.coursedir, Path(recorder.coursedir.root)
    secret = course_secret(root)
    given = plain(recorder.config)
    waiting: dict[tuple[str, str], dict[str, bytes]] = {}
    log = logging.getLogger("course")
    total = sum(len(submission_folders(coursedir, name)) for name in assignments)
    bar = tqdm(total=total, unit="hand-in", file=sys.stderr, disable=not progress)

    def tasks() -> Iterator[Task]:
        for assignment in assignments:
            for student, files in collected(coursedir, assignment, log):
                recorder.known(assignment)
                if isinstance(files, str):
                    summary.failed.append(f"{student}, {assignment}: {files}")
                    bar.update()
                    continue
                digest = nbgrader_hook.digest(files, assignment)
                name = f"{assignment}.ipynb"
                if not force and submission.finished(recorder.place(assignment, student) / name) == digest:
                    summary.skipped += 1
                    bar.update()
                    continue
                course = {"digest": digest, "unsafe": unsafe, "secret": secret}
                text = files.pop(name).decode()
                waiting[assignment, student] = files
                data = {name: data for name, data in files.items() if name not in submission.EXCHANGED}
                yield Task(assignment, student, text, data, course, given)

    with bar, logging_redirect_tqdm([log]):
        try:
            for found in runner(tasks()):
                files = waiting.pop((found.assignment, found.student))
                problem = found.problem
                try:
                    if not problem:
                        recorder.graded(found.assignment, found.student, found.notebook, files)
                        summary.graded += 1
                except OperationalError:  # of the gradebook: the next hand-in would fare no better
                    raise
                except Exception as error:
                    recorder.forget()
                    problem = reason(error)
                if problem:
                    summary.failed.append(f"{found.student}, {found.assignment}: {problem}")
                bar.update()
        except KeyboardInterrupt:
            summary.stopped = True


def plain(config: Config) -> dict[str, dict]:
    """The settings that are plain values, by class and name; a worker needs no others.

    Those of CourseDirectory stay here: the gradebook's address may hold a password.
    """
    kinds = (bool, int, float, str)
    return {
        section: kept
        for section, values in config.items()
        if section != "CourseDirectory"
        and (kept := {name: value for name, value in values.items() if isinstance(value, kinds)})
    }
