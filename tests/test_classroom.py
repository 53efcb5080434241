"""`course grade`: the same gradebook as nbgrader autograde's, whatever the jobs, and after any interruption."""

import importlib
import os
import random
import re
import signal
import subprocess
import sys
from functools import partial

import nbformat
import pytest
from nbgrader.converters import Autograde, NbGraderException

from autograder.course.nbgrader_api import course_directory
from autograder.course.paths import OWN, Course
from autograder.grading import cores, nbgrader_hook
from autograder.grading.class_run import RunSummary
from autograder.grading.tasks import GIVEN_UP, Task
from autograder.intake.submission import Submission
from autograder.sandbox import bubblewrap
from tests.conftest import TinyCourse, gradebook, scores
from tests.processes import children, descendants, running, wait_for
from tests.test_grading import CLASS, DOUBLE

pytestmark = pytest.mark.skipif(bubblewrap.lacks() is not None, reason=f"no isolation here: {bubblewrap.lacks()}")
# tests/test_grading.py grades those that hang and crash; and one edits more than its cells
STUDENTS = [name for name in CLASS if not any(word in name for word in ("hang", "crash", "claims"))]


def course_of(folder, students=STUDENTS):
    course = TinyCourse.built(folder / "course")
    (course.root / ".course_secret").write_text("the same for all")
    for student in students:
        course.hand_in(student, CLASS[student])
    return course


