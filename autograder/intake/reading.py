"""A notebook file as plain cells: what a hand-in is known by, of other types and sizes than a notebook's or not.

It needs the standard library alone: a large file is read by `python -I -S reading.py < file`, a process that may use
so much time and memory and no more, and whose fault is none of the run's.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

FILE_LIMIT = 128 << 20  # bytes of a file; saved outputs are most of a large one, and they are not kept
HERE_LIMIT = 4 << 20  # bytes of a file that this process reads itself
CELL_LIMIT = 2_000
CODE_LIMIT, TEXT_LIMIT = 500_000, 4 << 20  # characters of all code cells, of all others: what is kept, and parsed
PICTURE_LIMIT, FIGURE_LIMIT, FIGURES = 8 << 20, 1 << 20, 8  # characters of a picture, of a figure; figures of a cell
PICTURES = 24 << 20  # characters of all pictures and figures
IMAGES = ("image/png", "image/jpeg", "image/gif")
SECONDS, MEMORY = 60, 3 << 30  # of a process that reads


class Unreadable(ValueError):
    """Why a file is no notebook that can be graded, in words."""


def plain_cells(data: bytes) -> tuple[list[dict], list[str]]:
    """The cells of a notebook file's bytes, and what of them was left out in words. Raises Unreadable."""
    if len(data) <= HERE_LIMIT:
        return cells_of(data)
    try:
        call = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
        done = subprocess.run(call, input=data, capture_output=True, timeout=2 * SECONDS, check=False)
        told = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise Unreadable("it takes more time or memory to read than a notebook does") from None
    if told["problem"]:
        raise Unreadable(told["problem"])
    return told["cells"], told["left"]


def cells_of(text: bytes) -> tuple[list[dict], list[str]]:
    """The cells in a notebook's bytes: type, ids and source, whatever version it was saved in; and what is left out.

    Raises Unreadable.
    """
    try:
        read = json.loads(text)
    except RecursionError:
        raise Unreadable("it is nested deeper than any notebook") from None
    except ValueError:
        raise Unreadable("it is no JSON, as a notebook is") from None
    if isinstance(read, dict) and isinstance(read.get("worksheets"), list):  # nbformat 3
        sheets = [sheet["cells"] for sheet in read["worksheets"] if _holds_cells(sheet)]
        read = {"cells": [cell for sheet in sheets for cell in sheet]} if sheets else {}
    if not _holds_cells(read):
        raise Unreadable("it holds no list of cells")
    if len(read["cells"]) > CELL_LIMIT:
        raise Unreadable(f"it has {len(read['cells'])} cells, {CELL_LIMIT} are the most")
    cells = [_plain(cell) for cell in read["cells"] if isinstance(cell, dict)]
    for what, limit, code in (("code", CODE_LIMIT, True), ("text", TEXT_LIMIT, False)):
        length = sum(len(cell["source"]) for cell in cells if cell["code"] == code)
        if length > limit:
            raise Unreadable(f"its cells hold {length} characters of {what}, {limit} are the most")
    return cells, _bounded(cells)


def _holds_cells(read: object) -> bool:
    return isinstance(read, dict) and isinstance(read.get("cells"), list)


def _plain(cell: dict) -> dict:
    """What is taken of a cell of the file."""
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    source = source if isinstance(source, str) else ""
    source = source.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    nbgrader = metadata.get("nbgrader")
    nbgrader = nbgrader if isinstance(nbgrader, dict) else {}
    given = [cell.get("id"), metadata.get("id"), nbgrader.get("grade_id")]
    ids = sorted({name[:100] for name in given if isinstance(name, str)})
    code = cell.get("cell_type") == "code"
    return {"ids": ids, "source": source, "code": code, "pictures": _pictures(cell), "figures": _figures(cell)}


def _figures(cell: dict) -> list[dict]:
    """The pictures in a code cell's outputs, in their order, as base64 text by kind: of known kinds and bounded."""
    given = cell.get("outputs")
    found: list[dict] = []
    for output in given if isinstance(given, list) else ():
        data = output.get("data") if isinstance(output, dict) and len(found) < FIGURES else None
        for kind in IMAGES:
            if isinstance(data, dict) and _is_picture(data.get(kind), FIGURE_LIMIT):
                found.append({kind: data[kind]})
                break
    return found


def _is_picture(data: object, limit: int) -> bool:
    return isinstance(data, str) and len(data) < limit and re.fullmatch(r"[A-Za-z0-9+/=\s]*", data, re.A) is not None


def _pictures(cell: dict) -> dict:
    """A written answer's pasted pictures: of known kinds and bounded size, as base64 text."""
    found: dict = {}
    given = cell.get("attachments")
    for name, kinds in given.items() if isinstance(given, dict) else ():
        for kind, data in kinds.items() if isinstance(kinds, dict) else ():
            if kind in IMAGES and _is_picture(data, PICTURE_LIMIT) and re.fullmatch(r"[\w. ()-]{1,100}", name):
                found.setdefault(name, {})[kind] = data
    return found


def _bounded(cells: list[dict]) -> list[str]:
    """Leave out the pictures that go beyond what is kept in all, and say so."""
    room = left = 0
    for cell in cells:
        for name in list(cell["pictures"]):
            room += sum(map(len, cell["pictures"][name].values()))
            if room > PICTURES:
                left += 1
                del cell["pictures"][name]
    for cell in cells:
        for figure in list(cell["figures"]):
            room += sum(map(len, figure.values()))
            if room > PICTURES:
                left += 1
                cell["figures"].remove(figure)
    return [f"{left} pictures were left out: {PICTURES >> 20} MiB are the most in all"] if left else []


def main() -> None:
    """Read a file from the standard input, within bounds; write cells, or the problem, as JSON."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):  # Windows has none, and a host may allow less
        pass
    try:
        cells, left = cells_of(sys.stdin.buffer.read(FILE_LIMIT + 1))
        told = {"cells": cells, "left": left, "problem": ""}
    except Unreadable as error:
        told = {"problem": str(error)}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
