"""`course calibrate`: run what a notebook trains over many seeds, and set the bars that hand-ins are held against."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from unittest import mock

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import torch

from autograder.course.errors import CourseError
from autograder.course.paths import ASSIGNMENTS
from autograder.course.solutions import assignment_cells, run
from autograder.marking import answering, mark
from autograder.oracle.bars import FILE, Bar, bar_of
from autograder.oracle.questions import Question, edited_cell, load_questions
from autograder.verification.handins import all_handins
from utils import session

FIRST = 3  # seeds after which another right solution that gave the same figures is known to train the same
SPOILED_SEEDS = 2  # of each misconception


def calibrate(assignment: str, seeds: int, threads: Sequence[int], say: Callable[[str], None] = print) -> dict | None:
    """Measure and set the bars of an assignment; None when it has none. Raises CourseError where a bar does not part.

    The solution is run from `seeds` seeds with each number of threads, other right solutions from the same with one
    thread, the misconceptions that a question names as `spoiled_by` from the first two.
    """
    figures: dict[str, dict] = {}
    spoiled: dict[str, dict] = {}
    for question in load_questions(assignment):
        bars = [case.judge for case in question.cases if isinstance(case.judge, Bar)]
        if not bars:
            continue
        wrong = {name: _misconception(assignment, name) for name in question.spoiled_by}
        again = trained(assignment, question)
        runs = [[measured(assignment, question, again(seed, n), seed) for n in threads] for seed in range(seeds)]
        say(f"{question.id}: {seeds} seeds, {' and '.join(map(str, threads))} threads")
        others = {}
        for handin in all_handins(assignment):
            if handin.kind == "alternative":
                again = trained(assignment, question, handin.cells)
                came: list[dict] = []
                while len(came) < seeds and not (len(came) == FIRST and _alike(came, runs)):
                    came.append(measured(assignment, question, again(len(came), 1), len(came)))
                others[handin.name] = came
                say(f"{question.id}: {handin.name}, {len(came)} seeds")
        for bar in bars:
            rows = [[by_threads[bar.name] for by_threads in row] for row in runs]
            theirs = {name: [each[bar.name] for each in found] for name, found in others.items()}
            figures[bar.name] = {
                "bar": bar_of(rows, theirs, bar.at_most),
                "at_most": bar.at_most,
                "mean": float(np.mean(rows)),
                "sd": float(np.std(rows, ddof=1)),
                "runs": rows,
                "others": theirs,
            }
        for name, cells in wrong.items():
            again = trained(assignment, question, cells)
            found = [measured(assignment, question, again(seed, 1), seed) for seed in range(SPOILED_SEEDS)]
            short = [
                bar.name for bar in bars if all(_short(figures[bar.name], one[bar.name], bar.at_most) for one in found)
            ]
            if not short:
                raise CourseError(f"{assignment}: {name!r} falls short of no bar of {question.id!r}: {found}")
            spoiled[name] = {"falls_short_of": short, "runs": found}
            say(f"{question.id}: {name} falls short of {', '.join(short)}")
    if not figures:
        return None
    return {
        "threads": list(threads),
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores",
        "torch": torch.__version__,
        "date": time.strftime("%Y-%m-%d"),
        "figures": figures,
        "misconceptions": spoiled,
    }


def write(assignment: str, found: dict) -> Path:
    """Write an assignment's bars beside its oracle."""
    path = ASSIGNMENTS / assignment / FILE
    path.write_text(json.dumps(_rounded(found), indent=1) + "\n", encoding="utf-8")
    return path


def trained(
    assignment: str, question: Question, cells: Mapping[str, str] | None = None
) -> Callable[[int, int], Mapping]:
    """A function that runs the notebook's own training cell again, from another seed and with so many threads.

    It returns the notebook's names. What stands before that cell is run once; `cells` replaces solution cells.
    """
    before, training = [], None
    for cell in assignment_cells(assignment):
        if cell.id == question.made_by:
            training = cell
            break
        if cell.kind == "code" and cell.role != "question":
            before.append(cell)
    if training is None:
        raise CourseError(f"{assignment}: {question.id!r} has bars, so it must name the cell that makes it, as made_by")
    names: dict = {"__name__": "calibrated"}
    with _quiet():
        names["course"] = session.start()
        for cell in before:
            # what a cell only shows may fail under a misconception, in a notebook too
            with contextlib.nullcontext() if cell.role else contextlib.suppress(CourseError):
                run((cells or {}).get(cell.id, cell.source), names, f"{assignment}/notebook.py:{cell.line}")

    def again(seed: int, threads: int) -> Mapping:
        torch.set_num_threads(threads)
        with _quiet(), _other_seeds(seed):
            run(training.source, names, f"{assignment}/notebook.py:{training.line}")
        torch.set_num_threads(1)
        return names

    return again


def measured(assignment: str, question: Question, names: Mapping, seed: int) -> dict[str, float]:
    """The figures of what was trained, by bar, measured as the grader does. nan where there is none."""
    secret = f"calibration {seed}"
    found = {}
    for case, request in zip(question.cases, mark.requests(assignment, question, secret), strict=True):
        if isinstance(case.judge, Bar):
            answer = answering.decode(answering.answer(request, dict(names)))
            inputs = {key: answering.decode(value) for key, value in request["inputs"].items()}
            inputs |= mark.kept_inputs(assignment, question, case, secret)
            came = case.judge.measure(answer, inputs, mark.solution(assignment))
            found[case.judge.name] = float("nan") if isinstance(came, str) else float(came)
    return found


def _misconception(assignment: str, name: str) -> dict[str, str]:
    """The edited cell of a misconception, named as 'question: misconception'."""
    for question in load_questions(assignment):
        for wrong in question.misconceptions:
            if name == f"{question.id}: {wrong.name}":
                return edited_cell(assignment, question, wrong)
    raise CourseError(f"{assignment}: spoiled_by names {name!r}, which is no 'question: misconception'")


def _alike(theirs: list[dict], runs: list[list[dict]]) -> bool:
    """Whether another solution gave the solution's own figures."""
    pairs = [(other[name], row[0][name]) for other, row in zip(theirs, runs, strict=False) for name in other]
    return all(math.isclose(one, other, rel_tol=1e-3) for one, other in pairs)


def _short(figure: Mapping, came: float, at_most: bool) -> bool:
    return not (came <= figure["bar"] if at_most else came >= figure["bar"])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """As under grading: the quick profile, a folder of its own, nothing drawn and nothing printed."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, NBGRADER_EXECUTION="autograde"):
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(io.StringIO()), matplotlib.rc_context({"backend": "agg"}):
                yield
        finally:
            os.chdir(here)
            plt.close("all")


@contextlib.contextmanager
def _other_seeds(seed: int) -> Iterator[None]:
    """The notebook's own seeds for seed 0; others in their places for another."""
    if not seed:
        yield
        return
    torch_seed, numpy_generator = torch.manual_seed, np.random.default_rng
    with (
        mock.patch.object(torch, "manual_seed", lambda value: torch_seed(int(value) + 1000 * seed)),
        mock.patch.object(np.random, "default_rng", lambda value=0: numpy_generator([value, seed])),
    ):
        yield


def _rounded(value):
    """Numbers to four significant digits, so that the file can be read."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value
