"""Build the notebooks: assignments/<hw>/notebook.py -> source/<hw>/<hw>.ipynb -> release/ by nbgrader.

Same input, same bytes. An author's mistakes are refused with file and line before anything is written.
"""

from __future__ import annotations

import ast
import contextlib
import filecmp
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from autograder.build import template
from autograder.build.migrate import migrate
from autograder.build.totals import handout_problems, notebook_problems, table_problems
from autograder.build.trial import try_out
from autograder.course.cells import MARKER, Cell, read_cells
from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import api
from autograder.course.paths import Assignment, Course
from autograder.course.rubrics import parts, read_rubric
from autograder.course.solutions import assignment_cells
from autograder.oracle.questions import load_questions

# JupyterLab's way and Colab's to show a cell's output without its source
FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}


def build(assignment: Assignment, folder: Path | None = None) -> list[str]:
    """Write source/ and release/ of one assignment into a folder, its course's unless given.

    Where students have handed in, the gradebook follows (`migrate`); returns in words which questions came and went.
    Raises CourseError; then source/ and release/ are as they were.
    """
    check(assignment)
    try_out(assignment)
    return _write(assignment, folder or assignment.course.root)


def _write(assignment: Assignment, top: Path) -> list[str]:
    name = assignment.name
    whole = notebook(assignment)
    with _put_back_on_failure(top / "source" / name, top / "release" / name):
        source = top / "source" / name
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir(parents=True)
        text = nbformat.writes(whole, version=4)
        (source / f"{name}.ipynb").write_text(text + "\n", encoding="utf-8", newline="\n")
        shutil.copyfile(assignment.folder / "README.md", source / "README.md")
        course = api(top)
        with Gradebook(course.coursedir.db_url, course.coursedir.course_id) as gradebook:
            told = migrate(gradebook, name, whole)
        result = course.generate_assignment(name, force=True, create=True)
        if not result["success"]:
            problem = result.get("log") or result.get("error")
            raise CourseError(f"nbgrader generate_assignment {name} failed:\n{problem}")
    return told


@contextlib.contextmanager
def _put_back_on_failure(*folders: Path) -> Iterator[None]:
    """Give folders what they held before, if the block fails."""
    with tempfile.TemporaryDirectory() as kept:
        copies = {folder: Path(kept, str(number)) for number, folder in enumerate(folders) if folder.exists()}
        for folder, copy in copies.items():
            shutil.copytree(folder, copy)
        try:
            yield
        except BaseException:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
                if folder in copies:
                    shutil.copytree(copies[folder], folder)
            raise


def stale_files(course: Course, names: Iterable[str] = ()) -> list[Path]:
    """Files of source/ and release/ that differ from a fresh build's, or that only one of the two has."""
    stale = []
    with tempfile.TemporaryDirectory() as made:
        tops = (Path(made), course.root)
        for assignment in course.pick(names):
            check(assignment)
            _write(assignment, Path(made))  # the questions do not go in
            for folder in (Path("source") / assignment.name, Path("release") / assignment.name):
                both = [{p.relative_to(top) for p in (top / folder).rglob("*") if p.is_file()} for top in tops]
                for path in sorted(path for path in both[0] | both[1] if ".ipynb_checkpoints" not in path.parts):
                    if not filecmp.cmpfiles(*tops, [path], shallow=False)[0]:
                        stale.append(path)
    return stale


