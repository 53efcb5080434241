"""What a grading run ends with: each assignment's marks in a line, what waits for a person, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from autograder.course.marks import mean, read_marks
from autograder.course.paths import Assignment
from autograder.course.words import counted, number


def marks_in_a_line(coursedir: CourseDirectory, assignments: Iterable[Assignment]) -> list[str]:
    """A sentence on the marks of each assignment of which something is graded, as the gradebook has them now."""
    told = []
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        known = {entry.name for entry in gradebook.assignments}
        for assignment in assignments:
            marks = read_marks(gradebook, assignment.name) if assignment.name in known else {}
            graded = [mark for mark in marks.values() if mark.graded]
            if not graded:
                continue
            short = assignment.name.split("_")[0]
            waits = [name for mark in graded for name in mark.waiting]
            waiting, code = len(waits), sum(name.startswith("check_") for name in waits)
            line = f"{short}: {counted(len(graded), 'submission')}, mean {number(mean(graded))} of "
            line += f"{number(graded[0].most)}{' so far' * bool(waiting)}, "
            if waiting:
                line += f"{counted(waiting, 'answer')} wait{'s' * (waiting == 1)}"
                line += f", {code} of them in the formgrader" * (0 < code < waiting)
                line += f"; next: course mark {short}" if code < waiting else " in the formgrader"
            else:
                line += f"nothing waits; next: course report {short}"
            told.append(line)
    return told
