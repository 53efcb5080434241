"""One list of packages: pyproject.toml, environment.yml and the lock agree."""

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement

from autograder.course.paths import ROOT

CONDA = {"pytorch": "torch"}


def requirements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {Requirement(line).name: Requirement(line) for line in project["dependencies"]}


def test_conda_names_the_same_packages_and_ranges():
    lines = (ROOT / "environment.yml").read_text().splitlines()
    found = [Requirement(line.strip()[2:]) for line in lines if line.startswith("  - ") and "conda-forge" not in line]
    named = {CONDA.get(one.name, one.name): one.specifier for one in found if one.name not in ("python", "pip")}
    assert named == {name: one.specifier for name, one in requirements().items()}
    python = next(one for one in found if one.name == "python")
    assert str(python.specifier) == ">=3.11.5"


def locked():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("name", requirements())
def test_the_lock_is_exact_and_within_the_ranges(name):
    pinned = {key.lower().replace("_", "-"): value for key, value in locked().items()}
    assert requirements()[name].specifier.contains(pinned[name])


def test_nbformat_comes_without_a_grammar_to_compile():
    program = "import sys, nbformat; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize("page", ["README.md", ".github/workflows/ci.yml"])
def test_a_torch_that_is_named_is_the_lock_s(page):
    assert set(re.findall(r"torch==([\w.]+)", (ROOT / page).read_text())) == {locked()["torch"]}


def test_the_versions_that_the_design_names_are_the_lock_s():
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"versions of `requirements.lock`: ([^|]*?)\.\n", page)
    named = dict(re.findall(r"([\w-]+)\s+(\d[\d.]*\d)", told))
    pins = {name.lower().replace("-", "_"): version for name, version in locked().items()}
    assert len(named) >= 9
    assert named == {name: pins[name.lower()] for name in named}


def test_make_demo_says_in_words_what_it_does():
    """No raw command is printed on the way to the demo."""
    rules = re.findall(r"^(\$\(READY\)|demo):.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [target for target, _ in rules] == ["$(READY)", "demo"]
    for _, recipe in rules:
        lines = recipe.replace("\\\n", "").splitlines()
        assert all(line.startswith("\t@") for line in lines)
        assert any(line.startswith("\t@echo ") for line in lines)


CONTAINER = ROOT / "container"
ENGINES = [name for name in ("podman", "docker") if shutil.which(name)]


def working_engine():
    """podman or docker, where one is installed and answers."""
    for name in ENGINES:
        if subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:
            return name
    return None


def test_the_image_holds_nothing_that_is_the_course_s_own():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert [line for line in lines if line and line[0] not in "#!"] == ["*"]
    let_in = {line[1:] for line in lines if line.startswith("!")}
    needed = {"Makefile", "requirements.lock", "pyproject.toml", "README.md", "LICENSE", "container/install.sh"}
    assert let_in == needed | {"autograder/__init__.py", "utils/__init__.py"}
    assert all((ROOT / name).is_file() for name in let_in)


@pytest.mark.parametrize("name", ["install.sh", "run"])
def test_a_script_of_the_container_is_sound(name):
    script = CONTAINER / name
    assert os.access(script, os.X_OK)
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    if shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def recorded(folder, *names):
    """Programs of these names that note how they were called, in a folder for PATH."""
    (folder / "bin").mkdir()
    for name in names:
        (folder / "bin" / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{folder}/calls"\n')
        (folder / "bin" / name).chmod(0o755)
    return {**os.environ, "PATH": f"{folder / 'bin'}:/usr/bin:/bin"}


def test_the_image_is_made_in_these_steps(tmp_path):
    env = recorded(tmp_path, "apt-get", "python3", "pip", "uv", "make", "useradd", "rm")
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "bin").symlink_to(tmp_path / "bin")
    env["ENVIRONMENT"] = str(tmp_path / "env")
    subprocess.run([CONTAINER / "install.sh"], cwd=ROOT, env=env, check=True)
    calls = (tmp_path / "calls").read_text().replace(str(tmp_path), "").splitlines()
    (packages,) = [line for line in calls if line.startswith("apt-get install")]
    assert {"bubblewrap", "make", "python3-venv"} <= set(packages.split())
    torch = f"torch=={locked()['torch']}"
    wanted = [
        f"uv pip install --quiet --python /env --torch-backend=cpu {torch}",
        "make --no-print-directory VENV=/env",
    ]
    assert [line for line in calls if line.startswith(("uv ", "make "))] == [wanted[0], f"{wanted[1]} /env/.ready"]
    assert calls.index("python3 -m venv /env") < calls.index(wanted[0])


@pytest.mark.parametrize("engine", ["podman", "docker"])
def test_a_command_runs_over_the_folder_with_what_isolation_needs(engine, tmp_path):
    env = recorded(tmp_path, engine) | {"PATH": str(tmp_path / "bin")}  # not where the other one may lie
    for name in ("dirname", "id"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    subprocess.run([CONTAINER / "run", "course", "doctor"], env=env, stdin=subprocess.DEVNULL, check=True)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[-1].startswith(f"{engine} run ")
    assert f"--volume {ROOT}:/course" in calls[-1]
    table = re.findall(r"^\| `([a-z]+=[a-z]+)` \|", (ROOT / "docs" / "container.md").read_text(), re.MULTILINE)
    assert re.findall(r"--security-opt (\S+)", calls[-1]) == table
    assert calls[-1].endswith(" course course doctor")


@pytest.mark.slow
def test_the_image_is_built_and_isolates():
    if not working_engine():
        pytest.skip("neither podman nor docker answers here")
    subprocess.run([CONTAINER / "run", "--build"], check=True, timeout=3600)
    done = subprocess.run([CONTAINER / "run", "course", "doctor"], capture_output=True, text=True, timeout=300)
    assert "students' code runs isolated" in done.stdout, done.stdout + done.stderr
