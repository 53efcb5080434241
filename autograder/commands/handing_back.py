"""What leaves the gradebook: pages, marks for Canvas and Moodle, feedback in a zip."""

from __future__ import annotations

import sys
from pathlib import Path

from autograder.commands.command import Add


def add(command: Add) -> None:
    """Add these commands to the command line."""
    show = command("report", _report, "Write a page on a class's work, and a short one for each student.")
    show.add_argument("assignment", nargs="*", help="which ones; all that are graded by default")
    show.add_argument("--output", type=Path, default=Path("report"), help="the folder for the pages")
    show.add_argument(
        "--formgrader", default="http://localhost:8888", help="the Jupyter server to link to for marks given by hand"
    )
    export = command("export", _export, "Write the marks as CSV for Canvas or Moodle to import.")
    export.add_argument("assignment", nargs="*", help="name or short name; all of the gradebook by default")
    export.add_argument("--to", choices=["canvas", "moodle"], required=True, help="who imports it")
    export.add_argument(
        "--output", type=Path, help="file (default: canvas_<assignment>.csv or moodle_<assignment>.csv)"
    )
    export.add_argument("--with-unmarked", action="store_true", help="also submissions that wait for manual marking")
    export.add_argument(
        "--empty-unmarked",
        action="store_true",
        help="one file with everybody, which empties the marks that the LMS has of those who have none here",
    )
    back = command("return", _return, "Pack students' feedback into a zip that Moodle or Canvas hands out.")
    back.add_argument("assignment", help="name or short name (hw5)")
    back.add_argument(
        "--to",
        choices=["canvas", "moodle"],
        help="who hands it out (default: Moodle, or Canvas where all came from there)",
    )
    back.add_argument("--preview", action="store_true", help="the pages of `course preview` instead")
    back.add_argument(
        "--output",
        type=Path,
        help="file (default: feedback_<assignment>.zip or preview_<assignment>.zip in this folder)",
    )


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

    chosen = options.with_unmarked, options.empty_unmarked
    print("\n".join(export(Path.cwd(), options.to, options.assignment, options.output, *chosen)))
    return 0


def _return(options) -> int:
    from autograder.lms.returning import pack

    [assignment] = options.course.pick([options.assignment])
    output = options.output or Path(f"{'preview' if options.preview else 'feedback'}_{assignment}.zip")
    print("\n".join(pack(Path.cwd(), assignment.name, output, options.to, options.preview)))
    return 0
