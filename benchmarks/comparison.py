"""The course beside nbgrader as installed and otter-grader: what each lets pass, and seconds.

    python benchmarks/comparison.py [ASSIGNMENT] [--otter PATH]

One class is graded three ways, one after the other: the solution, its alternatives, its misconceptions, and two
submissions without one right function, whose first cell tampers with what marks them. The two others get as tests what
students see as tests, the notebook's check cells. One may write hidden tests for both; they would run where these do,
in the student's kernel.

Counted are questions:
  wrong accepted  a misconception keeps all points of its question
  right refused   one of a solution or an alternative loses points
  others lost     a misconception costs points in questions besides its own: of all those besides
  named           a misconception's own sentence stands in what its student gets to read
  tampering       gets all points of the submission
PATH is otter's command, in an environment that sees the course's packages:

    python -m venv build/otter
    echo "$PWD/.venv/lib/python3.11/site-packages" > build/otter/lib/python3.11/site-packages/course.pth
    build/otter/bin/pip install 'otter-grader[grading]==7.0.0'
"""

from __future__ import annotations

import argparse
import html
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from grading import PLAIN, marks, timed

from autograder.build.builder import build
from autograder.course.paths import OWN, ROOT, Assignment
from autograder.verification.samples import (
    SampleSubmission,
    filled_notebook,
    hand_in,
    sample_submissions,
    solution_cells,
)

Marks = dict[tuple[str, str], tuple[float, float]]  # student and check: points and most points
Read = dict[str, str]  # student: the text that they get to read

TAMPERING = {
    "every later cell is turned into pass": "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])\n",
    "otter's test cases do nothing": """
try:
    from otter.test_files.exception_test import test_case
    test_case.call_func = lambda self, env: None
except ImportError:
    pass
""",
}
OTTER_TEST = """OK_FORMAT = False
from otter.test_files import test_case
name, points = {name!r}, {points}

@test_case()
def check(env):
    exec({source!r}, env)
"""


def members(assignment: Assignment) -> Iterator[tuple[str, SampleSubmission | None, nbformat.NotebookNode]]:
    """The class: a student's name, what the submission is for (None: it tampers), and the notebook."""
    samples = [one for one in sample_submissions(assignment) if one.kind != "release"]
    for number, one in enumerate(samples, 1):
        yield f"student-{number:03}", one, filled_notebook(assignment, one.cells)
    for number, tampering in enumerate(TAMPERING.values(), len(samples) + 1):
        first = next(iter(solution_cells(assignment)))
        yield f"student-{number:03}", None, filled_notebook(assignment, {first: tampering})


