"""Backup, restore, and from one term to the next."""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tarfile

import pytest

from autograder.grading.class_run import one_run
from autograder.preview.run import LOCK as PREVIEW_LOCK
from tests.attacks.courses import NEEDS_ISOLATION
from tests.conftest import TinyCourse, gradebook
from tests.test_changes import marked  # noqa: F401, two students, graded and marked by hand


@pytest.fixture
def ungraded(built) -> TinyCourse:
    """Two students' work, for what depends on no mark."""
    for student in ("student-01", "student-02"):
        built.hand_in(student, {})
    return built


def test_a_backup_brings_back_every_mark_and_submission(marked, tmp_path):  # noqa: F811
    before, secret = gradebook(marked), (marked.root / ".course_secret").read_text()
    file = tmp_path / "kept.tar.gz"
    assert "gradebook.db" in marked.course("backup", f"--output={file}").stdout
    assert file.stat().st_mode & 0o077 == 0  # the secret is in it
    fresh = TinyCourse.built(tmp_path / "fresh")
    done = fresh.course("restore", str(file))
    assert done.returncode == 0, done.stderr
    assert "what was there before is in" in done.stdout
    assert gradebook(fresh) == before
    assert (fresh.root / ".course_secret").read_text() == secret
    assert "graded 0, unchanged 2" in fresh.course("grade").stdout


def test_what_a_restore_replaces_is_moved_aside(marked, tmp_path):  # noqa: F811
    file = tmp_path / "kept.tar.gz"
    marked.course("backup", f"--output={file}")
    marked.submitted("student-01").write_text("spoiled")
    marked.course("restore", str(file))
    assert marked.submitted("student-01").read_text() != "spoiled"
    (aside,) = marked.root.glob("before_restore_*")
    assert (aside / "submitted" / "student-01" / marked.name / f"{marked.name}.ipynb").read_text() == "spoiled"


def holding(name):
    """An archive with one file of this name."""

    def made(tmp_path):
        file = tmp_path / "other.tar.gz"
        (tmp_path / "evil").write_text("")
        with tarfile.open(file, "w:gz") as archive:
            archive.add(tmp_path / "evil", name)
        return file

    return made


def no_archive(tmp_path):
    (tmp_path / "text").write_text("no archive")
    return tmp_path / "text"


@pytest.mark.parametrize("made", [holding("autograder/cli.py"), holding("../../evil"), no_archive])
def test_what_is_no_backup_changes_nothing(marked, tmp_path, made):  # noqa: F811
    before, code = gradebook(marked), (marked.root / "autograder" / "cli.py").read_bytes()
    done = marked.course("restore", str(made(tmp_path)))
    assert done.returncode == 2
    assert "is no backup" in done.stderr
    assert done.stderr.count("\n") == 1
    assert gradebook(marked) == before
    assert (marked.root / "autograder" / "cli.py").read_bytes() == code


def test_a_backup_that_was_damaged_in_its_middle_changes_nothing(ungraded, tmp_path):
    file = tmp_path / "kept.tar.gz"
    weights = ungraded.submitted("student-01").with_name("w.safetensors")
    weights.write_bytes(random.Random(1).randbytes(1 << 20))  # gzip stores it as it is, and what is overwritten is data
    assert ungraded.course("backup", f"--output={file}").returncode == 0
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4096] = bytes(4096)
    file.write_bytes(data)
    weights.write_bytes(b"newer")
    done = ungraded.course("restore", str(file))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "is no backup that can be read" in done.stderr
    assert weights.read_bytes() == b"newer"
    assert not list(ungraded.root.glob("before_restore_*"))


