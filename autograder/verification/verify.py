"""`course verify`: the grader is itself graded, through real autograding in a temporary course.

Every solution must score full marks, every untouched release zero, every misconception must lose marks in its own
question and in no other but what is trained with it, every alternative must keep full marks.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from nbconvert.preprocessors import ExecutePreprocessor

from autograder.build.builder import build
from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import course_directory
from autograder.course.paths import ROOT, Assignment
from autograder.course.solutions import assignment_cells
from autograder.grading.cores import end_with_the_run
from autograder.grading.driver import grade_class
from autograder.grading.worker import one_by_one
from autograder.marking.verdicts import Verdict
from autograder.oracle.questions import Question, load_questions
from autograder.sandbox import bubblewrap
from autograder.verification.grades import auto_scores, cell_errors, passed_checks, verdicts
from autograder.verification.parts import anew, processes
from autograder.verification.samples import (
    SampleSubmission,
    filled_notebook,
    hand_in,
    sample_submissions,
    slip_submissions,
    solution_cells,
)


@dataclass(frozen=True)
class Result:
    """What one submission scored: points by question, whether a misconception was named, wall seconds.

    why: in words, the errors of cells and the reasons for lost points. checked: questions whose visible check said OK.
    told: how the points that a question lost are explained (`explanation`).
    """

    name: str
    scores: dict[str, float]
    named: bool
    seconds: float
    why: tuple[str, ...] = ()
    checked: frozenset[str] = frozenset()
    told: Mapping[str, str] = field(default_factory=dict)


TOLD = ("named", "line", "points", "vague")  # from the best explanation to the worst


def explanation(verdict: Verdict) -> str:
    """How well the points that a question lost are explained.

    named: by a misconception. line: the line at fault, or where an error was raised. points: what is wrong of the
    answer, or what kind of slip gives it. vague: no more than that values are wrong, and where.
    """
    failed = [finding for finding in verdict.findings if not finding.passed]
    if any(finding.misconception for finding in failed):
        return "named"
    if verdict.line or any(" at `" in finding.reason for finding in failed):
        return "line"
    vague = ("right shape, wrong values", "right type, wrong value", "wrong value;", "wrong value in")
    if verdict.hint or not all(any(words in finding.reason for words in vague) for finding in failed):
        return "points"
    return "vague"


def every_sample(assignment: Assignment) -> list[SampleSubmission]:
    """The sample submissions, and those with slips in alternatives."""
    return [*sample_submissions(assignment), *slip_submissions(assignment)]


def grade_samples(
    assignment: Assignment, names: list[str], files: Mapping[str, bytes] | None = None, built: Path | None = None
) -> list[Result]:
    """Grade some of an assignment's sample submissions by the driver, in this process's own temporary course.

    files: a misconception's files beside its notebook, such as the weights of a long run.
    built: a course in which the assignment is built, to copy; it is built anew without one.
    """
    wanted = {sample.name: sample for sample in every_sample(assignment) if sample.name in names}
    results = []
    with tempfile.TemporaryDirectory(dir=scratch()) as folder, contextlib.redirect_stderr(io.StringIO()):
        course = Path(folder)
        if built:
            shutil.copytree(built, course, dirs_exist_ok=True)
        else:
            build(assignment, course)
        for sample in wanted.values():
            submitted = hand_in(course, sample.name, assignment, filled_notebook(assignment, sample.cells))
            for file, data in (files or {}).items():
                (submitted / file).write_bytes(data)
            started = time.perf_counter()
            coursedir = course_directory(course, sample.name)
            coursedir.config.AskingExecute.leave_out = needless_cells(assignment, sample)
            unsafe = bubblewrap.lacks() is not None  # the course's own work may run in the open
            done = grade_class(coursedir, [assignment], one_by_one, unsafe=unsafe)
            seconds = time.perf_counter() - started
            if done.failed:
                raise CourseError(f"{sample.name} was not graded: {'; '.join(done.failed)}")
            scores = auto_scores(course, sample.name, assignment.name)
            marked = verdicts(course, sample.name, assignment.name)
            if any(scores.get(f"check_{v.question}") != v.score for v in marked):
                raise CourseError(f"{assignment}: {sample.name}: the gradebook and the verdicts differ")
            means = sample.misconception.means if sample.misconception else None
            named = any(means and means in f.reason for v in marked for f in v.findings)
            points = {v.question: v.score for v in marked}
            why = [f"{v.question}: {f.reason}" for v in marked for f in v.findings if f.reason]
            said = (*cell_errors(course, sample.name, assignment.name), *dict.fromkeys(why))
            checked = passed_checks(course, sample.name, assignment.name)
            told = {v.question: explanation(v) for v in marked if v.score < v.points}
            results.append(Result(sample.name, points, named, seconds, said, checked, told))
    return results


def grade_all(assignments: Sequence[Assignment], jobs: int, keep: Callable = anew) -> dict[Assignment, list[Result]]:
    """Grade all sample submissions of the assignments in `jobs` processes; says how far it is.

    Misconceptions are handed in with the weights that the solution trains, as students would.
    keep: what calls the function that grades some of them, and may know its results (`Kept`).
    """
    started = time.perf_counter()
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    workers = processes(jobs, "spawn", end_with_the_run)
    with tempfile.TemporaryDirectory(dir=scratch()) as folder, workers as pool:
        built = {one: Path(folder) / one.name for one in assignments}
        first = {one: pool.submit(_build, one, built[one]) for one in assignments}
        waiting: dict[Assignment, list[Future]] = {}
        for assignment in assignments:
            files = first[assignment].result()
            samples = every_sample(assignment)
            wrong = [sample.name for sample in samples if sample.misconception or sample.kind == "slip"]
            right = [sample.name for sample in samples if sample.name not in wrong]
            batches = [(wrong[i : i + BATCH], files) for i in range(0, len(wrong), BATCH)]
            batches += [([sample], {}) for sample in right]
            waiting[assignment] = [
                pool.submit(
                    keep, f"{assignment}-{names[0]}", grade_samples, assignment, names, given, built[assignment]
                )
                for names, given in batches
            ]
        results = {}
        for assignment, futures in waiting.items():
            by_name = {result.name: result for future in futures for result in future.result()}
            results[assignment] = [by_name[sample.name] for sample in every_sample(assignment)]
            print(
                f"{assignment}: {len(by_name)} submissions graded, {(time.perf_counter() - started) / 60:.1f} min",
                flush=True,
            )
    return results


BATCH = 6  # submissions to a task: few enough that the processes end together


def _build(assignment: Assignment, course: Path) -> dict[str, bytes]:
    """Build an assignment; returns the files that its solution writes to be handed in."""
    build(assignment, course)
    names = [question.hands_in for question in load_questions(assignment) if question.hands_in]
    if not names:
        return {}
    grading = mock.patch.dict(os.environ, NBGRADER_EXECUTION="autograde", COURSE_ROOT=str(ROOT))
    with grading, tempfile.TemporaryDirectory() as folder:
        solution = filled_notebook(assignment, solution_cells(assignment))
        ExecutePreprocessor(timeout=600, kernel_name="python3", extra_arguments=["--log-level=ERROR"]).preprocess(
            solution, {"metadata": {"path": folder}}
        )
        return {name: (Path(folder) / name).read_bytes() for name in names}


def scratch() -> str | None:
    """Where temporary courses are made: in memory if possible, since a gradebook waits for its disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def needless_cells(assignment: Assignment, sample: SampleSubmission) -> set[str]:
    """Cells that make only results that a misconception may spoil anyway; they are not judged."""
    questions = load_questions(assignment)
    if sample.kind == "slip":
        return {question.made_by for question in questions if question.made_by}
    if sample.question is None:
        return set()
    free = dependants(questions, sample.question.id) - {sample.question.id}
    needed = {question.made_by for question in questions if question.id not in free}
    return {question.made_by for question in questions if question.made_by} - needed


