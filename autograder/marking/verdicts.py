"""What a question earned and why: made by the marker, kept in the notebook's metadata, read by reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache

import jinja2

from autograder.course.words import number


@dataclass(frozen=True)
class Finding:
    """One case of a marked question: its name, whether it passed, its share of the points, the reason if it failed.

    misconception: the name of the one that explains the answer. figure, value: what a judge measured, if it did.
    core: whether the case asks for what the question is about. follows: the earlier questions whose mistakes explain
    that it failed by itself; it counts as passed then.
    """

    case: str
    passed: bool
    points: float
    reason: str = ""
    misconception: str = ""
    figure: str = ""
    value: float | None = None
    core: bool = False
    follows: str = ""

    def words(self) -> str:
        """The reason, or what was measured where there is none."""
        if self.follows:
            return f"follows from {self.follows}"
        return self.reason or (f"{self.figure}: {self.value:.4g}" if self.value is not None else "")


@dataclass(frozen=True)
class Verdict:
    """What a question earned and why.

    cap: why the score is less than what passed is worth. note: what it has to do with earlier questions.
    hint: what is known of the line at fault. line: its number in the question's cell, from 1, or 0.
    """

    question: str
    score: float
    points: float
    findings: tuple[Finding, ...]
    note: str = ""
    cap: str = ""
    hint: str = ""
    line: int = 0

    @property
    def capped(self) -> float:
        """Points that passed and do not count."""
        return sum(f.points for f in self.findings if f.passed) - self.score if self.cap else 0.0

    def as_dict(self) -> dict:
        """Plain data, kept in the graded cell's metadata."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping) -> Verdict:
        """The verdict that `as_dict` gave. Raises ValueError for anything else."""
        try:
            made = cls(**{**data, "findings": tuple(Finding(**finding) for finding in data["findings"])})
        except (KeyError, TypeError):
            raise ValueError("its marks are not as grading writes them") from None
        texts = [made.question, made.note, made.cap, made.hint]
        texts += [text for f in made.findings for text in (f.case, f.reason, f.misconception, f.figure, f.follows)]
        numbers = [made.score, made.points, made.line, *(f.points for f in made.findings)]
        numbers += [f.value for f in made.findings if f.value is not None]
        if not all(isinstance(text, str) for text in texts) or not all(isinstance(n, (int, float)) for n in numbers):
            raise ValueError("its marks are not as grading writes them")
        return made

    def as_html(self) -> str:
        """The table that the feedback page shows; a reason that repeats the one before is "the same"."""
        return _template().render(verdict=self)


@cache
def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("autograder.marking", ".")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True)
    environment.filters["number"] = number
    return environment.get_template("verdict.html.j2")
