"""Other processes as tests see them, and waiting until something holds: generously, since a machine may be busy."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait until a condition holds. Fails after so many seconds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.02)


def running(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    return _stat(pid)[0] != "Z"


def children(pid: int) -> dict[int, str]:
    """The processes that a process has started: command by process."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and _stat(int(entry.name))[1] == str(pid):
                found[int(entry.name)] = (entry / "cmdline").read_text()
    return found


def descendants(pid: int) -> set[int]:
    """All processes that come from one, itself not among them."""
    found: set[int] = set()
    new = set(children(pid))
    while new:
        found |= new
        new = {child for one in new for child in children(one)} - found
    return found


def _stat(pid: int) -> tuple[str, str]:
    """State and parent of a process; that of one that has ended where there is none."""
    try:
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return state, parent
    except (FileNotFoundError, ProcessLookupError):
        return "Z", ""
