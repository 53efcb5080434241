"""Mark a question: what each case earned, why not, and what can be earned at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from autograder.course.paths import Assignment
from autograder.marking import degenerate, values
from autograder.marking.compare import UNWRITTEN, difference, error_words
from autograder.marking.reference import UNREADABLE, Mistakes, answer_with, draw_inputs, drawn, judge_all, result_names
from autograder.marking.verdicts import Finding, Verdict
from autograder.oracle.questions import Case, Misconception, Question, load_questions

MOST_WORDS = 400  # characters of a reason


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
            score, cap = points / 2, f"at most half of the points, because this fails: {question.core}"
    return Verdict(question.id, round(score, 2), points, tuple(findings), cap=cap)


def explain(
    assignment: Assignment, question: Question, answers: list, judged: list, secret: str
) -> dict[int, Misconception]:
    """The misconception that would give the most of the wrong answers, for each case whose answer it would give.

    A judged case's answer comes from the same generator as the student's: it is equal where the mistake is. Of two that
    explain as much, the earlier: the narrower stands first. One that leaves most wrong answers unexplained is none, and
    neither is one that gives as many other wrong answers, where the student's are right or wrong otherwise.
    """
    failed = [i for i, result in enumerate(judged) if result.reason]
    if any(_stopped(answers[i]) for i in failed):
        return {}

    def right(index: int) -> Any:
        return answer_with(assignment, question, index, (), secret)

    def gives(index: int, answer: Any) -> bool:
        return _would_give(assignment, question, index, mistakes, answer, secret)

    raised = all(answers[i]["kind"] == "exception" for i in failed)  # errors prove little by themselves
    best: dict[int, Misconception] = {}
    for misconception in question.misconceptions:
        mistakes = ((question, misconception),)
        explained = [i for i in failed if gives(i, answers[i])]
        if len(explained) <= len(best) or 2 * len(explained) < len(failed) or (raised and explained != failed):
            continue
        if explained == failed or any(_telling(question.cases[i], right(i), answers[i]) for i in explained):
            rest = [i for i, case in enumerate(question.cases) if i not in explained and case.judge is None]
            if sum(not gives(i, right(i)) for i in rest) < len(explained):
                best = dict.fromkeys(explained, misconception)
        if len(best) == len(failed):
            break
    return best


def _telling(case: Case, right: Any, answer: Any) -> bool:
    """Whether a wrong answer is seldom given by chance; two wrong counts or texts often are."""
    try:
        return case.judge is not None or any(values.wrong_parts(right, answer, case).values())
    except Exception:  # the answer is untrusted
        return False


def _proved(assignment: Assignment, question: Question, index: int, answer: Any, reason: str, secret: str) -> str:
    """The reason why an answer is wrong, with what can be proved of its values."""
    case = question.cases[index]
    if case.judge is not None:
        return reason
    try:
        sizes = values.sizes_of(draw_inputs(assignment, question, case, secret))
        unnamed = drawn(assignment, question, case, secret)
        right, names = answer_with(assignment, question, index, (), secret), result_names(assignment, question, index)
        return values.proved(right, answer, case, sizes, unnamed, reason, names)
    except Exception:  # the answer is untrusted
        return reason


def _stopped(answer: Any) -> bool:
    """Whether an answer is none, or its function is not written yet or does not exist: nothing explains that."""
    if not isinstance(answer, dict) or not isinstance(answer.get("kind"), str):
        return True
    return answer["kind"] == "exception" and (error_words(answer) == UNWRITTEN or not answer.get("line"))


def _would_give(
    assignment: Assignment, question: Question, index: int, mistakes: Mistakes, answer: dict, secret: str
) -> bool:
    """Whether the solution with a misconception in it gives an answer to a case, or fails in the same line."""
    case = question.cases[index]
    theirs = answer_with(assignment, question, index, mistakes, secret)
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
