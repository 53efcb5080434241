"""What an oracle is made of: questions, their cases, misconceptions and alternatives.

| file of an assignment | what it holds |
| --- | --- |
| `questions/<id>.py` | `QUESTION`, a `Question`: what is asked about `<id>` in the graded cell `check_<id>` |
| `questions/_<topic>.py` | draws, judges, texts of programs that several questions share: `from ._draws import step` |
| `alternatives/<id>/<name>.py` | another correct solution of that cell |

A case is a small program over the notebook's own names; it runs in the student's kernel and over the solution in the
grader's process, and the two answers are compared. Nothing here runs in the student's kernel but the program's text.
Programs are strings, since they are what one would type into a cell below the student's, and most are one line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from autograder.course.errors import CourseError
from autograder.course.paths import Assignment
from autograder.course.solutions import assignment_cells
from autograder.oracle.bars import FILE, Bar, Measured
from autograder.oracle.files import parsed, place, question_modules, shown

Draw = Callable[[np.random.Generator], Mapping[str, Any]]
Judge = Callable[[Any, Mapping[str, Any], Mapping[str, Any]], str | Measured | None]
CELL = re.compile(r"# cell: (\w+)\n")  # the first line of an alternative about another cell than its question's own


def no_inputs(rng: np.random.Generator) -> dict:
    """For a case whose program needs no drawn inputs."""
    return {}


@dataclass(frozen=True, eq=False)
class Case:
    """One property of an answer.

    name: the property, as the student reads it when it fails ("a batch of one", "equal counts keep their order").
    ask: Python statements, the last one an expression whose value is the answer. They see the notebook's names and
        the inputs, may import, and must not print.
    raises: the exception that is asked for, where one is: its type is compared. `course build` refuses a case on which
        the solution raises anything else.
    draw: the named inputs, from the course's generator for this case; plain data, arrays and tensors. They are sent
        before the answer comes: nothing in them may reveal what it is judged on.
    kept: further named inputs for the judge, from their own generator; they stay in the grader.
    weight: the case's share of the question's points.
    pure: whether the inputs must be left as they were, bit for bit, and no part of the answer may lie in the memory of
        an input or of an earlier part, where the solution's does not.
    core: whether it asks for what the question is about (`Question.core`): at most half of the points without.
    relative, absolute: tolerance of numbers, |answer - expected| <= absolute + relative * |expected|.
    judge: decides instead of the comparison: judge(answer, inputs, solution) returns None for a correct answer,
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
    pure: bool = False
    core: bool = False
    raises: type[Exception] | None = None

    def __post_init__(self) -> None:
        """Refuse a program that is none, where it stands: the loader says in which line."""
        try:
            last = ast.parse(self.ask).body[-1:]
        except SyntaxError as error:
            raise CourseError(f"case {self.name!r}: the program has a syntax error: {error.msg}") from error
        if not last or not isinstance(last[0], ast.Expr):
            raise CourseError(f"case {self.name!r}: the program must end in an expression, which is the answer")
        for name in ("draw", "kept"):
            if not callable(getattr(self, name)):
                raise CourseError(f"case {self.name!r}: {name} must be a function of a generator")
        if not self.weight > 0:
            raise CourseError(f"case {self.name!r}: the weight must be positive, got {self.weight!r}")

    def results(self, function: str, source: str) -> Sequence[str]:
        """What the results are called that `ask` ends in several of; nothing where it ends in one.

        function: the question's; a short call of it names its result. source: the solution's cell; a variable names its
        result where it stands there, for others are of the grader's program alone and mean nothing to a student.
        """
        return _results(self.ask, function, source)


LONGEST_NAME = 40  # characters of a call that names its result


@cache
def _results(ask: str, function: str, source: str) -> Sequence[str]:
    (last,) = ast.parse(ask).body[-1:]
    several = last.value if isinstance(last, ast.Expr) else None
    if not isinstance(several, (ast.Tuple, ast.List)) or any(isinstance(one, ast.Starred) for one in several.elts):
        return ()
    texts = [ast.unparse(one) for one in several.elts]
    if len(texts) == 2 and texts[0] == texts[1]:
        return ("the first call", "the second call")
    return tuple(
        f"`{text}`"
        if (text.isidentifier() and re.search(rf"\b{text}\b", source))
        or (text.startswith(f"{function}(") and len(text) <= LONGEST_NAME)
        else f"result {number} of {len(texts)}"
        for number, text in enumerate(texts, 1)
    )


