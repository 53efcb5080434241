"""Bars for what training reaches: set by `course calibrate` from runs of the solution, kept in `bars.json`.

A trained result is judged by a figure that the grader measures itself. Runs from other seeds, with other numbers of
threads and by other correct solutions reach other figures; a bar lies so far on the worse side of all of them that a
correct submission misses it less than once in a thousand.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from autograder.course.errors import CourseError
from utils import corpora, toy
from utils.baselines import baselines

FILE = "bars.json"
CHANCE, CONFIDENCE = 1e-3, 0.95
LUCK = -math.log(1e-9)  # nats by which chance may make a model better than the language itself


@dataclass(frozen=True)
class Measured:
    """A judge's result: None or a reason in words and, where it measured one, a figure's name and value."""

    reason: str | None
    figure: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Bar:
    """A judge: a measured figure against the bar of that name in the assignment's `bars.json`.

    measure: the figure from a decoded answer, the inputs and the solution's names, or in words why there is none.
    words: what a student reads below the bar; may name {came} and {bar}, both rounded.
    baselines: what models without a network reach, by name, to compare with. at_most: whether lower is better.
    file: the assignment's bars; not written, `load_questions` sets it.
    """

    name: str
    measure: Callable[[Any, Mapping, Mapping], float | str]
    words: str
    baselines: Callable[[], Mapping[str, float]] | None = None
    at_most: bool = True
    file: Path = Path(FILE)

    def __call__(self, answer: Any, inputs: Mapping, solution: Mapping) -> Measured:
        """The figure; without a reason when it reaches the bar."""
        came = self.measure(answer, inputs, solution)
        if isinstance(came, str):
            return Measured(came)
        bar = _bar(self.file, self.name)
        passed = math.isfinite(came) and (came <= bar if self.at_most else came >= bar)
        if passed:
            return Measured(None, self.name, came)
        words = self.words.format(came=f"{came:.3g}", bar=f"{bar:g}")
        if self.baselines:
            reached = [f"{name} {value:.3g}" for name, value in self.baselines().items() if value != 1]
            words += f" (to compare, without a network: {', '.join(reached)})"
        return Measured(words, self.name, came)


def beyond_exact(nll: float, exact: float, tokens: int, unit: str = "") -> str | None:
    """Why a model with such total nats must have seen the text; None when it need not have.

    nll, exact: of the same tokens, by the model and by the language that the text was drawn from.
    unit: what to call bits per token; a perplexity without.
    For any model that was fixed before the text was drawn, the ratio of its likelihood to the exact one has an
    expectation of 1 at most. By Markov's inequality it exceeds 1e9 with a chance under 1e-9.
    """
    if not nll < exact - LUCK:  # nan is no better
        return None
    came, exact_figure = ((n / tokens / math.log(2) if unit else math.exp(n / tokens)) for n in (nll, exact))
    figure = f"{came:.3g} {unit}" if unit else f"a perplexity of {came:.3g}"
    return f"{figure} on text whose exact figure is {exact_figure:.3g}: no model can know more than the language itself"


@cache
def toy_words() -> dict[str, float]:
    """Perplexities of models without a memory on the toy language's test text, over the exact one."""
    corpus = corpora.load("toy")
    exact = toy.exact_perplexity(corpus.test)
    ratios = {name: value / exact for name, value in baselines(corpus.train, corpus.test).items()}
    return ratios | {"exact, from the grammar": 1.0}


@cache
def toy_characters() -> dict[str, float]:
    """Bits per character of models without a memory on the toy language's test text, over the exact ones."""
    corpus = corpora.load("toy")
    train, test = ([" ".join(line.strip().replace(" ", "_")) for line in text] for text in (corpus.train, corpus.test))
    symbols = sum(len(line.split()) + 1 for line in test)
    exact = -sum(toy.log_probability(line) for line in corpus.test) / symbols / math.log(2)
    ratios = {name: math.log2(value) / exact for name, value in baselines(train, test).items()}
    return ratios | {"exact, from the grammar": 1.0}


@cache
def read_bars(path: Path) -> dict:
    """What `course calibrate` wrote. Raises CourseError where it has not been run."""
    if not path.is_file():
        raise CourseError(f"{path}: no bars are set: run course calibrate {path.parent.name}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CourseError(f"{path} cannot be read: {error}") from None


def _bar(path: Path, name: str) -> float:
    """A figure's bar. Raises CourseError where none is set: a fault of the course costs no student a mark."""
    figures = read_bars(path).get("figures", {})
    if name not in figures:
        raise CourseError(f"{path}: no bar is set for {name!r}: run course calibrate {path.parent.name}")
    return figures[name]["bar"]


def tolerance_factor(runs: int) -> float:
    """How many standard deviations from the mean of so many normal runs leave out CHANCE, at CONFIDENCE, on one side.

    The usual one-sided tolerance factor: a quantile of the noncentral t. 5.2 for 10 runs, 4.5 for 16.
    """
    from scipy import stats  # grading sets no bars and must not wait for scipy

    root = math.sqrt(runs)
    return float(stats.nct.ppf(CONFIDENCE, runs - 1, stats.norm.isf(CHANCE) * root) / root)


def bar_of(runs: Sequence[Sequence[float]], others: Mapping[str, Sequence[float]], at_most: bool) -> float:
    """The bar from runs of the solution, a row per seed, and of other correct solutions by name, from the same seeds.

    Each solution has its own mean and spread; the worst limit is the bar, rounded to hundredths away from them. A row
    counts once, since its entries differ by the number of threads alone. Others that gave the solution's own figures
    from the first seeds were not run from the rest.
    """
    sign = 1 if at_most else -1
    ran = [runs, *([[value] for value in theirs] for theirs in others.values() if len(theirs) == len(runs))]
    values = [sign * np.ravel(np.asarray(rows, dtype=float)) for rows in ran]
    limits = [float(figures.mean()) + tolerance_factor(len(runs)) * float(figures.std(ddof=1)) for figures in values]
    return sign * math.ceil(max(limits) * 100) / 100
