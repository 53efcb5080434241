"""Mark answers in the grader's own process: expected answers, misconceptions, partial credit, reasons in words."""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from autograder.course.errors import CourseError
from autograder.course.paths import Assignment
from autograder.course.solutions import namespace
from autograder.marking import answering
from autograder.marking.compare import difference, error_words
from autograder.marking.verdicts import Finding, Verdict
from autograder.oracle.questions import Case, Measured, Misconception, Question, edited_cell, load_questions

MOST_WORDS = 400  # characters of a reason
UNREADABLE = "the answer could not be read: only numbers, text, lists, dicts, arrays and tensors can"
# kinds that are seldom equal by chance; two wrong booleans or counts often are
TELLING = {"array", "tensor", "number", "list", "tuple", "dict"}


def _finite(value: float | None) -> float | None:
    """The value, or None where JSON cannot express it."""
    return float(value) if value is not None and math.isfinite(value) else None


def _bounded(reason: str | None) -> str | None:
    """A reason that can be written and read, whatever part of an answer a judge put into it."""
    if reason is None:
        return None
    text = reason[: MOST_WORDS + 1].encode("utf-8", "replace").decode() if isinstance(reason, str) else UNREADABLE
    return text if len(text) <= MOST_WORDS else text[: MOST_WORDS - 3] + "..."


def draw_inputs(assignment: Assignment, question: Question, case: Case, secret: str) -> dict:
    """The case's inputs that are sent: drawn from a generator that belongs to the secret and to this case alone."""
    return dict(case.draw(_generator(secret, assignment.name, question.id, case.name)))


def kept_inputs(assignment: Assignment, question: Question, case: Case, secret: str) -> dict:
    """The case's inputs that stay in the grader: what was sent tells nothing of them."""
    return dict(case.kept(_generator(secret, assignment.name, question.id, case.name, "kept")))


def _generator(*label: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256("/".join(label).encode()).digest()[:8], "big"))


@cache
def requests(assignment: Assignment, question: Question, secret: str) -> tuple[dict, ...]:
    """What is sent to the kernel: a program and encoded inputs for each case."""
    return tuple(
        {
            "ask": case.ask,
            "inputs": {k: answering.encode(v) for k, v in draw_inputs(assignment, question, case, secret).items()},
        }
        for case in question.cases
    )


@cache
def solution(assignment: Assignment) -> dict:
    """The solution's names, once for this process."""
    return namespace(assignment)


@cache
def expected_answers(assignment: Assignment, question: Question, secret: str) -> tuple[Any, ...]:
    """The solution's answers; None for a case that has a judge."""
    return tuple(
        None if case.judge else answering.answer(request, solution(assignment))
        for case, request in zip(question.cases, requests(assignment, question, secret), strict=True)
    )


@cache
def _misconception_answers(
    assignment: Assignment, question: Question, misconception: Misconception, secret: str
) -> tuple[Any, ...]:
    names = namespace(assignment, edited_cell(assignment, question, misconception))
    return tuple(
        None if case.judge else answering.answer(request, names)
        for case, request in zip(question.cases, requests(assignment, question, secret), strict=True)
    )


def mark(
    assignment: Assignment, question: Question, points: float, answers: list | str, secret: str, lost=()
) -> Verdict:
    """Mark a question.

    answers: one encoded, untrusted answer per case, or a sentence when there are none (a crash, a hang).
    lost: questions that already lost marks, so that the verdict can say which of them this one builds on.
    Raises CourseError when this machine cannot mark the question at all.
    """
    basis = [name for name in question.builds_on if name in lost]
    explained: dict[int, Misconception] = {}
    if isinstance(answers, str):
        judged = [Measured(answers)] * len(question.cases)
    else:
        if len(answers) != len(question.cases):
            answers = [None] * len(question.cases)
        judged = [_judge(assignment, question, index, answer, secret) for index, answer in enumerate(answers)]
        if any(result.reason for result in judged):
            explained = _explain(assignment, question, answers, judged, secret)
    judged = [replace(result, reason=_bounded(result.reason)) for result in judged]
    total = sum(case.weight for case in question.cases)
    shares = [points * case.weight / total for case in question.cases]
    findings = tuple(
        Finding(
            case.name,
            result.reason is None,
            share,
            result.reason or "",
            figure=result.figure,
            value=_finite(result.value),
        )
        for case, share, result in zip(question.cases, shares, judged, strict=True)
    )
    findings = tuple(
        replace(f, reason=explained[i].means, misconception=explained[i].name) if i in explained else f
        for i, f in enumerate(findings)
    )
    score = points if all(f.passed for f in findings) else round(sum(f.points for f in findings if f.passed), 2)
    names = ", ".join(basis[:-1]) + (" and " if basis[1:] else "") + "".join(basis[-1:])
    note = f"Builds on {names}, which lost marks: fix that first." if basis and score < points else ""
    return Verdict(question.id, score, points, findings, note)


def _judge(assignment: Assignment, question: Question, index: int, answer: Any, secret: str) -> Measured:
    """Whether a case passed. The answer is untrusted: whatever it contains, it costs no more than this case."""
    case = question.cases[index]
    try:
        if case.judge is None:
            expected = expected_answers(assignment, question, secret)[index]
            return Measured(difference(expected, answer, case.relative, case.absolute))
        if answer.get("kind") == "exception":
            return Measured(error_words(answer))
        inputs = {k: answering.decode(v) for k, v in requests(assignment, question, secret)[index]["inputs"].items()}
        inputs |= kept_inputs(assignment, question, case, secret)
        with _flushed():
            judged = case.judge(answering.decode(answer), inputs, solution(assignment))
        return judged if isinstance(judged, Measured) else Measured(judged)
    except CourseError:
        raise
    except Exception:
        return Measured(UNREADABLE)


@contextlib.contextmanager
def _flushed() -> Iterator[None]:
    """Denormal numbers count as zero: weights full of them would slow a judge down by 20 times."""
    import torch  # where nothing is judged, nothing waits for it

    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _explain(
    assignment: Assignment, question: Question, answers: list, judged: list, secret: str
) -> dict[int, Misconception]:
    """The misconception that would give the most of the wrong answers, for each case whose answer it would give."""
    failed = {i for i, result in enumerate(judged) if result.reason and question.cases[i].judge is None}
    best: dict[int, Misconception] = {}
    if all(_raised(answers[i]) for i in failed):  # no misconception explains an exception, and some take long to ask
        return best
    for misconception in question.misconceptions:
        theirs = _misconception_answers(assignment, question, misconception, secret)
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
