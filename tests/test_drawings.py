"""Drawings are vectors in a notebook, with pixels beside them for a feedback page; grading draws neither."""

from xml.etree import ElementTree

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.course.paths import ROOT
from autograder.intake.outputs import Tamer
from utils import diagrams, lstm_plots

DRAWINGS = [
    "diagrams.draw_gru()",
    "diagrams.draw_gru(gradients=True)",
    "diagrams.draw_unrolled(3)",
    "diagrams.draw_truncated(2, 4)",
    "lstm_plots.draw_lstm()",
    "lstm_plots.draw_unrolled_lstm(3, gradients=True)",
    "lstm_plots.draw_padding(np.arange(6).reshape(3, 2), [3, 1])",
    "lstm_plots.draw_three_ways([3, 1])",
    "char_rnn_plots.draw_unrolled('abc', backwards=True)",
    "regularisation_plots.batch_norm_graph()",
    "regularisation_plots.draw_masks({'by pixel': np.eye(4)[None, None], 'by channel': np.ones((1, 1, 4, 4))})",
    "plots.block_diagram({'forward': 1.0, 'backward': 2.0})",
]
SET_UP = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
import numpy as np
from utils import char_rnn_plots, diagrams, lstm_plots, plots, regularisation_plots"""


def shown(*arguments):
    """The outputs of each drawing, made twice in a kernel with the given arguments."""
    cells = [nbformat.v4.new_code_cell(source) for source in (SET_UP, *DRAWINGS, *DRAWINGS)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3", extra_arguments=list(arguments)).execute()
    return [cell.outputs for cell in notebook.cells[1:]]


@pytest.fixture(scope="module")
def drawn():
    return shown()


@pytest.mark.parametrize("index", range(len(DRAWINGS)), ids=DRAWINGS)
def test_each_is_one_picture_of_two_kinds_the_same_each_time(drawn, index):
    (output,) = drawn[index]
    assert set(output.data) == {"text/plain", "image/png", "image/svg+xml"}
    picture = ElementTree.fromstring(output.data["image/svg+xml"])
    kinds = {element.tag.rpartition("}")[2] for element in picture.iter()}
    assert "path" in kinds
    assert not {"image", "script"} & kinds  # no pixels inside, nothing that runs
    assert float(picture.get("width").removesuffix("pt")) <= diagrams.WIDEST
    box, size = picture.get("viewBox").split()[2:], (picture.get("width"), picture.get("height"))
    scales = [float(one.removesuffix("pt")) / float(other) for one, other in zip(size, box, strict=True)]
    assert scales[0] == pytest.approx(scales[1], rel=1e-3)
    again = drawn[len(DRAWINGS) + index][0].data
    assert again == output.data


def test_a_feedback_page_gets_the_pixels(drawn):
    for (output,) in drawn:
        assert set(Tamer().tame(output, "display_data")["data"]) == {"text/plain", "image/png"}


def test_where_grading_draws_no_pictures_none_is_made():
    for (output,) in shown("--InlineBackend.figure_formats=[]"):
        assert set(output.data) == {"text/plain"}
        assert output.data["text/plain"].startswith("<Figure size")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: diagrams.draw_unrolled(1),
        lambda: diagrams.draw_truncated(1, 3),
        lambda: diagrams.draw_truncated(2, 0),
        lambda: lstm_plots.draw_unrolled_lstm(1),
    ],
)
def test_too_few_steps_are_refused(wrong):
    with pytest.raises(ValueError, match="the drawing needs at least"):
        wrong()
