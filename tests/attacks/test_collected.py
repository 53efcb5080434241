"""Zips and roster rows of random structure, the whole way: from a download to the gradebook, a neighbour among them."""

from __future__ import annotations

import io
import json
import random
import zipfile

import pytest

from tests.attacks.attacks import DOUBLE, HALVE
from tests.attacks.courses import NEEDS_ISOLATION, course_for, graded_by, runs
from tests.attacks.test_reading import FULL, damaged
from tests.conftest import gradebook, thorough

pytestmark = NEEDS_ISOLATION
SEEDS = range(16) if thorough() else (0, 1, 4, 6, 8, 10)
LAST = "zz-neighbour"
NAMES = [
    *("\u202egnp", "<script>x</script>", "O'Neil; DROP", "=1+1", "N\u00fal\u0301", "x" * 300, "\U0001f642", " ", "a_b"),
    *("name\nsecond line", "..", "[a-z]*", "%20", "{student_id}", "\x1b]0;title\x07", "\u0430dmin"),
]
# ids that no folder should be called, and one that would lead out of the course
IDS = {4: "../../outside", 6: "a/b", 8: "..", 10: "[ab]*", 12: "-rf"}
ROSTER = """
import json
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as gradebook:
    for row in json.load(open("roster.json")):
        gradebook.update_or_create_student(row.pop("id"), **row)
"""


def zipped(notebook: bytes, rng: random.Random) -> bytes:
    """A student's zip that holds the notebook, and then is no such zip any more."""
    out, names = (
        io.BytesIO(),
        ["hw0_tiny.ipynb", "a/b/c/hw0.ipynb", "hw0_tiny.ipynb", "\u00fc\n.ipynb", "..", "x" * 250],
    )
    with zipfile.ZipFile(out, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as file:
        for name in rng.sample(names, rng.choice([1, 1, 2, 4])):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = rng.choice([*[0] * 5, 0o120777 << 16, rng.randrange(2**32)])
            file.writestr(entry, rng.choice([*[notebook] * 5, b"", rng.randbytes(50)]))
    data = bytearray(out.getvalue())
    for _ in range(rng.choice([0, 0, 0, 1, 5])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.choice([*[len(data)] * 4, rng.randrange(len(data))])])


@pytest.fixture(scope="module", params=runs("collected"))
def graded(request, tmp_path_factory):
    """A class that was collected from one download of Moodle's and graded; the neighbour's zip is as it should be."""
    folder = tmp_path_factory.mktemp("collected")
    course = course_for(request.param, folder / "course")
    released = json.loads(course.released.read_text())
    for cell in released["cells"]:
        cell["source"] = {"double": DOUBLE, "halve": HALVE}.get(cell["id"], cell["source"])
    right = json.dumps(released).encode()
    roster, download = [], io.BytesIO()
    with zipfile.ZipFile(download, "w") as archive:
        for seed in SEEDS:
            rng = random.Random(seed)
            (folder / "work").mkdir(exist_ok=True)
            (folder / "work" / "hw0_tiny.ipynb").write_bytes(right)
            damaged(seed)(folder / "work")
            notebook = rng.choice([right, (folder / "work" / "hw0_tiny.ipynb").read_bytes()])
            for path in (folder / "work").iterdir():
                path.unlink()
            first, last = NAMES[seed % len(NAMES)], f"No{seed}"
            roster.append({"id": IDS.get(seed, f"student-{seed:02}"), "first_name": first, "last_name": last})
            file = "hw0.zip" if seed % 2 else "hw0_tiny.ipynb"
            content = zipped(notebook, rng) if seed % 2 else notebook
            archive.writestr(f"{first} {last}_{seed + 1}_assignsubmission_file/{file}", content)
        roster.append({"id": LAST, "first_name": "Zoe", "last_name": "Last"})
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as own:
            own.writestr("hw0_tiny/hw0_tiny.ipynb", right)
        archive.writestr("Zoe Last_99_assignsubmission_file/hw0.zip", out.getvalue())
    (course.root / "roster.json").write_text(json.dumps(roster))
    done = course.python("-c", ROSTER)
    assert done.returncode == 0, done.stderr
    place = course.root / "downloaded" / course.name / "archive"
    place.mkdir(parents=True)
    (place / "course-tiny-12.zip").write_bytes(download.getvalue())
    before = {path for path in folder.rglob("*") if course.root not in (path, *path.parents)}
    collect, grade = course.nbgrader("zip_collect", course.name), graded_by(request.param, course)
    course.codes = collect.returncode, grade.returncode
    course.told = collect.stdout + collect.stderr + grade.stdout + grade.stderr
    course.outside = {path for path in folder.rglob("*") if course.root not in (path, *path.parents)} - before
    course.marks = {}
    for student, _, name, score, _, _ in gradebook(course):
        course.marks.setdefault(student, {})[name] = score
    return course


def test_the_runs_reach_their_ends_and_the_neighbour_has_its_marks(graded):
    assert set(graded.codes) <= {0, 1}
    assert graded.codes[0] == 1  # some could not be collected
    assert "Traceback" not in graded.told
    assert tuple(graded.marks[LAST][f"check_{name}"] for name in ("double", "halve", "total")) == FULL


def test_nothing_is_written_outside_and_no_control_character_reaches_the_terminal(graded):
    assert not graded.outside
    assert {path.name for path in (graded.root / "submitted").iterdir()} <= {
        LAST,
        *(f"student-{seed:02}" for seed in SEEDS),
    }
    assert "\x1b" not in graded.told


@pytest.mark.parametrize("seed", SEEDS)
def test_each_is_graded_or_named(graded, seed):
    student = IDS.get(seed, f"student-{seed:02}")
    has_marks = None not in graded.marks.get(student, {"none": None}).values()
    lines = [
        line for line in graded.told.splitlines() if student in line or f"No{seed} " in line or f"No{seed}_" in line
    ]
    assert has_marks or lines
    assert not (has_marks and seed in IDS)


@pytest.mark.parametrize("command", [("report",), ("export", "--to", "moodle"), ("export", "--to", "canvas")])
def test_pages_and_marks_come_for_whoever_is_in_the_roster(graded, command):
    done = graded.course(*command)
    assert done.returncode in (0, 1, 2)
    assert "Traceback" not in done.stderr
    assert done.returncode != 2, done.stderr
