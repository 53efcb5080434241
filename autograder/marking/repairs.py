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
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autograder.course.paths import Assignment
from autograder.course.solutions import assignment_cells
from autograder.marking.additions import moved, small, terms
from autograder.marking.compare import UNWRITTEN, difference
from autograder.marking.edits import Edit, edits
from autograder.marking.following import Marked, basis
from autograder.marking.names import strings
from autograder.marking.ordering import FIRST, TOKEN, in_its_place, in_turns, likeliest, likeness
from autograder.marking.reference import answer_with, judge_one, requests, seconds_to_answer
from autograder.marking.values import wrong_parts
from autograder.marking.verdicts import Verdict
from autograder.oracle.questions import Question, load_questions

SECONDS, ALL_SECONDS = 7.0, 20.0  # of CPU for a question, and for a submission
CHUNK, ROUND = 200, 0.4  # edits to a round trip, and the seconds that it may take
BLOCK = 50  # edits that are tried before those that help are confirmed; then twice as many, and so on
CONFIRMED = 12  # edits that are asked in full, the closest to the solution first
OTHER = " (other inputs)"  # after the secret

# Programs, each a list of sources, are asked some requests in so many CPU seconds, each in so many: answers, fewer
# where the time is over, and the seconds that they took.
AskPrograms = Callable[[Question, Sequence[dict], list[list[str]], float, float], tuple[list[list], float]]
PROBING, CONFIRMING, PAIRING, BOTH = 0.6, 0.7, 0.85, 0.9  # of the seconds; the rest is for edits of the solution


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
        after[question.id] = search.in_own_cells(_own(question, cells), solution[question.id], beside, one.answers)
        if not (after[question.id].hint or wrong):
            below = [solution[name] for name in basis(assignment, question) if name in solution]
            after[question.id] = search.in_the_solution(solution[question.id], below, one.answers)
        left -= search.used
        if left <= 0:
            break
    return after


def _own(question: Question, cells: Mapping[str, str]) -> list[str]:
    """The student's cells that a question's answer comes from: its own, then those with functions that it names."""
    source = cells.get(question.id, "")
    helpers = [
        text for name, text in cells.items() if name.startswith("own-") and _defined(text) & set(TOKEN.findall(source))
    ]
    return [source, *helpers]


