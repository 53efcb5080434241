"""A class graded by `course grade` and by nbgrader as installed: seconds, marks, and what of it the cells must take.

    python benchmarks/grading.py [ASSIGNMENT ...] [--submissions 60] [--jobs 2]

For each assignment a class is made of solutions, alternatives and misconceptions, in turn, and graded three ways, one
after the other, on an otherwise quiet machine:
  cells     the CPU seconds of a submission's cells, of which no grader can save any: each notebook in a bare IPython
            shell that has all libraries loaded and draws no pictures; as many at once as there are jobs
  course    `course grade`, on all cores: wall seconds from the command's start to its end, divided by the submissions;
            once more without explanations, with a single submission, and with a class in which nothing has changed
  baseline  the same for `nbgrader autograde` as installed: no plugin of the course's, one process
Marks are compared where the baseline can see a fault: what fails its visible checks is to lose points in both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import chain, cycle, islice, zip_longest
from pathlib import Path

from nbgrader.api import Gradebook

from autograder.build.builder import build
from autograder.course.paths import OWN, ROOT, Assignment
from autograder.sandbox.bubblewrap import ONE_THREAD
from autograder.verification.samples import SampleSubmission, filled_notebook, hand_in, sample_submissions

PLAIN = """
c = get_config()
c.CourseDirectory.course_id = "baseline"
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("not written yet")'}
c.ExecutePreprocessor.timeout = 600
"""
FLOOR = """
import contextlib, io, json, os, sys, time
sys.path.insert(0, sys.argv[1])
import matplotlib
matplotlib.use("agg")
import autograder.sandbox.server as warm
warm.load(sys.argv[1])
from IPython.core.interactiveshell import InteractiveShell
running = 0
for path in sys.argv[3:]:
    if running == int(sys.argv[2]):
        os.wait()
        running -= 1
    running += 1
    if not os.fork():
        cells = [c for c in json.load(open(path))["cells"] if c["cell_type"] == "code"]
        shell, spent = InteractiveShell.instance(), time.process_time()
        with open(os.devnull, "w") as null, contextlib.redirect_stdout(null), contextlib.redirect_stderr(null):
            for cell in cells:
                shell.run_cell("".join(cell["source"]))
        os.write(1, f"{time.process_time() - spent}\\n".encode())
        os._exit(0)
while running:
    os.wait()
    running -= 1
"""


def members(assignment: Assignment) -> Iterator[SampleSubmission]:
    """Submissions without end: right ones and wrong ones in turn."""
    found = [one for one in sample_submissions(assignment) if one.kind != "release"]
    wrong = [one for one in found if one.kind == "misconception"]
    right = [one for one in found if one.kind != "misconception"]
    mixed = zip_longest(cycle(right), wrong) if len(wrong) > len(right) else zip(right, cycle(wrong), strict=False)
    return cycle(list(chain.from_iterable(islice(mixed, max(len(right), len(wrong))))))


def make_class(course: Path, assignment: Assignment, size: int) -> None:
    """A course folder with `size` submissions, ready for both."""
    build(assignment, course)
    for number, one in enumerate(islice(members(assignment), size), 1):
        hand_in(course, f"student-{number:03}", assignment, filled_notebook(assignment, one.cells))


def floor(course: Path, assignment: Assignment, jobs: int) -> list[float]:
    """CPU seconds of each submission's cells, `jobs` of them at once."""
    books = sorted(map(str, course.glob(f"submitted/*/{assignment}/*.ipynb")))
    env = os.environ | ONE_THREAD | {"NBGRADER_EXECUTION": "autograde", "COURSE_ROOT": str(ROOT)}
    call = [sys.executable, "-c", FLOOR, str(ROOT), str(jobs), *books]
    with tempfile.TemporaryDirectory() as empty:
        told = subprocess.run(call, cwd=empty, env=env, stdout=subprocess.PIPE, text=True, check=True)
    seconds = [float(line) for line in told.stdout.split()]
    if len(seconds) != len(books):
        raise SystemExit(f"{assignment}: the cells of {len(seconds)} of {len(books)} notebooks were timed")
    return seconds


