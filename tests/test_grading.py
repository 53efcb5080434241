"""A class through the real `nbgrader autograde`: marks, reasons, and faults that cost their own question alone."""

import re
import time
from types import SimpleNamespace

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.course.nbgrader_api import course_directory
from autograder.grading import running
from autograder.grading.driver import grade_class
from autograder.grading.running import RestartingExecute
from autograder.grading.worker import one_by_one
from autograder.verification.grades import verdicts
from tests.conftest import TinyCourse, in_the_open, scores

DOUBLE = "def double(x):\n    return 2 * x"
HALVE = "def halve(x):\n    if not x.size:\n        raise ValueError('none')\n    return x / 2"
GOOD = {"double": DOUBLE, "halve": HALVE}
CANARY = "77777"  # every drawn entry is within a few units of it

# student -> cells that are filled in; what is missing stays the stub
CLASS = {
    "full": GOOD,
    "untouched": {},
    "square": {**GOOD, "double": "def double(x):\n    return x * x"},
    "half-right": {**GOOD, "halve": "def halve(x):\n    return x / 2"},
    "changes-its-input": {**GOOD, "double": "def double(x):\n    x *= 2\n    return x"},
    "noisy": {
        **GOOD,
        "double": "import sys, warnings\ndef double(x):\n    warnings.warn('w')\n"
        "    print('e', file=sys.stderr)\n    return 2 * x",
    },
    "prints-inputs": {**GOOD, "double": "def double(x):\n    raise RuntimeError(str(x))"},
    "names-inputs": {
        **GOOD,
        "double": "def double(x):\n    raise type('E' + str(float(x.max()))[:5], (Exception,), {})(str(x))",
    },
    "garbage": {**GOOD, "double": "def double(x):\n    return object()"},
    "deep": {**GOOD, "double": "def double(x):\n    a = []\n    for _ in range(900):\n        a = [a]\n    return a"},
    "formatter": {
        **GOOD,
        "halve": HALVE + "\nget_ipython().display_formatter.formatters['text/plain'].for_type(str, None)",
    },
    "exits": {**GOOD, "halve": "def halve(x):\n    raise SystemExit('bye')"},
    "crash-in-the-question": {
        **GOOD,
        "double": "import os\ndef double(x):\n    if x.max() > 99:\n        os.kill(os.getpid(), 9)\n    return 2 * x",
    },
    "crash-in-a-cell": {**GOOD, "double": "import os\nos.kill(os.getpid(), 9)"},
    "hang": {**GOOD, "halve": "def halve(x):\n    while True:\n        pass"},
    "hang-that-ignores-interrupts": {
        **GOOD,
        "double": "def double(x):\n    while True:\n        try:\n            while x.max() > 99:\n"
        "                pass\n            return 2 * x\n        except BaseException:\n            pass",
    },
    "claims-full-marks": {**GOOD, "double": "def double(x):\n    display(2.0)\n    return 0 * x\n\n2.0"},
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The class, graded once."""
    course = TinyCourse.built(tmp_path_factory.mktemp("class") / "course")
    for student, cells in CLASS.items():
        notebook = nbformat.read(course.released, as_version=4)
        for cell in notebook.cells:
            cell.source = cells.get(cell.id, cell.source)
            if student == "claims-full-marks":
                cell.metadata["tags"] = ["skip-execution"]
                cell.metadata["course"] = {"question": "halve", "score": 99, "points": 1, "findings": [], "note": ""}
        path = course.submitted(student)
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    done = course.nbgrader("autograde", course.name, "--Execute.timeout=4", "--Execute.grace=2")
    assert done.returncode == 0, done.stderr
    assert course.nbgrader("generate_feedback", course.name).returncode == 0
    return course


def reasons(course, student):
    given = verdicts(course.root, student, course.name)
    return {v.question: [f.reason for f in v.findings if not f.passed] for v in given}


def feedback(course, student):
    return (course.root / "feedback" / student / course.name / f"{course.name}.html").read_text()


EXPECTED = {
    "full": (2, 3, 1),
    "untouched": (0, 0, 0),
    "square": (0, 3, 0),
    "half-right": (2, 2, 1),
    "changes-its-input": (1.5, 3, 1),
    "noisy": (2, 3, 1),
    "prints-inputs": (0, 3, 0),
    "names-inputs": (0, 3, 0),
    "garbage": (0, 3, 0),
    "deep": (0, 3, 0),
    "formatter": (2, 3, 1),
    "exits": (2, 0, 0),
    "crash-in-the-question": (0, 3, 1),
    "crash-in-a-cell": (0, 3, 0),
    "hang": (2, 0, 0),
    "hang-that-ignores-interrupts": (0, 3, 1),
    "claims-full-marks": (0, 3, 0),
}


@pytest.mark.parametrize("student", CLASS)
def test_a_fault_costs_its_own_question(graded, student):
    found = scores(graded, student)
    assert (found["double"], found["halve"], found["total"]) == EXPECTED[student]


def test_an_unanswered_written_question_is_zero(graded):
    assert scores(graded, "untouched")["why"] == 0


def test_the_reason_names_the_misconception(graded):
    assert reasons(graded, "square")["double"] == ["The square stands where twice the value is asked."] * 2


def test_the_reason_names_the_property_the_error_and_what_it_builds_on(graded):
    assert reasons(graded, "half-right") == {"double": [], "halve": ["ValueError should be raised"], "total": []}
    assert "an empty array" in feedback(graded, "half-right")
    assert "Builds on double" in feedback(graded, "square")
    assert "RuntimeError was raised at `raise RuntimeError(str(x))`" in reasons(graded, "prints-inputs")["double"][0]
    assert "the kernel died" in reasons(graded, "crash-in-the-question")["double"][0]
    assert "longer than the time limit of 3 s" in reasons(graded, "hang")["halve"][0]  # the question's own
    assert reasons(graded, "untouched")["double"] == ["not written yet"] * 2


@pytest.mark.parametrize("student", CLASS)
def test_feedback_shows_no_input_no_expected_value_no_oracle(graded, student):
    page = feedback(graded, student)
    assert CANARY not in page
    assert "standard_normal" not in page
    assert "before = x.copy()" not in page


def test_the_feedback_page_shows_the_verdict_and_the_points(graded):
    page = re.sub("<[^>]*>", "", feedback(graded, "half-right"))
    assert "halve: 2 of 3 points" in page
    assert "ValueError should be raised" in page


def test_a_cell_that_trains_has_a_time_limit_of_its_own(tiny):
    total = "\n# %%\ntotal = halve(double(np.ones(3))).sum()\n"
    tiny.edit("notebook.py", total, total.replace("# %%", '# %% id="make_total"\nimport time\n\ntime.sleep(2.5)'))
    tiny.edit("questions/total.py", "builds_on=", 'made_by="make_total", builds_on=')
    assert tiny.course("build").returncode == 0
    tiny.hand_in("full", CLASS["full"])
    for training, expected in ((60, 1), (1, 0)):
        with (tiny.root / "nbgrader_config.py").open("a") as file:
            file.write(f"\nc.Execute.timeout = 2\nc.AskingExecute.training_timeout = {training}\n")
        assert tiny.course("grade", "--force").returncode == 0
        assert scores(tiny, "full")["total"] == expected


@pytest.mark.parametrize(("late", "expected"), [(60, (0, 3, 0)), (600, (0, 0, 0))])
def test_the_total_time_is_the_kernels_own(built, monkeypatch, late, expected):
    restart, passed = RestartingExecute.restart, [0]

    def after_a_while(self, index):
        passed[0] += late  # on the wall alone
        restart(self, index)

    monkeypatch.setattr(RestartingExecute, "restart", after_a_while)
    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0]))
    coursedir = course_directory(built.root)
    coursedir.config.AskingExecute.total = 50
    built.hand_in("full", CLASS["crash-in-a-cell"])
    done = grade_class(coursedir, [built.own.assignment(built.name)], one_by_one, unsafe=bool(in_the_open()))
    assert not done.failed
    assert tuple(scores(built, "full")[name] for name in ("double", "halve", "total")) == expected
    told = "not run: a kernel had died or hung, and the notebook's total time of 50 s was used up"
    assert (told in reasons(built, "full")["halve"]) == (late == 600)


@pytest.mark.parametrize("command", ["course grade", "nbgrader autograde"])
def test_the_course_s_settings_are_those_of_grading(built, command):
    with (built.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.LateSubmissionPlugin.penalty_method = 'zero'\nc.LimitOutput.max_lines = 1\n")
    with Gradebook(f"sqlite:///{built.root}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment(built.name, duedate="2026-03-01 12:00:00 UTC")
    for student, day in (("student-01", 1), ("student-02", 2)):
        built.hand_in(student, {**CLASS["full"], "halve": f"{CLASS['full']['halve']}\nprint('one\\ntwo\\nthree')"})
        built.submitted(student).with_name("timestamp.txt").write_text(f"2026-03-0{day} 11:00:00 UTC")
    done = built.course("grade") if command == "course grade" else built.nbgrader("autograde", built.name)
    assert done.returncode == 0, done.stderr
    with Gradebook(f"sqlite:///{built.root}/gradebook.db") as gradebook:
        marks = {
            work.student.id: work.score - work.late_submission_penalty
            for work in gradebook.assignment_submissions(built.name)
        }
    assert marks == {"student-01": 6, "student-02": 0}
    graded = built.root / "autograded" / "student-01" / built.name / f"{built.name}.ipynb"
    assert "two" not in str([cell.get("outputs") for cell in nbformat.read(graded, as_version=4).cells])


def test_a_regrade_gives_the_same_marks(graded):
    assert graded.course("grade", "--students=square", "--force").returncode == 0
    found = scores(graded, "square")
    assert (found["double"], found["halve"], found["total"]) == EXPECTED["square"]
