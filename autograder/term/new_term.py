"""Begin a term: a fresh gradebook and secret, with the old term in an archive."""

from __future__ import annotations

import shutil
from pathlib import Path

from nbgrader.coursedir import CourseDirectory

from autograder.course.errors import CourseError
from autograder.course.paths import PREVIEW_LOG
from autograder.course.secret import SECRET, course_secret
from autograder.term.backup import FOLDERS, backup, gradebook_file, gradebook_files

ARCHIVE = "terms"
# what a new term begins without; the settings stay
LEFT = (
    SECRET,
    *("dates.csv", "mark_changes.csv", "not_graded.csv", PREVIEW_LOG, "students.csv", "report"),
    *FOLDERS,
)
HANDED_BACK = ("canvas*.csv", "moodle*.csv", "feedback_*.zip", "preview_*.zip")


def new_term(coursedir: CourseDirectory, old: str) -> list[str]:
    """Archive the term that ends under the name `old`, and clear the course's folder for the next one.

    The archive is `terms/<old>.tar.gz`, which `course restore` reads. Of a folder that is a link to another disk, the
    link goes, and what it leads to stays. Returns in words what was done. Raises CourseError as `backup` does, for a
    term that is there already, and for a gradebook that a server keeps; then nothing is changed.
    """
    root, book = Path(coursedir.root), gradebook_file(coursedir)
    archive = root / ARCHIVE / f"{old}.tar.gz"
    if not old.replace("-", "").replace("_", "").isalnum():
        raise CourseError(f"a term's name may hold letters, digits, '-' and '_', got {old!r}")
    if archive.exists():
        raise CourseError(f"{root / ARCHIVE} has a term {old} already: choose another name")
    if book is None:
        raise CourseError("the gradebook is kept by a database server: give the new term a database of its own there")
    archive.parent.mkdir(exist_ok=True)
    told = backup(coursedir, archive)
    handed_back = [path for pattern in HANDED_BACK for path in root.glob(pattern)]
    for path in (*gradebook_files(book), *handed_back, *(root / name for name in LEFT)):
        if path.is_symlink():
            told.append(f"{path.name} was a link: what it leads to, {path.resolve()}, stays there")
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    course_secret(root)
    return [*told, "the folder is ready for a new term: run `make build`, import the roster and set the dates"]
