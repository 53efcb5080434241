"""A tiny course in a folder of its own: the real machinery over an assignment of three questions."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is loaded: two workers with two threads each wait for each other

import nbformat
import pytest
from jupyter_client.provisioning import KernelProvisionerFactory

ROOT = Path(__file__).resolve().parent.parent

NOTEBOOK = '''\
# %% [markdown]
# # A tiny notebook

# %% tags=["provided"]
import numpy as np

from utils import checks

# %% [markdown]
# ## 1. Double (2 points)

# %% id="double" tags=["solution"]
def double(x):
    """Twice x, an array of any shape."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


# %%
print("doubled:", double(np.ones(2)))

# %% id="check_double" tags=["question"] points=2
"""Twice an array."""
checks.close("double(x)", double(np.arange(3.0)), np.array([0.0, 2.0, 4.0]))
checks.passed("double")

# %% id="halve" tags=["solution"]
def halve(x):
    """Half of x. Raises ValueError for an empty array."""
    ### BEGIN SOLUTION
    if x.size == 0:
        raise ValueError("halve needs at least one entry, got none")
    return x / 2
    ### END SOLUTION


# %% id="check_halve" tags=["question"] points=3
"""Half of an array."""
checks.close("halve(x)", halve(np.ones(2)), np.full(2, 0.5))
checks.passed("halve")

# %%
total = halve(double(np.ones(3))).sum()

# %% id="check_total" tags=["question"] points=1
"""The total of the cell above."""
checks.close("total", total, 3.0)
checks.passed("total")

# %% [markdown] id="why" tags=["written"] points=2
# Why is twice the half the whole?
#
# ### BEGIN SOLUTION
# Because 2 / 2 = 1. 1 point for the product, 1 point for the quotient.
# ### END SOLUTION
'''

QUESTIONS = {
    "double": """\
from autograder.oracle import Case, Misconception, Question

from ._draws import draw

QUESTION = Question(
    cases=[
        Case("values", "double(x)", draw, weight=3),
        Case("x is left as it was", "before = x.copy(); y = double(x); (y, bool((x == before).all()))", draw),
    ],
    misconceptions=[Misconception("square", "2 * x", "x * x", "The square stands where twice the value is asked.")],
)
""",
    "halve": """\
from autograder.oracle import Case, Question

from ._draws import draw

QUESTION = Question(
    cases=[
        Case("values", "halve(x)", draw, weight=2),
        Case("an empty array", "import numpy; halve(numpy.zeros(0))"),
    ],
    seconds=3,
)
""",
    "total": """\
from autograder.oracle import Case, Question

QUESTION = Question(
    cases=[Case("the total", "float(total)", judge=lambda answer, inputs, solution: None if answer == 3 else "no")],
    builds_on=("double", "halve"),
)
""",
    "_draws": """\
def draw(rng):
    return {"x": rng.standard_normal((3, 5)) + 77777.0}
""",
}

ALTERNATIVE = """\
from assignments.hw0_tiny.notebook import np


def double(x):
    return np.add(x, x)
"""

README = """\
# Tiny

| question | points | minutes |
| --- | --- | --- |
| `double` | 2 | 5 |
| `halve` | 3 | 5 |
| `total` | 1 | 5 |
| `why` | 2 | 5 |
"""


def in_the_open() -> list[str]:
    """What lets `nbgrader autograde` run where isolation is not to be had; nothing where it is."""
    from autograder.grading import nbgrader_hook
    from autograder.sandbox import bubblewrap

    return [nbgrader_hook.UNSAFE] if bubblewrap.lacks() else []


class Course:
    """A course in a folder of its own, driven by its real commands."""

    name = "hw0_tiny"

    def __init__(self, root: Path):
        self.root = root
        for folder in ("autograder", "utils"):
            shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
        for file in ("pyproject.toml", "nbgrader_config.py"):
            shutil.copyfile(ROOT / file, root / file)
        self.assignment = root / "assignments" / self.name
        self.assignment.mkdir(parents=True)
        for file, text in (("notebook.py", NOTEBOOK), ("README.md", README)):
            self.write(file, text)
        for name, text in QUESTIONS.items():
            self.write(f"questions/{name}.py", text)
        self.write("alternatives/double/sum.py", ALTERNATIVE)

    def write(self, file: str, text: str) -> None:
        """Write a file of the assignment."""
        (self.assignment / file).parent.mkdir(parents=True, exist_ok=True)
        (self.assignment / file).write_text(text, encoding="utf-8")

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands once in a file of the assignment."""
        text = (self.assignment / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, (old, text.count(old))
        self.write(file, text.replace(old, new))

    def python(self, *arguments: str, **env: str) -> subprocess.CompletedProcess:
        """Run the interpreter in the course's folder, over its own copy of the packages."""
        call = [sys.executable, *arguments]
        return subprocess.run(call, cwd=self.root, env=self.env() | env, capture_output=True, text=True, timeout=900)

    def env(self) -> dict[str, str]:
        """The environment over the course's own copy of the packages."""
        own = {**os.environ, "PYTHONPATH": str(self.root), "OMP_NUM_THREADS": "1"}
        own.pop("COURSE_PROFILE", None)
        return own

    def course(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run `course ...`."""
        return self.python("-m", "autograder.cli", *arguments)

    def nbgrader(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run `nbgrader ...`; the tests' own hand-ins are graded in the open where a host cannot isolate them."""
        more = [flag for flag in in_the_open() if arguments[0] == "autograde" and flag not in arguments]
        return self.python("-m", "nbgrader", *arguments, *more)

    @property
    def released(self) -> Path:
        """The released notebook."""
        return self.root / "release" / self.name / f"{self.name}.ipynb"

    def submitted(self, student: str) -> Path:
        """Where a student's notebook is handed in."""
        return self.root / "submitted" / student / self.name / f"{self.name}.ipynb"

    def hand_in(self, student: str, cells: dict[str, str]) -> None:
        """Hand in the released notebook with other sources in some cells, by their ids."""
        notebook = nbformat.read(self.released, as_version=4)
        for cell in notebook.cells:
            cell.source = cells.get(cell.id, cell.source)
        self.submitted(student).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, self.submitted(student))


@pytest.fixture
def tiny(tmp_path: Path) -> Course:
    """A fresh tiny course."""
    return Course(tmp_path / "course")


@contextlib.contextmanager
def plain_kernels():
    """Kernels start from nothing in here, as a student's do, whatever a test before has chosen."""
    factory = KernelProvisionerFactory.instance()
    before = factory.default_provisioner_name
    factory.default_provisioner_name = "local-provisioner"
    try:
        yield
    finally:
        factory.default_provisioner_name = before