def _defined(source: str) -> set[str]:
    try:
        return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


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
    probe: int = 0  # the quickest of the cases that failed
    started: float = field(default_factory=time.process_time)
    before: dict[tuple[str, int], Mapping[str, bool]] = field(default_factory=dict)  # what is wrong, by secret and case
    _right: dict[tuple, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.failed = [index for index, finding in enumerate(self.verdict.findings) if not finding.passed]
        self.requests = requests(self.assignment, self.question, self.secret)
        self.others = requests(self.assignment, self.question, self.secret + OTHER)

    @property
    def used(self) -> float:
        """CPU seconds so far."""
        return time.process_time() - self.started + self.elsewhere

    def in_own_cells(self, sources: list[str], solution: str, beside: list[str], answers: Sequence[dict]) -> Verdict:
        """The verdict with a hint at the line of the student's cells at which an edit makes all right.

        beside: sources that stand in for earlier questions' functions. answers: the submission's, to all cases.
        """
        self._measure([*beside, sources[0]], answers)
        helpful: list[tuple[int, str, Edit]] = []  # the parts of the probe that are still wrong
        for source in sources:
            near = likeness(source, solution)
            for better in self._blocks(source, solution, near, beside):
                right = sorted((edit for wrong, edit in better if not wrong), key=near, reverse=True)
                edit, others = self._confirmed(right[:CONFIRMED], beside)
                if edit:
                    return self._hinted(sources, source, edit, "every property holds")
                helpful += [(0, source, edit) for _, edit in others] + [(n, source, edit) for n, edit in better if n]
        return self._with_two(sources, solution, helpful, beside)

    def _blocks(
        self, source: str, solution: str, near: Callable[[Edit], int], beside: list[str]
    ) -> Iterator[list[tuple[int, Edit]]]:
        """The edits of a source that put right what is wrong in the probe, or parts of it (`_better`), block by block.

        Those come first that lead towards the solution's tokens, and of these the likelier slips.
        """
        dicts = [pair for request in self.requests for pair in _dicts(request["inputs"])]
        keys = [*strings(solution), *(part for _, keys in dicts for key in keys for part in (key, key[:-1]))]
        try:
            likely = [*moved(source), *edits(source, keys), *small(source)]
            changes = itertools.chain(likeliest(likely, near, source), terms(source, dict(dicts)))
            size = BLOCK
            while block := list(itertools.islice(changes, size)):
                yield self._better(iter(block), beside)
                if self.used > PROBING * self.seconds:
                    return
                size *= 2
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return

    def _with_two(
        self, sources: list[str], solution: str, helpful: list[tuple[int, str, Edit]], beside: list[str]
    ) -> Verdict:
        """The verdict with a hint at two lines with which all is right, else at one with which part of it is."""
        helpful.sort(key=lambda one: one[0])
        partial = []
        for source in sources:
            some = [edit for _, text, edit in helpful if text == source][:CONFIRMED]
            partial += [(right, source, edit) for right, edit in self._confirmed(some, beside)[1]]
        near = likeness(sources[0], solution)
        if pair := self._pair(sources[0], near, [edit for _, source, edit in partial if source == sources[0]], beside):
            return replace(self.verdict, hint=_both_told(sources[0], *pair), line=pair[0].line)
        if partial:
            right, source, edit = max(partial, key=lambda one: one[0])
            wrong = sum(map(len, self.before.values()))
            return self._hinted(sources, source, edit, f"{right} of the {wrong} wrong entries are right")
        return self.verdict

    def _hinted(self, sources: list[str], source: str, edit: Edit, holds: str) -> Verdict:
        line = edit.line if source == sources[0] else 0
        return replace(self.verdict, hint=_told(source, edit, holds), line=line)

    def _better(self, changes: Iterator[Edit], beside: list[str], share: float = PROBING) -> list[tuple[int, Edit]]:
        """The edits that put right what is wrong in the quickest of the cases that failed, or parts of it and break
        none; each with the number of parts that are still wrong.
        """
        found, before = [], set(self.before[self.secret, self.probe])
        for edit, (answer,) in self._asked(changes, beside, [self.requests[self.probe]], share):
            wrong = self._wrong(self.probe, answer, self.secret)
            if set(wrong) < before:
                found.append((len(wrong), edit))
        return found

    def _confirmed(
        self, candidates: list[Edit], beside: list[str], share: float = CONFIRMING
    ) -> tuple[Edit | None, list[tuple[int, Edit]]]:
        """The edit with which all cases hold, with the inputs of the marks and with others, too; else those that put
        some of what is wrong right and break nothing, each with how many parts.

        Of several, one that keeps most of what later questions take from this one.
        """
        right_ones, others = [], []
        keys = [(secret, index) for secret in (self.secret, self.secret + OTHER) for index in range(len(self.requests))]
        for edit, answers in self._asked(iter(candidates), beside, [*self.requests, *self.others], share):
            after = {key: self._wrong(key[1], answer, key[0]) for key, answer in zip(keys, answers, strict=True)}
            if not any(after.values()):
                right_ones.append(edit)
            elif all(set(wrong) <= set(self.before[key]) for key, wrong in after.items()) and self._telling(after):
                others.append((sum(len(self.before[key]) - len(wrong) for key, wrong in after.items()), edit))
        if right_ones:
            return max(right_ones, key=self._kept_below(right_ones, beside)), []
        return None, others

    def _telling(self, after: Mapping[tuple[str, int], Mapping[str, bool]]) -> bool:
        """Whether an edit helps not by chance: some parts are wrong nowhere any more, or most cases hold."""
        still = {name for wrong in after.values() for name in wrong}
        if any(tells and name not in still for wrong in self.before.values() for name, tells in wrong.items()):
            return True
        held = [index for index in self.failed if not (after[self.secret, index] or after[self.secret + OTHER, index])]
        weightiest = max(self.failed, key=lambda index: self.question.cases[index].weight)
        return weightiest in held and 2 * len(held) > len(self.failed)

    def _pair(
        self, source: str, near: Callable[[Edit], int], partial: list[Edit], beside: list[str]
    ) -> tuple[Edit, Edit] | None:
        """Two edits on two lines with which all cases hold: those first that lead towards the solution's tokens."""
        try:
            singles = likeliest([*edits(source), *small(source)], near, source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        firsts = [edit for edit in [*partial, *singles] if in_its_place(source, edit)][:FIRST]
        made: dict[str, tuple[Edit, Edit]] = {}

        def beside_the(first: Edit) -> Iterator[Edit]:
            shift = source.rstrip("\n").count("\n") - first.source.rstrip("\n").count("\n")
            for second in likeliest(edits(first.source), near, first.source):
                line = second.line + shift * (second.line > first.line)
                if second.source not in made:
                    made[second.source] = first, replace(second, line=line)
                    yield second

        pairs = in_turns(firsts, beside_the)
        better = [edit for wrong, edit in self._better(pairs, beside, PAIRING) if not wrong]
        found, _ = self._confirmed(better[:CONFIRMED], beside, BOTH)
        if not found:
            return None
        one, other = sorted(made[found.source], key=lambda edit: edit.line)
        return one, other

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
        self, changes: Iterator[Edit], beside: list[str], asked: list[dict], share: float = 1.0
    ) -> Iterator[tuple[Edit, list[dict]]]:
        """Edits with their answers, in a share of the seconds; those that do not run are left out."""
        chunk: list[Edit] = []
        most = min(CHUNK, 3 + int(ROUND / (0.001 + self.alone * len(asked))))
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
                if self.used > share * self.seconds:  # a judge may take long
                    return
            del chunk[: len(answers)]

    def _measure(self, program: list[str], answers: Sequence[dict]) -> None:
        """What is wrong in the answers of the program as it is, and how long a request takes on average.

        An edit that takes far longer hangs. answers: in the place of those that do not come in time.
        """
        came, seconds = self.ask(self.question, self.requests, [program], self.seconds / 4, self.seconds / 4)
        self.elsewhere += seconds
        self.alone = seconds / len(self.requests)
        own = came[0] if came and came[0] else answers
        each = seconds_to_answer(self.assignment, self.question, self.secret)
        took = {}
        for index, finding in enumerate(self.verdict.findings):
            started = time.process_time()
            judged = self.question.cases[index].judge is not None
            wrong = {} if finding.passed else {"": False} if judged else self._wrong(index, own[index], self.secret)
            if judged and not finding.passed and len(self.failed) > 1:
                self._wrong(index, own[index], self.secret)  # how long that takes
            took[index] = each[index] + time.process_time() - started
            self.before[self.secret, index] = self.before[self.secret + OTHER, index] = wrong
        self.probe = min(self.failed, key=took.__getitem__)

    def _wrong(self, index: int, answer: dict, secret: str) -> Mapping[str, bool]:
        """The parts of an answer to a case that are wrong (values.wrong_parts); all of a judged one."""
        case = self.question.cases[index]
        if case.judge is None:
            try:
                right = answer_with(self.assignment, self.question, index, (), secret)
                return wrong_parts(right, answer, case)
            except Exception:  # the answer is untrusted
                return {"": False}
        key = (index, secret, json.dumps(answer))  # many edits give the same, and some judges take long
        if key not in self._right:
            self._right[key] = not judge_one(self.assignment, self.question, index, answer, secret).reason
        return {} if self._right[key] else {"": False}

    def in_the_solution(self, solution: str, beside: list[str], answers: Sequence[Any]) -> Verdict:
        """The verdict with the kind of an edit of the solution that gives the student's answers to all cases."""
        compared = [index for index, case in enumerate(self.question.cases) if case.judge is None]
        telling = [i for i in self.failed if i in compared and answers[i]["kind"] not in ("exception", "other")]
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


def _told(source: str, edit: Edit, holds: str) -> str:
    lines = source.split("\n")
    line = lines[edit.line - 1].strip() if edit.line <= len(lines) else ""
    return f"Line {edit.line}, `{line[:120]}`: {_phrase(edit.kind)} here, {holds}."


def _both_told(source: str, one: Edit, other: Edit) -> str:
    if one.line == other.line:
        return _told(source, replace(one, kind=f"{one.kind} and {_phrase(other.kind)}"), "every property holds")
    first, second = (_told(source, edit, "").removesuffix(" here, .") for edit in (one, other))
    return f"{first}; l{second[1:]}. With both, every property holds."


def _phrase(kind: str) -> str:
    verbs = ("without", "moved", "added", "assigned")
    return kind if kind.split()[0] in verbs else f"with {kind}"
