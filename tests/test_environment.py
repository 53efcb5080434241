"""One list of packages: pyproject.toml, environment.yml and the lock agree."""

import re
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement

from autograder.course.paths import ROOT

CONDA = {"pytorch": "torch"}


def requirements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {Requirement(line).name: Requirement(line) for line in project["dependencies"]}


def test_conda_names_the_same_packages_and_ranges():
    lines = (ROOT / "environment.yml").read_text().splitlines()
    found = [Requirement(line.strip()[2:]) for line in lines if line.startswith("  - ") and "conda-forge" not in line]
    named = {CONDA.get(one.name, one.name): one.specifier for one in found if one.name not in ("python", "pip")}
    assert named == {name: one.specifier for name, one in requirements().items()}
    python = next(one for one in found if one.name == "python")
    assert str(python.specifier) == ">=3.11"


def locked():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("name", requirements())
def test_the_lock_is_exact_and_within_the_ranges(name):
    pinned = {key.lower().replace("_", "-"): value for key, value in locked().items()}
    assert requirements()[name].specifier.contains(pinned[name])


def test_nbformat_comes_without_a_grammar_to_compile():
    program = "import sys, nbformat; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize("page", ["README.md", ".github/workflows/ci.yml"])
def test_a_torch_that_is_named_is_the_lock_s(page):
    assert set(re.findall(r"torch==([\w.]+)", (ROOT / page).read_text())) == {locked()["torch"]}


def test_the_versions_that_the_design_names_are_the_lock_s():
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"versions of `requirements.lock`: ([^|]*?)\.\n", page)
    named = dict(re.findall(r"([\w-]+)\s+(\d[\d.]*\d)", told))
    pins = {name.lower().replace("-", "_"): version for name, version in locked().items()}
    assert len(named) >= 9
    assert named == {name: pins[name.lower()] for name in named}


def test_make_demo_says_in_words_what_it_does():
    """No raw command is printed on the way to the demo."""
    rules = re.findall(r"^(\$\(READY\)|demo):.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [target for target, _ in rules] == ["$(READY)", "demo"]
    for _, recipe in rules:
        lines = recipe.replace("\\\n", "").splitlines()
        assert all(line.startswith("\t@") for line in lines)
        assert any(line.startswith("\t@echo ") for line in lines)