class Memory(threading.Thread):
    """Watches a process with all that it has started; `peak`: bytes, what is shared divided among those who share."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid, self.peak, self.done = pid, 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.5):
            self.peak = max(self.peak, sum(_held(pid) for pid in _tree(self.pid)))


def _tree(top: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parents[int(entry)] = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has just ended
                continue
    found = [top]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _held(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), 0)


def timed(course: Path, *command: str) -> tuple[float, int]:
    """Wall seconds and peak memory of a command in a course folder. Exits where it fails."""
    started = time.perf_counter()
    env = os.environ | {"PYTHONPATH": str(ROOT), "COURSE_ROOT": str(ROOT)}  # a baseline notebook finds `utils`, too
    with (course / "log.txt").open("w") as log:
        running = subprocess.Popen([sys.executable, "-m", *command], cwd=course, env=env, stdout=log, stderr=log)
        memory = Memory(running.pid)
        memory.start()
        code = running.wait()
    seconds = time.perf_counter() - started
    memory.done.set()
    memory.join()
    if code:
        raise SystemExit(f"{' '.join(command)} ended with {code}:\n{(course / 'log.txt').read_text()[-3000:]}")
    return seconds, memory.peak


def marks(course: Path, assignment: Assignment) -> dict[tuple[str, str], tuple[float, float]]:
    """Each student's points and most points for each graded cell, written answers left aside."""
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        return {
            (submission.student.id, grade.name): (grade.auto_score or 0, grade.max_score)
            for submission in gradebook.assignment_submissions(assignment.name)
            for book in submission.notebooks
            for grade in book.grades
            if grade.cell.cell_type == "code"
        }


def disagreements(course: Path, plain: Path, assignment: Assignment) -> tuple[int, int]:
    """How many questions fail for the baseline, and how many of those earn all points in the course."""
    ours, theirs = marks(course, assignment), marks(plain, assignment)
    failed = [key for key, (score, most) in theirs.items() if score < most]
    return len(failed), sum(ours[key][0] == ours[key][1] for key in failed)


UNCHANGED = 1000  # submissions of the class in which nothing is new
HEAD = (
    "assignment           submissions  cells  course  start  after  jobs x after / cells  explained  unchanged   GiB"
    "  baseline  ratio  lost in both"
)
MEANING = f"""seconds per submission; start: of a run with one submission; after: of each further one
explained: how many times as long a run takes with explanations; unchanged: seconds for {UNCHANGED} that are graded"""


def fill(course: Path, assignment: Assignment, size: int) -> None:
    """Have `size` graded submissions in the course, all but the first ones copies of student-001's."""
    for number in range(1, size + 1):
        for folder in ("submitted", "autograded"):
            copy = course / folder / f"student-{number:03}" / assignment.name
            if not copy.exists():
                shutil.copytree(course / folder / "student-001" / assignment.name, copy)


def measure(assignment: Assignment, size: int, jobs: int, baseline: bool) -> str:
    """The table's row for an assignment."""
    with tempfile.TemporaryDirectory() as made:
        course, plain = Path(made) / "course", Path(made) / "plain"
        for folder in (course, plain):
            folder.mkdir()
            make_class(folder, assignment, size)
        grade = ("autograder.cli", "grade", assignment.name, "--jobs", str(jobs))
        whole, memory = timed(course, *grade)
        one, _ = timed(course, *grade, "--force", "--students", "student-001")
        plainly, _ = timed(course, *grade, "--force", "--no-explanations")
        cells = sum(floor(course, assignment, jobs)) / size
        after = (whole - one) / (size - 1)
        row = f"{assignment.name:20} {size:8} {cells:6.2f} {whole / size:7.2f} {one:6.1f} {after:6.2f}"
        row += f" {jobs * after / cells:21.2f} {whole / plainly:10.2f}"
        theirs = ""
        if baseline:
            (plain / "nbgrader_config.py").write_text(PLAIN)
            timed(plain, "nbgrader", "generate_assignment", assignment.name, "--force")
            seconds, _ = timed(plain, "nbgrader", "autograde", assignment.name)
            failed, kept = disagreements(course, plain, assignment)
            theirs = f" {seconds / size:9.2f} {seconds / whole:6.1f} {f'{failed - kept} of {failed}':>13}"
        fill(course, assignment, UNCHANGED)
        unchanged, _ = timed(course, *grade)
        row += f" {unchanged:10.2f} {memory / 2**30:5.2f}{theirs}"
    return row


def main() -> None:
    """Print a row for each assignment."""
    parser = argparse.ArgumentParser()
    parser.add_argument("assignment", nargs="*")
    parser.add_argument("--submissions", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--no-baseline", action="store_true")
    options = parser.parse_args()
    print(MEANING)
    print(HEAD)
    for assignment in OWN.pick(options.assignment):
        print(measure(assignment, options.submissions, options.jobs, not options.no_baseline), flush=True)


if __name__ == "__main__":
    main()
