"""What goes wrong in a course's own files and commands."""


class CourseError(Exception):
    """Something in the course's own files or commands is wrong; the message is one sentence for its author."""


def reason(error: Exception) -> str:
    """Why something failed, in one line that a terminal can show."""
    text = str(error) if isinstance(error, CourseError) else f"{type(error).__name__}: {error}"
    return "".join(sign if sign.isprintable() else " " for sign in text)[:400]
