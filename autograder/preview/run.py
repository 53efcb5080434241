"""`course preview`: grade what is asked for before the deadline, so many times a day, and write a page for each.

Neither the gradebook nor a folder of nbgrader's is written. Pages lie as nbgrader lays out feedback, with its two files
of an exchange beside them, so that `nbgrader release_feedback` can give them back.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc

from autograder.course.nbgrader_api import local
from autograder.course.paths import PREVIEW_PAGES, Assignment
from autograder.course.secret import preview_secret
from autograder.grading.class_run import LOG, ClassRun, RunSummary, counted, one_run, run_class
from autograder.grading.tasks import Graded, Runner, Task
from autograder.intake.submission import EXCHANGED, TIMESTAMP, Submission
from autograder.pages.preview import Preview, answers, preview_page
from autograder.preview.log import Made, add_to_log, read_log, used
from utils.files import replaced

HIDDEN = "the grader stopped at it, and your teacher can see why"  # a reason may hold what is not the student's
LOCK = ".preview.lock"


@dataclass
class PreviewSummary(RunSummary):
    """What a run did; waiting: who has asked more often than a day's number allows, with the assignment."""

    waiting: list[str] = field(default_factory=list)


def preview_class(
    coursedir: CourseDirectory,
    assignments: Sequence[Assignment],
    runner: Runner,
    now: datetime,
    a_day: int,
    force: bool = False,
    unsafe: bool = False,
    log: logging.Logger = LOG,
    progress: bool = False,
) -> PreviewSummary:
    """Grade what is new or changed in the folder of requests, `coursedir.submitted_directory`, and write the pages.

    now: in this machine's zone. a_day: previews of a student and an assignment on a calendar day; what comes on top
    waits. What fails does not count, nor what is graded again unchanged (force). Raises CourseError where another run
    is under way or the folder cannot be used, or as the runner does.
    """
    root, settings, summary = Path(coursedir.root), copy.deepcopy(coursedir.config), PreviewSummary()
    settings.AskingExecute.explain = False  # no line at fault is shown
    counts = counted(coursedir, assignments)
    with one_run(root, LOCK, "preview"):
        done = read_log(root)

        def left(assignment: str, student: str) -> int:
            return a_day - used(done[student, assignment], now.date())

        def is_new(assignment: str, student: str, digest: str) -> bool:
            earlier = done[student, assignment]
            return not earlier or earlier[-1].digest != digest

        def is_wanted(assignment: Assignment, student: str, submitted: Submission, _: str) -> bool:
            page, digest = page_of(coursedir, assignment.name, student), submitted.digest(exchanged=False)
            if not force and is_page_of(page, digest):
                _write_exchanged(page.parent, submitted)
                summary.skipped += 1
            elif left(assignment.name, student) > 0 or not is_new(assignment.name, student, digest):
                return True
            else:
                summary.waiting.append(f"{student}, {assignment}")
            return False

        def keep(task: Task, graded: Graded) -> None:
            assignment, student = task.assignment.name, task.student
            digest = "" if graded.problem else task.submitted.digest(exchanged=False)
            counts_today = bool(digest) and is_new(assignment, student, digest)
            about = Preview(
                task.assignment,
                student,
                next(iter(task.submitted.notebooks), ""),
                digest,
                _handed_in(task.submitted),
                now,
                max(0, left(assignment, student) - counts_today),
                a_day,
            )
            if graded.problem:
                text = preview_page(about, problem=graded.problem if graded.unreadable else HIDDEN)
            else:
                given = answers(task.assignment, graded.verdicts, graded.notebook, task.released)
                text = preview_page(about, given, graded.repairs)
            page = page_of(coursedir, assignment, student)
            page.parent.mkdir(parents=True, exist_ok=True)
            _write_exchanged(page.parent, task.submitted)
            with replaced(page) as part:
                part.write_text(text, encoding="utf-8", errors="replace")
            if counts_today:
                add_to_log(root, done, Made(now, student, assignment, digest))

        secret = preview_secret(root)
        run = ClassRun(coursedir, counts, settings, secret, is_wanted, keep, (), unsafe, log, progress)
        run_class(run, runner, summary)
    return summary


def page_of(coursedir: CourseDirectory, assignment: str, student: str) -> Path:
    """Where a student's page lies."""
    return Path(coursedir.format_path(PREVIEW_PAGES, student, assignment)) / f"{assignment}.html"


def is_page_of(page: Path, digest: str) -> bool:
    """Whether a page was made of what was handed in with this digest."""
    return page.is_file() and digest in page.read_text(encoding="utf-8", errors="replace")


def _write_exchanged(folder: Path, submitted: Submission) -> None:
    """Put nbgrader's own files of the newest request beside a page: feedback is released under its secret."""
    for name in EXCHANGED:
        if name in submitted.files:
            with replaced(folder / name) as part:
                part.write_bytes(submitted.files[name])
        else:
            (folder / name).unlink(missing_ok=True)


def _handed_in(submitted: Submission) -> str:
    """When a request came, for people; empty where that is not known."""
    time = submitted.files.get(TIMESTAMP)
    return local(parse_utc(time.decode().strip())) if time else ""
