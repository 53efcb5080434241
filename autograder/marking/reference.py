"""What is asked, what the solution answers, also with mistakes in it, and whether an answer is right."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from autograder.course.errors import CourseError
from autograder.course.paths import Assignment
from autograder.course.solutions import assignment_cells, namespace
from autograder.marking import answering
from autograder.marking.compare import came_words, difference, drawn_texts, error_words
from autograder.oracle.questions import Case, Measured, Misconception, Question, edited_cells

READABLE = "only numbers, text, lists, dicts, arrays and tensors can be read"
UNREADABLE = f"the answer could not be read: {READABLE}"


def draw_inputs(assignment: Assignment, question: Question, case: Case, secret: str) -> dict:
    """The case's inputs that are sent: from a generator that belongs to the secret and to a case of this name alone."""
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
            "pure": case.pure,
            "inputs": {k: answering.encode(v) for k, v in draw_inputs(assignment, question, case, secret).items()},
        }
        for case in question.cases
    )


@cache
def drawn(assignment: Assignment, question: Question, case: Case, secret: str) -> str:
    """The texts of a case's inputs that no reason may name."""
    notebook = "\n".join(cell.source for cell in assignment_cells(assignment))
    return drawn_texts(draw_inputs(assignment, question, case, secret), notebook)


@cache
def solution(assignment: Assignment) -> dict:
    """The solution's names, once for this process."""
    return namespace(assignment)


Mistakes = tuple[tuple[Question, Misconception], ...]


@cache
def edited(assignment: Assignment, mistakes: Mistakes) -> dict:
    """The solution's names with misconceptions in it. Raises ValueError where they cannot be combined."""
    return namespace(assignment, edited_cells(assignment, mistakes)) if mistakes else solution(assignment)


def answers_with(assignment: Assignment, question: Question, mistakes: Mistakes, secret: str) -> tuple[Any, ...]:
    """What the solution answers, with mistakes in it or none; None for a case that has a judge."""
    return tuple(
        None if case.judge else answer_with(assignment, question, index, mistakes, secret)
        for index, case in enumerate(question.cases)
    )


@cache
def answer_with(assignment: Assignment, question: Question, index: int, mistakes: Mistakes, secret: str) -> dict:
    """What the solution answers to one case, with mistakes in it or none."""
    return answering.answer(requests(assignment, question, secret)[index], edited(assignment, mistakes))


@cache
def answers_by_differences(assignment: Assignment, question: Question, mistakes: Mistakes, secret: str) -> tuple:
    """What the differences of a step with mistakes in it answer to a question about its gradient."""
    names = edited(assignment, mistakes)
    with answering.standing_in([question.by_differences], names):
        return tuple(answering.answer(request, names) for request in requests(assignment, question, secret))


@cache
def seconds_to_answer(assignment: Assignment, question: Question, secret: str) -> list[float]:
    """The CPU seconds that the solution takes to answer each of a question's cases."""
    seconds = []
    for request in requests(assignment, question, secret):
        started = time.process_time()
        json.dumps(answering.answer(request, solution(assignment)))  # a large answer takes longer than a small one
        seconds.append(time.process_time() - started)
    return seconds


def judge_all(
    assignment: Assignment, question: Question, answers: list | str, secret: str, mistakes: Mistakes = ()
) -> list[Measured]:
    """Judge the answers to all cases; mistakes: against the solution with these in it."""
    if isinstance(answers, str):
        return [Measured(answers)] * len(question.cases)
    if len(answers) != len(question.cases):
        answers = [None] * len(question.cases)
    return [judge_one(assignment, question, index, answer, secret, mistakes) for index, answer in enumerate(answers)]


def judge_one(
    assignment: Assignment, question: Question, index: int, answer: Any, secret: str, mistakes: Mistakes = ()
) -> Measured:
    """Whether a case passed. The answer is untrusted: whatever it contains, it costs no more than this case."""
    case = question.cases[index]
    try:
        if case.judge is None:
            expected = answer_with(assignment, question, index, mistakes, secret)
            names = result_names(assignment, question, index)
            unnamed = drawn(assignment, question, case, secret)
            return Measured(difference(expected, answer, case.relative, case.absolute, names=names, drawn=unnamed))
        if answer.get("kind") == "exception":
            return Measured(error_words(answer))
        if answer.get("kind") == "other":
            return Measured(f"{came_words(answer)} came back; {READABLE}")
        inputs = {k: answering.decode(v) for k, v in requests(assignment, question, secret)[index]["inputs"].items()}
        inputs |= kept_inputs(assignment, question, case, secret)
        with _flushed():
            judged = case.judge(answering.decode(answer), inputs, edited(assignment, mistakes))
        return judged if isinstance(judged, Measured) else Measured(judged)
    except CourseError:
        raise
    except Exception:
        return Measured(UNREADABLE)


def result_names(assignment: Assignment, question: Question, index: int) -> Sequence[str]:
    """What a reason calls the results of a case that asks for several."""
    source = next((cell.source for cell in assignment_cells(assignment) if cell.id == question.id), "")
    return question.cases[index].results(question.id, source)


@contextlib.contextmanager
def _flushed() -> Iterator[None]:
    """Denormal numbers count as zero: weights full of them would slow a judge down by 20 times."""
    import torch  # where nothing is judged, nothing waits for it

    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
