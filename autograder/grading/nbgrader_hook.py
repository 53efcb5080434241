"""The door for nbgrader: `nbgrader autograde`, the formgrader's button and nbgrader's library grade by the driver.

All of them call `Autograde.start()` and nothing else (nbgrader 0.9.5 and 0.9.6), so that is what is replaced.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import Autograde, NbGraderException
from traitlets import Bool, Int, TraitError
from traitlets.config import Application, LoggingConfigurable

from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import find_alembic, wait_for_the_gradebook
from autograder.course.paths import OWN, check_folder
from autograder.sandbox import bubblewrap

UNSAFE = "--CourseAutograde.unsafe=True"


class CourseAutograde(LoggingConfigurable):
    """The settings of grading by nbgrader's commands."""

    unsafe = Bool(False, help="Run submissions without isolation, with your own rights.").tag(config=True)
    jobs = Int(0, min=0, help="How many submissions are graded at once; 0: one for each core.").tag(config=True)


def start(self: Autograde) -> None:
    """Grade, in the place of `Autograde.start`. Raises NbGraderException, after logging why."""
    from autograder.grading.cores import on_cores
    from autograder.grading.driver import grade_class

    lacking = bubblewrap.lacks()
    try:
        options = CourseAutograde(parent=self)
        if lacking and not options.unsafe:
            raise CourseError(f"{lacking}. To run submissions with your own rights anyway: {UNSAFE}")
        if options.unsafe:
            self.log.warning("UNSAFE: submissions run with your own rights and may do whatever you may")
        check_folder(Path(self.coursedir.root))
        assignments = OWN.pick([self.coursedir.assignment_id])
        self.run_pre_convert_hook()
        runner = on_cores(options.jobs, options.unsafe)
        # the course directory was made before nbgrader had read its settings
        done = grade_class(
            self.coursedir, assignments, runner, self.force, options.unsafe, self.log, config=self.config
        )
        self.run_post_convert_hook()
    except (CourseError, TraitError) as error:
        self.log.error(str(error))
        raise NbGraderException(str(error)) from None
    for line in done.failed:
        self.log.error("not graded: %s", line)
    stopped = ["stopped: the marks so far are kept, and the next run continues from there"] * done.stopped
    failed = [f"{len(done.failed)} not graded: {'; '.join(done.failed)}"] * bool(done.failed)
    if stopped or failed:
        raise NbGraderException("; ".join([*stopped, *failed]))


def install() -> None:
    """Have nbgrader grade by the course's driver, find its own tools, and wait for a locked gradebook.

    Ends nbgrader with a sentence where it was started in a course folder that cannot be used.
    """
    program = Application.instance() if Application.initialized() else None
    if isinstance(program, NbGrader) and Path("nbgrader_config.py").is_file():  # else a library's root may be anywhere
        try:
            check_folder(Path.cwd())
        except CourseError as error:
            sys.exit(str(error))
    find_alembic()
    wait_for_the_gradebook()
    Autograde.start = start
