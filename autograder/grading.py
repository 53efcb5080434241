"""nbgrader's Autograde over hand-ins that were taken in first: one run at a time, resumable, no old marks left.

What it adds to nbgrader's own: `submitted/` is read by intake.py alone; a hand-in counts as graded when its autograded
notebook says for which hand-in, notebook and oracle; its old marks are cleared before it is graded again.
`install` puts it in the place of nbgrader's class, for the command line, the formgrader and the library.
"""

from __future__ import annotations

import contextlib
import copy
import glob
import hashlib
import shutil
from collections.abc import Iterator
from logging import Logger
from pathlib import Path
from typing import NoReturn

import nbgrader.apps.api
import nbgrader.apps.autogradeapp
import nbgrader.converters
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets import Bool

from autograder import intake, sandbox
from autograder.grafting import HandIn, shown
from autograder.marking import course_secret
from autograder.solutions import ASSIGNMENTS

LOCK, TAKEN = ".grading.lock", ".taken"
UNSAFE = "--CourseAutograde.unsafe=True"


class CourseAutograde(Autograde):
    """Grades what intake.py makes of each hand-in."""

    unsafe = Bool(False, help="Run hand-ins without isolation, with your own rights.").tag(config=True)
    force: bool  # nbgrader's own

    @property
    def _input_directory(self) -> str:
        return str(self._taken) if self._sanitizing else self.coursedir.autograded_directory

    def start(self) -> None:
        """Take in and grade. Raises NbGraderException where another run is at work, or isolation is not to be had."""
        lacking = sandbox.lacks()
        if lacking and not self.unsafe:
            self._refuse(f"{lacking}. To run hand-ins with your own rights all the same: {UNSAFE}")
        if self.unsafe:
            self.log.warning("UNSAFE: hand-ins run with your own rights, and may do whatever you may")
        root = Path(self.coursedir.root)
        try:
            with one_run(root):
                self._taken = root / TAKEN
                shutil.rmtree(self._taken, ignore_errors=True)  # a killed run leaves it
                super().start()
                shutil.rmtree(self._taken)
        except BlockingIOError:
            self._refuse(f"another grading run is at work in {root}: wait for its end")

    def _refuse(self, message: str) -> NoReturn:
        self.log.error(message)
        raise NbGraderException(message)

    def init_notebooks(self) -> None:
        """Take in every hand-in of the assignment that is asked for, then look for notebooks as nbgrader does."""
        assignment = self.coursedir.assignment_id
        self._digests = {}
        for student, files in collected(self.coursedir, assignment, self.log):
            self._digests[student] = digest(files, assignment)
            place = self._taken / student / assignment
            place.mkdir(parents=True)
            for name, data in files.items():
                (place / name).write_bytes(data)
        super().init_notebooks()

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Whether a hand-in needs grading: it, its notebook or its oracle is another than when it was graded."""
        if self.coursedir.student_id_exclude and student_id in self.coursedir.student_id_exclude.split(","):
            return False
        self._digest = self._digests[student_id]
        dest = Path(self._format_dest(assignment_id, student_id))
        if not self.force and intake.finished(dest / f"{assignment_id}.ipynb") == self._digest:
            self.log.info("Skipping %s: it is graded, and nothing has changed", student_id)
            return False
        shutil.rmtree(dest, ignore_errors=True)
        return super().init_destination(assignment_id, student_id)

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """As nbgrader; and clear the marks that the grader gave before: a run that fails leaves none of them."""
        super().init_assignment(assignment_id, student_id)
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            with contextlib.suppress(MissingEntry):
                for book in gradebook.find_submission(assignment_id, student_id).notebooks:
                    for grade in book.grades:
                        grade.auto_score, grade.needs_manual_grade = None, True
            gradebook.db.commit()

    def init_single_notebook_resources(self, notebook_filename: str) -> dict:
        """What preprocessors are told, and for what the notebook will count as graded."""
        resources = super().init_single_notebook_resources(notebook_filename)
        secret = course_secret(Path(self.coursedir.root))
        resources["course"] = {"digest": self._digest, "unsafe": self.unsafe, "secret": secret}
        return resources


def taken(coursedir: CourseDirectory, assignment: str, log: Logger) -> Iterator[tuple[str, HandIn]]:
    """Each student whose hand-in there is, and what was taken in of it; what was put right goes to the log.

    Which students: `coursedir.student_id`, a name or a pattern.
    """
    pristine = intake.pristine(assignment, Path(coursedir.root))
    pattern = coursedir.format_path(coursedir.submitted_directory, coursedir.student_id, assignment)
    for folder in map(Path, sorted(glob.glob(pattern))):
        student = folder.parent.name
        if folder.is_symlink() or folder.parent.is_symlink() or not folder.is_dir():
            log.warning("%s was left out: it is no folder of its own", shown(student))
        elif not intake.usable_name(student):
            log.warning("%s was left out: no student can be called that", shown(student))
        else:
            found = intake.take_in(folder, assignment, copy.deepcopy(pristine))
            for line in found.repairs:
                log.warning("%s: %s", student, line)
            yield student, found


def collected(coursedir: CourseDirectory, assignment: str, log: Logger) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Each student whose hand-in there is (`taken`), with the files that it was taken in as."""
    for student, found in taken(coursedir, assignment, log):
        yield student, intake.packed(found, assignment)


def digest(files: dict[str, bytes], assignment: str) -> str:
    """A name for all that a mark depends on: the hand-in as it was taken in, the notebook, the oracle and its bars."""
    own = [ASSIGNMENTS / assignment / name for name in ("notebook.py", "oracle.py", "bars.json")]
    found = hashlib.sha256()
    for name, data in [*sorted(files.items()), *((path.name, path.read_bytes()) for path in own if path.is_file())]:
        found.update(f"{name} {len(data)}\n".encode() + data)
    return found.hexdigest()


@contextlib.contextmanager
def one_run(course: Path) -> Iterator[None]:
    """Hold a course's lock. Raises BlockingIOError where another run holds it."""
    try:
        import fcntl
    except ImportError:  # Windows, where nothing is graded but in the open
        yield
        return
    with (course / LOCK).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def install() -> None:
    """Have `nbgrader autograde`, the formgrader and nbgrader's library grade by CourseAutograde."""
    for module in (nbgrader.converters, nbgrader.apps.autogradeapp, nbgrader.apps.api):
        module.Autograde = CourseAutograde
