"""Pages made of submissions, feedback and the formgrader's, made safe: one policy, with two walls.

A page is made of a copy of the notebook that holds the fields and types named here and nothing else (`SafePage`); only
text that stands in the course's own release may bring HTML. Should markup get through all the same, the browser runs
no script that is not one of the template's own, sends no form and asks no other host (`Guarded`).
"""

from __future__ import annotations

import html
import re
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import nbformat
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters import ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_markdown_cell
from nbgrader.coursedir import CourseDirectory
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograder.intake.outputs import LIMIT, TOO_MUCH, Tamer, is_picture

MARKDOWN, CODE = 10_000, 12_000  # characters that are laid out; libraries take the square of a long text's time
OUTPUTS = 500  # of a cell
COLOURS = 2000  # changes of colour in one output
PICTURES = ("image/png", "image/jpeg", "image/gif")
NAMES = ("first_name", "last_name", "student", "notebook_path", "notebook_id", "assignment_id")
HIDDEN = "course_text"  # in a cell's metadata: its text is the course's
VERDICT = re.compile(r'<(?!/?(?:p|strong|table|tr|th|td)>|table class="table table-condensed">)')  # marking.as_html
SEQUENCE, COLOUR = re.compile(r"\x1b(?:\[[0-?]{0,30}[@-~])?"), re.compile(r"\x1b\[[0-9;]{0,30}m")
STYLE = "<style>pre { white-space: pre-wrap; overflow-wrap: anywhere; word-break: normal; }</style>"
MATHJAX = "https://cdnjs.cloudflare.com/ajax/libs/mathjax/"
# What the formgrader's templates have in onclick: toggle_name(true); toggle_name(false); toggleAllNames()
CLICKS = (
    "sha256-oGUA7LtyEKDvlMppna1zdKjVAxPLpRV7YpX8dvx6PJo=",
    "sha256-7pj7EC95pL82C2/Ze44MC9cnRyAM/uAP2esJ0iv/l1w=",
    "sha256-xaPiteI6Q1fG7zz7teIy7XMq1q7pzwVK4Idzx6n9UtY=",
)


class SafePage(Preprocessor):
    """Comes before all others that a page's notebook goes through; what those add is the course's own."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Make the notebook that is shown, and text of the names that the formgrader's template prints as they are."""
        for name in NAMES:
            if isinstance(resources.get(name), str):
                resources[name] = html.escape(_text(resources[name]))
        marking = "submission_id" in resources
        if self.parent is not None:
            guard(self.parent.environment, marking)
        released = self._released(resources if marking else resources.get("nbgrader", {}), marking)
        room = Room()
        cells = [shown(cell, released, room) for cell in nb.cells if cell.get("cell_type") in ("code", "markdown")]
        for number, cell in enumerate(cells):
            cell["id"] = f"shown-{number}"
        return from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), resources

    def _released(self, names: dict, marking: bool) -> dict[str, NotebookNode]:
        """The markdown cells of the release by their text; none where there is no release."""
        assignment, notebook = (names.get(key + "_id" * marking, "") for key in ("assignment", "notebook"))
        coursedir = CourseDirectory(parent=self)
        path = Path(coursedir.format_path(coursedir.release_directory, ".", assignment)) / f"{notebook}.ipynb"
        cells = nbformat.read(path, as_version=4).cells if path.is_file() else []
        return {cell.source: cell for cell in cells if cell.cell_type == "markdown"}


@dataclass
class Room:
    """Characters that a page has left for text and for pictures."""

    text: int = 1_000_000
    pictures: int = 32 << 20


