"""What is taken in of a submission: right cells whatever happened to the notebook around them, a word on the rest."""

from __future__ import annotations

import ast
import contextlib
import copy
import gc
import json
import random
import re
import time
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from autograder.build.builder import build
from autograder.course.errors import CourseError
from autograder.course.nbgrader_api import api
from autograder.course.paths import OWN, ROOT
from autograder.intake import reading, submission
from autograder.intake.outputs import LIMIT, TOO_MUCH, Tamer
from autograder.oracle.questions import load_questions
from autograder.sandbox import bubblewrap
from autograder.verification.grades import auto_scores
from autograder.verification.samples import filled_notebook, solution_cells
from autograder.verification.verify import dependants, question_points
from tests.colab import colab_cell
from tests.conftest import thorough

HW4 = OWN.assignment("hw4_gru_gradients")
HW = HW4.name
SOLUTIONS = {name: solution_cells(name) for name in OWN.assignments()}


def full(assignment=HW4):
    """A full-mark submission's notebook, as plain JSON."""
    return json.loads(nbformat.writes(filled_notebook(assignment, SOLUTIONS[assignment])))


def take_in(folder, assignment=HW4):
    """What is taken in of a student's folder."""
    released = copy.deepcopy(submission.pristine(assignment.name, ROOT))
    return submission.take_in(submission.collect(folder, assignment.name), assignment.name, released)


def taken(folder, notebook, name=f"{HW}.ipynb", assignment=HW4):
    """What is taken in of one notebook file."""
    (folder / name).write_text(json.dumps(notebook), encoding="utf-8")
    return take_in(folder, assignment)


def definition(source, name):
    """What a cell's source makes of a name, as a text that ignores layout; None where it is not defined."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    named = [node for node in tree.body if getattr(node, "name", None) == name]
    return ast.dump(named[-1]) if named else None


def lost(found, assignment=HW4):
    """Solution cells whose function is not the student's any more."""
    sources = {cell.id: cell.source for cell in found.notebook.cells}
    solution = SOLUTIONS[assignment]
    return [name for name in solution if definition(sources[name], name) != definition(solution[name], name)]


def source_of(cell):
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


# ways of damage: each changes the list of cells


def strip_ids(cells, rng):
    for cell in cells:
        if rng.random() < 0.5:
            cell.pop("id", None)


def strip_metadata(cells, rng):
    for cell in cells:
        if rng.random() < 0.5:
            cell["metadata"] = {}


def to_colab(cells, rng):
    cells[:] = [colab_cell(cell, rng, own_ids=False, nbgrader=False) for cell in cells]


def rename_grade_ids(cells, rng):
    for cell in cells:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"]["grade_id"] = f"cell-{rng.randrange(5)}"


def swap_ids(cells, rng):
    one, other = rng.sample(range(len(cells)), 2)
    cells[one]["id"], cells[other]["id"] = cells[other].get("id", "a"), cells[one].get("id", "b")


def duplicate(cells, rng):
    place = rng.randrange(len(cells))
    again = copy.deepcopy(cells[place])
    if rng.random() < 0.5:
        again["id"] = f"copy{rng.randrange(10**6)}"
    cells.insert(rng.choice([place, place + 1, len(cells)]), again)


def delete(cells, rng):
    del cells[rng.randrange(len(cells))]


def shuffle(cells, rng):
    rng.shuffle(cells)


def retype(cells, rng):
    cell = rng.choice(cells)
    cell["cell_type"] = rng.choice(["code", "markdown", "raw"])


def split(cells, rng):
    place = rng.randrange(len(cells))
    lines = source_of(cells[place]).split("\n")
    if len(lines) < 2:
        return
    cut = rng.randrange(1, len(lines))
    first, second = copy.deepcopy(cells[place]), copy.deepcopy(cells[place])
    first["source"], second["source"] = "\n".join(lines[:cut]), "\n".join(lines[cut:])
    new = rng.choice([first, second])
    new["id"], new["metadata"] = f"new{rng.randrange(10**6)}", {}
    cells[place : place + 1] = [first, second]


def merge(cells, rng):
    place = rng.randrange(len(cells) - 1)
    if cells[place]["cell_type"] == cells[place + 1]["cell_type"]:
        cells[place]["source"] = source_of(cells[place]) + "\n\n" + source_of(cells.pop(place + 1))


