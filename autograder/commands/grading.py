"""Grade a class, and change what was graded: dates, points given to all, submissions that are alike."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.commands.command import Add, add_students, count
from autograder.course.errors import CourseError
from autograder.course.paths import PREVIEW_PAGES, PREVIEW_REQUESTS

if TYPE_CHECKING:
    from autograder.course.paths import Assignment
    from autograder.grading.tasks import Runner

SHOWN_CHANGES = 20  # marks that changed by a regrade, as the terminal lists them; the log has all


def add(command: Add) -> None:
    """Add these commands to the command line."""
    grade = command("grade", _grade, "Grade a class on all cores; continues where it stopped, regrades what changed.")
    grade.add_argument("assignment", nargs="*", help="which ones; all by default")
    add_students(grade)
    grade.add_argument("--force", action="store_true", help="also what is graded and unchanged")
    grade.add_argument("--no-explanations", action="store_true", help="do not look for the lines at fault: faster")
    _add_where(grade)
    early = command("preview", _preview, "Grade what students ask for before the deadline; write pages without points.")
    early.add_argument("assignment", nargs="*", help="which ones; all by default")
    add_students(early)
    early.add_argument(
        "--from",
        dest="requests",
        metavar="FOLDER",
        default=PREVIEW_REQUESTS,
        help=f"where the notebooks are, laid out as submitted/ is (default: {PREVIEW_REQUESTS})",
    )
    early.add_argument("--a-day", type=count, default=2, help="of a student and an assignment (default: 2)")
    early.add_argument("--force", action="store_true", help="also what is unchanged; that does not count")
    _add_where(early)
    due = command("dates", _dates, "Set when assignments are due, with extensions for single students.")
    due.add_argument("file", type=Path, help="a CSV file: assignment,student,due; a row without a student is for all")
    given = command("give", _give, "Give everybody who has handed in all points of a question.")
    given.add_argument("assignment", help="name or short name (hw5)")
    given.add_argument("question", help="its name, as in the hand-out")
    similar = command("similar", _similar, "List submissions whose code is alike, with the passages; no verdict.")
    similar.add_argument("assignment", help="name or short name (hw5)")
    add_students(similar, "; these are compared with each other")
    similar.add_argument(
        "--earlier",
        type=Path,
        action="append",
        default=[],
        metavar="ARCHIVE",
        help="also compare with an earlier term, such as terms/2027-spring.tar.gz; may be given several times",
    )
    similar.add_argument("--output", type=Path, help="write the passages side by side there, one HTML page")


def _add_where(parser: argparse.ArgumentParser) -> None:
    """Add the options of who grades, and how."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=count, help="how many at once (default: one for each core)")
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="grade on the Dask cluster there, such as tcp://host:8786"
    )
    parser.add_argument("--unsafe", action="store_true", help="run submissions without isolation, with your own rights")


def _runner(options, at_once: bool = True) -> Runner:
    """Who grades; made before the rest is imported, since its processes load meanwhile, from now on or once needed."""
    if options.scheduler:
        from autograder.grading.cluster import on_cluster

        return on_cluster(options.scheduler)
    from autograder.grading.cores import on_cores

    return on_cores(options.jobs, options.unsafe, at_once)


def _grade(options) -> int:
    assignments = options.course.pick(options.assignment)  # a wrong name is reported before anything is started
    runner = _runner(options, at_once=options.force or _seems_new(assignments))
    from autograder.course.nbgrader_api import course_directory
    from autograder.grading.changes import LOG
    from autograder.grading.driver import grade_class
    from autograder.grading.summary import marks_in_a_line

    coursedir = course_directory(Path.cwd(), options.students or "*")
    if options.no_explanations:
        coursedir.config.AskingExecute.explain = False
    done = grade_class(coursedir, assignments, runner, options.force, options.unsafe, progress=True)
    for line in done.failed:
        print(line)
    if done.changes:
        shown = done.changes[:SHOWN_CHANGES]
        more = f"\n  and {len(done.changes) - len(shown)} more" if len(done.changes) > len(shown) else ""
        print(f"marks that changed, also in {LOG}:\n  " + "\n  ".join(map(str, shown)) + more)
    stopped = "; stopped; the next run grades the rest" if done.stopped else ""
    print(f"graded {done.graded}, unchanged {done.skipped}, failed {len(done.failed)}{stopped}")
    print("".join(f"{line}\n" for line in marks_in_a_line(coursedir, assignments)), end="")
    return 1 if done.failed or done.stopped else 0


