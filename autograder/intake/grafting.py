"""Put a student's cells into the pristine notebook, each in its place, and list what was repaired."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

import nbformat

from autograder.intake.helpers import keep_helpers
from autograder.intake.pieces import Piece, bare, opening, read_pieces

ANSWER = 20  # letters and signs of a text that may be an answer


@dataclass
class Grafted:
    """The pristine notebook with a student's cells in it, and in words what was repaired or left out.

    missing: ids of cells that were not found; they are as in the release.
    figures: the pictures below the notebook's cells, by cell id, each as base64 text by its kind.
    """

    notebook: nbformat.NotebookNode
    repairs: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    figures: dict[str, list[dict]] = field(default_factory=dict)


def fill(grafted: Grafted, cells: list[dict]) -> None:
    """Put the student's sources into the pristine notebook, and list what was repaired."""
    pieces = read_pieces(cells, grafted.notebook.cells, grafted.repairs)
    released = {cell.id: cell.source for cell in grafted.notebook.cells}
    placed: dict[str, Piece] = {}
    by_look: dict[str, list[str]] = {}
    several = []
    targets = [cell for cell in grafted.notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    others = _others(grafted.notebook.cells, pieces)
    for target in targets:
        code, stub = target.cell_type == "code", bare(target.source)
        fitting = _fitting(target, pieces, others)
        if not fitting:
            grafted.missing.append(target.id)
            continue
        placed[target.id] = piece = fitting[-1]
        if target.id not in piece.ids:
            by_look.setdefault("the function they define" if code else "their first line", []).append(target.id)
        if code:
            target.source = piece.source
            edited = {match.bare for match in fitting if target.id in match.defines and match.code}
            several += [target.id] if len(edited - {stub}) > 1 else []
    for look, names in by_look.items():
        grafted.repairs.append(f"matched by {look}, because their ids are missing: {', '.join(names)}")
    if several:
        grafted.repairs.append(f"defined in several cells, the last one was used: {', '.join(several)}")
    if joined := [name for name, piece in placed.items() if piece.joined]:
        grafted.repairs.append(f"split cells were joined again: {', '.join(joined)}")
    if cells and grafted.missing:
        grafted.repairs.append(f"no cell was found for {', '.join(grafted.missing)}")
    _write_answers(grafted, pieces, released, placed, others)
    _keep_figures(grafted, pieces)
    _note_changes(grafted, pieces, released, placed)
    if count := keep_helpers(grafted.notebook.cells, pieces, released, placed):
        grafted.repairs.append(f"kept {count} of your own cells because your solutions use them")


def _others(cells: list[nbformat.NotebookNode], pieces: list[Piece]) -> set[int]:
    """The pieces whose content is a cell of the release, whatever their ids say."""
    solutions = {cell.id for cell in cells if cell.metadata.get("nbgrader", {}).get("solution")}
    sources = {bare(cell.source) for cell in cells}
    openings = {opening(cell.source) for cell in cells if cell.cell_type != "code"}
    return {
        id(piece)
        for piece in pieces
        if piece.bare in sources or solutions & piece.defines or opening(piece.source) in openings
    }


def _fitting(target: nbformat.NotebookNode, pieces: list[Piece], others: set[int]) -> list[Piece]:
    """The student's cells that may belong to a cell of the release; the last one is the best.

    They match by what they define or how they begin, or else by id or grade id. What counts is what the student's own
    notebook would run: of several cells the later one, but not an untouched stub, text or code that does not run.
    """
    code, stub = target.cell_type == "code", bare(target.source)
    first = opening(target.source)
    names = {target.id, target.metadata.nbgrader.grade_id}

    def by_content(piece: Piece) -> bool:
        return target.id in piece.defines if code else piece.source.strip().startswith(first)

    fitting = [piece for piece in pieces if by_content(piece) or (names & piece.ids and id(piece) not in others)]
    if len(fitting) < 2:
        return fitting
    return sorted(
        fitting, key=lambda piece: (by_content(piece), piece.code == code, piece.bare != stub, code and piece.runs)
    )


def _write_answers(
    grafted: Grafted, pieces: list[Piece], released: dict[str, str], placed: dict[str, Piece], others: set[int]
) -> None:
    """Put written answers into their places, with the text from the student's own cells around them.

    Text below an answer's cell belongs to it, up to the next cell of the release; text above it does where the
    answer's cell is as released and there is none below. An answer that is empty even so gets all text that belongs
    to none, for a person to look at: it may stand anywhere.
    """
    targets = {cell.id: cell for cell in grafted.notebook.cells if cell.id in placed and cell.cell_type != "code"}
    texts: dict[str, list[Piece]] = {}
    owner: dict[int, str] = {}  # the written answer that a piece belongs to; none for code
    for name, target in targets.items():
        edited = {p.bare: p for p in _fitting(target, pieces, others) if not p.code and p.bare != bare(released[name])}
        first = opening(target.source)
        texts[name] = [p for p in edited.values() if p.source.strip().startswith(first)] or [placed[name]]
        owner |= {id(piece): name for piece in texts[name]}
    owner = {id(piece): "" for piece in placed.values()} | owner
    above: dict[str, list[Piece]] = {}
    below: dict[str, list[Piece]] = defaultdict(list)
    since: list[Piece] = []
    loose: list[Piece] = []  # text that may belong to no answer
    last = ""  # the answer that text belongs to, and text since the last cell of the release
    for piece in pieces:
        if id(piece) in owner:
            above[owner[id(piece)]] = [] if last else since
            last, since = owner[id(piece)], []
        elif id(piece) in others or piece.ids & set(released) - {last}:
            last, since = "", []
            loose += _written_into(piece, released)
        elif not piece.code and piece.bare:
            below[last].append(piece)
            since.append(piece)
            loose.append(piece)
    empty = [name for name in targets if texts[name][-1].bare == bare(released[name]) and not below[name]]
    more = {name: below[name] or (above.get(name, []) if name in empty else []) for name in targets}
    taken = [name for name in targets if more[name] or len(texts[name]) > 1]
    used = {id(piece) for name in targets for piece in more[name]}
    loose = [piece for piece in loose if id(piece) not in used and _may_answer(piece)]
    empty = [name for name in empty if loose and not more[name]]
    for name, target in targets.items():
        _join_texts(target, [*texts[name], *(loose if name in empty else more[name])])
    if taken:
        grafted.repairs.append(f"text in your own cells beside an answer was added to it: {', '.join(taken)}")
    if empty:
        grafted.repairs.append(f"text from other places was added to answers that were empty: {', '.join(empty)}")


def _may_answer(piece: Piece) -> bool:
    """Whether a text may be an answer; the badge that Colab puts on top is markup alone."""
    return len(bare(re.sub("<[^<>]*>", "", piece.source))) >= ANSWER or "](attachment:" in piece.source


def _written_into(piece: Piece, released: dict[str, str]) -> list[Piece]:
    """What a student wrote above or below the text of a cell of the release that is no answer's."""
    for name in piece.ids & set(released) if not piece.code else ():
        before, cell, after = piece.source.partition(released[name].strip())
        if cell and (own := f"{before}\n\n{after}".strip()):
            return [Piece(set(), own, False, piece.pictures)]
    return []


def _join_texts(target: nbformat.NotebookNode, texts: list[Piece]) -> None:
    """Write texts one below the other into an answer's cell; pictures of the same name are renamed."""
    sources, pictures = [], {}
    for number, piece in enumerate(texts, 1):
        source = piece.source
        for name, picture in piece.pictures.items():
            if name in pictures:
                source = source.replace(f"attachment:{name}", f"attachment:{number}-{name}")
                name = f"{number}-{name}"
            pictures[name] = picture
        sources.append(source)
    target.source = "\n\n".join(sources)
    if pictures:
        target.attachments = nbformat.from_dict(pictures)


def _keep_figures(grafted: Grafted, pieces: list[Piece]) -> None:
    """Note the figures below the student's cells, matched to the notebook's by id, or else by source."""
    drawn = [piece for piece in reversed(pieces) if piece.figures]
    by_id = {name: piece for piece in drawn for name in piece.ids}
    by_source = {piece.bare: piece for piece in drawn}
    for cell in grafted.notebook.cells:
        if piece := by_id.get(cell.id) or by_source.get(bare(cell.source)):
            grafted.figures[cell.id] = piece.figures


def _note_changes(grafted: Grafted, pieces: list[Piece], released: dict[str, str], placed: dict[str, Piece]) -> None:
    """Say which of the course's own cells were changed or missing, and whether the cells' order was another."""
    if not pieces:
        return
    by_id = {name: piece for piece in pieces for name in piece.ids}
    locked = [cell.id for cell in grafted.notebook.cells if cell.metadata.get("nbgrader", {}).get("locked")]
    changed = [name for name in locked if name in by_id and by_id[name].source.strip() != released[name].strip()]
    sources = {piece.source.strip() for piece in pieces}
    gone = [name for name in locked if name not in by_id and released[name].strip() not in sources]
    if changed:
        grafted.repairs.append(f"changed cells of the course were restored: {', '.join(changed)}")
    if gone:
        grafted.repairs.append(f"missing cells of the course were restored: {', '.join(gone)}")
    position = {id(piece): number for number, piece in enumerate(pieces)}
    order = [position[id(piece)] for piece in placed.values()]
    if order != sorted(order):
        grafted.repairs.append("the cells were not in the release's order")
