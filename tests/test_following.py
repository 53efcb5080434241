"""Follow-through, core cases, and functions that always do the same: what a mark is made of."""

import pytest

from autograder.course.paths import OWN
from autograder.course.solutions import namespace
from autograder.marking.answering import answer, standing_in
from autograder.marking.following import Marked, basis, follow, tells_apart
from autograder.marking.mark import mark
from autograder.marking.reference import requests
from autograder.oracle.questions import Misconception, load_questions
from autograder.sandbox import bubblewrap
from autograder.verification.samples import filled_notebook, solution_cells
from autograder.verification.verify import question_points
from tests.conftest import scores

HW4 = OWN.assignment("hw4_gru_gradients")
SECRET = "a secret of the tests"
QUESTIONS = {question.id: question for question in load_questions(HW4)}
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def verdicts(cells, asked_again=True):
    """The verdicts on hw4 with some cells replaced; without being asked again, beside the same mistakes alone."""
    names = namespace(HW4, cells)

    def answers(question):
        return [answer(request, names) for request in requests(HW4, question, SECRET)]

    def ask(question, sources):
        if not asked_again:
            return "the kernel died"
        with standing_in(sources.values(), names):
            return answers(question)

    marked = []
    for question in QUESTIONS.values():
        given = answers(question)
        marked.append(Marked(question, mark(HW4, question, 1.0, given, SECRET), given))
    return follow(HW4, marked, ask, SECRET)


def edited(cell, old, new):
    source = solution_cells(HW4)[cell]
    assert source.count(old) == 1
    return {cell: source.replace(old, new)}


def test_what_a_question_builds_on_is_followed_through_others():
    assert basis(HW4, QUESTIONS["gru_backward"]) == ["gru_cell", "sigmoid_derivative", "gru_cell_backward"]


def test_a_slip_that_has_no_name_costs_its_own_question_alone():
    after = verdicts(edited("sigmoid_derivative", "s * (1 - s)", "s * (1 - s) + 0.01"))
    assert {name for name, verdict in after.items() if verdict.score < 1} == {"sigmoid_derivative"}
    followed = after["gru_backward"]
    assert followed.note == "Follows from sigmoid_derivative: no points are lost for that here."
    assert {finding.words() for finding in followed.findings if finding.follows} == {"follows from sigmoid_derivative"}


def test_a_mistake_of_its_own_is_not_forgiven():
    cells = edited("sigmoid_derivative", "s * (1 - s)", "1 - s")
    cells |= edited("gru_backward", "states[t + 1] - targets[t] + dh", "states[t + 1] - targets[t]")
    after = verdicts(cells)
    assert after["gru_backward"].score <= 0.5
    assert {f.misconception for f in after["gru_backward"].findings if not f.passed} == {"nothing carried back"}
    assert after["last_step_gradients"].score == 1


# z keeps the new state, all the way through: what Chung et al. (2014) write
OTHER_WAY = edited("gru_cell", "z * h + (1 - z) * g", "(1 - z) * h + z * g")


def test_beside_the_same_mistake_an_answer_counts_without_being_asked_again():
    after = verdicts(OTHER_WAY, asked_again=False)
    assert after["gru_cell"].score < 1
    assert after["gru_loss"].score == 1


# a student's own form of the cache, and Chung's way round in both directions
OWN_CACHE = {
    "gru_cell": """
def gru_cell(x, h, params):
    z = sigmoid(x @ params["W_xz"] + h @ params["W_hz"] + params["b_z"])
    r = sigmoid(x @ params["W_xr"] + h @ params["W_hr"] + params["b_r"])
    g = np.tanh(x @ params["W_xg"] + (r * h) @ params["W_hg"] + params["b_g"])
    return (1 - z) * h + z * g, {"x": x, "h": h, "z": z, "r": r, "g": g, "params": params}
""",
    "gru_cell_backward": """
def gru_cell_backward(dh_next, cache):
    x, h, z, r, g, params = (cache[name] for name in ("x", "h", "z", "r", "g", "params"))
    da_z = dh_next * (g - h) * sigmoid_derivative(z)
    da_g = dh_next * z * (1 - g**2)
    dq = da_g @ params["W_hg"].T
    da_r = dq * h * sigmoid_derivative(r)
    dx = da_z @ params["W_xz"].T + da_r @ params["W_xr"].T + da_g @ params["W_xg"].T
    dh = dh_next * (1 - z) + da_z @ params["W_hz"].T + da_r @ params["W_hr"].T + dq * r
    gradients = {}
    for gate, da, state in (("z", da_z, h), ("r", da_r, h), ("g", da_g, r * h)):
        gradients |= {f"W_x{gate}": x.T @ da, f"W_h{gate}": state.T @ da, f"b_{gate}": da.sum(axis=0)}
    return dx, dh, gradients
""",
}


