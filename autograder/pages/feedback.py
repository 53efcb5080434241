"""A student's feedback page, through `nbgrader generate_feedback`: marks first, a card at each question, the notebook.

One self-contained file without any script: the marks as bars, each leading to its question; what holds, what does not
and why, with the line at fault marked in the student's cell; written answers with the marker's comment.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.exporter import Exporter
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from pygments.formatters import HtmlFormatter

from autograder.course.marks import Mark, mark_of
from autograder.marking.verdicts import Verdict
from autograder.pages.layout import (
    Row,
    adjustments,
    anchor,
    question_comments,
    question_title,
    section_title,
    template,
    told_apart,
)
from autograder.pages.safe_pages import HIDDEN, MARKDOWN, PICTURES, highlight_code
from autograder.pages.text import FORMULAS, as_html

FOLDED = 25  # lines of output that are shown at once


@dataclass
class Shown:
    """A cell as the page shows it. lines: highlighted code, line by line; fault: the number of the line at fault."""

    kind: str
    html: str = ""
    lines: list[Markup] = field(default_factory=list)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    fault: int = 0
    folded: bool = False
    verdict: Verdict | None = None
    row: Row | None = None
    anchor: str = ""


class FeedbackExporter(HTMLExporter):
    """Renders the course's own page; the notebook that it shows has come through `SafePage` and nbgrader's grades."""

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own HTMLExporter
        self, nb: NotebookNode, resources: dict | None = None, **options: Any
    ) -> tuple[str, dict]:
        """The page of a graded notebook."""
        verdicts, repairs = _noted(nb)
        shown, resources = Exporter.from_notebook_node(self, nb, resources, **options)
        names = resources["nbgrader"]
        mark = _mark(names)
        cells, rows = Page(verdicts, mark).cells(shown.cells)
        named = {row.name: row.title for row in rows}
        text = template("feedback.html.j2").render(
            folded=FOLDED,
            assignment=names["assignment"],
            student=names["student"],
            cells=cells,
            rows=rows,
            score=mark.total if mark else sum(row.score for row in rows),
            most=mark.most if mark else sum(row.points for row in rows),
            adjustments=adjustments(mark, named) if mark else [],
            repairs=repairs,
            code_style=Markup(_code_style()),
        )
        return text, resources


def _noted(nb: NotebookNode) -> tuple[dict[str, Verdict], list[str]]:
    """The verdicts by question, and what was repaired, as grading noted them; what else stands there is left out."""
    verdicts = {}
    for cell in nb.cells:
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            verdict = Verdict.from_dict(cell.metadata["course"])
            verdicts[verdict.question] = verdict
    course = nb.metadata.get("course")
    repairs = course.get("repairs") if isinstance(course, dict) else None
    return verdicts, [line for line in repairs if isinstance(line, str)] if isinstance(repairs, list) else []


def _mark(names: dict) -> Mark | None:
    """The mark of a submission, where a gradebook is named."""
    if "db_url" not in names:
        return None
    with Gradebook(names["db_url"]) as gradebook:
        return mark_of(gradebook.find_submission(names["assignment"], names["student"]))


class Page:
    """The cells of one page, and the rows of its overview."""

    def __init__(self, verdicts: dict[str, Verdict], mark: Mark | None):
        """mark: what the gradebook has; without it the points are those that the notebook's cells have."""
        self.verdicts, self.mark = verdicts, mark
        self.comments: dict[str, str] = {}
        self.formulas = FORMULAS  # that may still be drawn
        self.section = ""

    def cells(self, cells: list[NotebookNode]) -> tuple[list[Shown], list[Row]]:
        """What is shown of each cell, and a row for each question."""
        shown, rows = [], []
        if self.mark:
            named = [one for cell in cells if (one := cell.metadata.get("nbgrader", {})).get("grade_id")]
            order = [(one["grade_id"], bool(one.get("grade"))) for one in named]
            self.comments = question_comments(self.mark.comments, order)
        for cell in cells:
            grade = cell.metadata.get("nbgrader", {})
            one = self._markdown(cell) if cell.cell_type == "markdown" else self._code(cell, grade)
            if grade.get("grade") and grade.get("points"):
                one.row = self._row(cell, grade)
                one.anchor = one.row.anchor
                one.verdict = self.verdicts.get(one.row.name) if cell.cell_type == "code" else None
                if one.verdict:
                    one.row.follows = any(finding.follows for finding in one.verdict.findings)
                rows.append(one.row)
            shown.append(one)
        for row, title in zip(rows, told_apart([(row.name, row.title) for row in rows]), strict=True):
            row.title = title
        return shown, rows

    def _row(self, cell: NotebookNode, grade: dict) -> Row:
        name, mark = grade["grade_id"].removeprefix("check_"), self.mark
        one = mark.questions.get(grade["grade_id"]) if mark else None
        comment = self.comments.get(grade["grade_id"], "") if mark else str(grade.get("comment") or "")
        return Row(
            name,
            question_title(name, self.section, cell.cell_type == "markdown"),
            one.score if one else float(grade.get("score") or 0),
            one.points if one else float(grade["points"]),
            waits=bool(one and one.waits),
            comment=self._text(comment[:MARKDOWN]),
        )

    def _markdown(self, cell: NotebookNode) -> Shown:
        course = bool(cell.metadata.get(HIDDEN))
        if course:
            self.section = section_title(cell.source) or self.section
        return Shown("text", self._text(cell.source, course, cell.get("attachments", {})))

    def _text(self, source: str, course: bool = False, attachments: Any = None) -> Markup:
        """Markdown as HTML; of text that is not the course's, SafeRenderer shows HTML as text."""
        made, self.formulas = as_html(source, course, attachments, self.formulas)
        return made

    def _code(self, cell: NotebookNode, grade: dict) -> Shown:
        made = highlight_code(cell.source)
        inside = re.search(r"<pre>(?:<span></span>)?(.*?)</pre>", made, re.S)
        lines = [Markup(line) for line in (inside[1] if inside else "").rstrip("\n").split("\n")]
        verdict = self.verdicts.get(grade.get("grade_id", ""))
        fault = verdict.line if verdict and not grade.get("grade") else 0
        outputs = [part for output in cell.outputs for part in _output(output, bool(grade.get("grade")))]
        folded = bool(grade.get("locked")) and len(lines) > 3
        return Shown(
            "code",
            lines=lines,
            outputs=outputs,
            fault=fault * (fault <= len(lines)),
            folded=folded,
            anchor=anchor(grade.get("grade_id", "")),
        )


def _output(output: NotebookNode, graded: bool) -> list[tuple[str, str]]:
    """What is shown of an output: its kind, and text or a picture. The grader's own table has its card instead.

    Colours of terminals are dropped: few of them can be read on light and on dark.
    """
    if output.output_type == "stream":
        return [("text", strip_ansi(output.text).rstrip("\n"))]
    if output.output_type == "error":
        return [("text", strip_ansi("\n".join(output.traceback)))]
    data = output.get("data", {})
    if output.output_type == "execute_result" and graded:
        return []
    for kind in PICTURES:
        if kind in data:
            picture = "".join(data[kind].split())
            return [
                (
                    "picture",
                    Markup('<img alt="a picture that the notebook drew" src="data:{};base64,{}">').format(
                        kind, picture
                    ),
                )
            ]
    text = data.get("text/plain")
    return [("text", strip_ansi(text))] if isinstance(text, str) else []


@cache
def _code_style() -> str:
    """Pygments' colours, for light and dark."""
    light = HtmlFormatter(style="default").get_style_defs(".code")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".code")
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{ {dark} }}"
