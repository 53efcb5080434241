"""Mark written answers by hand: a page for one question, or what waits."""

from __future__ import annotations

import argparse
from pathlib import Path

from autograder.commands.command import Add


def add(command: Add) -> None:
    """Add this command to the command line."""
    mark = command("mark", _mark, "Mark a written question on a page in the browser; without one, list what waits.")
    mark.add_argument("assignment", help="name or short name (hw5)")
    mark.add_argument("question", nargs="?", help="its name, as in the hand-out")
    mark.add_argument("--port", type=_port, default=0, help="where the page is served (default: a free port)")
    mark.add_argument("--no-browser", action="store_true", help="print the address and open nothing")


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 65535, got {text!r}")
    return int(text)


def _mark(options) -> int:
    from nbgrader.api import Gradebook

    from autograder.course.nbgrader_api import course_directory
    from autograder.manual.questions import waiting, written_question, written_questions

    (assignment,) = options.course.pick([options.assignment])
    coursedir = course_directory(Path.cwd())
    if options.question:
        question = written_question(assignment, options.question)
        from autograder.manual.desk import Desk
        from autograder.manual.server import serve

        serve(Desk(coursedir, question), options.port, not options.no_browser)
        return 0
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        questions = written_questions(assignment)
        wide = max(map(len, questions), default=0)
        for name, question in questions.items():
            waits, written = waiting(gradebook, question)
            print(f"{name:{wide}}  {waits} of {written} answers wait")
    one = next(iter(questions), "")
    print(f"to mark one: course mark {assignment} {one}" if one else f"{assignment} has no written question")
    return 0
