"""What is to be said of a class's work on an assignment: where it stands, what went wrong, who needs help."""

from __future__ import annotations

import difflib
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from autograder.course.paths import Assignment
from autograder.course.solutions import assignment_cells
from autograder.marking.compare import UNWRITTEN
from autograder.marking.verdicts import Verdict
from autograder.oracle.questions import Question, edited_cell, load_questions
from autograder.pages.layout import Row, written
from autograder.pages.references import references

TENTHS = 10
WORST = 3  # questions that are shown first
IN_NEED = 0.5  # of the points that are marked
SHOWN = 120  # characters of a line


@dataclass(frozen=True)
class SubmissionReport:
    """A student's submission of an assignment, from the gradebook and the graded notebook.

    score: the mark. rows: the questions in the notebook's order; with adjustments (in words and points) they make up
    the mark. unmarked: questions that wait for a mark by hand, each with the formgrader's address. repairs: what the
    intake repaired, in words. seconds: of the cells, by cell. lines: the line at fault by question, where one was
    found. when: when it was due and handed in, in a sentence. why: why it could not be graded, where that is known.
    """

    student: str
    name: str
    score: float
    most: float
    rows: list[Row] = field(default_factory=list)
    unmarked: dict[str, str] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    graded: bool = True
    when: str = ""
    adjustments: list[tuple[str, float]] = field(default_factory=list)
    why: str = ""

    @property
    def share(self) -> float:
        """The score as a share of the points that are marked so far."""
        marked = self.most - sum(row.points for row in self.rows if row.waits)
        score = self.score - sum(row.score for row in self.rows if row.waits)  # below 0 where a penalty took it all
        return max(0.0, score) / marked if marked > 0 else 0.0

    @property
    def figures(self) -> dict[str, float]:
        """What was measured of this submission, by name."""
        findings = [finding for verdict in self.verdicts for finding in verdict.findings]
        return {finding.figure: finding.value for finding in findings if finding.value is not None}

    @property
    def told(self) -> list[Row]:
        """The questions of which there is something to say: points lost, or the marker's comment."""
        return [row for row in self.rows if row.comment or (row.score < row.points and not row.waits)]

    def verdict(self, question: str) -> Verdict | None:
        """The grader's verdict on a question; none for a written one."""
        return next((verdict for verdict in self.verdicts if verdict.question == question), None)


@dataclass(frozen=True)
class Absent:
    """A student of the class who handed in nothing; due: when it is due, where there is still time."""

    student: str
    name: str
    due: datetime | None = None


@dataclass(frozen=True)
class Tenth:
    """Submissions with a tenth of the possible shares, the last one with all points too; quartiles that lie in it."""

    number: int
    count: int
    quartiles: list[str]

    @property
    def limits(self) -> str:
        """Its limits in percent."""
        return f"{100 * self.number // TENTHS} to {100 * (self.number + 1) // TENTHS} %"

    def holds(self, share: float) -> bool:
        """Whether a submission with this share of the points belongs to it."""
        return self.number == min(int(share * TENTHS + 1e-9), TENTHS - 1)


@dataclass(frozen=True)
class Mistake:
    """What went wrong in a question, in words, how many met it, and a line of code as an example."""

    question: str
    words: str
    met: int
    example: str = ""


@dataclass(frozen=True)
class QuestionSummary:
    """How a class did on a question.

    marked: how many have a mark for it. waiting: how many wait for one. followed: how many kept points by
    follow-through.
    """

    name: str
    title: str
    points: float
    mean: float
    full: int
    marked: int
    waiting: int
    followed: int
    mistakes: list[Mistake]

    @property
    def share(self) -> float:
        """The mean as a share of the points."""
        return self.mean / self.points if self.points else 0.0

    @property
    def lost(self) -> bool:
        """Whether somebody lost points in it."""
        return self.full < self.marked

    @property
    def all_points(self) -> str:
        """Who has all points, in words."""
        if not self.marked:
            return "still to be marked"
        if self.waiting:
            return f"{self.full} of {self.marked} so far"
        if self.full == self.marked:
            return "everybody"
        return f"{self.full} of {self.marked}" if self.full else "nobody"


