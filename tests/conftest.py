"""A tiny course in a folder of its own: the real machinery over an assignment of three questions."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Self

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is loaded: two workers with two threads each wait for each other
os.environ.pop("COURSE_PROFILE", None)

import nbformat
import pytest
from hypothesis import settings

from autograder.build import template
from autograder.cli import main
from autograder.course.nbgrader_api import api
from autograder.course.paths import Assignment, Course
from autograder.grading.class_run import read_anew

ROOT = Path(__file__).resolve().parent.parent

# examples per property: `make test` has the first, `make test-all` asks for the second by --hypothesis-profile
settings.register_profile("fast", max_examples=200, deadline=None)
settings.register_profile("thorough", max_examples=2000, deadline=None)
settings.load_profile("fast")


def thorough() -> bool:
    """Whether this is `make test-all`: classes that are made at random are larger then. From collection on."""
    return settings.default.max_examples >= 2000


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
    seconds=3,
)
""",
    "halve": """\
from autograder.oracle import Case, Question

from ._draws import draw

QUESTION = Question(
    cases=[
        Case("values", "halve(x)", draw, weight=2),
        Case("an empty array", "import numpy; halve(numpy.zeros(0))", raises=ValueError),
    ],
    seconds=3,
)
""",
    "total": """\
from autograder.oracle import Case, Question

QUESTION = Question(
    cases=[Case("the total", "float(total)", judge=lambda answer, inputs, solution: None if answer == 3 else "no")],
    builds_on=("double", "halve"),
    seconds=3,
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


class TinyCourse:
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

    @classmethod
    def built(cls, root: Path) -> Self:
        """A course after `course build`, by a copy of what one build in this process has made."""
        course = cls(root)
        shutil.copytree(build_of_tiny(), root, dirs_exist_ok=True)
        return course

    @classmethod
    def copy_of(cls, course: Self, root: Path) -> Self:
        """The same course in another folder, with what was handed in and graded."""
        shutil.copytree(course.root, root)
        copy = cls.__new__(cls)
        copy.root, copy.assignment = root, root / "assignments" / cls.name
        return copy

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
        return {**os.environ, "PYTHONPATH": str(self.root), "OMP_NUM_THREADS": "1"}

    @property
    def own(self) -> Course:
        """The course that this folder is, as it is now."""
        read_anew()
        template.project_settings.cache_clear()
        return Course(self.root)

    def course(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run `course ...` in this process, which has all of it loaded, over this folder; grades as `nbgrader` does."""
        if arguments[0] in ("grade", "preview") and in_the_open():
            arguments = (*arguments, "--unsafe")
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.root), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main([*arguments], self.own)
            except SystemExit as end:  # argparse
                code = int(end.code or 0)
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    def feedback(self) -> None:
        """Do what `nbgrader generate_feedback` does, in this process, over what is graded."""
        done = api(self.root).generate_feedback(self.name, force=True)
        assert done["success"], done

    def course_process(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run `course ...` in a process of its own, over this folder's copy of the packages."""
        return self.python("-m", "autograder.cli", *arguments)

    def nbgrader(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run `nbgrader ...`; the tests' own submissions are graded in the open where a host cannot isolate them."""
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


@cache
def build_of_tiny() -> Path:
    """A folder with what `course build` makes of the tiny course: source/, release/ and the gradebook."""
    folder = Path(tempfile.mkdtemp(prefix="course-built-")) / "built"  # a copy takes a folder's mode: others may enter
    folder.mkdir()
    course = TinyCourse(folder / "course")
    done = course.course("build")
    assert done.returncode == 0, done.stderr
    for made in ("source", "release", "gradebook.db"):
        shutil.move(course.root / made, folder / made)
    shutil.rmtree(course.root)
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> TinyCourse:
    """A fresh tiny course."""
    return TinyCourse(tmp_path / "course")


@pytest.fixture
def built(tmp_path: Path) -> TinyCourse:
    """A tiny course that is built."""
    return TinyCourse.built(tmp_path / "course")


def scores(course: TinyCourse, student: str) -> dict[str, float | None]:
    """A student's points per question, from the gradebook."""
    from autograder.verification.grades import auto_scores

    found = auto_scores(course.root, student, course.name)
    return {name.removeprefix("check_"): score for name, score in found.items()}


def gradebook(course: TinyCourse, db_url: str = "") -> list[tuple]:
    """All that nbgrader knows of every grade: student, notebook, cell, both scores, and whether it waits for a mark."""
    from nbgrader.api import Gradebook

    with Gradebook(db_url or f"sqlite:///{course.root / 'gradebook.db'}") as opened:
        return sorted(
            (work.student.id, book.name, grade.name, grade.auto_score, grade.manual_score, grade.needs_manual_grade)
            for work in opened.assignment_submissions(course.name)
            for book in work.notebooks
            for grade in book.grades
        )


def pytest_sessionfinish() -> None:
    """Remove what was built for copying."""
    if build_of_tiny.cache_info().currsize:
        shutil.rmtree(build_of_tiny(), ignore_errors=True)


def pytest_make_parametrize_id(val: object) -> str | None:
    """An assignment's name stands for it in the names of tests."""
    return val.name if isinstance(val, Assignment) else None


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share a fixture of their module in one worker, where it is made once."""
    for item in items:
        definitions = item._fixtureinfo.name2fixturedefs.values()
        shared = any(definition[-1].scope == "module" for definition in definitions)
        if shared and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


# what CI says that it has installed: a test that is skipped for want of it fails
NEEDED = set(filter(None, os.environ.get("COURSE_TESTS_NEED", "").split(",")))
REASONS = {
    "isolation": ("no isolation here",),
    "chromium": ("no chromium here", "no playwright here"),
    "postgresql": ("no PostgreSQL server here", "psycopg is not installed"),
}
if NEEDED - set(REASONS):
    raise pytest.UsageError(f"COURSE_TESTS_NEED may name {', '.join(REASONS)}, got {', '.join(sorted(NEEDED))}")


def fail_where_needed(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a failure of a skip whose reason is the want of something that COURSE_TESTS_NEED names."""
    told = str(report.longrepr) if report.outcome == "skipped" else ""
    lacking = [need for need in sorted(NEEDED) if any(reason in told for reason in REASONS[need])]
    if lacking:
        report.outcome = "failed"
        report.longrepr = f"COURSE_TESTS_NEED names {', '.join(lacking)}, but a test was skipped: {told}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """A test that is skipped though it must not be has failed."""
    report = yield
    fail_where_needed(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """The same for a whole module."""
    report = yield
    fail_where_needed(report)
    return report