def shown(cell: dict, released: dict[str, NotebookNode], room: Room) -> dict:
    """A new cell, as pages show it."""
    source, metadata = _text(cell.get("source")), cell.get("metadata")
    most = max(min(LIMIT, room.text), 0)
    source = source[:most] + TOO_MUCH if len(source) > most else source
    room.text -= len(source)
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    nbgrader = nbgrader if isinstance(nbgrader, dict) else {}
    grade_id = nbgrader.get("grade_id")
    new: dict[str, Any] = {"cell_type": cell["cell_type"], "source": source, "metadata": {"tags": []}}
    if isinstance(grade_id, str) and re.fullmatch(r"[\w.-]{1,100}", grade_id):
        flags = {key: nbgrader.get(key) is True for key in ("grade", "solution", "task", "locked")}
        points = nbgrader.get("points") if isinstance(nbgrader.get("points"), (int, float)) else 0
        new["metadata"]["nbgrader"] = {"grade_id": grade_id, "points": points, **flags}
    if cell["cell_type"] == "code":
        count = cell.get("execution_count")
        return new | {"execution_count": count if type(count) is int else None, "outputs": _outputs(cell, room)}
    if source in released:
        new["metadata"][HIDDEN] = True
        return new | {"attachments": released[source].get("attachments", {})}
    return new | {"attachments": _attachments(cell.get("attachments"), room)}


def _outputs(cell: dict, room: Room) -> list[dict]:
    """What the tamer leaves of a cell's outputs; the last one may hold the grader's table besides."""
    outputs = cell.get("outputs")
    outputs = [output for output in outputs if isinstance(output, dict)] if isinstance(outputs, list) else []
    tamer, shown = Tamer(), []
    tamer.text, tamer.pictures = text, pictures = min(tamer.text, room.text), min(tamer.pictures, room.pictures)
    for output in outputs[:OUTPUTS] + outputs[OUTPUTS:][-1:]:
        kind = output.get("output_type")
        if kind not in ("stream", "error", "display_data", "execute_result"):
            continue
        if (content := tamer.tame(output, kind)) is None:
            continue
        data = output.get("data")
        table = data.get("text/html") if kind == "execute_result" and isinstance(data, dict) else None
        if isinstance(table, str):
            content["data"]["text/html"] = VERDICT.sub("&lt;", _text(table)[:LIMIT])
        shown.append({"output_type": kind, **_clean(content)})
    room.text -= text - tamer.text
    room.pictures -= pictures - tamer.pictures
    return shown


def _attachments(attachments: object, room: Room) -> dict[str, dict[str, str]]:
    """Pasted pictures by name; of each name the kinds that are pictures, and look like it."""
    kept: dict[str, dict[str, str]] = {}
    for name, kinds in attachments.items() if isinstance(attachments, dict) else ():
        for kind in PICTURES if isinstance(kinds, dict) else ():
            if is_picture(kind, kinds.get(kind)) and len(kinds[kind]) <= room.pictures:
                room.pictures -= len(kinds[kind])
                kept.setdefault(name, {})[kind] = kinds[kind]
    return kept


def _text(value: object) -> str:
    """A text that can be written: half a surrogate pair, which JSON may hold, is replaced."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _clean(value: Any) -> Any:
    """The same value with `_text` applied to each text in it."""
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return _text(value) if isinstance(value, str) else value


class SafeRenderer(IPythonRenderer):
    """nbconvert's own renderer; of a student's text, HTML is shown as text and only pasted pictures are drawn."""

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if not self._escape:
            return super().link(text, url, title)
        web = url.lower().startswith(("https://", "http://"))
        return f'<a href="{html.escape(url)}" rel="noopener noreferrer">{text}</a>' if web else text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if not self._escape:
            return super().image(text, url, title)
        kind, _, name = url.partition(":")  # an address that is an attachment's name is an address all the same
        pasted = kind == "attachment" and self.attachments.get(name)
        return super().image(text, url, title) if pasted else html.escape(text)

    def block_code(self, code: str, info: str | None = None) -> str:
        """Python is highlighted; no other lexer, and no diagram, whose library draws what HTML it holds."""
        if not self._escape:
            return super().block_code(code, info)
        if (info or "").split()[:1] in (["python"], ["py"], ["python3"]):
            return highlight_code(code)
        return f"<pre><code>{html.escape(code)}</code></pre>\n"


@pass_context
def markdown2html(context: Context, source: str) -> str:
    """The filter of that name for nbconvert's pages: what a student may have written carries no HTML of its own."""
    cell = context.get("cell") or {}
    students = not cell.get("metadata", {}).get(HIDDEN, False)
    if students and len(source) > MARKDOWN:
        return f"<pre>{html.escape(source, quote=False)}</pre>"
    # an id of a student's choice could stand in the place of one that the formgrader's scripts look for
    renderer = SafeRenderer(
        escape=students, attachments=cell.get("attachments", {}), path="", exclude_anchor_links=students
    )
    return MarkdownWithMath(renderer=renderer).render(source)


