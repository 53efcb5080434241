"""`course export` and `nbgrader export`: CSV that Canvas and Moodle import, read back as they read it."""

import csv
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import contextmanager

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbgrader.api import Gradebook

from autograder.cli import main
from tests.conftest import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader 0.9 with SQLAlchemy 2: harmless
SIGNS = "=+-@＝＋－＠"
PLAIN = "c = get_config()\n"  # a course folder with settings of its own; the repository's would do as well


@contextmanager
def gradebook(folder):
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "recurrent-language-models") as book:
        yield book


def add_assignment(book, name, code=4, written=2):
    """An assignment of two questions, one of them written."""
    book.add_assignment(name)
    book.add_notebook(name, name)
    book.add_grade_cell("check", name, name, max_score=code, cell_type="code")
    book.add_grade_cell("why", name, name, max_score=written, cell_type="markdown")


def hand_in(book, student, name, code, manual=None, late=0.0):
    """A graded submission; without a manual mark it waits for one."""
    book.add_submission(name, student)
    for cell, points in (("check", code), ("why", manual)):
        grade = book.find_grade(cell, name, name, student)
        grade.auto_score = points if cell == "check" else None
        grade.manual_score = points if cell == "why" else None
        grade.needs_manual_grade = points is None
    book.find_submission_notebook(name, name, student).late_submission_penalty = late
    book.db.commit()


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A gradebook of four students and two assignments."""
    folder = tmp_path_factory.mktemp("graded")
    with gradebook(folder) as book:
        add_assignment(book, "hw1_one")
        add_assignment(book, "hw2_two", code=3.5)
        for n, lms in (("01", "1001"), ("02", "1002b"), ("03", None), ("04", "=1+1")):
            name = {"first_name": f"First {n}", "last_name": f"Last {n}"}
            book.add_student(f"student-{n}", **name, email=f"student-{n}@example.org", lms_user_id=lms)
        hand_in(book, "student-01", "hw1_one", code=3, manual=1.5)
        hand_in(book, "student-01", "hw2_two", code=2 / 3, manual=0, late=0.25)
        hand_in(book, "student-02", "hw1_one", code=1, manual=0, late=9)
        hand_in(book, "student-02", "hw2_two", code=2)
        hand_in(book, "student-04", "hw1_one", code=4, manual=2)
    return folder / "gradebook.db"


@pytest.fixture
def folder(graded, tmp_path, monkeypatch):
    """The folder of a course with a copy of that gradebook."""
    shutil.copyfile(graded, tmp_path / "gradebook.db")
    (tmp_path / "nbgrader_config.py").write_text(PLAIN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(folder, *arguments):
    """`course export` or, with its name first, `nbgrader export`, as a process."""
    module = (
        ["-m", "nbgrader", "export"] if arguments[0].startswith("--exporter") else ["-m", "autograder.cli", "export"]
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    call = [sys.executable, *module, *arguments]
    return subprocess.run(call, cwd=folder, env=env, capture_output=True, text=True, timeout=120)


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))


def table(path, key):
    return pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=False).set_index(key)


CANVAS_HEAD = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
CANVAS_POINTS = ["    Points Possible", "", "", "", ""]
CANVAS_STUDENTS = [
    ["Last 01, First 01", "1001", "", "student-01", ""],
    ["Last 02, First 02", "", "1002b", "student-02", ""],
    ["Last 03, First 03", "", "", "student-03", ""],
    ["Last 04, First 04", "", "", "student-04", ""],
]
MOODLE_HEAD = ["Username", "First name", "Last name", "Email address"]
MOODLE_STUDENTS = [
    [f"student-{n}", f"First {n}", f"Last {n}", f"student-{n}@example.org"] for n in ("01", "02", "03", "04")
]
MARKS = {"hw1_one": ["4.5", "0", None, "6"], "hw2_two": ["0.42", None, None, None]}
POINTS = {"hw1_one": "6", "hw2_two": "5.5"}
WHY = [
    "hw1_one: left out, since nothing of theirs is graded: student-03",
    "hw2_two: left out, since answers wait for a mark: student-02 (--with-unmarked exports the points so far)",
    "hw2_two: left out, since nothing of theirs is graded: student-03, student-04",
]


def expected(to, *names, no_mark=None):
    """A file's rows: of the students with a mark, or of all with a sign where there is none."""
    head, students = (CANVAS_HEAD, CANVAS_STUDENTS) if to == "canvas" else (MOODLE_HEAD, MOODLE_STUDENTS)
    points = [[*CANVAS_POINTS, *(POINTS[name] for name in names)]] if to == "canvas" else []
    rows = [[*who, *(MARKS[name][place] for name in names)] for place, who in enumerate(students)]
    if no_mark is None:
        rows = [row for row in rows if None not in row]
    return [[*head, *names], *points, *([no_mark if cell is None else cell for cell in row] for row in rows)]


