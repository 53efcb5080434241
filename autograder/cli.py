"""The console command `course`: one parser, a function per subcommand, errors in one line."""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.course.errors import CourseError
from autograder.course.paths import OWN, Course, check_folder
from utils import corpora
from utils.corpora import CorpusError

if TYPE_CHECKING:
    from autograder.grading.tasks import Runner


SHOWN_CHANGES = 20  # marks that changed by a regrade, as the terminal lists them; the log has all


def main(arguments: list[str] | None = None, course: Course = OWN) -> int:
    """Run `course ...`. Exit code 0: done; 1: a check did not hold; 2: wrong use or wrong input, in one line."""
    options = parser().parse_args(arguments)
    options.course = course
    try:
        check_folder(course.root, course)
        check_folder(Path.cwd(), course)
        return options.run(options) or 0
    except (CourseError, CorpusError, ValueError, OSError) as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("course: stopped", file=sys.stderr)
        return 130
    except Exception as error:
        if not type(error).__module__.startswith("sqlalchemy."):
            raise
        from autograder.course.nbgrader_api import unusable

        print(f"course: {unusable(error)}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The command line of `course`."""
    top = argparse.ArgumentParser(prog="course", description="Build, check and run the course.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run, text: str) -> argparse.ArgumentParser:
        subparser = commands.add_parser(name, help=text, description=text)
        subparser.set_defaults(run=run)
        return subparser

    build = command("build", _build, "Build source/ and release/ from assignments/.")
    build.add_argument("assignment", nargs="*", help="name or short name (hw5); all by default")
    build.add_argument("--check", action="store_true", help="build elsewhere and compare with the files here")
    verify = command("verify", _verify, "Grade the grader: solutions, releases, misconceptions, alternatives.")
    verify.add_argument("assignment", nargs="*", help="name or short name; all by default")
    jobs = (os.cpu_count() or 1) + 1  # a submission waits for its kernel now and then
    verify.add_argument("--jobs", type=_count, default=jobs, help="processes (default: one more than there are cores)")
    verify.add_argument("--output", type=Path, help="write the table there, in Markdown")
    mutants = command("mutate", _mutate, "Ask every single edit of the solutions: each must lose marks.")
    mutants.add_argument("assignment", nargs="*", help="name or short name; all by default")
    mutants.add_argument(
        "--jobs", type=_count, default=os.cpu_count() or 1, help="processes (default: one for each core)"
    )
    mutants.add_argument("--sample", type=_count, help="only so many edits of each question, the same each time")
    bars = command("calibrate", _calibrate, "Set the bars of trained results from runs over many seeds.")
    bars.add_argument("assignment", nargs="*", help="name or short name; all by default")
    bars.add_argument("--seeds", type=int, default=12, help="runs of the solution with each number of threads")
    bars.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    corpus = command("corpus", _corpus, "List, fetch and measure the corpora.")
    corpus.add_argument("action", choices=["list", "fetch", "baselines"])
    corpus.add_argument("name", nargs="?", help="corpus, for fetch and baselines")
    training = command("train", _train, "Train the word language model of hw5; resumes from its folder.")
    _recipe_options(training)
    students = command("bundle", _bundle, "Write what students get, as a folder for a public repository and as a zip.")
    students.add_argument("--output", type=Path, default=Path("dist"), help="where to (default: dist/)")
    new = command("new", _new, "Begin an assignment: a folder that builds and verifies, to be filled.")
    new.add_argument("name", help="such as hw8_attention")
    repeat = command("reproduce", _reproduce, "Repeat a run of results/; resumes from its folder.")
    repeat.add_argument("name", nargs="?", help="which run; without a name they are listed")
    repeat.add_argument("--folder", type=Path, help="checkpoints and results (default: runs/<name>)")
    repeat.add_argument("--stop-after", type=int, help="measure after so many epochs; without it a later call goes on")
    command("results", _results, "Write the tables and the picture of results/README.md from the runs' own files.")
    grade = command("grade", _grade, "Grade a class on all cores; continues where it stopped, regrades what changed.")
    grade.add_argument("assignment", nargs="*", help="which ones; all by default")
    grade.add_argument("--students", default="*", help="a name or a pattern, such as 'student-0*'")
    where = grade.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=_count, help="how many at once (default: one for each core)")
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
    show = command("report", _report, "Write a page on a class's work, and a short one for each student.")
    show.add_argument("assignment", nargs="*", help="which ones; all that are graded by default")
    show.add_argument("--output", type=Path, default=Path("report"), help="the folder for the pages")
    show.add_argument(
        "--formgrader", default="http://localhost:8888", help="the Jupyter server to link to for marks given by hand"
    )
    export = command("export", _export, "Write the marks as CSV for Canvas or Moodle to import.")
    export.add_argument("assignment", nargs="*", help="name or short name; all of the gradebook by default")
    export.add_argument("--to", choices=["canvas", "moodle"], required=True, help="who imports it")
    export.add_argument("--output", type=Path, help="file (default: canvas.csv or moodle.csv in this folder)")
    export.add_argument("--with-unmarked", action="store_true", help="also submissions that wait for manual marking")
    back = command("return", _return, "Pack students' pages into a zip that Moodle hands out as feedback files.")
    back.add_argument("assignment", help="name or short name (hw5)")
    back.add_argument("--output", type=Path, help="file (default: feedback_<assignment>.zip in this folder)")
    keep = command("backup", _backup, "Write gradebook, secret and submissions into one file.")
    keep.add_argument("--output", type=Path, help="file (default: backup_<day>.tar.gz in this folder)")
    put_back = command("restore", _restore, "Put a backup back; what it replaces is moved aside.")
    put_back.add_argument("file", type=Path)
    term = command(
        "new-term", _new_term, "Archive the term that ends, and begin one with a fresh gradebook and secret."
    )
    term.add_argument("name", help="of the term that ends, such as 2027-spring")
    similar = command("similar", _similar, "List submissions whose code is alike, with the passages; no verdict.")
    similar.add_argument("assignment", help="name or short name (hw5)")
    similar.add_argument("--students", default="*", help="a name or a pattern; these are compared with each other")
    similar.add_argument("--output", type=Path, help="write the passages side by side there, one HTML page")
    command("doctor", _doctor, "Say what this host offers for grading and what is missing.")
    command("demo", _demo, "Grade a small class, show marks and reasons, train a small model.")
    return top


def _count(text: str) -> int:
    """A number of at least one, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a number of at least 1, got {text!r}")
    return int(text)


def _build(options) -> int:
    from autograder.build.builder import build, stale_files

    if not options.check:
        for assignment in options.course.pick(options.assignment):
            started = time.perf_counter()
            told = build(assignment)
            print(f"built {assignment} in {time.perf_counter() - started:.1f} s")
            for line in told:
                print(f"  {line}")
        return 0
    stale = stale_files(options.course, options.assignment)
    for path in stale:
        print(f"{path} differs from a fresh build: run `course build`")
    return 1 if stale else 0


def _bundle(options) -> int:
    from autograder.build.bundle import bundle, placeholder

    folder, archive = bundle(options.course, options.output)
    print(f"wrote {folder} and {archive}")
    if placeholder(options.course):
        print("before you publish it: set repository and tag in [tool.course] of pyproject.toml, then `course build`")
    return 0


def _new(options) -> int:
    from autograder.build.new import begin

    folder = begin(options.course, options.name)
    print(f"wrote {folder}: fill it, then `course build {options.name}` and `course verify {options.name}`")
    return 0


def _calibrate(options) -> int:
    from autograder.verification.calibrate import calibrate, write_bars

    for assignment in options.course.pick(options.assignment):
        calibration = calibrate(assignment, options.seeds, options.threads)
        if calibration is None:
            print(f"{assignment}: no bars")
            continue
        for name, figure in calibration["figures"].items():
            side = "at most" if figure["at_most"] else "at least"
            print(
                f"{assignment}: {name}: {figure['mean']:.4g}, sd {figure['sd']:.2g}; the bar: {side} {figure['bar']:g}"
            )
        print(f"wrote {write_bars(assignment, calibration)}")
    return 0


def _verify(options) -> int:
    from autograder.verification.mutants import mutate
    from autograder.verification.tables import LED, leads, report
    from autograder.verification.verify import grade_all, judge

    started = time.perf_counter()
    assignments = options.course.pick(options.assignment)
    results, edits = grade_all(assignments, options.jobs), mutate(assignments, options.jobs)
    text = report(results, edits)
    print(text)
    for name, rows in results.items():
        seconds = sorted(row.seconds for row in rows)
        print(
            f"{name}: {len(rows)} submissions, median {seconds[len(seconds) // 2]:.1f} s, slowest {seconds[-1]:.1f} s"
        )
    print(f"{time.perf_counter() - started:.0f} s in all, {options.jobs} processes")
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    fine = all(row.fine for rows in edits.values() for row in rows) and leads(results) >= LED
    return 0 if fine and not any(judge(name, rows).problems for name, rows in results.items()) else 1


def _mutate(options) -> int:
    from autograder.verification.mutants import mutate, table

    started = time.perf_counter()
    results = mutate(options.course.pick(options.assignment), options.jobs, options.sample)
    print(table(results))
    rows = [row for each in results.values() for row in each]
    surviving = sum(len(row.surviving) for row in rows)
    print(f"{sum(row.asked for row in rows)} edits, {surviving} survive without a reason", end=", ")
    print(f"{time.perf_counter() - started:.0f} s in all, {options.jobs} processes")
    return 0 if all(row.fine for row in rows) else 1


def _corpus(options) -> int:
    if options.action == "list":
        print("\n".join(corpora.NAMES))
        return 0
    if not options.name:
        raise CourseError(f"name a corpus: {', '.join(corpora.NAMES)}")
    if options.action == "fetch":
        print(f"{options.name} is in {corpora.fetch(options.name)}")
        return 0
    from utils.baselines import baselines

    corpus = corpora.load(options.name)
    for name, value in baselines(corpus.train, corpus.test).items():
        print(f"{name:10s} {value:10.1f}")
    return 0


def _recipe_options(training: argparse.ArgumentParser) -> None:
    from autograder.runs.recipes import Recipe

    for field in fields(Recipe):
        flag = "--" + field.name.replace("_", "-")
        default = field.default
        if isinstance(default, bool):
            training.add_argument(flag, action=argparse.BooleanOptionalAction, default=default)
        else:
            training.add_argument(flag, type=type(default), default=default, help=f"default {default}")
    training.add_argument("--device", help="cpu or cuda; the GPU where there is one by default")
    training.add_argument("--folder", type=Path, help="checkpoints and results (default: runs/<corpus>_<type>)")


def _train(options) -> int:
    from autograder.runs.recipes import Recipe
    from autograder.runs.train import train

    recipe = replace(Recipe(), **{field.name: getattr(options, field.name) for field in fields(Recipe)})
    folder = options.folder or options.course.root / "runs" / f"{recipe.corpus}_{recipe.rnn_type.lower()}"
    result = train(recipe, folder, options.device)
    print(f"test perplexity {result['test_perplexity']:.2f}, validation {result['validation_perplexity']:.2f}")
    return 0


def _results(options) -> int:
    from autograder.runs.results import RESULTS, write_results

    write_results()
    print(f"wrote {RESULTS / 'README.md'} and {RESULTS / 'ptb_curves.svg'}")
    return 0


def _reproduce(options) -> int:
    from autograder.runs.reproduce import EXPERIMENTS, reproduce

    if not options.name:
        print("\n".join(EXPERIMENTS))
        return 0
    folder = options.folder or options.course.root / "runs" / options.name
    result = reproduce(options.name, folder, options.stop_after)
    measures = {key: value for key, value in result.items() if key.startswith(("test", "validation"))}
    print("".join(f"{key:36} {value:10.4f}\n" for key, value in measures.items()) + f"written to {folder}")
    return 0


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


def _report(options) -> int:
    from autograder.pages.report import graded_assignments, write_reports

    root = Path.cwd()
    course = options.course
    assignments = course.pick(options.assignment) if options.assignment else graded_assignments(root, course)
    pages, problems = write_reports(root, assignments, options.output, options.formgrader)
    print("\n".join(map(str, pages)))
    print("".join(f"{line}\n" for line in problems), end="", file=sys.stderr)
    return 1 if problems else 0


def _export(options) -> int:
    from autograder.lms.export import export

    print("\n".join(export(Path.cwd(), options.to, options.assignment, options.output, options.with_unmarked)))
    return 0


def _return(options) -> int:
    from autograder.lms.returning import pack

    [assignment] = options.course.pick([options.assignment])
    print("\n".join(pack(Path.cwd(), assignment.name, options.output or Path(f"feedback_{assignment}.zip"))))
    return 0


def _backup(options) -> int:
    from autograder.course.nbgrader_api import course_directory
    from autograder.term.backup import backup

    output = options.output or Path.cwd() / f"backup_{time.strftime('%Y-%m-%d')}.tar.gz"
    print("\n".join(backup(course_directory(Path.cwd()), output)))
    return 0


def _restore(options) -> int:
    from autograder.course.nbgrader_api import course_directory
    from autograder.term.backup import restore

    print("\n".join(restore(course_directory(Path.cwd()), options.file)))
    return 0


def _new_term(options) -> int:
    from autograder.course.nbgrader_api import course_directory
    from autograder.term.new_term import new_term

    print("\n".join(new_term(course_directory(Path.cwd()), options.name)))
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


def _doctor(options) -> int:
    from autograder.verification.doctor import findings

    good = True
    for fine, line in findings():
        print(("ok       " if fine else "MISSING  ") + line)
        good = good and fine
    return 0 if good else 1


def _demo(options) -> int:
    from autograder.verification.demo import demo

    demo(options.course)
    return 0


if __name__ == "__main__":
    sys.exit(main())
