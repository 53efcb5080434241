"""What stands in a course of an assignment that is no more: nothing removes it but the instructor."""

from __future__ import annotations

from nbgrader.api import Gradebook

from autograder.course.nbgrader_api import course_directory
from autograder.course.paths import Course
from autograder.course.words import counted, listed


def leftovers(course: Course) -> list[str]:
    """A sentence for each name in source/, release/ or the gradebook that is no assignment, with what removes it.

    The names that stand in a folder come first.
    """
    known = {one.name for one in course.assignments()}
    folders: dict[str, list[str]] = {}
    for top in ("source", "release"):
        for path in sorted((course.root / top).glob("[!._]*/")):
            if path.name not in known:
                folders.setdefault(path.name, []).append(f"{top}/{path.name}")
    handed_in = {name: count for name, count in _in_gradebook(course).items() if name not in known}
    told = []
    for name in [*folders, *sorted(handed_in.keys() - folders.keys())]:
        places = [f"{folder}/" for folder in folders.get(name, [])]
        commands = [f"rm -r {' '.join(folders[name])}"] if name in folders else []
        loses = ""
        if name in handed_in:
            count = handed_in[name]
            places.append("the gradebook")
            commands.append(f".venv/bin/nbgrader db assignment remove {name}{' --force' if count else ''}")
            loses = f" (with the marks of {counted(count, 'submission')})" if count else ""
        stands = f"{name} is no assignment, but stands in {listed(places)}"
        told.append(f"{stands}; this removes it{loses}: {' && '.join(commands)}")
    return told


def _in_gradebook(course: Course) -> dict[str, int]:
    """The assignments that the gradebook knows, with how many have handed in; none without a gradebook."""
    url = course_directory(course.root).db_url
    if url == f"sqlite:///{course.root / 'gradebook.db'}" and not (course.root / "gradebook.db").exists():
        return {}
    with Gradebook(url) as gradebook:
        return {one.name: one.num_submissions for one in gradebook.assignments}
