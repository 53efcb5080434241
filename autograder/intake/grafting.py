"""Put a student's cells into the pristine notebook, each in its place, and say in words what was put right."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import nbformat

from autograder.intake.reading import CODE_LIMIT

JOINED = 200_000  # characters that are read as Python to join split cells; a real hand-in needs a few thousand


@dataclass
class HandIn:
    """What was taken in: a notebook to grade, and in words what was repaired or left out.

    missing: ids of cells that could not be found; they are as in the release.
    figures: pictures that stood below the notebook's cells, by the cell's id, each as base64 text by its kind.
    """

    notebook: nbformat.NotebookNode
    repairs: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    figures: dict[str, list[dict]] = field(default_factory=dict)


def shown(name: str) -> str:
    """A student's text in a form that can stand in a sentence or on a terminal."""
    return re.sub(r"[^A-Za-z0-9_. ()+-]", "?", name[:80]) or "(no name)"


@dataclass(eq=False)
class Piece:
    """A student's cell: what it may be known by, its source, pictures pasted into it, and figures below it."""

    ids: set[str]
    source: str
    code: bool = True
    pictures: dict = field(default_factory=dict)
    figures: list[dict] = field(default_factory=list)
    joined: bool = False

    @cached_property
    def defines(self) -> set[str]:
        """Names of the functions and classes of its top level, also where the cell as a whole is no Python."""
        return set(re.findall(r"^(?:async[ \t]+def|def|class)[ \t]+(\w+)", self.source, re.MULTILINE))

    @cached_property
    def words(self) -> set[str]:
        """All names that stand in it."""
        return set(re.findall(r"[^\W\d]\w*", self.source))

    @cached_property
    def runs(self) -> bool:
        """Whether it is Python, but for lines that IPython reads itself."""
        return Reader(len(self.source)).body(re.sub(r"^[ \t]*[%!]", "#", self.source, flags=re.MULTILINE)) is not None

    @cached_property
    def bare(self) -> str:
        """Its source without the white space, to be compared."""
        return _bare(self.source)


