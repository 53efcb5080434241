"""Put a student's cells into the pristine notebook, each in its place, and say in words what was put right."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import nbformat


@dataclass
class HandIn:
    """What was taken in: a notebook to grade, files beside it, and in words what was repaired or left out.

    missing: ids of cells that could not be found; they are as in the release.
    figures: pictures that stood below the notebook's cells, by the cell's id, each as base64 text by its kind.
    """

    notebook: nbformat.NotebookNode
    files: list[Path] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    figures: dict[str, list[dict]] = field(default_factory=dict)


def shown(name: str) -> str:
    """A student's text in a form that can stand in a sentence or on a terminal."""
    return re.sub(r"[^A-Za-z0-9_. ()+-]", "?", name[:80]) or "(no name)"


@dataclass
class Piece:
    """A student's cell: what it may be known by, its source, pictures pasted into it, and figures below it."""

    ids: set[str]
    source: str
    pictures: dict = field(default_factory=dict)
    figures: list[dict] = field(default_factory=list)
    joined: bool = False

    @property
    def defines(self) -> set[str]:
        """Names of the functions and classes of its top level, also where the cell as a whole is no Python."""
        return set(re.findall(r"^(?:async\s+def|def|class)\s+(\w+)", self.source, re.MULTILINE))

    @property
    def binds(self) -> set[str]:
        """Names that it defines, imports or assigns at its top level."""
        return self.defines | _assigned(self.source)

    @property
    def words(self) -> set[str]:
        """All names that stand in it."""
        return set(re.findall(r"[^\W\d]\w*", self.source))


@lru_cache(4096)  # the release's own cells come with every hand-in
def _assigned(source: str) -> frozenset[str]:
    """Names that a cell imports or assigns at its top level; none where it is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            found |= {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and _stored(inner)}
    return frozenset(found)


def _stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _pieces(cells: list[dict], found: HandIn) -> list[Piece]:
    """The student's cells; code that was split in the middle of a block is joined again."""
    pieces: list[Piece] = []
    released = {cell.source.strip() for cell in found.notebook.cells}
    known = {cell.id for cell in found.notebook.cells if cell.cell_type == "code"}
    before = False
    for cell in cells:
        first = next((line for line in cell["source"].split("\n") if line.strip()), "")
        code = cell["code"] or bool(cell["ids"] & known)  # also where it was made a text cell
        cut = (code or before) and first[:1] in (" ", "\t")
        whole = f"{pieces[-1].source}\n{cell['source']}" if pieces else ""
        if cut and before and not _whole(pieces[-1].source, released) and _parses(whole):
            pieces[-1] = Piece(pieces[-1].ids | cell["ids"], whole, figures=cell["figures"], joined=True)
        else:
            pieces.append(Piece(cell["ids"], cell["source"], cell["pictures"], cell["figures"]))
            if cut:
                found.repairs.append(f"code that begins inside of a block could not be placed: {shown(first.strip())}")
        before = code
    return pieces


