"""What a kernel may use of time, and of the grader's own memory, while one cell runs or one question is asked."""

from __future__ import annotations

import os
import time
from typing import Any

TOO_LONG = "this took longer than the time limit of {:g} s"
FLOODED = "the kernel sent too much output"
FAR = 10  # times a limit, on the wall: only for a kernel that hides from its own clock
FLOOD = 1 << 30  # bytes by which a submission may make this process grow, and a quarter more with each new kernel


class Watch:
    """What one cell or one question may use of a kernel's time and of this process's memory.

    Time is what the kernel's own clock counts (namespaces.watch), so that a busy neighbour costs nothing; on the wall
    it is as much where a kernel has no such clock, and FAR times that where it has one.
    """

    def __init__(self, kernels: Any, seconds: float, most: int):
        """kernels: the kernel's manager. most: bytes that this process may hold."""
        self.kernels, self.seconds, self.most = kernels, seconds, most
        self.started, self.clock = time.monotonic(), clock_of(kernels)

    def exceeded(self) -> str | None:
        """Why the kernel must be stopped now, in words, or None."""
        if resident() > self.most:
            self.kernels.provisioner.process.kill()  # more would come while it is asked to stop
            return FLOODED
        clock, passed = clock_of(self.kernels), time.monotonic() - self.started
        if clock is None or self.clock is None:
            late = passed > self.seconds
        else:
            late = clock - self.clock > self.seconds or passed > FAR * self.seconds
        return TOO_LONG.format(self.seconds) if late else None


def clock_of(kernels: Any) -> float | None:
    """Seconds on the own clock of a manager's kernel, as it was last heard; None where it has none."""
    process = getattr(getattr(kernels, "provisioner", None), "process", None)
    if process is not None:
        process.poll()  # hears how far the clock is
    return getattr(process, "clock", None)


def resident() -> int:
    """Bytes of memory that this process holds, where the system tells; else 0."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