def dependants(questions: Iterable[Question], name: str) -> set[str]:
    """The questions that build on one, directly or through others, itself included."""
    names = {name}
    for question in questions:  # in notebook order: what a question builds on stands before it
        if names & set(question.builds_on):
            names.add(question.id)
    return names


@dataclass(frozen=True)
class Judgement:
    """The judgement over an assignment's sample submissions: problems in words, and the counts behind the two rates."""

    problems: list[str]
    wrong: int
    wrong_accepted: int
    right: int
    right_refused: int


def judge(assignment: Assignment, results: list[Result]) -> Judgement:
    """Compare the score of each sample submission with what it must score."""
    questions = load_questions(assignment)
    points = question_points(assignment)
    problems: list[str] = []
    wrong = accepted = right = refused = 0
    for sample, result in paired(assignment, results):
        scores = result.scores
        full = {name for name, value in points.items() if scores.get(name) == value}
        if sample.kind in ("solution", "alternative"):
            right += len(points)
            refused += len(points.keys() - (full & result.checked))
            for name in points.keys() - full:
                what = sample.edited.get(name, "the solution")
                problems.append(f"{sample.name}: {name} got {scores.get(name)} of {points[name]:g} ({what})")
            for name in points.keys() - result.checked:
                what = sample.edited.get(name, "the solution")
                problems.append(f"{sample.name}: the visible check of {name} does not take {what}")
            if points.keys() != full & result.checked:
                problems += [f"{sample.name}: {line}" for line in result.why]
        elif sample.kind == "slip":
            continue
        elif sample.kind == "release":
            wrong += len(points)
            some = [name for name in points if scores.get(name) != 0]
            accepted += len(some)
            problems += [f"release: {name} got {scores.get(name)}, 0 was expected" for name in some]
        else:
            assert sample.question
            assert sample.misconception
            wrong += 1
            about = sample.question.id
            said = f"{sample.name}: '{sample.misconception.name}'"
            if about in full:
                accepted += 1
                problems.append(f"{said} kept full marks")
            if not result.named:
                problems.append(f"{said} is not named in the feedback")
            if (about in result.checked) != bool(sample.misconception.unseen):
                problems.append(f"{said}: the visible check and its `unseen` say different things")
            results_of = dependants(questions, about) - solution_cells(assignment).keys()  # trained with the mistake
            problems += [f"{said} lost marks in {name}" for name in points.keys() - full - {about} - results_of]
    return Judgement(problems, wrong, accepted, right, refused)


def paired(assignment: Assignment, results: list[Result]) -> list[tuple[SampleSubmission, Result]]:
    """Results with the sample submissions that they are of."""
    samples = {sample.name: sample for sample in every_sample(assignment)}
    return [(samples[result.name], result) for result in results]


def question_points(assignment: Assignment) -> dict[str, float]:
    """Points of each question."""
    cells = assignment_cells(assignment)
    return {c.id.removeprefix("check_"): c.points for c in cells if c.role == "question" and c.points is not None}