@pytest.mark.parametrize("to", ["canvas", "moodle"])
def test_a_file_holds_one_assignment_and_who_has_a_mark(folder, to):
    done = run(folder, "--to", to)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("wrote")] == [
        f"wrote {to}_hw1_one.csv: 1 assignment, 3 students",
        f"wrote {to}_hw2_two.csv: 1 assignment, 1 student",
    ]
    assert lines[-3:] == WHY
    assert sorted(p.name for p in folder.glob("*.csv")) == [f"{to}_hw1_one.csv", f"{to}_hw2_two.csv"]
    for name in MARKS:
        rows = expected(to, name)
        found = read(folder / f"{to}_{name}.csv")
        columns = [found[0].index(title) for title in rows[0]]  # Moodle's ID number stands where all have one
        assert [[row[column] for column in columns] for row in found] == rows
        assert (folder / f"{to}_{name}.csv").read_bytes().startswith(rows[0][0].encode())  # no byte order mark


@pytest.mark.parametrize(("to", "no_mark"), [("canvas", ""), ("moodle", "-")])
def test_marks_are_emptied_only_where_that_is_asked_for(folder, to, no_mark, capsys):
    for arguments in ([], ["--with-unmarked"], ["hw1"], ["hw2"]):
        assert main(["export", "--to", to, *arguments]) == 0
        for path in folder.glob("*.csv"):
            assert all(row[-1] not in ("", "-") for row in read(path)[1:]), (arguments, path)
            path.unlink()
    capsys.readouterr()
    assert main(["export", "--to", to, "--empty-unmarked"]) == 0
    assert read(folder / f"{to}.csv") == expected(to, *MARKS, no_mark=no_mark)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"wrote {to}.csv: 2 assignments, 4 students"
    assert told[-3:] == [line.replace("left out", "emptied") for line in WHY]


@pytest.mark.parametrize("kind", ["Canvas", "Moodle"])
def test_nbgrader_export_writes_the_same(folder, kind):
    done = run(folder, f"--exporter=autograder.lms.export.{kind}", "--to=marks.csv", "--Marks.empty_unmarked=True")
    assert done.returncode == 0, done.stderr
    assert read(folder / "marks.csv") == expected(kind.lower(), *MARKS, no_mark="" if kind == "Canvas" else "-")
    done = run(folder, f"--exporter=autograder.lms.export.{kind}", "--to=marks.csv", "--assignment", "['hw1']")
    assert [row[-1] for row in read(folder / "marks.csv")[-3:]] == ["4.5", "0", "6"]
    assert "hw1_one: left out, since nothing of theirs is graded: student-03" in done.stderr


def test_nobody_with_a_mark_is_one_sentence_and_no_file(folder, capsys):
    with gradebook(folder) as book:
        add_assignment(book, "hw3_three")
    assert main(["export", "hw3", "--to", "canvas"]) == 2
    assert "nobody has a mark to export: hw3_three: left out" in capsys.readouterr().err
    assert main(["export", "--to", "canvas"]) == 0
    assert not (folder / "canvas_hw3_three.csv").exists()


def test_nbgrader_export_of_one_student_and_assignment(folder):
    chosen = ("--assignment", "['hw1']", "--student", "['student-02']")
    done = run(folder, "--exporter=autograder.lms.export.Canvas", *chosen)
    assert done.returncode == 0, done.stderr
    rows = read(folder / "canvas_hw1_one.csv")
    assert [row[3:] for row in rows] == [
        ["SIS Login ID", "Section", "hw1_one"],
        ["", "", "6"],
        ["student-02", "", "0"],
    ]


def test_nbgrader_export_says_what_is_wrong_in_a_sentence(folder):
    done = run(folder, "--exporter=autograder.lms.export.Canvas", "--student", "['student-09']")
    assert done.returncode == 1
    assert "the gradebook has no student 'student-09'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mark_has_the_manual_points_and_loses_the_penalty(folder):
    assert main(["export", "hw1", "--to", "canvas"]) == 0
    file = folder / "canvas_hw1_one.csv"
    before = table(file, "SIS Login ID").loc["student-01", "hw1_one"]
    with gradebook(folder) as book:
        book.find_grade("why", "hw1_one", "hw1_one", "student-01").manual_score = 2
        book.find_submission_notebook("hw1_one", "hw1_one", "student-01").late_submission_penalty = 1.25
        book.db.commit()
    assert main(["export", "hw1", "--to", "canvas"]) == 0
    assert (before, table(file, "SIS Login ID").loc["student-01", "hw1_one"]) == ("4.5", "3.75")


