"""Every question is asked of the solution before it is built, so that no case is right whatever a student writes.

Inputs are drawn and programs run in the builder's process, as the grader does for its own answers. What a trained
result answers is not computed here, since training takes minutes: `course verify` asks it. Of its cases, the inputs are
drawn and the names are looked up.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import symtable
import traceback
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from threadpoolctl import threadpool_limits

from autograder.course.errors import CourseError
from autograder.course.paths import Assignment
from autograder.course.solutions import assignment_cells, namespace
from autograder.marking import answering
from autograder.marking.reference import draw_inputs, kept_inputs
from autograder.oracle.bars import Measured
from autograder.oracle.files import origin, place, words
from autograder.oracle.questions import Alternative, Case, Misconception, Question, edited_cell, load_questions

SECRET = "a build"  # the same inputs each time: a build passes or fails for good
GIVEN = {"course", "__name__", *dir(builtins)}  # the set-up cell makes `course`


def try_out(assignment: Assignment) -> None:
    """Ask the solution all cases of all functions and classes, and look at every edit. Raises CourseError.

    The message names question file and line, the case and what is wrong with it.
    """
    questions = load_questions(assignment)
    solutions = {cell.id for cell in assignment_cells(assignment) if cell.role == "solution"}
    defined = set().union(*(_defined(c.source) for c in assignment_cells(assignment) if c.kind == "code"))
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        names = namespace(assignment)
        with threadpool_limits(1):  # threads that wait slow small products down
            for question in questions:
                _try_edits(assignment, question, defined)
                for case in question.cases:
                    inputs = _inputs(assignment, question, case)
                    if missing := undefined(case.ask, defined | inputs.keys()):
                        at = place(assignment, question.id, case.name, case.ask)
                        problem = f"the program reads {missing[0]!r}, which nothing defines"
                        raise CourseError(f"{at}: case {case.name!r}: {problem}")
                    if question.id in solutions:
                        _ask(assignment, question, case, inputs, names)


def _inputs(assignment: Assignment, question: Question, case: Case) -> dict:
    """What a case draws and sends."""
    try:
        inputs = draw_inputs(assignment, question, case, SECRET)
        kept_inputs(assignment, question, case, SECRET)
        return {name: answering.decode(answering.encode(value)) for name, value in inputs.items()}
    except Exception as error:
        at = origin(assignment, error) or place(assignment, question.id, case.name, case.ask)
        raise CourseError(f"{at}: case {case.name!r}: its inputs cannot be drawn: {words(error)}") from error


def _ask(assignment: Assignment, question: Question, case: Case, inputs: dict, names: Mapping) -> None:
    """Refuse a case on which the solution raises what is not asked for, or which the solution itself fails."""

    def refuse(problem: str, error: Exception | None = None) -> CourseError:
        at = (error and origin(assignment, error)) or place(assignment, question.id, case.name, case.ask)
        return CourseError(f"{at}: case {case.name!r}{problem}")

    try:
        value = answering.evaluate(case.ask, dict(names) | inputs)
    except Exception as error:
        if type(error) is case.raises:  # marking compares the class itself
            return
        raised = f"{words(error)}, at `{_line(error, case.ask)}`"
        if case.raises:
            raise refuse(f" says raises={case.raises.__name__}, but the solution raises {raised}") from error
        raise refuse(f": the solution raises {raised}; a case that asks for an error says so by raises=") from error
    if case.raises:
        raise refuse(f" says raises={case.raises.__name__}, but the solution returns a value")
    try:
        answer = answering.encode(value)
    except (TypeError, ValueError) as error:
        raise refuse(f": the answer cannot be sent: {error}") from error
    if case.judge is None:
        return
    try:
        kept = kept_inputs(assignment, question, case, SECRET)
        judged: Any = case.judge(answering.decode(answer), inputs | kept, names)
    except Exception as error:
        raise refuse(f": its judge raises {words(error)}", error) from error
    if reason := judged.reason if isinstance(judged, Measured) else judged:
        raise refuse(f": the solution does not pass it: {reason}")


def _line(error: Exception, program: str) -> str:
    """The innermost line of the solution or of the program that an error came through."""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if f.filename == "<case>" or "/notebook.py:" in f.filename
    ]
    if not frames:
        return program.strip().splitlines()[-1].strip()
    last = frames[-1]
    return (program.splitlines()[(last.lineno or 1) - 1] if last.filename == "<case>" else last.line or "").strip()


def _try_edits(assignment: Assignment, question: Question, defined: set[str]) -> None:
    """Refuse a misconception or an alternative that is no Python, reads an unknown name, or changes nothing."""
    sources = {cell.id: cell.source for cell in assignment_cells(assignment) if cell.role == "solution"}
    edits: list[Misconception | Alternative] = [*question.misconceptions, *question.alternatives]
    for edit in edits:
        ((cell, source),) = edited_cell(assignment, question, edit).items()
        problem = _problem(source, sources[cell], defined)
        if problem:
            at = place(assignment, question.id, edit.name)
            if isinstance(edit, Alternative):
                at = f"{assignment.relative('alternatives')}/{question.id}/{edit.name.replace(' ', '_')}.py:1"
            raise CourseError(f"{at}: {edit.name!r} {problem} in {cell!r}")


def _problem(source: str, solution: str, defined: set[str]) -> str:
    """What is wrong with a solution cell's other text, or nothing."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return f"leaves a syntax error ({error.msg})"
    if ast.dump(tree) == ast.dump(ast.parse(solution)):
        return "changes nothing but layout or comments"
    missing = undefined(source, defined)
    return f"reads {missing[0]!r}, which nothing defines," if missing else ""


def undefined(source: str, known: Iterable[str]) -> list[str]:
    """The names that a program reads from outside of it and that are neither known nor Python's own."""
    return sorted(_read(source) - _defined(source) - set(known) - GIVEN)


def _tables(table: symtable.SymbolTable) -> Iterable[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _defined(source: str) -> set[str]:
    """The names that a program assigns or imports at its top, or as global."""
    top, *others = _tables(symtable.symtable(source, "<source>", "exec"))
    own = {one.get_name() for one in top.get_symbols() if one.is_assigned() or one.is_imported() or one.is_namespace()}
    stated = (one for table in others for one in table.get_symbols() if one.is_declared_global() and one.is_assigned())
    return own | {one.get_name() for one in stated}


def _read(source: str) -> set[str]:
    """The names that a program reads as globals, anywhere in it."""
    top, *others = _tables(symtable.symtable(source, "<source>", "exec"))
    own = {one.get_name() for one in top.get_symbols() if one.is_referenced()}
    return own | {one.get_name() for t in others for one in t.get_symbols() if one.is_global() and one.is_referenced()}
