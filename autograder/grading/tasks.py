"""What goes to a worker and what comes back: plain data, so that a worker may be any process on any machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Task:
    """A hand-in to grade.

    notebook: the file's text, as intake.py made it. files: what lies beside it, by name. course: what the run tells the
    preprocessors (digest, secret, unsafe). settings: plain values of nbgrader_config.py, by class and name.
    """

    assignment: str
    student: str
    notebook: str
    files: dict[str, bytes]
    course: dict[str, Any]
    settings: dict[str, dict] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """What names a task in its run."""
        return self.assignment, self.student


@dataclass(frozen=True)
class Graded:
    """A graded hand-in: the notebook's text with outputs and verdicts, or why there is none; seconds that it took."""

    assignment: str
    student: str
    notebook: str
    seconds: float
    problem: str = ""


Runner = Callable[[Iterable[Task]], Iterator[Graded]]  # grades tasks, in whatever order they are done
TRIES = 3  # how often a hand-in is begun whose worker dies; then it is the hand-in that counts as failed


def given_up(task: Task) -> Graded:
    """What is told of a hand-in whose worker died each time."""
    return Graded(task.assignment, task.student, "", 0.0, "the process that graded it died each time that it was begun")


CODE = (
    "autograder/**/*.py",
    "utils/*.py",
    *(f"assignments/*/{one}" for one in ("notebook.py", "questions/*.py", "bars.json")),
)


@cache
def code_digest() -> str:
    """A name for the code that marks depend on, as it was when this process first asked: its modules are as old."""
    from autograder.course.paths import ROOT

    found = hashlib.sha256()
    for path in sorted(path for pattern in CODE for path in ROOT.glob(pattern)):
        found.update(f"{path.relative_to(ROOT).as_posix()} {path.stat().st_size}\n".encode() + path.read_bytes())
    return found.hexdigest()
