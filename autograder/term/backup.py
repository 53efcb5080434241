"""Back up what a course's folder holds of its students, and put it back."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url

from autograder.course.errors import CourseError
from autograder.course.paths import PREVIEW_DOWNLOADS, PREVIEW_LOG, PREVIEW_PAGES, PREVIEW_REQUESTS
from autograder.course.secret import SECRET

# what belongs to a term and not to the course; the course itself is in its repository
FILES = (SECRET, "nbgrader_config.py", "dates.csv", "mark_changes.csv", "not_graded.csv", PREVIEW_LOG, "students.csv")
FOLDERS = ("submitted", "autograded", "feedback", "downloaded", PREVIEW_REQUESTS, PREVIEW_PAGES, PREVIEW_DOWNLOADS)
FILES_OF_ONE = 200  # of a submission that is read from a backup


def gradebook_file(coursedir: CourseDirectory) -> Path | None:
    """The gradebook's file; None where a server keeps it."""
    url = make_url(coursedir.db_url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def backup(coursedir: CourseDirectory, output: Path) -> list[str]:
    """Write gradebook, secret, settings, submissions and what was made of them into one file, `output` (.tar.gz).

    The gradebook is copied whole, also while others write to it. Returns what is in the file, and what is not, in
    words. Raises CourseError where there is nothing to back up or the file cannot be written; then none is left.
    """
    root, book = Path(coursedir.root), gradebook_file(coursedir)
    parts = [path for name in (*FILES, *FOLDERS) if (path := root / name).exists()]
    kept_book = book if book and book.is_file() else None
    if not kept_book and not (root / "submitted").exists():
        raise CourseError(f"{root} has no gradebook and no submissions: there is nothing to back up")
    part = output.with_name(f".{output.name}.part")
    try:
        with tempfile.TemporaryDirectory() as folder, tarfile.open(part, "w:gz") as archive:
            if kept_book:
                copy = Path(folder, "gradebook.db")
                with (
                    contextlib.closing(sqlite3.connect(kept_book)) as old,
                    contextlib.closing(sqlite3.connect(copy)) as new,
                ):
                    old.backup(new)
                archive.add(copy, "gradebook.db")
            for path in parts:
                archive.add(path, path.name)
        part.chmod(0o600)  # the secret is in it
        part.replace(output)
    except OSError as error:
        raise CourseError(f"{output} cannot be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)
    names = [*(["gradebook.db"] if kept_book else []), *(path.name for path in parts)]
    told = [f"{output} holds {', '.join(names)}"]
    if book is None:
        told.append("the gradebook is kept by a database server and not in it: back it up there, such as by pg_dump")
    return told


def restore(coursedir: CourseDirectory, archive: Path) -> list[str]:
    """Put a backup back into a course's folder; what it replaces is moved aside. Returns in words what was done.

    Raises CourseError for a file that is no backup; then nothing is changed.
    """
    root, book = Path(coursedir.root), gradebook_file(coursedir)
    with tempfile.TemporaryDirectory(dir=root, prefix=".restore-") as folder:
        made = Path(folder)
        try:
            with tarfile.open(archive, "r:gz") as file:
                file.extractall(made, filter="data")
        except (OSError, tarfile.TarError, EOFError) as error:
            raise CourseError(f"{archive} is no backup that can be read: {error}") from None
        names = sorted(path.name for path in made.iterdir())
        if unknown := set(names) - {"gradebook.db", *FILES, *FOLDERS}:
            raise CourseError(f"{archive} is no backup of a course: it holds {', '.join(sorted(unknown))}")
        if "gradebook.db" in names and book is None:
            raise CourseError("the backup has a gradebook in a file, and this course's is kept by a database server")
        places = {name: book if name == "gradebook.db" and book else root / name for name in names}
        aside = put_aside(root, places.values(), "before_restore")
        for name, place in places.items():
            shutil.move(made / name, place)
    return [f"put back {', '.join(names)}", *([f"what was there before is in {aside}"] if aside else [])]


def kept_submissions(archive: Path, assignment: str, largest: int) -> Iterator[tuple[str, Path]]:
    """Each student's folder of an assignment in a backup, one after the other, in a temporary `submitted/`.

    It is gone when the next one is asked for. Ordinary files alone are taken, of `largest` bytes each, of a folder
    FILES_OF_ONE at most. Raises CourseError for a file that cannot be read.
    """
    try:
        with tarfile.open(archive, "r|gz") as file:  # as a stream: no more than one submission is ever unpacked
            entries = ((Path(member.name).parts, member) for member in file if member.isreg())
            wanted = (one for one in entries if one[0][:1] == ("submitted",) and one[0][2:3] == (assignment,))
            for student, members in groupby(wanted, key=lambda one: one[0][1]):
                with tempfile.TemporaryDirectory() as folder:
                    for _, member in islice(members, FILES_OF_ONE):
                        if member.size <= largest:
                            file.extract(member, folder, filter="data")
                    if (submitted := Path(folder, "submitted")).is_dir():
                        yield student, submitted
    except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
        raise CourseError(f"{archive} is no backup that can be read: {error}") from None


def put_aside(root: Path, paths: Iterable[Path], name: str) -> Path | None:
    """Move what exists of some files and folders into a new folder of the course; returns it, or None."""
    there = [path for path in paths if path.exists()]
    if not there:
        return None
    aside = root / f"{name}_{time.strftime('%Y-%m-%d_%H%M%S')}"
    aside.mkdir()
    for path in there:
        shutil.move(path, aside / path.name)
    return aside
