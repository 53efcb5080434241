"""Mark a question: what each case earned, why not, and what can be earned at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from autograder.course.paths import Assignment
from autograder.marking import degenerate, values
from autograder.marking.compare import UNWRITTEN, difference, error_words
from autograder.marking.reference import UNREADABLE, answer_with, draw_inputs, judge_all
from autograder.marking.verdicts import Finding, Verdict
from autograder.oracle.questions import Misconception, Question, load_questions

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
    proved: dict[int, str] = {}
    judged = judge_all(assignment, question, answers, secret)
    if any(result.reason for result in judged) and isinstance(answers, list) and len(answers) == len(judged):
        explained = explain(assignment, question, answers, judged, secret)
        unexplained = [index for index, result in enumerate(judged) if result.reason and index not in explained]
        proved = {i: _proved(assignment, question, i, answers[i], judged[i].reason or "", secret) for i in unexplained}
    total = sum(case.weight for case in question.cases)
    findings = [
        Finding(
            case.name,
            result.reason is None,
            points * case.weight / total,
            _bounded(proved.get(index, result.reason)) or "",
            figure=result.figure,
            value=_finite(result.value),
            core=case.core,
        )
        for index, (case, result) in enumerate(zip(question.cases, judged, strict=True))
    ]
    said = {misconception.means: misconception for misconception in question.misconceptions}
    for index, finding in enumerate(findings):
        if finding.reason in said:  # a judge found it
            explained.setdefault(index, said[finding.reason])
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
    """The misconception that would give the most of the wrong answers, for each case whose answer it would give.

    A judged case's answer comes from the same generator as the student's: it is equal where the mistake is. Of two that
    explain as much, the earlier: the narrower stands first.
    """
    failed = [i for i, result in enumerate(judged) if result.reason]
    if any(_stopped(answers[i]) for i in failed):
        return {}
    raised = all(answers[i]["kind"] == "exception" for i in failed)
    best: dict[int, Misconception] = {}
    for misconception in question.misconceptions:
        gives = (_would_give(assignment, question, i, misconception, answers[i], secret) for i in failed)
        if raised:  # errors prove little by themselves
            explained = failed if all(gives) else []
        else:
            explained = [i for i, given in zip(failed, gives, strict=True) if given]
        telling = explained == failed or any(answers[i]["kind"] in TELLING for i in explained)
        if telling and len(explained) > len(best):
            best = dict.fromkeys(explained, misconception)
        if len(best) == len(failed):
            break
    return best


def _proved(assignment: Assignment, question: Question, index: int, answer: Any, reason: str, secret: str) -> str:
    """The reason why an answer is wrong, with what can be proved of its values."""
    case = question.cases[index]
    if case.judge is not None:
        return reason
    try:
        sizes = values.sizes_of(draw_inputs(assignment, question, case, secret))
        return values.proved(answer_with(assignment, question, index, (), secret), answer, case, sizes, reason)
    except Exception:  # the answer is untrusted
        return reason


def _stopped(answer: Any) -> bool:
    """Whether an answer is none, or its function is not written yet or does not exist: nothing explains that."""
    if not isinstance(answer, dict) or not isinstance(answer.get("kind"), str):
        return True
    return answer["kind"] == "exception" and (error_words(answer) == UNWRITTEN or not answer.get("line"))


def _would_give(
    assignment: Assignment, question: Question, index: int, misconception: Misconception, answer: dict, secret: str
) -> bool:
    """Whether the solution with a misconception in it answers a case as the student did, or fails in the same line."""
    case = question.cases[index]
    theirs = answer_with(assignment, question, index, ((question, misconception),), secret)
    try:
        if answer["kind"] == "exception":
            return theirs == answer
        return difference(theirs, answer, case.relative, case.absolute) is None
    except Exception:  # the answer is untrusted
        return False


def question_of(assignment: Assignment, grade_id: str) -> Question | None:
    """The question that a graded cell asks."""
    name = grade_id.removeprefix("check_")
    return next((question for question in load_questions(assignment) if question.id == name), None)
