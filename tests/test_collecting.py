"""`nbgrader zip_collect` for what Moodle and Canvas give: whose is what, and zips made to do harm."""

import io
import json
import os
import shutil
import stat
import struct
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.course.marks import Mark, QuestionMark
from autograder.intake.collecting import Person, UnpackedFile, matching_students, origin, plan
from autograder.intake.unpacking import BYTES, CONTENTS, FILES, BoundedExtractor
from autograder.marking.verdicts import Finding, Verdict
from autograder.pages.notebook import feedback_notebook
from tests.conftest import TinyCourse
from tests.test_grading import CLASS

HW = TinyCourse.name
ROSTER = """\
id,first_name,last_name,email,lms_user_id
moodle-folder,First,One,one@example.org,1001
moodle-flat,Fírst Sécond,Two-Three,two@example.org,
moodle-old,First,O'Four,four@example.org,n4
moodle-zip,First,Five,,1005
canvas-number,First,Six,,1006
canvas-late,First,Seven,,1007
canvas-again,First,Eight,,1008
canvas-name,Fírst Sécond,Nine,,
twin-a,First,Twin,,
twin-b,first,TWIN,,
namesake,First,Same,,
two-books,First,Books,,
no-book,First,Nobook,,
bomb,First,Bomb,,
link,First,Link,,
climber,First,Climber,,
matryoshka,First,Doll,,
broken,First,Broken,,
absent,First,Absent,,1099
"""


def book(mark):
    """A notebook that can be told from others."""
    return json.dumps({"cells": [], "metadata": {"mark": mark}, "nbformat": 4, "nbformat_minor": 5})


