"""The console command `course`: one parser over the topics of `autograder/commands/`, errors in one line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from autograder.commands import authoring, grading, handing_back, marking, running, term
from autograder.course.errors import CourseError
from autograder.course.paths import OWN, Course, check_folder
from utils.corpora import CorpusError


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

    for topic in (authoring, grading, marking, handing_back, term, running):
        topic.add(command)
    return top


if __name__ == "__main__":
    sys.exit(main())
