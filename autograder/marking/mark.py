"""Mark a question: what each case earned, why not, and what can be earned at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from autograder.course.paths import Assignment
from autograder.marking import degenerate
from autograder.marking.compare import difference
from autograder.marking.reference import UNREADABLE, answers_with, judge_all
from autograder.marking.verdicts import Finding, Verdict
from autograder.oracle.questions import Case, Misconception, Question, load_questions

MOST_WORDS = 400  # characters of a reason
# kinds that are seldom equal by chance; two wrong booleans or counts often are
TELLING = {"array", "tensor", "number", "list", "tuple", "dict", "pure"}


def _finite(value: float | None) -> float | None:
    """The value, or None where JSON cannot express it."""
    return float(value) if value is not None and math.isfinite(value) else None


def _bounded(reason: str | None) -> str | None:
    """A reason that can be written and read, whatever part of an answer a judge put into it."""
    if reason is None:
        return None
    text = reason[: MOST_WORDS + 1].encode("utf-8", "replace").decode() if isinstance(reason, str) else UNREADABLE
    return text if len(text) <= MOST_WORDS else text[: MOST_WORDS - 3] + "..."


def mark(assignment: Assignment, question: Question, points: float, answers: list | str, secret: str) -> Verdict:
    """Mark a question by itself (following.py: what it builds on).

    answers: one encoded, untrusted answer per case, or a sentence when there are none (a crash, a hang).
    Raises CourseError when this machine cannot mark the question at all.
    """
    explained: dict[int, Misconception] = {}
    judged = judge_all(assignment, question, answers, secret)
    if any(result.reason for result in judged) and isinstance(answers, list) and len(answers) == len(judged):
        explained = explain(assignment, question, answers, judged, secret)
    total = sum(case.weight for case in question.cases)
    findings = [
        Finding(
            case.name,
            result.reason is None,
            points * case.weight / total,
            _bounded(result.reason) or "",
            figure=result.figure,
            value=_finite(result.value),
            core=case.core,
        )
        for case, result in zip(question.cases, judged, strict=True)
    ]
    for index, misconception in explained.items():
        findings[index] = replace(findings[index], reason=misconception.means, misconception=misconception.name)
    return concluded(assignment, question, points, findings, secret)


def concluded(
    assignment: Assignment, question: Question, points: float, findings: Sequence[Finding], secret: str
) -> Verdict:
    """The verdict over a question's findings: what passed, within what can be earned at all."""
    score, cap = points, ""
    if not all(f.passed for f in findings):
        score = sum(f.points for f in findings if f.passed)
        passed = {index for index, finding in enumerate(findings) if finding.passed}
        if passed and any(passed <= theirs for theirs in degenerate.passed(assignment, question, secret)):
            score, cap = 0.0, "what always does the same passes this too"
        elif score > points / 2 and not all(f.passed for f in findings if f.core):
            score, cap = points / 2, f"at most half of the points without {question.core}"
    return Verdict(question.id, round(score, 2), points, tuple(findings), cap=cap)


def explain(
    assignment: Assignment, question: Question, answers: list, judged: list, secret: str
) -> dict[int, Misconception]:
    """The misconception that would give the most of the wrong answers, for each case whose answer it would give."""
    failed = {i for i, result in enumerate(judged) if result.reason and question.cases[i].judge is None}
    best: dict[int, Misconception] = {}
    if all(_raised(answers[i]) for i in failed):  # no misconception explains an exception, and some take long to ask
        return best
    for misconception in question.misconceptions:
        theirs = answers_with(assignment, question, ((question, misconception),), secret)
        explained = {i for i in failed if _same(theirs[i], answers[i], question.cases[i])}
        telling = explained == failed or any(answers[i]["kind"] in TELLING for i in explained)
        if telling and len(explained) > len(best):
            best = dict.fromkeys(explained, misconception)
    return best


def _raised(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("kind") == "exception"


def _same(theirs: Any, answer: Any, case: Case) -> bool:
    try:
        return not _raised(answer) and difference(theirs, answer, case.relative, case.absolute) is None
    except Exception:
        return False


def question_of(assignment: Assignment, grade_id: str) -> Question | None:
    """The question that a graded cell asks."""
    name = grade_id.removeprefix("check_")
    return next((question for question in load_questions(assignment) if question.id == name), None)
