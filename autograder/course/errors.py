"""What goes wrong in a course's own files and commands."""


class CourseError(Exception):
    """Something in the course's own files or commands is wrong; the message is one sentence for its author."""
