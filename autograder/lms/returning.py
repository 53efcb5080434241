"""`course return`: students' pages in a zip that Moodle hands out as feedback files, or Canvas attaches to comments.

- Moodle, *Upload multiple feedback files in a zip*, takes a folder `First Last_1234567_assignsubmission_file` for the
  student of that number in the assignment, as it named the submission.
  https://github.com/moodle/moodle/blob/main/mod/assign/feedback/file/importziplib.php
- Canvas, *Upload Submissions*, takes files called as it called them in the download, and reads two numbers in the name:
  of the student, and of the file that the student's submission holds now. It attaches each to a comment, under the
  name of that file, so what goes back is a file of the same kind: a notebook, or a zip with the pages.
  https://github.com/instructure/canvas-lms/blob/master/app/models/abstract_assignment.rb
  (infer_comment_context_from_filename)
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from autograder.course.errors import CourseError
from autograder.course.marks import Mark, read_marks
from autograder.course.nbgrader_api import course_directory
from autograder.course.paths import PREVIEW_DOWNLOADS, PREVIEW_PAGES
from autograder.course.words import counted
from autograder.intake.collecting import Person, UnpackedFile, matching_students, people, plan, unpacked_files
from autograder.pages.notebook import feedback_notebook
from utils.files import replaced

SYSTEMS = {"moodle": "Moodle", "canvas": "Canvas"}


def pack(root: Path, assignment: str, output: Path, to: str | None = None, preview: bool = False) -> list[str]:
    """Write feedback, and the pages of `course report` where there are some, into a zip for Moodle or Canvas.

    to: a key of SYSTEMS; by default Moodle, unless all submissions came from Canvas. preview: the pages of `course
    preview` instead, which only Moodle can hand out. Returns in sentences what was written and who has no pages. Raises
    CourseError where nothing was collected from there, or there is nothing to give back.
    """
    coursedir = course_directory(root)
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        roster = people(gradebook)
        marks = read_marks(gradebook, assignment)
    downloads = [PREVIEW_DOWNLOADS, "downloaded"] if preview else ["downloaded"]  # by handing in, students ask too
    places = [root / folder / assignment / "extracted" for folder in downloads]
    files = unpacked_files(next((place for place in places if place.is_dir()), places[-1]))
    came = {file.origin.system for file in files}
    system = SYSTEMS[to] if to else "Canvas" if came == {"Canvas"} else "Moodle"
    files = [file for file in files if file.origin.system == system]
    if not files:
        where = PREVIEW_PAGES if preview else "feedback"
        raise CourseError(f"no submission of {assignment} came from {system}: attach the pages of {where}/ one by one")
    if preview and system == "Canvas":
        raise CourseError("previews go back through Moodle or a hub: Canvas would call the page as the notebook")
    pages = {person.id: _pages(root, coursedir, assignment, person.id, preview) for person in roster}
    if not any(pages.values()):
        lacking = "preview yet: run `course preview" if preview else "feedback yet: run `nbgrader generate_feedback"
        raise CourseError(f"there is no {lacking} {assignment}`")
    if system == "Canvas":
        graded = Path(coursedir.root) / coursedir.autograded_directory
        entries = _for_canvas(files, roster, assignment, pages, marks, graded)
    else:
        entries = _for_moodle(files, roster, pages)
    packed = set()
    with replaced(output) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, name, data in entries:
            archive.writestr(name, data)
            packed.add(student)
    notes = [f"wrote {output}, for {system}: pages of {counted(len(packed), 'student')}"]
    without = [] if preview else sorted(person.id for person in roster if person.id not in packed)
    notes += [f"no pages for {', '.join(without)}"] * bool(without)
    others = [] if preview else sorted(came - {system})  # previews do not go back through Canvas
    return notes + [f"for those of {other}: --to {other.lower()}" for other in others]


def _for_moodle(
    files: list[UnpackedFile], roster: list[Person], pages: dict[str, dict[str, Path]]
) -> Iterator[tuple[str, str, bytes]]:
    """Each student's pages by their name in the zip; none where nobody or several people match a student."""
    folders: dict[str, set[str]] = {}
    for sender in {file.origin.who: file.origin for file in files}.values():
        students = matching_students(sender, roster)
        if len(students) == 1:
            folders.setdefault(students[0], set()).add(f"{sender.name}_{sender.number}_assignsubmission_file")
    for student, named in sorted(folders.items()):
        if len(named) == 1:
            for name, path in pages[student].items():
                yield student, f"{next(iter(named))}/{name}", path.read_bytes()


def _for_canvas(
    files: list[UnpackedFile],
    roster: list[Person],
    assignment: str,
    pages: dict[str, dict[str, Path]],
    marks: dict[str, Mark],
    graded: Path,
) -> Iterator[tuple[str, str, bytes]]:
    """For each student what answers the file that was graded, by Canvas's name of it.

    graded: the folder of graded notebooks.
    """
    origins = {file.path: file.origin for file in files}
    taken, _ = plan(files, roster, assignment)
    for path, (student, name) in sorted(taken.items(), key=lambda item: item[1]):
        book = graded / student / assignment / name
        if name != f"{assignment}.ipynb" or not pages[student] or student not in marks or not book.is_file():
            continue
        sent = origins[path]
        if sent.rest.lower().endswith(".zip"):
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for called, page in pages[student].items():
                    archive.write(page, called)
            yield student, sent.canvas_name, packed.getvalue()
        else:
            yield student, sent.canvas_name, feedback_notebook(book, marks[student]).encode()


def _pages(root: Path, coursedir: CourseDirectory, assignment: str, student: str, preview: bool) -> dict[str, Path]:
    """A student's pages by the name that they get, where feedback or a preview was made."""
    folder = PREVIEW_PAGES if preview else coursedir.feedback_directory
    page = Path(coursedir.format_path(folder, student, assignment)) / f"{assignment}.html"
    if preview:
        pages = {f"{assignment}_preview.html": page}
    else:
        pages = {page.name: page, f"{assignment}_marks.html": root / "report" / assignment / f"{student}.html"}
    return {name: path for name, path in pages.items() if path.is_file()} if page.is_file() else {}
