"""The grader, graded: the real path for solution and release, and a judge that can say no."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from autograder.course.paths import OWN, ROOT, Course
from autograder.course.rubrics import parts
from autograder.course.solutions import assignment_cells
from autograder.oracle.questions import load_questions
from autograder.verification import demo
from autograder.verification.answers import written
from autograder.verification.parts import kept
from autograder.verification.samples import sample_submissions
from autograder.verification.tables import report
from autograder.verification.verify import Result, dependants, grade_samples, judge, question_points
from tests.processes import children, descendants, running, wait_for

HW = OWN.assignment("hw4_gru_gradients")
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # wrong answers overflow


# tests/test_oracles.py asks stubs of all
@pytest.mark.parametrize(
    "assignment",
    [pytest.param(one, marks=[pytest.mark.slow] * (one.name.split("_")[0] != "hw1")) for one in OWN.assignments()],
)
def test_through_nbgrader_the_release_is_zero(assignment):
    (release,) = grade_samples(assignment, ["release"])
    assert release.scores == dict.fromkeys(question_points(assignment), 0)


@pytest.mark.slow  # tests/test_colab.py grades all solutions, by `course grade`
@pytest.mark.parametrize("assignment", OWN.assignments())
def test_through_nbgrader_the_solution_is_full(assignment):
    (solution,) = grade_samples(assignment, ["solution"])
    assert solution.scores == question_points(assignment), solution.why


def right_results():
    """Results of all submissions of hw4 as they should be."""
    points = question_points(HW)
    zero = dict.fromkeys(points, 0.0)
    for sample in sample_submissions(HW):
        if sample.kind == "release":
            scores = zero
        else:
            scores = points | ({sample.question.id: 0.0} if sample.question else {})
        seen = {sample.question.id} if sample.question else set()
        yield Result(sample.name, dict(scores), True, 1.0, checked=frozenset(points.keys() - seen))


def test_the_judge_accepts_what_is_right():
    summary = judge(HW, list(right_results()))
    assert (summary.problems, summary.wrong_accepted, summary.right_refused) == ([], 0, 0)
    assert summary.wrong > 20


def spoil(kind, name=None, value=0.0):
    """The right results with one submission's score of one question changed."""
    results = list(right_results())
    index, sample = next((i, sample) for i, sample in enumerate(sample_submissions(HW)) if sample.kind == kind)
    result = results[index]
    question = name or (sample.question.id if sample.question else "gru_loss")
    results[index] = replace(result, scores=result.scores | {question: value})
    return judge(HW, results)


def test_the_judge_sees_each_kind_of_failure():
    assert "gru_loss got 0.0 of" in spoil("solution").problems[0]
    assert "gru_loss got 0.0 of" in spoil("alternative").problems[0]
    assert spoil("release", value=0.5).wrong_accepted == 1
    unseen = [replace(result, checked=result.checked - {"gru_loss"}) for result in right_results()]
    assert "solution: the visible check of gru_loss does not take the solution" in judge(HW, unseen).problems
    solution = replace(unseen[0], scores=unseen[0].scores | {"gru_loss": 0.0})
    assert judge(HW, [solution]).right_refused == 1  # a graded cell counts once, whatever is wrong with it
    first = next(sample for sample in sample_submissions(HW) if sample.misconception)
    full = question_points(HW)[first.question.id]
    assert "kept full marks" in spoil("misconception", value=full).problems[0]
    stranger = next(iter(dependants(load_questions(HW), first.question.id) - {first.question.id}))
    assert f"lost marks in {stranger}" in spoil("misconception", stranger).problems[0]
    assert spoil("misconception", stranger).right_refused == 0  # of what is counted as right


def test_through_nbgrader_an_early_mistake_costs_its_own_question_alone():
    name = next(s.name for s in sample_submissions(HW) if s.question and s.question.id == "sigmoid_derivative")
    (result,) = grade_samples(HW, [name])
    assert result.scores == question_points(HW) | {"sigmoid_derivative": 0.0}


def test_the_report_prints_rates_and_problems():
    text = report({HW: list(right_results())})
    assert "| wrong accepted | 0 of" in text
    assert "Problems:" not in text
    spoiled = list(right_results())
    spoiled[0] = replace(spoiled[0], scores={})
    assert "Problems:" in report({HW: spoiled})


def test_dependants_follow_chains():
    questions = load_questions(HW)
    assert dependants(questions, questions[-1].id) == {questions[-1].id}
    for question in questions:
        for earlier in question.builds_on:
            assert question.id in dependants(questions, earlier)


def test_a_hand_in_is_named_once():
    names = [sample.name for sample in sample_submissions(HW)]
    assert len(names) == len(set(names))


def test_the_demo_hands_in_what_students_would():
    seen, left_empty = Counter(), 0
    for work in demo.CLASS.values():
        for name, changes in work.items():
            assignment = OWN.assignment(name)
            handed_in = demo.submission(assignment, changes, seen[name])
            seen[name] += 1
            text = "\n".join(cell.source for cell in handed_in.cells)
            assert "SOLUTION" not in text
            left_empty += text.count("YOUR ANSWER HERE")
            for cell in assignment_cells(assignment):
                if cell.role == "written":
                    model = parts(cell.source)[1]
                    assert model.split(".")[0] not in text
                    assert written(cell.id, 0), f"the demo has no answer to {cell.id}"
    assert 1 <= left_empty <= 3


def test_a_killed_run_leaves_nothing_running(tmp_path):
    call = [sys.executable, "-m", "autograder.cli", "verify", "hw4", "--jobs", "2", "--output", str(tmp_path / "table")]
    run = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: sum("spawn_main" in one for one in children(run.pid).values()) == 2 or run.poll() is not None)
    left = descendants(run.pid)
    assert len(left) >= 2
    run.kill()
    run.wait()
    wait_for(lambda: not any(map(running, left)))


def test_a_run_that_was_cut_goes_on_until_something_changes(tmp_path):
    course, made = Course(tmp_path), []
    notebook = tmp_path / "assignments" / "hw1_tiny" / "notebook.py"
    notebook.parent.mkdir(parents=True)
    notebook.write_text("# %%")

    def grade(name):
        made.append(name)
        return [name]

    def run(*names):
        keep = kept(course)
        assert [keep(name, grade, name) for name in names] == [[name] for name in names]
        return keep

    run("solution")
    run("solution", "release")
    assert made == ["solution", "release"]
    notebook.write_text("# %% changed")
    keep = run("solution")
    assert made == ["solution", "release", "solution"]
    assert len(list((tmp_path / "runs" / "verify").iterdir())) == 1  # what the old assignment gave is gone
    keep.remove()
    run("solution")
    assert made.count("solution") == 3
