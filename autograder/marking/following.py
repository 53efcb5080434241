"""Follow-through: a question that builds on a wrong one is marked as if that one were right.

A case that failed counts as passed where it holds (a) with the solution's functions in the place of the wrong ones,
asked again when everything is marked and nothing more of the kernel is read, or (b) beside a solution with the same
earlier mistakes, where these have names; a gradient also beside the differences of a step with these mistakes. Numbas
calls it adaptive marking and knows its trap: what an earlier mistake makes trivial proves nothing. So (b) counts only
where the solution with these mistakes still tells the question's own misconceptions from right answers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from autograder.course.errors import CourseError
from autograder.course.paths import Assignment
from autograder.course.solutions import assignment_cells
from autograder.course.words import listed
from autograder.marking.compare import difference
from autograder.marking.mark import concluded, explain
from autograder.marking.reference import Mistakes, answers_by_differences, answers_with, judge_all
from autograder.marking.verdicts import Verdict
from autograder.oracle.questions import Misconception, Question, load_questions

Ask = Callable[[Question, Mapping[str, str]], list | str]  # a question's answers, with sources in cells' places, by id


@dataclass(frozen=True)
class Marked:
    """A question that was marked by itself: the verdict, and the answers behind it."""

    question: Question
    verdict: Verdict
    answers: list | str


def follow(assignment: Assignment, marked: Iterable[Marked], ask: Ask, secret: str) -> dict[str, Verdict]:
    """The verdicts after follow-through, by question. marked: in the notebook's order.

    What is wrong by itself is replaced, and where that is not enough, all that a question builds on.
    """
    own = {one.question.id: one for one in marked}
    after: dict[str, Verdict] = {}
    for name, one in own.items():
        earlier = [own[other] for other in basis(assignment, one.question) if other in after]
        wrong = [other for other in earlier if after[other.question.id].score < other.verdict.points]
        verdict = one.verdict
        if wrong and verdict.score < verdict.points:
            if not one.question.made_by:
                verdict = _followed(assignment, one, wrong, ask, secret)
            if not verdict.note:
                note = f"Builds on {listed(other.question.id for other in wrong)}, which lost marks: fix that first."
                verdict = replace(verdict, note=note)
        after[name] = verdict
    return after


def _followed(assignment: Assignment, one: Marked, wrong: list[Marked], ask: Ask, secret: str) -> Verdict:
    """The verdict on a question that builds on wrong ones."""
    names = listed(earlier.question.id for earlier in wrong)
    passed, every = set[int](), set(range(len(one.question.cases)))
    named: dict[int, Misconception] = {}
    below = basis(assignment, one.question)
    for replaced in ([earlier.question.id for earlier in wrong], below):  # right ones too: they may share a cache
        if passed < every:
            more, names_of_mistakes = _again(assignment, one.question, replaced, ask, secret)
            passed, named = passed | more, named | names_of_mistakes
    if passed < every:
        passed |= _with_the_same_mistakes(assignment, one, _mistakes(wrong), secret)
    findings = list(one.verdict.findings)
    for index, finding in enumerate(findings):
        if not finding.passed and index in passed:
            findings[index] = replace(finding, passed=True, reason="", misconception="", follows=names)
        elif not finding.passed and index in named:  # beside right functions, so it is the question's own
            mistake = named[index]
            findings[index] = replace(finding, reason=mistake.means, misconception=mistake.name)
    if not any(finding.follows for finding in findings):
        return replace(one.verdict, findings=tuple(findings))
    verdict = concluded(assignment, one.question, one.verdict.points, findings, secret)
    return replace(verdict, note=f"Follows from {names}: no points are lost for that here.")


def basis(assignment: Assignment, question: Question) -> list[str]:
    """The questions that one builds on, directly or through others, in the notebook's order."""
    questions = load_questions(assignment)
    wanted = set(question.builds_on)
    for earlier in reversed(questions):  # what a question builds on stands before it
        if earlier.id in wanted:
            wanted |= set(earlier.builds_on)
    return [earlier.id for earlier in questions if earlier.id in wanted]


def _again(
    assignment: Assignment, question: Question, lost: list[str], ask: Ask, secret: str
) -> tuple[set[int], dict[int, Misconception]]:
    """The cases that hold with the solution's functions in the place of the wrong ones, and what explains others.

    Nothing else of the answers is used: a student's code that saw these functions might have put them there.
    """
    cells = {cell.id: cell.source for cell in assignment_cells(assignment) if cell.role == "solution"}
    sources = {name: cells[name] for name in lost if name in cells}
    answers = ask(question, sources) if sources else ""
    if isinstance(answers, str) or len(answers) != len(question.cases):
        return set(), {}
    judged = judge_all(assignment, question, answers, secret)
    named = explain(assignment, question, answers, judged, secret)
    return {index for index, result in enumerate(judged) if not result.reason}, named


def _mistakes(wrong: Iterable[Marked]) -> Mistakes:
    """The misconceptions that verdicts name, each with its question."""
    return tuple(
        (one.question, misconception)
        for one in wrong
        for misconception in one.question.misconceptions
        if any(finding.misconception == misconception.name for finding in one.verdict.findings)
    )


def _with_the_same_mistakes(assignment: Assignment, one: Marked, mistakes: Mistakes, secret: str) -> set[int]:
    """The cases whose answers are right beside a solution with the same earlier mistakes."""
    try:
        if not mistakes or isinstance(one.answers, str):
            return set()
        passed = set()
        if tells_apart(assignment, one.question, mistakes, secret):
            judged = judge_all(assignment, one.question, one.answers, secret, mistakes)
            passed = {index for index, result in enumerate(judged) if not result.reason}
        if one.question.by_differences:
            passed |= _by_differences(assignment, one, mistakes, secret)
        return passed
    except (CourseError, ValueError):  # the mistakes cannot be combined, or the solution does not run with them
        return set()


def _by_differences(assignment: Assignment, one: Marked, mistakes: Mistakes, secret: str) -> set[int]:
    """The cases that are right beside the differences of a step with mistakes."""
    expected = answers_by_differences(assignment, one.question, mistakes, secret)
    passed = set()
    for index, (wanted, answer) in enumerate(zip(expected, one.answers, strict=True)):
        with contextlib.suppress(Exception):  # the answer is untrusted
            if not difference(wanted, answer, 1e-4, 1e-6):
                passed.add(index)
    return passed


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
