"""A notebook file as plain cells, whatever types and sizes its parts have.

Standard library alone: a large file is read by `python -I -S reading.py < file`, in a process with bounded time and
memory, whose failure is not the run's.
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
    """Why a file is not a notebook that can be graded, in words."""


def plain_cells(data: bytes) -> tuple[list[dict], list[str]]:
    """The cells of a notebook file's bytes, and what of them was left out in words. Raises Unreadable."""
    if len(data) <= HERE_LIMIT:
        return cells_of(data)
    try:
        call = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
        done = subprocess.run(call, input=data, capture_output=True, timeout=2 * SECONDS, check=False)
        result = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise Unreadable("reading it takes too much time or memory") from None
    if result["problem"]:
        raise Unreadable(result["problem"])
    return result["cells"], result["left"]


def cells_of(text: bytes) -> tuple[list[dict], list[str]]:
    """The cells in a notebook's bytes: type, ids and source, whatever version it was saved in; and what is left out.

    Raises Unreadable.
    """
    try:
        read = json.loads(text)
    except RecursionError:
        raise Unreadable("it is nested too deeply for a notebook") from None
    except ValueError:
        raise Unreadable("it is not a notebook (not valid JSON)") from None
    if isinstance(read, dict) and isinstance(read.get("worksheets"), list):  # nbformat 3
        sheets = [sheet["cells"] for sheet in read["worksheets"] if _holds_cells(sheet)]
        read = {"cells": [cell for sheet in sheets for cell in sheet]} if sheets else {}
    if not _holds_cells(read):
        raise Unreadable("it has no list of cells")
    if len(read["cells"]) > CELL_LIMIT:
        raise Unreadable(f"it has {len(read['cells'])} cells; at most {CELL_LIMIT} are allowed")
    cells = [_plain(cell) for cell in read["cells"] if isinstance(cell, dict)]
    for what, limit, code in (("code", CODE_LIMIT, True), ("text", TEXT_LIMIT, False)):
        length = sum(len(cell["source"]) for cell in cells if cell["code"] == code)
        if length > limit:
            raise Unreadable(f"its cells have {length} characters of {what}; at most {limit} are allowed")
    return cells, _bounded(cells)


def _holds_cells(read: object) -> bool:
    return isinstance(read, dict) and isinstance(read.get("cells"), list)


def _plain(cell: dict) -> dict:
    """The parts of a file's cell that are kept."""
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    source = source if isinstance(source, str) else ""
    source = source.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    nbgrader = metadata.get("nbgrader")
    nbgrader = nbgrader if isinstance(nbgrader, dict) else {}
    names = [cell.get("id"), metadata.get("id"), nbgrader.get("grade_id")]
    ids = sorted({name[:100] for name in names if isinstance(name, str)})
    code = cell.get("cell_type") == "code"
    return {"ids": ids, "source": source, "code": code, "pictures": _pictures(cell), "figures": _figures(cell)}


def _figures(cell: dict) -> list[dict]:
    """The pictures in a code cell's outputs, in their order, as base64 text by kind: of known kinds and bounded."""
    outputs = cell.get("outputs")
    figures: list[dict] = []
    for output in outputs if isinstance(outputs, list) else ():
        data = output.get("data") if isinstance(output, dict) and len(figures) < FIGURES else None
        for kind in IMAGES:
            if isinstance(data, dict) and _is_picture(data.get(kind), FIGURE_LIMIT):
                figures.append({kind: data[kind]})
                break
    return figures


def _is_picture(data: object, limit: int) -> bool:
    return isinstance(data, str) and len(data) < limit and re.fullmatch(r"[A-Za-z0-9+/=\s]*", data, re.A) is not None


def _pictures(cell: dict) -> dict:
    """A written answer's pasted pictures: of known kinds and bounded size, as base64 text."""
    pictures: dict = {}
    attachments = cell.get("attachments")
    for name, kinds in attachments.items() if isinstance(attachments, dict) else ():
        for kind, data in kinds.items() if isinstance(kinds, dict) else ():
            if kind in IMAGES and _is_picture(data, PICTURE_LIMIT) and re.fullmatch(r"[\w. ()-]{1,100}", name):
                pictures.setdefault(name, {})[kind] = data
    return pictures


def _bounded(cells: list[dict]) -> list[str]:
    """Leave out the pictures beyond the limit for all together, and say so."""
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
    return [f"{left} pictures were left out: at most {PICTURES >> 20} MiB of pictures are kept"] if left else []


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
        result = {"cells": cells, "left": left, "problem": ""}
    except Unreadable as error:
        result = {"problem": str(error)}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