def lines_apart(cells, rng):
    for cell in cells:
        cell["source"] = source_of(cell).splitlines(keepends=True)


def windows(cells, rng):
    for cell in cells:
        cell["source"] = source_of(cell).replace("\n", "\r\n")


def of_other_types(cells, rng):
    cell = rng.choice(cells)
    cell[rng.choice(["metadata", "outputs", "id", "execution_count", "attachments"])] = rng.choice([None, 3, [1], "a"])
    if not isinstance(cell["metadata"], dict):
        cell["metadata"] = {}


def own_cells(cells, rng):
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1, "id": f"mine{rng.randrange(999)}"}
    cells.insert(rng.randrange(len(cells)), cell | {"source": "tried = 3\nprint(tried)"})


DAMAGES = [
    strip_ids,
    strip_metadata,
    to_colab,
    rename_grade_ids,
    swap_ids,
    duplicate,
    delete,
    shuffle,
    retype,
    split,
    merge,
    lines_apart,
    windows,
    of_other_types,
    own_cells,
]


@settings(suppress_health_check=list(HealthCheck))
@example(damages=[retype, split], seed=4417, name=f"{HW}.ipynb", minor=0)  # once lost without a word
@given(
    damages=st.lists(st.sampled_from(DAMAGES), min_size=1, max_size=4),
    seed=st.integers(0, 10**9),
    name=st.sampled_from([f"{HW}.ipynb", f"Copy of {HW}.ipynb", "hw4 (1).ipynb", "Untitled.ipynb"]),
    minor=st.sampled_from([0, 4, 5]),
)
def test_after_random_damage_the_marks_are_full_or_the_report_names_what_is_missing(
    tmp_path_factory, damages, seed, name, minor
):
    notebook, rng = full(), random.Random(seed)
    for damage in damages:
        damage(notebook["cells"], rng)
    notebook["nbformat_minor"] = minor
    found = taken(tmp_path_factory.mktemp("sample"), notebook, name)
    nbformat.validate(found.notebook)
    told = " ".join(found.repairs)
    assert "could not be placed" in told or all(cell in told for cell in lost(found))
    if damages == [split]:
        assert not lost(found)


def test_damaged_hand_ins_keep_their_marks_or_their_feedback_says_why_not(tmp_path):
    build(HW4, tmp_path)
    rng = random.Random(20)
    count = 12 if thorough() else 4
    for number in range(count):
        notebook = full()
        for damage in rng.sample(DAMAGES, 3):
            damage(notebook["cells"], rng)
        folder = tmp_path / "submitted" / f"student-{number:02}" / HW
        folder.mkdir(parents=True)
        (folder / rng.choice([f"{HW}.ipynb", "hw4 (1).ipynb"])).write_text(json.dumps(notebook))
    library = api(tmp_path)
    library.config.CourseAutograde.unsafe = bubblewrap.lacks() is not None
    assert library.autograde(HW, "*")["success"]
    points = question_points(HW4)
    kept = 0
    for folder in sorted((tmp_path / "submitted").iterdir()):
        scores = auto_scores(tmp_path, folder.name, HW)
        assert None not in [scores[f"check_{name}"] for name in points]  # a damaged written answer waits for its marker
        graded = nbformat.read(tmp_path / "autograded" / folder.name / HW / f"{HW}.ipynb", as_version=4)
        told = " ".join(graded.metadata["course"]["repairs"])
        short = {name for name, value in points.items() if scores[f"check_{name}"] < value}
        named = {name for name in points if name in told}
        excused = set().union(*(dependants(load_questions(HW4), name) for name in named))
        assert short <= excused or "could not be placed" in told, (folder.name, short, told)
        kept += not short
    assert kept >= count / 2


def code(source, **more):
    return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source, **more}


def by_id(notebook, name):
    return next(cell for cell in notebook["cells"] if cell["id"] == name)


def test_an_undamaged_hand_in_is_taken_without_a_word(tmp_path):
    found = taken(tmp_path, full())
    assert (found.repairs, found.missing, lost(found)) == ([], [], [])


@pytest.mark.parametrize("assignment", OWN.assignments())
@pytest.mark.parametrize("damage", [to_colab, rename_grade_ids, strip_metadata, windows, lines_apart])
def test_every_assignment_survives_what_other_programs_do_to_it(tmp_path, assignment, damage):
    notebook = full(assignment)
    damage(notebook["cells"], random.Random(1))
    found = taken(tmp_path, notebook, f"Copy of {assignment}.ipynb", assignment)
    assert (found.missing, lost(found, assignment)) == ([], [])


def test_nothing_of_the_course_s_own_cells_is_the_student_s(tmp_path):
    notebook = full()
    for cell in notebook["cells"]:
        if cell["id"].startswith("check_"):
            cell["source"] = "print('OK')"
        cell["metadata"]["tags"] = ["skip-execution"]
    found = taken(tmp_path, notebook)
    released = submission.pristine(HW, ROOT)
    assert [cell.metadata for cell in found.notebook.cells] == [cell.metadata for cell in released.cells]
    same = [cell.source for cell in released.cells if cell.id.startswith("check_")]
    assert [cell.source for cell in found.notebook.cells if cell.id.startswith("check_")] == same
    assert "changed cells of the course were restored: check_gru_cell" in found.repairs[0]


def test_a_solution_beside_its_untouched_stub_is_found(tmp_path):
    notebook = full()
    stub = next(cell.source for cell in submission.pristine(HW, ROOT).cells if cell.id == "gru_cell")
    mine = by_id(notebook, "gru_cell")
    notebook["cells"].append(code(mine["source"]))
    mine["source"] = stub
    found = taken(tmp_path, notebook)
    assert not lost(found)
    assert found.repairs[0] == "matched by the function they define, because their ids are missing: gru_cell"


def test_helpers_that_solutions_use_are_kept_and_nothing_else_of_the_student_s(tmp_path):
    notebook = full()
    cell = by_id(notebook, "sigmoid_derivative")
    cell["source"] = "def sigmoid_derivative(s):\n    return helper(s)"
    place = notebook["cells"].index(cell)
    notebook["cells"][place:place] = [
        code("scale = 1"),
        code("def helper(s):\n    return scale * s * (1 - s)"),
        code("print('a scribble')\nlong = [0] * 10"),
    ]
    found = taken(tmp_path, notebook)
    sources = [cell.source for cell in found.notebook.cells]
    place = sources.index(cell["source"])
    assert sources[place - 2 : place] == ["scale = 1", "def helper(s):\n    return scale * s * (1 - s)"]
    assert not any("a scribble" in source for source in sources)
    assert found.repairs == ["kept 2 of your own cells because your solutions use them"]


def test_of_several_notebooks_the_one_with_the_right_name_is_taken(tmp_path):
    (tmp_path / f"Copy of {HW}.ipynb").write_text(json.dumps({"cells": []}))
    found = taken(tmp_path, full())
    assert not lost(found)
    assert found.repairs == [f"there are several notebooks: {HW}.ipynb was used, not Copy of {HW}.ipynb"]


def test_what_lies_one_folder_too_deep_replaces_nothing_beside_the_folder(tmp_path):
    inner = tmp_path / "sub"
    inner.mkdir()
    times = {tmp_path: "2027-03-02 10:00:00 UTC", inner: "2027-03-01 10:00:00 UTC"}  # nbgrader's, the student's
    for folder, text in times.items():
        (folder / "timestamp.txt").write_text(text)
        (folder / "one.safetensors").write_text(folder.name)
    for name in (f"{HW}.ipynb", "submission_secret.txt", "two.safetensors"):
        (inner / name).write_text("within")
    read = submission.collect(tmp_path, HW)
    assert read.notebooks == {f"{HW}.ipynb": b"within"}
    assert read.files == {
        "timestamp.txt": times[tmp_path].encode(),
        "one.safetensors": tmp_path.name.encode(),
        "two.safetensors": b"within",
    }
    assert read.remarks == [
        f"{HW}.ipynb was in the folder sub and was taken from there",
        "one.safetensors in the folder sub was left out: another one is beside the folder",
        "submission_secret.txt in the folder sub was left out: nbgrader writes it beside the folder",
        "timestamp.txt in the folder sub was left out: nbgrader writes it beside the folder",
    ]


def test_the_size_of_all_notebooks_together_is_bounded_and_said_so(tmp_path, monkeypatch):
    monkeypatch.setattr(submission, "NOTEBOOK_LIMIT", 3 << 20)
    for name in (f"{HW}.ipynb", "scratch.ipynb"):
        (tmp_path / name).write_bytes(bytes(2 << 20))
    read = submission.collect(tmp_path, HW).notebooks
    assert read["scratch.ipynb"] == "it has 2 MiB; at most 3 are allowed, for all notebooks together"
    assert len(read[f"{HW}.ipynb"]) == 2 << 20


def test_the_outputs_of_a_cell_are_bounded_whatever_they_are():
    tamer = Tamer()
    forged = {"ename": "E" * 500, "evalue": "v" * 500, "traceback": ["t" * 500]}
    errors = [tamer.tame(forged, "error") for _ in range(2000)]
    kept = [text for error in errors for text in (error["ename"], error["evalue"], *error["traceback"])]
    assert sum(map(len, kept)) <= LIMIT + len(TOO_MUCH)
    assert errors[0] == forged


def test_a_text_below_code_is_no_code_for_the_blank_it_begins_with(tmp_path):
    notebook = full()
    place = notebook["cells"].index(by_id(notebook, "gru_cell"))
    remark = {"cell_type": "markdown", "metadata": {}, "source": " My own remark, one blank in front."}
    notebook["cells"].insert(place + 1, remark)
    found = taken(tmp_path, notebook)
    assert not [told for told in found.repairs if "could not be placed" in told]
    assert not lost(found)


def test_what_is_not_there_is_named_and_stays_as_released(tmp_path):
    notebook = full()
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] not in ("gru_cell", "lstm_or_gru")]
    found = taken(tmp_path, notebook)
    assert found.missing == ["gru_cell", "lstm_or_gru"]
    assert "no cell was found for gru_cell, lstm_or_gru" in found.repairs
    assert lost(found) == ["gru_cell"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is not a notebook (not valid JSON)"),
        (b"{}", "it has no list of cells"),
        (b'{"cells": 3}', "it has no list of cells"),
        (b'{"worksheets": [{}]}', "it has no list of cells"),
        (b'{"worksheets": [{"cells": 5}, 3]}', "it has no list of cells"),
        (b"[" * 100_000, "it is nested too deeply for a notebook"),
        (json.dumps({"cells": [{"cell_type": "code", "source": "a" * 600_000}]}).encode(), "600000 characters of code"),
        (json.dumps({"cells": [{}] * 3000}).encode(), "it has 3000 cells"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, data, reason):
    (tmp_path / f"{HW}.ipynb").write_bytes(data)
    with pytest.raises(CourseError, match=rf"^{HW}.ipynb cannot be read: [^\n]*{re.escape(reason)}[^\n]*$"):
        take_in(tmp_path)


def test_text_that_is_no_unicode_can_still_be_written(tmp_path):
    notebook = full()
    by_id(notebook, "lstm_or_gru")["source"] = "half a pair \ud800 and a nul \0"
    folder = tmp_path / "in"
    folder.mkdir()
    found = taken(folder, notebook)
    again = nbformat.reads(submission.packed(found), as_version=4)
    assert next(cell for cell in again.cells if cell.id == "lstm_or_gru").source == "half a pair ? and a nul "


def test_an_empty_folder_gives_the_release(tmp_path):
    found = take_in(tmp_path)
    assert found.repairs == ["no notebook was handed in"]


def test_reading_takes_at_most_in_proportion_to_the_size(tmp_path):
    def seconds(cells, data=b""):
        notebook = full()
        notebook["cells"] += cells
        (tmp_path / f"{HW}.ipynb").write_bytes(data or json.dumps(notebook).encode())
        best = 99.0
        gc.disable()  # it would walk through all that other tests have left in this process
        for _ in range(2):
            started = time.process_time()
            with contextlib.suppress(CourseError):
                submission.packed(take_in(tmp_path))
            best = min(best, time.process_time() - started)
        gc.enable()
        return best

    cut = [code("    a = 1\n" * 200)]
    assert seconds(cut * 90) < 1  # once 40 s
    kinds = {
        "cut cells": lambda n: [code("    a = 1\n" * 20)] * n,
        "own cells": lambda n: [code(f"v{k} = gru_cell\ndef f{k}(): return v{k - 1}") for k in range(n)],
        "copies": lambda n: [code(f"def gru_cell(x):\n    return {k}", id="gru_cell") for k in range(n)],
        "text": lambda n: [{"cell_type": "markdown", "source": f"text {k} " * 20} for k in range(n)],
        "one cell": lambda n: [code("a;" * 50 * n)],
    }
    data = {"quotes": b'"' + b'\\"' * 700_000, "lists": b'{"cells":[' + b"[]," * 400_000, "open": b"[" * 2_000_000}

    def too_slow(half, whole):
        """Whether the whole takes more than its share every time; noise is measured again."""
        return all(whole() > 2.3 * half() + 0.1 for _ in range(3))

    slow = [name for name, of in kinds.items() if too_slow(lambda: seconds(of(400)), lambda: seconds(of(800)))]  # noqa: B023
    for name, text in data.items():
        if too_slow(lambda: seconds([], text[: len(text) // 2]), lambda: seconds([], text)):  # noqa: B023
            slow.append(name)
    assert not slow


def test_a_large_file_is_read_in_a_process_that_may_be_ended(tmp_path, monkeypatch):
    (tmp_path / f"{HW}.ipynb").write_bytes(b'{"cells": [' + b"[]," * 9_000_000 + b"1]}")  # 27 MB, 600 MB in memory
    script = Path(reading.__file__).read_text()
    assert "SECONDS, MEMORY = 60, 3 << 30" in script
    (tmp_path / "reading.py").write_text(
        script.replace("SECONDS, MEMORY = 60, 3 << 30", "SECONDS, MEMORY = 60, 1 << 29")
    )
    monkeypatch.setattr(reading, "__file__", str(tmp_path / "reading.py"))
    with pytest.raises(CourseError, match="reading it takes too much time or memory"):
        take_in(tmp_path)


def test_a_written_answer_is_taken_from_own_cells_beside_its_own(tmp_path):
    def text(source, **more):
        return {"cell_type": "markdown", "metadata": {}, "source": source, **more}

    def answer(change):
        notebook = released_with_solutions()
        place = notebook["cells"].index(by_id(notebook, "why_six_biases"))
        change(notebook["cells"], place)
        found = taken(tmp_path, notebook)
        return next(cell for cell in found.notebook.cells if cell.id == "why_six_biases"), found.repairs

    stub = source_of(by_id(released_with_solutions(), "why_six_biases"))
    said = ["text in your own cells beside an answer was added to it: why_six_biases"]

    cell, repairs = answer(lambda cells, at: cells.insert(at + 1, text("Because of cuDNN.")))
    assert (cell.source, repairs) == (f"{stub}\n\nBecause of cuDNN.", said)
    cell, repairs = answer(lambda cells, at: cells.insert(at, text("Above it.")))
    assert (cell.source, repairs) == (f"{stub}\n\nAbove it.", said)
    picture = {"image.png": {"image/png": "AAAA"}}

    def both(cells, at):
        cells[at] |= {"source": f"{stub}\nOne. ![](attachment:image.png)", "attachments": picture}
        cells.insert(at + 1, code("tried = 1"))
        cells.insert(at + 2, text("Two. ![](attachment:image.png)", attachments=picture))
        cells.insert(at, text("A note above."))

    cell, repairs = answer(both)
    assert cell.source == f"{stub}\nOne. ![](attachment:image.png)\n\nTwo. ![](attachment:2-image.png)"
    assert set(cell.attachments) == {"image.png", "2-image.png"}
    assert repairs == said
    cell, repairs = answer(lambda cells, at: cells.append(text("Some notes.")))
    assert (cell.source, repairs) == (stub, [])

    elsewhere = "Six biases: in the gates two of them are added."
    said = "text from other places was added to answers that were empty: where_unchanged, why_six_biases, lstm_or_gru"
    cell, repairs = answer(lambda cells, at: cells.append(text(elsewhere)))
    assert (cell.source, repairs) == (f"{stub}\n\n{elsewhere}", [said])
    cell, repairs = answer(lambda cells, at: cells[0].update(source=f"{source_of(cells[0])}\n\n{elsewhere}"))
    assert cell.source == f"{stub}\n\n{elsewhere}"
    assert said in repairs
    cell, repairs = answer(lambda cells, at: cells[at].update(source=f"{stub}\nMine.") or cells.append(text(elsewhere)))
    assert cell.source == f"{stub}\nMine."


def released_with_solutions():
    """A submission with all code and no written answer."""
    notebook = full()
    for cell in submission.pristine(HW, ROOT).cells:
        if cell.cell_type == "markdown":
            by_id(notebook, cell.id)["source"] = cell.source
    return notebook