def test_with_unmarked_takes_the_points_so_far(folder, capsys):
    assert main(["export", "hw2", "--to", "canvas", "--with-unmarked"]) == 0
    marks = table(folder / "canvas_hw2_two.csv", "SIS Login ID")
    assert list(marks.columns)[-1:] == ["hw2_two"]
    assert marks["hw2_two"].to_dict() == {
        "": "5.5",
        "student-01": "0.42",
        "student-02": "2",
    }
    told = "hw2_two: with the points so far, since answers wait for a mark: student-02"
    assert told in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("more", [[], ["--with-unmarked"]])
def test_a_hand_in_that_was_never_graded_has_no_mark(folder, more, capsys):
    with gradebook(folder) as book:
        book.add_submission("hw1_one", "student-03")
    assert main(["export", "hw1", "--to", "moodle", *more]) == 0
    assert "student-03" not in table(folder / "moodle_hw1_one.csv", "Username").index
    assert capsys.readouterr().out.splitlines()[-1] == WHY[0]


@pytest.mark.parametrize(
    ("points", "text"), [(2.675, "2.68"), (0.1 + 0.2, "0.3"), (10, "10"), (1e-9, "0"), (120, "120")]
)
def test_marks_have_two_decimals_at_most(folder, points, text):
    with gradebook(folder) as book:
        hand_in(book, "student-03", "hw1_one", code=points, manual=0)
    assert main(["export", "hw1", "--to", "canvas"]) == 0
    assert table(folder / "canvas_hw1_one.csv", "SIS Login ID").loc["student-03", "hw1_one"] == text


def test_moodle_has_a_column_of_identifiers_only_where_each_student_has_one(folder, capsys):
    assert main(["export", "--to", "moodle", "--empty-unmarked"]) == 0
    assert "no column 'ID number': 2 students with none" in capsys.readouterr().out
    with gradebook(folder) as book:
        for n, student in enumerate(["student-01", "student-02", "student-03", "student-04"]):
            book.update_or_create_student(student, lms_user_id=f"0{n}", email="" if n == 2 else f"{n}@example.org")
    assert main(["export", "--to", "moodle", "--empty-unmarked"]) == 0
    found = table(folder / "moodle.csv", "Username")
    assert list(found["ID number"]) == ["00", "01", "02", "03"]
    assert "Email address" not in found
    assert "no column 'Email address': 1 student with none" in capsys.readouterr().out


def test_output_names_the_file_and_replaces_it(folder, capsys):
    target = folder / "marks" / "all.csv"
    target.parent.mkdir()
    target.write_text("old")
    chosen = ["hw2_two", "hw1", "--empty-unmarked", "--output", str(target)]
    assert main(["export", "--to", "canvas", *chosen]) == 0
    assert read(target) == expected("canvas", *MARKS, no_mark="")
    assert capsys.readouterr().out.startswith(f"wrote {target}: 2 assignments, 4 students\n")
    assert [p.name for p in target.parent.iterdir()] == ["all.csv"]


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(",;\"'\n\r\t\\ =+-@"), max_size=12)


def unguarded(text):
    """A text without the apostrophes before signs, and Moodle's backslash as it was."""
    return re.sub(f"'(?=[{SIGNS}])", "", text).replace("＼", "\\")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=NAMES, last=NAMES)
def test_any_name_comes_back_and_none_is_a_formula(folder, first, last):
    with gradebook(folder) as book:
        book.update_or_create_student("student-03", first_name=first, last_name=last)
    for to, key in (("canvas", 3), ("moodle", 0)):
        assert main(["export", "--to", to, "--empty-unmarked"]) == 0
        row = next(row for row in read(folder / f"{to}.csv") if row[key] == "student-03")
        whole = ", ".join(part for part in (last, first) if part) or "student-03"
        names, wanted = (row[:1], [whole]) if to == "canvas" else (row[1:3], [first, last])
        assert [unguarded(name) for name in names] == [unguarded(name) for name in wanted]
        if not set("\\＼" + SIGNS) & set(first + last):
            assert names == wanted
        for name in names:  # also where ';' or a tab ends a cell
            assert not [cell for cell in re.split("[;\t\r\n]", name) if cell.lstrip()[:1] in tuple(SIGNS)]
        marks = table(folder / f"{to}.csv", "SIS Login ID" if to == "canvas" else "Username")
        assert list(marks.loc["student-03"])[-2:] == row[-2:]


