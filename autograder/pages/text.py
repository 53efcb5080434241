"""Markdown as HTML on the course's own pages: formulas as MathML; of a student's text, HTML is shown as text."""

from __future__ import annotations

import html
from typing import Any

from markupsafe import Markup
from nbconvert.filters.markdown_mistune import MarkdownWithMath

from autograder.pages.mathematics import mathml
from autograder.pages.safe_pages import MARKDOWN, SafeRenderer

FORMULAS = 400  # of a page


class Renderer(SafeRenderer):
    """As on all pages, with formulas as MathML, `left` of them at most."""

    left = FORMULAS

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """One level down: the page has a title of its own."""
        return f"<h{min(level + 1, 6)}>{text}</h{min(level + 1, 6)}>\n"

    def block_math(self, body: str) -> str:
        return self._formula(body, True)

    def multiline_math(self, text: str) -> str:
        return self._formula(text.strip("$"), True)

    def latex_environment(self, name: str, body: str) -> str:
        return self._formula(rf"\begin{{{name}}}{body}\end{{{name}}}", True)

    def inline_math(self, body: str) -> str:
        return self._formula(body, False)

    def _formula(self, tex: str, display: bool) -> str:
        self.left -= 1
        made = mathml(tex, display) if self.left >= 0 else str(Markup("<code>{}</code>").format(tex))
        return f'<div class="formula" tabindex="0" role="group" aria-label="formula">{made}</div>' if display else made


def as_html(source: str, course: bool = False, attachments: Any = None, formulas: int = FORMULAS) -> tuple[Markup, int]:
    """Markdown as HTML, and how many formulas are left of those that may be drawn.

    course: whether the text is the course's own, which may bring HTML.
    """
    if not course and len(source) > MARKDOWN:
        return Markup(f"<pre>{html.escape(source, quote=False)}</pre>"), formulas
    renderer = Renderer(escape=not course, attachments=attachments or {}, path="")
    renderer.left = formulas
    return Markup(MarkdownWithMath(renderer=renderer).render(source)), renderer.left