@dataclass(frozen=True)
class Misconception:
    """A named mistake: the solution cell with `old` replaced by `new`.

    means: one sentence that tells the student what was mixed up; shown when the answers equal this edit's.
    cell: the solution cell that is edited, when it is not the question's own.
    unseen: why the graded cell's visible check cannot see it, where only the grader can.
    """

    name: str
    old: str
    new: str
    means: str
    cell: str = ""
    unseen: str = ""

    def __post_init__(self) -> None:
        """Refuse an edit that is none."""
        if self.old == self.new:
            raise CourseError(f"misconception {self.name!r}: old and new are the same text, so it changes nothing")


@dataclass(frozen=True)
class Equivalent:
    """Single edits of the solution (marking/edits.py) that lose no marks, and should not.

    edit: a regular expression that is found in "old line -> new line". why: in a sentence, what makes them no mistakes.
    """

    edit: str
    why: str


@dataclass(frozen=True)
class Alternative:
    """Another correct solution of a cell: its whole source.

    Its file is formatted and checked as all code is: lines `from assignments.<hw>.notebook import np, sigmoid` name
    there what the notebook has defined, and are no part of the source. The file's name is the alternative's, with `_`
    for spaces. `cell` is set by a first line `# cell: <id>` where it is not the question's own.
    """

    name: str
    source: str
    cell: str = ""


