"""Authoring: what the builder refuses, and that the same input gives the same bytes."""

import re

import nbformat
import pytest

from autograder.build.builder import notebook
from autograder.course.errors import CourseError
from autograder.course.paths import OWN, ROOT
from autograder.course.solutions import assignment_cells, namespace
from autograder.verification.samples import solution_cells
from tests.conftest import NOTEBOOK

QUESTION = '# %% id="check_double" tags=["question"] points=2'
PROSE = "1 point for the product, 1 point for the quotient."
REFUSALS = {
    "unknown tag": ("notebook.py", '# %% tags=["provided"]', '# %% tags=["given"]', "unknown tag 'given'"),
    "duplicate id": ("notebook.py", '# %% id="halve" tags', '# %% id="double" tags', "id 'double' is taken by"),
    "no markers": (
        "notebook.py",
        "    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n",
        "    return 2 * x\n",
        "needs",
    ),
    "no end": (
        "notebook.py",
        "    return 2 * x\n    ### END SOLUTION\n",
        "    return 2 * x\n",
        "BEGIN SOLUTION without END",
    ),
    "stray marker": ("notebook.py", 'print("doubled:"', '### BEGIN SOLUTION\nprint("doubled:"', "marker outside"),
    "no oracle": ("notebook.py", 'id="check_total"', 'id="check_sum"', "question 'sum' has no oracle"),
    "no question": ("notebook.py", QUESTION, "# %%", "no graded cell check_double"),
    "bare expression": ("notebook.py", 'checks.passed("double")', "double(np.ones(1))", "must not end in a bare"),
    "points": ("notebook.py", QUESTION, QUESTION.replace("2", "4"), "check_double gives 4 points, the table"),
    "no points": ("notebook.py", QUESTION, QUESTION.replace(" points=2", ""), "points belong on"),
    "row without cell": ("README.md", "| `why` | 2", "| `how` | 1 | 1 |\n| `why` | 2", "lists 'how'"),
    "syntax": ("notebook.py", "    return x / 2", "    return x /", "syntax error"),
    "other name": ("notebook.py", "def double(x):", "def doubled(x):", "'double' is not defined in it"),
    "edit that fits nowhere": ("questions/double.py", '"2 * x", "x * x"', '"3 * x", "x * x"', "occurs 0 times"),
    "builds on nothing": (
        "questions/total.py",
        '("double", "halve")',
        '("triple",)',
        "'triple', which is not an earlier question",
    ),
    "builds on a later one": (
        "questions/halve.py",
        "seconds=3",
        'builds_on=("total",)',
        "'total', which is not an earlier",
    ),
    "no QUESTION": ("questions/halve.py", "QUESTION =", "ASKED =", "questions/halve.py:1: no QUESTION is defined"),
    "made by nothing": ("questions/halve.py", "seconds=3", 'made_by="train"', "made by 'train', which is not a cell"),
    "alternative of no cell": (
        "alternatives/double/sum.py",
        "from assignments",
        "# cell: treble\nfrom assignments",
        "'sum' of 'double' is about 'treble', which is not a solution cell",
    ),
    "marker of another form": (
        "notebook.py",
        "    ### BEGIN SOLUTION\n    return 2",
        "    ## BEGIN SOLUTION\n    return 2",
        "a marker is written '### BEGIN SOLUTION'",
    ),
    "tags that are no list": (
        "notebook.py",
        QUESTION,
        QUESTION.replace('["question"]', '"question"'),
        "cannot be read",
    ),
    "points that are no number": (
        "notebook.py",
        QUESTION,
        QUESTION.replace("2", '"two"'),
        "points must be a number, got 'two'",
    ),
    "a base class of the error": (
        "questions/halve.py",
        "raises=ValueError",
        "raises=Exception",
        "says raises=Exception, but the solution raises ValueError",
    ),
    "include of itself": (
        "notebook.py",
        "import numpy",
        "# include hw0_tiny: halve\nimport numpy",
        "not another assignment",
    ),
    "rubric of other points": (
        "notebook.py",
        PROSE,
        "\n#\n# Rubric:\n#\n# - 1: the product\n# - 0.5: the quotient,\n#   in words",
        "the items of the rubric of why make 1.5 points, it gives 2",
    ),
    "rubric without points": (
        "notebook.py",
        PROSE,
        "\n#\n# Rubric:\n#\n# - half a point for the product",
        "why: a rubric's item is '- <points>: <what earns them>', got '- half a point for the product'",
    ),
    "rubric of one item twice": (
        "notebook.py",
        PROSE,
        "\n#\n# Rubric:\n#\n# - 1: the product\n# - 1: the product",
        "two items of a rubric are alike",
    ),
    "a case on which the solution raises": (
        "questions/double.py",
        '"double(x)", draw',
        '"double(x).item()", draw',
        "double.py:7: case 'values': the solution raises ValueError: can only convert an array of size 1 to a Python "
        "scalar, at `double(x).item()`",
    ),
    "another error than the one asked for": (
        "questions/halve.py",
        "raises=ValueError",
        "raises=TypeError",
        "halve.py:8: case 'an empty array' says raises=TypeError, but the solution raises ValueError: halve needs",
    ),
    "no error where one is asked for": (
        "questions/halve.py",
        "numpy.zeros(0)",
        "numpy.zeros(1)",
        "halve.py:8: case 'an empty array' says raises=ValueError, but the solution returns a value",
    ),
    "an answer that cannot be sent": (
        "questions/double.py",
        '"double(x)", draw',
        '"{*double(x).ravel()}", draw',
        "double.py:7: case 'values': the answer cannot be sent: set, which is not plain data",
    ),
    "program of an unknown name": (
        "questions/double.py",
        '"double(x)", draw',
        '"double(y)", draw',
        "double.py:7: case 'values': the program reads 'y', which nothing defines",
    ),
    "unknown name about what is trained": (
        "questions/total.py",
        "float(total)",
        "float(totals)",
        "total.py:4: case 'the total': the program reads 'totals', which nothing defines",
    ),
    "syntax of a program": (
        "questions/double.py",
        '"double(x)", draw',
        '"double(x", draw',
        "double.py:7: case 'values': the program has a syntax error",
    ),
    "program without an answer": (
        "questions/double.py",
        '"double(x)", draw',
        '"y = double(x)", draw',
        "double.py:7: case 'values': the program must end in an expression",
    ),
    "inputs that cannot be drawn": (
        "questions/_draws.py",
        "standard_normal",
        "standart_normal",
        "_draws.py:2: case 'values': its inputs cannot be drawn: AttributeError",
    ),
    "judge that raises": (
        "questions/halve.py",
        '"halve(x)", draw, weight=2',
        '"halve(x)", draw, judge=lambda answer, inputs, solution: answer.mean(9)',
        "halve.py:7: case 'values': its judge raises AxisError",
    ),
    "judge that the solution does not pass": (
        "questions/halve.py",
        '"halve(x)", draw, weight=2',
        '"halve(x)", draw, judge=lambda answer, inputs, solution: "no"',
        "halve.py:7: case 'values': the solution does not pass it: no",
    ),
    "syntax of a question": (
        "questions/halve.py",
        "weight=2)",
        "weight=2",
        "questions/halve.py:9: SyntaxError: closing parenthesis",
    ),
    "undefined name in a question": (
        "questions/halve.py",
        "draw, weight=2",
        "drawn, weight=2",
        "questions/halve.py:7: NameError: name 'drawn' is not defined",
    ),
    "wrong keyword": (
        "questions/halve.py",
        "weight=2",
        "wieght=2",
        "questions/halve.py:7: TypeError: Case.__init__() got an unexpected keyword argument 'wieght'",
    ),
    "missing comma": (
        "questions/total.py",
        '("double", "halve")',
        '("double")',
        "questions/total.py:3: builds_on must be a tuple: write ('double',)",
    ),
    "edit of nothing": (
        "questions/double.py",
        '"2 * x", "x * x"',
        '"2 * x", "2 * x"',
        "double.py:10: misconception 'square': old and new are the same text",
    ),
    "edit of layout": (
        "questions/double.py",
        '"2 * x", "x * x"',
        '"2 * x", "2*x"',
        "double.py:10: 'square' changes nothing but layout or comments in 'double'",
    ),
    "edit that fits twice": (
        "questions/double.py",
        '"2 * x", "x * x"',
        '"x", "y"',
        "double.py:10: 'square': 'x' occurs 3 times in 'double', not once",
    ),
    "edit to an unknown name": (
        "questions/double.py",
        '"2 * x", "x * x"',
        '"2 * x", "x * y"',
        "double.py:10: 'square' reads 'y', which nothing defines",
    ),
    "alternative of an unknown name": (
        "alternatives/double/sum.py",
        "np.add(x, x)",
        "numpy.add(x, x)",
        "alternatives/double/sum.py:1: 'sum' reads 'numpy', which nothing defines",
    ),
    "syntax of an alternative": (
        "alternatives/double/sum.py",
        "np.add(x, x)",
        "np.add(x, x",
        "alternatives/double/sum.py:5: SyntaxError",
    ),
    "cell that does not run": (
        "notebook.py",
        "import numpy as np",
        "import numpi as np",
        "notebook.py:4: the cell does not run: ModuleNotFoundError: No module named 'numpi', at `import numpi as np`",
    ),
    "stale total in the hand-out": (
        "README.md",
        "# Tiny\n",
        "# Tiny\n\nIn all 28 points.\n",
        "assignments/hw0_tiny/README.md:3: 'In all 28 points' is said, but there are 8 points in all",
    ),
    "stale share in the hand-out": (
        "README.md",
        "# Tiny\n",
        "# Tiny\n\n8 points (6 by the graded cells, 3 by hand).\n",
        "README.md:3: '3 by hand' is said, but there are 2 points by hand",
    ),
    "stale minutes in the hand-out": (
        "README.md",
        "# Tiny\n",
        "# Tiny\n\nIn all 8 points and about 15 minutes.\n",
        "README.md:3: about 15 minutes are said, the table's rows make 20",
    ),
    "stale total in the notebook": (
        "notebook.py",
        "# # A tiny notebook\n",
        "# # A tiny notebook\n#\n# There are 28 points.\n",
        "notebook.py:4: 'There are 28 points' is said, but there are 8 points in all",
    ),
    "stale heading": (
        "notebook.py",
        "1. Double (2 points)",
        "1. Double (1 point)",
        "notebook.py:10: the heading says '1 point', the cells below it give",
    ),
    "stale points of a written question": (
        "notebook.py",
        "# Why is twice the half the whole?",
        "# (1 point) Why is twice the half the whole?",
        "'1 point' is said, why gives 2",
    ),
    "cell option": ("notebook.py", QUESTION, QUESTION + " mark=1", "unknown cell option 'mark'"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_an_authors_slip_is_refused_with_file_and_line(tiny, name):
    file, old, new, message = REFUSALS[name]
    tiny.edit(file, old, new)
    done = tiny.course("build")
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    if file == "notebook.py":
        assert f"{tiny.name}/notebook.py:" in done.stderr
    assert not tiny.released.exists()


def test_minutes_of_the_notebook_are_those_of_the_hand_out(tiny):
    tiny.edit("README.md", "# Tiny\n", "# Tiny\n\nIn all 8 points and about 30 minutes.\n")
    tiny.edit("notebook.py", "# # A tiny notebook\n", "# # A tiny notebook\n#\n# Plan about 40 minutes.\n")
    assert "notebook.py:4: 'about 40 minutes' is said, README.md says about 30" in tiny.course("build").stderr
    tiny.edit("notebook.py", "about 40", "about 30")
    assert tiny.course("build").returncode == 0


def test_a_refused_build_leaves_what_was_built(built):
    before = {p: p.read_bytes() for top in ("source", "release") for p in (built.root / top).rglob("*") if p.is_file()}
    built.edit("questions/double.py", '"double(x)", draw', '"double(x).item()", draw')
    assert built.course("build").returncode == 2
    after = {p: p.read_bytes() for top in ("source", "release") for p in (built.root / top).rglob("*") if p.is_file()}
    assert after == before


def test_the_line_named_is_the_line_of_the_slip(tiny):
    _, old, new, _ = REFUSALS["unknown tag"]
    tiny.edit("notebook.py", old, new)
    line = next(n for n, text in enumerate(NOTEBOOK.splitlines(), 1) if text == old)
    assert f"notebook.py:{line}: unknown tag 'given'" in tiny.course("build").stderr


MORE = """\
# %% [markdown]
# # More

# %% tags=["provided"]
import numpy as np

# include hw0_tiny: halve, double

# %%
print(double(np.ones(1)))
"""


def test_an_include_line_stands_for_solution_cells_of_another_assignment(tiny):
    path = tiny.root / "assignments" / "hw1_more" / "notebook.py"
    path.parent.mkdir()
    path.write_text(MORE, encoding="utf-8")
    more = tiny.own.assignment("hw1_more")
    told = assignment_cells(more)[1].source
    assert told.startswith("import numpy as np\n\ndef halve(x):")
    assert '\n    return x / 2\n\n\ndef double(x):\n    """Twice x' in told
    names = namespace(more)
    assert (names["double"](4), names["halve"].__doc__[:10]) == (8, "Half of x.")
    assert "SOLUTION" not in told
    for old, new, message in [
        ("hw0_tiny", "hw9_none", "hw1_more/notebook.py:4: include names 'hw9_none', which is not another assignment"),
        (
            "halve,",
            "check_halve,",
            "hw1_more/notebook.py:4: include names 'check_halve', which is not a solution cell of",
        ),
    ]:
        path.write_text(MORE.replace(old, new), encoding="utf-8")
        with pytest.raises(CourseError, match=re.escape(message)):
            assignment_cells(tiny.own.assignment("hw1_more"))


def test_outputs_left_in_are_refused(tiny):
    tiny.write("draft.ipynb", '{"cells": [\n {"outputs": [{"text": "42"}]}\n]}')
    done = tiny.course("build")
    assert done.returncode == 2
    assert "draft.ipynb:2: outputs left in" in done.stderr


def test_the_same_input_gives_the_same_bytes_and_a_stale_file_is_told(built):
    first = {p: p.read_bytes() for top in ("source", "release") for p in (built.root / top).rglob("*") if p.is_file()}
    assert built.course("build").returncode == 0  # here; what `built` has was made in another folder
    assert {p: p.read_bytes() for p in first} == first
    built.released.chmod(0o644)
    built.released.write_text(built.released.read_text() + " ")
    done = built.course("build", "--check")
    assert done.returncode == 1
    assert "release/hw0_tiny/hw0_tiny.ipynb differs from a fresh build" in done.stdout


def test_what_stands_here_is_a_fresh_build():
    from autograder.cli import main

    assert main(["build", "--check"]) == 0


@pytest.mark.parametrize("assignment", OWN.assignments())
def test_the_release_holds_no_solution_no_marker_no_output(assignment):
    released = nbformat.read(ROOT / "release" / assignment.name / f"{assignment}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in released.cells)
    assert "BEGIN SOLUTION" not in text
    assert "END SOLUTION" not in text
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in released.cells)
    secrets = [between for source in solution_cells(assignment).values() for between in _between(source)]
    secrets += [part for cell in notebook(assignment).cells for part in _between(cell.source)]
    assert len(secrets) >= 10
    everything = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "release" / assignment.name).rglob("*") if path.is_file()
    )
    for secret in secrets:
        assert secret not in text
        assert secret not in everything


def _between(source):
    """The texts between solution markers, as whole blocks."""
    parts = source.split("### BEGIN SOLUTION\n")[1:]
    return [part.split("### END SOLUTION")[0].strip() for part in parts]


@pytest.mark.parametrize("assignment", OWN.assignments())
def test_numbers_of_a_notebook_are_those_of_the_specification(assignment):
    cells = notebook(assignment).cells
    graded = [cell.metadata["nbgrader"] for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
    written = [data for data in graded if data["solution"]]
    assert 10 <= sum(data["points"] for data in graded) <= 30
    assert 2 <= len(written) <= 4
