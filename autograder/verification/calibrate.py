"""`course calibrate`: run what a notebook trains over many seeds, and set the bars that submissions must reach."""

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
from autograder.course.paths import Assignment
from autograder.course.solutions import assignment_cells, run
from autograder.marking import answering, reference
from autograder.oracle.bars import FILE, Bar, bar_of
from autograder.oracle.questions import Question, edited_cell, load_questions
from autograder.verification.samples import sample_submissions
from utils import session

FIRST = 3  # seeds after which another correct solution with the same figures counts as the same
SPOILED_SEEDS = 2  # of each misconception


def calibrate(
    assignment: Assignment, seeds: int, threads: Sequence[int], say: Callable[[str], None] = print
) -> dict | None:
    """Measure and set the bars of an assignment; None when it has none.

    Raises CourseError for a useless bar, and for fewer seeds than a spread can be computed from.
    The solution is run from `seeds` seeds with each number of threads, other correct solutions from the same seeds with
    one thread, the misconceptions that a question names as `spoiled_by` from the first two.
    """
    if seeds < 2:
        raise CourseError(f"bars follow from the spread over seeds, which takes at least 2, got {seeds}")
    figures: dict[str, dict] = {}
    spoiled: dict[str, dict] = {}
    for question in load_questions(assignment):
        bars = [case.judge for case in question.cases if isinstance(case.judge, Bar)]
        if not bars:
            continue
        misconceptions = {name: _misconception(assignment, name) for name in question.spoiled_by}
        train = trained(assignment, question)
        runs = [[measured(assignment, question, train(seed, n), seed) for n in threads] for seed in range(seeds)]
        say(f"{question.id}: {seeds} seeds, {' and '.join(map(str, threads))} threads")
        others = {}
        for sample in sample_submissions(assignment):
            if sample.kind == "alternative":
                train = trained(assignment, question, sample.cells)
                measurements: list[dict] = []
                while len(measurements) < seeds and not (len(measurements) == FIRST and _alike(measurements, runs)):
                    measurements.append(measured(assignment, question, train(len(measurements), 1), len(measurements)))
                others[sample.name] = measurements
                say(f"{question.id}: {sample.name}, {len(measurements)} seeds")
        for bar in bars:
            rows = [[by_threads[bar.name] for by_threads in row] for row in runs]
            other_figures = {name: [each[bar.name] for each in measurements] for name, measurements in others.items()}
            figures[bar.name] = {
                "bar": bar_of(rows, other_figures, bar.at_most),
                "at_most": bar.at_most,
                "mean": float(np.mean(rows)),
                "sd": float(np.std(rows, ddof=1)),
                "runs": rows,
                "others": other_figures,
            }
        for name, cells in misconceptions.items():
            train = trained(assignment, question, cells)
            spoiled_runs = [measured(assignment, question, train(seed, 1), seed) for seed in range(SPOILED_SEEDS)]
            short = [
                bar.name
                for bar in bars
                if all(_short(figures[bar.name], each[bar.name], bar.at_most) for each in spoiled_runs)
            ]
            if not short:
                raise CourseError(f"{assignment}: {name!r} falls short of no bar of {question.id!r}: {spoiled_runs}")
            spoiled[name] = {"falls_short_of": short, "runs": spoiled_runs}
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


def write_bars(assignment: Assignment, calibration: dict) -> Path:
    """Write an assignment's bars beside its oracle."""
    path = assignment.folder / FILE
    path.write_text(json.dumps(_rounded(calibration), indent=1) + "\n", encoding="utf-8")
    return path


def trained(
    assignment: Assignment, question: Question, cells: Mapping[str, str] | None = None
) -> Callable[[int, int], Mapping]:
    """A function that runs the notebook's own training cell again, from another seed and with so many threads.

    It returns the notebook's names. The cells before that one are run once; `cells` replaces solution cells.
    """
    before, training = [], None
    for cell in assignment_cells(assignment):
        if cell.id == question.made_by:
            training = cell
            break
        if cell.kind == "code" and cell.role != "question":
            before.append(cell)
    if training is None:
        raise CourseError(f"{assignment}: {question.id!r} has bars, so its made_by must name the cell that makes it")
    names: dict = {"__name__": "calibrated"}
    with _quiet():
        names["course"] = session.start()
        for cell in before:
            # what a cell only shows may fail under a misconception, in a notebook too
            with contextlib.nullcontext() if cell.role else contextlib.suppress(CourseError):
                run((cells or {}).get(cell.id, cell.source), names, f"{assignment}/notebook.py:{cell.line}")

    def train(seed: int, threads: int) -> Mapping:
        torch.set_num_threads(threads)
        with _quiet(), _other_seeds(seed):
            run(training.source, names, f"{assignment}/notebook.py:{training.line}")
        torch.set_num_threads(1)
        return names

    return train


def measured(assignment: Assignment, question: Question, names: Mapping, seed: int) -> dict[str, float]:
    """The figures of what was trained, by bar, measured as the grader does. nan where there is none."""
    secret = f"calibration {seed}"
    figures = {}
    for case, request in zip(question.cases, reference.requests(assignment, question, secret), strict=True):
        if isinstance(case.judge, Bar):
            answer = answering.decode(answering.answer(request, dict(names)))
            inputs = {key: answering.decode(value) for key, value in request["inputs"].items()}
            inputs |= reference.kept_inputs(assignment, question, case, secret)
            figure = case.judge.measure(answer, inputs, reference.solution(assignment))
            figures[case.judge.name] = float("nan") if isinstance(figure, str) else float(figure)
    return figures


def _misconception(assignment: Assignment, name: str) -> dict[str, str]:
    """The edited cell of a misconception, named as 'question: misconception'."""
    for question in load_questions(assignment):
        for misconception in question.misconceptions:
            if name == f"{question.id}: {misconception.name}":
                return edited_cell(assignment, question, misconception)
    raise CourseError(f"{assignment}: spoiled_by names {name!r}, which is not a 'question: misconception'")


def _alike(theirs: list[dict], runs: list[list[dict]]) -> bool:
    """Whether another solution gave the solution's own figures."""
    pairs = [(other[name], row[0][name]) for other, row in zip(theirs, runs, strict=False) for name in other]
    return all(math.isclose(*pair, rel_tol=1e-3) for pair in pairs)


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
    """The notebook's own seeds for seed 0; other seeds in their places for another."""
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
    """Numbers to four significant digits, so that the file is readable."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value
