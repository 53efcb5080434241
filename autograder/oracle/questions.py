"""What an oracle is made of: questions, their cases, misconceptions and alternatives.

`assignments/<hw>/oracle.py` defines `QUESTIONS`, a list of `Question`. A case is a small program over the notebook's
own names; it runs in the student's kernel and over the solution in the grader's process, and the two answers are
compared. Nothing here runs in the student's kernel but the program's text.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from autograder.course.errors import CourseError
from autograder.course.paths import ASSIGNMENTS
from autograder.course.solutions import assignment_cells

Draw = Callable[[np.random.Generator], Mapping[str, Any]]
Judge = Callable[[Any, Mapping[str, Any], Mapping[str, Any]], "str | Measured | None"]


@dataclass(frozen=True)
class Measured:
    """What a judge says: None or a reason in words and, where it measured one, a figure's name and its value."""

    reason: str | None
    figure: str = ""
    value: float | None = None


def no_inputs(rng: np.random.Generator) -> dict:
    """For a case whose program needs no drawn inputs."""
    return {}


@dataclass(frozen=True, eq=False)
class Case:
    """One property of an answer.

    name: the property, as the student reads it when it fails ("a batch of one", "equal counts keep their order").
    ask: Python statements, the last one an expression whose value is the answer. They see the notebook's names and
        the inputs, may import, and must not print. A raised exception is an answer too: its type is compared.
    draw: the named inputs, from the course's generator for this case; plain data, arrays and tensors. They are sent
        before the answer is given: nothing in them may tell what it is judged on.
    kept: further named inputs for the judge, from a generator of their own; they stay in the grader.
    weight: the case's share of the question's points.
    relative, absolute: tolerance of numbers, |answer - expected| <= absolute + relative * |expected|.
    judge: decides instead of the comparison: judge(answer, inputs, solution) returns None when the answer is right,
        else the reason in words (no inputs, no expected values), or a Measured. The answer is untrusted: count, kind
        and shape come first, and bound what the judge computes. `solution` is the solution's namespace.
    """

    name: str
    ask: str
    draw: Draw = no_inputs
    weight: float = 1.0
    relative: float = 1e-7
    absolute: float = 1e-9
    judge: Judge | None = None
    kept: Draw = no_inputs


@dataclass(frozen=True)
class Misconception:
    """A named wrong turn: the solution cell with `old` replaced by `new`.

    means: one sentence that tells the student what was mixed up; shown when the answers equal this edit's.
    cell: the solution cell that is edited, when it is not the question's own.
    """

    name: str
    old: str
    new: str
    means: str
    cell: str = ""


@dataclass(frozen=True)
class Alternative:
    """Another right solution of a cell: its whole source."""

    name: str
    source: str
    cell: str = ""


@dataclass(frozen=True, eq=False)  # hashed by identity: verdicts are cached by question
class Question:
    """One graded cell. `id` is the name of the function, class or result; the graded cell is `check_<id>`.

    builds_on: questions whose functions this one's answer runs through: a mistake there may cost marks here.
    made_by: for a result, the id of the cell that makes it. `course verify` leaves that cell out of a hand-in with a
        misconception that may cost this question's marks anyway, since training takes most of the time there.
    spoiled_by: misconceptions of training, as "question: name", after which what is made must miss a bar (bars.py).
    forbids: libraries or parts of them, by dotted names, that this question's function must not use (forbidden.py).
    hands_in: for a file beside the notebook, its name.
    seconds: time that all cases together may take in the student's kernel.
    """

    id: str
    cases: list[Case]
    misconceptions: list[Misconception] = field(default_factory=list)
    alternatives: list[Alternative] = field(default_factory=list)
    builds_on: tuple[str, ...] = ()
    made_by: str = ""
    spoiled_by: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    hands_in: str = ""
    seconds: float = 30.0


@cache
def load_questions(assignment: str) -> tuple[Question, ...]:
    """The questions of an assignment's oracle, checked. Raises CourseError in one sentence."""
    path = ASSIGNMENTS / assignment / "oracle.py"
    if not path.is_file():
        raise CourseError(f"{path}: no such oracle")
    questions = tuple(_module(path).QUESTIONS)
    cells = {cell.id: cell.source for cell in assignment_cells(assignment) if cell.role == "solution"}
    ids = {cell.id for cell in assignment_cells(assignment)}
    known: set[str] = set()
    for question in questions:
        if question.id in known:
            raise CourseError(f"{path}: question {question.id!r} stands twice")
        if not question.cases:
            raise CourseError(f"{path}: question {question.id!r} has no case")
        for earlier in question.builds_on:
            if earlier not in known:
                raise CourseError(f"{path}: {question.id!r} builds on {earlier!r}, which is no earlier question")
        if question.made_by and question.made_by not in ids:
            raise CourseError(f"{path}: {question.id!r} is made by {question.made_by!r}, which is no cell")
        known.add(question.id)
        for edit in [*question.misconceptions, *question.alternatives]:
            name = edit.cell or question.id
            if name not in cells:
                raise CourseError(f"{path}: {edit.name!r} of {question.id!r} is about {name!r}, no solution cell")
            if isinstance(edit, Misconception) and (times := cells[name].count(edit.old)) != 1:
                raise CourseError(f"{path}: {edit.name!r}: {edit.old!r} stands {times} times in {name!r}, not once")
    return questions


def edited_cell(assignment: str, question: Question, edit: Misconception | Alternative) -> dict[str, str]:
    """The solution cell that an edit changes, as {cell id: new source}."""
    name = edit.cell or question.id
    if isinstance(edit, Alternative):
        return {name: edit.source}
    source = next(cell.source for cell in assignment_cells(assignment) if cell.id == name)
    return {name: source.replace(edit.old, edit.new)}


def _module(path: Path):
    spec = importlib.util.spec_from_file_location(f"oracle_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
