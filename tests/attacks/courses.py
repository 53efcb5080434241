"""The tiny course as attacks meet it: graded by root or by an ordinary user, by either command."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest

from autograder.sandbox import bubblewrap
from tests.conftest import TinyCourse

NEEDS_ISOLATION = pytest.mark.skipif(bubblewrap.lacks() is not None, reason=f"no isolation here: {bubblewrap.lacks()}")
# who grades, and by which command; what a kernel may do depends on the first alone
RUNS = [("root", "course grade"), ("ordinary user", "nbgrader autograde")]
RUNS = RUNS if os.getuid() == 0 else [("ordinary user", command) for _, command in RUNS]
ORDINARY = 1234  # a user's number that nobody has


def runs(name: str) -> list:
    """Parameters of a fixture: who grades and how, the second of the two in `make test-all` alone.

    name: of the tests that share the fixture, for pytest-xdist.
    """
    return [
        pytest.param(
            run,
            id=", ".join(run),
            marks=[pytest.mark.xdist_group(f"{name}, {', '.join(run)}"), *[pytest.mark.slow] * (run != RUNS[0])],
        )
        for run in RUNS
    ]


class OrdinaryCourse(TinyCourse):
    """The tiny course, graded by an ordinary user even where the tests run as root."""

    ordinary = False

    def course(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run `course ...` as whoever grades."""
        return self.course_process(*arguments) if self.ordinary else super().course(*arguments)

    def python(self, *arguments: str, **env: str) -> subprocess.CompletedProcess:
        """Run the interpreter in the course's folder."""
        if not self.ordinary:
            return super().python(*arguments, **env)
        subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", str(self.root)], check=True)
        call = ["bwrap", "--dev-bind", "/", "/"]  # what only root may enter is opened to that user
        hidden = {Path("/", *Path(folder).parts[1:2]) for folder in (sys.prefix, sys.base_prefix, self.root)}
        for top in sorted(hidden - {Path("/usr"), Path("/tmp")}):
            call += ["--perms", "0755", "--tmpfs", str(top)]
        for folder in dict.fromkeys((Path(sys.base_prefix), Path(sys.prefix))):
            for above in reversed(folder.parents[:-2]):
                call += ["--perms", "0755", "--dir", str(above)]
            call += ["--ro-bind", str(folder), str(folder)]
        call += ["--bind", str(self.root), str(self.root), "--cap-drop", "ALL", "--cap-add", "CAP_SETUID"]
        call += ["--cap-add", "CAP_SETGID", "setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups"]
        env = {**os.environ, "PYTHONPATH": str(self.root), "OMP_NUM_THREADS": "1", "HOME": str(self.root), **env}
        call += [sys.executable, *arguments]
        return subprocess.run(call, cwd=self.root, env=env, capture_output=True, text=True, timeout=900)


def course_for(run: tuple[str, str], folder: Path) -> OrdinaryCourse:
    """A tiny course that is built, for one of RUNS, in a folder that is to be made."""
    course = OrdinaryCourse.built(folder)
    course.ordinary = os.getuid() == 0 and run[0] != "root"
    for above in course.root.parents:  # pytest's own are closed to others
        if course.ordinary and Path(tempfile.gettempdir()) in above.parents:
            above.chmod(0o755)
    return course


def graded_by(run: tuple[str, str], course: TinyCourse, *flags: str) -> subprocess.CompletedProcess:
    """Grade the whole class by the command of one of RUNS."""
    if run[1] == "course grade":
        return course.course("grade", course.name, *flags)
    return course.nbgrader("autograde", course.name, "--log-level=WARN", *flags)


def hand_in(course: TinyCourse, student: str, cells: dict[str, str], words: dict[str, str] | None = None) -> Path:
    """Hand in the release with some cells filled in and words in them replaced; the notebook's path."""
    notebook = nbformat.read(course.released, as_version=4)
    for cell in notebook.cells:
        cell.source = cells.get(cell.id, cell.source)
        for word, text in (words or {}).items():
            cell.source = cell.source.replace(word, text)
    path = course.submitted(student)
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
    return path
