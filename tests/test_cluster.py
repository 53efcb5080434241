"""`course grade --scheduler`: a Dask cluster of real processes gives the gradebook that this machine's cores give."""

import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbformat import NotebookNode

from autograder.course.errors import CourseError
from autograder.grading import cluster
from autograder.grading.tasks import Task, code_digest
from autograder.intake.submission import Submission
from autograder.sandbox import bubblewrap
from tests.conftest import ROOT, TinyCourse, gradebook
from tests.processes import wait_for
from tests.test_classroom import autograded, counts, course_of, grade

dask = pytest.importorskip("dask", reason="Dask is not installed")
distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install -e '.[cluster]'")
pytestmark = [
    pytest.mark.skipif(bubblewrap.lacks() is not None, reason=f"no isolation here: {bubblewrap.lacks()}"),
    pytest.mark.cluster,
]
STUDENTS = ("full", "untouched", "square", "half-right", "crash-in-a-cell")


class Cluster:
    """A scheduler and workers over a copy of a course's code, in a folder that has nothing else of the course."""

    def __init__(self, course: TinyCourse, folder: Path, *arguments: str, **env: str):
        self.folder, self.running, self.env = folder, [], env
        for name in ("autograder", "utils", "assignments"):
            shutil.copytree(course.root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        told = folder / "scheduler.json"
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(told), *arguments)
        wait_for(told.exists)
        wait_for(lambda: told.read_text().endswith("}"))
        self.address = json.loads(told.read_text())["address"]

    def start(self, role: str, *arguments: str) -> None:
        """Start `dask scheduler` or `dask worker`."""
        call = [sys.executable, "-m", "dask", role, "--no-dashboard", *arguments]
        env = os.environ | {"PYTHONPATH": str(self.folder), "DASK_TEMPORARY_DIRECTORY": str(self.folder / "scratch")}
        env |= self.env
        with (self.folder / f"{role}.log").open("a") as log:
            self.running.append(subprocess.Popen(call, cwd=self.folder, env=env, stdout=log, stderr=log))

    def work(self, workers: int) -> None:
        """Start so many workers, of a process each."""
        for _ in range(workers):
            self.start("worker", "--nthreads", "1", self.address)

    def workers(self) -> list[int]:
        """The processes that grade: Dask's nannies start them, and start them anew."""
        with distributed.Client(self.address, timeout=10, set_as_default=False) as client:
            return list(client.run(os.getpid).values())

    def end(self) -> None:
        """End all of it."""
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A course graded on this machine's cores."""
    course = course_of(tmp_path_factory.mktemp("cores"), STUDENTS)
    assert counts(grade(course, "--jobs", "2")) == (len(STUDENTS), 0, 0)
    return course


@pytest.fixture(scope="module")
def dask_cluster(whole, tmp_path_factory):
    """A scheduler that has no worker yet."""
    found = Cluster(whole, tmp_path_factory.mktemp("far"))
    yield found
    found.end()


