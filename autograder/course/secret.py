"""The course's secret, from which the inputs of all questions are drawn."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path

from autograder.course.errors import CourseError

SECRET = ".course_secret"


def course_secret(folder: Path) -> str:
    """The course's secret, beside its gradebook, made at first use. All students' inputs are drawn from it."""
    path = folder / SECRET
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(secrets.token_hex(16))
        path.chmod(0o600)
    except FileExistsError:
        pass
    secret = path.read_text(encoding="utf-8").strip()
    if not secret:
        raise CourseError(f"{path} is empty: delete it, and the next run makes a new one")
    return secret


def preview_secret(folder: Path) -> str:
    """The secret of previews, the same for all: a keyed hash of the course's, which it therefore cannot reveal."""
    return hmac.new(course_secret(folder).encode(), b"preview", "sha256").hexdigest()
