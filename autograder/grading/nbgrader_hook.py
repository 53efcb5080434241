"""nbgrader's Autograde over hand-ins that were taken in first: one run at a time, resumable, a fault costs one hand-in.

What it adds to nbgrader's own: `submitted/` is read by intake alone; a hand-in counts as graded when its autograded
notebook says for which hand-in, notebook and oracle; one that cannot be graded keeps its old marks and notebook, and is
named with the reason. `install` puts it in the place of nbgrader's class, for the command line, the formgrader and the
library.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import nbgrader.apps.api
import nbgrader.apps.autogradeapp
import nbgrader.converters
from nbgrader.api import Gradebook
from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import Autograde, NbGraderException
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from traitlets import Bool
from traitlets.config import Application

from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import find_alembic, unusable, wait_for_the_gradebook
from autograder.course.paths import ASSIGNMENTS, check_folder
from autograder.course.secret import course_secret
from autograder.intake import submission
from autograder.intake.submissions import collected, reason
from autograder.sandbox import bubblewrap

LOCK, TAKEN = ".grading.lock", ".taken"
UNSAFE = "--CourseAutograde.unsafe=True"


class CourseAutograde(Autograde):
    """Grades what submission.py makes of each hand-in."""

    unsafe = Bool(False, help="Run hand-ins without isolation, with your own rights.").tag(config=True)
    force: bool  # nbgrader's own
    _at_work = False  # on a hand-in

    @property
    def _input_directory(self) -> str:
        return f"{TAKEN}/in" if self._sanitizing else self._output_directory

    @property
    def _output_directory(self) -> str:
        """Where a hand-in is graded; it takes its place in autograded/ when it is whole (`set_permissions`)."""
        return f"{TAKEN}/out" if self._at_work else self.coursedir.autograded_directory

    def start(self) -> None:
        """Take in and grade.

        Raises NbGraderException where another run is at work, isolation is not to be had, or hand-ins could not be
        graded: each is named in the log.
        """
        lacking = bubblewrap.lacks()
        if lacking and not self.unsafe:
            self._refuse(f"{lacking}. To run hand-ins with your own rights all the same: {UNSAFE}")
        if self.unsafe:
            self.log.warning("UNSAFE: hand-ins run with your own rights, and may do whatever you may")
        root = Path(self.coursedir.root)
        self._problems: list[str] = []
        try:
            check_folder(root)
            with one_run(root):
                self._taken = root / TAKEN
                shutil.rmtree(self._taken, ignore_errors=True)  # a killed run leaves it
                try:
                    super().start()
                finally:
                    shutil.rmtree(self._taken, ignore_errors=True)
        except BlockingIOError:
            self._refuse(f"another grading run is at work in {root}: wait for its end")
        except CourseError as error:
            self._refuse(str(error))
        except SQLAlchemyError as error:
            self._refuse(unusable(error))
        if self._problems:
            raise NbGraderException(f"{len(self._problems)} not graded: {'; '.join(self._problems)}")

    def _refuse(self, message: str) -> NoReturn:
        self.log.error(message)
        raise NbGraderException(message)

    def init_notebooks(self) -> None:
        """Take in every hand-in of the assignment that is asked for, then look for notebooks as nbgrader does."""
        assignment = self.coursedir.assignment_id
        self._digests = {}
        for student, files in collected(self.coursedir, assignment, self.log):
            if isinstance(files, str):
                self._fail(student, files)
                continue
            self._digests[student] = digest(files, assignment)
            place = self._taken / "in" / student / assignment
            place.mkdir(parents=True)
            for name, data in files.items():
                (place / name).write_bytes(data)
        if self._digests or not self._problems:
            super().init_notebooks()

    def convert_notebooks(self) -> None:
        """Grade one after the other; whatever one comes to is noted, and the next one is graded."""
        assignment = self.coursedir.assignment_id
        for folder in sorted(self.assignments):
            student = Path(folder).parent.name
            self.notebooks = sorted(self.assignments[folder])
            self._at_work = True
            try:
                if self.init_destination(assignment, student):
                    self.run_pre_convert_hook()
                    self.init_assignment(assignment, student)
                    for notebook in self.notebooks:
                        self.convert_single_notebook(notebook)
                    self.set_permissions(assignment, student)
                    self.run_post_convert_hook()
            except OperationalError:  # of the gradebook: the next one would fare no better
                raise
            except Exception as error:
                self.log.debug("%s", student, exc_info=True)
                self._fail(student, reason(error))
            finally:
                self._at_work = False

    def _fail(self, student: str, problem: str) -> None:
        self._problems.append(f"{student}, {self.coursedir.assignment_id}: {problem}")
        self.log.error("not graded: %s", self._problems[-1])

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Whether a hand-in needs grading: it, its notebook or its oracle is another than when it was graded."""
        if self.coursedir.student_id_exclude and student_id in self.coursedir.student_id_exclude.split(","):
            return False
        self._digest = self._digests[student_id]
        if not self.force and submission.finished(self._place(student_id) / f"{assignment_id}.ipynb") == self._digest:
            self.log.info("Skipping %s: it is graded, and nothing has changed", student_id)
            return False
        return True

    def _place(self, student: str) -> Path:
        given = self.coursedir.autograded_directory, student, self.coursedir.assignment_id
        return Path(self.coursedir.format_path(*given))

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """As nbgrader, but what it looks for in `submitted/` is what was taken in, and its own files stay outside."""
        submitted = self.coursedir.submitted_directory
        self.coursedir.submitted_directory = self._input_directory  # else a notebook of another name counts as none: 0
        try:
            super().init_assignment(assignment_id, student_id)
        finally:
            self.coursedir.submitted_directory = submitted
        for name in submission.EXCHANGED:  # back in `set_permissions`
            Path(self._format_dest(assignment_id, student_id), name).unlink(missing_ok=True)
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            for book in gradebook.find_submission(assignment_id, student_id).notebooks:
                for grade in book.grades:  # a run that ends before there is a mark leaves none, and not 0
                    grade.needs_manual_grade |= grade.auto_score is None and grade.manual_score is None
            gradebook.db.commit()

    def write_single_notebook(self, output: str, resources: dict) -> None:
        """As nbgrader, whatever a kernel sent for text."""
        super().write_single_notebook(output.encode("utf-8", "replace").decode(), resources)

    def set_permissions(self, assignment_id: str, student_id: str) -> None:
        """Put what was graded into the place of what was there before, now that it is whole; then as nbgrader."""
        made, place = Path(self._format_dest(assignment_id, student_id)), self._place(student_id)
        for name in submission.EXCHANGED:
            if (file := Path(self._format_source(assignment_id, student_id), name)).is_file():
                shutil.copy(file, made)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        shutil.move(made, place)
        self._at_work = False
        super().set_permissions(assignment_id, student_id)

    def init_single_notebook_resources(self, notebook_filename: str) -> dict:
        """What preprocessors are told, and for what the notebook will count as graded."""
        resources = super().init_single_notebook_resources(notebook_filename)
        secret = course_secret(Path(self.coursedir.root))
        resources["course"] = {"digest": self._digest, "unsafe": self.unsafe, "secret": secret}
        return resources


def digest(files: dict[str, bytes], assignment: str) -> str:
    """A name for all that a mark depends on: the hand-in as it was taken in, the notebook, the oracle and its bars."""
    folder = ASSIGNMENTS / assignment
    own = [folder / "notebook.py", *sorted((folder / "questions").glob("*.py")), folder / "bars.json"]
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
    """Have `nbgrader autograde`, the formgrader and nbgrader's library grade by CourseAutograde.

    Ends nbgrader with a sentence where the folder that it was started in, a course, cannot be worked with.
    """
    program = Application.instance() if Application.initialized() else None
    if isinstance(program, NbGrader) and Path("nbgrader_config.py").is_file():  # else a library's root may be anywhere
        try:
            check_folder(Path.cwd())
        except CourseError as error:
            sys.exit(str(error))
    find_alembic()
    wait_for_the_gradebook()
    for module in (nbgrader.converters, nbgrader.apps.autogradeapp, nbgrader.apps.api):
        module.Autograde = CourseAutograde
