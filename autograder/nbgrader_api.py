"""nbgrader as a library, for a course in any folder, with the settings of nbgrader_config.py."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config, PyFileConfigLoader

from autograder.solutions import ROOT


def api(course: Path, leave_out: Iterable[str] = (), unsafe: bool = False) -> NbGraderAPI:
    """nbgrader's API over the course in the folder `course`, with its `settings`.

    leave_out: ids of cells that autograding does not run. unsafe: whether it goes without isolation.
    """
    config = settings(course)
    config.CourseDirectory.root = str(course)
    config.AskingExecute.leave_out = set(leave_out)
    config.CourseAutograde.unsafe = unsafe
    return NbGraderAPI(CourseDirectory(config=config), config=config)


def settings(course: Path) -> Config:
    """The settings of a course folder's nbgrader_config.py, or of this repository's where it has none.

    The gradebook's address is a folder's own: what is built and graded in a scratch folder never reaches the class's.
    """
    own = (course / "nbgrader_config.py").is_file()
    config = Config(PyFileConfigLoader("nbgrader_config.py", path=str(course if own else ROOT)).load_config())
    if not own:
        config.CourseDirectory.pop("db_url", None)
    return config
