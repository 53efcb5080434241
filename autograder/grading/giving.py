"""Give everybody all points of a question, as where it turned out to be wrong."""

from __future__ import annotations

from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory

from autograder.course.errors import CourseError
from autograder.course.paths import Assignment
from autograder.grading.changes import MarkChange, note, points
from autograder.grading.driver import one_run


def give(coursedir: CourseDirectory, assignment: Assignment, question: str) -> list[MarkChange]:
    """Set every submission's mark of a question to its maximum, as if by hand; returns and notes what changed.

    Such a mark stays through regrades. Raises CourseError for a question that the gradebook lacks.
    """
    root, changes = Path(coursedir.root), []
    with one_run(root), Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            book = gradebook.find_notebook(assignment.name, assignment.name)
        except MissingEntry:
            raise CourseError(
                f"the gradebook has no assignment {assignment}: run `course build {assignment}`"
            ) from None
        names = {cell.name.removeprefix("check_"): cell.name for cell in book.grade_cells}
        if question not in names:
            raise CourseError(f"{assignment} has no question {question!r}; it has {', '.join(sorted(names))}")
        for work in sorted(book.submissions, key=lambda work: work.student.id):
            for grade in work.grades:
                if grade.name == names[question]:
                    before = points(grade)
                    grade.manual_score, grade.needs_manual_grade = grade.max_score, False
                    if (after := points(grade)) != before:
                        student = work.student.id
                        changes.append(MarkChange(student, assignment.name, question, before, after, "given to all"))
        gradebook.db.commit()
    note(root, changes)
    return changes
