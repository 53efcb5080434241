"""A long run in parts: in processes of their own, and kept while it runs, so that one that was cut goes on."""

from __future__ import annotations

import hashlib
import pickle
import platform
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

from autograder.course.paths import ROOT, Course
from utils.files import replaced


@contextmanager
def processes(jobs: int, method: str, initializer: Callable) -> Iterator[ProcessPoolExecutor]:
    """So many processes for the parts; a run that is stopped begins no further part."""
    pool = ProcessPoolExecutor(jobs, mp_context=get_context(method), initializer=initializer)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def anew(name: str, function: Callable, *arguments):
    """The function's result, not kept."""
    return function(*arguments)


@dataclass(frozen=True)
class Kept:
    """Results in files of a folder, by name; calling it gives the result that is there, or makes and keeps it."""

    folder: Path

    def __call__(self, name: str, function: Callable, *arguments):
        """What the function returned in a run that was cut, or else what it returns now."""
        path = self.folder / f"{name}.pickle"
        if path.exists():
            return pickle.loads(path.read_bytes())
        result = function(*arguments)
        self.folder.mkdir(parents=True, exist_ok=True)
        with replaced(path) as part:
            part.write_bytes(pickle.dumps(result))
        return result

    def remove(self) -> None:
        """Forget all, at the end of a run."""
        shutil.rmtree(self.folder, ignore_errors=True)


def kept(course: Course) -> Kept:
    """What runs over a course's assignments keep while the grader, the assignments and the libraries are the same.

    What is left of others is removed.
    """
    above = course.root / "runs" / "verify"
    folder = above / _digest(course)
    for other in set(above.glob("*")) - {folder}:
        shutil.rmtree(other, ignore_errors=True)
    return Kept(folder)


def _digest(course: Course) -> str:
    """A digest of all that may change a result: code, assignments, Python and the libraries that compute."""
    found = hashlib.sha256(" ".join([platform.python_version(), version("torch"), version("numpy")]).encode())
    for top in (ROOT / "utils", ROOT / "autograder", course.root / "assignments"):
        for path in sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(str(path.relative_to(top)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]
