"""The files of an oracle: questions as modules, alternatives as text, and where in them something stands."""

from __future__ import annotations

import ast
import importlib
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from autograder.course.errors import CourseError
from autograder.course.paths import Assignment


def question_modules(assignment: Assignment) -> dict[str, ModuleType]:
    """The modules of the questions by name, in a package of a private name, so that they can import what they share.

    Raises CourseError with file and line for a module that does not run.
    """
    folder = assignment.folder / "questions"
    package = ModuleType(f"questions_of_{assignment}")
    package.__path__ = [str(folder)]
    for name in [name for name in sys.modules if name.split(".")[0] == package.__name__]:
        del sys.modules[name]  # of an earlier reading, or of another course
    sys.modules[package.__name__] = package
    modules = {}
    for path in sorted(folder.glob("[!_]*.py")):
        try:
            modules[path.stem] = importlib.import_module(f"{package.__name__}.{path.stem}")
        except Exception as error:
            raise CourseError(f"{origin(assignment, error) or shown(assignment, path)}: {words(error)}") from error
    return modules


def parsed(assignment: Assignment, path: Path) -> ast.Module:
    """A file's syntax tree. Raises CourseError with file and line."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"), str(path))
    except SyntaxError as error:
        raise CourseError(f"{origin(assignment, error)}: {words(error)}") from error


def words(error: BaseException) -> str:
    """An error as its author reads it: type and message in one line, of a CourseError the message alone."""
    if isinstance(error, CourseError):
        return str(error)
    message = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def origin(assignment: Assignment, error: BaseException) -> str:
    """The innermost file and line of the assignment's folder that an error came through, or nothing."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((error.filename or "", error.lineno))
    inside = [(Path(file), line) for file, line in places if Path(file).is_relative_to(assignment.folder)]
    return f"{shown(assignment, inside[-1][0])}:{inside[-1][1]}" if inside else ""


def place(assignment: Assignment, question: str, *texts: str) -> str:
    """File and line at which one of some texts first stands as a string: in a question's file or in what it shares.

    The file's first line where none does, as when a name is put together by the program.
    """
    own = assignment.folder / "questions" / f"{question}.py"
    for text in texts:
        for path in (own, *sorted(own.parent.glob("_*.py"))):
            if line := min(_lines(parsed(assignment, path), text), default=0):
                return f"{shown(assignment, path)}:{line}"
    return f"{shown(assignment, own)}:1"


def _lines(tree: ast.Module, text: str) -> Iterator[int]:
    return (node.lineno for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value == text)


def shown(assignment: Assignment, path: Path) -> str:
    """The path of a file of the assignment, from the course's folder."""
    return assignment.relative(path.relative_to(assignment.folder).as_posix()).as_posix()