def notebook(assignment: Assignment) -> nbformat.NotebookNode:
    """The instructor's notebook of an assignment: solutions, nbgrader's metadata, and what each question is about."""
    title, *cells = assignment_cells(assignment)
    counts: dict[str, int] = {}
    core = {question.id: question.core for question in load_questions(assignment) if question.core}

    def name(cell: Cell) -> str:
        if cell.id:
            return cell.id
        stem = cell.role or ("text" if cell.kind == "markdown" else "show")
        counts[stem] = counts.get(stem, 0) + 1
        return f"{stem}-{counts[stem]}"

    built = [
        new_markdown_cell(f"{title.source}\n\n{template.badge(assignment)}", id="title"),
        new_code_cell(
            template.set_up(assignment.course), id="set-up", metadata=_metadata("set-up", locked=True) | FOLDED
        ),
    ]
    for cell in cells:
        if cell.role == "solution" and cell.id in core:
            text = next(one for one in reversed(built) if one.cell_type == "markdown" and not one.metadata)
            text.source += (
                f"\n\n*What counts most in `{cell.id}`: {core[cell.id]}. If that fails, it earns half at most.*"
            )
        new = new_code_cell if cell.kind == "code" else new_markdown_cell
        built.append(new(cell.source, id=name(cell)))
        role = cell.role or ("show" if cell.kind == "code" else "")
        if role:
            built[-1].metadata = nbformat.from_dict(_role_metadata(role, built[-1].id, cell.points))
    result = new_notebook(cells=built, metadata=template.metadata(assignment))
    result.nbformat_minor = 5
    nbformat.validate(result)
    return result


def _role_metadata(role: str, grade_id: str, points: float | None) -> dict:
    if role == "question":
        return _metadata(grade_id, grade=True, locked=True, points=points) | FOLDED  # a student works on what is above
    if role == "written":
        return _metadata(grade_id, grade=True, solution=True, points=points)
    if role == "solution":
        return _metadata(grade_id, solution=True)
    return _metadata(grade_id, locked=True)


def _metadata(grade_id: str, *, grade=False, solution=False, locked=False, points: float | None = None) -> dict:
    """A cell's metadata with all keys of nbgrader's schema 3; locked cells cannot be edited or deleted by accident."""
    metadata: dict = {"nbgrader": {"grade": grade, "grade_id": grade_id, "locked": locked, "schema_version": 3}}
    metadata["nbgrader"] |= {"solution": solution, "task": False}
    if grade:
        metadata["nbgrader"]["points"] = points
    if locked:
        metadata |= {"deletable": False, "editable": False}
    return metadata


def check(assignment: Assignment) -> None:
    """Refuse an author's mistakes, with file and line. Raises CourseError."""
    cells = assignment_cells(assignment)
    path = assignment.relative("notebook.py")
    for line, problem in _problems(assignment, cells):
        raise CourseError(f"{path}:{line}: {problem}")
    for line, problem in handout_problems(assignment, cells):
        raise CourseError(f"{assignment.relative('README.md')}:{line}: {problem}")
    for stray in sorted(assignment.folder.glob("**/*.ipynb")):
        line = next(
            (n for n, text in enumerate(stray.read_text(encoding="utf-8").splitlines(), 1) if '"outputs"' in text), 1
        )
        raise CourseError(
            f"{stray.relative_to(assignment.course.root)}:{line}: outputs left in: only notebook.py belongs here"
        )


def _problems(assignment: Assignment, cells: tuple[Cell, ...]) -> Iterator[tuple[int, str]]:
    if not cells or cells[0].kind != "markdown" or not cells[0].source.startswith("# "):
        yield 1, "the first cell must be markdown with the notebook's title"
    seen: dict[str, int] = {}
    for cell in cells:
        if cell.id and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell.id):
            yield cell.line, f"id {cell.id!r} may hold letters, digits, '-' and '_', 64 at most"
        if cell.id in seen:
            yield cell.line, f"id {cell.id!r} is taken by the cell at line {seen[cell.id]}"
        if cell.id:
            seen[cell.id] = cell.line
        yield from _markers(cell)
        if (cell.role in ("question", "written")) != (cell.points is not None):
            yield cell.line, "points belong on 'question' and 'written' cells, and each of them needs some"
        if cell.points is not None and cell.points <= 0:
            yield cell.line, f"points must be positive, got {cell.points:g}"
        if cell.role == "written":
            yield from _rubric(cell)
    for cell in read_cells(assignment.folder / "notebook.py"):  # what is included has lines of its own
        if cell.kind == "code":
            yield from _code(cell)
    yield from _against_oracle(assignment, cells)
    if not (assignment.folder / "README.md").is_file():
        yield 1, f"the hand-out {assignment.relative('README.md')} is missing"
    yield from table_problems(assignment, cells)
    yield from notebook_problems(assignment, cells)