def packed(members):
    """A zip's bytes: text, bytes or a ZipInfo's content by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(name, data)
    return out.getvalue()


def link(name, to):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry, to


def moodle(name, number, file):
    return f"{name}_{number}_assignsubmission_file/{file}"


DOLL = packed([("inner.zip", packed([(f"{HW}.ipynb", book("inner"))]))])
MOODLE = [
    (moodle("First One", 1, "Copy of tiny.ipynb"), book("moodle-folder")),
    (moodle("First One", 1, "word_lm.safetensors"), b"weights"),
    (moodle("First One", 1, "notes.pdf"), b"%PDF"),
    (moodle("First One", 1, ".ipynb_checkpoints/tiny-checkpoint.ipynb"), book("not this one")),
    ("Two-Three First  Second_2_assignsubmission_file_hw0.ipynb", book("moodle-flat")),
    ("First OFour_3_assignsubmission_file_/hw0_tiny.IPYNB", book("moodle-old")),
    (moodle("First Five", 4, "work.zip"), packed([("a/b/final.ipynb", book("moodle-zip")), ("__MACOSX/._x", b"")])),
    (moodle("First Stranger", 5, "hw0.ipynb"), book("stranger")),
    (moodle("First Twin", 6, "hw0.ipynb"), book("twin")),
    (moodle("First Same", 7, "hw0.ipynb"), book("same 7")),
    (moodle("First Same", 8, "hw0.ipynb"), book("same 8")),
    (moodle("First Books", 9, "one.ipynb"), book("one")),
    (moodle("First Books", 9, "two.ipynb"), book("two")),
    (moodle("First Nobook", 10, "hw0.docx"), b"word"),
    (moodle("First Nobook", 10, "word_lm.safetensors"), b"weights"),
    (moodle("First Bomb", 11, "hw0.zip"), packed([("bomb.ipynb", bytes(130 << 20)), ("fine.ipynb", book("bomb"))])),
    (moodle("First Link", 12, "hw0.zip"), packed([link("hw0.ipynb", "/etc/passwd")])),
    (
        moodle("First Climber", 13, "hw0.zip"),
        packed([("../../../../gradebook.db", b""), ("/x.ipynb", book("absolute"))]),
    ),
    (moodle("First Doll", 14, "hw0.zip"), DOLL),
    (moodle("First Broken", 15, "hw0.zip"), b"PK\x03\x04 and no more"),
]
CANVAS = [
    ("sixfirst_1006_5001_hw0_tiny.ipynb", book("canvas-number")),
    ("renamed_LATE_1007_5002_hw0_tiny-3.ipynb", book("canvas-late")),
    ("eightfirst_1008_5003_hw0_tiny.ipynb", book("an older one")),
    ("eightfirst_1008_5004_word_lm.safetensors", b"older weights"),
    ("ninefirstsecond_7777_5005_hw0.ipynb", book("canvas-name")),
    ("absentfirst_4444_5006_hw0.ipynb", book("another student of that name")),
    ("anon_1001_5007_hw0.ipynb", book("anonymous")),
]
AGAIN = [
    ("eightfirst_1008_5013_hw0_tiny-1.ipynb", book("canvas-again")),
    ("eightfirst_1008_5014_word_lm-1.safetensors", b"newer weights"),
]
COLLECTED = {
    **{
        name: {f"{HW}.ipynb": book(name)}
        for name in ("moodle-flat", "moodle-old", "moodle-zip", "canvas-number", "bomb")
    },
    **{name: {f"{HW}.ipynb": book(name)} for name in ("canvas-late", "canvas-name")},
    "moodle-folder": {f"{HW}.ipynb": book("moodle-folder"), "word_lm.safetensors": "weights"},
    "canvas-again": {f"{HW}.ipynb": book("canvas-again"), "word_lm.safetensors": "newer weights"},
}
TOLD = [
    "First Stranger (Moodle's number 5) is not in the roster",
    "First Twin (Moodle's number 6) may be twin-a or twin-b",
    "(Moodle's number 8) all match namesake",
    "two-books handed in 2 notebooks, one.ipynb, two.ipynb: nothing was collected",
    "no-book handed in no notebook: nothing was collected",
    "hw0.docx was left out: it is neither a notebook",
    "notes.pdf was left out",
    "bomb.ipynb was left out: it is larger than 128 MiB",
    "hw0.zip/hw0.ipynb was left out: it is a link",
    "gradebook.db was left out: its path leads out of the zip",
    "x.ipynb was left out: its path leads out of the zip",
    "inner.zip was left out: it is a zip in a zip",
    "_15_assignsubmission_file/hw0.zip was left out: it cannot be read as a zip",
    "course.zip was left out: it cannot be read as a zip",
    "like_1_2_one.zip was left out: its name is like one student's",
    "absentfirst (Canvas's number 4444) is not in the roster",
    "anon_1001_5007_hw0.ipynb was left out: its name is neither Moodle's nor Canvas's",
    "canvas-late handed in late, according to Canvas",
    "canvas-again: the newest of several attempts was used",
]


def everything(folder):
    """Text of every file below a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().decode(errors="replace")
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """A course that collected three downloads, and what it said."""
    course = TinyCourse.built(tmp_path_factory.mktemp("collecting") / "course")
    (course.root / "students.csv").write_text(ROSTER)
    done = course.nbgrader("db", "student", "import", "students.csv")
    assert done.returncode == 0, done.stderr
    archive = course.root / "downloaded" / HW / "archive"
    archive.mkdir(parents=True)
    (archive / "course-tiny-12.zip").write_bytes(packed(MOODLE))
    (archive / "course-tiny_submissions.zip").write_bytes(packed(CANVAS))
    (archive / "course-tiny_submissions (1).zip").write_bytes(packed(AGAIN))
    (archive / "course.zip").write_bytes(b"")
    (archive / "like_1_2_one.zip").write_bytes(packed([]))
    course.before = everything(course.root)
    done = course.nbgrader("zip_collect", HW)
    assert done.returncode == 1, done.stderr  # of some who handed in nothing could be collected
    course.told = done.stdout + done.stderr
    return course


def test_each_student_gets_their_own_work_under_the_assignment_s_name(collected):
    found = {}
    for path, text in everything(collected.root / "submitted").items():
        student, assignment, file = path.split("/")
        assert assignment == HW
        found.setdefault(student, {})[file] = text
    assert found == COLLECTED


@pytest.mark.parametrize("sentence", TOLD)
def test_what_is_left_is_told_once(collected, sentence):
    assert collected.told.count(sentence) == 1


def test_who_handed_in_nothing_is_named(collected):
    [line] = [line for line in collected.told.splitlines() if "students; none from" in line]
    missing = sorted({row.split(",")[0] for row in ROSTER.splitlines()[1:]} - set(COLLECTED))
    assert line.partition("collected submissions of 9 students; none from ")[2].split(", ") == missing


