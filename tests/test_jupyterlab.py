"""The student's way: each released notebook in JupyterLab, in a browser, untouched and with the solutions pasted in.

What must hold is what tests/test_notebooks.py asks of an executed notebook, here of the page and of the file it saves.
"""

from dataclasses import dataclass
from functools import cache

import nbformat
import pytest

from autograder.course.paths import OWN
from autograder.verification.samples import solution_cells
from tests.browser import chromium_page
from tests.lab import jupyterlab
from tests.test_notebooks import drawings, errors, many_lines, streams_to_stderr, unpassed_checks

pytestmark = pytest.mark.browser
FAST, TRAINS_LONG = "hw4_gru_gradients", {"hw5_word_lm", "hw6_lstm_vs_gru", "hw7_char_lm"}
NAMES = [pytest.param(name, marks=[pytest.mark.slow] * (name != FAST)) for name in map(str, OWN.assignments())]


@dataclass
class Work:
    """A notebook before anything was filled in and afterwards, each as the page showed it and as it was saved."""

    untouched: list[nbformat.NotebookNode]
    filled: list[nbformat.NotebookNode]
    not_set: list[str]
    bars: list[str]
    sliders: list[bool]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A function that works through a notebook, once."""
    with jupyterlab(tmp_path_factory.mktemp("lab")) as lab:

        @cache
        def done(name):
            with chromium_page() as page, lab.opened(page, name) as notebook:
                notebook.run("runmenu:run-all")
                while left := notebook.not_run():  # Lab stops at the first cell that fails
                    notebook.run_all_below(left[0])
                untouched = [notebook.seen(), notebook.save()]
                for cell, source in solution_cells(OWN.assignment(name)).items():
                    notebook.paste(cell, source)
                notebook.run("runmenu:restart-and-run-all")
                assert not notebook.not_run()
                filled = [notebook.seen(), notebook.save()]
                return Work(untouched, filled, notebook.not_set(), notebook.bars(), notebook.turn_sliders())

        yield done


@pytest.mark.parametrize("name", NAMES)
def test_an_untouched_notebook_shows_only_what_is_not_written_yet(work, name):
    for notebook in work(name).untouched:
        assert len(errors(notebook)) >= len(solution_cells(OWN.assignment(name)))
        assert not many_lines(notebook)
        assert not [(cell, text) for cell, text in errors(notebook) if not text.endswith("is not written yet")]
        assert not streams_to_stderr(notebook)


@pytest.mark.parametrize("name", NAMES)
def test_pasted_solutions_pass_all_checks(work, name):
    for notebook in work(name).filled:
        assert not errors(notebook)
        assert not streams_to_stderr(notebook)
        assert not unpassed_checks(notebook)
    sources = {cell.id: cell.source for cell in work(name).filled[1].cells}
    solution = solution_cells(OWN.assignment(name))
    assert {cell: sources[cell] for cell in solution} == solution


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_every_picture_of_the_file_whole(work, name):
    seen, saved = work(name).filled
    assert set(drawings(seen)) == set(drawings(saved))  # below a slider the page draws one that no file keeps
    assert len(drawings(saved)) >= 4


@pytest.mark.parametrize("name", NAMES)
def test_formulas_are_set(work, name):
    assert not work(name).not_set


@pytest.mark.parametrize("name", NAMES)
def test_every_slider_draws_anew(work, name):
    knobs = [cell for cell in work(name).filled[1].cells if "\nknob(" in cell.source]
    assert work(name).sliders == [True] * len(knobs)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TRAINS_LONG))
def test_training_shows_a_bar_that_leaves_nothing_behind(work, name):
    assert work(name).bars
    texts = [out.get("text", "") for cell in work(name).filled[1].cells for out in cell.get("outputs", [])]
    assert not [text for text in texts if "step/s" in text or "epoch/s" in text]
