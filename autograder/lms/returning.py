"""`course return`: students' pages in a zip that Moodle hands out, by *Upload multiple feedback files in a zip*.

Moodle takes a folder `First Last_1234567_assignsubmission_file` for the student of that number in the assignment, as it
named the submission: https://github.com/moodle/moodle/blob/main/mod/assign/feedback/file/importziplib.php
Canvas would show such pages under the name of the notebook that was handed in, so there is no zip for it.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import course_directory
from autograder.intake.collecting import matching_students, origin, people
from utils.files import replaced


def pack(root: Path, assignment: str, output: Path) -> list[str]:
    """Write feedback, and the pages of `course report` where there are some, into a zip for Moodle.

    Returns in sentences what was written and who has no pages. Raises CourseError where nothing was collected
    from Moodle, or no feedback was made.
    """
    coursedir = course_directory(root)
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        roster = people(gradebook)
    extracted = root / "downloaded" / assignment / "extracted"
    origins = {origin(path.relative_to(extracted).parts) for path in extracted.rglob("*")}
    folders: dict[str, set[str]] = {}
    for sender in origins:
        students = matching_students(sender, roster) if sender and sender.system == "Moodle" else []
        if sender and len(students) == 1:
            folders.setdefault(students[0], set()).add(f"{sender.name}_{sender.number}_assignsubmission_file")
    if not folders:
        raise CourseError(f"no submission of {assignment} came from Moodle: attach the pages of feedback/ one by one")
    pages = {student: _pages(root, coursedir, assignment, student) for student in folders if len(folders[student]) == 1}
    if not any(pages.values()):
        raise CourseError(f"there is no feedback yet: run `nbgrader generate_feedback {assignment}`")
    with replaced(output) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, files in sorted(pages.items()):
            for name, path in files.items():
                archive.write(path, f"{next(iter(folders[student]))}/{name}")
    notes = [f"wrote {output}: pages of {sum(map(bool, pages.values()))} students"]
    without = sorted(person.id for person in roster if not pages.get(person.id))
    return notes + [f"no pages for {', '.join(without)}"] * bool(without)


def _pages(root: Path, coursedir: CourseDirectory, assignment: str, student: str) -> dict[str, Path]:
    """A student's pages by the name that they get, where feedback was made."""
    feedback = Path(coursedir.format_path(coursedir.feedback_directory, student, assignment)) / f"{assignment}.html"
    pages = {feedback.name: feedback, f"{assignment}_marks.html": root / "report" / assignment / f"{student}.html"}
    return {name: path for name, path in pages.items() if path.is_file()} if feedback.is_file() else {}