def test_a_gradient_is_right_beside_the_differences_of_a_wrong_step():
    after = verdicts(OWN_CACHE)
    assert {name for name, verdict in after.items() if verdict.score < 1} == {"gru_cell"}
    wrong = OWN_CACHE["gru_cell_backward"].replace("+ dq * r", "")
    after = verdicts({**OWN_CACHE, "gru_cell_backward": wrong})
    assert after["gru_cell_backward"].score <= 0.5
    assert {name for name, verdict in after.items() if verdict.score < 1} == {"gru_cell", "gru_cell_backward"}


def test_what_a_mistake_makes_trivial_proves_nothing():
    nothing = "return 0 * h_next, (0 * x, 0 * h, 0 * z, 0 * r, 0 * g, params)"
    zeros = Misconception("zeros", "return h_next, (x, h, z, r, g, params)", nothing, "Zeros come back.")
    other_way = next(one for one in QUESTIONS["gru_cell"].misconceptions if one.name == "z the wrong way round")
    backward = QUESTIONS["gru_cell_backward"]
    assert not tells_apart(HW4, backward, ((QUESTIONS["gru_cell"], zeros),), SECRET)
    assert tells_apart(HW4, backward, ((QUESTIONS["gru_cell"], other_way),), SECRET)


def test_what_a_question_is_about_is_half_of_it(built):
    built.edit("questions/double.py", '"double(x)", draw, weight=3)', '"double(x)", draw, weight=1, core=True)')
    built.edit(
        "questions/double.py", '"before = x.copy(); y = double(x); (y, bool((x == before).all()))"', '"double(-x)"'
    )
    built.edit("questions/double.py", "draw),\n    ],", 'draw, 3),\n    ],\n    core="positive numbers",')
    assert built.course("build").returncode == 0
    assert (
        "*What counts most in `double`: positive numbers. If that fails, it earns half at most.*"
        in built.released.read_text()
    )
    for number, returned in enumerate(("2 * x", "-2 * abs(x)", "3 * x", "x"), 1):
        built.hand_in(f"student-0{number}", {"double": f"def double(x):\n    return {returned}"})
    assert built.course("grade").returncode == 0
    assert [scores(built, f"student-0{number}")["double"] for number in (1, 2, 3, 4)] == [2, 1, 0, 0]
    built.feedback()
    page = next(built.root.glob("feedback/student-02/**/*.html")).read_text(encoding="utf-8")
    assert "At most half of the points, because this fails: positive numbers" in page


# whatever of the solution lies in the kernel once all is marked, it is neither shown nor handed on
NOSY = """
def gru_loss(xs, targets, h0, params):
    import sys
    frame, seen = sys._getframe(), []
    while frame:
        seen += [str(value) for value in [*frame.f_locals.values(), *frame.f_globals.values()]]
        frame = frame.f_back
    print("\\n".join(seen))
    with open("seen.txt", "w") as file:
        file.write("\\n".join(seen))
    raise ValueError("\\n".join(text for text in seen if "np.tanh" in text))
"""


@pytest.mark.skipif(bubblewrap.lacks() is not None, reason=f"no isolation here: {bubblewrap.lacks()}")
def test_nothing_of_the_solution_comes_out_of_the_kernel(tmp_path):
    from autograder.build.builder import build
    from autograder.course.nbgrader_api import api, course_directory
    from autograder.grading.driver import grade_class
    from autograder.grading.worker import one_by_one
    from autograder.verification.grades import auto_scores
    from autograder.verification.samples import hand_in

    build(HW4, tmp_path)
    wrong = edited("gru_cell", "z * h + (1 - z) * g", "z * h + (1 - z) * g + 0.1")
    cells = solution_cells(HW4) | wrong | {"gru_loss": NOSY}
    hand_in(tmp_path, "student-01", HW4, filled_notebook(HW4, cells))
    grade_class(course_directory(tmp_path, "*"), [HW4], one_by_one)
    lost = {
        name
        for name, points in question_points(HW4).items()
        if auto_scores(tmp_path, "student-01", HW4.name)[f"check_{name}"] < points
    }
    assert lost == {"gru_cell", "gru_loss"}
    assert api(tmp_path).generate_feedback(HW4.name)["success"]
    own = "h_next = z * h + (1 - z) * g"  # in the solution; the submission goes on with + 0.1
    graded = [path for path in tmp_path.rglob("*") if path.is_file() and "student-01" in str(path)]
    assert len(graded) >= 3
    for path in graded:
        assert path.name != "seen.txt"
        text = path.read_text(encoding="utf-8", errors="replace")
        assert text.count(own) == text.count(f"{own} + 0.1"), path