def test_nothing_else_is_written_and_nothing_taken_away(collected):
    after = everything(collected.root)
    own = ("submitted/", f"downloaded/{HW}/extracted/", ".jupyter/")
    assert {path: text for path, text in after.items() if not path.startswith(own)} == collected.before
    assert not [path for path in collected.root.rglob("*") if path.is_symlink()]


def test_without_a_roster_there_is_one_sentence(collected, tmp_path):
    course = TinyCourse(tmp_path / "course")
    shutil.copytree(collected.root / "downloaded" / HW / "archive", course.root / "downloaded" / HW / "archive")
    done = course.nbgrader("zip_collect", HW)
    assert done.returncode != 0
    assert "the gradebook has no students: `nbgrader db student import students.csv` first" in done.stderr
    assert not (course.root / "submitted").exists()


def with_roster(course, *rows):
    """Import a roster; returns the folder for downloads."""
    (course.root / "students.csv").write_text("\n".join(["id,first_name,last_name,lms_user_id", *rows, ""]))
    assert course.nbgrader("db", "student", "import", "students.csv").returncode == 0
    archive = course.root / "downloaded" / HW / "archive"
    archive.mkdir(parents=True)
    return archive


def test_a_timestamp_outlives_a_new_download_and_old_ones_are_told(built):
    archive = with_roster(built, "same,First,One,", "other,First,Two,", "new,First,Six,")

    def collect(*names, mark, options=()):
        """Collect a download in which the first of these students has a notebook with this mark."""
        marks = [mark] + ["1"] * (len(names) - 1)
        parts = [
            (moodle(name, n, "hw0.ipynb"), book(one)) for n, (name, one) in enumerate(zip(names, marks, strict=True))
        ]
        (archive / "course-12.zip").write_bytes(packed(parts))
        done = built.nbgrader("zip_collect", HW, *options)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    collect("First Two", "First One", mark="1")
    times = {"same": "2027-03-01 18:00 CET\n", "other": "2027-03-01 17:30:00.5 UTC"}
    for student, time in times.items():
        (built.submitted(student).parent / "timestamp.txt").write_text(time)
    told = collect("First Two", "First One", "First Six", mark="2", options=["--force"])
    found = {path.parts[-3]: path.read_text() for path in (built.root / "submitted").rglob("timestamp.txt")}
    assert found == times
    assert json.loads(built.submitted("other").read_text())["metadata"]["mark"] == "2"
    where = f"submitted/other/{HW}/timestamp.txt"
    assert (
        f"other: a new submission, with the old timestamp 2027-03-01 17:30:00.5 UTC: if it came later, edit {where}"
        in told
    )
    assert told.count("the old timestamp") == 1


def handed_in(course, kind):
    """The released notebook with one of the class's answers, as a text."""
    notebook = nbformat.read(course.released, as_version=4)
    for cell in notebook.cells:
        cell.source = {**CLASS[kind], "why": "since | 2 < 3"}.get(cell.id, cell.source)
    return nbformat.writes(notebook)


def as_canvas_reads(name):
    """The numbers of student and file in a name, by the rule of Canvas's infer_comment_context_from_filename."""
    return [part for part in name.split("_") if part.isdecimal()][:2]