def _seems_new(assignments: Sequence[Assignment]) -> bool:
    """Whether a notebook here is younger than what was graded of it, in nbgrader's usual folders.

    A guess, before anything is imported that could say it: where it is wrong the run takes a little longer.
    """
    for assignment in assignments:
        for handed_in in Path("submitted").glob(f"*/{assignment}/*.ipynb"):
            graded = Path("autograded", *handed_in.parts[1:])
            try:
                if graded.stat().st_mtime < handed_in.stat().st_mtime:
                    return True
            except OSError:  # not graded yet, or a link to nowhere, which the run itself refuses by name
                return True
    return False


def _preview(options) -> int:
    assignments = options.course.pick(options.assignment)
    if not Path(options.requests).is_dir():
        if options.requests != PREVIEW_REQUESTS:
            raise CourseError(f"there is no folder {options.requests} in {Path.cwd()}")
        print(f"nobody has asked for a preview: there is no folder {PREVIEW_REQUESTS}")  # as at a term's beginning
        return 0
    runner = _runner(options)
    from autograder.course.nbgrader_api import course_directory
    from autograder.preview.run import preview_class

    coursedir = course_directory(Path.cwd(), options.students or "*")
    coursedir.submitted_directory = options.requests
    how = {"a_day": options.a_day, "force": options.force, "unsafe": options.unsafe, "progress": True}
    done = preview_class(coursedir, assignments, runner, datetime.now(), **how)
    for line in done.failed:
        print(line)
    for who in done.waiting:
        print(f"{who}: waits until tomorrow, {options.a_day} a day are made")
    stopped = "; stopped; the next run does the rest" if done.stopped else ""
    print(
        f"previews: {done.graded} made, {done.skipped} unchanged, {len(done.waiting)} waiting, "
        f"{len(done.failed)} failed; the pages are in {PREVIEW_PAGES}/{stopped}"
    )
    return 1 if done.failed or done.stopped else 0


def _dates(options) -> int:
    from autograder.course.nbgrader_api import course_directory
    from autograder.grading.dates import set_dates

    coursedir = course_directory(Path.cwd())
    for line in set_dates(coursedir, coursedir.config, options.file, options.course):
        print(line)
    return 0


def _give(options) -> int:
    from autograder.course.nbgrader_api import course_directory
    from autograder.grading.changes import LOG
    from autograder.grading.giving import give

    (assignment,) = options.course.pick([options.assignment])
    changes = give(course_directory(Path.cwd()), assignment, options.question)
    for change in changes:
        print(f"  {change}")
    print(f"{len(changes)} marks changed, also in {LOG}")
    return 0


def _similar(options) -> int:
    from rich.console import Console

    from autograder.similarity.report import CAUTION, compare_class, compare_terms, page, table

    [assignment] = options.course.pick([options.assignment])
    root, students = Path.cwd(), options.students or ["*"]
    comparisons = [compare_class(root, assignment, students)]
    comparisons += [compare_terms(root, assignment, archive, students) for archive in options.earlier]
    console = Console(highlight=False)
    for one in comparisons:
        if one.shown:
            console.print(table(one))
            console.print(f"Nine of ten pairs have a likeness of {one.usual:.2f} or less.")
        else:
            console.print(f"{one.assignment}: no two of {one.who} have enough in common to be listed")
    console.print(CAUTION)
    if options.output:
        options.output.write_text(page(*comparisons), encoding="utf-8")
        console.print(f"wrote {options.output}", markup=False, soft_wrap=True)
    return 0
