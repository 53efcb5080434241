"""Put a student's cells into the pristine notebook, each in its place, and list what was repaired."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import nbformat

from autograder.intake.reading import CODE_LIMIT

JOINED = 200_000  # characters that are parsed to join split cells; a real submission needs a few thousand


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
        return _bare(self.source)


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


def _bare(source: str) -> str:
    return "".join(source.split())


def _assigned(body: list[ast.stmt]) -> set[str]:
    """Names that statements import or assign."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            names |= {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and _stored(inner)}
    return names


def _stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _remade(body: list[ast.stmt]) -> set[str]:
    """Names of functions that statements redefine: `f = lambda x: x`, `f = other`, `f = cached(f)`."""
    names = set()
    for node in body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            around = isinstance(value, ast.Call) and any(isinstance(a, ast.Name) and a.id == name for a in value.args)
            if around or isinstance(value, (ast.Lambda, ast.Name)):
                names.add(name)
    return names


@lru_cache(1024)  # the release's own cells come with every submission
def _released_names(source: str) -> frozenset[str]:
    """Names that a cell of the release defines, imports or assigns at its top level."""
    return frozenset(Piece(set(), source).defines | _assigned(Reader(len(source)).body(source) or []))


def _pieces(cells: list[dict], grafted: Grafted) -> list[Piece]:
    """The student's cells; code that was split in the middle of a block is joined again."""
    pieces: list[Piece] = []
    released = {cell.source.strip() for cell in grafted.notebook.cells}
    code_ids = {cell.id for cell in grafted.notebook.cells if cell.cell_type == "code"}
    reader, room = Reader(JOINED), JOINED
    before = False
    for cell in cells:
        ids = set(cell["ids"])
        first = next((line for line in cell["source"].split("\n") if line.strip()), "")
        code = cell["code"]
        if not code and ids & code_ids and room > 0:  # it was made a text cell
            code, room = True, room - len(cell["source"])
        cut = (code or before) and first[:1] in (" ", "\t")
        if cut and before and (whole := _joined(pieces[-1].source, cell["source"], released, reader)):
            pieces[-1] = Piece(pieces[-1].ids | ids, whole, figures=cell["figures"], joined=True)
        else:
            pieces.append(Piece(ids, cell["source"], code, cell["pictures"], cell["figures"]))
            if cut:
                grafted.repairs.append(f"code that begins inside a block could not be placed: {shown(first.strip())}")
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


def fill(grafted: Grafted, cells: list[dict]) -> None:
    """Put the student's sources into the pristine notebook, and list what was repaired."""
    pieces = _pieces(cells, grafted)
    released = {cell.id: cell.source for cell in grafted.notebook.cells}
    placed: dict[str, Piece] = {}
    by_look: dict[str, list[str]] = {}
    several = []
    targets = [cell for cell in grafted.notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    others = _others(grafted.notebook.cells, pieces)
    for target in targets:
        code, stub = target.cell_type == "code", _bare(target.source)
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
    _add_helpers(grafted, pieces, released, placed)


def _others(cells: list[nbformat.NotebookNode], pieces: list[Piece]) -> set[int]:
    """The pieces whose content is a cell of the release, whatever their ids say."""
    solutions = {cell.id for cell in cells if cell.metadata.get("nbgrader", {}).get("solution")}
    sources = {_bare(cell.source) for cell in cells}
    openings = {_opening(cell.source) for cell in cells if cell.cell_type != "code"}
    return {
        id(piece)
        for piece in pieces
        if piece.bare in sources or solutions & piece.defines or _opening(piece.source) in openings
    }


def _opening(source: str) -> str:
    return source.strip().split("\n")[0]


def _fitting(target: nbformat.NotebookNode, pieces: list[Piece], others: set[int]) -> list[Piece]:
    """The student's cells that may belong to a cell of the release; the last one is the best.

    They match by what they define or how they begin, or else by id or grade id. What counts is what the student's own
    notebook would run: of several cells the later one, but not an untouched stub, text or code that does not run.
    """
    code, stub = target.cell_type == "code", _bare(target.source)
    opening = _opening(target.source)
    names = {target.id, target.metadata.nbgrader.grade_id}

    def by_content(piece: Piece) -> bool:
        return target.id in piece.defines if code else piece.source.strip().startswith(opening)

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
    answer's cell is as released and there is none below.
    """
    targets = {cell.id: cell for cell in grafted.notebook.cells if cell.id in placed and cell.cell_type != "code"}
    texts: dict[str, list[Piece]] = {}
    owner: dict[int, str] = {}  # the written answer that a piece belongs to; none for code
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
        grafted.repairs.append(f"text in your own cells beside an answer was added to it: {', '.join(taken)}")


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
        if piece := by_id.get(cell.id) or by_source.get(_bare(cell.source)):
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


def _add_helpers(grafted: Grafted, pieces: list[Piece], released: dict[str, str], placed: dict[str, Piece]) -> None:
    """Keep the student's own cells that bind a name which a solution cell uses, right before the first such cell.

    One further down that redefines a solution cell's name comes right after that cell: the later definition counts.
    """
    sources = {_bare(source) for source in released.values()}
    used = {id(piece) for piece in placed.values()}
    position = {id(piece): number for number, piece in enumerate(pieces)}
    cells = {cell.id: number for number, cell in enumerate(grafted.notebook.cells)}
    locked = {cell.id for cell in grafted.notebook.cells if not cell.metadata.get("nbgrader", {}).get("solution")}
    helpers = [
        p for p in pieces if p.code and id(p) not in used and not p.ids & locked and p.bare and p.bare not in sources
    ]
    released_names = {name for source in released.values() for name in _released_names(source)}
    answers = {name: piece for name, piece in placed.items() if piece.code}
    makes = {name: (piece.defines - released_names) | ({name} & piece.defines) for name, piece in answers.items()}
    needed = {name: set(piece.words) for name, piece in answers.items()}
    reader = Reader(CODE_LIMIT)
    inserted: list[tuple[int, Piece]] = []
    for piece in reversed(helpers):
        body = reader.body(piece.source) or []
        fresh = (piece.defines | _assigned(body)) - released_names
        anew = (piece.defines - released_names) | _remade(body)
        after = [n for n in makes if makes[n] & anew and position[id(piece)] > position[id(placed[n])]]
        users = after or [name for name, words in needed.items() if fresh & words]
        if users:
            inserted.append((max(cells[n] + 1 for n in after) if after else min(cells[n] for n in users), piece))
            for name in users:
                needed[name] |= piece.words
    for number, (where, piece) in enumerate(sorted(inserted, key=lambda pair: -pair[0]), 1):
        grafted.notebook.cells.insert(where, nbformat.v4.new_code_cell(piece.source, id=f"own-{number}"))
    if inserted:
        grafted.repairs.append(f"kept {len(inserted)} of your own cells because your solutions use them")
