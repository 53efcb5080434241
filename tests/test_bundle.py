"""The student bundle: what is in it runs by itself, and nothing of solutions or grader is in it."""

import ast
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from unittest import mock

import nbformat
import pytest
from packaging.requirements import Requirement

from autograder.build import bundle
from autograder.build.template import project_settings
from autograder.cli import main
from autograder.course.errors import CourseError
from autograder.course.paths import OWN, ROOT
from autograder.course.solutions import assignment_cells
from autograder.oracle.questions import load_questions

IMPORTED_AS = {"scikit-learn": "sklearn", "jupyterlab": "IPython"}


@pytest.fixture(scope="module", autouse=True)
def fresh():
    """What is released counts as freshly built: tests/test_builder.py sees to it."""
    with mock.patch.object(bundle, "stale_files", return_value=[]):
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return bundle.bundle(OWN, tmp_path_factory.mktemp("dist"))


def files(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def test_zip_and_folder_hold_the_same_and_the_zip_is_as_the_set_up_cell_expects(made):
    folder, archive = made
    settings = project_settings(OWN)
    name, tag = settings["repository"].rpartition("/")[2], settings["tag"].removeprefix("v")
    assert (folder.name, archive.name) == (name, f"{name}-{tag}.zip")
    with zipfile.ZipFile(archive) as file:
        zipped = {entry: file.read(entry) for entry in file.namelist()}
    assert zipped == {f"{name}-{tag}/{path}": place.read_bytes() for path, place in files(folder).items()}
    for assignment in OWN.assignments():
        assert f"release/{assignment}/{assignment}.ipynb" in files(folder)
    assert "utils/session.py" in files(folder)


def test_no_solution_and_nothing_of_the_grader_is_in_it(made):
    text = "\n".join(path.read_text(encoding="utf-8") for path in files(made[0]).values())
    assert not [path for path in files(made[0]) if path.split("/")[0] in ("autograder", "assignments", "source")]
    assert "BEGIN SOLUTION" not in text
    assert "import autograder" not in text
    assert "from autograder" not in text
    for assignment in OWN.assignments():
        for question in load_questions(assignment):
            for wrong in question.misconceptions:
                assert wrong.means not in text
        released = nbformat.read(made[0] / "release" / assignment.name / f"{assignment}.ipynb", as_version=4)
        by_id = {cell.id: cell for cell in released.cells}
        for cell in assignment_cells(assignment):
            if cell.role == "solution":
                assert "not written yet" in by_id[cell.id].source


def test_what_it_imports_is_what_its_requirements_name(made):
    imported = set()
    for path, place in files(made[0]).items():
        sources = [place.read_text(encoding="utf-8")] if path.endswith(".py") else []
        if path.endswith(".ipynb"):
            cells = json.loads(place.read_text(encoding="utf-8"))["cells"]
            sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        for source in sources:
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    imported.add(node.module.split(".")[0])
    named = {Requirement(line).name for line in (made[0] / "requirements.txt").read_text().splitlines()}
    known = {IMPORTED_AS.get(name, name) for name in named}
    assert imported - set(sys.stdlib_module_names) - {"utils", "google"} <= known
    conda = (made[0] / "environment.yml").read_text()
    for name in named:
        assert f"  - {'pytorch' if name == 'torch' else name}>" in conda
    assert not [name for name in bundle.INSTRUCTORS if f"- {name}" in conda]


def test_a_notebook_runs_in_it_without_the_course(made, tmp_path):
    folder = made[0] / "release" / "hw4_gru_gradients"
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "COURSE_ROOT")}
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--allow-errors"]
    done = subprocess.run(
        [*command, f"--output={tmp_path / 'run.ipynb'}", "hw4_gru_gradients.ipynb"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    ran = nbformat.read(tmp_path / "run.ipynb", as_version=4)
    errors = [
        out for cell in ran.cells if cell.cell_type == "code" for out in cell.outputs if out.output_type == "error"
    ]
    assert errors
    assert all("not written yet" in "".join(error.traceback) for error in errors)


def test_links_of_its_page_lead_to_files(made):
    page = (made[0] / "README.md").read_text(encoding="utf-8")
    links = [link.split(")")[0] for link in page.split("](")[1:]]
    assert links
    for link in links:
        assert link.startswith("https://") or (made[0] / link).is_file(), link


def test_its_page_lists_the_assignments_that_there_are(tiny):
    for file in ("docs/student.md", "LICENSE", "environment.yml"):
        (tiny.root / file).parent.mkdir(exist_ok=True)
        (tiny.root / file).write_text((ROOT / file).read_text(encoding="utf-8"), encoding="utf-8")
    tiny.edit("README.md", "# Tiny\n", "# hw0: a tiny one\n\nIn all 8 points and about 20 minutes.\n")
    assert tiny.course("build").returncode == 0
    page = bundle.contents(tiny.own)["README.md"].decode()
    assert [line for line in page.splitlines() if line.startswith("| [")] == [
        "| [hw0_tiny](release/hw0_tiny/README.md): a tiny one | 20 | 8 |"
    ]
    own = bundle.contents(OWN)["README.md"].decode()
    assert own == (ROOT / "docs" / "student.md").read_text(encoding="utf-8").replace("](../", "](")


def test_a_second_one_has_the_same_bytes_and_leaves_what_is_not_its_own(made, tmp_path):
    folder, archive = bundle.bundle(OWN, tmp_path)
    assert archive.read_bytes() == made[1].read_bytes()
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "utils" / "old.py").write_text("")
    bundle.bundle(OWN, tmp_path)
    assert (folder / ".git" / "HEAD").read_text() == "ref: refs/heads/main\n"
    assert not (folder / "utils" / "old.py").exists()


def test_it_writes_over_no_course(tmp_path, capsys):
    name = project_settings(OWN)["repository"].rpartition("/")[2]
    (tmp_path / name / "assignments").mkdir(parents=True)
    assert main(["bundle", "--output", str(tmp_path)]) == 2
    assert "is a course, not a bundle for students" in capsys.readouterr().err
    assert (tmp_path / name / "assignments").is_dir()


def test_a_stale_release_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(
        bundle, "stale_files", lambda course: [Path("release/hw4_gru_gradients/hw4_gru_gradients.ipynb")]
    )
    with pytest.raises(CourseError, match="differs from a fresh build: run `course build`"):
        bundle.bundle(OWN, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("repository", "told"), [("your-organisation/rnn", True), ("some-school/rnn", False)])
def test_the_repository_that_the_course_came_with_is_told(tmp_path, monkeypatch, capsys, repository, told):
    monkeypatch.setattr(bundle, "project_settings", lambda course: {"repository": repository, "tag": "v1"})
    assert main(["bundle", "--output", str(tmp_path)]) == 0
    assert ("set repository and tag" in capsys.readouterr().out) == told
