"""A student's cells as pieces of text: what each defines and names, and code that was split in two joined again."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import nbformat

JOINED = 200_000  # characters that are parsed to join split cells; a real submission needs a few thousand


def shown(name: str) -> str:
    """A student's text in a form that can stand in a sentence or on a terminal."""
    return re.sub(r"[^A-Za-z0-9_. ()+-]", "?", name[:80]) or "(no name)"


@dataclass(eq=False)
class Piece:
    """A student's cell: its possible ids, its source, pictures pasted into it, and figures below it."""

    ids: set[str]
    source: str
    code: bool = True
    pictures: dict = field(default_factory=dict)
    figures: list[dict] = field(default_factory=list)
    joined: bool = False

    @cached_property
    def defines(self) -> set[str]:
        """Names of the functions and classes of its top level, also where the whole cell is not valid Python."""
        return set(re.findall(r"^(?:async[ \t]+def|def|class)[ \t]+(\w+)", self.source, re.MULTILINE))

    @cached_property
    def words(self) -> set[str]:
        """All names that stand in it."""
        return set(re.findall(r"[^\W\d]\w*", self.source))

    @cached_property
    def runs(self) -> bool:
        """Whether it is valid Python, IPython's own lines aside."""
        return Reader(len(self.source)).body(re.sub(r"^[ \t]*[%!]", "#", self.source, flags=re.MULTILINE)) is not None

    @cached_property
    def bare(self) -> str:
        """Its source without white space, for comparisons."""
        return bare(self.source)


class Reader:
    """Parses sources, up to so many characters of a submission: a large one costs bounded time."""

    def __init__(self, room: int):
        self.room = room

    def body(self, source: str) -> list[ast.stmt] | None:
        """The statements of a cell's top level; None where it is not Python, or too much was read before."""
        self.room -= len(source)
        if self.room < 0:
            return None
        try:
            return ast.parse(source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def bare(source: str) -> str:
    """A source without white space, for comparisons."""
    return "".join(source.split())


def opening(source: str) -> str:
    """Its first line."""
    return source.strip().split("\n")[0]


def read_pieces(cells: list[dict], release: Sequence[nbformat.NotebookNode], repairs: list[str]) -> list[Piece]:
    """The student's cells; code that was split in the middle of a block is joined again.

    release: the released notebook's cells. repairs: gets a sentence for code that has no place.
    """
    pieces: list[Piece] = []
    released = {cell.source.strip() for cell in release}
    code_ids = {cell.id for cell in release if cell.cell_type == "code"}
    reader, room = Reader(JOINED), JOINED
    before = False
    for cell in cells:
        ids = set(cell["ids"])
        first = next((line for line in cell["source"].split("\n") if line.strip()), "")
        code = cell["code"]
        if not code and ids & code_ids and room > 0:  # it was made a text cell
            code, room = True, room - len(cell["source"])
        # split code may have been made a text cell; to Markdown, what begins with fewer than four blanks is a paragraph
        cut = (code or before) and first.startswith((" " if code else "    ", "\t"))
        if cut and before and (whole := _joined(pieces[-1].source, cell["source"], released, reader)):
            pieces[-1] = Piece(pieces[-1].ids | ids, whole, figures=cell["figures"], joined=True)
        else:
            pieces.append(Piece(ids, cell["source"], code, cell["pictures"], cell["figures"]))
            if cut:
                repairs.append(f"code that begins inside a block could not be placed: {shown(first.strip())}")
        before = code
    return pieces


def _joined(source: str, more: str, released: set[str], reader: Reader) -> str | None:
    """Two cells in one where the second continues the first one's last block, or None.

    Nothing continues a cell that is as released, or whose last block returns or raises.
    """
    if source.strip() in released:
        return None
    body = reader.body(source)
    last = body[-1] if body else None
    if isinstance(last, ast.FunctionDef) and isinstance(last.body[-1], (ast.Return, ast.Raise)):
        return None
    whole = f"{source}\n{more}"
    return whole if reader.body(whole) is not None else None
