"""The set-up cell finds the course wherever a notebook may lie, and says what is not written yet in one line."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
import zipfile

import nbformat
import pytest
import torch
from nbclient import NotebookClient

from autograder.build import template
from autograder.course.paths import OWN, ROOT
from utils import session

PRINT = "\nimport utils.session\nprint('FOUND', pathlib.Path(utils.session.__file__).resolve().parent.parent)"


def run_cell(folder, source=None, **env):
    """Execute the set-up cell as a script in a folder, as a kernel would; returns the finished process."""
    folder.mkdir(parents=True, exist_ok=True)
    # an interpreter without the installed course: what the cell finds is what it found itself
    alone = "import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in str(f)]\n"
    script = alone + (source or template.set_up(OWN)) + PRINT
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("COURSE_", "NBGRADER_", "PYTHONPATH"))}
    call = [sys.executable, "-W", "error::ResourceWarning", "-c", script]
    return subprocess.run(call, cwd=folder, env=clean | env, capture_output=True, text=True, timeout=120)


@pytest.fixture
def course(tmp_path):
    """A course's folder with `utils` alone."""
    shutil.copytree(ROOT / "utils", tmp_path / "course" / "utils", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "course"


@pytest.mark.parametrize(
    "place", ["release/hw5_word_lm", "autograded/student-01/hw5_word_lm", "my own/copies/of hw5", "."]
)
def test_it_finds_the_course_from_where_the_notebook_lies(course, place):
    done = run_cell(course / place)
    assert done.returncode == 0, done.stderr
    assert f"FOUND {course.resolve()}" in done.stdout
    assert done.stderr == ""


def test_under_grading_the_course_is_the_graders_not_the_students(course, tmp_path):
    shutil.copytree(course / "utils", tmp_path / "student" / "utils")
    done = run_cell(tmp_path / "student", COURSE_ROOT=str(course))
    assert f"FOUND {course.resolve()}" in done.stdout


@pytest.fixture
def bundle(tmp_path):
    """A server on loopback that offers the bundle as GitHub does: one folder at the top of a zip."""
    site = tmp_path / "site"
    site.mkdir()
    with zipfile.ZipFile(site / "v1.zip", "w") as file:
        for path in (ROOT / "utils").glob("*.py"):
            file.write(path, f"recurrent-language-models-1.0.0/utils/{path.name}")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=site)
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1.zip"
    server.shutdown()
    server.server_close()


def test_alone_it_fetches_the_bundle_once(tmp_path, bundle):
    source = template.set_up(OWN).replace(template.bundle_address(OWN), bundle)
    folder = tmp_path / "colab"
    first = run_cell(folder, source)
    assert first.returncode == 0, first.stderr
    assert "course-bundle/recurrent-language-models-1.0.0" in first.stdout
    again = run_cell(folder, template.set_up(OWN).replace(template.bundle_address(OWN), "http://127.0.0.1:9/none.zip"))
    assert again.returncode == 0, again.stderr


def test_without_a_network_it_is_one_sentence(tmp_path):
    source = template.set_up(OWN).replace(template.bundle_address(OWN), "http://127.0.0.1:9/none.zip")
    done = run_cell(tmp_path / "alone", source)
    assert done.returncode == 1
    assert "http://127.0.0.1:9/none.zip did not come" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_prints_versions_device_and_profile(course):
    assert "profile quick" in run_cell(course).stdout
    full = run_cell(course, COURSE_PROFILE="full")
    assert "torch 2" in full.stdout
    assert "profile full" in full.stdout
    assert ("CPU" in full.stdout) == (not torch.cuda.is_available())
    wrong = run_cell(course, COURSE_PROFILE="fast")
    assert "COURSE_PROFILE must be one of quick, full, got 'fast'" in wrong.stderr
    graded = run_cell(course, COURSE_PROFILE="full", NBGRADER_EXECUTION="autograde")
    assert "profile quick" in graded.stdout


