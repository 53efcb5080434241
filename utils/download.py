"""One file from the web: resumed after an interruption, checked by its sha256, moved into place in one step.

What has come so far is kept beside the file with the ending `.part`. Processes that want the same file take turns by a
lock that the operating system frees when its holder dies; the later ones find the file there.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

TRIES = 4  # failures in a row, without a new byte, before giving up
PAUSE = 0.5  # seconds before the second try, doubled for each further one
TIMEOUT = 20.0  # seconds without a sign of the server
BLOCK = 1 << 16
PROGRESS_FROM = 1_000_000  # bytes from which on a progress bar is worth its line


class DownloadError(Exception):
    """A file cannot be downloaded; the message says why and names the address."""


class _Dropped(Exception):
    """The connection failed in a way that may pass; worth another try."""


def download(url: str, path: str | Path, sha256: str) -> None:
    """Bring the file at `url` to `path`; nothing is done where it is already there with the right bytes.

    sha256: of the whole file, in hexadecimal digits.
    Raises DownloadError when the server cannot be reached, does not have the file or sends other bytes, and OSError
    where the file cannot be written. `path` is written only with the right bytes.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _turn(path.with_name(path.name + ".lock")):
        if path.is_file() and _digest(path) == sha256:
            return
        part = path.with_name(path.name + ".part")
        resumed = part.is_file() and part.stat().st_size > 0
        if not (resumed and _digest(part) == sha256):  # a process may have been killed just before the last step
            _complete(url, part)
        if resumed and _digest(part) != sha256:  # what an earlier process left may have been wrong
            part.unlink()
            _complete(url, part)
        if (digest := _digest(part)) != sha256:
            part.unlink()
            raise DownloadError(f"{url} has other bytes than expected (sha256 {digest}, expected {sha256})")
        os.replace(part, path)


def _complete(url: str, part: Path) -> None:
    """Add to `part` until the server says that it is whole."""
    failures = 0
    while True:
        before = part.stat().st_size if part.is_file() else 0
        try:
            return _transfer(url, part, before)
        except _Dropped as error:
            failures = 1 if part.is_file() and part.stat().st_size > before else failures + 1
            if failures == TRIES:
                raise DownloadError(f"{url} cannot be reached ({error})") from None
            time.sleep(PAUSE * 2 ** (failures - 1))


def _transfer(url: str, part: Path, offset: int) -> None:
    """Ask once for what is missing from `offset` on; a server that sends the whole file has `part` start over."""
    try:
        request = urllib.request.Request(url, headers={"Range": f"bytes={offset}-"} if offset else {})
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and offset:  # the part is at least as long as the file: what it holds is checked anew
            part.unlink()
            return _transfer(url, part, 0)
        if error.code >= 500 or error.code == 429:
            raise _Dropped(f"the server answers {error.code} {error.reason}") from None
        raise DownloadError(f"{url} cannot be had: the server answers {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise _Dropped(_words(error)) from None
    except ValueError as error:
        raise DownloadError(f"{url!r} is not an address: {error}") from None
    with response:
        continues = response.status == 206 and (response.headers["Content-Range"] or "").startswith(f"bytes {offset}-")
        if response.status == 206 and not continues:
            part.unlink()
            raise _Dropped("the server sends another part of the file than the one asked for")
        offset = offset if continues else 0
        length = response.headers["Content-Length"]
        total = offset + int(length) if length else None
        with part.open("ab" if continues else "wb") as file, _bar(part.stem, total, offset) as bar:
            for block in _blocks(response):
                file.write(block)
                offset += len(block)
                bar.update(len(block))
        if total is not None and offset < total:  # a closed connection looks like the end of the file
            raise _Dropped(f"the connection ended after {offset} of {total} bytes")


def _blocks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The bytes of an answer; only the network's errors become _Dropped, not those of a full disk."""
    while True:
        try:
            block = response.read1(BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise _Dropped(_words(error)) from None
        if not block:
            return
        yield block


def _words(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or reason) or type(error).__name__


def _bar(name: str, total: int | None, done: int) -> tqdm:
    silent = "NBGRADER_EXECUTION" in os.environ or (total or 0) < PROGRESS_FROM
    return tqdm(desc=name, total=total, initial=done, unit="B", unit_scale=True, file=sys.stdout, disable=silent)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Hold the lock on a file, waiting for whoever holds it now."""
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
                except OSError:  # Windows gives up after ten seconds
                    continue
            try:
                yield
            finally:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
            yield  # the lock goes with the file
