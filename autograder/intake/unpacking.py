"""Open the zips that Moodle and Canvas give, and those that students hand in, within bounds.

nbgrader's own extractor writes whatever a zip holds. This one writes notebooks and weights alone, below the name that
says whose they are. A file that is left out costs its own submission only, and is reported in one sentence.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from nbgrader.plugins import ExtractorPlugin

from autograder.intake.collecting import origin, printable
from autograder.intake.submission import DATA, DATA_LIMIT, NOTEBOOK_LIMIT

ZIPS_DEEP = 2  # a student's zip within that of the system
FILES, BYTES = 200, 160 << 20  # of one submission
ZIP_LIMIT = 96 << 20  # bytes of a student's zip, which is read into memory
CONTENTS = 4 << 20  # bytes of a zip's table of contents
PARTS, NAME = 12, 240  # folders above each other; bytes of a name
CHUNK = 1 << 16
DRIVE = re.compile("[A-Za-z]:")  # Windows's, at a path's beginning
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may ask for any amount of memory


class LeftOut(Exception):
    """Why something was left out, in words."""


class BoundedExtractor(ExtractorPlugin):
    """`nbgrader zip_collect`'s first step: from `archive/` to `extracted/`."""

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpack every download in a folder; files that are already unpacked are taken as they are."""
        self._extracted = Path(extracted_path)
        self.people: set[str] = set()  # whoever handed something in
        if self.parent is not None:  # the command; there is none where this is used as a library
            self.parent.process_extracted_files = partial(self._collected, self.parent.process_extracted_files)
        self._files: Counter = Counter()  # of each submission
        self._bytes: Counter = Counter()
        archive = Path(archive_path)
        paths = [path for path in sorted(archive.rglob("*")) if path.is_symlink() or not path.is_dir()]
        if not paths:
            self.log.warning("%s is empty: put your downloads there", archive)
        for path in paths:
            parts = path.relative_to(archive).parts
            self._note(parts)
            try:
                if path.is_symlink() or not path.is_file():
                    raise LeftOut("it is not an ordinary file")
                if len(parts) == 1 and path.suffix.lower() == ".zip" and origin(parts):
                    raise LeftOut("its name is like one student's: rename it if it is a whole download")
                with path.open("rb") as file:
                    self._take(parts, file, 0)
            except LeftOut as reason:
                self._tell(parts, reason)

    def _collected(self, collect: Callable[[], None]) -> None:
        """nbgrader's second step; then end with exit code 1 where somebody's submission was not collected."""
        try:
            collect()
        finally:
            self.parent.collector_plugin_inst.put_times_back()
        if self.people - self.parent.collector_plugin_inst.collected:
            self.parent.exit(1)

    def _note(self, parts: tuple[str, ...]) -> None:
        """Note who handed a file in, whether or not it can be taken."""
        if (owner := origin(parts)) and not _of_a_system(parts):
            self.people.add(owner.who)

    def _tell(self, parts: tuple[str, ...], reason: object) -> None:
        self.log.warning("%s was left out: %s", printable("/".join(parts)), printable(str(reason)))

    def _take(self, parts: tuple[str, ...], file: IO[bytes], zips: int) -> None:
        """Write a notebook or weights, open a zip. Raises LeftOut for the rest; `zips` are open around the file."""
        if _of_a_system(parts):
            return
        kind, owner = Path(parts[-1]).suffix.lower(), origin(parts)
        if kind == ".zip":
            if zips == ZIPS_DEEP:
                raise LeftOut("it is a zip in a zip: these are not opened")
            if zips:  # to seek in a packed file is to unpack it to its end, however far that is
                file = io.BytesIO(file.read(ZIP_LIMIT + 1))
                if file.seek(0, io.SEEK_END) > ZIP_LIMIT:
                    raise LeftOut(f"it is larger than {ZIP_LIMIT >> 20} MiB")
            self._open(parts, _Bounded(file), zips + 1)
        elif owner is None:
            raise LeftOut("its name is neither Moodle's nor Canvas's")
        elif kind != ".ipynb" and kind not in DATA:
            raise LeftOut("it is neither a notebook, nor weights, nor a zip")
        else:
            self._write(parts, file, DATA_LIMIT if kind in DATA else NOTEBOOK_LIMIT, owner.who)

    def _open(self, parts: tuple[str, ...], file: _Bounded, zips: int) -> None:
        """Take a zip's files, member by member."""
        try:
            with zipfile.ZipFile(file) as archive:  # type: ignore[call-overload]
                entries = [entry for entry in archive.infolist() if not entry.is_dir()]
                if origin(parts) and len(entries) > FILES:
                    raise LeftOut(f"it holds {len(entries)} files; at most {FILES} are allowed")
                for entry in entries:
                    inner = PurePosixPath(entry.filename.replace("\\", "/")).parts
                    self._note(parts + inner)
                    try:
                        self._member(archive, entry, parts + inner, inner, zips)
                    except LeftOut as reason:
                        self._tell(parts + inner, reason)
        except LeftOut:
            raise
        except Exception as error:  # whatever a crafted zip makes zipfile stumble over
            raise LeftOut(f"it cannot be read as a zip ({error})") from None

    def _member(
        self,
        archive: zipfile.ZipFile,
        entry: zipfile.ZipInfo,
        parts: tuple[str, ...],
        inner: tuple[str, ...],
        zips: int,
    ) -> None:
        if not inner or ".." in inner or inner[0] == "/" or DRIVE.match(inner[0]):
            raise LeftOut("its path leads out of the zip")
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise LeftOut("it is a link, and only files are taken")
        if entry.compress_type not in PACKED or entry.flag_bits & 1:
            raise LeftOut("it is encrypted, or its compression is not supported")
        try:
            with archive.open(entry) as file:
                self._take(parts, file, zips)
        except LeftOut:
            raise
        except Exception as error:
            raise LeftOut(f"it cannot be unpacked ({error})") from None

    def _write(self, parts: tuple[str, ...], file: IO[bytes], limit: int, who: str) -> None:
        """Write a submitted file below `extracted/`, never over another."""
        if len(parts) > PARTS:
            raise LeftOut(f"it lies more than {PARTS} folders deep")
        self._files[who] += 1
        if self._files[who] > FILES:
            raise LeftOut(f"the submission holds more than {FILES} files")
        last = Path(parts[-1])
        folder, kind = self._extracted.joinpath(*map(_name, parts[:-1])), last.suffix.lower()
        target, number = folder / f"{_name(last.stem)}{kind}", 1
        while target.exists():  # a zip may hold a name twice
            number += 1
            target = folder / f"{_name(last.stem)} ({number}){kind}"
        target.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        try:
            with target.open("xb") as out:
                while data := file.read(CHUNK):
                    size += len(data)
                    self._bytes[who] += len(data)
                    if size > limit:
                        raise LeftOut(f"it is larger than {limit >> 20} MiB")
                    if self._bytes[who] > BYTES:
                        raise LeftOut(f"the submission is larger than {BYTES >> 20} MiB")
                    out.write(data)
        except BaseException:
            target.unlink(missing_ok=True)
            raise


class _Bounded:
    """A file for zipfile, which reads a table of contents at once, however long it claims to be."""

    def __init__(self, file: IO[bytes]):
        self.seek, self.tell, self.seekable, self._file = file.seek, file.tell, file.seekable, file

    def read(self, size: int = -1) -> bytes:
        """As a file's. Raises LeftOut for more than any table of contents needs."""
        if size > CONTENTS:
            raise LeftOut("its table of contents is too long")
        return self._file.read(size)


def _of_a_system(parts: tuple[str, ...]) -> bool:
    """Whether a file is one of those that systems leave beside others."""
    return any(part.startswith(".") or part == "__MACOSX" for part in parts if not origin((part,)))


def _name(part: str) -> str:
    """A name for a file here: printable, and not longer than a file system takes."""
    return printable(part).encode("utf-8", "replace")[:NAME].decode(errors="ignore")
