"""What isolation costs: the same submissions graded isolated and in the open, turn about, in one process.

python benchmarks/isolation.py [ASSIGNMENT] [--submissions 8] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from autograder.build.builder import build
from autograder.course.nbgrader_api import course_directory
from autograder.course.paths import OWN, Assignment
from autograder.grading.driver import grade_class
from autograder.grading.worker import one_by_one
from autograder.sandbox import bubblewrap
from autograder.verification.samples import filled_notebook, hand_in, sample_submissions


def seconds(course: Path, assignment: Assignment, unsafe: bool) -> float:
    """Wall seconds of grading the whole class again."""
    started = time.perf_counter()
    done = grade_class(course_directory(course), [assignment], one_by_one, force=True, unsafe=unsafe)
    if done.failed:
        raise SystemExit("\n".join(done.failed))
    return time.perf_counter() - started


def main() -> None:
    """Print seconds per submission of both ways and their ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("assignment", nargs="?", default="hw4")
    parser.add_argument("--submissions", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if lacking := bubblewrap.lacks():
        raise SystemExit(f"nothing to compare: {lacking}")
    (assignment,) = OWN.pick([options.assignment])
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder)
        build(assignment, course)
        for sample, _ in zip(sample_submissions(assignment), range(options.submissions), strict=False):
            hand_in(course, sample.name, assignment, filled_notebook(assignment, sample.cells))
        for unsafe in (False, True):  # start both servers, fill all caches
            seconds(course, assignment, unsafe)
        rounds = [
            (seconds(course, assignment, False), seconds(course, assignment, True)) for _ in range(options.rounds)
        ]
    isolated, opened = (min(column) / options.submissions for column in zip(*rounds, strict=True))
    ratio = statistics.median(one / other for one, other in rounds)
    print(f"{assignment}, {options.submissions} submissions, {options.rounds} rounds, seconds per submission")
    print(f"isolated {isolated:.2f}, in the open {opened:.2f}; median ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
