"""What the documents say holds: commands are known, links lead somewhere, tables agree with the notebooks."""

import re
import shlex

import pytest

from autograder.build.totals import points_and_minutes
from autograder.cli import parser
from autograder.course.paths import OWN
from tests.conftest import ROOT

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "results/*.md", "assignments/*/README.md", "autograder/build/skeleton/*.md")
    for path in ROOT.glob(pattern)
)
COMMAND = re.compile(r"(?:^|`)(?:\.venv/bin/)?course ([a-z][^`\n]*)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|(?:src|href)=\"([^\"#]+)\"")
TARGETS = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def text(page):
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in PAGES if COMMAND.search(text(page))])
def test_the_commands_of_a_page_are_known(page):
    for line in COMMAND.findall(text(page)):
        parser().parse_args(shlex.split(line, comments=True))  # exits where it is not


def test_the_targets_of_make_are_known():
    named = {name for page in PAGES for name in re.findall(r"(?:^|`)make ([a-z-]+)", text(page), re.MULTILINE)}
    assert {"demo", "test"} <= named <= set(TARGETS)


@pytest.mark.parametrize("page", [page for page in PAGES if LINK.search(text(page))])
def test_the_links_of_a_page_lead_somewhere(page):
    for found in LINK.findall(text(page)):
        link = "".join(found)
        assert link.startswith("https://") or (ROOT / page).parent.joinpath(link).exists(), link


@pytest.mark.parametrize("assignment", OWN.assignments())
def test_points_and_minutes_are_those_of_the_notebook(assignment):
    points, minutes = points_and_minutes(assignment)  # the builder compares hand-out and notebook
    assert minutes
    (row,) = [line for line in text("docs/student.md").split("\n") if f"[{assignment}]" in line]
    assert row.endswith(f" | {minutes} | {points:g} |")
    (row,) = [line for line in text("README.md").split("\n") if f"| [{assignment}]" in line]
    assert row.endswith(f" | {points:g} |")