def test_feedback_goes_back_to_canvas_as_what_was_handed_in(built):
    archive = with_roster(built, "student-01,First,One,1001", "student-02,First,Two,1002", "absent,First,Six,1006")
    names = ["onefirst_1001_5001_my_2_tries-1.ipynb", "twofirst_LATE_1002_5002_work.zip"]
    work = packed([("hw0_tiny.ipynb", handed_in(built, "full"))])
    (archive / "submissions.zip").write_bytes(packed(zip(names, [handed_in(built, "square"), work], strict=True)))
    assert built.nbgrader("zip_collect", HW).returncode == 0
    assert built.course("grade").returncode == 0
    assert "there is no feedback yet" in built.course("return", "hw0").stderr
    with Gradebook(f"sqlite:///{built.root / 'gradebook.db'}") as gradebook:
        grade = gradebook.find_grade("why", HW, HW, "student-01")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        gradebook.find_comment("why", HW, HW, "student-01").manual_comment = "Nearly."
        gradebook.db.commit()
    built.feedback()
    told = built.course("return", "hw0").stdout
    assert "for Canvas: pages of 2 students" in told
    assert "no pages for absent" in told
    with zipfile.ZipFile(built.root / f"feedback_{HW}.zip") as file:
        back = {name: file.read(name) for name in file.namelist()}
    assert list(map(as_canvas_reads, back)) == [["1001", "5001"], ["1002", "5002"]]
    assert list(back) == names
    notebook = nbformat.reads(back[names[0]].decode(), as_version=4)
    nbformat.validate(notebook)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert "**double: 0 of 2 points**" in "\n".join(texts)
    assert "The square stands where twice the value is asked." in "\n".join(texts)
    assert texts[0].startswith("# 4.5 of 8 points")
    assert texts[-1] == "**why: 1.5 of 2 points**\n\n> Nearly."
    assert not [cell for cell in notebook.cells if cell.get("outputs") or set(cell.metadata)]
    with zipfile.ZipFile(io.BytesIO(back[names[1]])) as file:
        assert file.namelist() == [f"{HW}.html"]
    assert "no submission of hw0_tiny came from Moodle" in built.course("return", "hw0", "--to", "moodle").stderr


def test_code_keeps_its_bars_in_a_feedback_notebook(tmp_path):
    verdict = Verdict("double", 0, 2, (Finding("a | b", False, 2, "`a | b` came"),), hint="line 3: `p = p | q`")
    metadata = {"nbgrader": {"grade_id": "check_double"}, "course": verdict.as_dict()}
    cell = nbformat.v4.new_code_cell("checks.passed('double')", metadata=metadata)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "graded.ipynb")
    mark = Mark("student-01", "", {"check_double": QuestionMark("check_double", 0.0, 0.0, 2.0, False)})
    text = nbformat.reads(feedback_notebook(tmp_path / "graded.ipynb", mark), as_version=4).cells[-1].source
    assert "\nline 3: `p = p | q`\n" in text
    assert r"| failed | a \| b | `a \| b` came |" in text  # in a table a bar would end the cell


PEOPLE = [Person("a", "Ána María", "Berg-Öst", "17"), Person("b", "Ana", "Maria", ""), Person("c", "Li", "Wu", "sis-9")]


@pytest.mark.parametrize(
    ("name", "students"),
    [
        ("Ana Maria Berg-Ost_5_assignsubmission_file", ["a"]),
        ("BERG-ÖST  ÁNA MARÍA_5_assignsubmission_file_", ["a"]),
        ("Maria Ana_5_assignsubmission_file_x_9_assignsubmission_file_y.ipynb", ["b"]),
        ("Ana_5_assignsubmission_file", []),
        ("anybody_17_3_x.ipynb", ["a"]),
        ("bergöstánamaría_18_3_x.ipynb", []),  # of that name, but another number
        ("wuli_99_3_x.ipynb", ["c"]),
        ("wu_li_LATE_99_3_x_17_4_y.ipynb", ["c"]),
        ("Li Wu_7_assignsubmission_file_17_3_x.ipynb", ["c"]),  # Canvas's form within Moodle's
        ("wuli_99_3_Ana Maria_5_assignsubmission_file_x.ipynb", []),  # Moodle's form within Canvas's
    ],
)
def test_a_name_means_who_the_roster_says_and_nobody_else(name, students):
    assert matching_students(origin((name,)), PEOPLE) == students


@pytest.mark.parametrize("name", ["hw4.ipynb", "Ana_assignsubmission_file", "anon_123_45_x.ipynb", "a-b_1_2_x.ipynb"])
def test_other_names_are_nobody_s(name):
    assert origin((name,)) is None


def test_the_outermost_name_counts():
    inside = ("course.zip", "Li Wu_7_assignsubmission_file", "work.zip", "Ana Maria_5_assignsubmission_file", "x.ipynb")
    assert matching_students(origin(inside), PEOPLE) == ["c"]


def planned(tmp_path, files, assignment="hw4"):
    """The plan for files by their path below `extracted/`: what each student gets, and the sentences."""
    found = []
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        found.append(UnpackedFile(path, origin(Path(name).parts), Path(name).parts[0]))
    taken, told = plan(found, PEOPLE, assignment)
    return {target: path.relative_to(tmp_path).as_posix() for path, target in taken.items()}, told


