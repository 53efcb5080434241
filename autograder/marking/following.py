"""Follow-through: a question that builds on a wrong one is marked as if that one were right.

A case that failed counts as passed where it holds (a) with the solution's functions in the place of the wrong ones,
asked again when everything is marked and nothing more of the kernel is read, or (b) beside a solution with the same
earlier mistakes, where these have names. Numbas calls it adaptive marking and knows its trap: what an earlier mistake
makes trivial proves nothing. So (b) counts only where the solution with these mistakes still tells the question's own
misconceptions from right answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache

from autograder.course.errors import CourseError
from autograder.course.paths import Assignment
from autograder.course.solutions import assignment_cells
from autograder.marking.compare import difference
from autograder.marking.mark import concluded
from autograder.marking.reference import Mistakes, answers_with, judge_all
from autograder.marking.verdicts import Verdict
from autograder.oracle.questions import Question, load_questions

Ask = Callable[[Question, list[str]], list | str]  # a question's answers, with sources in the place of cells


def follow(
    assignment: Assignment, verdicts: Mapping[str, tuple[Verdict, list | str]], ask: Ask, secret: str
) -> dict[str, Verdict]:
    """The verdicts after follow-through, by question.

    verdicts: each question's own verdict and the answers behind it, in the notebook's order.
    """
    questions = {question.id: question for question in load_questions(assignment)}
    after: dict[str, Verdict] = {}
    for name, (verdict, answers) in verdicts.items():
        after[name] = verdict
        question = questions[name]
        below = [one for one in basis(questions, question) if one in verdicts]
        lost = [one for one in below if verdicts[one][0].score < verdicts[one][0].points]
        if not lost or verdict.score == verdict.points:
            continue
        if not question.made_by:
            passed = _again(assignment, question, lost, ask, secret)
            if len(passed) < len(question.cases):
                mistakes = _mistakes(questions, [verdicts[one][0] for one in lost])
                passed |= _with_the_same_mistakes(assignment, question, answers, mistakes, secret)
            gained = {i for i, finding in enumerate(verdict.findings) if not finding.passed and i in passed}
            names = _listed(lost)
            findings = [
                replace(f, passed=True, reason="", misconception="", follows=names) if i in gained else f
                for i, f in enumerate(verdict.findings)
            ]
            if gained:
                verdict = concluded(assignment, question, verdict.points, findings, secret)
                verdict = replace(verdict, note=f"Follows from {names}: no points are lost for that here.")
        if verdict.score < verdict.points and not verdict.note:
            verdict = replace(verdict, note=f"Builds on {_listed(lost)}, which lost marks: fix that first.")
        after[name] = verdict
    return after


def basis(questions: Mapping[str, Question], question: Question) -> list[str]:
    """The questions that one builds on, directly or through others, in the notebook's order."""
    wanted = set(question.builds_on)
    for name in reversed(list(questions)):  # what a question builds on stands before it
        if name in wanted:
            wanted |= set(questions[name].builds_on)
    return [name for name in questions if name in wanted]


def _listed(names: Iterable[str]) -> str:
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def _again(assignment: Assignment, question: Question, lost: list[str], ask: Ask, secret: str) -> set[int]:
    """The cases that hold with the solution's functions in the place of the wrong ones."""
    cells = {cell.id: cell.source for cell in assignment_cells(assignment) if cell.role == "solution"}
    sources = [cells[name] for name in lost if name in cells]
    if not sources:
        return set()
    judged = judge_all(assignment, question, ask(question, sources), secret)
    return {index for index, result in enumerate(judged) if not result.reason}


def _mistakes(questions: Mapping[str, Question], verdicts: Iterable[Verdict]) -> Mistakes:
    """The misconceptions that verdicts name, each with its question."""
    found: list = []
    for verdict in verdicts:
        named = {finding.misconception for finding in verdict.findings if finding.misconception}
        question = questions[verdict.question]
        found += [(question, one) for one in question.misconceptions if one.name in named]
    return tuple(found)


def _with_the_same_mistakes(
    assignment: Assignment, question: Question, answers: list | str, mistakes: Mistakes, secret: str
) -> set[int]:
    """The cases whose answers are right beside a solution with the same earlier mistakes."""
    try:
        if not mistakes or isinstance(answers, str) or not tells_apart(assignment, question, mistakes, secret):
            return set()
        judged = judge_all(assignment, question, answers, secret, mistakes)
    except (CourseError, ValueError):  # the mistakes cannot be combined, or the solution does not run with them
        return set()
    return {index for index, result in enumerate(judged) if not result.reason}


@cache
def tells_apart(assignment: Assignment, question: Question, mistakes: Mistakes, secret: str) -> bool:
    """Whether the solution with mistakes in it still refutes each misconception of a question that builds on them."""
    right = answers_with(assignment, question, mistakes, secret)
    for misconception in question.misconceptions:
        wrong = answers_with(assignment, question, (*mistakes, (question, misconception)), secret)
        plain = answers_with(assignment, question, ((question, misconception),), secret)
        clean = answers_with(assignment, question, (), secret)
        if not _differ(question, clean, plain):  # its cases are judged, or it is caught by its text
            continue
        if not _differ(question, right, wrong):
            return False
    return True


def _differ(question: Question, right: tuple, wrong: tuple) -> bool:
    return any(
        expected is not None and difference(expected, answer, case.relative, case.absolute)
        for case, expected, answer in zip(question.cases, right, wrong, strict=True)
    )
