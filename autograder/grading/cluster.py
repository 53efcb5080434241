"""Grade on a Dask cluster: submissions travel to workers as data, graded ones come back, nothing else is shared.

Workers need the course's package and the sandbox. The gradebook is this process's alone.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextvars import Context
from dataclasses import replace
from functools import partial
from itertools import islice

from tqdm import tqdm

from autograder.course.errors import CourseError
from autograder.course.paths import OWN
from autograder.grading.tasks import GIVEN_UP, Graded, Runner, Task, code_digest
from autograder.sandbox import bubblewrap
from autograder.sandbox.bubblewrap import ONE_THREAD

AHEAD = 2  # submissions in flight for each worker thread: one is graded, one waits, so that no worker does
CONNECT, LOOK = 5, 2  # seconds: to reach the scheduler; between two looks at how many workers there are


def on_cluster(address: str) -> Runner:
    """A runner on the Dask cluster whose scheduler listens at `address`, such as tcp://10.0.0.5:8786.

    A worker that dies takes no submission with it. Raises CourseError without Dask and where no scheduler answers; when
    run, where it goes away, and where a worker's copy of the course differs or it cannot isolate.
    """
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise CourseError("a cluster needs Dask: pip install -e '.[cluster]' in the course's folder") from None
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"})  # weights travel with their submission
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # this module reports what one needs to know
    try:
        return partial(_run, Client(address, timeout=CONNECT), address)
    except Exception as error:  # Dask raises anything where what answers is no scheduler
        raise CourseError(f"no Dask scheduler answers at {address}: {error}") from error


def _run(client, address: str, tasks: Iterable[Task]) -> Iterator[tuple[Task, Graded]]:
    from distributed import KilledWorker, wait

    coming, suspects = iter(tasks), deque[Task]()
    running: dict = {}
    alone = waiting = False
    with client:
        while True:
            with _connected(address):
                threads = sum(client.nthreads().values())
            if not threads and not waiting:
                tqdm.write(f"no worker at {address}: waiting for one (docs/scale.md)", file=sys.stderr)
            waiting = not threads
            begun = list(islice(coming, max(0, AHEAD * max(1, threads) - len(running))))
            if suspects and not begun and not running:
                begun, alone = [suspects.popleft()], True
            with _connected(address), contextlib.suppress(TimeoutError):  # of LOOK
                for task in begun:
                    running[client.submit(_call(), pickle.dumps(task), code_digest(), pure=False)] = task
                if not running:
                    return
                wait(list(running), timeout=LOOK, return_when="FIRST_COMPLETED")
            for future in [future for future in running if future.status != "pending"]:
                task = running.pop(future)
                with _connected(address):
                    problem = future.exception()
                    graded = None if problem else future.result()
                if graded:
                    yield task, graded
                elif not isinstance(problem, KilledWorker):
                    raise CourseError(str(problem)) from problem
                elif alone:
                    yield task, GIVEN_UP
                else:  # another submission on that worker may be the cause: once more at the end, alone
                    suspects.append(task)


@contextlib.contextmanager
def _connected(address: str) -> Iterator[None]:
    """Say in a sentence that the scheduler is gone."""
    try:
        yield
    except (OSError, CancelledError) as error:
        raise CourseError(f"the scheduler at {address} is gone; the marks so far are kept: grade again") from error


def _call() -> Callable[[bytes, str], Graded]:
    """The function that workers call. It travels by value, so that a worker without the package can say so."""

    def grade(data: bytes, digest: str) -> Graded:
        import pickle

        from distributed import get_worker

        try:
            from autograder.grading.cluster import _grade_on_worker
        except ImportError as error:
            raise RuntimeError(f"the worker {get_worker().address} lacks the course's package: {error}") from None
        return _grade_on_worker(pickle.loads(data), digest)

    return grade


_one_at_a_time = threading.Lock()  # grading sets the process's environment, whatever --nthreads says
_context = Context()  # kept, since Dask gives each task a fresh one: jupyter_client would leave an event loop in each


def _grade_on_worker(task: Task, digest: str) -> Graded:
    """Grade in a worker's thread. Raises CourseError, naming the worker, where its marks would differ or be unsafe."""
    from distributed import get_worker

    lacking = None if task.course["unsafe"] else bubblewrap.lacks()
    if code_digest() != digest:
        lacking = "its copy of the course differs from this one: update and restart it"
    if lacking:
        raise CourseError(f"the worker {get_worker().address} cannot grade: {lacking}")
    with _one_at_a_time:
        os.environ.update(ONE_THREAD)
        logging.getLogger("traitlets").setLevel(logging.ERROR)
        from autograder.grading.worker import grade

        own = replace(task, assignment=OWN.assignment(task.assignment.name))  # as it lies on this machine
        return _context.run(grade, own)
