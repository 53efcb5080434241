"""The answers of a class to one written question: marks from the gradebook, texts from the autograded notebooks."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from nbgrader.api import Comment, Grade, Gradebook, SolutionCell, Student, SubmittedAssignment, SubmittedNotebook
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import and_, select

from autograder.course.marks import full_name
from autograder.manual.questions import Written
from autograder.pages.layout import STUB, too_large
from autograder.pages.safe_pages import Room, shown


@dataclass(frozen=True)
class Text:
    """What a student wrote. own: without the question; attachments: pasted pictures.

    problem: why it cannot be read, where it cannot.
    """

    own: str = ""
    attachments: dict = field(default_factory=dict, hash=False)
    problem: str = ""

    @cached_property
    def digest(self) -> str:
        """Equal for answers that are the same but for white space and case."""
        words = " ".join(self.own.casefold().split())
        content = json.dumps([words, self.attachments, self.problem], sort_keys=True)
        return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:24]


@dataclass(frozen=True)
class Answer:
    """An answer and its mark. id: of its grade in the gradebook; comment_id: of its comment there.

    waits: whether a mark is to be given; where there is a score besides, whether that is to be confirmed.
    """

    id: str
    comment_id: str
    student: str
    name: str
    score: float | None
    comment: str | None
    waits: bool
    text: Text

    @property
    def seen(self) -> str:
        """Stands for the answer and its mark, as whoever saves another mark must have seen them."""
        state = [self.text.digest, self.score, self.comment, self.waits]
        return hashlib.sha256(json.dumps(state).encode("utf-8", "replace")).hexdigest()[:24]


def read_answers(gradebook: Gradebook, coursedir: CourseDirectory, question: Written, cell: str) -> list[Answer]:
    """The answers of all who wrote something. cell: the id of the question's cell in the gradebook."""
    notebook = question.assignment.name
    query = (
        select(
            Grade.id,
            Comment.id,
            Student,
            Grade.auto_score,
            Grade.manual_score,
            Grade.needs_manual_grade,
            Comment.manual_comment,
        )
        .select_from(Grade)
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Student, SubmittedAssignment.student_id == Student.id)
        .join(Comment, Comment.notebook_id == SubmittedNotebook.id)
        .join(SolutionCell, and_(Comment.cell_id == SolutionCell.id, SolutionCell.name == question.name))
        .where(Grade.cell_id == cell)
        .order_by(Grade.id)
    )
    answers = []
    for id_, comment_id, student, automatic, score, waits, comment in gradebook.db.execute(query):
        if automatic is not None and score is None:
            continue  # nothing was written: nbgrader gave 0
        folder = coursedir.format_path(coursedir.autograded_directory, student.id, notebook)
        text = _text(Path(folder) / f"{notebook}.ipynb", question)
        name = full_name(student) or student.id
        answers.append(Answer(id_, comment_id, student.id, name, score, comment, bool(waits), text))
    return answers


def groups(answers: Iterable[Answer], apart: Iterable[str] = ()) -> list[list[Answer]]:
    """Answers that are the same and marked the same, together; those whose ids are in `apart` each by itself.

    What many wrote comes first. The rest has an order that is no student's: nobody is always read last.
    """
    single = set(apart)
    same: dict[tuple[str, str, str], list[Answer]] = defaultdict(list)
    times: dict[str, int] = defaultdict(int)
    for answer in answers:
        same[answer.text.digest, answer.seen, answer.id if answer.id in single else ""].append(answer)
        times[answer.text.digest] += 1
    return sorted(same.values(), key=lambda one: (-times[one[0].text.digest], one[0].text.digest, one[0].id))


def _text(path: Path, question: Written) -> Text:
    """A question's answer in a graded notebook."""
    try:
        stat = path.stat()
        if problem := too_large(stat.st_size):
            return Text(problem=f"the graded notebook {problem}")
        return _read(path, stat.st_mtime_ns, stat.st_size, question.name, question.text)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Text(problem=f"the graded notebook cannot be read ({type(error).__name__}): grade it again")


@lru_cache(maxsize=4096)
def _read(path: Path, _changed: int, _size: int, name: str, question: str) -> Text:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name:
            cell["source"] = "".join(cell["source"])
            cell = shown({**cell, "cell_type": "markdown"}, {}, Room())
            return Text(_own(cell["source"], question), cell["attachments"])
    return Text(problem="the graded notebook has no such cell: grade it again")


def _own(source: str, question: str) -> str:
    """An answer's text without the question's in front of it and without the stub; whole where that was changed."""
    rest = source.strip().removeprefix(question)
    return "\n".join(line for line in rest.split("\n") if line.strip() != STUB).strip()
