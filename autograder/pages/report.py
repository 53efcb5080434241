"""`course report`: one self-contained page on a class's work, and one for each student, from the results of grading."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from jinja2 import Environment, PackageLoader
from nbgrader.api import Gradebook, MissingEntry

from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import course_directory
from autograder.course.paths import Assignment, Course
from autograder.intake.submissions import submission_folders
from autograder.marking.verdicts import Verdict
from autograder.oracle.questions import load_questions
from autograder.pages.references import references
from utils.files import replaced

BINS = 10
LARGEST = 256 << 20  # bytes of a graded notebook that is read


@dataclass(frozen=True)
class SubmissionReport:
    """A student's submission of an assignment, from the gradebook and the graded notebook.

    unmarked: ids of written answers that wait for a mark, each with the formgrader's address. repairs: what the
    intake repaired, in words. seconds: of the cells, by cell.
    """

    student: str
    name: str
    score: float
    most: float
    unmarked: dict[str, str] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    graded: bool = True

    @property
    def share(self) -> float:
        """The score as a share of the most."""
        return self.score / self.most if self.most else 0.0

    @property
    def figures(self) -> dict[str, float]:
        """What was measured of this submission, by name."""
        findings = [finding for verdict in self.verdicts for finding in verdict.findings]
        return {finding.figure: finding.value for finding in findings if finding.value is not None}


@dataclass(frozen=True)
class QuestionSummary:
    """How a class did on a question: mean points, how many got all of them, why the others did not, by how many."""

    name: str
    points: float
    mean: float
    full: int
    asked: int
    reasons: list[tuple[str, int]]  # words, how many students


@dataclass(frozen=True)
class Rank:
    """A row of a ranking: a student, or what to compare with (then `place` is empty)."""

    place: str
    who: str
    value: float
    seconds: float | None = None


@dataclass(frozen=True)
class ClassReport:
    """An assignment's work, the best first, with what the pages show of it.

    problems: whose graded notebook cannot be read and why, in sentences.
    """

    assignment: Assignment
    works: list[SubmissionReport]
    problems: list[str] = field(default_factory=list)

    @property
    def graded(self) -> list[SubmissionReport]:
        """The submissions that could be graded."""
        return [work for work in self.works if work.graded]

    @cached_property
    def histogram(self) -> list[tuple[str, int]]:
        """How many submissions lie in each tenth of the marks, by its limits in percent; the last holds 100."""
        counts = Counter(min(int(work.share * BINS + 1e-9), BINS - 1) for work in self.graded)
        return [(f"{100 * k // BINS} to {100 * (k + 1) // BINS} %", counts[k]) for k in range(BINS)]

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """Quartiles of the scores; a single score stands for all three."""
        scores = [work.score for work in self.graded]
        low, middle, high = statistics.quantiles(scores, method="inclusive") if scores[1:] else scores * 3
        return low, middle, high

    @cached_property
    def questions(self) -> list[QuestionSummary]:
        """The questions in the notebook's order."""
        summaries = []
        for question in load_questions(self.assignment):
            verdicts = [v for work in self.graded for v in work.verdicts if v.question == question.id]
            if not verdicts:
                continue
            why: Counter[str] = Counter()
            for verdict in verdicts:
                met = {f.reason for f in verdict.findings if f.misconception}
                if any(finding.follows for finding in verdict.findings):
                    why["follows from an earlier question: no points lost for that"] += 1
                if question.made_by and verdict.note:
                    why["built on an earlier question, which lost marks"] += 1
                elif verdict.score < verdict.points:
                    why.update(met or {"for a reason of their own"})
            points = verdicts[0].points
            full = sum(1 for v in verdicts if v.score == points)
            mean = statistics.fmean(v.score for v in verdicts)
            summaries.append(QuestionSummary(question.id, points, mean, full, len(verdicts), why.most_common()))
        return summaries

    @property
    def figures(self) -> list[str]:
        """The names of what was measured."""
        return sorted({name for work in self.graded for name in work.figures})

    def ranking(self, figure: str, only: str = "") -> list[Rank]:
        """Submissions and references by a figure, the lowest first. only: the one student who is shown."""
        made = {c.made_by for c in load_questions(self.assignment) if c.made_by}
        values = [(work.figures[figure], work) for work in self.graded if figure in work.figures]
        rows = [Rank("", name, value) for name, value in references(figure, self.assignment.course).items()]
        for value, work in values:
            place = str(1 + sum(other < value for other, _ in values))
            if only in ("", work.student):
                spent = sum(seconds for cell, seconds in work.seconds.items() if cell in made)
                rows.append(Rank(place, work.name or work.student, value, spent or None))
        return sorted(rows, key=lambda row: row.value)

    @property
    def times(self) -> tuple[float, float] | None:
        """Seconds of a notebook's cells in grading, the median and the longest, where they were measured."""
        totals = [sum(work.seconds.values()) for work in self.graded if work.seconds]
        return (statistics.median(totals), max(totals)) if totals else None


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
            works.append(SubmissionReport(student.id, name, score, submission.max_score, waiting, **left))
    listed = {work.student for work in works}
    for folder in submission_folders(coursedir, assignment.name):
        if (student_id := Path(folder).parent.name) not in listed:
            works.append(SubmissionReport(student_id, "", 0.0, 0.0, graded=False))
    if problems and not any(work.graded for work in works):
        raise CourseError("; ".join(problems))
    if not any(work.graded for work in works):
        raise CourseError(f"nothing of {assignment} is graded yet: run `course grade {assignment}`")
    return ClassReport(assignment, sorted(works, key=lambda work: (-work.score, work.student)), problems)


def graded_assignments(root: Path, course: Course) -> list[Assignment]:
    """The course's assignments of which a folder holds graded submissions. Raises CourseError where there is none."""
    graded = [one for one in course.assignments() if any(root.glob(f"autograded/*/{one}/{one}.ipynb"))]
    if not graded:
        raise CourseError("nothing is graded yet: run `course grade`")
    return graded


def _notebook(path: Path) -> dict:
    """A graded notebook's verdicts, repairs, seconds of each cell. Raises ValueError where grading did not write it."""
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
    return {"verdicts": verdicts, "repairs": repairs, "seconds": seconds}


def write_reports(
    root: Path, assignments: Iterable[Assignment], output: Path, formgrader: str
) -> tuple[list[Path], list[str]]:
    """Write the pages of each assignment into a folder; returns the class pages, and what could not be read.

    Raises CourseError.
    """
    pages = Environment(loader=PackageLoader("autograder.pages", "templates"), autoescape=True, trim_blocks=True)
    written, problems = [], []
    for assignment in assignments:
        report = read_class(root, assignment, formgrader)
        problems += report.problems
        class_page = output / f"{assignment}.html"
        _put(class_page, pages.get_template("class.html.j2").render(report=report))
        for work in report.works:
            page = pages.get_template("student.html.j2").render(report=report, work=work)
            _put(output / assignment.name / f"{work.student}.html", page)
        written.append(class_page)
    return written, problems


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as part:
        part.write_text(text, encoding="utf-8", errors="replace")
