"""Backup, restore, and from one term to the next."""

import tarfile

import pytest

from tests.conftest import TinyCourse, gradebook
from tests.test_changes import marked  # noqa: F401, two students, graded and marked by hand


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


def test_nothing_to_back_up_is_one_sentence(tiny):
    done = tiny.course("backup")
    assert (done.returncode, "there is nothing to back up" in done.stderr) == (2, True)


def test_a_new_term_begins_without_the_old_one_s_students(marked):  # noqa: F811
    before, secret = gradebook(marked), (marked.root / ".course_secret").read_text()
    handed_back = [f"canvas_{marked.name}.csv", f"feedback_{marked.name}.zip"]
    for name in handed_back:
        (marked.root / name).touch()
    done = marked.course("new-term", "2027-spring")
    assert done.returncode == 0, done.stderr
    assert not [name for name in ("gradebook.db", *handed_back) if (marked.root / name).exists()]
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