WU = "Li Wu_7_assignsubmission_file"


def test_of_several_notebooks_the_one_named_as_the_assignment_is_taken_and_said(tmp_path):
    taken, told = planned(tmp_path, {f"m.zip/{WU}/Copy of hw4.ipynb": "1", f"m.zip/{WU}/scratch.ipynb": "2"})
    assert taken == {("c", "hw4.ipynb"): f"m.zip/{WU}/Copy of hw4.ipynb"}
    assert told == ["c: hw4.ipynb was used, not scratch.ipynb"]


def test_copies_that_are_the_same_are_one(tmp_path):
    taken, told = planned(tmp_path, {f"m.zip/{WU}/hw4.ipynb": "1", f"m (1).zip/{WU}/hw4 (1).ipynb": "1"})
    assert len(taken) == 1
    assert not told


def test_two_downloads_of_moodle_s_do_not_say_which_is_newer(tmp_path):
    taken, told = planned(tmp_path, {f"m.zip/{WU}/hw4.ipynb": "1", f"m (1).zip/{WU}/hw4.ipynb": "2"})
    assert not taken
    where = f"m (1).zip/{WU}/hw4.ipynb, m.zip/{WU}/hw4.ipynb"
    what = "c handed in 2 different files hw4.ipynb, and nothing says which is newer"
    assert told == [f"{what} ({where}): nothing was collected"]


def test_a_newer_attempt_of_canvas_s_is_taken_whole_whatever_it_is_called(tmp_path):
    old = {"c.zip/wuli_9_100_hw4.ipynb": "1", "c.zip/wuli_9_101_word_lm.safetensors": "2"}
    taken, told = planned(tmp_path, {**old, "c (1).zip/wuli_9_200_mine.ipynb": "3"})
    assert taken == {("c", "hw4.ipynb"): "c (1).zip/wuli_9_200_mine.ipynb"}
    assert told == ["c: the newest of several attempts was used"]


def unpack(tmp_path, caplog, data, name="Li Wu_7_assignsubmission_file/hw.zip"):
    """Extract a download with one student's zip; returns what was written and what was said."""
    archive, extracted = tmp_path / "archive", tmp_path / "extracted"
    archive.mkdir()
    extracted.mkdir()
    (archive / "m.zip").write_bytes(packed([(name, data), (moodle("Ana Maria", 8, "fine.ipynb"), book("fine"))]))
    BoundedExtractor().extract(str(archive), str(extracted))
    found = everything(extracted)
    assert found.pop("m.zip/Ana Maria_8_assignsubmission_file/fine.ipynb") == book("fine")
    return found, [record.getMessage() for record in caplog.records]


def patched(data, signature, offset, fmt, value):
    """A zip with a field changed in each record of a kind."""
    data = bytearray(data)
    at = data.find(signature)
    while at >= 0:
        struct.pack_into(fmt, data, at + offset, value)
        at = data.find(signature, at + 4)
    return bytes(data)


