"""`course demo`: a small class through the real `nbgrader autograde`, its feedback, and a small word language model."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from nbformat import NotebookNode
from rich.console import Console
from rich.table import Table

from autograder.build.builder import build
from autograder.course.errors import CourseError
from autograder.course.paths import Assignment, Course
from autograder.grading.nbgrader_hook import UNSAFE
from autograder.oracle.questions import edited_cell, load_questions
from autograder.pages.report import write_reports
from autograder.runs.recipes import Recipe
from autograder.runs.train import train
from autograder.verification.doctor import install_isolation
from autograder.verification.grades import verdicts
from autograder.verification.samples import answered_notebook, hand_in, solution_cells
from utils import corpora
from utils.baselines import baselines
from utils.toy import exact_perplexity

SMALL = Recipe(
    corpus="toy",
    embedding_size=64,
    hidden_size=64,
    num_layers=1,
    dropout=0.1,
    bptt=20,
    epochs=8,
)
NEXT = """\
Next, as a student: `make lab` opens the notebooks that are handed out.
Next, as an instructor: docs/instructor.md goes through a term, from the roster to returned feedback."""
# student -> assignment -> what differs from the solution: a question and the number of its misconception, or a cell
CLASS: dict[str, dict[str, dict[str, int | str]]] = {
    "student-01": {"hw4_gru_gradients": {}, "hw5_word_lm": {}},
    "student-02": {"hw4_gru_gradients": {"sigmoid_derivative": 0, "gru_cell_backward": 1}},
    "student-03": {"hw5_word_lm": {"batchify": 0, "clip_by_norm": 0}},
    "student-04": {"hw4_gru_gradients": {"gru_loss": "def gru_loss(*arguments):\n    return 'small'"}},
}


def demo(course: Course) -> list[Path]:
    """Build, grade the class in the course's `demo/`, print marks and reasons, train; returns the feedback pages."""
    console = Console(width=max(Console().width, 100))
    lacking = install_isolation()
    isolated = f"NOT isolated: {lacking}" if lacking else "isolated: no network, nothing of the course, limits on all"
    console.print(f"submissions run {isolated}")
    folder = course.root / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    assignments = course.pick(sorted({name for work in CLASS.values() for name in work}))
    for assignment in assignments:
        console.print(f"building {assignment}")
        build(assignment, folder)
    turns = {assignment.name: itertools.count() for assignment in assignments}
    for student, work in CLASS.items():
        for name, changes in work.items():
            assignment = course.assignment(name)
            hand_in(folder, student, assignment, submission(assignment, changes, next(turns[name])))
    for name in map(str, assignments):
        started = time.perf_counter()
        _nbgrader(folder, "autograde", name, *([UNSAFE] if lacking else []))
        count = sum(name in work for work in CLASS.values())
        console.print(f"nbgrader autograde {name}: {(time.perf_counter() - started) / count:.1f} s per submission")
        _nbgrader(folder, "generate_feedback", name)
    console.print(marks_table(folder, {student: list(work) for student, work in CLASS.items()}))
    console.print("training a small word language model on the toy language")
    result = train(SMALL, folder / "word_lm", device="cpu")
    console.print(_perplexities(result["test_perplexity"]))
    reports, _ = write_reports(folder, assignments, folder / "report", "http://localhost:8888")
    pages = [*reports, *sorted(folder.glob("feedback/*/*/*.html"))]
    console.print("pages to open in a browser, on the class and on each submission:")
    for page in pages:
        console.print(f"  {page.relative_to(course.root)}")
    console.print(NEXT, soft_wrap=True)
    return pages


def submission(assignment: Assignment, changes: dict[str, int | str], student: int) -> NotebookNode:
    """What the n-th student hands in: the solution with changes in it, and their own written answers."""
    cells = solution_cells(assignment)
    questions = {question.id: question for question in load_questions(assignment)}
    for name, change in changes.items():
        if isinstance(change, str):
            cells[name] = change
        else:
            cells |= edited_cell(assignment, questions[name], questions[name].misconceptions[change])
    return answered_notebook(assignment, cells, student)


def _nbgrader(folder: Path, command: str, assignment: str, *more: str) -> None:
    """Run nbgrader's own command over the demo's folder."""
    call = [sys.executable, "-m", "nbgrader", command, assignment, *more]
    call += [f"--CourseDirectory.root={folder}", f"--CourseDirectory.db_url=sqlite:///{folder}/gradebook.db"]
    call.append("--log-level=WARN")
    done = subprocess.run(call, cwd=folder.parent, capture_output=True, text=True, env=os.environ)
    if done.returncode:
        raise CourseError(f"nbgrader {command} {assignment} failed:\n{done.stdout}{done.stderr}")


def marks_table(course: Path, assignments_of: dict[str, list[str]]) -> Table:
    """Student, assignment, marks, and the reason in words for each lost point."""
    table = Table("student", "assignment", "marks", "lost", "why", show_lines=True)
    for student, names in assignments_of.items():
        for name in names:
            marked = verdicts(course, student, name)
            total = f"{sum(v.score for v in marked):g} of {sum(v.points for v in marked):g}"
            reasons: dict[str, float] = {}
            for verdict in marked:
                followed = any(finding.follows for finding in verdict.findings)
                if verdict.cap:
                    reasons[f"{verdict.question}: {verdict.cap}"] = verdict.capped
                for finding in verdict.findings:
                    if not finding.passed:  # what is trained with a mistake is said in one line
                        why = finding.reason if followed else verdict.note or finding.reason
                        reason = f"{verdict.question}: {why}"
                        reasons[reason] = reasons.get(reason, 0) + finding.points
            if not reasons:
                table.add_row(student, name, total, "", "")
            for index, (reason, points) in enumerate(reasons.items()):
                head = (student, name, total) if index == 0 else ("", "", "")
                table.add_row(*head, f"{points:.2g}", reason)
    return table


def _perplexities(reached: float) -> Table:
    corpus = corpora.load("toy")
    rows = baselines(corpus.train, corpus.test)
    table = Table("model", "test perplexity", title="toy language")
    for name, value in rows.items():
        table.add_row(name, f"{value:.1f}")
    table.add_row(f"LSTM, 1 x {SMALL.hidden_size}, {SMALL.epochs} epochs", f"{reached:.1f}", style="bold")
    table.add_row("exact (from the grammar)", f"{exact_perplexity(corpus.test):.1f}")
    return table