def _whole(source: str, released: set[str]) -> bool:
    """Whether no more can belong to a cell: it is as released, or its last block returns or raises."""
    if source.strip() in released:
        return True
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    last = body[-1] if body else None
    return isinstance(last, ast.FunctionDef) and isinstance(last.body[-1], (ast.Return, ast.Raise))


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def fill(found: HandIn, cells: list[dict]) -> None:
    """Put the student's sources into the pristine notebook, and say what was put right."""
    pieces = _pieces(cells, found)
    moved: dict[str, list[str]] = {}
    targets = [cell for cell in found.notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    released = {cell.id: cell.source for cell in found.notebook.cells}
    placed: dict[str, Piece] = {}
    for target in targets:
        code = target.cell_type == "code"
        piece = _best(target, pieces, code)
        if piece is None:
            found.missing.append(target.id)
            continue
        placed[target.id] = piece
        if target.id not in piece.ids:
            moved.setdefault("what they define" if code else "how they begin", []).append(target.id)
        target.source = piece.source
        if not code and piece.pictures:
            target.attachments = nbformat.from_dict(piece.pictures)
    found.repairs += [f"found by {how}, for want of their ids: {', '.join(names)}" for how, names in moved.items()]
    if joined := [name for name, piece in placed.items() if piece.joined]:
        found.repairs.append(f"cells that had been split were joined again: {', '.join(joined)}")
    if cells and found.missing:
        found.repairs.append(f"no cell was found for {', '.join(found.missing)}")
    _keep_figures(found, pieces)
    _note_changes(found, pieces, released, placed)
    _add_helpers(found, pieces, released, placed)


def _keep_figures(found: HandIn, pieces: list[Piece]) -> None:
    """Note the figures below the student's cells for the notebook's: by id, or else by source."""
    drawn = [piece for piece in pieces if piece.figures]
    for cell in found.notebook.cells:
        by_id = [piece for piece in drawn if cell.id in piece.ids]
        for piece in (by_id or [piece for piece in drawn if piece.source.strip() == cell.source.strip()])[:1]:
            found.figures[cell.id] = piece.figures


def _best(target: nbformat.NotebookNode, pieces: list[Piece], code: bool) -> Piece | None:
    """The student's cell for a place in the release: by id, by grade id, by what it defines or how it begins."""
    opening = target.source.strip().split("\n")[0]
    names = {target.id, target.metadata.nbgrader.grade_id}

    def fits(piece: Piece) -> tuple:
        own = target.id in piece.defines if code else piece.source.strip().startswith(opening)
        return own, piece.source.strip() != target.source.strip(), bool(names & piece.ids), not piece.ids

    candidates = [piece for piece in pieces if fits(piece)[0] or fits(piece)[2]]
    return max(candidates, key=fits, default=None)


def _note_changes(found: HandIn, pieces: list[Piece], released: dict[str, str], placed: dict[str, Piece]) -> None:
    """Say which of the course's own cells were changed or gone, and whether cells stood in another order."""
    if not pieces:
        return
    by_id = {name: piece for piece in pieces for name in piece.ids}
    locked = [cell.id for cell in found.notebook.cells if cell.metadata.get("nbgrader", {}).get("locked")]
    changed = [name for name in locked if name in by_id and by_id[name].source.strip() != released[name].strip()]
    sources = {piece.source.strip() for piece in pieces}
    gone = [name for name in locked if name not in by_id and released[name].strip() not in sources]
    if changed:
        found.repairs.append(f"the course's own cells were changed and are as released: {', '.join(changed)}")
    if gone:
        found.repairs.append(f"the course's own cells were missing and are back: {', '.join(gone)}")
    order = [pieces.index(piece) for piece in placed.values()]
    if order != sorted(order):
        found.repairs.append("cells stood in another order than in the release")


def _add_helpers(found: HandIn, pieces: list[Piece], released: dict[str, str], placed: dict[str, Piece]) -> None:
    """Keep cells of the student's own that bind a name which a solution cell uses, right before the first that does."""
    known = {source.strip() for source in released.values()}
    used = list(placed.values())
    locked = {cell.id for cell in found.notebook.cells if not cell.metadata.get("nbgrader", {}).get("solution")}
    own = [p for p in pieces if not any(p is q for q in used) and not p.ids & locked]
    own = [p for p in own if p.source.strip() and p.source.strip() not in known]
    given = {name for source in released.values() for name in Piece(set(), source).binds}
    inserted: list[tuple[int, Piece]] = []
    needed = {name: set(piece.words) for name, piece in placed.items()}
    for piece in reversed(own):
        fresh = piece.binds - given
        users = [name for name, words in needed.items() if fresh & words]
        if users:
            place = min(k for k, cell in enumerate(found.notebook.cells) if cell.id in users)
            inserted.append((place, piece))
            for name in users:
                needed[name] |= piece.words
    for number, (place, piece) in enumerate(sorted(inserted, key=lambda pair: -pair[0]), 1):
        found.notebook.cells.insert(place, nbformat.v4.new_code_cell(piece.source, id=f"own-{number}"))
    if inserted:
        found.repairs.append(f"{len(inserted)} cells of your own, which solution cells use, were kept")
