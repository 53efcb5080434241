"""Who may import whom, and that nothing in `utils` answers an exercise."""

import ast
import inspect
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import utils
from autograder.course.paths import OWN, ROOT
from autograder.course.solutions import assignment_cells

# The exercises of all seven assignments, those to come included.
EXERCISES = set(  # a text reads better here than a list of 60 strings
    """
    minibatches dropout dropout2d batch_norm_forward batch_norm_backward fold_batch_norm count_parameters make_network
    softmax cross_entropy softmax_regression_gradient numerical_gradient relative_error rnn_forward rnn_backward
    adagrad_step clip_by_value sample bits_per_character
    lstm_cell lstm_sequence gradient_per_step count_rnn_parameters pad last_relevant
    masked_cross_entropy decode carry
    gru_cell sigmoid_derivative gru_cell_backward gru_loss gru_backward last_step_gradients gru_cell_torch
    build_vocabulary encode batchify get_batch repackage_hidden WordLM perplexity clip_by_norm train_epoch generate
    query_sentences
    learning_rate run best_epoch matched_hidden_size is_better
    characters word_perplexity historical_perplexity three_measures uniform_init bpe_merges bpe_split train_characters
    sample_text
    """.split()  # noqa: SIM905
)


def modules():
    return [import_module(f"utils.{found.name}") for found in pkgutil.iter_modules(utils.__path__)]


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in found}


def test_the_list_of_exercises_holds_those_that_stand():
    for assignment in OWN.assignments():
        assert {cell.id for cell in assignment_cells(assignment) if cell.role == "solution"} <= EXERCISES


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_utils_offers_no_exercise(module):
    assert not EXERCISES & set(vars(module))
    for value in vars(module).values():
        if inspect.isclass(value) and value.__module__ == module.__name__:
            assert not {name for name in EXERCISES & set(vars(value)) if callable(getattr(value, name))}


@pytest.mark.parametrize("path", sorted((ROOT / "utils").glob("*.py")), ids=lambda path: path.name)
def test_utils_never_imports_the_grader(path):
    assert not imported(path) & {"autograder", "nbgrader", "assignments", "jupytext"}


@pytest.mark.parametrize("assignment", OWN.assignments())
def test_notebooks_import_nothing_of_the_course_but_utils(assignment):
    assert not imported(ROOT / "assignments" / assignment.name / "notebook.py") & {"autograder", "assignments", "tests"}


def test_the_grader_imports_no_assignment():
    skeleton = ROOT / "autograder" / "build" / "skeleton"  # what `course new` writes into an assignment
    modules = [path for path in (ROOT / "autograder").rglob("*.py") if skeleton not in path.parents]
    assert not [path for path in modules if "assignments" in imported(path)]


def test_packages_of_the_grader_import_in_one_direction():
    """The order of docs/design.md: a package imports those that its row names, and those stand above it."""
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `autograder/(\w+)/` \|.*\|(.*)\|$", page, re.MULTILINE)
    order = [package for package, _ in rows]
    assert set(order) == {path.parent.name for path in (ROOT / "autograder").glob("*/__init__.py")}
    allowed = {package: set(re.findall(r"`(\w+)`", told)) for package, told in rows}
    assert all(order.index(one) < order.index(package) for package in order for one in allowed[package])
    for package in order:
        assert packages_imported(package) == allowed[package], package


def packages_imported(package: str) -> set[str]:
    folder = ROOT / "autograder" / package
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in folder.glob("*.py")]
    names = {node.module or "" for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert "autograder" not in names, "name the package: from autograder.course import ..."
    return {name.split(".")[1] for name in names if name.startswith("autograder.")} - {package}


@pytest.mark.parametrize("assignment", OWN.assignments())
def test_every_name_of_a_notebook_is_defined_with_what_it_includes(assignment):
    code = "\n".join(cell.source for cell in assignment_cells(assignment) if cell.kind == "code")
    command = [sys.executable, "-m", "ruff", "check", "--select", "F821", "--stdin-filename", "whole.py", "-"]
    done = subprocess.run(command, input=code, text=True, capture_output=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout
