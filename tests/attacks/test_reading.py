"""Whatever a submission is made of costs that submission alone: from the folder to the gradebook, by either command."""

from __future__ import annotations

import copy
import json
import random
import shutil

import nbformat
import pytest

from tests.attacks.attacks import DOUBLE, HALVE, WRONG
from tests.attacks.courses import NEEDS_ISOLATION, course_for, graded_by, hand_in, runs
from tests.conftest import gradebook, thorough
from tests.test_grading import reasons

pytestmark = NEEDS_ISOLATION
GOOD = {"double": DOUBLE, "halve": HALVE}
FULL, NONE = (2, 3, 1), (None, None, None)
LAST = "zz-neighbour"  # graded after all others
BEFORE = {"no-json", "worksheets", "raises-in-reading"}  # who had marks already


def cell(source, kind="code", **more):
    made = {"cell_type": kind, "metadata": {}, "source": source} | more
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def place(read, name):
    return next(number for number, one in enumerate(read["cells"]) if one["id"] == name)


def edited(change):
    """A change of the notebook's JSON."""

    def apply(folder):
        (path,) = folder.glob("*.ipynb")
        read = json.loads(path.read_text())
        change(read)
        path.write_text(json.dumps(read))

    return apply


def holding(data):
    return lambda folder: next(folder.glob("*.ipynb")).write_bytes(data)


def beside(**files):
    def apply(folder):
        for name, data in files.items():
            (folder / name.replace("__", " ").replace("_x_", ".")).write_bytes(data)

    return apply


def long(name, size):
    """A file that is all zeros, and takes no room on a disk."""

    def apply(folder):
        with (folder / name).open("r+b" if (folder / name).exists() else "xb") as file:
            file.truncate(size)

    return apply


def several(*changes):
    return lambda folder: [change(folder) for change in changes]


def into_a_folder(folder):
    inner = folder / "hw0 (1)"
    inner.mkdir()
    for path in list(folder.glob("*.ipynb")):
        path.rename(inner / path.name)
    (folder / "__MACOSX").mkdir()


def doubled(first, then, ids=True):
    """`double` twice, one cell right below the other."""

    def change(read):
        at = place(read, "double")
        again = copy.deepcopy(read["cells"][at]) if ids else cell("")
        read["cells"][at]["source"] = first or read["cells"][at]["source"]
        read["cells"].insert(at + 1, again | {"source": then or again["source"]})

    return edited(change)


def below(name, *cells):
    return edited(lambda read: read["cells"].__setitem__(slice(place(read, name) + 1, place(read, name) + 1), cells))


def outputs_of_50_mb(read):
    read["cells"][place(read, "check_double")]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "x" * 1000 + "\n"} for _ in range(50_000)
    ]


PACK = "import json\nget_ipython().kernel.session.pack = lambda o: json.dumps(o, default=str).encode()\n"
UNSEEN = "import os\nassert os.listdir() == [] or not [n for n in os.listdir() if n.endswith('.txt')]\n"
OWN = "Because halving undoes doubling."

# student -> cells that are filled in, what else is done to the folder, marks, what is said or why there is no mark
READ = {
    "worksheets": (GOOD, holding(b'{"worksheets": [{}]}'), FULL, "it has no list of cells"),
    "worksheets-5": (GOOD, holding(b'{"worksheets": [{"cells": 5}]}'), NONE, "it has no list of cells"),
    "no-json": (GOOD, holding(b"\x00\xff{{{"), FULL, "it is not a notebook (not valid JSON)"),
    "nested": (GOOD, holding(b'{"cells": ' * 200_000), NONE, "nested too deeply for a notebook"),
    "half": (GOOD, holding(b'{"cells": [{"source": "'), NONE, "it is not a notebook (not valid JSON)"),
    "too-large": (GOOD, long("hw0_tiny.ipynb", 300 << 20), NONE, "300 MiB; at most 128 are allowed"),
    "zeros": (GOOD, long("hw0_tiny.ipynb", 20 << 20), NONE, "it is not a notebook (not valid JSON)"),
    "much-code": (
        GOOD,
        below("double", cell("a = 1\n" * 100_000)),
        NONE,
        "characters of code; at most 500000 are allowed",
    ),
    "raises-in-reading": (
        GOOD,
        holding(b'{"cells": ' + b"9" * 5000 + b"}"),
        FULL,
        "it is not a notebook (not valid JSON)",
    ),
    "surrogates": ({**GOOD, "double": f"{PACK}print(chr(0xD800))\n{DOUBLE}"}, None, FULL, ""),
    "late-garbage": (
        GOOD,
        beside(timestamp_x_txt=b"2026-01-01 10:00:00 UTC" + b" " * 200 + b"garbage"),
        FULL,
        "no valid time",
    ),
    "time-of-two-bytes": (GOOD, beside(timestamp_x_txt=b"\xff\xfe"), FULL, "no valid time"),
    "cut-cells": (GOOD, below("double", *[cell("    a = 1\n" * 200)] * 90), FULL, "could not be placed"),
    "nine-weights": (GOOD, several(*(long(f"w{k}.safetensors", 9) for k in range(9))), FULL, "8 files of 64 MiB"),
    "heavy-weights": (
        GOOD,
        several(*(long(f"w{k}.safetensors", 30 << 20) for k in range(3))),
        FULL,
        "8 files of 64 MiB",
    ),
    "one-folder-too-deep": (GOOD, into_a_folder, FULL, "was in the folder hw0 (1) and was taken from there"),
    "stub-then-right": ({"halve": HALVE}, doubled(None, DOUBLE), FULL, ""),
    "right-then-stub": ({"halve": HALVE}, doubled(DOUBLE, None), FULL, ""),
    "wrong-then-right": (GOOD, doubled(WRONG, DOUBLE, ids=False), FULL, "defined in several cells, the last"),
    "right-then-wrong": (GOOD, doubled(DOUBLE, WRONG), (0, 3, 0), "defined in several cells, the last"),
    "right-then-broken": (GOOD, doubled(DOUBLE, "def double(x):\n    return 3 * *x"), FULL, ""),
    "made-anew": (
        {**GOOD, "double": WRONG},
        below("double", cell("double = lambda x: 2 * x")),
        FULL,
        "because your solutions use them",
    ),
    "helper-made-anew": (
        {**GOOD, "double": "def by():\n    return 3\n\ndef double(x):\n    return by() * x"},
        below("check_double", cell("def by():\n    return 2")),
        FULL,
        "kept 1 of your own cells",
    ),
    "outputs-of-50-mb": (GOOD, edited(outputs_of_50_mb), FULL, None),
    "what-systems-leave": (
        GOOD,
        beside(Thumbs_x_db=b"1", desktop_x_ini=b"1", README_x_md=b"mine", _x_DS_Store=b"1"),
        FULL,
        None,  # nothing is said
    ),
    "from-a-hub": (
        {**GOOD, "double": UNSEEN + DOUBLE},
        beside(timestamp_x_txt=b"2026-01-01 10:00:00 UTC", submission_secret_x_txt=b"s3cret"),
        FULL,
        None,
    ),
    "answer-below": (GOOD, below("why", cell(OWN, "markdown")), FULL, "was added to it: why"),
}


def other_value(value, rng):
    """A value of another kind, or one that is odd in its own."""
    odd = [None, True, -1, 1e400, "", "\ud800", "x" * 200, [], {}, [value], {"a": value}, [[]] * 3, "\0", "{}", 10**30]
    return rng.choice(odd)


def somewhere(read, rng):
    """A container in the JSON and a key of it, any depth."""
    at = read
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = rng.choice(keys)
        if not isinstance(at[key], (dict, list)) or not at[key] or rng.random() < 0.2:
            return at, key
        at = at[key]


def damaged(seed):
    """The notebook with a few values anywhere replaced, deleted or doubled, or something odd beside it."""

    def apply(folder):
        rng = random.Random(seed)
        (path,) = folder.glob("*.ipynb")
        read = json.loads(path.read_text())
        for _ in range(rng.choice([1, 2, 5, 20])):
            at, key = somewhere(read, rng)
            kind = rng.choice(["replace", "replace", "delete", "double"])
            if kind == "replace":
                at[key] = other_value(at[key], rng)
            elif kind == "delete" and len(at) > 1:
                del at[key]
            elif isinstance(at, list):
                at.insert(rng.randrange(len(at)), copy.deepcopy(at[key]))
        path.write_text(json.dumps(read))
        beside = rng.choice(["timestamp.txt", "submission_secret.txt", "w.safetensors", "x\udcff.ipynb", "a\nb", None])
        if beside:
            (folder / beside).write_bytes(rng.randbytes(rng.choice([0, 1, 30, 2000])))

    return apply


SEND = "get_ipython().kernel.session.send(get_ipython().kernel.iopub_socket, "
PRINTS = [
    "print(chr(rng.randrange(0x110000)))",
    "display({rng.choice(['text/html', 'image/png', 'a', '']): chr(rng.randrange(0x110000)) * 9}, raw=True)",
    SEND + "'stream', {'name': rng.random(), 'text': 3})",
    SEND + "'display_data', {'data': [1], 'metadata': 5})",
    SEND + "'error', {'traceback': 'x', 'ename': [2]})",
]


def sends(seed):
    """Cells of a kernel that sends odd messages."""
    rng = random.Random(seed)
    lines = "\n".join(rng.choice(PRINTS) for _ in range(6))
    return {**GOOD, "double": f"{PACK}import random\nrng = random.Random({seed})\n{lines}\n{DOUBLE}"}


FUZZED = {f"fuzzed-{seed:02}": (GOOD, damaged(seed)) for seed in range(12 if thorough() else 4)}
FUZZED |= {f"sends-{seed}": (sends(seed), None) for seed in range(3 if thorough() else 1)}


@pytest.fixture(scope="module", params=runs("reading"))
def graded(request, tmp_path_factory):
    """A class of which some have marks, and then all hand in what is hard to read; the neighbour comes last."""
    course = course_for(request.param, tmp_path_factory.mktemp("reading") / "course")
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.Execute.timeout = 3\nc.Execute.grace = 1\n")
    for student in sorted(BEFORE):
        hand_in(course, student, GOOD)
    first = graded_by(request.param, course)
    assert first.returncode == 0, first.stderr[-3000:]
    course.before = {student: notebook_of(course, student).read_bytes() for student in BEFORE}
    for student, (cells, change, *_) in (READ | FUZZED).items():
        path = course.submitted(student) if student in BEFORE else hand_in(course, student, cells)
        if change:
            change(path.parent)
    hand_in(course, LAST, GOOD)
    done = graded_by(request.param, course)
    assert done.returncode in (0, 1), done.stderr[-3000:]
    course.code, course.told = done.returncode, done.stdout + done.stderr
    course.marks = {}
    for student, _, name, score, _, waits in gradebook(course):
        course.marks.setdefault(student, {})[name.removeprefix("check_")] = score if name != "why" else waits
    course.feedback()
    yield course
    shutil.rmtree(course.root, ignore_errors=True)


def notebook_of(course, student):
    return course.root / "autograded" / student / course.name / f"{course.name}.ipynb"


def repairs(course, student):
    return nbformat.read(notebook_of(course, student), as_version=4).metadata["course"]["repairs"]


def marks(course, student):
    return tuple(course.marks.get(student, {}).get(name) for name in ("double", "halve", "total"))


def test_the_run_reaches_its_end_and_the_neighbour_has_its_marks(graded):
    assert marks(graded, LAST) == FULL
    assert graded.code == 1  # some could not be graded
    assert "Traceback" not in graded.told


def test_each_has_the_marks_of_its_right_cells(graded):
    assert {name: marks(graded, name) for name in READ} == {name: earned for name, (_, _, earned, _) in READ.items()}


@pytest.mark.parametrize("student", READ)
def test_what_cannot_be_read_is_named_and_what_was_put_right_is_said(graded, student):
    _, _, earned, says = READ[student]
    if student in BEFORE or earned == NONE:
        assert f"{student}, hw0_tiny: hw0_tiny.ipynb cannot be read: " in graded.told
        [line] = [line for line in graded.told.splitlines() if f"{student}, hw0_tiny: " in line]
        assert says in line
    else:
        assert f"{student}, hw0_tiny: " not in graded.told, reasons(graded, student)
        assert says in " ".join(repairs(graded, student)) if says is not None else not repairs(graded, student)


def test_who_cannot_be_read_keeps_the_old_notebook_too(graded):
    assert {student: notebook_of(graded, student).read_bytes() for student in BEFORE} == graded.before


@pytest.mark.parametrize("student", FUZZED)
def test_random_damage_is_graded_or_named(graded, student):
    named = f"{student}, hw0_tiny: " in graded.told
    assert named or None not in marks(graded, student)
    assert not named or marks(graded, student) == NONE


def test_a_text_below_an_answer_waits_for_a_marker(graded):
    assert graded.marks["answer-below"]["why"] is True
    assert graded.marks[LAST]["why"] is False
    cells = nbformat.read(notebook_of(graded, "answer-below"), as_version=4).cells
    assert next(cell for cell in cells if cell.id == "why").source.endswith(f"\n\n{OWN}")


def test_what_nbgrader_needs_to_release_feedback_is_there(graded):
    folder = graded.root / "feedback" / "from-a-hub" / graded.name
    assert (folder / "submission_secret.txt").read_text() == "s3cret"
    assert (folder / "timestamp.txt").read_text() == "2026-01-01 10:00:00 UTC"
