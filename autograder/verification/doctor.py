"""`course doctor`: what this host offers for grading, what is missing, and what to type."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from autograder.sandbox import bubblewrap


def findings() -> Iterator[tuple[bool, str]]:
    """Whether each thing is as it should be, and a line about it."""
    yield True, f"Python {platform.python_version()} on {platform.system()}, {os.cpu_count()} cores, {memory()}"
    yield True, f"nbgrader {version('nbgrader')}, torch {version('torch')}"
    lacking = bubblewrap.lacks()
    if lacking:
        yield False, f"students' code cannot be isolated here: {lacking}"
    else:
        who = f"as the user with number {bubblewrap.NOBODY}" if os.getuid() == 0 else "as you, without your rights"
        named = subprocess.run(["bwrap", "--version"], capture_output=True, text=True, check=False).stdout.strip()
        yield True, f"students' code runs isolated, {who} ({named})"
    free = shutil.disk_usage(Path.cwd()).free >> 30
    yield free >= 2, f"{free} GiB free here"


def memory() -> str:
    """This machine's memory, in words."""
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 30} GiB"
    except (AttributeError, ValueError):
        return "memory unknown"


def install_isolation() -> str | None:
    """Try to make isolation possible: only as root, where there is apt. Returns what is lacking then, or None."""
    lacking = bubblewrap.lacks()
    may = hasattr(os, "getuid") and os.getuid() == 0 and shutil.which("apt-get")
    if lacking and shutil.which("bwrap") is None and may:
        for step in (["update"], ["install", "--yes", "bubblewrap"]):
            subprocess.run(["apt-get", "--quiet", *step], stdout=subprocess.DEVNULL, check=False)
        lacking = bubblewrap.lacks()
    return lacking
