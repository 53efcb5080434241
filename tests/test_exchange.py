"""A submission over nbgrader's exchange comes back with its feedback: the whole round, by nbgrader's own commands."""

from __future__ import annotations

import getpass
import os

import nbformat
import pytest

from tests.test_grading import CLASS


@pytest.fixture
def exchange(tmp_path):
    """A folder that everybody may write in, as nbgrader's exchange is."""
    folder = tmp_path / "exchange"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def test_feedback_comes_back_to_whoever_handed_in(built, exchange, tmp_path):
    with (built.root / "nbgrader_config.py").open("a") as file:
        file.write(f"\nc.Exchange.root = {str(exchange)!r}\nc.Exchange.assignment_dir = {str(tmp_path / 'home')!r}\n")
        file.write(f"c.Exchange.cache = {str(tmp_path / 'cache')!r}\n")
    (tmp_path / "home").mkdir()
    student = os.environ.get("JUPYTERHUB_USER") or getpass.getuser()

    def nbgrader(*arguments):
        done = built.nbgrader(*arguments)
        assert done.returncode == 0, (arguments, done.stderr[-2000:])

    nbgrader("release_assignment", built.name)
    nbgrader("fetch_assignment", built.name)
    path = tmp_path / "home" / built.name / f"{built.name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = CLASS["square"].get(cell.id, cell.source)
    nbformat.write(notebook, path)
    nbgrader("submit", built.name)
    nbgrader("collect", built.name)
    handed_in = built.submitted(student).parent
    assert {"timestamp.txt", "submission_secret.txt"} <= {path.name for path in handed_in.iterdir()}
    assert built.course("grade").returncode == 0
    nbgrader("generate_feedback", built.name)
    nbgrader("release_feedback", built.name)
    nbgrader("fetch_feedback", built.name)
    (page,) = (tmp_path / "home" / built.name / "feedback").rglob("*.html")
    assert "The square stands where twice the value is asked." in page.read_text()