CELLS = [
    "import sys; sys.path.insert(0, {root!r})\nfrom utils import checks, session\ncourse = session.start()",
    "def f(x):\n    raise NotImplementedError('not written yet')",
    "class Model:\n    def __init__(self):\n        raise NotImplementedError('not written yet')",
    "y = f(3)\nz, (a, b) = y, (1, 2)",
    "w = z + 1",
    "print(w)",
    "model = Model()",
    "checks.close('y', 1.0, 2.0)",
    "import warnings; warnings.warn('old'); print('after')",
    "nonsense",
    "raise NotImplementedError('something else')",
    "import os; os.environ['COURSE_RUNS'] = '/content/drive/MyDrive/hw5'; course.runs()",
    "from utils import corpora; raise corpora.CorpusError('ptb did not come: put it there by hand')",
    "%pwd\nf(1)",
    "f(1)\nimport os.path as p\nfrom json import loads as c\na, *rest = 1, 2\nfor i in rest:\n    j = i\ndef g(): pass",
    *("p", "c", "rest", "i", "j", "g"),
    "f(1)\nasync def h():\n    loss = 1\nclass K:\n    loss = 2\nm = lambda: (loss := 3)",
    *("h", "loss"),
]


@pytest.fixture(scope="module")
def outputs():
    cells = [nbformat.v4.new_code_cell(source.replace("{root!r}", repr(str(ROOT)))) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, allow_errors=True, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


ONE_LINE = {
    3: "f is not written yet",
    4: "z is not there yet: it needs f, which is not written yet",
    5: "w is not there yet: it needs f, which is not written yet",
    6: "Model is not written yet",
    7: "y: 1 against 2 (relative error 0.33)",
    11: "COURSE_RUNS is /content/drive/MyDrive/hw5, but Google Drive is not mounted: run `from google.colab import "
    "drive; drive.mount('/content/drive')` first",
    12: "ptb did not come: put it there by hand",
    13: "f is not written yet",
    14: "f is not written yet",
    **{
        15 + k: f"{name} is not there yet: it needs f, which is not written yet"
        for k, name in enumerate(["p", "c", "rest", "i", "j", "g"])
    },
    22: "h is not there yet: it needs f, which is not written yet",
}


@pytest.mark.parametrize("index", ONE_LINE)
def test_what_one_sentence_says_is_one_line(outputs, index):
    (output,) = outputs[index]
    assert output.output_type == "error"
    assert output.evalue == ONE_LINE[index]
    assert len(output.traceback) == 1
    assert ONE_LINE[index] in output.traceback[0]


def test_other_errors_keep_their_traceback(outputs):
    assert "nonsense" in "".join(outputs[9][0].traceback)
    assert len("".join(outputs[9][0].traceback)) > 100
    assert outputs[10][0].evalue == "something else"
    assert outputs[23][0].evalue == "name 'loss' is not defined"  # no cell assigns it: it is local to others' bodies


def test_warnings_go_to_stdout(outputs):
    assert {output.name for output in outputs[8]} == {"stdout"}
    assert "UserWarning: old" in outputs[8][0].text


def runs(folder, grading=False):
    return session.Session("full", torch.device("cpu"), grading, folder).runs()


@pytest.mark.parametrize(("named", "place"), [("", "work/runs"), ("kept", "work/kept"), ("{top}/drive", "drive")])
def test_checkpoints_lie_where_the_student_says(tmp_path, monkeypatch, named, place):
    monkeypatch.setenv("COURSE_RUNS", named.format(top=tmp_path))
    assert runs(tmp_path / "work") == tmp_path / place
    assert runs(tmp_path / "work", grading=True) == tmp_path / "work" / "runs"


@pytest.mark.parametrize("named", ["{top}/drive/MyDrive/hw5", "drive/MyDrive", "drive/hw5"])
def test_a_drive_that_is_not_mounted_is_refused(tmp_path, monkeypatch, named):
    monkeypatch.setattr(session, "DRIVE", tmp_path / "drive")
    monkeypatch.setenv("COURSE_RUNS", named.format(top=tmp_path))
    with pytest.raises(ValueError, match="Google Drive is not mounted"):
        runs(tmp_path)
    (tmp_path / "drive" / "MyDrive").mkdir(parents=True)
    assert runs(tmp_path) == tmp_path / named.format(top=tmp_path)
