"""Write what a grading run found: marks into nbgrader's gradebook, notebooks into `autograded/`. One writer."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nbformat
from nbgrader import utils
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.course.dates import Dates
from autograder.course.errors import CourseError, reason
from autograder.grading.changes import (
    MarkChange,
    answer_id,
    points,
    same_answer,
    same_files,
    same_helpers,
    sources,
)
from autograder.grading.dates import penalise
from autograder.grading.tasks import Graded, Task


class Recorder:
    """An open gradebook and the course's folders, as a context."""

    def __init__(self, coursedir: CourseDirectory, config: Config, dates: Dates):
        self.coursedir, self.config, self.dates = coursedir, config, dates
        self.nbgrader = Autograde(coursedir=coursedir, config=config)  # for its settings of files
        self.gradebook = Gradebook(coursedir.db_url, coursedir.course_id)
        self.gradebook.db().expire_on_commit = False  # each submission is read when it is recorded
        self._cells: dict[str, list] = {}  # of each assignment, kept so that they are read once and not per submission

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_) -> None:
        self.gradebook.close()

    def folder(self, assignment: str, student: str) -> Path:
        """The folder of an autograded submission."""
        return Path(self.coursedir.format_path(self.coursedir.autograded_directory, student, assignment))

    def check_known(self, assignment: str) -> None:
        """Raise CourseError where the gradebook has no such assignment."""
        if assignment in self._cells:
            return
        try:
            books = self.gradebook.find_assignment(assignment).notebooks
        except MissingEntry:
            raise CourseError(
                f"the gradebook has no assignment {assignment}: run `course build {assignment}`"
            ) from None
        self._cells[assignment] = [[*book.grade_cells, *book.solution_cells] for book in books]

    def mark(self, task: Task, graded: Graded) -> list[MarkChange]:
        """Note a graded submission's marks in one transaction; its notebook lies ready for `put_notebook`.

        Returns which marks changed, where it had some before. A mark given by hand stays, and stays confirmed where the
        answer and the grader's points are what they were. What cannot be written leaves the old notebook, and marks
        that a transaction holds: call `forget` then.
        """
        assignment, student, files = task.assignment.name, task.student, task.submitted.files
        notebook = nbformat.reads(graded.notebook, as_version=4)
        scores = {f"check_{verdict.question}": verdict.score for verdict in graded.verdicts}
        cells = {
            cell.metadata.nbgrader["grade_id"]: cell
            for cell in notebook.cells
            if utils.is_solution(cell) or utils.is_grade(cell)
        }
        for name, cell in cells.items():
            if utils.is_grade(cell) and name not in scores:
                scores[name] = utils.determine_grade(cell)[0]
        timestamp = files.get("timestamp.txt", b"").decode().strip()
        self._write_beside(self.folder(assignment, student), f"{assignment}.ipynb", graded.notebook, files)
        submission = self._submission(assignment, student, timestamp or None)
        old = self._graded_before(self.folder(assignment, student))
        earlier = sources(old / f"{assignment}.ipynb")
        now = {name: cell.source for cell in notebook.cells if (name := answer_id(cell))}
        answers = [grade.name for book in submission.notebooks for grade in book.grades]
        whole = all(same_answer(name, earlier, now) for name in answers) and same_helpers(earlier, now)
        whole = whole and same_files(old, files)
        why = "another question or grader" if whole else "another submission"
        changes = []
        for book in submission.notebooks:
            for grade in book.grades:
                before, same = points(grade), same_answer(grade.name, earlier, now)
                confirmed = not grade.needs_manual_grade and same and grade.auto_score == scores[grade.name]
                grade.auto_score = scores[grade.name]
                grade.needs_manual_grade = not confirmed if grade.manual_score is not None else grade.auto_score is None
                if earlier and abs(points(grade) - before) > 1e-9:
                    name = grade.name.removeprefix("check_")
                    changes.append(MarkChange(student, assignment, name, before, points(grade), why))
            for comment in book.comments:
                cell = cells[comment.name]
                untouched = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
                comment.auto_comment = "No response." if untouched else None
        penalise(self.gradebook, self.config, submission)
        self.gradebook.db.commit()
        return changes

    def put_notebook(self, task: Task) -> None:
        """Put a marked submission's notebook in its place, which says that it is graded.

        At each moment the earlier one, or the new one, lies there or beside it. Raises CourseError.
        """
        folder = self.folder(task.assignment.name, task.student)
        aside = _beside(folder, "old")
        try:
            if folder.is_dir():
                shutil.rmtree(aside, ignore_errors=True)
                os.rename(folder, aside)
            os.rename(_beside(folder, "part"), folder)
            self.nbgrader.set_permissions(task.assignment.name, task.student)
        except OSError as error:
            raise CourseError(
                f"its marks are in the gradebook, but its notebook could not be put in its place: {reason(error)}"
            ) from error
        shutil.rmtree(aside, ignore_errors=True)

    def forget(self) -> None:
        """Give up what was not committed, after `mark` failed."""
        self.gradebook.db.rollback()

    def _graded_before(self, folder: Path) -> Path:
        """Where the submission lies that was graded before: beside its folder after a run that was killed meanwhile."""
        return folder if folder.is_dir() else _beside(folder, "old")

    def _submission(self, assignment: str, student: str, timestamp: str | None) -> SubmittedAssignment:
        self.gradebook.update_or_create_student(student)
        arguments = {"timestamp": timestamp} if timestamp else {}
        submission = self.gradebook.update_or_create_submission(assignment, student, **arguments)
        if assignment in self.dates.due:
            submission.extension = self.dates.extension(assignment, student)
        return submission

    def _write_beside(self, folder: Path, name: str, text: str, files: dict[str, bytes]) -> None:
        """Write a graded submission beside its folder."""
        part = _beside(folder, "part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for file, data in files.items():
            (part / file).write_bytes(data)
        (part / name).write_bytes(f"{text}\n".encode("utf-8", "replace"))


def _beside(folder: Path, kind: str) -> Path:
    """A hidden folder beside one, in which nobody looks for submissions."""
    return folder.with_name(f".{folder.name}.{kind}")