@pytest.mark.slow
def test_a_cluster_gives_the_gradebook_of_the_cores_though_workers_are_late_and_one_is_killed(
    whole, dask_cluster, tmp_path
):
    course = course_of(tmp_path, STUDENTS)
    said = course.root / "stderr.txt"
    call = [sys.executable, "-m", "autograder.cli", "grade", "--scheduler", dask_cluster.address]
    with said.open("w") as err:
        run = subprocess.Popen(call, cwd=course.root, env=course.env(), stdout=subprocess.PIPE, stderr=err, text=True)
    wait_for(lambda: "waiting for one" in said.read_text() or run.poll() is not None)
    dask_cluster.work(2)
    wait_for(lambda: autograded(course) >= 1 or run.poll() is not None)
    os.kill(dask_cluster.workers()[0], signal.SIGKILL)
    told = run.communicate(timeout=200)[0]
    assert counts(told) == (len(STUDENTS), 0, 0), said.read_text()
    assert said.read_text().count("waiting for one") == 1
    assert gradebook(course) == gradebook(whole)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_by_tls_as_the_page_on_scale_says_only_those_with_a_certificate_grade(whole, tmp_path):
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    (settings,) = re.findall(r"^# ~/.config/dask/tls.yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    commands = re.findall(r"^openssl .*", page, re.MULTILINE)
    assert len(commands) == 3
    keys = tmp_path / "keys"
    keys.mkdir()
    for command in commands:
        subprocess.run(["bash", "-c", command], cwd=keys, check=True, capture_output=True)
    (keys / "tls.yaml").write_text(settings.replace("/etc/course", str(keys)))
    course = course_of(tmp_path, STUDENTS[:2])
    (tmp_path / "far").mkdir()
    far = Cluster(course, tmp_path / "far", "--protocol", "tls", DASK_CONFIG=str(keys))
    try:
        assert far.address.startswith("tls://")
        far.work(1)
        alien = course.course("grade", "--scheduler", far.address)
        assert alien.returncode == 2
        assert alien.stderr.startswith(f"course: no Dask scheduler answers at {far.address}: ")
        assert alien.stderr.count("\n") == 1
        call = [sys.executable, "-m", "autograder.cli", "grade", "--scheduler", far.address]
        env = course.env() | {"DASK_CONFIG": str(keys)}  # Dask reads it when it is imported
        done = subprocess.run(call, cwd=course.root, env=env, capture_output=True, text=True)
        assert counts(done.stdout) == (2, 0, 0), done.stderr
    finally:
        far.end()
    assert gradebook(course) == [row for row in gradebook(whole) if row[0] in STUDENTS[:2]]


@pytest.mark.slow
def test_a_worker_with_other_code_is_refused_by_name(whole, dask_cluster):
    names = '"x is left as it was"', '"x is as it was"'
    whole.edit("questions/double.py", *names)
    done = whole.course("grade", "--students", "full", "--scheduler", dask_cluster.address)
    whole.edit("questions/double.py", *reversed(names))
    assert done.returncode == 2
    last = done.stderr.strip().split("\n")[-1]
    assert last.startswith("course: the worker tcp://127.0.0.1:")
    assert "its copy of the course differs from this one" in last


@pytest.mark.slow
def test_a_worker_without_the_course_is_refused_by_name(whole, tmp_path):
    far = Cluster(whole, tmp_path)
    try:
        (tmp_path / "autograder" / "grading" / "cluster.py").write_text("raise ImportError('it is not installed')")
        far.work(1)
        done = whole.course("grade", "--force", "--students", "full", "--scheduler", far.address)
    finally:
        far.end()
    assert done.returncode == 2
    assert "lacks the course's package: it is not installed" in done.stderr.strip().split("\n")[-1]


def test_a_hand_in_that_ends_its_worker_each_time_fails_and_no_other(monkeypatch):
    def fake(data, digest):
        task = pickle.loads(data)
        if task.student == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        return task.student

    monkeypatch.setattr(cluster, "_call", lambda: fake)
    nothing = Submission(), NotebookNode(), {}
    tasks = [Task("hw0_tiny", student, *nothing) for student in ("one", "deadly", "two", "three")]
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),  # who was beside it is suspected at once
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as local,
    ):
        done = list(cluster.on_cluster(local.scheduler_address)(iter(tasks)))
    assert sorted(str(one) for _, one in done if isinstance(one, str)) == ["one", "three", "two"]
    ((task, failed),) = [each for each in done if not isinstance(each[1], str)]
    assert task.student == "deadly"
    assert "the process that graded it died" in failed.problem


def test_a_scheduler_that_is_not_there_is_said_in_one_line(tmp_path):
    course = TinyCourse(tmp_path / "course")
    begun = time.monotonic()
    done = course.course("grade", "--scheduler", "tcp://127.0.0.1:9")
    assert done.returncode == 2
    assert done.stderr.startswith("course: no Dask scheduler answers at tcp://127.0.0.1:9: ")
    assert done.stderr.count("\n") == 1
    assert time.monotonic() - begun < 40


def test_a_worker_that_cannot_isolate_runs_nothing(monkeypatch):
    monkeypatch.setattr(distributed, "get_worker", lambda: SimpleNamespace(address="tcp://10.0.0.7:1"))
    monkeypatch.setattr(bubblewrap, "lacks", lambda: "bubblewrap is not installed")
    task = Task("hw0_tiny", "full", Submission(), NotebookNode(), {"unsafe": False, "digest": "", "secret": b""})
    with pytest.raises(CourseError, match=r"worker tcp://10.0.0.7:1 cannot grade: bubblewrap is not installed"):
        cluster._grade_on_worker(task, code_digest())


def test_jobs_and_a_scheduler_exclude_each_other(tmp_path):
    done = TinyCourse(tmp_path / "course").course("grade", "--jobs", "2", "--scheduler", "tcp://127.0.0.1:9")
    assert done.returncode == 2
    assert "not allowed with argument" in done.stderr