def feedback(course: Path) -> Read:
    """The text of each autograded notebook's outputs."""
    found = {}
    for path in course.glob("autograded/*/*/*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        found[path.parts[-3]] = "".join(json.dumps(cell.get("outputs", []), ensure_ascii=False) for cell in cells)
    return found


def by_course(course: Path, assignment: Assignment) -> tuple[float, Marks, Read]:
    """Seconds, marks and feedback of `course grade`."""
    seconds, _ = timed(course, "autograder.cli", "grade", assignment.name)
    return seconds, marks(course, assignment), feedback(course)


def by_nbgrader(course: Path, assignment: Assignment) -> tuple[float, Marks, Read]:
    """Seconds, marks and feedback of `nbgrader autograde` without the course's plugins."""
    (course / "nbgrader_config.py").write_text(PLAIN)
    timed(course, "nbgrader", "generate_assignment", assignment.name, "--force")
    seconds, _ = timed(course, "nbgrader", "autograde", assignment.name)
    return seconds, marks(course, assignment), feedback(course)


def by_otter(otter: str, course: Path, assignment: Assignment) -> tuple[float, Marks, Read]:
    """Seconds, marks and feedback of `otter run`, submission by submission; without containers, as nbgrader."""
    tests = course / "tests"
    tests.mkdir()
    for cell in check_cells(assignment):
        points = cell.metadata.nbgrader.points
        (tests / f"{cell.id}.py").write_text(OTTER_TEST.format(name=cell.id, points=points, source=cell.source))
    env = os.environ | {"PYTHONPATH": str(ROOT), "COURSE_ROOT": str(ROOT)}

    def call(*arguments: str) -> None:
        done = subprocess.run([otter, *arguments], cwd=course, env=env, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"otter {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-3000:]}")

    call("generate", "-t", "tests", "--no-requirements", "--no-environment", "-o", "autograder.zip")
    found, told = Marks(), Read()
    started = time.perf_counter()
    for book in sorted(course.glob(f"submitted/*/{assignment}/*.ipynb")):
        call("run", "-a", "autograder.zip", "--no-logo", "-o", ".", str(book))
        student, result = book.parts[-3], (course / "results.json").read_text()
        told[student] = json.dumps(json.loads(result), ensure_ascii=False)
        for test in json.loads(result)["tests"]:
            if "max_score" in test:
                found[student, test["name"]] = (test["score"], test["max_score"])
    return time.perf_counter() - started, found, told


def check_cells(assignment: Assignment) -> list[nbformat.NotebookNode]:
    """The graded code cells of the release."""
    cells = [cell for cell in filled_notebook(assignment, {}).cells if cell.cell_type == "code"]
    return [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]


def judged(
    found: Marks, told: Read, students: list[tuple[str, SampleSubmission | None]], checks: list[str]
) -> list[str]:
    """What is counted, each as "3 of 40"."""

    def full(student: str, check: str) -> bool:  # what a tool did not mark has no points
        score, most = found.get((student, check), (0, 1))
        return score == most

    accepted, refused, others, named, rewarded = [], [], [], [], []
    for student, one in students:
        if one is None:
            rewarded.append(all(full(student, check) for check in checks))
        elif one.question is not None and one.misconception is not None:
            own = f"check_{one.question.id}"
            accepted.append(full(student, own))
            others += [not full(student, check) for check in checks if check != own]
            said = html.unescape(told[student])  # a page writes an apostrophe as &#39;
            named.append(json.dumps(one.misconception.means, ensure_ascii=False)[1:-1] in said)
        else:
            edited = [f"check_{name}" for name in one.edited] if one.kind == "alternative" else checks
            refused += [not full(student, check) for check in edited]
    return [f"{sum(held)} of {len(held)}" for held in (accepted, refused, others, named, rewarded)]


def main() -> None:
    """Print a row for each way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("assignment", nargs="?", default="hw4")
    parser.add_argument("--otter", help="path of otter-grader's command")
    options = parser.parse_args()
    (assignment,) = OWN.pick([options.assignment])
    ways: dict[str, Callable[[Path, Assignment], tuple[float, Marks, Read]]] = {
        "course grade": by_course,
        "nbgrader autograde": by_nbgrader,
    }
    if options.otter:
        otter = str(Path(options.otter).absolute())
        ways["otter run"] = lambda course, name: by_otter(otter, course, name)
    made = list(members(assignment))
    students = [(student, one) for student, one, _ in made]
    checks = [cell.id for cell in check_cells(assignment)]
    print(f"{assignment}: {len(made)} submissions, {len(checks)} questions, {os.cpu_count()} cores")
    columns = ("wrong accepted", "right refused", "others lost", "named", "tampering", "s a submission")
    print(f"{'':18}" + "".join(f"{column:>16}" for column in columns), flush=True)
    for name, grade in ways.items():
        with tempfile.TemporaryDirectory() as folder:
            course = Path(folder)
            build(assignment, course)
            for student, _, notebook in made:
                hand_in(course, student, assignment, notebook)
            seconds, found, told = grade(course, assignment)
        counted = [*judged(found, told, students, checks), f"{seconds / len(made):.2f}"]
        print(f"{name:18}" + "".join(f"{value:>16}" for value in counted), flush=True)


if __name__ == "__main__":
    main()
