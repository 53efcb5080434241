"""The notebooks as a student runs them: untouched, and with the solutions filled in."""

import os
import shutil
from functools import cache
from unittest import mock

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.handins import filled_notebook, solution_cells
from autograder.solutions import ROOT, assignments

# a notebook's tests run in one process, where it is executed once
NAMES = [pytest.param(name, marks=pytest.mark.xdist_group(f"notebook-{name}")) for name in assignments()]


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
    found = [(cell.id, output) for cell in notebook.cells for output in cell.get("outputs", [])]
    return [(cell, output) for cell, output in found if output.output_type == kind]


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_goes_to_stderr(executed, name, filled):
    assert not [(cell, out.text) for cell, out in outputs(executed(name, filled), "stream") if out.name == "stderr"]


@pytest.mark.parametrize("name", NAMES)
def test_an_untouched_notebook_says_only_what_is_not_written_yet(executed, name):
    errors = outputs(executed(name, False), "error")
    assert len(errors) >= len(solution_cells(name))
    for cell, error in errors:
        assert error.evalue.endswith("is not written yet"), (cell, error.evalue)
        assert len(error.traceback) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_solutions_pass_all_visible_checks(executed, name):
    notebook = executed(name, True)
    assert not [(cell, error.evalue) for cell, error in outputs(notebook, "error")]
    for cell in notebook.cells:
        if cell.id.startswith("check_"):
            text = "".join(output.get("text", "") for output in cell.outputs)
            assert text.splitlines()[-1].startswith("OK "), cell.id


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_drawn(executed, name):
    pictures = [cell for cell, out in outputs(executed(name, True), "display_data") if "image/png" in out.data]
    assert len(set(pictures)) >= 4
