"""Make the course: build, verify, calibrate, bundle, begin an assignment, say what the host offers."""

from __future__ import annotations

import os
import time
from pathlib import Path

from autograder.commands.command import Add, count


def add(command: Add) -> None:
    """Add these commands to the command line."""
    build = command("build", _build, "Build source/ and release/ from assignments/.")
    build.add_argument("assignment", nargs="*", help="name or short name (hw5); all by default")
    build.add_argument("--check", action="store_true", help="build elsewhere and compare with the files here")
    verify = command("verify", _verify, "Grade the grader: solutions, releases, misconceptions, alternatives.")
    verify.add_argument("assignment", nargs="*", help="name or short name; all by default")
    jobs = (os.cpu_count() or 1) + 1  # a submission waits for its kernel now and then
    verify.add_argument("--jobs", type=count, default=jobs, help="processes (default: one more than there are cores)")
    verify.add_argument("--output", type=Path, help="write the table there, in Markdown")
    mutants = command("mutate", _mutate, "Ask every single edit of the solutions: each must lose marks.")
    mutants.add_argument("assignment", nargs="*", help="name or short name; all by default")
    mutants.add_argument(
        "--jobs", type=count, default=os.cpu_count() or 1, help="processes (default: one for each core)"
    )
    mutants.add_argument("--sample", type=count, help="only so many edits of each question, the same each time")
    bars = command("calibrate", _calibrate, "Set the bars of trained results from runs over many seeds.")
    bars.add_argument("assignment", nargs="*", help="name or short name; all by default")
    bars.add_argument("--seeds", type=int, default=12, help="runs of the solution with each number of threads")
    bars.add_argument("--threads", type=count, nargs="+", default=[1, 2])
    new = command("new", _new, "Begin an assignment: a folder that builds and verifies, to be filled.")
    new.add_argument("name", help="such as hw8_attention")
    students = command("bundle", _bundle, "Write what students get, as a folder for a public repository and as a zip.")
    students.add_argument("--output", type=Path, default=Path("dist"), help="where to (default: dist/)")
    command("doctor", _doctor, "Say what this host offers for grading and what is missing.")
    command("demo", _demo, "Grade a small class, show marks and reasons, train a small model.")


def _build(options) -> int:
    from autograder.build.builder import build, stale_files
    from autograder.build.leftovers import leftovers

    if not options.check:
        for assignment in options.course.pick(options.assignment):
            started = time.perf_counter()
            told = build(assignment)
            print(f"built {assignment} in {time.perf_counter() - started:.1f} s")
            for line in told:
                print(f"  {line}")
        for sentence in leftovers(options.course):
            print(sentence)
        return 0
    stale = stale_files(options.course, options.assignment)
    for path in stale:
        print(f"{path} differs from a fresh build: run `course build`")
    return 1 if stale else 0


def _verify(options) -> int:
    from autograder.verification.mutants import mutate
    from autograder.verification.parts import kept
    from autograder.verification.tables import LED, leads, report
    from autograder.verification.verify import grade_all, judge

    started = time.perf_counter()
    assignments = options.course.pick(options.assignment)
    keep = kept(options.course)
    results, edits = grade_all(assignments, options.jobs, keep), mutate(assignments, options.jobs, keep=keep)
    keep.remove()
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


def _new(options) -> int:
    from autograder.build.new import begin

    folder = begin(options.course, options.name)
    print(f"wrote {folder}: fill it, then `course build {options.name}` and `course verify {options.name}`")
    return 0


def _bundle(options) -> int:
    from autograder.build.bundle import bundle, placeholder

    folder, archive = bundle(options.course, options.output)
    print(f"wrote {folder} and {archive}")
    if placeholder(options.course):
        print("before you publish it: set repository and tag in [tool.course] of pyproject.toml, then `course build`")
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