class Reader:
    """Reads sources as Python, so many characters of a hand-in and no more: a large one costs bounded time."""

    def __init__(self, room: int):
        self.room = room

    def body(self, source: str) -> list[ast.stmt] | None:
        """The statements of a cell's top level; None where it is no Python, or too much was read before."""
        self.room -= len(source)
        if self.room < 0:
            return None
        try:
            return ast.parse(source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _bare(source: str) -> str:
    return "".join(source.split())


def _assigned(body: list[ast.stmt]) -> set[str]:
    """Names that statements import or assign."""
    found: set[str] = set()
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            found |= {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and _stored(inner)}
    return found


def _stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _remade(body: list[ast.stmt]) -> set[str]:
    """Names of functions that statements make anew: `f = lambda x: x`, `f = other`, `f = cached(f)`."""
    found = set()
    for node in body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            around = isinstance(value, ast.Call) and any(isinstance(a, ast.Name) and a.id == name for a in value.args)
            if around or isinstance(value, (ast.Lambda, ast.Name)):
                found.add(name)
    return found


@lru_cache(1024)  # the release's own cells come with every hand-in
def _given(source: str) -> frozenset[str]:
    """Names that a cell of the release defines, imports or assigns at its top level."""
    return frozenset(Piece(set(), source).defines | _assigned(Reader(len(source)).body(source) or []))


def _pieces(cells: list[dict], found: HandIn) -> list[Piece]:
    """The student's cells; code that was split in the middle of a block is joined again."""
    pieces: list[Piece] = []
    released = {cell.source.strip() for cell in found.notebook.cells}
    known = {cell.id for cell in found.notebook.cells if cell.cell_type == "code"}
    reader, room = Reader(JOINED), JOINED
    before = False
    for cell in cells:
        ids = set(cell["ids"])
        first = next((line for line in cell["source"].split("\n") if line.strip()), "")
        code = cell["code"]
        if not code and ids & known and room > 0:  # it was made a text cell
            code, room = True, room - len(cell["source"])
        cut = (code or before) and first[:1] in (" ", "\t")
        if cut and before and (whole := _joined(pieces[-1].source, cell["source"], released, reader)):
            pieces[-1] = Piece(pieces[-1].ids | ids, whole, figures=cell["figures"], joined=True)
        else:
            pieces.append(Piece(ids, cell["source"], code, cell["pictures"], cell["figures"]))
            if cut:
                found.repairs.append(f"code that begins inside of a block could not be placed: {shown(first.strip())}")
        before = code
    return pieces


def _joined(source: str, more: str, released: set[str], reader: Reader) -> str | None:
    """Two cells in one where the second goes on inside of the first one's last block, or None.

    No more can belong to a cell that is as released, or whose last block returns or raises.
    """
    if source.strip() in released:
        return None
    body = reader.body(source)
    last = body[-1] if body else None
    if isinstance(last, ast.FunctionDef) and isinstance(last.body[-1], (ast.Return, ast.Raise)):
        return None
    whole = f"{source}\n{more}"
    return whole if reader.body(whole) is not None else None


def fill(found: HandIn, cells: list[dict]) -> None:
    """Put the student's sources into the pristine notebook, and say what was put right."""
    pieces = _pieces(cells, found)
    released = {cell.id: cell.source for cell in found.notebook.cells}
    placed: dict[str, Piece] = {}
    by_look: dict[str, list[str]] = {}
    several = []
    targets = [cell for cell in found.notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    others = _others(found.notebook.cells, pieces)
    for target in targets:
        code, stub = target.cell_type == "code", _bare(target.source)
        fitting = _fitting(target, pieces, others)
        if not fitting:
            found.missing.append(target.id)
            continue
        placed[target.id] = piece = fitting[-1]
        if target.id not in piece.ids:
            by_look.setdefault("what they define" if code else "how they begin", []).append(target.id)
        if code:
            target.source = piece.source
            edited = {one.bare for one in fitting if target.id in one.defines and one.code}
            several += [target.id] if len(edited - {stub}) > 1 else []
    found.repairs += [f"found by {how}, for want of their ids: {', '.join(names)}" for how, names in by_look.items()]
    if several:
        found.repairs.append(f"of several cells that define it the last one was taken: {', '.join(several)}")
    if joined := [name for name, piece in placed.items() if piece.joined]:
        found.repairs.append(f"cells that had been split were joined again: {', '.join(joined)}")
    if cells and found.missing:
        found.repairs.append(f"no cell was found for {', '.join(found.missing)}")
    _write_answers(found, pieces, released, placed, others)
    _keep_figures(found, pieces)
    _note_changes(found, pieces, released, placed)
    _add_helpers(found, pieces, released, placed)


def _others(cells: list[nbformat.NotebookNode], pieces: list[Piece]) -> set[int]:
    """The pieces that are a cell of the release by what stands in them, whatever their ids say."""
    solutions = {cell.id for cell in cells if cell.metadata.get("nbgrader", {}).get("solution")}
    known = {_bare(cell.source) for cell in cells}
    openings = {_opening(cell.source) for cell in cells if cell.cell_type != "code"}
    return {
        id(piece)
        for piece in pieces
        if piece.bare in known or solutions & piece.defines or _opening(piece.source) in openings
    }


def _opening(source: str) -> str:
    return source.strip().split("\n")[0]


def _fitting(target: nbformat.NotebookNode, pieces: list[Piece], others: set[int]) -> list[Piece]:
    """The student's cells that may be meant for a place in the release; the last one is to be taken.

    Known by what they define or how they begin, or else by id or grade id. What counts is what the student's own
    notebook would run: of several cells the later one, but no untouched stub, no text and no code that does not run.
    """
    code, stub = target.cell_type == "code", _bare(target.source)
    opening = _opening(target.source)
    names = {target.id, target.metadata.nbgrader.grade_id}

    def own(piece: Piece) -> bool:
        return target.id in piece.defines if code else piece.source.strip().startswith(opening)

    fitting = [piece for piece in pieces if own(piece) or (names & piece.ids and id(piece) not in others)]
    if len(fitting) < 2:
        return fitting
    return sorted(fitting, key=lambda piece: (own(piece), piece.code == code, piece.bare != stub, code and piece.runs))


def _write_answers(
    found: HandIn, pieces: list[Piece], released: dict[str, str], placed: dict[str, Piece], others: set[int]
) -> None:
    """Put written answers into their places, with the text that the student wrote in cells of their own around them.

    What stands below an answer's cell belongs to it, up to the next cell of the release; what stands above it does
    where the answer's cell is as released and nothing stands below.
    """
    targets = {cell.id: cell for cell in found.notebook.cells if cell.id in placed and cell.cell_type != "code"}
    texts: dict[str, list[Piece]] = {}
    owner: dict[int, str] = {}  # the written answer that a piece is taken for; of code, none
    for name, target in targets.items():
        edited = {p.bare: p for p in _fitting(target, pieces, others) if not p.code and p.bare != _bare(released[name])}
        opening = _opening(target.source)
        texts[name] = [p for p in edited.values() if p.source.strip().startswith(opening)] or [placed[name]]
        owner |= {id(piece): name for piece in texts[name]}
    owner = {id(piece): "" for piece in placed.values()} | owner
    above: dict[str, list[Piece]] = {}
    below: dict[str, list[Piece]] = defaultdict(list)
    since: list[Piece] = []
    last = ""  # the answer that text belongs to, and text since the last cell of the release
    for piece in pieces:
        if id(piece) in owner:
            above[owner[id(piece)]] = [] if last else since
            last, since = owner[id(piece)], []
        elif id(piece) in others or piece.ids & set(released) - {last}:
            last, since = "", []
        elif not piece.code and piece.bare:
            below[last].append(piece)
            since.append(piece)
    taken = []
    for name, target in targets.items():
        more = below[name]
        if not more and texts[name][-1].bare == _bare(released[name]):
            more = above.get(name, [])
        taken += [name] if more or len(texts[name]) > 1 else []
        _join_texts(target, [*texts[name], *more])
    if taken:
        found.repairs.append(f"text in cells of your own beside an answer was taken into it: {', '.join(taken)}")


def _join_texts(target: nbformat.NotebookNode, texts: list[Piece]) -> None:
    """Write texts one below the other into an answer's cell; their pictures keep apart where they share a name."""
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


def _keep_figures(found: HandIn, pieces: list[Piece]) -> None:
    """Note the figures below the student's cells for the notebook's: by id, or else by source."""
    drawn = [piece for piece in reversed(pieces) if piece.figures]
    by_id = {name: piece for piece in drawn for name in piece.ids}
    by_source = {piece.bare: piece for piece in drawn}
    for cell in found.notebook.cells:
        if piece := by_id.get(cell.id) or by_source.get(_bare(cell.source)):
            found.figures[cell.id] = piece.figures


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
    place = {id(piece): number for number, piece in enumerate(pieces)}
    order = [place[id(piece)] for piece in placed.values()]
    if order != sorted(order):
        found.repairs.append("cells stood in another order than in the release")


def _add_helpers(found: HandIn, pieces: list[Piece], released: dict[str, str], placed: dict[str, Piece]) -> None:
    """Keep cells of the student's own that bind a name which a solution cell uses, right before the first that does.

    One that makes a name of a solution cell anew, further down, comes right after that cell: the later one holds.
    """
    known = {_bare(source) for source in released.values()}
    used = {id(piece) for piece in placed.values()}
    place = {id(piece): number for number, piece in enumerate(pieces)}
    cells = {cell.id: number for number, cell in enumerate(found.notebook.cells)}
    locked = {cell.id for cell in found.notebook.cells if not cell.metadata.get("nbgrader", {}).get("solution")}
    own = [p for p in pieces if p.code and id(p) not in used and not p.ids & locked and p.bare and p.bare not in known]
    given = {name for source in released.values() for name in _given(source)}
    answers = {name: piece for name, piece in placed.items() if piece.code}
    makes = {name: (piece.defines - given) | ({name} & piece.defines) for name, piece in answers.items()}
    needed = {name: set(piece.words) for name, piece in answers.items()}
    reader = Reader(CODE_LIMIT)
    inserted: list[tuple[int, Piece]] = []
    for piece in reversed(own):
        body = reader.body(piece.source) or []
        fresh = (piece.defines | _assigned(body)) - given
        anew = (piece.defines - given) | _remade(body)
        after = [n for n in makes if makes[n] & anew and place[id(piece)] > place[id(placed[n])]]
        users = after or [name for name, words in needed.items() if fresh & words]
        if users:
            inserted.append((max(cells[n] + 1 for n in after) if after else min(cells[n] for n in users), piece))
            for name in users:
                needed[name] |= piece.words
    for number, (where, piece) in enumerate(sorted(inserted, key=lambda pair: -pair[0]), 1):
        found.notebook.cells.insert(where, nbformat.v4.new_code_cell(piece.source, id=f"own-{number}"))
    if inserted:
        found.repairs.append(f"{len(inserted)} cells of your own, which solution cells use, were kept")
