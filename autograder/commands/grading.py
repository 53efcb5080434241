"""Grade a class, and change what was graded: dates, points given to all, submissions that are alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autograder.commands.command import Add, count

if TYPE_CHECKING:
    from autograder.grading.tasks import Runner

SHOWN_CHANGES = 20  # marks that changed by a regrade, as the terminal lists them; the log has all


def add(command: Add) -> None:
    """Add these commands to the command line."""
    grade = command("grade", _grade, "Grade a class on all cores; continues where it stopped, regrades what changed.")
    grade.add_argument("assignment", nargs="*", help="which ones; all by default")
    grade.add_argument("--students", default="*", help="a name or a pattern, such as 'student-0*'")
    where = grade.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=count, help="how many at once (default: one for each core)")
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="grade on the Dask cluster there, such as tcp://host:8786"
    )
    grade.add_argument("--force", action="store_true", help="also what is graded and unchanged")
    grade.add_argument("--no-explanations", action="store_true", help="do not look for the lines at fault: faster")
    grade.add_argument("--unsafe", action="store_true", help="run submissions without isolation, with your own rights")
    due = command("dates", _dates, "Set when assignments are due, with extensions for single students.")
    due.add_argument("file", type=Path, help="a CSV file: assignment,student,due; a row without a student is for all")
    given = command("give", _give, "Give everybody who has handed in all points of a question.")
    given.add_argument("assignment", help="name or short name (hw5)")
    given.add_argument("question", help="its name, as in the hand-out")
    similar = command("similar", _similar, "List submissions whose code is alike, with the passages; no verdict.")
    similar.add_argument("assignment", help="name or short name (hw5)")
    similar.add_argument("--students", default="*", help="a name or a pattern; these are compared with each other")
    similar.add_argument("--output", type=Path, help="write the passages side by side there, one HTML page")


def _grade(options) -> int:
    assignments = options.course.pick(options.assignment)  # a wrong name is reported before anything is started
    runner: Runner  # made before the rest is imported: its processes load meanwhile
    if options.scheduler:
        from autograder.grading.cluster import on_cluster

        runner = on_cluster(options.scheduler)
    else:
        from autograder.grading.cores import on_cores

        runner = on_cores(options.jobs, options.unsafe)
    from autograder.course.nbgrader_api import course_directory
    from autograder.grading.changes import LOG
    from autograder.grading.driver import grade_class

    coursedir = course_directory(Path.cwd(), options.students)
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

    from autograder.similarity.report import CAUTION, compare_class, page, table

    [assignment] = options.course.pick([options.assignment])
    comparison = compare_class(Path.cwd(), assignment, options.students)
    console = Console(highlight=False)
    if comparison.shown:
        console.print(table(comparison))
        console.print(f"Nine of ten pairs of this class have a likeness of {comparison.usual:.2f} or less.")
    else:
        console.print(
            f"{comparison.assignment}: no two of {comparison.works} submissions have enough in common to be listed"
        )
    console.print(CAUTION)
    if options.output:
        options.output.write_text(page(comparison), encoding="utf-8")
        console.print(f"wrote {options.output}", markup=False, soft_wrap=True)
    return 0
