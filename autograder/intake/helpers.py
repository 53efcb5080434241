"""A student's own cells that solutions use, such as a helper function: which ones are kept, and where."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache

import nbformat

from autograder.intake.pieces import Piece, Reader, bare
from autograder.intake.reading import CODE_LIMIT


def keep_helpers(
    cells: list[nbformat.NotebookNode],
    pieces: Sequence[Piece],
    released: Mapping[str, str],
    placed: Mapping[str, Piece],
) -> int:
    """Insert the student's own cells that bind a name which a solution cell uses, right before the first such cell.

    One further down that redefines a solution cell's name comes right after that cell: the later definition counts.
    cells: the notebook's, with the student's code in them. released: the release's sources by cell id. placed: which
    piece is in which cell. Returns how many were inserted.
    """
    sources = {bare(source) for source in released.values()}
    used = {id(piece) for piece in placed.values()}
    position = {id(piece): number for number, piece in enumerate(pieces)}
    numbers = {cell.id: number for number, cell in enumerate(cells)}
    locked = {cell.id for cell in cells if not cell.metadata.get("nbgrader", {}).get("solution")}
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
            inserted.append((max(numbers[n] + 1 for n in after) if after else min(numbers[n] for n in users), piece))
            for name in users:
                needed[name] |= piece.words
    for number, (where, piece) in enumerate(sorted(inserted, key=lambda pair: -pair[0]), 1):
        cells.insert(where, nbformat.v4.new_code_cell(piece.source, id=f"own-{number}"))
    return len(inserted)


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