def test_what_a_killed_run_left_beside_the_gradebook_does_not_reach_the_restored_one(ungraded, tmp_path):
    file, book = tmp_path / "kept.tar.gz", ungraded.root / "gradebook.db"
    journal = book.with_name("gradebook.db-journal")
    assert ungraded.course("backup", f"--output={file}").returncode == 0
    opened = sqlite3.connect(book, isolation_level=None)
    opened.execute(
        "CREATE TABLE notes AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200) "
        "SELECT printf('%2000d', i) AS text FROM n"
    )
    opened.execute("PRAGMA cache_size = 1")  # so that a change is in the file before it is committed
    opened.execute("BEGIN")
    opened.execute("UPDATE notes SET text = text || 'y'")
    killed = book.read_bytes(), journal.read_bytes()
    opened.close()
    for path, data in zip((book, journal), killed, strict=True):
        path.write_bytes(data)
    assert ungraded.course("restore", str(file)).returncode == 0
    (aside,) = ungraded.root.glob("before_restore_*")
    assert ((aside / journal.name).read_bytes(), journal.exists()) == (killed[1], False)
    with contextlib.closing(sqlite3.connect(book)) as restored:
        assert restored.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_links_and_pipes_are_left_out_of_a_backup_and_it_comes_back(ungraded, tmp_path):
    file, notebook = tmp_path / "kept.tar.gz", ungraded.submitted("student-01")
    os.link(notebook, notebook.with_name("same.ipynb"))
    notebook.with_name("link.ipynb").symlink_to("/etc/passwd")
    os.mkfifo(notebook.with_name("pipe\n"))
    unfinished = ungraded.root / "autograded" / "student-01" / f".{ungraded.name}.part"
    unfinished.mkdir(parents=True)
    done = ungraded.course("backup", f"--output={file}")
    assert done.returncode == 0, done.stderr
    where = f"submitted/student-01/{ungraded.name}"
    assert f"only files and folders are kept; left out: '{where}/link.ipynb', '{where}/pipe\\n'\n" in done.stdout
    text = notebook.read_bytes()
    shutil.rmtree(ungraded.root / "submitted")
    shutil.rmtree(ungraded.root / "autograded")
    done = ungraded.course("restore", str(file))
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in notebook.parent.iterdir()} == {
        notebook.name: text,
        "same.ipynb": text,
    }
    assert unfinished.parent.exists()
    assert not unfinished.exists()


def test_submissions_on_another_disk_are_in_the_archive_and_stay_there(ungraded, tmp_path):
    disk, submitted = tmp_path / "disk", ungraded.root / "submitted"
    shutil.move(submitted, disk)
    submitted.symlink_to(disk)
    text = ungraded.submitted("student-01").read_bytes()
    done = ungraded.course("new-term", "2027-spring")
    assert done.returncode == 0, done.stderr
    assert f"submitted was a link: what it leads to, {disk}, stays there" in done.stdout
    assert not submitted.is_symlink()
    assert (disk / "student-01" / ungraded.name / f"{ungraded.name}.ipynb").read_bytes() == text
    assert ungraded.course("restore", str(ungraded.root / "terms" / "2027-spring.tar.gz")).returncode == 0
    assert (ungraded.submitted("student-01").read_bytes(), submitted.is_symlink()) == (text, False)


def test_a_backup_is_for_nobody_else_while_it_is_written(ungraded, tmp_path, monkeypatch):
    modes, add = [], tarfile.TarFile.addfile

    def watched(archive, *entry):
        modes.extend(path.stat().st_mode & 0o077 for path in tmp_path.glob(".kept.tar.gz.part"))
        add(archive, *entry)

    monkeypatch.setattr(tarfile.TarFile, "addfile", watched)
    (tmp_path / ".kept.tar.gz.part").touch(0o644)  # of a run that was killed
    assert ungraded.course("backup", f"--output={tmp_path / 'kept.tar.gz'}").returncode == 0
    assert set(modes) == {0}


def test_what_vanishes_while_a_backup_is_written_is_not_in_it(ungraded, tmp_path, monkeypatch):
    file, add = tmp_path / "kept.tar.gz", tarfile.TarFile.addfile
    first, second = (ungraded.submitted("student-01").with_name(f"{name}.safetensors") for name in "ab")
    for path in (first, second):
        path.touch()

    def meanwhile(archive, entry, *data):
        if entry.name.endswith(first.name):
            second.unlink()
        add(archive, entry, *data)

    monkeypatch.setattr(tarfile.TarFile, "addfile", meanwhile)
    done = ungraded.course("backup", f"--output={file}")
    assert done.returncode == 0, done.stderr
    with tarfile.open(file) as archive:
        names = {name.rpartition("/")[2] for name in archive.getnames() if "student-01/hw0_tiny/" in name}
    assert names == {first.name, f"{ungraded.name}.ipynb"}


