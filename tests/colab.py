"""Notebooks in the form in which Colab saves them.

Learnt from notebooks of public repositories that Colab wrote: format 4.0, in which cells have no id of their own, so
that it stands in their metadata; sources and texts line by line; who ran a cell and when; a form for `# @title`; a
picture for each figure, a page of script for each table; the state of widgets; a badge in the first cell.
"""

from __future__ import annotations

import json
import random
import string
import uuid
from collections.abc import Mapping

import nbformat

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
BADGE = (
    '<a href="https://colab.research.google.com/github/{place}" target="_parent">'
    '<img src="https://colab.research.google.com/assets/colab-badge.svg" alt="Open In Colab"/></a>'
)
DRIVE = "from google.colab import drive\ndrive.mount('/content/drive')\n%env COURSE_RUNS=/content/drive/MyDrive/runs"
INTRINSIC, WIDGET = "application/vnd.google.colaboratory.intrinsic+json", "application/vnd.jupyter.widget-view+json"


def saved_by_colab(
    notebook: Mapping, rng: random.Random, *, own_ids: bool = False, nbgrader: bool = True, old: bool = False
) -> dict:
    """A notebook as Colab saves it after a run, as plain JSON.

    own_ids: cells have ids of Colab's in place of the course's. nbgrader: whether nbgrader's metadata is still there.
    old: as some years ago, with the kind of each cell in its metadata, too.
    """
    read = json.loads(nbformat.writes(notebook))
    name = read["metadata"]["colab"]["name"]
    cells = [_text(BADGE.format(place=f"student-01/homework/blob/main/{name}"), {"id": "view-in-github"}, old=True)]
    cells += [colab_cell(cell, rng, own_ids=own_ids, nbgrader=nbgrader, old=old) for cell in read["cells"]]
    if read["metadata"].get("accelerator"):
        mount = {"cell_type": "code", "source": DRIVE, "metadata": {}, "outputs": [], "execution_count": 1}
        cells.insert(3, colab_cell(mount, rng, own_ids=True, nbgrader=True, old=old))
    colab = {"provenance": [], "authorship_tag": f"ABX9TyO{_letters(rng, 21)}", "include_colab_link": True}
    metadata = {
        "colab": ({"name": f"Copy of {name}", "collapsed_sections": []} if old else {"gpuType": "T4"}) | colab,
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
        "accelerator": "GPU",
        "widgets": {"application/vnd.jupyter.widget-state+json": dict([_widget(rng)])},
    }
    return {"nbformat": 4, "nbformat_minor": 0, "metadata": metadata, "cells": cells}


def colab_cell(cell: Mapping, rng: random.Random, *, own_ids: bool, nbgrader: bool, old: bool = False) -> dict:
    """One cell as Colab saves it. What of `cell` is not as in a notebook is taken for missing."""
    source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
    given = cell["metadata"] if nbgrader else {}
    fresh = _letters(rng, 12)
    identity = cell.get("id") if isinstance(cell.get("id"), str) and not own_ids else fresh
    metadata = {**given, "id": identity}
    if cell["cell_type"] != "code":
        return _text(source, metadata, old=old)
    form = {"cellView": "form"} if source.startswith("# @title") else {}
    colab = {"colab": {"base_uri": "https://localhost:8080/", "height": rng.randrange(35, 600)}}
    ran = {"elapsed": rng.randrange(9000), "status": "ok", "timestamp": 1722608125960, "user_tz": -120}
    ran["user"] = {"displayName": "student-01", "userId": f"{rng.randrange(10**20):020}"}
    kind = {"colab_type": "code"} if old else {}
    metadata |= colab | form | kind | {"executionInfo": ran, "outputId": str(uuid.UUID(int=rng.getrandbits(128)))}
    count = rng.randrange(1, 99)
    found = {"cell_type": "code", "execution_count": count, "metadata": metadata}
    return found | {"outputs": _outputs(source, count, rng), "source": source.splitlines(keepends=True)}


def _text(source: str, metadata: dict, *, old: bool) -> dict:
    kind = {"colab_type": "text"} if old else {}
    return {"cell_type": "markdown", "metadata": metadata | kind, "source": source.splitlines(keepends=True)}


def _outputs(source: str, count: int, rng: random.Random) -> list[dict]:
    """Outputs of all the kinds that Colab writes, after what stands in the cell."""
    drawn = {"text/plain": ["<Figure size 700x350 with 1 Axes>"], "image/png": f"{PNG}\n"}
    table = {"text/plain": ["   epoch\n", "0      1"], "text/html": ["<div id='df-1'>\n", "<script>0</script></div>"]}
    bar = {"text/plain": ["  0%|          | 0/3 [00:00<?, ?it/s]"], WIDGET: {"model_id": _widget(rng)[0]}}
    result = {"output_type": "execute_result", "metadata": {}, "execution_count": count}
    found = []
    if "print(" in source or "checks." in source:
        found.append({"output_type": "stream", "name": "stdout", "text": ["OK all of it\n", "and more\n"]})
    if "plots." in source or "diagrams." in source or "plt.show" in source:
        found.append({"output_type": "display_data", "data": drawn, "metadata": {}})
    if "range(" in source:
        found.append({"output_type": "display_data", "data": bar, "metadata": {}})
    if "DataFrame" in source:
        found.append(result | {"data": table | {INTRINSIC: {"type": "dataframe", "variable_name": "table"}}})
    elif "class " in source:
        found.append(result | {"data": {"text/plain": ["'a'"], INTRINSIC: {"type": "string"}}})
    return found


def _widget(rng: random.Random) -> tuple[str, dict]:
    state = {"_model_module": "@jupyter-widgets/controls", "_model_name": "HBoxModel", "_view_count": None}
    names = {"model_module": "@jupyter-widgets/controls", "model_name": "HBoxModel", "model_module_version": "1.5.0"}
    return f"{rng.getrandbits(128):032x}", names | {"state": state}


def _letters(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.ascii_letters + string.digits + "_-", k=count))
