"""Single edits of a cell: each is a program of its own, one change away, and none touches what is said to people."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.course.paths import OWN
from autograder.marking.edits import changed, edits
from autograder.verification.samples import solution_cells

STEP = '''\
def step(x: float, h, params, limit=3):
    """One step: x + h."""
    if limit < 1:
        raise ValueError(f"limit must be at least {1}, got {limit}")
    total = x @ params["W"] + h * 0.5
    h = total.sum(axis=1)
    return h, [n for n in range(limit) if n > 0]
'''


def described(source):
    return {changed(source, edit): edit for edit in edits(source)}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if limit < 1:", "if limit <= 1:"),
        ("if limit < 1:", "if limit < 2:"),
        ("total = x @ params['W'] + h * 0.5", "total = x @ params['W'] - h * 0.5"),
        ("total = x @ params['W'] + h * 0.5", "total = x @ params['W'] + x * 0.5"),
        ("total = x @ params['W'] + h * 0.5", "total = x @ params['W']"),
        ("h = total.sum(axis=1)", "h = total.mean(axis=1)"),
        ("h = total.sum(axis=1)", "h = total.sum(axis=0)"),
        ("h = total.sum(axis=1)", "h = total.sum()"),
        ("h = total.sum(axis=1)", "pass"),
        ("return (h, [n for n in range(limit) if n > 0])", "return ([n for n in range(limit) if n > 0], h)"),
    ],
)
def test_usual_slips_are_among_them(old, new):
    assert f"{old} -> {new}" in described(STEP)


def test_a_missing_error_is_among_them():
    assert any(edit.kind == "without the error" and "raise" not in edit.source for edit in edits(STEP))


@pytest.mark.parametrize("assignment", OWN.pick(["hw4", "hw5"]))
def test_each_is_another_program_that_says_the_same_to_people(assignment):
    for source in solution_cells(assignment).values():
        said = words(source)
        every = list(edits(source))
        assert len({edit.source for edit in every}) == len(every)
        for edit in every[:: max(1, len(every) // 40)]:
            assert ast.unparse(ast.parse(source)) != ast.unparse(ast.parse(edit.source))
            assert words(edit.source) <= said
            assert 1 <= edit.line <= len(source.splitlines())


def words(source):
    """The docstrings, annotations and messages of a program."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(ast.get_docstring(node))
        if isinstance(node, ast.Raise) and node.exc:
            found.add(ast.unparse(node.exc))
        if isinstance(node, ast.arg) and node.annotation:
            found.add(ast.unparse(node.annotation))
    return found


@given(st.integers(2, 9), st.integers(2, 9), st.integers(2, 9))
def test_brackets_that_change_nothing_are_not_moved(a, b, c):
    source = f"def f(x):\n    return x + {a} + {b} - x * {c} * {a} / {b}"
    names = {}
    exec(source, names)
    for edit in edits(source):
        if edit.kind == "other brackets":
            other = {}
            exec(edit.source, other)
            assert abs(other["f"](1.5) - names["f"](1.5)) > 1e-12


def test_lines_that_do_not_meet_are_not_exchanged():
    source = "def f(x):\n    a = x + 1\n    b = x * 2\n    c = a * b\n    d = c - b\n    return c + d"
    exchanged = [changed(source, edit) for edit in edits(source) if edit.kind == "two lines exchanged"]
    assert exchanged == [
        "b = x * 2; c = a * b -> c = a * b; b = x * 2",
        "c = a * b; d = c - b -> d = c - b; c = a * b",
    ]
