"""`course similar`: reads a class's submissions, and writes the most alike pairs as a table and as one page."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path

import jinja2
from nbgrader.coursedir import CourseDirectory
from rich.table import Table
from rich.text import Text

from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import course_directory
from autograder.course.paths import Assignment
from autograder.intake import submission
from autograder.intake.submissions import taken
from autograder.similarity.tokens import given_names
from autograder.similarity.winnowing import Pair, alike, passages
from autograder.term.backup import kept_submissions
from autograder.verification.samples import sample_submissions

SHOWN, LEAST = 20, 5  # pairs in the table and on the page; fingerprints that one must have in common
LIMIT = 200_000  # characters of a submission that are compared; a real one has under 20,000
LINES = 5000  # of a cell that the page shows
LOG = logging.getLogger("course")
CAUTION = (
    "Similarity is not a verdict. Short correct answers are alike by nature, and so is the work of people who were in "
    "one exercise class or read the same page. Read the passages before you conclude anything from a number."
)


@dataclass(frozen=True)
class Comparison:
    """A class compared: how many submissions, and the pairs that share fingerprints, the most alike first.

    term, earlier: where it was compared with an earlier term and not with itself, its name and submissions.
    """

    assignment: str
    works: int
    pairs: list[Pair]
    term: str = ""
    earlier: int = 0

    @property
    def shown(self) -> list[Pair]:
        """Those that the table and the page hold."""
        return [pair for pair in self.pairs[:SHOWN] if pair.common >= LEAST]

    @property
    def usual(self) -> float:
        """The likeness that nine of ten pairs do not exceed."""
        every = self.works * self.earlier if self.term else self.works * (self.works - 1) // 2
        above = every - math.ceil(0.9 * every)  # of the pairs, this many may be over it
        return self.pairs[above].likeness if above < len(self.pairs) else 0.0

    @property
    def who(self) -> str:
        """Whose submissions were compared, in words."""
        return (
            f"{self.works} submissions with {self.earlier} of {self.term}" if self.term else f"{self.works} submissions"
        )


def compare_class(root: Path, assignment: Assignment, students: Sequence[str] = ("*",)) -> Comparison:
    """Compare the submissions in a course folder with each other. students: names or patterns.

    No submission is run. Raises CourseError where there are fewer than two.
    """
    works = _works(course_directory(root, students), assignment)
    if len(works) < 2:
        raise CourseError(f"{_how_many(works, students, assignment, root)}; a comparison needs at least two")
    return Comparison(assignment.name, len(works), alike(works, *_given(root, assignment)))


def compare_terms(root: Path, assignment: Assignment, archive: Path, students: Sequence[str] = ("*",)) -> Comparison:
    """Compare the submissions in a course folder with those in the archive of an earlier term, and these not at all.

    Earlier ones are read as this term's notebook has its cells. Raises CourseError where either has none, and for an
    archive that cannot be read.
    """
    works = _works(course_directory(root, students), assignment)
    if not works:
        raise CourseError(_how_many(works, students, assignment, root))
    coursedir = course_directory(root)
    earlier: dict[str, dict[str, str]] = {}
    for _, submitted in kept_submissions(archive, assignment.name, submission.NOTEBOOK_LIMIT):
        coursedir.submitted_directory = str(submitted)
        earlier |= _works(coursedir, assignment)
    if not earlier:
        raise CourseError(f"{archive} holds no submission of {assignment} that can be read")
    pairs = alike(works, *_given(root, assignment), earlier)
    return Comparison(assignment.name, len(works), pairs, archive.name.removesuffix(".tar.gz"), len(earlier))


def _works(coursedir: CourseDirectory, assignment: Assignment) -> dict[str, dict[str, str]]:
    """The code of each readable submission by student and cell id."""
    return {
        student: _code(student, grafted.notebook.cells) for student, grafted in taken(coursedir, assignment.name, LOG)
    }


def _how_many(works: Sized, students: Sequence[str], assignment: Assignment, root: Path) -> str:
    return f"{assignment}: {len(works)} submissions match {' or '.join(map(repr, students))} in {root}"


def _given(root: Path, assignment: Assignment) -> tuple[set[str], frozenset[str]]:
    """What the course gave: texts that are no evidence, and names that students cannot choose."""
    released = [cell.source for cell in submission.pristine(assignment.name, root).cells if cell.cell_type == "code"]
    texts = {source for sample in sample_submissions(assignment) for source in sample.cells.values()} | set(released)
    return texts, given_names(released)


def _code(student: str, cells: Iterable) -> dict[str, str]:
    """The code of a student's own cells by id, up to LIMIT characters in all."""
    sources, room = {}, LIMIT
    for cell in cells:
        helper = cell.id.startswith("own-") and not cell.metadata.get(
            "nbgrader"
        )  # a helper that was kept (intake/helpers.py)
        if cell.cell_type == "code" and (helper or cell.metadata.get("nbgrader", {}).get("solution")):
            sources[cell.id] = cell.source[:room]
            room -= len(sources[cell.id])
    if room <= 0:
        LOG.warning("%s: only the first %d characters are compared", student, LIMIT)
    return sources


def table(comparison: Comparison) -> Table:
    """The most alike pairs: both shares, and how many fingerprints they are of."""
    shown = Table(title=f"{comparison.assignment}: the most alike of {comparison.who}")
    for name in ("", "student", "share", comparison.term or "student", "share", "in common", "likeness"):
        shown.add_column(name, justify="left" if name in ("student", comparison.term) and name else "right")
    for number, pair in enumerate(comparison.shown, 1):
        (a, b), (first, second) = pair.works, pair.shares
        numbers = str(pair.common), f"{pair.likeness:.2f}"
        shown.add_row(str(number), Text(a.student), f"{first:.0%}", Text(b.student), f"{second:.0%}", *numbers)
    return shown


def page(*comparisons: Comparison) -> str:
    """The passages of the most alike pairs side by side, as one HTML page that needs nothing else.

    comparisons: of one assignment; within the class, and with earlier terms.
    """
    loader = jinja2.PackageLoader("autograder.pages", "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    parts = [(one, [(pair, _questions(pair)) for pair in one.shown]) for one in comparisons]
    text = environment.get_template("similarity.html.j2").render(parts=parts, caution=CAUTION)
    return text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be written


def _questions(pair: Pair) -> list[tuple[str, list[list[tuple[int, str, str]]]]]:
    """The cells in which the two are alike: id, and for each student the lines: number, text, and which passages."""
    marks: list[dict[tuple[str, int], list[int]]] = [{}, {}]
    for number, passage in enumerate(passages(pair), 1):
        for side, cell, (first, last) in zip(marks, passage.cells, passage.lines, strict=True):
            for line in range(first, last + 1):
                side.setdefault((cell, line), []).append(number)
    named = {cell for side in marks for cell, _ in side}
    done = []
    for cell in dict.fromkeys(cell for work in pair.works for cell in work.texts if cell in named):
        sides = []
        for side, work in zip(marks, pair.works, strict=True):
            source = work.texts[cell].source.rstrip("\n") if cell in work.texts else ""
            texts = source.split("\n") if source else []
            texts[LINES:] = ["[more lines were left out here]"] * (len(texts) > LINES)
            lines = enumerate(texts, 1)
            sides.append([(n, text, ", ".join(map(str, side.get((cell, n), ())))) for n, text in lines])
        done.append((cell, sides))
    return done