ONE = packed([("hw4.ipynb", book("one"))])
METHOD = patched(patched(ONE, b"PK\1\2", 10, "<H", 14), b"PK\3\4", 8, "<H", 14)
HARMFUL = {
    "claims to be encrypted": (patched(patched(ONE, b"PK\1\2", 8, "<H", 1), b"PK\3\4", 6, "<H", 1), "it is encrypted"),
    "lzma": (METHOD, "its compression is not supported"),
    "a wrong checksum": (patched(ONE, b"PK\1\2", 16, "<I", 7), "it cannot be unpacked"),
    "a table of contents without end": (
        bytes(CONTENTS) + patched(ONE, b"PK\5\6", 12, "<I", CONTENTS + 1),
        "its table of contents is too long",
    ),
    "a long table of contents": (
        packed([(f"{n:0200}", "") for n in range(CONTENTS // 240)]),
        "table of contents is too",
    ),
    "many files": (packed([(f"{n}.ipynb", "{}") for n in range(FILES + 1)]), f"it holds {FILES + 1} files"),
    "no end": (ONE[:-30], "cannot be read as a zip"),
    "many folders": (packed([("a/" * 30 + "x.ipynb", "{}")]), "folders deep"),
    "a link": (packed([link("hw4.ipynb", "../../secret")]), "it is a link"),
    "a way out": (packed([("..\\..\\x.ipynb", "{}")]), "its path leads out"),
    "a drive": (packed([("C:\\x.ipynb", "{}")]), "its path leads out"),
    "a large zip": (bytes(97 << 20), "larger than 96 MiB"),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_a_harmful_zip_costs_its_own_hand_in_and_a_sentence(name, tmp_path, caplog):
    data, why = HARMFUL[name]
    found, told = unpack(tmp_path, caplog, data)
    assert not found
    assert len(told) == 1
    assert "m.zip/Li Wu_7_assignsubmission_file/hw.zip" in told[0]
    assert why in told[0]


def test_a_colon_in_a_name_is_no_way_out(tmp_path, caplog):
    found, told = unpack(tmp_path, caplog, book("colon"), "onefirst_1001_5001_hw1: final.ipynb")
    assert (found, told) == ({"m.zip/onefirst_1001_5001_hw1: final.ipynb": book("colon")}, [])


OWN = moodle("First One", 1, "hw0.ipynb")
ENCRYPTED = patched(patched(packed([(OWN, "")]), b"PK\1\2", 8, "<H", 1), b"PK\3\4", 6, "<H", 1)
BZIP2 = patched(patched(packed([(OWN, "")]), b"PK\1\2", 10, "<H", 12), b"PK\3\4", 8, "<H", 12)
REFUSED = {
    "a zip of one's own": ("First One_1_assignsubmission_file_hw0.zip", packed([("hw0.ipynb", book("own"))])),
    "a link": ("m.zip", packed([link(OWN, "/etc/passwd")])),
    "encrypted": ("m.zip", ENCRYPTED),
    "bzip2": ("m.zip", BZIP2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_whose_file_is_refused_before_it_is_opened_has_handed_in_all_the_same(name, tmp_path, caplog):
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / REFUSED[name][0]).write_bytes(REFUSED[name][1])
    extractor = BoundedExtractor()
    extractor.extract(str(tmp_path / "archive"), str(tmp_path / "extracted"))
    assert caplog.text.count("was left out") == 1
    assert extractor.people == {"First One (Moodle's number 1)"}


def test_a_submission_that_was_refused_unread_is_told_by_the_exit_code(built):
    archive = with_roster(built, "student-01,First,One,")
    name, data = REFUSED["a zip of one's own"]
    (archive / name).write_bytes(data)
    done = built.nbgrader("zip_collect", HW)
    assert (done.returncode, "its name is like one student's" in done.stderr) == (1, True), done.stderr


def test_a_hand_in_s_size_is_bounded_over_all_its_files(tmp_path, caplog):
    part = bytes(30 << 20)
    found, told = unpack(tmp_path, caplog, packed([(f"{n}.ipynb", part) for n in range(7)]))
    assert sum(map(len, found.values())) <= BYTES
    assert len(found) == 5
    assert len(told) == 2
    assert all("the submission is larger than 160 MiB" in line for line in told)


def test_names_are_safe_here_and_on_a_terminal(tmp_path, caplog):
    names = ["a\x1b]0;x\x07.ipynb", "b\n.ipynb", "é" * 300 + ".ipynb", "c.ipynb", "c.ipynb"]
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = packed([(name, book(number)) for number, name in enumerate(names)] + [("bad\x1b[2J.txt", "")])
    found, told = unpack(tmp_path, caplog, data)
    assert len(found) == 5
    assert all(name.isprintable() and name.endswith(".ipynb") for name in found)
    assert [line for line in told if "bad?[2J.txt was left out" in line] == told


def test_a_link_in_the_folder_of_downloads_is_left(tmp_path, caplog):
    (tmp_path / "archive").mkdir()
    (tmp_path / "secret.ipynb").write_text("{}")
    os.symlink(tmp_path / "secret.ipynb", tmp_path / "archive" / "wuli_9_100_hw4.ipynb")
    BoundedExtractor().extract(str(tmp_path / "archive"), str(tmp_path / "extracted"))
    assert "it is not an ordinary file" in caplog.text
    assert not (tmp_path / "extracted").exists()
