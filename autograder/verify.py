"""`course verify`: the grader is itself graded, through real autograding in a temporary course.

Every solution must score full marks, every untouched release zero, every misconception must lose marks in its own
question and in none that does not build on it, every alternative must keep full marks.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from autograder.builder import build
from autograder.grades import auto_scores, verdicts
from autograder.handins import HandIn, all_handins, filled_notebook, hand_in
from autograder.nbgrader_api import api
from autograder.notebooks import CourseError
from autograder.questions import Question, load_questions
from autograder.solutions import assignment_cells


@dataclass(frozen=True)
class Result:
    """What one hand-in scored: points by question, whether a misconception was named, wall seconds."""

    handin: HandIn
    scores: dict[str, float]
    named: bool
    seconds: float


def grade_handins(assignment: str, names: list[str]) -> list[tuple[str, dict[str, float], bool, float]]:
    """Grade some of an assignment's hand-ins by `nbgrader autograde` in a temporary course of this process's own."""
    everything = list(all_handins(assignment))
    solution = next(handin for handin in everything if handin.kind == "solution")
    wanted = [handin for handin in everything if handin.name in names and handin is not solution]
    found = []
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        course = Path(folder)
        build(assignment, course)
        for handin in [solution, *wanted]:
            place = hand_in(course, handin.name, assignment, filled_notebook(assignment, handin.cells))
            if handin.misconception:  # as students do, it comes with the weights of its long run
                for file in (course / "autograded" / solution.name / assignment).glob("*.safetensors"):
                    shutil.copyfile(file, place / file.name)
            started = time.perf_counter()
            result = api(course).autograde(assignment, handin.name)
            seconds = time.perf_counter() - started
            if not result["success"]:
                raise CourseError(f"{assignment}: {handin.name} was not graded:\n{result.get('log')}")
            scores = auto_scores(course, handin.name, assignment)
            given = verdicts(course, handin.name, assignment)
            if any(scores.get(f"check_{v['question']}") != v["score"] for v in given):
                raise CourseError(f"{assignment}: {handin.name}: the gradebook and the verdicts differ")
            points = {v["question"]: v["score"] for v in given}
            means = handin.misconception.means if handin.misconception else None
            named = any(f["reason"] == means for v in given for f in v["findings"])
            if handin.name in names:
                found.append((handin.name, points, named, seconds))
    return found


def grade_all(assignments: Iterable[str], jobs: int) -> dict[str, list[Result]]:
    """Grade all hand-ins of the assignments in `jobs` processes."""
    results: dict[str, list[Result]] = {}
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = {}
        for assignment in assignments:
            handins = {handin.name: handin for handin in all_handins(assignment)}
            names = list(handins)
            chunks = [names[i::jobs] for i in range(jobs)]
            futures = [pool.submit(grade_handins, assignment, chunk) for chunk in chunks if chunk]
            waiting[assignment] = handins, futures
        for assignment, (handins, futures) in waiting.items():
            rows = [row for future in futures for row in future.result()]
            by_name = {name: Result(handins[name], scores, named, s) for name, scores, named, s in rows}
            results[assignment] = [by_name[name] for name in handins]
    return results


def dependants(questions: Iterable[Question], name: str) -> set[str]:
    """The questions that build on one, directly or through others, itself included."""
    found = {name}
    for question in questions:  # in notebook order: what a question builds on stands before it
        if found & set(question.builds_on):
            found.add(question.id)
    return found


@dataclass(frozen=True)
class Summary:
    """The judgement over an assignment's hand-ins: problems in words, and the counts behind the two rates."""

    problems: list[str]
    wrong: int
    wrong_accepted: int
    right: int
    right_refused: int


