"""`course mutate`: every single edit of a solution is asked like a student's answer, and must lose marks.

An edit that keeps all points shows a hole in the oracle, unless it is right as well: then a line beside the question
says why (`Question.equivalent`). Edits run in processes of their own, within limits of time and memory, since some
never end or ask for all there is.
"""

from __future__ import annotations

import os
import random
import re
import resource
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from autograder.course.paths import Assignment
from autograder.grading.cores import end_with_the_run
from autograder.marking.answering import TooLong, answer, in_time, standing_in
from autograder.marking.edits import Edit, changed, edits
from autograder.marking.reference import judge_one, requests, seconds_to_answer, solution
from autograder.oracle.questions import Question, load_questions
from autograder.sandbox.bubblewrap import ONE_THREAD
from autograder.verification.parts import anew, processes
from autograder.verification.samples import solution_cells

SECRET = "the secret of the mutants"
SECONDS = 5  # of CPU that an edit may take, besides four times what the solution takes
MEMORY = 8 << 30
CHUNK = 40  # edits to a task


@dataclass
class Mutants:
    """What became of a question's edits. equivalent: by number of its lines; surviving: those that no line explains."""

    question: str
    asked: int = 0
    killed: int = 0
    equivalent: int = 0
    surviving: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def fine(self) -> bool:
        """Whether every edit that survives has its line, and every line its edit."""
        return not self.surviving and not self.unused


def mutate(
    assignments: Sequence[Assignment], jobs: int, sample: int | None = None, keep: Callable = anew
) -> dict[Assignment, list[Mutants]]:
    """Ask the edits of all solution cells that a question asks about; says how far it is.

    sample: so many of each, the same each time. keep: what calls the function that asks some of them (`Kept`).
    """
    started = time.perf_counter()
    results: dict[Assignment, list[Mutants]] = {}
    os.environ.update(ONE_THREAD)
    with processes(jobs, "forkserver", _limit) as pool:
        waiting = []
        for assignment in assignments:
            for question in mutated(assignment):
                count = len(_edits(assignment, question.id))
                chosen = list(range(count))
                if sample is not None and sample < count:
                    chosen = sorted(random.Random(question.id).sample(chosen, sample))
                chunks = [chosen[i : i + CHUNK] for i in range(0, len(chosen), CHUNK)]
                futures = [
                    pool.submit(
                        keep, f"{assignment}-{question.id}-{chunk[0]}", survivors, assignment, question.id, chunk
                    )
                    for chunk in chunks
                ]
                waiting.append((assignment, question, len(chosen), futures))
        for assignment, question, count, futures in waiting:
            found, seconds = [], 0.0
            for future in futures:
                texts, took = future.result()
                found += texts
                seconds += took
            results.setdefault(assignment, []).append(_sorted_out(question, count, found, seconds, sample is None))
            minutes = (time.perf_counter() - started) / 60
            print(f"{assignment}: {count} edits of {question.id} asked, {minutes:.1f} min", flush=True)
    return results


def _limit() -> None:
    end_with_the_run()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def mutated(assignment: Assignment) -> list[Question]:
    """The questions whose own solution cell is a function or class."""
    cells = solution_cells(assignment)
    return [question for question in load_questions(assignment) if question.id in cells and not question.made_by]


@cache
def _edits(assignment: Assignment, cell: str) -> tuple[Edit, ...]:
    return tuple(edits(solution_cells(assignment)[cell]))


def survivors(assignment: Assignment, name: str, chosen: Sequence[int]) -> tuple[list[str], float]:
    """Which of a question's edits keep all points, as "line, kind: old -> new", and the seconds that all took."""
    started = time.perf_counter()
    questions = mutated(assignment)
    question = next(one for one in questions if one.id == name)
    built_on = [one for one in questions if name in one.builds_on]  # a step's private cache shows in its gradient
    source, found = solution_cells(assignment)[name], []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for number in chosen:
            edit = _edits(assignment, name)[number]
            if all(keeps_all(assignment, asked, edit.source) for asked in (question, *built_on)):
                found.append(f"line {edit.line}, {edit.kind}: {changed(source, edit)}")
    return found, time.perf_counter() - started


def keeps_all(assignment: Assignment, question: Question, source: str) -> bool:
    """Whether with a source in the place of a cell all cases of a question are passed, in time."""
    names, asked = solution(assignment), requests(assignment, question, SECRET)
    try:
        each = seconds_to_answer(assignment, question, SECRET)
        order, seconds = sorted(range(len(each)), key=each.__getitem__), sum(each)
        with in_time(SECONDS + 4 * seconds):
            for index in order:
                with standing_in([source], names):
                    given = answer(asked[index], names)
                if judge_one(assignment, question, index, given, SECRET).reason:  # by the solution as it is
                    return False
    except TooLong:
        return False
    except Exception:  # the edited cell itself does not run
        return False
    return True


def _sorted_out(question: Question, asked: int, found: list[str], seconds: float, whole: bool) -> Mutants:
    """Tell edits that a line explains from those that none does; and lines that explain none, where all were asked."""
    result = Mutants(question.id, asked, asked - len(found), seconds=seconds)
    used = set()
    for text in found:
        line = next((one for one in question.equivalent if re.search(one.edit, text)), None)
        if line:
            used.add(line.edit)
            result.equivalent += 1
        else:
            result.surviving.append(text)
    if whole:
        result.unused = [one.edit for one in question.equivalent if one.edit not in used]
    return result


def table(results: Mapping[Assignment, list[Mutants]]) -> str:
    """The table in Markdown, and below it what survived without a reason."""
    lines = ["| assignment | question | edits | killed | equivalent | surviving | seconds |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    problems = []
    for assignment, rows in results.items():
        for row in rows:
            cells = [assignment.name.split("_")[0], f"`{row.question}`", row.asked, row.killed, row.equivalent]
            lines.append("| " + " | ".join(map(str, [*cells, len(row.surviving), f"{row.seconds:.0f}"])) + " |")
            problems += [f"- {row.question}: {text}" for text in row.surviving]
            problems += [f"- {row.question}: no edit is explained by {line!r}" for line in row.unused]
    return "\n".join([*lines, "", *problems, ""] if problems else [*lines, ""])