@dataclass(frozen=True, eq=False)  # hashed by identity: verdicts are cached by question
class Question:
    """One graded cell.

    id, alternatives: not written; `load_questions` sets them from the files. `id` is the name of the function, class or
        result, and of the file; the graded cell is `check_<id>`.
    equivalent: single edits of the solution cell that are right as well; every other one must lose marks.
    core: what the question is about, as it goes on after "What counts most:": stands above the
        solution's cell, and is what the core cases ask.
    builds_on: questions whose functions this one's answer runs through: a mistake there costs no marks here, but in
        what is trained (marking/following.py).
    by_differences: for a gradient that reads its step's private cache, a source that defines both anew over the
        notebook's own step, the gradient by differences of it: what is right beside a wrong step.
    made_by: for a result, the id of the cell that makes it. `course verify` leaves that cell out of a submission with a
        misconception that may cost this question's marks anyway, since training takes most of the time there.
    spoiled_by: misconceptions of training, as "question: name"; a result trained with one must miss a bar (bars.py).
    forbids: libraries or parts of them, by dotted names, that this question's function must not use (forbidden.py).
    hands_in: for a file beside the notebook, its name.
    seconds: time that all cases together may take in the student's kernel.
    """

    cases: list[Case]
    misconceptions: list[Misconception] = field(default_factory=list)
    equivalent: list[Equivalent] = field(default_factory=list)
    core: str = ""
    builds_on: tuple[str, ...] = ()
    by_differences: str = ""
    made_by: str = ""
    spoiled_by: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    hands_in: str = ""
    seconds: float = 30.0
    id: str = ""
    alternatives: list[Alternative] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse what a missing bracket or comma makes of a list."""
        for name, kind in (("cases", Case), ("misconceptions", Misconception), ("equivalent", Equivalent)):
            if not isinstance(getattr(self, name), list) or not all(isinstance(x, kind) for x in getattr(self, name)):
                raise CourseError(f"{name} must be a list of {kind.__name__}")
        for name in ("builds_on", "spoiled_by", "forbids"):
            if isinstance(getattr(self, name), str):
                raise CourseError(f"{name} must be a tuple: write ({getattr(self, name)!r},)")


@cache
def load_questions(assignment: Assignment) -> tuple[Question, ...]:
    """The questions of an assignment, in the order of their graded cells, checked. Raises CourseError in a sentence."""
    folder = assignment.folder / "questions"
    if not folder.is_dir():
        raise CourseError(f"{folder}: no such oracle")
    ids = [cell.id for cell in assignment_cells(assignment)]
    modules = question_modules(assignment)
    alternatives = folder.parent / "alternatives"
    for stray in sorted(path for path in alternatives.glob("[!_]*/") if path.name not in modules):
        raise CourseError(f"{shown(assignment, stray)}: {stray.name!r} is not a question")

    def position(name: str) -> int:  # without a graded cell, which the builder refuses, the solution's
        return next((ids.index(cell) for cell in (f"check_{name}", name) if cell in ids), len(ids))

    questions: list[Question] = []
    for name in sorted(modules, key=position):
        question = getattr(modules[name], "QUESTION", None)
        if not isinstance(question, Question):
            raise CourseError(
                f"{shown(assignment, folder / name)}.py:1: no QUESTION is defined, which must be a Question"
            )
        cases = [_with_its_bar(case, assignment) for case in question.cases]
        others = [_alternative(assignment, path) for path in sorted((alternatives / name).glob("*.py"))]
        question = replace(question, id=name, cases=cases, alternatives=others)
        _check(assignment, question, {earlier.id for earlier in questions})
        questions.append(question)
    return tuple(questions)


def _check(assignment: Assignment, question: Question, earlier_ids: set[str]) -> None:
    """Refuse what does not fit the notebook or the earlier questions."""
    cells = {cell.id: cell.source for cell in assignment_cells(assignment) if cell.role == "solution"}

    def refuse(problem: str, *texts: str) -> CourseError:
        return CourseError(f"{place(assignment, question.id, *texts)}: {problem}")

    if not question.cases:
        raise refuse(f"question {question.id!r} has no case")
    if any(case.core for case in question.cases) != bool(question.core):
        raise refuse(f"{question.id!r} needs both core cases and the words for them, or neither", question.core)
    for earlier in question.builds_on:
        if earlier not in earlier_ids:
            raise refuse(f"{question.id!r} builds on {earlier!r}, which is not an earlier question", earlier)
    if question.made_by and question.made_by not in {cell.id for cell in assignment_cells(assignment)}:
        raise refuse(f"{question.id!r} is made by {question.made_by!r}, which is not a cell", question.made_by)
    edits: list[Misconception | Alternative] = [*question.misconceptions, *question.alternatives]
    for edit in edits:
        name = edit.cell or question.id
        if name not in cells:
            raise refuse(f"{edit.name!r} of {question.id!r} is about {name!r}, which is not a solution cell", edit.name)
        if isinstance(edit, Misconception) and (times := cells[name].count(edit.old)) != 1:
            raise refuse(f"{edit.name!r}: {edit.old!r} occurs {times} times in {name!r}, not once", edit.name)


def _with_its_bar(case: Case, assignment: Assignment) -> Case:
    """A case whose judge, if it is a bar, knows the assignment's file of bars."""
    return (
        replace(case, judge=replace(case.judge, file=assignment.folder / FILE)) if isinstance(case.judge, Bar) else case
    )


def _alternative(assignment: Assignment, path: Path) -> Alternative:
    """An alternative from its file, without the lines that import the notebook's names."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    for node in parsed(assignment, path).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("assignments."):
            for number in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[number] = ""
    about = CELL.match(text)
    if about:
        lines[0] = ""
    return Alternative(path.stem.replace("_", " "), "".join(lines).strip(), about[1] if about else "")


def edited_cell(assignment: Assignment, question: Question, edit: Misconception | Alternative) -> dict[str, str]:
    """The solution cell that an edit changes, as {cell id: new source}."""
    return edited_cells(assignment, ((question, edit),))


def edited_cells(
    assignment: Assignment, edits: Sequence[tuple[Question, Misconception | Alternative]]
) -> dict[str, str]:
    """The solution cells that edits of questions change, as {cell id: new source}.

    Raises ValueError where one edit takes away what another one replaces.
    """
    cells: dict[str, str] = {}
    for question, edit in edits:
        name = edit.cell or question.id
        if isinstance(edit, Alternative):
            cells[name] = edit.source
            continue
        source = cells.get(name) or next(cell.source for cell in assignment_cells(assignment) if cell.id == name)
        if source.count(edit.old) != 1:
            raise ValueError(f"{edit.name!r} cannot be combined with the edits before it")
        cells[name] = source.replace(edit.old, edit.new)
    return cells
