"""Grade on this machine's cores: a process for each, forked from one that has the grader loaded, and one warm server.

Nothing heavy is imported here: the processes load while the run's own process still does.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import chain
from pathlib import Path
from types import ModuleType
from unittest import mock

from autograder.course.errors import CourseError
from autograder.grading.tasks import GIVEN_UP, TRIES, Graded, Runner, Task
from autograder.sandbox import bubblewrap
from autograder.sandbox.bubblewrap import ONE_THREAD


def on_cores(jobs: int | None = None, unsafe: bool = False, at_once: bool = True) -> Runner:
    """A runner on this machine, `jobs` submissions at once (default: one for each core).

    A process that dies takes no submission with it: what it was grading is started again, alone. at_once: its processes
    begin to load now, and not when there is something to grade.
    Raises CourseError where submissions cannot be isolated, unless they may run without (`unsafe`).
    """
    pools = _Pools(jobs or usable_cores(), isolated=not unsafe)
    if at_once:
        pools.load()
    lacking = None if unsafe else bubblewrap.lacks()
    if lacking:
        raise CourseError(f"{lacking}. To run submissions with your own rights anyway: --unsafe")
    return partial(_run, pools)


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Pools:
    """Makes process pools: one for the first task, and a new one whenever a worker dies. All share one warm server."""

    def __init__(self, jobs: int, isolated: bool):
        self.jobs, self.isolated = jobs, isolated
        self.context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")

    def load(self) -> Path | None:
        """Have the fork server and the warm server begin to load, unless they have. Returns the latter's address."""
        if sys.platform == "linux":
            from multiprocessing import forkserver

            self.context.set_forkserver_preload(["autograder.grading.loaded"])
            # it starts with an empty path: the modules are the installed ones, not some that lie in this folder
            with mock.patch.dict(os.environ, ONE_THREAD, PYTHONSAFEPATH="1"):
                forkserver.ensure_running()
        return self.warm_server()

    def warm_server(self) -> Path | None:
        """The address of a warm server, started unless it runs; None where there can be none."""
        from autograder.sandbox import bubblewrap, kernels

        if self.isolated and bubblewrap.lacks():
            return None
        return kernels.SERVERS.share(self.isolated) if kernels.possible() else None

    def pool(self) -> ProcessPoolExecutor:
        """A new pool."""
        start = (self.load(), self.isolated)
        return ProcessPoolExecutor(self.jobs, self.context, initializer=_begin, initargs=start)


def _begin(shared: Path | None, isolated: bool) -> None:
    """At a worker's start: it ends with the run, Ctrl-C is for the run's own process, one thread is enough."""
    from autograder.sandbox import kernels

    end_with_the_run()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(ONE_THREAD)
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    if sys.platform == "linux":
        from autograder.sandbox import namespaces

        namespaces.die_with_parent()
    if shared:
        kernels.SERVERS.adopt(isolated, shared)


def end_with_the_run() -> None:
    """End this process, a worker, as soon as the run's own was killed: nothing else would end it."""
    threading.Thread(target=_watch, args=(multiprocessing.parent_process(),), daemon=True).start()


def _watch(run) -> None:
    run.join()
    os._exit(1)


@contextlib.contextmanager
def _no_main() -> Iterator[None]:
    """Keep new workers from importing the main program: a script that calls nbgrader's library would run again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _grade_task(task: Task) -> Graded:
    from autograder.grading.worker import grade

    return grade(task)


def _run(pools: _Pools, tasks: Iterable[Task]) -> Iterator[tuple[Task, Graded]]:
    coming, suspects = iter(tasks), deque[Task]()
    tries: Counter[tuple[str, str]] = Counter()  # of those that ran alone
    running: dict[Future, Task] = {}
    others = set(multiprocessing.active_children())
    pool: ProcessPoolExecutor | None = None  # until there is a task: where nothing is new, nothing is to be loaded
    try:
        while True:
            alone = broken = False
            while len(running) <= pools.jobs:  # one more than there are processes: none waits for the next
                task = next(coming, None)
                if task is None and suspects and not running:
                    task, alone = suspects.popleft(), True
                if task is None:
                    break
                pool = pool or pools.pool()
                try:
                    with _no_main():
                        running[pool.submit(_grade_task, task)] = task
                except BrokenProcessPool:  # a process died while what was graded before was being written
                    coming, broken = chain([task], coming), True
                    break
            if not running and not broken:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                try:
                    yield task, future.result()
                except BrokenProcessPool:  # another one in the pool may be the cause: once more at the end, alone
                    broken = True
                    suspects.append(task)
                    tries[task.key] += alone
            if pool and broken:
                suspects.extend(running.values())
                running.clear()
                pool.shutdown(wait=False)
                pool = None
            if suspects and tries[suspects[-1].key] == TRIES:
                yield suspects.pop(), GIVEN_UP
    finally:
        if pool:
            pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