def test_the_worst_names_one_by_one(folder):
    names = {
        "student-01": ('=HYPERLINK("http://example.org")', 'O\'Neill, "Al"\nof two lines'),
        "student-02": ("Жанна 数学", "Points Possible"),
        "student-03": (" +1", 'a\\"b;=1+1'),
        "student-04": (None, None),
    }
    with gradebook(folder) as book:
        for student, (first, last) in names.items():
            book.update_or_create_student(student, first_name=first, last_name=last)
    assert main(["export", "--to", "canvas", "--empty-unmarked"]) == 0
    assert [row[0] for row in read(folder / "canvas.csv")[2:]] == [
        'O\'Neill, "Al"\nof two lines, =HYPERLINK("http://example.org")',  # inside a text no formula starts
        "Points-Possible, Жанна 数学",
        "a\\\"b;'=1+1,  +1",
        "student-04",
    ]
    assert main(["export", "--to", "moodle", "--empty-unmarked"]) == 0
    rows = read(folder / "moodle.csv")[1:]
    assert [row[1:3] for row in rows] == [
        ['\'=HYPERLINK("http://example.org")', 'O\'Neill, "Al"\nof two lines'],
        ["Жанна 数学", "Points Possible"],
        [" '+1", "a＼\"b;'=1+1"],
        ["", ""],
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hw9"], "the gradebook has no assignment 'hw9'; it has hw1_one, hw2_two"),
        (["--output", "nowhere/marks.csv"], "nowhere/marks.csv cannot be written"),
        (["--output", "."], ". cannot be written"),
    ],
)
def test_wrong_input_is_one_sentence_and_nothing_is_written(folder, arguments, message, capsys):
    before = sorted(folder.rglob("*"))
    assert main(["export", "--to", "canvas", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert sorted(folder.rglob("*")) == before


def test_without_a_gradebook_none_is_made(tmp_path, monkeypatch, capsys):
    (tmp_path / "nbgrader_config.py").write_text(PLAIN)
    monkeypatch.chdir(tmp_path)
    assert main(["export", "--to", "canvas"]) == 2
    assert "there is no gradebook" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["nbgrader_config.py"]


def test_the_gradebook_is_the_one_of_the_settings(folder, capsys):
    (folder / "elsewhere").mkdir()
    (folder / "gradebook.db").rename(folder / "elsewhere" / "marks.db")
    url = f"sqlite:///{folder / 'elsewhere' / 'marks.db'}"
    (folder / "nbgrader_config.py").write_text(f"{PLAIN}c.CourseDirectory.db_url = {url!r}\n")
    assert main(["export", "--to", "canvas", "--empty-unmarked"]) == 0
    assert read(folder / "canvas.csv") == expected("canvas", *MARKS, no_mark="")


def test_a_database_that_does_not_answer_is_said_without_its_password(folder, capsys):
    url = "postgresql://grader:secret@127.0.0.1:9/course"  # no server, and maybe no driver
    (folder / "nbgrader_config.py").write_text(f"{PLAIN}c.CourseDirectory.db_url = {url!r}\n")
    assert main(["export", "--to", "canvas"]) == 2
    error = capsys.readouterr().err
    assert "the gradebook cannot be read" in error
    assert len(error.splitlines()) == 1
    assert "secret" not in error


def test_a_broken_gradebook_is_said(folder, capsys):
    (folder / "gradebook.db").write_bytes(b"no database " * 100)
    assert main(["export", "--to", "moodle"]) == 2
    assert "the gradebook cannot be read" in capsys.readouterr().err
    assert not list(folder.glob("*.csv"))


def test_an_empty_gradebook_is_said(folder, capsys):
    (folder / "gradebook.db").unlink()
    with gradebook(folder):
        pass
    assert main(["export", "--to", "moodle"]) == 2
    assert "the gradebook has no assignment yet" in capsys.readouterr().err


def test_a_write_that_fails_leaves_the_old_file(folder, monkeypatch, capsys):
    (folder / "canvas_hw1_one.csv").write_text("old")

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert main(["export", "--to", "canvas"]) == 2
    assert "no space left" in capsys.readouterr().err
    assert (folder / "canvas_hw1_one.csv").read_text() == "old"
    assert not list(folder.glob(".*.part"))


def test_export_changes_no_mark(folder):
    def dump():
        with sqlite3.connect(folder / "gradebook.db") as base:
            return list(base.iterdump())

    before = dump()
    assert main(["export", "--to", "canvas", "--empty-unmarked"]) == 0
    assert dump() == before