def _markers(cell: Cell) -> Iterator[tuple[int, str]]:
    marks = []
    for n, text in enumerate(cell.source.splitlines(), 1):
        if match := MARKER.search(text):
            marks.append((n, match[1]))
            if f"### {match[0]}" not in text:
                yield cell.line + n, f"a marker is written '### {match[0]}', with three #"
    if cell.role not in ("solution", "written"):
        for n, _ in marks:
            yield cell.line + n, "a solution marker outside of a 'solution' or 'written' cell"
        return
    if not marks:
        yield cell.line, f"a {cell.role!r} cell needs '### BEGIN SOLUTION' and '### END SOLUTION'"
    expected = ["BEGIN", "END"] * (len(marks) // 2 + 1)
    for (n, mark), wanted in zip(marks, expected, strict=False):
        if mark != wanted:
            yield cell.line + n, f"{mark} SOLUTION where {wanted} SOLUTION was expected"
    if len(marks) % 2:
        yield cell.line + marks[-1][0], "BEGIN SOLUTION without END SOLUTION"
    wanted_kind = "markdown" if cell.role == "written" else "code"
    if cell.kind != wanted_kind:
        yield cell.line, f"a {cell.role!r} cell is {wanted_kind}, not {cell.kind}"


def _rubric(cell: Cell) -> Iterator[tuple[int, str]]:
    try:
        rubric = read_rubric(parts(cell.source)[1])
    except ValueError as error:
        yield cell.line, f"{cell.id}: {error}"
        return
    if rubric.items and cell.points is not None and abs(rubric.points - cell.points) > 1e-9:
        yield cell.line, f"the items of the rubric of {cell.id} make {rubric.points:g} points, it gives {cell.points:g}"


def _code(cell: Cell) -> Iterator[tuple[int, str]]:
    try:
        tree = ast.parse(cell.source)
    except SyntaxError as error:
        yield cell.line + (error.lineno or 1), f"syntax error: {error.msg}"
        return
    names = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    if cell.role == "solution" and cell.id not in names:
        yield (
            cell.line,
            f"a 'solution' cell's id must be the name that it defines, but {cell.id!r} is not defined in it",
        )
    if cell.role == "question" and tree.body and isinstance(tree.body[-1], ast.Expr):
        last = tree.body[-1].value
        call = isinstance(last, ast.Call) and ast.unparse(last.func).startswith("checks.")
        if not call:  # nbgrader would read its value as the score
            line = cell.line + tree.body[-1].lineno
            yield line, "a graded cell must not end in a bare expression; end it in checks.passed(...)"


def _against_oracle(assignment: Assignment, cells: tuple[Cell, ...]) -> Iterator[tuple[int, str]]:
    asked = {question.id for question in load_questions(assignment)}
    graded = {}
    for cell in cells:
        if cell.role == "question":
            if not cell.id.startswith("check_"):
                yield cell.line, f"a graded cell's id is check_<question>, got {cell.id!r}"
            graded[cell.id.removeprefix("check_")] = cell.line
    for name, line in graded.items():
        if name not in asked:
            yield line, f"question {name!r} has no oracle"
    for name in asked - set(graded):
        yield 1, f"the oracle asks {name!r}, but there is no graded cell check_{name}"
    for cell in cells:
        if cell.role == "solution" and cell.id not in graded:
            yield cell.line, f"solution {cell.id!r} has no graded cell check_{cell.id}"
