"""nbgrader as a library, for a course in any folder, with the settings of nbgrader_config.py."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config, PyFileConfigLoader

from autograder.solutions import ROOT


def api(course: Path, leave_out: Iterable[str] = (), unsafe: bool = False) -> NbGraderAPI:
    """nbgrader's API over the course in the folder `course`, configured by this repository's nbgrader_config.py.

    leave_out: ids of cells that autograding does not run. unsafe: whether it goes without isolation.
    """
    config = Config(PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config())
    config.CourseDirectory.root = str(course)
    config.AskingExecute.leave_out = set(leave_out)
    config.CourseAutograde.unsafe = unsafe
    return NbGraderAPI(CourseDirectory(config=config), config=config)
