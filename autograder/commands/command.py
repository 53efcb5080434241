"""What the commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

Add = Callable[[str, Callable[[Any], int], str], argparse.ArgumentParser]  # name, what runs it, help; its own options


def add_students(parser: argparse.ArgumentParser, more: str = "") -> None:
    """Add the option that picks students; `options.students` is None or a list."""
    told = f"a name or a pattern, such as 'student-0*'; may be given several times{more}"
    parser.add_argument("--students", action="append", metavar="PATTERN", help=told)


def count(text: str) -> int:
    """A number of at least one, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a number of at least 1, got {text!r}")
    return int(text)