def judge(assignment: str, results: list[Result]) -> Summary:
    """Hold the scores of all hand-ins against what each must score."""
    questions = load_questions(assignment)
    points = question_points(assignment)
    problems: list[str] = []
    wrong = accepted = right = refused = 0
    for result in results:
        handin, scores = result.handin, result.scores
        full = {name for name, value in points.items() if scores.get(name) == value}
        if handin.kind in ("solution", "alternative"):
            right += len(points)
            refused += len(points) - len(full)
            for name in points.keys() - full:
                what = handin.edited.get(name, "the solution")
                problems.append(f"{handin.name}: {name} got {scores.get(name)} of {points[name]:g} ({what})")
        elif handin.kind == "release":
            wrong += len(points)
            some = [name for name in points if scores.get(name) != 0]
            accepted += len(some)
            problems += [f"release: {name} got {scores.get(name)}, 0 was expected" for name in some]
        else:
            assert handin.question
            assert handin.misconception
            wrong += 1
            own = handin.question.id
            if own in full:
                accepted += 1
                problems.append(f"{handin.name}: '{handin.misconception.name}' kept full marks")
            for name in points.keys() - full - dependants(questions, own):
                refused += 1
                problems.append(f"{handin.name}: '{handin.misconception.name}' lost marks in {name}")
    return Summary(problems, wrong, accepted, right, refused)


def question_points(assignment: str) -> dict[str, float]:
    """Points of each question."""
    cells = assignment_cells(assignment)
    return {c.id.removeprefix("check_"): c.points for c in cells if c.role == "question" and c.points is not None}


def report(results: dict[str, list[Result]]) -> str:
    """The table in Markdown: what was graded, question by question, and the two rates."""
    lines = ["# The grader, graded", ""]
    lines += ["Written by `make verify`: every hand-in below went through `nbgrader autograde`.", ""]
    summaries = {name: judge(name, rows) for name, rows in results.items()}
    wrong, accepted = (sum(getattr(s, key) for s in summaries.values()) for key in ("wrong", "wrong_accepted"))
    right, refused = (sum(getattr(s, key) for s in summaries.values()) for key in ("right", "right_refused"))
    lines += ["| rate | value |", "| --- | --- |"]
    lines += [f"| wrong accepted | {accepted} of {wrong} |", f"| right refused | {refused} of {right} |", ""]
    lines += ["*Wrong* counts each misconception and each graded cell of an untouched release; *right* counts each"]
    lines += [
        "graded cell of the solutions and of the hand-ins made of alternatives. *Named* counts the misconceptions"
    ]
    lines += [
        "whose own sentence stood in the feedback. A misconception may cost marks in questions that build on its own.",
        "",
    ]
    for assignment, rows in results.items():
        lines += [f"## {assignment}", ""]
        heads = "question|points|cases|solution|release|misconceptions caught|named|alternatives kept|builds on"
        lines += [f"| {heads.replace('|', ' | ')} |"]
        lines += ["| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
        lines += [_row(question, assignment, rows) for question in load_questions(assignment)] + [""]
        if summaries[assignment].problems:
            lines += ["Problems:", ""] + [f"- {problem}" for problem in summaries[assignment].problems] + [""]
        lines += ["| misconception | question | marks kept in it | named |", "| --- | --- | --- | --- |"]
        for row in rows:
            if row.handin.question and row.handin.misconception:
                own = row.handin.question.id
                kept = f"{row.scores.get(own, 0):g} of {question_points(assignment)[own]:g}"
                lines.append(f"| {row.handin.misconception.name} | `{own}` | {kept} | {'yes' if row.named else ''} |")
        lines.append("")
    return "\n".join(lines)


def _row(question: Question, assignment: str, rows: list[Result]) -> str:
    points = question_points(assignment)[question.id]
    score = {r.handin.kind: r.scores.get(question.id, 0) for r in rows if r.handin.kind in ("solution", "release")}
    mine = [r for r in rows if r.handin.misconception and r.handin.question is question]
    caught = sum(r.scores.get(question.id, 0) < points for r in mine)
    tried = [r for r in rows if question.id in r.handin.edited]
    kept = sum(r.scores.get(question.id) == points for r in tried)
    cells = [
        f"`{question.id}`",
        f"{points:g}",
        str(len(question.cases)),
        f"{score['solution']:g}",
        f"{score['release']:g}",
        f"{caught} of {len(mine)}",
        str(sum(r.named for r in mine)),
        f"{kept} of {len(tried)}",
        ", ".join(f"`{name}`" for name in question.builds_on),
    ]
    return "| " + " | ".join(cells) + " |"