@pytest.mark.parametrize("command", [["backup", "--output=kept.tar.gz"], ["new-term", "2027-spring"]])
def test_a_damaged_gradebook_is_one_sentence_and_nothing_is_changed(ungraded, command):
    (ungraded.root / "gradebook.db").write_bytes(b"no gradebook" * 1000)
    done = ungraded.course(*command)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "the gradebook cannot be read" in done.stderr
    assert ungraded.submitted("student-01").exists()
    assert not list(ungraded.root.rglob("*.tar.gz*"))


@NEEDS_ISOLATION
def test_a_file_that_cannot_be_read_is_named(ungraded):
    ungraded.submitted("student-02").chmod(0)
    no_rights = ["bwrap", "--dev-bind", "/", "/", "--cap-drop", "ALL"] if os.getuid() == 0 else []
    call = [*no_rights, sys.executable, "-m", "autograder.cli", "backup", "--output=kept.tar.gz"]
    done = subprocess.run(call, cwd=ungraded.root, env=ungraded.env(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert done.stderr == f"course: '{ungraded.submitted('student-02')}' cannot be read: Permission denied\n"
    assert not list(ungraded.root.glob("*kept*"))


@pytest.mark.parametrize("lock", [(), (PREVIEW_LOCK, "preview")])
@pytest.mark.parametrize("command", ["restore", "new-term"])
def test_nothing_is_taken_away_below_a_run(ungraded, tmp_path, command, lock):
    file = tmp_path / "kept.tar.gz"
    assert ungraded.course("backup", f"--output={file}").returncode == 0
    with one_run(ungraded.root, *lock):
        done = ungraded.course(command, str(file) if command == "restore" else "2027-spring")
    assert done.returncode == 2
    assert "run is under way" in done.stderr
    assert (ungraded.root / "gradebook.db").exists()
    assert not [*ungraded.root.glob("before_restore_*"), *ungraded.root.glob("terms")]


def test_nothing_to_back_up_is_one_sentence(tiny):
    done = tiny.course("backup")
    assert (done.returncode, "there is nothing to back up" in done.stderr) == (2, True)


def test_a_new_term_begins_without_the_old_one_s_students(marked):  # noqa: F811
    before, secret = gradebook(marked), (marked.root / ".course_secret").read_text()
    handed_back = [f"canvas_{marked.name}.csv", f"feedback_{marked.name}.zip"]
    for name in handed_back:
        (marked.root / name).touch()
    (marked.root / "gradebook.db-journal").write_bytes(bytes(512))  # as SQLite leaves it in the mode `persist`
    done = marked.course("new-term", "2027-spring")
    assert done.returncode == 0, done.stderr
    assert not list(marked.root.glob("gradebook.db*"))
    assert not [name for name in handed_back if (marked.root / name).exists()]
    assert not (marked.root / "autograded").exists()
    assert (marked.root / ".course_secret").read_text() != secret
    assert not (marked.root / "submitted").exists()
    assert marked.course("build").returncode == 0
    assert gradebook(marked) == []
    again = marked.course("new-term", "2027-spring")
    assert "has a term 2027-spring already" in again.stderr
    assert marked.course("restore", str(marked.root / "terms" / "2027-spring.tar.gz")).returncode == 0
    assert gradebook(marked) == before


@pytest.mark.parametrize("name", ["", "../other", "a b"])
def test_a_term_s_name_is_checked_before_anything_happens(marked, name):  # noqa: F811
    done = marked.course("new-term", name)
    assert done.returncode == 2
    assert (marked.root / "gradebook.db").exists()
