"""The notebooks as a student runs them: untouched, and with the solutions filled in."""

import os
import shutil
from functools import cache
from unittest import mock

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.course.paths import OWN, ROOT
from autograder.verification.samples import filled_notebook, solution_cells

TRAINS_LONG = {"hw6_lstm_vs_gru", "hw7_char_lm"}


def named(name, *values, slow=False):
    """Parameters whose tests run in one process, where a notebook is executed once."""
    marks = [pytest.mark.xdist_group(f"notebook-{name}"), *[pytest.mark.slow] * slow]
    return pytest.param(name, *values, marks=marks, id="-".join([name, *map(str, values)]))


UNTOUCHED = [named(name) for name in OWN.assignments()]
FILLED = [named(name, slow=name in TRAINS_LONG) for name in OWN.assignments()]
BOTH = [
    named(name, filled, slow=filled and name in TRAINS_LONG) for name in OWN.assignments() for filled in (False, True)
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A function that executes a notebook in a folder of its own inside a course, outputs and all."""
    course = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "utils", course / "utils")

    @cache
    def execute(name, filled):
        folder = course / "release" / f"{name}-{filled}"
        folder.mkdir(parents=True)
        notebook = filled_notebook(name, solution_cells(name) if filled else {})
        resources = {"metadata": {"path": str(folder)}}
        with mock.patch.dict(os.environ, COURSE_PROFILE="quick", OMP_NUM_THREADS="1"):
            client = NotebookClient(
                notebook, timeout=300, allow_errors=True, kernel_name="python3", resources=resources
            )
            return client.execute()

    return execute


def outputs(notebook: nbformat.NotebookNode, kind: str):
    """A notebook's outputs of a kind, each with its cell's id."""
    found = [(cell.id, output) for cell in notebook.cells for output in cell.get("outputs", [])]
    return [(cell, output) for cell, output in found if output.output_type == kind]


def streams_to_stderr(notebook):
    """What stands in red."""
    return [(cell, out.text) for cell, out in outputs(notebook, "stream") if out.name == "stderr"]


def errors(notebook):
    """The cells that failed, and with what words."""
    return [(cell, error.evalue) for cell, error in outputs(notebook, "error")]


def many_lines(notebook):
    """Errors that are more than one line."""
    return [(cell, error.traceback) for cell, error in outputs(notebook, "error") if len(error.traceback) != 1]


def unpassed_checks(notebook):
    """The checks whose last line does not say OK."""
    checks = [cell for cell in notebook.cells if cell.id.startswith("check_")]
    assert checks
    texts = {cell.id: "".join(output.get("text", "") for output in cell.outputs) for cell in checks}
    return {name: text for name, text in texts.items() if not text.strip().split("\n")[-1].startswith("OK ")}


def drawings(notebook):
    """The cells that show pictures, once for each picture."""
    kinds = {"image/png", "image/svg+xml"}
    return [cell for cell, out in outputs(notebook, "display_data") if kinds & set(out.data)]


@pytest.mark.parametrize(("name", "filled"), BOTH)
def test_nothing_goes_to_stderr(executed, name, filled):
    assert not streams_to_stderr(executed(name, filled))


@pytest.mark.parametrize("name", UNTOUCHED)
def test_an_untouched_notebook_says_only_what_is_not_written_yet(executed, name):
    notebook = executed(name, False)
    assert len(errors(notebook)) >= len(solution_cells(name))
    assert not many_lines(notebook)
    assert not [(cell, text) for cell, text in errors(notebook) if not text.endswith("is not written yet")]


@pytest.mark.parametrize("name", FILLED)
def test_the_solutions_pass_all_visible_checks(executed, name):
    assert not errors(executed(name, True))
    assert not unpassed_checks(executed(name, True))


@pytest.mark.parametrize("name", FILLED)
def test_pictures_are_drawn(executed, name):
    assert len(set(drawings(executed(name, True)))) >= 4