def highlight_code(source: str, **_: object) -> str:
    """The filter of that name: Python, whatever a notebook calls its language, in time that grows with its length."""
    source = "\n".join(line.rstrip() for line in source.split("\n"))  # blanks at line ends cost the lexer their square
    if len(source) > CODE:
        return f'<div class=" highlight hl-ipython3"><pre>{html.escape(source, quote=False)}</pre></div>'
    return highlight(source or " ", PythonLexer(stripnl=False), HtmlFormatter(cssclass=" highlight hl-ipython3"))


def ansi2html(text: str) -> str:
    """The filter of that name: short sequences that set colours, as long as there are not too many; no others."""
    many = text.count("\x1b") > COLOURS
    return ansi.ansi2html(SEQUENCE.sub(lambda match: "" if many or not COLOUR.fullmatch(match[0]) else match[0], text))


def same(text: str) -> str:
    """Replaces `strip_files_prefix`, which mends links of 2012 and takes the square of a text's length."""
    return text


FILTERS = {
    "markdown2html": markdown2html,
    "highlight_code": highlight_code,
    "ansi2html": ansi2html,
    "strip_files_prefix": same,
}


class WrappedLines(Preprocessor):
    """Long lines of code and output are wrapped on feedback and marking pages; nbgrader's own style cuts them off."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Put a cell in front that shows nothing and holds the rule: nbgrader offers no other place for one."""
        nb.cells.insert(0, course_cell(STYLE))
        return nb, resources


def course_cell(text: str) -> NotebookNode:
    """A cell whose markdown may hold HTML."""
    return new_markdown_cell(text, metadata={HIDDEN: True})


class Guarded(jinja2.BaseLoader):
    """Templates whose pages tell the browser what it may run and load; their own scripts carry the pass."""

    def __init__(self, loader: jinja2.BaseLoader, server: str):
        """server: the one that the page comes from, `'self'`, or nothing for a page that is a file."""
        self.loader, self.nonce = loader, secrets.token_urlsafe(16)
        clicks = " ".join(f"'{digest}'" for digest in CLICKS)
        policy = (
            f"default-src 'none'; script-src 'nonce-{self.nonce}' 'unsafe-eval' {MATHJAX}; "  # MathJax's settings
            f"script-src-attr 'unsafe-hashes' {clicks}; style-src 'unsafe-inline' {server}; img-src data: {server}; "
            f"font-src data: {MATHJAX} {server}; connect-src {server}; form-action 'none'; base-uri 'none'"
        )
        self.meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple:
        """A template's text with the policy and the pass in it."""
        text, *rest = self.loader.get_source(environment, template)
        text = text.replace("<script", f'<script nonce="{self.nonce}"').replace("<head>", f"<head>\n{self.meta}")
        return text, *rest


def guard(environment: jinja2.Environment, served: bool) -> None:
    """Have an environment's templates guarded. served: by the formgrader, not written into a file."""
    if environment.loader and not isinstance(environment.loader, Guarded):
        environment.loader = Guarded(environment.loader, "'self'" if served else "")


def _render(self: Any, name: str, **values: object) -> str:
    """Replaces the formgrader's own: whatever a template prints, an address or a name, is text."""
    environment = self.settings["nbgrader_jinja2_env"]
    environment.autoescape = True
    guard(environment, served=True)
    return environment.get_template(name).render(**values)


def install() -> None:
    """Guard the formgrader's lists too, where this process is the one that serves them."""
    if served := sys.modules.get("nbgrader.server_extensions.formgrader.base"):
        served.BaseHandler.render = _render
