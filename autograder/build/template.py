"""What every notebook opens with: the badge, the set-up cell and the notebook's metadata, from one place."""

from __future__ import annotations

import tomllib
from functools import cache

from autograder.course.errors import CourseError
from autograder.course.paths import Assignment, Course

SET_UP = '''\
# @title Set-up: run this cell first, everything below needs it.
import io, os, pathlib, sys, urllib.request, zipfile

BUNDLE = "{bundle}"


def find_course():
    """The folder that holds `utils`: this one, one above it, or the student bundle, fetched once."""
    here = pathlib.Path.cwd()
    named = [pathlib.Path(os.environ["COURSE_ROOT"])] if "COURSE_ROOT" in os.environ else []
    for folder in [*named, here, *here.parents, *here.glob("course-bundle/*")]:
        if (folder / "utils" / "session.py").is_file():
            return folder
    try:
        with urllib.request.urlopen(BUNDLE, timeout=60) as reply:
            zipfile.ZipFile(io.BytesIO(reply.read())).extractall("course-bundle")
    except (OSError, zipfile.BadZipFile) as error:
        raise SystemExit(f"The course's files are not here and {{BUNDLE}} did not come ({{error}}). "
                         "Open this notebook inside the course's folder, or try again with a network.") from None
    return next(here.glob("course-bundle/*/utils")).parent


sys.path.insert(0, str(find_course()))
from utils import session

course = session.start()
'''


@cache
def project_settings(course: Course) -> dict:
    """`[tool.course]` of the course's pyproject.toml. Raises CourseError when a setting is missing."""
    path = course.root / "pyproject.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("course", {})
    for key in ("repository", "tag", "gpu"):
        if key not in table:
            raise CourseError(f"{path}: [tool.course] needs {key!r}")
    return table


def bundle_address(course: Course) -> str:
    """Where the student bundle is fetched from, at the pinned tag."""
    return "https://github.com/{repository}/archive/refs/tags/{tag}.zip".format(**project_settings(course))


def badge(assignment: Assignment) -> str:
    """Markdown below the title: the badge that opens the release on Colab, and a word on the folded set-up cell."""
    tree = "{repository}/blob/{tag}".format(**project_settings(assignment.course))
    address = f"https://colab.research.google.com/github/{tree}/release/{assignment}/{assignment}.ipynb"
    hint = "The next cell is folded: it sets the notebook up. Run it first."
    return f"[Open this notebook in Colab]({address})\n\n{hint}"


def set_up(course: Course) -> str:
    """Source of the set-up cell."""
    return SET_UP.format(bundle=bundle_address(course)).rstrip("\n")


def metadata(assignment: Assignment) -> dict:
    """The notebook's own metadata, Colab's keys included."""
    keys = {
        "colab": {"name": f"{assignment}.ipynb", "provenance": [], "toc_visible": True},
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return keys | ({"accelerator": "GPU"} if assignment.name in project_settings(assignment.course)["gpu"] else {})