def grade(course, *arguments):
    """Run `course grade`; returns what it said."""
    done = course.course("grade", *arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def counts(said):
    """Graded, unchanged and failed, from what a run said."""
    (numbers,) = re.findall(r"^graded (\d+), unchanged (\d+), failed (\d+)", said, re.MULTILINE)
    return tuple(map(int, numbers))


def started(course):
    call = [sys.executable, "-m", "autograder.cli", "grade", "--jobs", "2"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a test run in the background ignores it
    return subprocess.Popen(call, cwd=course.root, env=course.env(), preexec_fn=heard, **pipes)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A course graded by two jobs."""
    course = course_of(tmp_path_factory.mktemp("two"))
    assert counts(grade(course, "--jobs", "2")) == (len(STUDENTS), 0, 0)
    return course


def test_feedback_is_made_of_it_as_usual(whole):
    whole.feedback()
    page = (whole.root / "feedback" / "square" / whole.name / f"{whole.name}.html").read_text()
    assert "The square stands where twice the value is asked." in page


@pytest.mark.slow
def test_marks_do_not_depend_on_jobs_or_order(whole, tmp_path):
    shuffled = STUDENTS[:8]
    random.Random(3).shuffle(shuffled)
    other = course_of(tmp_path, [])
    for student in shuffled:  # one after the other, in another order, by one job
        other.hand_in(student, CLASS[student])
        assert counts(grade(other, "--jobs", "1", "--students", student)) == (1, 0, 0)
    assert gradebook(other) == [row for row in gradebook(whole) if row[0] in shuffled]


def test_only_what_changed_is_graded_again(whole):
    assert counts(grade(whole)) == (0, len(STUDENTS), 0)
    whole.hand_in("square", {**CLASS["square"], "double": DOUBLE})
    assert counts(grade(whole)) == (1, len(STUDENTS) - 1, 0)
    assert scores(whole, "square")["double"] == 2
    whole.hand_in("square", CLASS["square"])
    assert counts(grade(whole)) == (1, len(STUDENTS) - 1, 0)
    assert counts(grade(whole, "--force", "--students", "full")) == (1, 0, 0)


def test_what_includes_a_changed_answer_is_graded_again(tmp_path):
    course = course_of(tmp_path, ["full"])
    other = course.root / "assignments" / "hw1_more" / "notebook.py"
    other.parent.mkdir()
    other.write_text('# %% id="scale" tags=["solution"]\nscale = 2\n')
    course.edit("notebook.py", "import numpy as np\n\nfrom", "import numpy as np\n\n# include hw1_more: scale\nfrom")
    for text, wanted in (("2", (1, 0, 0)), ("2", (0, 1, 0)), ("3", (1, 0, 0))):
        other.write_text(other.read_text().replace("scale = 2", f"scale = {text}"))
        assert course.course("build", course.name).returncode == 0
        assert counts(grade(course)) == wanted


def test_a_process_that_grades_again_reads_the_course_anew(tmp_path, monkeypatch):
    course = course_of(tmp_path, ["full"])
    grade(course)
    course.edit("notebook.py", "Double (2 points)", "Double (4 points)")
    course.edit("notebook.py", 'points=2\n"""Twice', 'points=4\n"""Twice')
    course.edit("README.md", "| `double` | 2 |", "| `double` | 4 |")
    assert course.course_process("build").returncode == 0
    monkeypatch.setattr(TinyCourse, "own", property(lambda course: Course(course.root)))  # as the formgrader's server
    assert counts(grade(course)) == (1, 0, 0)
    assert scores(course, "full")["double"] == 4


def workers(run):
    """The processes that grade for a run: forked from the one that has the grader loaded."""
    servers = [pid for pid, command in children(run.pid).items() if "forkserver" in command]
    return [worker for server in servers for worker in children(server)]


def autograded(course):
    return len(list(course.root.glob(f"autograded/*/{course.name}/*.ipynb")))


def test_ctrl_c_leaves_a_gradebook_from_which_the_next_run_goes_on(whole, tmp_path):
    course = course_of(tmp_path)
    run = started(course)
    wait_for(lambda: autograded(course) >= 2 or run.poll() is not None)
    run.send_signal(signal.SIGINT)
    told = run.communicate(timeout=60)
    assert run.returncode == 1, told
    assert b"stopped; the next run grades the rest" in told[0]
    assert b"Traceback" not in told[1]
    done = autograded(course)
    assert 2 <= done < len(STUDENTS)
    graded, unchanged, failed = counts(grade(course))
    assert (graded + unchanged, failed) == (len(STUDENTS), 0)
    assert unchanged == done
    assert gradebook(course) == gradebook(whole)


def test_a_worker_that_dies_takes_no_hand_in_with_it(whole, tmp_path):
    course = course_of(tmp_path)
    run = started(course)
    wait_for(lambda: autograded(course) >= 1 or run.poll() is not None)
    os.kill(workers(run)[0], signal.SIGKILL)
    told = run.communicate(timeout=300)
    assert run.returncode == 0, told
    assert gradebook(course) == gradebook(whole)


BETWEEN = """
import multiprocessing, os, signal
from autograder.course.paths import OWN
from autograder.grading.cores import on_cores
from autograder.grading.tasks import Task
from autograder.intake.submission import Submission
from nbformat import NotebookNode

# not guarded by its name: a worker does not run it again
nothing = Submission(), NotebookNode(), {}
graded = on_cores(2)(Task(OWN.assignment("hw0_tiny"), str(number), *nothing) for number in range(12))
students = [next(graded)[0].student]
for worker in multiprocessing.active_children():
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
print(sorted(students + [task.student for task, _ in graded], key=int) == [str(number) for number in range(12)])
"""


@pytest.mark.slow
def test_workers_that_die_between_two_hand_ins_take_none_with_them(tmp_path):
    script = tmp_path / "between.py"
    script.write_text(BETWEEN)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.stdout == "True\n", done.stderr


DEADLY = """
import os, time

def grade(task):
    time.sleep(0.6 if task.student == "slow" else 0)
    if task.student == "deadly":
        os._exit(1)
    return task.student
"""


def test_a_hand_in_that_ends_its_process_each_time_fails_and_no_other(tmp_path, monkeypatch):
    (tmp_path / "deadly.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cores, "_grade_task", importlib.import_module("deadly").grade)
    nothing = Submission(), nbformat.NotebookNode(), {}
    students = ["slow", "deadly", "one", "two"]
    tasks = (Task(OWN.assignment("hw5_word_lm"), student, *nothing) for student in students)
    done = {task.student: graded for task, graded in cores.on_cores(2)(tasks)}
    assert done == {student: student for student in students} | {"deadly": GIVEN_UP}


def test_a_killed_run_leaves_nothing_running(tmp_path):
    course = course_of(tmp_path)
    run = started(course)
    wait_for(lambda: autograded(course) >= 1 or run.poll() is not None)
    left = descendants(run.pid)
    assert len(left) >= 5  # two workers, what they are forked from, a warm server and its sandbox
    run.kill()
    run.communicate(timeout=60)
    wait_for(lambda: not any(map(running, left)))


def test_an_oracle_that_cannot_be_asked_is_said_and_leaves_the_old_mark_and_notebook(tmp_path):
    course = course_of(tmp_path, ["full", "untouched"])
    grade(course)
    marks = gradebook(course)
    notebook = course.root / "autograded" / "full" / course.name / f"{course.name}.ipynb"
    before = notebook.read_bytes()
    course.edit("questions/total.py", 'lambda answer, inputs, solution: None if answer == 3 else "no"', "broken")
    course.edit("questions/total.py", "QUESTION = ", BROKEN + "\n\nQUESTION = ")
    course.hand_in("newcomer", CLASS["full"])
    done = course.course("grade")
    assert done.returncode == 1
    assert "full, hw0_tiny: this oracle cannot be asked here" in done.stdout
    assert gradebook(course) == marks  # of the newcomer nothing is known
    assert notebook.read_bytes() == before


BROKEN = """
def broken(answer, inputs, solution):
    from autograder.course.errors import CourseError
    raise CourseError("this oracle cannot be asked here")
"""


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_figures_are_shown_as_they_were_handed_in(tmp_path):
    course = course_of(tmp_path, [])
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n"
    course.edit("notebook.py", 'print("doubled:"', plot + 'print("doubled:"')
    assert course.course("build").returncode == 0
    for student, data in (("drawn", {"image/png": PNG}), ("hostile", {"image/svg+xml": "<svg onload='x'/>"})):
        course.hand_in(student, CLASS["full"])
        notebook = nbformat.read(course.submitted(student), as_version=4)
        cell = next(cell for cell in notebook.cells if "plt.plot" in cell.source)
        cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
        nbformat.write(notebook, course.submitted(student))
    assert counts(grade(course)) == (2, 0, 0)
    drawn, hostile = (shown(course, student) for student in ("drawn", "hostile"))
    assert drawn[0]["text"] == "The figure as it was handed in:\n"
    assert drawn[1]["data"] == {"image/png": PNG}
    assert "none was handed in" in hostile[0]["text"]
    assert "svg" not in str(hostile)
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.AskingExecute.draw = True\n")
    assert counts(grade(course, "--force")) == (2, 0, 0)
    assert len(shown(course, "hostile")[0]["data"]["image/png"]) > 1000
    assert "handed in" not in str(shown(course, "drawn"))


def shown(course, student):
    """The outputs of the cell that plots, in the graded notebook."""
    path = course.root / "autograded" / student / course.name / f"{course.name}.ipynb"
    return next(cell for cell in nbformat.read(path, as_version=4).cells if "plt.plot" in cell.source).outputs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--students", "nobody*"], "no submissions of hw0_tiny match 'nobody*'"),
        (["hw0_tiny"], "no submissions of hw0_tiny match '*'"),
        (["--jobs", "0"], "must be a number of at least 1, got '0'"),
        (["hw9"], "no assignment is called 'hw9'"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, arguments, message):
    course = TinyCourse(tmp_path / "course")
    done = course.course("grade", *arguments)
    assert done.returncode != 0
    told = done.stderr.splitlines()  # all that was written, by what the run had started too
    assert message in told[-1]
    assert "Traceback" not in done.stderr


def test_jobs_below_zero_are_one_sentence_of_nbgrader_s(tmp_path):
    done = course_of(tmp_path, ["full"]).nbgrader("autograde", "hw0_tiny", "--CourseAutograde.jobs=-1")
    assert done.returncode != 0
    assert "'jobs'" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_nbgrader_says_that_a_run_was_stopped_and_what_failed(tmp_path, monkeypatch):
    course = course_of(tmp_path, [])
    summary = RunSummary(failed=["square, hw0_tiny: unreadable"], stopped=True)
    monkeypatch.setattr("autograder.grading.cores.on_cores", lambda *how: None)
    monkeypatch.setattr("autograder.grading.driver.grade_class", lambda *what, **how: summary)
    monkeypatch.setattr(nbgrader_hook, "OWN", course.own)
    monkeypatch.setattr(nbgrader_hook, "check_folder", lambda root: None)
    coursedir = course_directory(course.root)
    coursedir.assignment_id = course.name
    with pytest.raises(NbGraderException, match=r"^stopped: .* continues from there; 1 not graded: square, hw0_tiny"):
        nbgrader_hook.start(Autograde(coursedir=coursedir, config=coursedir.config))


def test_where_nothing_is_new_no_grader_is_loaded_and_a_link_to_nowhere_is_no_crash(tmp_path, monkeypatch):
    course = course_of(tmp_path, STUDENTS[:1])
    assert counts(grade(course)) == (1, 0, 0)
    with monkeypatch.context() as patched:
        patched.setattr("autograder.grading.cores._Pools.load", lambda pools: pytest.fail("loaded for nothing"))
        assert counts(grade(course)) == (0, 1, 0)
    (handed_in,) = (course.root / "submitted").glob("*/*/*.ipynb")
    handed_in.unlink()
    handed_in.symlink_to("nowhere")
    assert counts(grade(course)) == (1, 0, 0)  # as a folder without a notebook
