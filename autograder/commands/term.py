"""From one term to the next: backup, restore, a new term."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from autograder.commands.command import Add


def add(command: Add) -> None:
    """Add these commands to the command line."""
    keep = command("backup", _backup, "Write gradebook, secret and submissions into one file.")
    keep.add_argument("--output", type=Path, help="file (default: backup_<day>.tar.gz in this folder)")
    put_back = command("restore", _restore, "Put a backup back; what it replaces is moved aside.")
    put_back.add_argument("file", type=Path)
    term = command(
        "new-term", _new_term, "Archive the term that ends, and begin one with a fresh gradebook and secret."
    )
    term.add_argument("name", help="of the term that ends, such as 2027-spring")


def _backup(options) -> int:
    from autograder.course.nbgrader_api import course_directory
    from autograder.term.backup import backup

    output = options.output or Path.cwd() / f"backup_{time.strftime('%Y-%m-%d')}.tar.gz"
    print("\n".join(backup(course_directory(Path.cwd()), output)))
    return 0


def _restore(options) -> int:
    from autograder.course.nbgrader_api import course_directory
    from autograder.term.backup import restore

    with _no_other_run(Path.cwd()):
        print("\n".join(restore(course_directory(Path.cwd()), options.file)))
    return 0


def _new_term(options) -> int:
    from autograder.course.nbgrader_api import course_directory
    from autograder.term.new_term import new_term

    with _no_other_run(Path.cwd()):
        print("\n".join(new_term(course_directory(Path.cwd()), options.name)))
    return 0


@contextlib.contextmanager
def _no_other_run(root: Path) -> Iterator[None]:
    """Hold the locks of grading and previews: a run under way would write on into what is taken away."""
    from autograder.grading.class_run import one_run
    from autograder.preview.run import LOCK as PREVIEW_LOCK

    with one_run(root), one_run(root, PREVIEW_LOCK, "preview"):
        yield
