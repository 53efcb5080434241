"""`course report`: self-contained pages on the term and on a class's work, and two for each student."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from markupsafe import Markup

from autograder.course.errors import CourseError
from autograder.course.marks import Mark
from autograder.course.nbgrader_api import course_directory, local
from autograder.course.paths import Assignment, Course
from autograder.course.solutions import assignment_cells
from autograder.course.words import number
from autograder.marking.verdicts import Verdict
from autograder.pages.class_report import Absent, ClassReport, SubmissionReport
from autograder.pages.layout import Row, adjustments, question_comments, template, titles, too_large
from autograder.pages.term_report import Column, read_term
from utils.files import replaced


def read_class(root: Path, column: Column, names: Mapping[str, str], formgrader: str) -> ClassReport:
    """Gather an assignment's work in a course folder. Raises CourseError where nothing has been graded.

    column: what the gradebook has of it. names: the class, by student. formgrader: the address of the Jupyter server
    that shows it, for links.
    """
    assignment = column.assignment
    coursedir = course_directory(root)
    works, problems, absent = [], [], []
    for student, entry in column.entries.items():
        if not entry.there:
            absent.append(Absent(student, names[student], entry.due if entry.open else None))
            continue
        folder = coursedir.format_path(coursedir.autograded_directory, student, assignment.name)
        path = Path(folder) / f"{assignment}.ipynb"
        left: dict = {"graded": False}
        try:
            left = _notebook(path) if entry.mark and path.is_file() else left
        except Exception as error:  # whatever is in it costs this page alone
            why = " ".join(str(error).split())[:200]
            problems.append(f"{assignment}: the graded notebook of {student} cannot be read: {why}")
        if mark := entry.mark:
            left |= _marks(assignment, mark, left.get("verdicts", []), formgrader)
        works.append(
            SubmissionReport(
                student, names[student], mark.total if mark else 0.0, mark.most if mark else 0.0, why=entry.why, **left
            )
        )
    if problems and not any(work.graded for work in works):
        raise CourseError("; ".join(problems))
    if not any(work.graded for work in works):
        raise CourseError(f"nothing of {assignment} is graded yet: run `course grade {assignment}`")
    return ClassReport(assignment, sorted(works, key=lambda work: (-work.score, work.student)), problems, absent)


def _marks(assignment: Assignment, mark: Mark, verdicts: list[Verdict], formgrader: str) -> dict[str, Any]:
    """What a submission's page says of its mark: questions in the notebook's order, and what is added or taken off."""
    named = titles(assignment)
    cells = [(cell.id, cell.role in ("question", "written")) for cell in assignment_cells(assignment) if cell.id]
    comments = question_comments(mark.comments, cells)
    follows = {v.question for v in verdicts if any(finding.follows for finding in v.findings)}
    rows = []
    for name, graded in cells:
        if graded and name in mark.questions:
            one, short = mark.questions[name], name.removeprefix("check_")
            row = Row(short, named[short], one.score, one.points, one.waits, short in follows, comments.get(name, ""))
            rows.append(row)
    addresses = {
        name: f"{formgrader.rstrip('/')}/formgrader/submissions/{mark.questions[name].book}/" for name in mark.waiting
    }
    return {
        "rows": rows,
        "adjustments": adjustments(mark, named),
        "unmarked": {name.removeprefix("check_"): address for name, address in addresses.items()},
        "when": _when(mark),
    }


def _when(mark: Mark) -> str:
    """When a submission was due and handed in, and what lateness costs, as far as the gradebook knows."""
    told = []
    if mark.due and mark.due_for_all:
        extended = f", extended from {local(mark.due_for_all)}" if mark.due != mark.due_for_all else ""
        told.append(f"due by {local(mark.due)}{extended}")
    if mark.handed_in:
        told.append(f"handed in {local(mark.handed_in)}")
    if mark.penalty:
        told.append(f"{number(mark.penalty)} points off for lateness")
    sentence = "; ".join(told)
    return sentence[:1].upper() + sentence[1:]


def graded_assignments(root: Path, course: Course) -> list[Assignment]:
    """The course's assignments of which a folder holds graded submissions. Raises CourseError where there is none."""
    graded = [one for one in course.assignments() if any(root.glob(f"autograded/*/{one}/{one}.ipynb"))]
    if not graded:
        raise CourseError("nothing is graded yet: run `course grade`")
    return graded


def _notebook(path: Path) -> dict[str, Any]:
    """A graded notebook's verdicts, repairs, seconds of each cell, and the lines at fault.

    Raises ValueError where grading did not write it.
    """
    if problem := too_large(path.stat().st_size):
        raise ValueError(f"it {problem}")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    course = notebook["metadata"].get("course", {})
    verdicts = [Verdict.from_dict(c["metadata"]["course"]) for c in notebook["cells"] if "course" in c["metadata"]]
    repairs, seconds = list(course.get("repairs", [])), dict(course.get("seconds", {}))
    if not (
        all(isinstance(line, str) for line in repairs)
        and all(isinstance(value, (int, float)) for value in seconds.values())
    ):
        raise ValueError("its repairs or seconds are not as grading writes them")
    sources = {c["metadata"].get("nbgrader", {}).get("grade_id"): "".join(c["source"]) for c in notebook["cells"]}
    lines = {v.question: sources.get(v.question, "").splitlines()[v.line - 1 : v.line] for v in verdicts if v.line}
    shown = {question: line[0].strip() for question, line in lines.items() if line}
    return {"verdicts": verdicts, "repairs": repairs, "seconds": seconds, "lines": shown}


def write_reports(
    root: Path, assignments: Sequence[Assignment], output: Path, formgrader: str
) -> tuple[list[Path], list[str]]:
    """Write the pages of some assignments and of the term into a folder.

    Returns the page of the term and the class pages, and what could not be read. Raises CourseError.
    """
    script = files("autograder.pages").joinpath("templates", "sort.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    own = {"script": Markup(script), "script_hash": f"sha256-{digest}"}
    term = read_term(root, assignments[0].course)
    written, problems = [output / "index.html"], []
    for assignment in assignments:
        report = read_class(root, term.column(assignment), term.names, formgrader)
        problems += report.problems
        class_page = output / f"{assignment}.html"
        _put(class_page, template("class.html.j2").render(report=report, **own))
        for work in report.works:
            page = template("student.html.j2").render(report=report, work=work)
            _put(output / assignment.name / f"{work.student}.html", page)
        written.append(class_page)
    for one in term.standings:
        _put(output / "students" / f"{one.student}.html", template("term.html.j2").render(one=one))
    pages = {path.relative_to(output).as_posix() for path in output.rglob("*.html")}
    _put(output / "index.html", template("index.html.j2").render(term=term, pages=pages, **own))
    return written, problems


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as part:
        part.write_text(text, encoding="utf-8", errors="replace")
