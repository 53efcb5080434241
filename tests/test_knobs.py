"""A knob: stills for everybody, and a slider below them where a person sits at the notebook."""

import os
from unittest import mock

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.course.paths import ROOT
from utils.knobs import knob

CELL = """
import sys; sys.path.insert(0, {root!r})
from utils.knobs import knob
knob(lambda axes, p: axes.bar([0, 1], [p, 1 - p]), "p", {{"low": 0.1, "middle": 0.5, "high": 0.9}}, ("low", "high"))
"""
WIDGET = "application/vnd.jupyter.widget-view+json"


def shown(**environment):
    """What a notebook with one knob puts out, and the state of its widgets."""
    source = CELL.format(root=str(ROOT))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    alien = ("NBGRADER_EXECUTION", "JPY_SESSION_NAME")
    with mock.patch.dict(os.environ, {k: v for k, v in os.environ.items() if k not in alien} | environment, clear=True):
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    kinds = [set(output.data) for output in notebook.cells[0].outputs if "data" in output]
    widgets = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    return kinds, [one["state"] for one in widgets.values() if one["model_name"] == "SelectionSliderModel"]


def test_jupyter_shows_the_stills_and_a_slider():
    kinds, sliders = shown(JPY_SESSION_NAME="hw1.ipynb")
    assert "image/png" in kinds[0]
    assert WIDGET in kinds[1]
    (slider,) = sliders
    assert slider["_options_labels"] == ["low", "middle", "high"]
    assert (slider["description"], slider["index"]) == ("p", 0)


@pytest.mark.parametrize(
    "environment", [{}, {"NBGRADER_EXECUTION": "autograde", "JPY_SESSION_NAME": "hw1.ipynb"}], ids=str
)
def test_where_nobody_sits_there_are_the_stills_alone(environment):
    kinds, sliders = shown(**environment)
    assert len(kinds) == 1
    assert "image/png" in kinds[0]
    assert not sliders


def test_a_still_that_is_no_stop_is_named():
    with pytest.raises(ValueError, match="no stop of the slider is called far; there are near, middle"):
        knob(print, "p", {"near": 0.1, "middle": 0.5}, ["near", "far"])
