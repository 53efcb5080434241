"""What students get: released notebooks, `utils`, an environment and a page of instructions.

No solution, oracle or grader is in it. The folder is for a public repository, the one that `[tool.course]` of
pyproject.toml names: notebooks link to it, and on Colab their set-up cell fetches it at the tag.
"""

from __future__ import annotations

import re
import shutil
import tomllib
import zipfile
from pathlib import Path

from packaging.requirements import Requirement

from autograder.build.builder import stale_files
from autograder.build.template import project_settings
from autograder.build.totals import handout_title, points_and_minutes
from autograder.course.errors import CourseError
from autograder.course.paths import Course
from utils.files import replaced

# what no notebook and no `utils` needs
INSTRUCTORS = {"nbgrader", "jupytext", "nbconvert", "threadpoolctl", "rich", "latex2mathml"}
PARTS = ("release", "utils", "README.md", "LICENSE", "environment.yml", "requirements.txt", ".gitignore")
IGNORED = ".venv\n__pycache__/\n.ipynb_checkpoints/\nruns/\n"
ROW = re.compile(r"^\| \[(\w+)\]\(release/[^)]*\): (.*?) \|.*\n", re.MULTILINE)  # of the page's table
WHEN = (1980, 1, 1, 0, 0, 0)  # a zip of the same files has the same bytes


def bundle(course: Course, output: Path) -> tuple[Path, Path]:
    """Write the bundle into the folder `output`, as a folder and as a zip; returns both paths.

    What lies in the bundle's folder besides the bundle, such as `.git`, stays.
    Raises CourseError where release/ differs from a fresh build, and where the folder is something else.
    """
    if stale := stale_files(course):
        raise CourseError(f"{stale[0]} differs from a fresh build: run `course build`")
    settings = project_settings(course)
    repository, tag = settings["repository"], settings["tag"]
    name = repository.rpartition("/")[2]
    folder, archive = output / name, output / f"{name}-{tag.removeprefix('v')}.zip"
    if (folder / "assignments").exists() or (folder / "autograder").exists():
        raise CourseError(f"{folder} is a course, not a bundle for students: choose another --output")
    for part in PARTS:
        shutil.rmtree(folder / part) if (folder / part).is_dir() else (folder / part).unlink(missing_ok=True)
    for path, text in contents(course).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text)
    with replaced(archive) as written, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        for path, text in contents(course).items():
            entry = zipfile.ZipInfo(f"{archive.stem}/{path}", WHEN)
            entry.external_attr = 0o644 << 16
            file.writestr(entry, text, zipfile.ZIP_DEFLATED)
    return folder, archive


def placeholder(course: Course) -> bool:
    """Whether notebooks still link to the repository that pyproject.toml came with."""
    return project_settings(course)["repository"].startswith("your-organisation/")


def contents(course: Course) -> dict[str, bytes]:
    """The bundle's files by path."""
    root = course.root
    released = [
        path for one in course.assignments() for path in (root / "release" / one.name).iterdir() if path.is_file()
    ]
    files = [*released, *(root / "utils").glob("*.py"), root / "LICENSE"]
    bundled = {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
    bundled["README.md"] = _page(course).encode()
    bundled["environment.yml"] = _environment(course).encode()
    bundled["requirements.txt"] = ("\n".join(packages(course)) + "\n").encode()
    bundled[".gitignore"] = IGNORED.encode()
    return dict(sorted(bundled.items()))


def _page(course: Course) -> str:
    """What students read first: docs/student.md, its table with a row for each assignment that there is.

    An assignment that the table does not list is called by the title of its hand-out.
    """
    page = (course.root / "docs" / "student.md").read_text(encoding="utf-8").replace("](../", "](")
    listed = list(ROW.finditer(page))
    if not listed:
        return page
    titles = {row[1]: row[2] for row in listed}
    rows = ""
    for one in course.assignments():
        title = titles.get(one.name) or handout_title(one)
        points, minutes = points_and_minutes(one)
        rows += f"| [{one}](release/{one}/README.md): {title} | {minutes or ''} | {points:g} |\n"
    return page[: listed[0].start()] + rows + page[listed[-1].end() :]


def packages(course: Course) -> list[str]:
    """What students install, with the course's ranges."""
    project = tomllib.loads((course.root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [line for line in project["dependencies"] if Requirement(line).name not in INSTRUCTORS]


def _environment(course: Course) -> str:
    """The course's environment.yml without what only instructors need."""
    lines = (course.root / "environment.yml").read_text(encoding="utf-8").splitlines()
    use = [line for line in lines if not line.startswith("#") and re.sub(r"  - |[<>=].*", "", line) not in INSTRUCTORS]
    name = next(line.removeprefix("name: ") for line in use if line.startswith("name: "))
    return f"# conda env create -f environment.yml && conda activate {name}\n" + "\n".join(use) + "\n"
