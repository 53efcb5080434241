"""`course report`: one self-contained page on a class's work, and one for each student, from the results of grading."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from markupsafe import Markup
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment, SubmittedNotebook

from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import course_directory, local
from autograder.course.paths import Assignment, Course
from autograder.intake.submissions import submission_folders
from autograder.marking.verdicts import Verdict
from autograder.pages.class_report import ClassReport, SubmissionReport
from autograder.pages.layout import Row, template, titles
from utils.files import replaced

LARGEST = 256 << 20  # bytes of a graded notebook that is read


def read_class(root: Path, assignment: Assignment, formgrader: str) -> ClassReport:
    """Gather an assignment's work in a course folder. Raises CourseError where nothing has been graded.

    formgrader: the address of the Jupyter server that shows it, for links.
    """
    coursedir = course_directory(root)
    works, problems = [], []
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            submissions = gradebook.assignment_submissions(assignment.name)
        except MissingEntry:
            raise CourseError(
                f"the gradebook has no assignment {assignment}: run `course build {assignment}`"
            ) from None
        for submission in submissions:
            student = submission.student
            name = " ".join(part for part in (student.first_name, student.last_name) if part)
            graded = coursedir.format_path(coursedir.autograded_directory, student.id, assignment.name)
            path = Path(graded) / f"{assignment}.ipynb"
            waiting = {
                grade.name: f"{formgrader.rstrip('/')}/formgrader/submissions/{book.id}/"
                for book in submission.notebooks
                for grade in book.grades
                if grade.needs_manual_grade and grade.cell.cell_type == "markdown"
            }
            left: dict = {"graded": False}
            try:
                left = _notebook(path) if path.is_file() else left
            except Exception as error:  # whatever is in it costs this page alone
                why = " ".join(str(error).split())[:200]
                problems.append(f"{assignment}: the graded notebook of {student.id} cannot be read: {why}")
            score = max(0.0, submission.score - submission.late_submission_penalty)  # marks given by hand are in it
            rows = [row for book in submission.notebooks for row in _rows(assignment, book, left.get("verdicts", []))]
            left["when"] = _when(submission)
            works.append(SubmissionReport(student.id, name, score, submission.max_score, rows, waiting, **left))
    listed = {work.student for work in works}
    for folder in submission_folders(coursedir, assignment.name):
        if (student_id := Path(folder).parent.name) not in listed:
            works.append(SubmissionReport(student_id, "", 0.0, 0.0, graded=False))
    if problems and not any(work.graded for work in works):
        raise CourseError("; ".join(problems))
    if not any(work.graded for work in works):
        raise CourseError(f"nothing of {assignment} is graded yet: run `course grade {assignment}`")
    return ClassReport(assignment, sorted(works, key=lambda work: (-work.score, work.student)), problems)


def _when(submission: SubmittedAssignment) -> str:
    """When a submission was due and handed in, and what lateness costs, as far as the gradebook knows."""
    told = []
    if submission.duedate:
        extended = f", extended from {local(submission.assignment.duedate)}" if submission.extension else ""
        told.append(f"due by {local(submission.duedate)}{extended}")
    if submission.timestamp:
        told.append(f"handed in {local(submission.timestamp)}")
    if penalty := submission.late_submission_penalty:
        told.append(f"{penalty:g} points off for lateness")
    sentence = "; ".join(told)
    return sentence[:1].upper() + sentence[1:]


def _rows(assignment: Assignment, book: SubmittedNotebook, verdicts: list[Verdict]) -> list[Row]:
    """A submission's questions with their points from the gradebook, in the notebook's order."""
    grades = {grade.name.removeprefix("check_"): grade for grade in book.grades}
    comments = {comment.name: comment.comment or "" for comment in book.comments}
    follows = {v.question for v in verdicts if any(finding.follows for finding in v.findings)}
    return [
        Row(
            name,
            title,
            grades[name].score,
            grades[name].max_score,
            waits=bool(grades[name].needs_manual_grade),
            follows=name in follows,
            comment=comments.get(grades[name].name, ""),
        )
        for name, title in titles(assignment).items()
        if name in grades
    ]


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
    if (size := path.stat().st_size) > LARGEST:
        raise ValueError(f"it has {size >> 20} MiB; at most {LARGEST >> 20} are read")
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
    root: Path, assignments: Iterable[Assignment], output: Path, formgrader: str
) -> tuple[list[Path], list[str]]:
    """Write the pages of each assignment into a folder; returns the class pages, and what could not be read.

    Raises CourseError.
    """
    script = files("autograder.pages").joinpath("templates", "sort.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    own = {"script": Markup(script), "script_hash": f"sha256-{digest}"}
    written, problems = [], []
    for assignment in assignments:
        report = read_class(root, assignment, formgrader)
        problems += report.problems
        class_page = output / f"{assignment}.html"
        _put(class_page, template("class.html.j2").render(report=report, **own))
        for work in report.works:
            page = template("student.html.j2").render(report=report, work=work)
            _put(output / assignment.name / f"{work.student}.html", page)
        written.append(class_page)
    return written, problems


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as part:
        part.write_text(text, encoding="utf-8", errors="replace")
