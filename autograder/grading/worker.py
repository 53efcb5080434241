"""Grade one hand-in: data in, data out. Runs in any process that has the course's package and the sandbox.

A worker touches neither gradebook nor course folder, so it may be a process of this machine or of another.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from unittest import mock

import nbformat
from nbgrader.preprocessors import IgnorePattern, LimitOutput
from traitlets.config import Config

from autograder.course.errors import CourseError
from autograder.grading.asking import AskingExecute, Finish
from autograder.grading.tasks import Graded, Task

STEPS = (AskingExecute, IgnorePattern, LimitOutput, Finish)  # nbgrader's, but for those that need the gradebook


def grade(task: Task) -> Graded:
    """Run a hand-in's notebook, ask and mark. Whatever the hand-in does, this returns."""
    started = time.perf_counter()
    try:
        notebook, problem = _graded_notebook(task), ""
    except CourseError as error:
        notebook, problem = "", str(error)
    except Exception as error:  # nothing of one hand-in may end the class's run
        notebook, problem = "", f"{type(error).__name__}: {error}"
    return Graded(task.assignment, task.student, notebook, time.perf_counter() - started, problem)


def _graded_notebook(task: Task) -> str:
    notebook = nbformat.reads(task.notebook, as_version=4)
    config = Config({name: Config(values) for name, values in task.settings.items()})
    given = {"notebook": task.assignment, "assignment": task.assignment, "student": task.student}
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, NBGRADER_EXECUTION="autograde"),
    ):
        for name, data in task.files.items():
            (Path(folder) / name).write_bytes(data)
        resources = {"nbgrader": given, "course": task.course, "metadata": {"path": folder}}
        for step in STEPS:
            notebook, resources = step(config=config).preprocess(notebook, resources)
    return json.dumps(notebook, ensure_ascii=False)
