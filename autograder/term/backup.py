"""Back up what a course's folder holds of its students, and put it back."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import sqlite3
import stat
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby, islice
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url

from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import unusable
from autograder.course.paths import PREVIEW_DOWNLOADS, PREVIEW_LOG, PREVIEW_PAGES, PREVIEW_REQUESTS
from autograder.course.secret import SECRET

# what belongs to a term and not to the course; the course itself is in its repository
FILES = (SECRET, "nbgrader_config.py", "dates.csv", "mark_changes.csv", "not_graded.csv", PREVIEW_LOG, "students.csv")
FOLDERS = ("submitted", "autograded", "feedback", "downloaded", PREVIEW_REQUESTS, PREVIEW_PAGES, PREVIEW_DOWNLOADS)
FILES_OF_ONE = 200  # of a submission that is read from a backup
LISTED = 3  # names of what a backup leaves out, in its sentence
CHUNK = 1 << 20


def gradebook_file(coursedir: CourseDirectory) -> Path | None:
    """The gradebook's file; None where a server keeps it."""
    url = make_url(coursedir.db_url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def gradebook_files(book: Path) -> list[Path]:
    """A gradebook's file and SQLite's own beside it, which after a killed run would be rolled back into another one."""
    return [book, *(book.with_name(f"{book.name}-{kind}") for kind in ("journal", "wal", "shm"))]


def backup(coursedir: CourseDirectory, output: Path) -> list[str]:
    """Write gradebook, secret, settings, submissions and what was made of them into one file, `output` (.tar.gz).

    The gradebook is copied whole, also while others write to it. A folder of the course may be a link to another disk;
    links and pipes in it are left out, since `restore` takes none. Returns what is in the file, and what is not, in
    words. Raises CourseError where there is nothing to back up, something cannot be read or the file cannot be written;
    then none is left.
    """
    root, book = Path(coursedir.root), gradebook_file(coursedir)
    parts = [path for name in (*FILES, *FOLDERS) if (path := root / name).exists()]
    kept_book = book if book and book.is_file() else None
    if not kept_book and not (root / "submitted").exists():
        raise CourseError(f"{root} has no gradebook and no submissions: there is nothing to back up")
    part = output.with_name(f".{output.name}.part")
    left: list[str] = []
    try:
        part.unlink(missing_ok=True)  # of a killed run
        with (
            tempfile.TemporaryDirectory() as folder,
            open(part, "xb", opener=partial(os.open, mode=0o600)) as file,  # the secret is in it
            tarfile.open(fileobj=file, mode="w:gz", dereference=True) as archive,  # a hard link is a file
        ):
            if kept_book:
                copy = Path(folder, "gradebook.db")
                with (
                    contextlib.closing(sqlite3.connect(kept_book)) as old,
                    contextlib.closing(sqlite3.connect(copy)) as new,
                ):
                    old.backup(new)
                archive.add(copy, "gradebook.db")
            for path in parts:
                left += _add(archive, path)
        part.replace(output)
    except sqlite3.Error as error:
        raise CourseError(unusable(error)) from None
    except OSError as error:
        raise CourseError(f"{output} cannot be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)
    names = [*(["gradebook.db"] if kept_book else []), *(path.name for path in parts)]
    told = [f"{output} holds {', '.join(names)}"]
    if left:
        more = f" and {len(left) - LISTED} more" if len(left) > LISTED else ""
        told.append(f"only files and folders are kept; left out: {', '.join(map(repr, left[:LISTED]))}{more}")
    if book is None:
        told.append("the gradebook is kept by a database server and not in it: back it up there, such as by pg_dump")
    return told


def _add(archive: tarfile.TarFile, top: Path) -> list[str]:
    """Add a file, or a folder with all that is in it, under its name; returns the links, pipes and the like in it.

    These are left out, as are a grading run's unfinished folders and what vanishes meanwhile. Raises CourseError for
    what cannot be read.
    """
    left, waiting = [], [(top.resolve(), top.name)]
    while waiting:
        path, name = waiting.pop()
        try:
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
                left.append(name)
                continue
            file = path.open("rb") if stat.S_ISREG(mode) else None
            within = [] if file else sorted(path.iterdir(), reverse=True)
            entry = archive.gettarinfo(path, name, file)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise CourseError(f"{str(path)!r} cannot be read: {error.strerror}") from None
        with file or contextlib.nullcontext():
            archive.addfile(entry, file)
        waiting += [(inner, f"{name}/{inner.name}") for inner in within if not inner.match(".*.part")]
    return left


def restore(coursedir: CourseDirectory, archive: Path) -> list[str]:
    """Put a backup back into a course's folder; what it replaces is moved aside. Returns in words what was done.

    Raises CourseError for a file that is no backup; then nothing is changed.
    """
    root, book = Path(coursedir.root), gradebook_file(coursedir)
    with tempfile.TemporaryDirectory(dir=root, prefix=".restore-") as folder:
        made = Path(folder)
        try:
            with gzip.open(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as file:
                file.extractall(made, filter="data")
                while stream.read(CHUNK):  # the checksum stands behind the end of what tarfile reads
                    pass
        except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
            raise CourseError(f"{archive} is no backup that can be read: {error}") from None
        names = sorted(path.name for path in made.iterdir())
        if unknown := set(names) - {"gradebook.db", *FILES, *FOLDERS}:
            raise CourseError(f"{archive} is no backup of a course: it holds {', '.join(sorted(unknown))}")
        if "gradebook.db" in names and book is None:
            raise CourseError("the backup has a gradebook in a file, and this course's is kept by a database server")
        places = {name: book if name == "gradebook.db" and book else root / name for name in names}
        journals = gradebook_files(places["gradebook.db"])[1:] if "gradebook.db" in places else []
        aside = put_aside(root, [*places.values(), *journals], "before_restore")
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
    there = [path for path in paths if path.exists() or path.is_symlink()]
    if not there:
        return None
    aside = root / f"{name}_{time.strftime('%Y-%m-%d_%H%M%S')}"
    aside.mkdir()
    for path in there:
        shutil.move(path, aside / path.name)
    return aside
