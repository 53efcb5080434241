"""What is taken in of a hand-in: right cells whatever happened to the notebook around them, and a word on the rest."""

from __future__ import annotations

import ast
import copy
import json
import random

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder import intake
from autograder.handins import filled_notebook, solution_cells
from autograder.solutions import ROOT, assignments

HW = "hw4_gru_gradients"
SOLUTIONS = {name: solution_cells(name) for name in assignments()}


def full(assignment=HW):
    """A full-mark hand-in's notebook, as plain JSON."""
    return json.loads(nbformat.writes(filled_notebook(assignment, SOLUTIONS[assignment])))


def taken(folder, notebook, name=f"{HW}.ipynb", assignment=HW):
    """What is taken in of one notebook file."""
    (folder / name).write_text(json.dumps(notebook), encoding="utf-8")
    return intake.take_in(folder, assignment, copy.deepcopy(intake.pristine(assignment, ROOT)))


def definition(source, name):
    """What a cell's source makes of a name, as a text that ignores layout; None where it is not defined."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    named = [node for node in tree.body if getattr(node, "name", None) == name]
    return ast.dump(named[-1]) if named else None


def lost(found, assignment=HW):
    """Solution cells whose function is not the student's any more."""
    sources = {cell.id: cell.source for cell in found.notebook.cells}
    solution = SOLUTIONS[assignment]
    return [name for name in solution if definition(sources[name], name) != definition(solution[name], name)]


def source_of(cell):
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


# ways of damage: each changes the list of cells


def strip_ids(cells, rng):
    for cell in cells:
        if rng.random() < 0.5:
            cell.pop("id", None)


def strip_metadata(cells, rng):
    for cell in cells:
        if rng.random() < 0.5:
            cell["metadata"] = {}


def to_colab(cells, rng):
    for cell in cells:
        cell["metadata"] = {"id": cell.pop("id", "x"), "outputId": "a1", "colab": {"base_uri": "https://localhost"}}


def rename_grade_ids(cells, rng):
    for cell in cells:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"]["grade_id"] = f"cell-{rng.randrange(5)}"


def swap_ids(cells, rng):
    one, other = rng.sample(range(len(cells)), 2)
    cells[one]["id"], cells[other]["id"] = cells[other].get("id", "a"), cells[one].get("id", "b")


def duplicate(cells, rng):
    place = rng.randrange(len(cells))
    again = copy.deepcopy(cells[place])
    if rng.random() < 0.5:
        again["id"] = f"copy{rng.randrange(10**6)}"
    cells.insert(rng.choice([place, place + 1, len(cells)]), again)


def delete(cells, rng):
    del cells[rng.randrange(len(cells))]


def shuffle(cells, rng):
    rng.shuffle(cells)


def retype(cells, rng):
    cell = rng.choice(cells)
    cell["cell_type"] = rng.choice(["code", "markdown", "raw"])


def split(cells, rng):
    place = rng.randrange(len(cells))
    lines = source_of(cells[place]).split("\n")
    if len(lines) < 2:
        return
    cut = rng.randrange(1, len(lines))
    first, second = copy.deepcopy(cells[place]), copy.deepcopy(cells[place])
    first["source"], second["source"] = "\n".join(lines[:cut]), "\n".join(lines[cut:])
    new = rng.choice([first, second])
    new["id"], new["metadata"] = f"new{rng.randrange(10**6)}", {}
    cells[place : place + 1] = [first, second]


def merge(cells, rng):
    place = rng.randrange(len(cells) - 1)
    if cells[place]["cell_type"] == cells[place + 1]["cell_type"]:
        cells[place]["source"] = source_of(cells[place]) + "\n\n" + source_of(cells.pop(place + 1))


def lines_apart(cells, rng):
    for cell in cells:
        cell["source"] = source_of(cell).splitlines(keepends=True)


def windows(cells, rng):
    for cell in cells:
        cell["source"] = source_of(cell).replace("\n", "\r\n")


def of_other_types(cells, rng):
    cell = rng.choice(cells)
    cell[rng.choice(["metadata", "outputs", "id", "execution_count", "attachments"])] = rng.choice([None, 3, [1], "a"])
    if not isinstance(cell["metadata"], dict):
        cell["metadata"] = {}


def own_cells(cells, rng):
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1, "id": f"mine{rng.randrange(999)}"}
    cells.insert(rng.randrange(len(cells)), cell | {"source": "tried = 3\nprint(tried)"})


DAMAGES = [
    strip_ids,
    strip_metadata,
    to_colab,
    rename_grade_ids,
    swap_ids,
    duplicate,
    delete,
    shuffle,
    retype,
    split,
    merge,
    lines_apart,
    windows,
    of_other_types,
    own_cells,
]


@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    damages=st.lists(st.sampled_from(DAMAGES), min_size=1, max_size=4),
    seed=st.integers(0, 10**9),
    name=st.sampled_from([f"{HW}.ipynb", f"Copy of {HW}.ipynb", "hw4 (1).ipynb", "Untitled.ipynb"]),
    minor=st.sampled_from([0, 4, 5]),
)
def test_after_random_damage_the_marks_are_full_or_the_report_names_what_is_missing(
    tmp_path_factory, damages, seed, name, minor
):
    notebook, rng = full(), random.Random(seed)
    for damage in damages:
        damage(notebook["cells"], rng)
    notebook["nbformat_minor"] = minor
    found = taken(tmp_path_factory.mktemp("handin"), notebook, name)
    nbformat.validate(found.notebook)
    told = " ".join(found.repairs)
    assert "could not be placed" in told or all(cell in told for cell in lost(found))
    if damages == [split]:
        assert not lost(found)
