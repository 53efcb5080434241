"""What the pages share: an overview's rows, titles of questions, what is read of a notebook, the templates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import jinja2
from markupsafe import Markup

from autograder.course.marks import Mark
from autograder.course.nbgrader_api import local
from autograder.course.paths import Assignment
from autograder.course.solutions import assignment_cells
from autograder.course.words import number

LARGEST = 256 << 20  # bytes of a graded notebook that is read
STUB = "YOUR ANSWER HERE"  # what nbgrader puts in the place of a model answer
HEADING = re.compile(r"^#{2,3} +(.+)$", re.MULTILINE)
SHORT = {"bptt", "gru", "lstm", "rnn"}  # words of names that are written in capitals


@dataclass
class Row:
    """A question in an overview: its title, its points, and what is to be said of them in a word.

    score: without extra credit. anchor: where its card stands. waits: whether it is still to be marked by hand.
    """

    name: str
    title: str
    score: float
    points: float
    waits: bool = False
    follows: bool = False
    comment: str | Markup = ""

    @property
    def anchor(self) -> str:
        """Where its card stands."""
        return anchor(self.name)

    @property
    def waits_for(self) -> str:
        """What it waits for, in words."""
        return "to be confirmed by hand" if self.score else "to be marked by hand"

    @property
    def share(self) -> float:
        """The score as a share of the points."""
        return min(max(self.score / self.points, 0.0), 1.0) if self.points else 0.0


def anchor(name: str) -> str:
    """An id for the card of a graded cell."""
    return f"q-{re.sub(r'[^A-Za-z0-9]+', '-', name.removeprefix('check_'))}"


def section_title(source: str) -> str:
    """The title in a text cell's first heading, without its number and points; empty where it has none."""
    heading = HEADING.search(source)
    return re.sub(r"^[\d.]+ +|\s*\([^)]*points?[^)]*\)\s*$|[`*$]", "", heading[1]) if heading else ""


def question_title(name: str, section: str, written: bool) -> str:
    """What a question is called: its section, or for a written answer its name."""
    if not written:
        return section
    words = [word.upper() if word in SHORT else word for word in name.split("_")]
    return f"{words[0][:1].upper()}{' '.join(words)[1:]} (written)"


def told_apart(titles: list[tuple[str, str]]) -> list[str]:
    """Titles of questions, from (name, title): of two in one section with the name besides."""
    times = Counter(title for _, title in titles)
    return [title if title and times[title] == 1 else f"{title} {name}".strip() for name, title in titles]


@cache
def titles(assignment: Assignment) -> dict[str, str]:
    """The titles of an assignment's questions by name, in the notebook's order."""
    section, names = "", []
    for cell in assignment_cells(assignment):
        if cell.role in ("question", "written"):
            name = cell.id.removeprefix("check_")
            names.append((name, question_title(name, section, cell.role == "written")))
        elif cell.kind == "markdown":
            section = section_title(cell.source) or section
    return dict(zip([name for name, _ in names], told_apart(names), strict=True))


def written(assignment: Assignment) -> set[str]:
    """The names of an assignment's written questions."""
    return {cell.id for cell in assignment_cells(assignment) if cell.role == "written"}


def adjustments(mark: Mark, titles: Mapping[str, str]) -> list[tuple[str, float]]:
    """What is added to a submission's questions or taken off, in words and points: with it they make up the mark."""
    named = {name: name.removeprefix("check_") for name, one in mark.questions.items() if one.extra}
    extra = [(f"extra credit, {titles.get(short, short)}", mark.questions[name].extra) for name, short in named.items()]
    return extra + [("handed in late", -mark.penalty)] * bool(mark.penalty)


def question_comments(comments: Mapping[str, str], cells: Iterable[tuple[str, bool]]) -> dict[str, str]:
    """The marker's comments by graded cell; one at a cell that is not graded belongs to the next that is.

    cells: the names of a notebook's cells in order, and whether each is graded.
    """
    told: dict[str, str] = {}
    waiting: list[str] = []
    for name, graded in cells:
        waiting += [comments[name]] if name in comments else []
        if graded and waiting:
            told[name], waiting = "\n\n".join(waiting), []
    return told


def too_large(size: int) -> str:
    """Why a graded notebook of so many bytes is not read, to stand after "it"; nothing where it is."""
    return f"has {size >> 20} MiB; at most {LARGEST >> 20} are read" if size > LARGEST else ""


@cache
def template(name: str, package: str = "autograder.pages") -> jinja2.Template:
    """A page's template, of a package that has some of its own or of this one."""
    loader = jinja2.ChoiceLoader([jinja2.PackageLoader(each) for each in (package, "autograder.pages")])
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"coded": _coded, "number": number, "local": local}
    return environment.get_template(name)


def _coded(text: str) -> Markup:
    """A sentence with what stands between backticks as code."""
    parts = text.split("`")
    made = [Markup("<code>{}</code>" if place % 2 else "{}").format(part) for place, part in enumerate(parts)]
    return Markup("").join(made)
