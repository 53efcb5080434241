"""Grade one submission: data in, data out. Runs in any process that has the course's package and the sandbox.

A worker touches neither gradebook nor course folder, so it may be a process of this machine or of another. All that
reads what a student wrote happens here: taking in, running, asking, marking.
"""

from __future__ import annotations

import copy
import json
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from unittest import mock

import nbformat
from nbgrader.preprocessors import IgnorePattern, LimitOutput
from traitlets.config import Config

from autograder.course.errors import CourseError, reason
from autograder.grading.asking import AskingExecute
from autograder.grading.tasks import Graded, Task
from autograder.intake.submission import EXCHANGED, packed, take_in

STEPS = (AskingExecute, IgnorePattern, LimitOutput)


def one_by_one(tasks: Iterable[Task]) -> Iterator[tuple[Task, Graded]]:
    """A runner in this process."""
    for task in tasks:
        yield task, grade(task)


def grade(task: Task) -> Graded:
    """Run a submission's notebook, ask and mark. Whatever it does, this returns."""
    try:
        with warnings.catch_warnings(action="ignore"):  # what wrong answers make numpy say concerns nobody
            return _graded(task)
    except Exception as error:  # nothing of one submission may end the class's run
        return Graded(problem=reason(error))


def _graded(task: Task) -> Graded:
    try:
        filled = take_in(task.submitted, task.assignment.name, copy.deepcopy(task.released))
    except CourseError as error:
        return Graded(problem=reason(error), unreadable=True)
    notebook = nbformat.reads(packed(filled), as_version=4)
    config = Config({name: Config(values) for name, values in task.settings.items()})
    name = task.assignment.name
    names = {"notebook": name, "assignment": name, "student": task.student}
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, NBGRADER_EXECUTION="autograde"),
    ):
        for name, data in task.submitted.files.items():
            if name not in EXCHANGED:
                (Path(folder) / name).write_bytes(data)
        course = {"assignment": task.assignment, **task.course}
        resources: dict = {"nbgrader": names, "course": course, "metadata": {"path": folder}}
        for step in STEPS:
            notebook, resources = step(config=config).preprocess(notebook, resources)
    return Graded(_text(notebook, task.course["digest"]), tuple(resources["verdicts"]), tuple(filled.repairs))


def _text(notebook: nbformat.NotebookNode, digest: str) -> str:
    """The notebook as text that can be written to a file; for which digest it was graded stands at its end."""
    metadata = dict(notebook.metadata)
    course = {**metadata.pop("course"), "digest": digest}
    whole = {"cells": notebook.cells, "metadata": {**metadata, "course": course}}
    whole |= {"nbformat": notebook.nbformat, "nbformat_minor": notebook.nbformat_minor}
    text = json.dumps(whole, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()  # a kernel may send half a pair of UTF-16
