"""One file from the web: resumed after an interruption, checked by its sha256, moved into place in one step.

It stands on urllib because the libraries at hand do not go on where a download stopped: `torch.hub` and `pooch` both
throw away what came before an interruption. What has come so far is kept beside the file with the ending `.part`, for
the next process too. Processes that want the same file take turns; the later ones find the file there.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from filelock import FileLock
from tqdm import tqdm

TRIES = 4  # failures in a row, without a new byte, before giving up
PAUSE = 0.5  # seconds before the second try, doubled for each further one
TIMEOUT = 20.0  # seconds without a sign of the server
BLOCK = 1 << 16
PROGRESS_FROM = 1_000_000  # bytes from which on a progress bar is worth its line
NETWORK = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)


class DownloadError(Exception):
    """A file cannot be downloaded; the message says why and names the address."""


def download(url: str, path: str | Path, sha256: str) -> None:
    """Bring the file at `url` to `path`; nothing is done where it is already there with the right bytes.

    sha256: of the whole file, in hexadecimal digits.
    Raises DownloadError when the server cannot be reached, does not have the file or sends other bytes, and OSError
    where the file cannot be written. `path` is written only with the right bytes.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with FileLock(path.with_name(path.name + ".lock")):
        if _digest(path) == sha256:
            return
        failures, from_zero = 0, False
        while _digest(part) != sha256:
            size = _size(part)
            from_zero |= size == 0
            try:
                _transfer(url, part, size)
            except NETWORK as error:
                failures = 1 if _size(part) > size else failures + 1
                lasting = isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code != 429
                if lasting or failures == TRIES:
                    raise DownloadError(f"{url} cannot be downloaded: {_words(error)}") from None
                time.sleep(PAUSE * 2 ** (failures - 1))
                continue
            except ValueError as error:
                raise DownloadError(f"{url!r} is not an address: {error}") from None
            if (digest := _digest(part)) != sha256:
                part.unlink(missing_ok=True)
                if from_zero:  # else what an earlier process left may have been wrong: once more from the beginning
                    raise DownloadError(f"{url} has other bytes than expected (sha256 {digest}, expected {sha256})")
        os.replace(part, path)


def _transfer(url: str, part: Path, start: int) -> None:
    """Ask once for what is missing from `start` on; a server that sends the whole file has `part` start over."""
    try:
        request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # the part is at least as long as the file
            return
        raise
    with response:
        start = start if response.status == 206 else 0
        length = response.headers["Content-Length"]
        total = start + int(length) if length else 0
        silent = "NBGRADER_EXECUTION" in os.environ or total < PROGRESS_FROM
        bar = tqdm(
            desc=part.stem, total=total, initial=start, unit="B", unit_scale=True, file=sys.stdout, disable=silent
        )
        with part.open("ab" if start else "wb") as file, bar:
            while block := response.read1(BLOCK):
                file.write(block)
                bar.update(len(block))
    if _size(part) < total:  # a closed connection looks like the end of the file
        raise ConnectionError(f"the connection ended after {_size(part)} of {total} bytes")


def _words(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason) or type(error).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