@dataclass(frozen=True)
class Rank:
    """A row of a ranking: a student, or what to compare with (then `place` is empty)."""

    place: str
    who: str
    value: float
    seconds: float | None = None


@dataclass(frozen=True)
class Times:
    """Seconds that notebooks took in grading; whose took longest; the cells that took most of them (medians)."""

    median: float
    longest: float
    slowest: str
    cells: list[tuple[str, float]]


@dataclass(frozen=True)
class ClassReport:
    """An assignment's work, the best first, with what the pages show of it.

    problems: whose graded notebook cannot be read and why, in sentences. absent: who handed in nothing.
    """

    assignment: Assignment
    works: list[SubmissionReport]
    problems: list[str] = field(default_factory=list)
    absent: list[Absent] = field(default_factory=list)

    @property
    def graded(self) -> list[SubmissionReport]:
        """The submissions that could be graded."""
        return [work for work in self.works if work.graded]

    @property
    def missing(self) -> list[Absent]:
        """Who handed in nothing and has no more time."""
        return [one for one in self.absent if one.due is None]

    @cached_property
    def quartiles(self) -> tuple[float, float, float]:
        """Quartiles of the shares; a single one stands for all three."""
        shares = [work.share for work in self.graded]
        low, middle, high = statistics.quantiles(shares, method="inclusive") if shares[1:] else shares * 3
        return low, middle, high

    @cached_property
    def histogram(self) -> list[Tenth]:
        """How many submissions lie in each tenth of the marks."""
        named = dict(zip(("lower quartile", "median", "upper quartile"), self.quartiles, strict=True))
        tenths = []
        for number in range(TENTHS):
            empty = Tenth(number, 0, [name for name, share in named.items() if Tenth(number, 0, []).holds(share)])
            count = sum(empty.holds(work.share) for work in self.graded)
            tenths.append(Tenth(number, count, empty.quartiles if len(self.graded) > 1 else []))
        return tenths

    @cached_property
    def questions(self) -> list[QuestionSummary]:
        """The questions in the notebook's order."""
        rows: dict[str, list[Row]] = defaultdict(list)
        for work in self.graded:
            for row in work.rows:
                rows[row.name].append(row)
        return [self._summary(name, theirs) for name, theirs in rows.items()]

    def _summary(self, name: str, rows: list[Row]) -> QuestionSummary:
        marked = [row.score for row in rows if not row.waits]
        points = rows[0].points
        return QuestionSummary(
            name,
            rows[0].title,
            points,
            statistics.fmean(marked) if marked else 0.0,
            sum(score >= points for score in marked),
            len(marked),
            len(rows) - len(marked),
            sum(row.follows for row in rows),
            [mistake for mistake in self.mistakes if mistake.question == name],
        )

    @property
    def worst(self) -> list[QuestionSummary]:
        """The questions with the lowest mean shares, of those that are marked and that somebody lost points in."""
        lost = [question for question in self.questions if question.lost and not question.waiting]
        return sorted(lost, key=lambda question: question.share)[:WORST]

    @property
    def unwritten(self) -> list[Mistake]:
        """Questions that some left as they were."""
        return [mistake for mistake in self.mistakes if mistake.words == UNWRITTEN]

    @cached_property
    def mistakes(self) -> list[Mistake]:
        """What went wrong, the most frequent first: misconceptions by their sentence, else the weightiest reason."""
        met: Counter[tuple[str, str]] = Counter()
        lines: dict[tuple[str, str], str] = {}
        for question in load_questions(self.assignment):
            for work in self.graded:
                verdict = work.verdict(question.id)
                for words in _reasons(question, verdict) if verdict else ():
                    key = question.id, words
                    met[key] += 1
                    lines[key] = lines.get(key) or work.lines.get(question.id, "")
            for misconception in question.misconceptions:
                if (key := (question.id, misconception.means)) in met:
                    edited = edited_cell(self.assignment, question, misconception)
                    lines[key] = self._first_new_line(*next(iter(edited.items())))
        return [Mistake(name, words, count, lines[name, words][:SHOWN]) for (name, words), count in met.most_common()]

    def _first_new_line(self, cell: str, source: str) -> str:
        """The first line of a cell that the solution's does not have."""
        solution = next(one.source for one in assignment_cells(self.assignment) if one.id == cell)
        changes = difflib.ndiff(solution.splitlines(), source.splitlines())
        return next((line[2:].strip() for line in changes if line.startswith("+ ") and line[2:].strip()), "")

    @property
    def waiting(self) -> dict[str, list[tuple[SubmissionReport, str]]]:
        """Whose answers wait for a mark, with the formgrader's address, by question."""
        answers: dict[str, list[tuple[SubmissionReport, str]]] = defaultdict(list)
        for work in self.graded:
            for question, address in work.unmarked.items():
                answers[question].append((work, address))
        return answers

    @property
    def waiting_written(self) -> list[str]:
        """Those of them that are written, for which `course mark` has a page; the others wait in the formgrader."""
        return [question for question in self.waiting if question in written(self.assignment)]

    @property
    def in_need(self) -> list[tuple[SubmissionReport, list[Row]]]:
        """Who has less than half of the points, the lowest first, each with the questions that cost them most."""
        low = [work for work in self.graded if work.share < IN_NEED]
        costs = {work.student: [row for row in work.rows if not row.waits and row.score < row.points] for work in low}
        for rows in costs.values():
            rows.sort(key=lambda row: row.score - row.points)
        return [
            (work, costs[work.student][:WORST]) for work in sorted(low, key=lambda work: (work.share, work.student))
        ]

    @property
    def figures(self) -> list[str]:
        """The names of what was measured."""
        return sorted({name for work in self.graded for name in work.figures})

    def ranking(self, figure: str, only: str = "") -> list[Rank]:
        """Submissions and references by a figure, the lowest first. only: the one student who is shown."""
        made = {c.made_by for c in load_questions(self.assignment) if c.made_by}
        values = [(work.figures[figure], work) for work in self.graded if figure in work.figures]
        rows = [Rank("", name, value) for name, value in references(figure, self.assignment.course).items()]
        for value, work in values:
            place = str(1 + sum(other < value for other, _ in values))
            if only in ("", work.student):
                spent = sum(seconds for cell, seconds in work.seconds.items() if cell in made)
                rows.append(Rank(place, work.name or work.student, value, spent or None))
        return sorted(rows, key=lambda row: row.value)

    @property
    def times(self) -> Times | None:
        """What the notebooks' cells took in grading, where it was measured."""
        totals = {work.student: sum(work.seconds.values()) for work in self.graded if work.seconds}
        if not totals:
            return None
        slowest = max((work for work in self.graded if work.seconds), key=lambda work: totals[work.student])
        cells: dict[str, list[float]] = defaultdict(list)
        for work in self.graded:
            for cell, seconds in work.seconds.items():
                cells[cell].append(seconds)
        medians = sorted(((cell, statistics.median(all_)) for cell, all_ in cells.items()), key=lambda pair: -pair[1])
        who = slowest.name or slowest.student
        return Times(statistics.median(totals.values()), totals[slowest.student], who, medians[:3])


def _reasons(question: Question, verdict: Verdict) -> Iterable[str]:
    """Why a question lost points: the misconceptions that were met, else the reason that cost most."""
    if verdict.score >= verdict.points:
        return ()
    if question.made_by and verdict.note:
        return ("built on an earlier question, which lost marks",)
    lost = [finding for finding in verdict.findings if not finding.passed]
    named = {finding.reason for finding in lost if finding.misconception}
    costs: Counter[str] = Counter()
    for finding in lost:
        costs[finding.reason] += finding.points  # type: ignore[assignment]  # a Counter of floats
    return sorted(named) or [words for words, _ in costs.most_common(1)]
