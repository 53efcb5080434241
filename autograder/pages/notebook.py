"""A student's feedback as a notebook: the marks, then their own cells, below each question what was found.

For a system that gives a file back under the name of the notebook that was handed in, as Canvas does: a page under that
name could not be opened.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import nbformat

from autograder.course.marks import Mark, QuestionMark
from autograder.course.words import number
from autograder.marking.verdicts import Verdict

SIGNS = re.compile(r"([\\*_{}\[\]<>|$#~])")  # that Markdown or its formulas would read


def feedback_notebook(graded: Path, mark: Mark) -> str:
    """The notebook that was graded, as a text: sources of its cells, without outputs, and the feedback between them.

    graded: its file below autograded/. mark: what the gradebook has of it.
    """
    notebook = nbformat.read(graded, as_version=4)
    cells = [nbformat.v4.new_markdown_cell(_overview(mark), id="feedback")]
    for cell in notebook.cells:
        code = cell.cell_type == "code"
        make = nbformat.v4.new_code_cell if code else nbformat.v4.new_markdown_cell
        cells.append(make(cell.source, id=cell.id))
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        comment = mark.comments.get(name, "")
        if name in mark.questions:
            text = _question(mark.questions[name], _verdict(cell) if code else None, comment)
            cells.append(nbformat.v4.new_markdown_cell(text, id=f"feedback-{len(cells)}"))
        elif comment:
            cells.append(nbformat.v4.new_markdown_cell(_quoted(comment), id=f"feedback-{len(cells)}"))
    kept = {key: notebook.metadata[key] for key in ("kernelspec", "language_info") if key in notebook.metadata}
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=kept))


def _overview(mark: Mark) -> str:
    lines = [f"# {number(mark.total)} of {number(mark.most)} points", ""]
    if mark.waiting:
        lines += [f"Without {', '.join(map(_title, mark.waiting))}: not marked yet.", ""]
    if mark.penalty:
        lines += [f"{number(mark.penalty)} points were taken off for lateness.", ""]
    lines += ["| question | points |", "| --- | --- |"]
    return "\n".join(lines + [f"| {_title(one.name)} | {_points(one)} |" for one in mark.questions.values()])


def _question(question: QuestionMark, verdict: Verdict | None, comment: str) -> str:
    """What was found of a question: its points, why, and the marker's comment."""
    parts = [f"**{_title(question.name)}: {_points(question)}**"]
    if verdict:
        parts += [_text(line) for line in (verdict.note, verdict.hint, verdict.cap) if line]
        rows = [
            f"| {'passed' if one.passed else 'failed'} | {_text(one.case, True)} | {_text(one.words(), True)} |"
            for one in verdict.findings
        ]
        parts.append("\n".join(["| | property | reason |", "| --- | --- | --- |", *rows]))
    return "\n\n".join([*parts, *([_quoted(comment)] if comment else [])])


def _verdict(cell: nbformat.NotebookNode) -> Verdict | None:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return Verdict.from_dict(cell.metadata["course"])
    return None


def _title(name: str) -> str:
    return _text(name.removeprefix("check_"))


def _points(question: QuestionMark) -> str:
    extra = f" and {number(question.extra)} extra" if question.extra else ""
    return (
        "not marked yet" if question.waits else f"{number(question.score)} of {number(question.points)} points{extra}"
    )


def _quoted(comment: str) -> str:
    """A marker's comment as it was typed, set off."""
    return "\n".join(f"> {line}" for line in comment.splitlines())


def _text(text: str, cell: bool = False) -> str:
    """A sentence for Markdown, on one line: what stands between backticks as code, all other signs as they are.

    cell: of a table, which a bar would end in code too; elsewhere code shows a backslash before it.
    """
    parts = " ".join(text.split()).split("`")
    bar = r"\|" if cell else "|"
    made = [part.replace("|", bar) if place % 2 else SIGNS.sub(r"\\\1", part) for place, part in enumerate(parts)]
    return "`".join(made)
