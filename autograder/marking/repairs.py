"""The line at fault: a single edit of the student's own cell with which every property holds; else of the solution.

After all is marked, edits are asked in the submission's own kernel, whose answers are compared here: they change no
mark. An edit that only silences a symptom does not count: all cases must hold, the errors that are asked for too, with
the inputs of the marks and with others. Of several, the one that leads closest to the solution is shown, by its line
and its kind, not the edit itself. Where none is found, a single edit of the solution that gives the student's answers
tells what kind of mistake it is.
"""

from __future__ import annotations

import ast
import itertools
import json
import time
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import StringIO
from typing import Any

from autograder.course.paths import Assignment
from autograder.course.solutions import assignment_cells
from autograder.marking.additions import moved, small, terms
from autograder.marking.compare import UNWRITTEN, difference
from autograder.marking.edits import Edit, edits, strings
from autograder.marking.following import Marked, basis
from autograder.marking.reference import judge_one, quickest_first, requests
from autograder.marking.verdicts import Verdict
from autograder.oracle.questions import Question, load_questions

SECONDS, ALL_SECONDS = 5.0, 20.0  # of CPU for a question, and for a submission
CHUNK = 200  # edits to a round trip
CONFIRMED = 12  # edits that are asked in full, the closest to the solution first
OTHER = " (other inputs)"  # after the secret

# Programs, each a list of sources, are asked some requests in so many CPU seconds, each in so many: answers, fewer
# where the time is over, and the seconds that they took.
AskPrograms = Callable[[Question, Sequence[dict], list[list[str]], float, float], tuple[list[list], float]]
PROBING, CONFIRMING = 0.7, 0.85  # of the seconds; the rest is for edits of the solution


def located(
    assignment: Assignment,
    marked: Iterable[Marked],
    verdicts: Mapping[str, Verdict],
    cells: Mapping[str, str],
    ask: AskPrograms,
    secret: str,
) -> dict[str, Verdict]:
    """The verdicts with the line at fault, where one is found. cells: the submission's code by cell id, in order."""
    after, left = dict(verdicts), ALL_SECONDS
    solution = {cell.id: cell.source for cell in assignment_cells(assignment) if cell.role == "solution"}
    for one in marked:
        question, verdict = one.question, after[one.question.id]
        unexplained = [f for f in verdict.findings if not (f.passed or f.misconception or f.reason == UNWRITTEN)]
        if not unexplained or isinstance(one.answers, str) or question.made_by or question.id not in solution:
            continue
        wrong = [name for name in basis(assignment, question) if after[name].score < after[name].points]
        search = Search(assignment, question, verdict, ask, secret, min(SECONDS, left))
        beside = [solution[name] for name in wrong if name in solution]
        after[question.id] = search.in_own_cells(_own(question, cells), solution[question.id], beside)
        if not (after[question.id].hint or wrong):
            below = [solution[name] for name in basis(assignment, question) if name in solution]
            after[question.id] = search.in_the_solution(solution[question.id], below, one.answers)
        left -= search.used
    return after


def _own(question: Question, cells: Mapping[str, str]) -> list[str]:
    """The student's cells that a question's answer comes from: its own, then those with functions that it names."""
    source = cells.get(question.id, "")
    helpers = [text for name, text in cells.items() if name.startswith("own-") and _defined(text) & set(_words(source))]
    return [source, *helpers]


def _defined(source: str) -> set[str]:
    try:
        return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


