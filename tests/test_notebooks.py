"""The notebooks as a student runs them: untouched, and with the solutions filled in."""

import builtins
import os
import shutil
import symtable
from collections import Counter
from functools import cache
from unittest import mock

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.course.paths import OWN, ROOT
from autograder.course.solutions import assignment_cells
from autograder.sandbox.kernels import start_warm
from autograder.verification.samples import filled_notebook, solution_cells

TRAINS_LONG = {"hw2_char_rnn", "hw5_word_lm", "hw6_lstm_vs_gru", "hw7_char_lm"}


def named(assignment, filled, *values):
    """Parameters whose tests run in one process, where a notebook is executed once."""
    slow = filled and assignment.name in TRAINS_LONG
    marks = [pytest.mark.xdist_group(f"notebook-{assignment}"), *[pytest.mark.slow] * slow]
    return pytest.param(assignment, *values, marks=marks, id="-".join(map(str, [assignment, *values])))


UNTOUCHED = [named(assignment, False) for assignment in OWN.assignments()]
FILLED = [named(assignment, True) for assignment in OWN.assignments()]
BOTH = [named(assignment, filled, filled) for assignment in OWN.assignments() for filled in (False, True)]


class WarmClient(NotebookClient):
    """As nbclient's, with a kernel that has torch and the rest loaded."""

    def create_kernel_manager(self):
        manager = super().create_kernel_manager()
        start_warm(manager, isolated=False)
        return manager


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A function that executes a notebook in a folder of its own inside a course, outputs and all."""
    course = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "utils", course / "utils")

    @cache
    def execute(assignment, filled):
        folder = course / "release" / f"{assignment}-{filled}"
        folder.mkdir(parents=True)
        notebook = filled_notebook(assignment, solution_cells(assignment) if filled else {})
        resources = {"metadata": {"path": str(folder)}}
        with mock.patch.dict(os.environ, COURSE_PROFILE="quick", COURSE_DRAWS="yes", OMP_NUM_THREADS="1"):
            client = WarmClient(notebook, timeout=300, allow_errors=True, kernel_name="python3", resources=resources)
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
    return {
        assignment: text for assignment, text in texts.items() if not text.strip().split("\n")[-1].startswith("OK ")
    }


def drawings(notebook):
    """The cells that show pictures, once for each picture."""
    kinds = {"image/png", "image/svg+xml"}
    return [cell for cell, out in outputs(notebook, "display_data") if kinds & set(out.data)]


@pytest.mark.parametrize(("assignment", "filled"), BOTH)
def test_nothing_goes_to_stderr(executed, assignment, filled):
    assert not streams_to_stderr(executed(assignment, filled))


@pytest.mark.parametrize("assignment", UNTOUCHED)
def test_an_untouched_notebook_says_only_what_is_not_written_yet(executed, assignment):
    notebook = executed(assignment, False)
    assert len(errors(notebook)) >= len(solution_cells(assignment))
    assert not many_lines(notebook)
    assert not [(cell, text) for cell, text in errors(notebook) if not text.endswith("is not written yet")]


@pytest.mark.parametrize("assignment", FILLED)
def test_the_solutions_pass_all_visible_checks(executed, assignment):
    assert not errors(executed(assignment, True))
    assert not unpassed_checks(executed(assignment, True))


@pytest.mark.parametrize("assignment", FILLED)
def test_pictures_are_drawn(executed, assignment):
    assert len(set(drawings(executed(assignment, True)))) >= 4


def names_of(source):
    """Names that a code cell makes at its top level, and names that it reads, inside its functions too."""
    table = symtable.symtable(source, "cell", "exec")
    made = {
        one.get_name() for one in table.get_symbols() if one.is_assigned() or one.is_imported() or one.is_namespace()
    }
    read, scopes = set(), [table]
    while scopes:
        scope = scopes.pop()
        read |= {one.get_name() for one in scope.get_symbols() if one.is_referenced() and one.is_global()}
        read |= {one.get_name() for one in scope.get_symbols() if one.is_referenced()} if scope is table else set()
        scopes += scope.get_children()
    return made, read


@pytest.mark.parametrize("assignment", OWN.assignments(), ids=str)
def test_a_graded_cell_can_be_run_again_at_any_time(assignment):
    """It reads nothing that two cells make: then the second would change what the first left for it."""
    cells = [(cell, *names_of(cell.source)) for cell in assignment_cells(assignment) if cell.kind == "code"]
    makers = Counter(name for cell, made, _ in cells for name in made if cell.role != "provided")
    for cell, made, read in cells:
        if cell.role == "question":
            assert not [name for name in read - made - set(dir(builtins)) if makers[name] > 1], cell.id
