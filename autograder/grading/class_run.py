"""A run over a class: which submissions are to be graded, by whom, and which failed. What is kept is the caller's."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout
from nbgrader.coursedir import CourseDirectory
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm
from traitlets.config import Config

from autograder.course.errors import CourseError, reason
from autograder.course.paths import Assignment, check_folder
from autograder.course.solutions import assignment_cells
from autograder.grading.changes import MarkChange
from autograder.grading.tasks import Graded, Runner, Task
from autograder.intake.submission import Submission, pristine
from autograder.intake.submissions import collected, submission_folders

LOG = logging.getLogger("course")
LOCK = ".grading.lock"
# functions that keep what they have read of a course, by module: a run's own process need not load these
READ_ONCE = {
    "autograder.course.solutions": ("assignment_cells",),
    "autograder.oracle.questions": ("load_questions",),
    "autograder.oracle.bars": ("read_bars",),
    "autograder.marking.reference": (
        *("requests", "drawn", "solution", "edited", "answer_with"),
        *("answers_by_differences", "seconds_to_answer"),
    ),
    "autograder.marking.degenerate": ("passed",),
    "autograder.marking.following": ("tells_apart",),
    "autograder.pages.layout": ("titles",),
    "autograder.intake.submission": ("pristine", "handed_out"),
}

Wanted = Callable[[Assignment, str, Submission, str], bool]  # whether a student's submission of this digest is graded
Keep = Callable[[Task, Graded], None]  # what is done with what came back; an error costs that submission alone


@dataclass
class RunSummary:
    """What a run did: how many submissions were graded, skipped as unchanged, which failed, whose marks changed.

    reasons: why one failed, by student and assignment.
    """

    graded: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    changes: list[MarkChange] = field(default_factory=list)
    stopped: bool = False

    def fail(self, student: str, assignment: Assignment, why: str) -> None:
        """Note that a submission could not be graded."""
        self.failed.append(f"{student}, {assignment}: {why}")
        self.reasons[student, assignment.name] = why


@dataclass(frozen=True)
class ClassRun:
    """What a run grades and how.

    counts: how many submissions there are, by assignment. secret: inputs are drawn from it. wanted: of these
    submissions. keep: is given what comes back. fatal: errors of `keep` that end the run. log: is told of repairs.
    """

    coursedir: CourseDirectory
    counts: Mapping[Assignment, int]
    settings: Config
    secret: str
    wanted: Wanted
    keep: Keep
    fatal: tuple[type[Exception], ...] = ()
    unsafe: bool = False
    log: logging.Logger = LOG
    progress: bool = False


def counted(coursedir: CourseDirectory, assignments: Sequence[Assignment]) -> dict[Assignment, int]:
    """How many submissions there are of each assignment that has some. Raises CourseError for an unusable folder."""
    for assignment in assignments:
        check_folder(Path(coursedir.root), assignment.course)
    counts = {one: len(submission_folders(coursedir, one.name)) for one in assignments}
    return {assignment: count for assignment, count in counts.items() if count}


_read: dict[Path, list] = {}  # by a course's folder: its files when it was read last


def read_anew_if_changed(root: Path) -> None:
    """Forget what this process has read of a course, if it has changed: the formgrader's server grades again then.

    Workers need no such thing: they are forked anew for each run, from a process that has read no course. Those of a
    cluster refuse a course that has changed.
    """
    paths = sorted(path for top in ("assignments", "release") for path in (root / top).rglob("*.*"))
    files = [(path, (stat := path.lstat()).st_mtime_ns, stat.st_size) for path in paths]
    if _read.get(root) != files:
        read_anew()
        _read[root] = files


def read_anew() -> None:
    """Forget what this process has read of courses."""
    for module, functions in READ_ONCE.items():
        for function in functions if module in sys.modules else ():
            getattr(sys.modules[module], function).cache_clear()


def run_class(run: ClassRun, runner: Runner, summary: RunSummary) -> None:
    """Have the runner grade what is wanted, hand over what comes back, and sum up. Raises as the runner does."""
    for root in {Path(run.coursedir.root), *(assignment.course.root for assignment in run.counts)}:
        read_anew_if_changed(root)
    bar = tqdm(total=sum(run.counts.values()), unit="submission", file=sys.stderr, disable=not run.progress)
    with bar, logging_redirect_tqdm([run.log]) if run.progress else contextlib.nullcontext():
        try:
            for task, graded in runner(_tasks(run, summary, bar)):
                problem = graded.problem
                for line in graded.repairs:
                    run.log.warning("%s: %s", task.student, line)
                try:
                    run.keep(task, graded)
                except run.fatal:
                    raise
                except Exception as error:
                    problem = problem or reason(error)
                if problem:
                    summary.fail(task.student, task.assignment, problem)
                else:
                    summary.graded += 1
                    run.log.info("Graded %s, %s", task.student, task.assignment)
                bar.update()
        except KeyboardInterrupt:
            summary.stopped = True


def _tasks(run: ClassRun, summary: RunSummary, bar: tqdm) -> Iterator[Task]:
    """What is to be graded; the rest is counted."""
    settings = plain(run.settings)
    for assignment in run.counts:
        basis, released = _basis(assignment), pristine(assignment.name, Path(run.coursedir.root))
        for student, submitted in collected(run.coursedir, assignment.name):
            if isinstance(submitted, str):
                summary.fail(student, assignment, submitted)
                bar.update()
                continue
            digest = hashlib.sha256(f"{basis} {submitted.digest()}".encode()).hexdigest()
            if not run.wanted(assignment, student, submitted, digest):
                bar.update()
                continue
            course = {"digest": digest, "unsafe": run.unsafe, "secret": run.secret}
            yield Task(assignment, student, submitted, released, course, settings)


def _basis(assignment: Assignment) -> str:
    """A digest of all that an author writes and a mark depends on: notebook, what it includes, oracle, bars."""
    folder, digest = assignment.folder, hashlib.sha256()
    for path in (folder / "notebook.py", *sorted((folder / "questions").glob("*.py")), folder / "bars.json"):
        if path.is_file():
            data = path.read_bytes()
            digest.update(f"{path.name} {len(data)}\n".encode() + data)
    digest.update("\n".join(cell.source for cell in assignment_cells(assignment) if cell.role == "provided").encode())
    return digest.hexdigest()


@contextlib.contextmanager
def one_run(course: Path, lock: str = LOCK, what: str = "grading") -> Iterator[None]:
    """Hold a course's lock. Raises CourseError where another run holds it."""
    try:
        held = FileLock(course / lock).acquire(timeout=0)
    except Timeout:
        raise CourseError(f"another {what} run is under way in {course}: wait until it ends") from None
    with held:
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
