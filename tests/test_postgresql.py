"""A gradebook in PostgreSQL, by nbgrader's own setting: the marks are those of SQLite, from every command."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from autograder.course.nbgrader_api import nbgrader_settings
from autograder.verification.grades import auto_scores
from tests.conftest import TinyCourse, gradebook, in_the_open
from tests.test_classroom import counts
from tests.test_grading import CLASS

pytest.importorskip("psycopg", reason="psycopg is not installed: pip install -e '.[postgresql]'")
STUDENTS = ("full", "untouched", "square")


def programs() -> Path | None:
    """The folder of PostgreSQL's server programs, the newest: Debian keeps them out of PATH."""
    found = shutil.which("initdb")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    return Path(found).parent if found else places[-1].parent if places else None


pytestmark = [
    pytest.mark.skipif(programs() is None, reason="no PostgreSQL server here: apt-get install postgresql"),
    pytest.mark.postgresql,
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def server():
    """The address of a database on a server of its own, at a socket in a temporary folder."""
    user = "postgres" if os.getuid() == 0 else None  # the server refuses root
    folder = Path(tempfile.mkdtemp(prefix="course-pg-"))  # short: a socket's path may have 107 characters

    def run(program: str, *arguments: str) -> None:
        call = [str(programs() / program), "-D", str(folder / "data"), *arguments]
        with (folder / "log").open("a") as log:
            done = subprocess.run(
                call,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                cwd=folder,
                stdout=log,
                stderr=log,
                timeout=120,
                check=False,
            )
        assert done.returncode == 0, (folder / "log").read_text()

    if user:
        shutil.chown(folder, user, user)
    run("initdb", "--auth=trust", "--username=course", "--no-sync")
    run("pg_ctl", "-w", "-o", f"-F -c listen_addresses='' -k {folder}", "start")
    yield f"postgresql+psycopg://course@/postgres?host={folder}"
    run("pg_ctl", "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder)


def course_of(folder: Path, db_url: str = "") -> TinyCourse:
    course = TinyCourse(folder / "course")
    if db_url:
        with (course.root / "nbgrader_config.py").open("a") as file:
            file.write(f"\nc.CourseDirectory.db_url = {db_url!r}\n")
    done = course.course("build")
    assert done.returncode == 0, done.stderr
    (course.root / ".course_secret").write_text("the same for all")
    for student in STUDENTS:
        course.hand_in(student, CLASS[student])
    return course


def grade(course: TinyCourse, *arguments: str) -> tuple[int, ...]:
    done = course.course("grade", *arguments, *(["--unsafe"] if in_the_open() else []))
    assert done.returncode == 0, done.stderr
    return counts(done.stdout)


def test_marks_in_postgresql_are_those_in_sqlite(server, tmp_path):
    lite = course_of(tmp_path / "lite")
    assert grade(lite) == (3, 0, 0)
    course = course_of(tmp_path / "pg", server)
    assert grade(course) == (3, 0, 0)
    assert grade(course) == (0, 3, 0)
    assert not (course.root / "gradebook.db").exists()
    marks = gradebook(course, server)
    assert marks == gradebook(lite)
    assert len(marks) == 4 * len(STUDENTS)

    db_url = nbgrader_settings(course.root).CourseDirectory.db_url
    assert auto_scores(course.root, "square", course.name, db_url) == auto_scores(lite.root, "square", lite.name)

    done = course.nbgrader("autograde", course.name, "--force")
    assert done.returncode == 0, done.stderr
    assert gradebook(course, server) == marks
    done = course.nbgrader("generate_feedback", course.name)
    assert done.returncode == 0, done.stderr
    page = course.root / "feedback" / "square" / course.name / f"{course.name}.html"
    assert "The square stands where twice the value is asked." in page.read_text()


def test_a_scratch_folder_has_a_gradebook_of_its_own(tmp_path):
    course = TinyCourse(tmp_path / "course")
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.CourseDirectory.db_url = 'postgresql+psycopg://nobody@/nowhere'\n")
    ask = "import pathlib, sys; from autograder.course.nbgrader_api import api; "
    ask += "print(api(pathlib.Path(sys.argv[1])).coursedir.db_url)"
    assert course.python("-c", ask, str(tmp_path)).stdout.strip() == f"sqlite:///{tmp_path}/gradebook.db"
    assert course.python("-c", ask, str(course.root)).stdout.strip() == "postgresql+psycopg://nobody@/nowhere"