def _words(source: str) -> list[str]:
    """The tokens of a source, without comments and the layout."""
    left_out = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    try:
        tokens = list(tokenize.generate_tokens(StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return source.split()
    return [token.string for token in tokens if token.type not in left_out and token.string not in "()"]


@dataclass
class Search:
    """A search for one question, in so many CPU seconds of this process and of the kernel, `elsewhere`."""

    assignment: Assignment
    question: Question
    verdict: Verdict
    ask: AskPrograms
    secret: str
    seconds: float
    elsewhere: float = 0.0
    alone: float = 0.0  # seconds for a request, as the cell is
    started: float = field(default_factory=time.process_time)
    _right: dict[tuple, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.failed = [index for index, finding in enumerate(self.verdict.findings) if not finding.passed]
        quick, _ = quickest_first(self.assignment, self.question, self.secret)
        self.probe = next(index for index in quick if index in self.failed)
        self.requests = requests(self.assignment, self.question, self.secret)
        self.others = requests(self.assignment, self.question, self.secret + OTHER)

    @property
    def used(self) -> float:
        """CPU seconds so far."""
        return time.process_time() - self.started + self.elsewhere

    def in_own_cells(self, sources: list[str], solution: str, beside: list[str]) -> Verdict:
        """The verdict with a hint at the line of the student's cells at which an edit makes all right.

        beside: sources that stand in for earlier questions' functions.
        """
        self._measure([*beside, sources[0]])
        dicts = [pair for request in self.requests for pair in _dicts(request["inputs"])]
        keys = [*strings(solution), *(part for _, keys in dicts for key in keys for part in (key, key[:-1]))]
        entries = dict(dicts)
        for changes in (moved, lambda source: edits(source, keys), small, lambda source: terms(source, entries)):
            for source in sources:
                try:
                    candidates = self._with_the_probe_right(changes(source), beside)
                except (SyntaxError, ValueError, RecursionError, MemoryError):
                    continue
                candidates.sort(key=lambda edit: _pairs(solution, edit.source), reverse=True)
                if found := self._all_right(candidates[:CONFIRMED], beside):
                    edit, holds = found
                    line = edit.line if source == sources[0] else 0
                    return replace(self.verdict, hint=_told(source, edit, holds), line=line)
        return self.verdict

    def _with_the_probe_right(self, changes: Iterator[Edit], beside: list[str]) -> list[Edit]:
        """The edits with which the quickest of the cases that failed holds."""
        found = []
        for edit, (answer,) in self._asked(changes, beside, [self.requests[self.probe]], PROBING):
            if self._holds(self.probe, answer, self.secret):
                found.append(edit)
        return found

    def _all_right(self, candidates: list[Edit], beside: list[str]) -> tuple[Edit, str] | None:
        """The edit with which all cases hold, with the inputs of the marks and with others, and what holds.

        Of several, one that keeps most of what later questions take from this one. Else the one with which most of
        those that failed hold, the weightiest of them too, and all that held before.
        """
        count, best, right_ones = len(self.requests), None, []
        weightiest = max(self.failed, key=lambda index: self.question.cases[index].weight)
        for edit, answers in self._asked(iter(candidates), beside, [*self.requests, *self.others], CONFIRMING, 3):
            both = ((self.secret, answers[:count]), (self.secret + OTHER, answers[count:]))
            right = [all(self._holds(index, given[index], secret) for secret, given in both) for index in range(count)]
            more = sum(right[index] for index in self.failed)
            kept = all(right[index] for index in range(count) if index not in self.failed)
            if all(right):
                right_ones.append(edit)
            elif kept and right[weightiest] and 2 * more > len(self.failed) and (best is None or more > best[2]):
                best = edit, f"{more} of the {len(self.failed)} properties that failed hold", more
        if right_ones:
            return max(right_ones, key=self._kept_below(right_ones, beside)), "every property holds"
        return best[:2] if best else None

    def _kept_below(self, changes: list[Edit], beside: list[str]) -> Callable[[Edit], int]:
        """How many cases of the questions that build on this one hold with an edit: a private cache shows there."""
        kept: Counter[str] = Counter()
        for later in load_questions(self.assignment):
            if len(changes) > 1 and self.question.id in later.builds_on and not later.made_by:
                asked = requests(self.assignment, later, self.secret)
                for edit, answers in self._asked(iter(changes), beside, list(asked), CONFIRMING):
                    for index, answer in enumerate(answers):
                        kept[edit.source] += not judge_one(self.assignment, later, index, answer, self.secret).reason
        return lambda edit: kept[edit.source]

    def _asked(
        self, changes: Iterator[Edit], beside: list[str], asked: list[dict], share: float = 1.0, most: int = CHUNK
    ) -> Iterator[tuple[Edit, list[dict]]]:
        """Edits with their answers, in a share of the seconds, so many at once; those that do not run are left out."""
        chunk: list[Edit] = []
        while (left := share * self.seconds - self.used) > 0:
            chunk += itertools.islice(changes, most - len(chunk))
            if not chunk:
                return
            each = 0.05 + 5 * self.alone * len(asked)
            answers, seconds = self.ask(
                self.question, asked, [[*beside, edit.source] for edit in chunk], left, min(each, left)
            )
            self.elsewhere += seconds
            if not answers:
                return
            for edit, given in zip(chunk, answers, strict=False):
                if given:
                    yield edit, given
            del chunk[: len(answers)]

    def _measure(self, program: list[str]) -> None:
        """How long a program takes for a request on average: an edit that takes far longer hangs."""
        _, seconds = self.ask(self.question, self.requests, [program], self.seconds / 4, self.seconds / 4)
        self.elsewhere += seconds
        self.alone = seconds / len(self.requests)

    def _holds(self, index: int, answer: dict, secret: str) -> bool:
        if self.question.cases[index].judge is None:
            return not judge_one(self.assignment, self.question, index, answer, secret).reason
        key = (index, secret, json.dumps(answer))  # many edits give the same, and some judges take long
        if key not in self._right:
            self._right[key] = not judge_one(self.assignment, self.question, index, answer, secret).reason
        return self._right[key]

    def in_the_solution(self, solution: str, beside: list[str], answers: Sequence[Any]) -> Verdict:
        """The verdict with the kind of an edit of the solution that gives the student's answers to all cases."""
        compared = [index for index, case in enumerate(self.question.cases) if case.judge is None]
        telling = [i for i in self.failed if i in compared and answers[i]["kind"] != "exception"]
        if not telling:
            return self.verdict
        probe = self.probe if self.probe in telling else telling[0]
        candidates = [
            edit
            for edit, (given,) in self._asked(edits(solution), beside, [self.requests[probe]])
            if self._same(probe, given, answers[probe])
        ]
        asked = [self.requests[index] for index in compared]
        for edit, given in self._asked(iter(candidates[:CONFIRMED]), beside, asked):
            if all(self._same(index, one, answers[index]) for index, one in zip(compared, given, strict=True)):
                said = f"Your answers are those of a correct solution with one change: {_phrase(edit.kind)}."
                return replace(self.verdict, hint=said)
        return self.verdict

    def _same(self, index: int, theirs: dict, answer: Any) -> bool:
        case = self.question.cases[index]
        try:
            return difference(theirs, answer, case.relative, case.absolute) is None
        except Exception:  # both are untrusted
            return False


def _dicts(inputs: Mapping[str, dict]) -> Iterator[tuple[str, list[str]]]:
    """The small dicts among encoded inputs, with their keys."""
    for name, value in inputs.items():
        if value["kind"] == "dict" and len(value["value"]) < 20:
            yield name, [key["value"] for key, _ in value["value"] if key["kind"] == "text"]


def _pairs(one: str, other: str) -> int:
    """How many pairs of tokens in a row two sources have in common."""
    counts = [Counter(itertools.pairwise(_words(source))) for source in (one, other)]
    return (counts[0] & counts[1]).total()


def _told(source: str, edit: Edit, holds: str) -> str:
    lines = source.splitlines()
    line = lines[edit.line - 1].strip() if edit.line <= len(lines) else ""
    return f"Line {edit.line}, `{line[:120]}`: {_phrase(edit.kind)} here, {holds}."


def _phrase(kind: str) -> str:
    verbs = ("without", "moved", "added", "assigned")
    return kind if kind.split()[0] in verbs else f"with {kind}"
