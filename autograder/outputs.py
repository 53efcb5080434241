"""What a student's cells put out, made harmless: bounded in size, text and pictures alone, no HTML and no script."""

from __future__ import annotations

import html
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

LIMIT = 200_000  # characters of one cell's outputs, pictures aside
PICTURES = 8 << 20  # characters of one cell's pictures, as base64
KINDS = ("text/plain", "image/png", "image/jpeg")
TOO_MUCH = "\n[more was put out, and left out here]\n"


class Tamer:
    """Bounds the outputs of one cell: message after message, what is left of them."""

    def __init__(self) -> None:
        self.text, self.pictures, self.told = LIMIT, PICTURES, False

    def tame(self, content: dict[str, Any], kind: str) -> dict[str, Any] | None:
        """The content of a message as it may stand in a notebook, or None for nothing."""
        if kind == "stream":
            name = "stderr" if content.get("name") == "stderr" else "stdout"
            text = self._cut(content.get("text"))
            return {"name": name, "text": text} if text else None
        if kind == "error":
            lines = content.get("traceback")
            trace = "\n".join(line for line in lines if isinstance(line, str)) if isinstance(lines, list) else ""
            name, value = (str(content.get(key))[:500] for key in ("ename", "evalue"))
            return {"ename": name, "evalue": value, "traceback": self._cut(trace).split("\n")}
        given = content.get("data")
        data = {key: given[key] for key in KINDS if isinstance(given, dict) and isinstance(given.get(key), str)}
        for key in data:
            if key == "text/plain":
                data[key] = self._cut(data[key])
            else:
                self.pictures -= len(data[key])
        if self.pictures < 0:
            data = {key: value for key, value in data.items() if key == "text/plain"}
        if not any(data.values()):
            return None
        more = {"execution_count": content.get("execution_count")} if kind == "execute_result" else {}
        return {"data": data, "metadata": {}, "transient": {}} | more

    def _cut(self, text: object) -> str:
        if not isinstance(text, str):
            return ""
        kept = text[: max(self.text, 0)]
        self.text -= len(text)
        if self.text < 0 and not self.told:
            self.told, kept = True, kept + TOO_MUCH
        return kept


class _Renderer(IPythonRenderer):
    """nbconvert's own renderer; of a student's text, HTML is shown as text and only pasted pictures are drawn."""

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if not self._escape:
            return super().link(text, url, title)
        known = url.lower().startswith(("https://", "http://"))
        return f'<a href="{html.escape(url)}" rel="noopener noreferrer">{text}</a>' if known else text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if not self._escape:
            return super().image(text, url, title)
        known = self.attachments.get(url.removeprefix("attachment:"), {})
        return super().image(text, url, title) if known else html.escape(text)


@pass_context
def markdown2html(context: Context, source: str) -> str:
    """The filter of that name for nbconvert's pages: what a student may have written carries no HTML of its own."""
    cell = context.get("cell") or {}
    students = cell.get("metadata", {}).get("nbgrader", {}).get("solution", False)
    renderer = _Renderer(escape=students, attachments=cell.get("attachments", {}), path="")
    return MarkdownWithMath(renderer=renderer).render(source)


STYLE = "<style>pre { white-space: pre-wrap; overflow-wrap: anywhere; word-break: normal; }</style>"


class WrappedLines(Preprocessor):
    """Long lines of code and output are wrapped on feedback and marking pages; nbgrader's own style cuts them off."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Put a cell in front that shows nothing and holds the rule: nbgrader offers no other place for one."""
        nb.cells.insert(0, new_markdown_cell(STYLE))
        return nb, resources
