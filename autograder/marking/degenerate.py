"""What functions earn that always do the same: nothing, whatever cases they happen to pass."""

from __future__ import annotations

from functools import cache

from autograder.course.paths import Assignment
from autograder.marking import answering
from autograder.marking.reference import judge_all, requests, solution
from autograder.oracle.questions import Question

BODIES = (
    "raise ValueError",
    "raise TypeError",
    *(f"return {value}" for value in ("None", "0", "1", "0.0", "1.0", "True", "False", "''", "[]", "()", "{}")),
    "return args",
    *(f"return args[{place}] if args else None" for place in (0, 1, -1)),
    *(
        f"return filled(args[{place}], {number}) if args else {number}"
        for place in (0, 1, -1)
        for number in (0, 1, "nan")
    ),
)
# before them: a value of the shape of another, all of whose entries are one number
FILLED = """
def filled(value, number):
    library = type(value).__module__.split(".")[0]
    if library in ("numpy", "torch"):
        if number != number and "float" not in str(value.dtype):
            return value
        return __import__(library).full_like(value, number)
    if isinstance(value, dict):
        return {key: filled(one, number) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(filled(one, number) for one in value)
    return number

nan = float("nan")
"""


def source(name: str, body: str) -> str:
    """A cell that defines a function or class of this name which does no more than a body says."""
    return f"{FILLED}\ndef {name}(*args, **options):\n    {body}\n"


@cache
def passed(assignment: Assignment, question: Question, secret: str) -> tuple[frozenset[int], ...]:
    """The numbers of the cases that each degenerate function passes, where it passes any; none for a result."""
    names = solution(assignment)
    if question.made_by or not callable(names.get(question.id)):
        return ()
    results = set()
    for body in BODIES:
        with answering.standing_in([source(question.id, body)], names):
            answers = [answering.answer(request, names) for request in requests(assignment, question, secret)]
        judged = judge_all(assignment, question, answers, secret)
        results.add(frozenset(index for index, result in enumerate(judged) if not result.reason))
    return tuple(results - {frozenset()})
