"""nbgrader as a library, for a course in any folder, with the settings of nbgrader_config.py."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import event
from sqlalchemy.engine import Engine
from traitlets.config import Config, PyFileConfigLoader

from autograder.course.paths import ROOT

PATIENCE = 120  # seconds to wait for a gradebook that another process holds


def api(course: Path) -> NbGraderAPI:
    """nbgrader's API over the course in the folder `course`, with its `nbgrader_settings`."""
    coursedir = course_directory(course)
    return NbGraderAPI(coursedir, config=coursedir.config)


def course_directory(course: Path, students: str | Sequence[str] = "*") -> CourseDirectory:
    """nbgrader's view of a course's folder, with its `nbgrader_settings`. students: names or patterns."""
    config = nbgrader_settings(course)
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.student_id = students if isinstance(students, str) else "\n".join(students)
    return CourseDirectory(config=config)


def student_patterns(coursedir: CourseDirectory) -> list[str]:
    """The names or patterns that a course directory was made with: nbgrader has room for one, so a line is one."""
    return coursedir.student_id.split("\n")


def local(moment: datetime) -> str:
    """A time of the gradebook, which is in UTC, for people: in this machine's zone."""
    return f"{moment.replace(tzinfo=UTC).astimezone():%Y-%m-%d %H:%M}"


def nbgrader_settings(course: Path) -> Config:
    """The settings of a course folder's nbgrader_config.py, or of this repository's where it has none.

    The gradebook's address belongs to the folder: work in a scratch folder never reaches the class's gradebook. Modules
    that the settings name, such as a plugin for late work, are found in the folder.
    """
    if str(course.resolve()) not in sys.path:
        sys.path.append(str(course.resolve()))
    has_settings = (course / "nbgrader_config.py").is_file()
    config = Config(PyFileConfigLoader("nbgrader_config.py", path=str(course if has_settings else ROOT)).load_config())
    if not has_settings:
        config.CourseDirectory.pop("db_url", None)
    return config


def find_alembic() -> None:
    """Have nbgrader find `alembic`, which it starts by name, also without an activated environment."""
    folder = str(Path(sys.executable).parent)
    if folder not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])


def wait_for_the_gradebook() -> None:
    """Have every SQLite gradebook opened from now on wait PATIENCE for other processes."""
    if not event.contains(Engine, "connect", _be_patient):
        event.listen(Engine, "connect", _be_patient)


def _be_patient(connection: object, _) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"PRAGMA busy_timeout = {1000 * PATIENCE}")


def unusable(error: Exception) -> str:
    """Why a gradebook cannot be read or written, in one sentence."""
    reason = (str(getattr(error, "orig", None) or error).strip() or type(error).__name__).splitlines()[0]
    if "database is locked" in reason:
        reason = f"another process has held it for {PATIENCE} s: end that process and try again"
    return f"the gradebook cannot be read or written: {reason}"
