"""What goes to a worker and what comes back: plain data, so that a worker may be any process on any machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from autograder.course.paths import ROOT, Assignment

if TYPE_CHECKING:  # the run's own process needs them later, and its workers load meanwhile
    from nbformat import NotebookNode

    from autograder.intake.submission import Submission
    from autograder.marking.verdicts import Verdict


@dataclass(frozen=True)
class Task:
    """A submission to grade.

    released: the notebook as students get it. course: what the run gives the preprocessors (digest, secret, unsafe).
    settings: plain values of nbgrader_config.py, by class and name.
    """

    assignment: Assignment
    student: str
    submitted: Submission
    released: NotebookNode
    course: dict[str, Any]
    settings: dict[str, dict] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """What names a task in its run."""
        return self.assignment.name, self.student


@dataclass(frozen=True)
class Graded:
    """What came of a task: the notebook's text with outputs, the verdicts, and repairs in words; or the problem.

    unreadable: whether the problem is that no notebook can be read, which the student may be told.
    """

    notebook: str = ""
    verdicts: tuple[Verdict, ...] = ()
    repairs: tuple[str, ...] = ()
    problem: str = ""
    unreadable: bool = False


Runner = Callable[[Iterable[Task]], Iterator[tuple[Task, Graded]]]  # grades tasks, in whatever order they are done
TRIES = 3  # how often a submission is started alone after its worker died; then it counts as failed
GIVEN_UP = Graded(problem="the process that graded it died at every attempt")


CODE = (
    "autograder/**/*.py",
    "utils/*.py",
    *(f"assignments/*/{file}" for file in ("notebook.py", "questions/*.py", "bars.json")),
)


@cache
def code_digest() -> str:
    """A digest of the code that marks depend on, as it was at this process's first call: its modules are as old."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in CODE for path in ROOT.glob(pattern)):
        digest.update(f"{path.relative_to(ROOT).as_posix()} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()
