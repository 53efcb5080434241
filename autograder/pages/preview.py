"""A student's page before the deadline: which properties hold, and why others do not; no points, no line at fault."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from nbformat import NotebookNode

from autograder.course.paths import Assignment
from autograder.marking.compare import UNWRITTEN
from autograder.marking.following import basis
from autograder.marking.verdicts import Finding, Verdict
from autograder.oracle.questions import Question, load_questions
from autograder.pages.layout import anchor, template, titles


@dataclass(frozen=True)
class Preview:
    """What a preview is about.

    file: the notebook's name, as the student gave it. digest: of what was handed in; empty where it could not be
    graded. handed_in: for people; empty where that is not known. left: how many more there are on the day of `graded`,
    of `a_day`.
    """

    assignment: Assignment
    student: str
    file: str
    digest: str
    handed_in: str
    graded: datetime
    left: int
    a_day: int


@dataclass(frozen=True)
class Answer:
    """A question as a preview shows it: its properties, or for a written answer (no verdict) how many words it has.

    below: the earlier questions that it builds on and that are not right yet. core: what counts most, where that
    fails.
    """

    name: str
    title: str
    verdict: Verdict | None = None
    words: int = 0
    below: tuple[str, ...] = ()
    core: str = ""

    @property
    def anchor(self) -> str:
        """Where its card stands."""
        return anchor(self.name)

    @property
    def failed(self) -> list[Finding]:
        """The properties that do not hold."""
        return [finding for finding in self.verdict.findings if not finding.passed] if self.verdict else []

    @property
    def holds(self) -> bool:
        """Whether all properties hold."""
        return self.verdict is not None and not self.failed

    @property
    def written(self) -> bool:
        """Whether there is more than the stub that was handed out."""
        return self.words > 0 or self.holds or not all(finding.reason.startswith(UNWRITTEN) for finding in self.failed)

    @property
    def trivial(self) -> str:
        """Why what holds is not enough, where a function that always does the same does as well."""
        return self.verdict.cap if self.verdict and self.failed and self.verdict.score == 0 else ""

    @property
    def said(self) -> str:
        """Where it stands, in a phrase."""
        if self.verdict is None:
            unit = "word" if self.words == 1 else "words"
            return f"{self.words} {unit} so far" if self.words else "nothing written yet"
        failed, every = len(self.failed), len(self.verdict.findings)
        if not failed:
            return "all properties hold"
        if not self.written:
            return UNWRITTEN
        if failed == every:
            return "no property holds"
        return f"{failed} of {every} properties {'fails' if failed == 1 else 'fail'}"


def answers(assignment: Assignment, verdicts: Iterable[Verdict], graded: str, released: NotebookNode) -> list[Answer]:
    """What a page shows of each question, in the notebook's order.

    graded: the text of the graded notebook. released: the notebook as students get it, whose words are not theirs.
    """
    given = {verdict.question: verdict for verdict in verdicts}
    questions = {question.id: question for question in load_questions(assignment)}
    sources = {_id(cell): cell["source"] for cell in json.loads(graded)["cells"]}
    written = {_id(cell): _words(sources[_id(cell)], cell.source) for cell in released.cells if _is_written(cell)}
    shown = []
    for name, title in titles(assignment).items():
        if name in given:
            shown.append(_asked(assignment, questions[name], title, given))
        elif name in written:
            shown.append(Answer(name, title, words=written[name]))
    return shown


def _asked(assignment: Assignment, question: Question, title: str, given: dict[str, Verdict]) -> Answer:
    verdict = given[question.id]
    wrong = {name for name, other in given.items() if not all(finding.passed for finding in other.findings)}
    below = tuple(name for name in basis(assignment, question) if name in wrong)
    core = question.core if any(finding.core and not finding.passed for finding in verdict.findings) else ""
    return Answer(question.id, title, verdict, below=below, core=core)


def _id(cell: dict) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def _is_written(cell: NotebookNode) -> bool:
    return cell.cell_type == "markdown" and bool(cell.metadata.get("nbgrader", {}).get("grade"))


def _words(source: str, released: str) -> int:
    """Words in the lines that the release does not have."""
    own = set(released.splitlines())
    return sum(len(line.split()) for line in source.splitlines() if line not in own)


def preview_page(
    preview: Preview, answers: Sequence[Answer] = (), repairs: Sequence[str] = (), problem: str = ""
) -> str:
    """The page's text. problem: why nothing was graded, in words."""
    return template("preview.html.j2").render(preview=preview, answers=answers, repairs=repairs, problem=problem)
