"""What a student reads who made a mistake that has no name: related values, the line at fault, the kind of slip."""

import ast
import contextlib
import re
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.course.paths import OWN
from autograder.course.solutions import namespace
from autograder.marking import answering, repairs
from autograder.marking.additions import moved, small, terms
from autograder.marking.edits import edits
from autograder.marking.following import Marked, follow
from autograder.marking.mark import mark
from autograder.marking.reference import requests
from autograder.oracle.questions import load_questions
from autograder.verification.samples import solution_cells
from utils.relations import relation, text_relation

SECRET = "a secret of the tests"
# edits of right programs overflow, divide by zero and read what torch warns of
pytestmark = [pytest.mark.filterwarnings("ignore::RuntimeWarning"), pytest.mark.filterwarnings("ignore::UserWarning")]
HW1, HW3, HW4, HW5 = OWN.pick(["hw1", "hw3", "hw4", "hw5"])


def marked(assignment, name, source):
    """A question's verdict before and after the search for the line, where its cell holds a source."""
    names, found = namespace(assignment, {name: source}), []
    for question in load_questions(assignment):
        if not question.made_by and not question.hands_in:
            answers = [answering.answer(request, names) for request in requests(assignment, question, SECRET)]
            found.append(Marked(question, mark(assignment, question, 1.0, answers, SECRET), answers))

    def again(question, sources):
        with answering.standing_in(sources.values(), names):
            return [answering.answer(request, names) for request in requests(assignment, question, SECRET)]

    def programs(question, asked, sources, seconds, each):
        text = answering.answer_programs(list(asked), [], sources, seconds, each, names)
        return answering.read_programs(f"'{text}'", len(asked))

    before = follow(assignment, found, again, SECRET)
    cells = solution_cells(assignment) | {name: source}
    after = repairs.located(assignment, found, before, cells, programs, SECRET)
    assert {key: verdict.score for key, verdict in before.items()} == {key: v.score for key, v in after.items()}
    return after[name]


def reasons(verdict):
    return {finding.reason for finding in verdict.findings if not finding.passed}


OWN_STYLE = """\
def gru_cell(x, h, params):
    gates = {}
    for k in "zr":
        gates[k] = 1 / (1 + np.exp(-(x.dot(params["W_x" + k]) + h.dot(params["W_h" + k]) + params["b_" + k])))
    candidate = np.tanh(np.dot(x, params["W_xg"]) + np.dot(gates["r"] * h, params["W_hg"]) + params["b_g"])
    new = gates["z"] * h + (1 - gates["z"]) * candidate
    return new, (x, h, gates["z"], gates["r"], candidate, params)
"""
SLIPS = [  # what is replaced, by what, the line at fault, what is said of it
    ('"W_h" + k', '"W_x" + k', 4, "key"),
    ("np.exp(-(x", "np.exp((x", 4, ""),  # the other sign, or 1 minus this
    ("(1 - gates", "(gates", 6, "1 minus this"),
    ("x.dot(params", "h.dot(params", 4, "another name"),
]


@pytest.mark.parametrize(("right", "wrong", "line", "said"), SLIPS)
def test_the_line_of_a_slip_in_a_cell_of_another_style_is_found(right, wrong, line, said):
    assert right in OWN_STYLE
    verdict = marked(HW4, "gru_cell", OWN_STYLE.replace(right, wrong))
    assert verdict.line == line
    assert said in verdict.hint
    assert "every property holds" in verdict.hint
    assert OWN_STYLE.splitlines()[line - 1].strip()[:10] in verdict.hint  # the student's line, not the right one


def test_right_answers_and_unwritten_ones_get_no_hint():
    assert not marked(HW4, "gru_cell", OWN_STYLE).hint
    assert not marked(HW4, "gru_loss", "def gru_loss(*args):\n    raise NotImplementedError").hint
    assert not marked(HW4, "gru_loss", "gru_loss = 5").hint


TWO = """\
def gru_loss(xs, targets, h0, params):
    total, h = 0.0, h0
    for x, y in zip(xs, targets):
        total += np.square(h - y).sum()
        h, _ = gru_cell(x, h, params)
    return total
"""


def test_of_two_mistakes_both_lines_are_shown():
    verdict = marked(HW4, "gru_loss", TWO)
    assert verdict.line == 4
    assert "half of it" in verdict.hint
    assert "two lines exchanged" in verdict.hint


def test_of_two_mistakes_in_different_entries_one_line_is_shown_and_how_much_it_mends():
    source = solution_cells(HW4)["gru_cell_backward"]
    for right, wrong in (('("r", da_r, h)', '("r", da_z, h)'), ("dh_next * z ", "dh_next * (z + z * z * z) ")):
        assert right in source
        source = source.replace(right, wrong)
    verdict = marked(HW4, "gru_cell_backward", source)
    assert any(wrong in source.splitlines()[verdict.line - 1] for wrong in ('("r", da_z, h)', "(z + z * z * z)"))
    assert " wrong entries are right." in verdict.hint or "With both, every property holds." in verdict.hint


def test_a_result_that_is_thrown_away_is_found():
    source = (
        "def clip_by_value(parameters, bound):\n    for p in parameters:\n        if p.grad is not None:\n            "
    )
    verdict = marked(HW5, "clip_by_value", source + "p.grad.clamp(-bound, bound)\n")
    assert (verdict.line, "what it gives, kept" in verdict.hint) == (4, True)
    assert not marked(HW5, "clip_by_value", source + "p.grad.clamp_(-bound, bound)\n").hint


def test_a_function_taken_for_another_is_found_also_below_a_line_separator():
    assert {"np.dot(x, y)", "x.argmax(0)", "out.extend(x)"} <= {
        ast.unparse(ast.parse(edit.source).body[0].body[0].value)
        for line in ("np.matmul(x, y)", "x.max(0)", "out.append(x)")
        for edit in small(f"def f(x, y, out):\n    return {line}\n")
    }
    (minus,) = [e for e in small("def f(a, b):\n    # x\u2028y\n    return b\n") if e.kind == "the other sign"]
    assert ast.unparse(ast.parse(minus.source)).endswith("return -b")


def test_what_a_function_does_to_its_argument_is_said_before_what_it_gives():
    (question,) = (one for one in load_questions(HW4) if one.id == "sigmoid_derivative")
    source = "def sigmoid_derivative(s):\n    s *= 2\n    return s.copy()\n"
    names = namespace(HW4, {"sigmoid_derivative": source})
    answers = [answering.answer(request, names) for request in requests(HW4, question, SECRET)]
    said = reasons(mark(HW4, question, 1.0, answers, SECRET))
    assert "your function changes its argument: `s` is not what it was before" in said


def test_a_fraction_the_wrong_way_up_is_found():
    source = solution_cells(HW1)["batch_norm_forward"]
    right = "variance * rows / (rows - 1)"
    assert right in source
    verdict = marked(HW1, "batch_norm_forward", source.replace(right, "variance * (rows - 1) / rows"))
    assert "(rows - 1) / rows" in source.replace(right, "variance * (rows - 1) / rows").splitlines()[verdict.line - 1]


def test_an_edit_that_only_silences_an_error_is_no_repair():
    refuses_nothing = "def carry(state, reset):\n    return state\n"
    assert not marked(HW3, "carry", refuses_nothing).line


def test_a_mistake_that_no_edit_of_the_cell_repairs_is_told_by_the_solution_s():
    source = "def sigmoid_derivative(s):\n    return s - s**2 - 0.0 * s**9 + (s - s**2) * 0 + s**2\n"
    verdict = marked(HW4, "sigmoid_derivative", source)
    assert verdict.hint


def test_the_search_ends_in_time_whatever_the_edits_do():
    source = "def sigmoid_derivative(s):\n    n = 10**9\n    while n > 10**9:\n        n -= 1\n    return s\n"
    with contextlib.suppress(RecursionError):
        marked(HW4, "sigmoid_derivative", source)


@pytest.mark.parametrize("changes", [edits, moved, small, terms])
def test_every_change_is_a_program_on_a_line_of_the_cell(changes):
    source = solution_cells(HW4)["gru_loss"]
    found = list(changes(source))
    assert found
    for edit in found:
        compile(edit.source, "<edit>", "exec")
        assert 1 <= edit.line <= len(source.splitlines())
        assert edit.source != source


# -------------------------------------------------------------------------------- what is proved of the values

CLOSE = {"relative": 1e-7, "absolute": 1e-9}
RIGHT = np.random.default_rng(0).standard_normal((3, 4))
RELATED = [
    (RIGHT.T, "the right values, transposed"),
    (-RIGHT, "the right values with the opposite sign"),
    (4 * RIGHT, "4 times the right values (the length of axis 1 of `x`)"),
    (RIGHT / 3, "the right values divided by 3 (n)"),
    (2 * RIGHT, "twice the right values"),
    (RIGHT * np.log(2), "the right values times ln 2: one logarithm is to base 2, the other natural"),
    (RIGHT + 1.5, "the right values with the same number added to each, 1.5"),
    (1 - RIGHT, "1 minus the right values"),
    (np.abs(RIGHT), "the right values but for their signs"),
    (np.roll(RIGHT, 1, 0), "the right values one place late along axis 0"),
    (RIGHT[::-1], "the right values in the opposite order along axis 0"),
    (RIGHT[[1, 0, 2]], "the right rows in another order"),
    (np.where(np.arange(3)[:, None] == 0, RIGHT, 9.0), "only the first of 3 is right along axis 0"),
    (RIGHT * (1 + 1e-7) + 1e-8, ""),
    (0 * RIGHT, "zeros"),
]


@pytest.mark.parametrize(("came", "said"), RELATED, ids=[said for _, said in RELATED])
def test_what_wrong_values_are_is_said_of_the_right_ones(came, said):
    assert relation(came, RIGHT, sizes={4: "the length of axis 1 of `x`", 3: "n"}, **CLOSE) == said


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 5))
def test_of_unrelated_values_nothing_is_said(seed, rows, columns):
    rng = np.random.default_rng(seed)
    came, wanted = rng.standard_normal((2, rows, columns))
    said = relation(came, wanted, **CLOSE)
    assert not said or rows * columns == 1


TEXTS = [  # what came for "the cat sat on", and what is said of it
    ("The Cat sat on", "right but for upper and lower case"),
    ("the cat  sat on\n", "right but for white space"),
    ("", "an empty text"),
    ("the cat", "the right text, cut off at its end"),
    ("sat on", "the right text, cut off at its beginning"),
    ("the cat sat on the", "the right text with more behind it"),
    ("so the cat sat on", "the right text with more before it"),
    ("on sat the cat", "the right characters in another order"),
    ("the dog sat on", "right up to character 4, and wrong from there on"),
    ("a dog sat on", "wrong from the first character on"),
    ("the", ""),
]


@pytest.mark.parametrize(("came", "said"), TEXTS, ids=[came for came, _ in TEXTS])
def test_what_a_wrong_text_is_is_said_of_the_right_one(came, said):
    assert text_relation(came, "the cat sat on") == said


def test_of_a_verdict_nothing_is_said_that_tells_the_right_one():
    assert {text_relation(*pair) for pair in permutations(["yes", "no", "not shown"], 2)} == {""}


def test_the_wrong_parts_of_an_answer_are_listed():
    source = solution_cells(HW1)["batch_norm_backward"].replace("return dx *", "return -dx *")
    assert "return -dx" in source
    said = reasons(marked(HW1, "batch_norm_backward", source))
    assert "wrong values: the right values with the opposite sign" in said
    assert "`dx` is wrong, the rest is right: the right values with the opposite sign" in said


# ------------------------------------------------------------------------- code that students bring from elsewhere


def word_lm(*edits_of_it):
    source = solution_cells(HW5)["WordLM"]
    for old, new in edits_of_it:
        assert source.count(old) == 1
        source = source.replace(old, new)
    return source


RETURN = "return self.decoder(self.dropout(outputs)), hidden"
BROUGHT = [
    (
        "return self.decoder(self.dropout(outputs)).flatten(0, 1), hidden",
        "LSTM: logits of shape (18, 13) came back, which is (steps * batch, vocab); (steps, batch, vocab) was expected",
    ),
    (
        "return self.decoder(self.dropout(outputs)).log_softmax(-1), hidden",
        "LSTM: log-probabilities came back in the place of logits: the softmax belongs to the loss",
    ),
]


@pytest.mark.parametrize(("returned", "reason"), BROUGHT)
def test_a_model_that_returns_flat_logits_or_log_probabilities_is_told_so(returned, reason):
    (question,) = (one for one in load_questions(HW5) if one.id == "WordLM")
    names = namespace(HW5, {"WordLM": word_lm((RETURN, returned))})
    answers = [answering.answer(request, names) for request in requests(HW5, question, SECRET)]
    assert reason in reasons(mark(HW5, question, 1.0, answers, SECRET))


def test_dropout_with_the_probability_of_keeping_and_another_generator_is_told_both():
    (question,) = (one for one in load_questions(HW1) if one.id == "dropout")
    source = (
        "def dropout(x, p, training, rng):\n    if not training:\n        return x\n"
        "    return x * ((np.random.rand(*x.shape) < p) / p)\n"
    )
    names = namespace(HW1, {"dropout": source})
    answers = [answering.answer(request, names) for request in requests(HW1, question, SECRET)]
    by_case = {finding.case: finding.reason for finding in mark(HW1, question, 1.0, answers, SECRET).findings}
    assert by_case["what is kept, how much is dropped, and where"].endswith("which is the probability of keeping")
    assert by_case["draws from the generator, and advances it"].startswith("the same state of rng gave another mask")


def test_a_state_of_the_wrong_shape_is_told_by_its_shape():
    (question,) = (one for one in load_questions(HW5) if one.id == "WordLM")
    wrong = "return self.decoder(self.dropout(outputs)), outputs[-1]"
    names = namespace(HW5, {"WordLM": word_lm((RETURN, wrong))})
    with torch.no_grad():
        answers = [answering.answer(request, names) for request in requests(HW5, question, SECRET)]
    assert any("the state" in reason for reason in reasons(mark(HW5, question, 1.0, answers, SECRET)))


HW2 = OWN.assignment("hw2_char_rnn")


def told(assignment, name, old, new):
    """The reasons of a question's own marks, where the solution is edited, without the search for the line."""
    (question,) = (one for one in load_questions(assignment) if one.id == name)
    source = solution_cells(assignment)[name]
    assert source.count(old) == 1
    names = namespace(assignment, {name: source.replace(old, new)})
    answers = [answering.answer(request, names) for request in requests(assignment, question, SECRET)]
    return reasons(mark(assignment, question, 1.0, answers, SECRET))


@pytest.mark.parametrize(
    ("assignment", "name", "old", "new", "not_said"),
    [
        (HW1, "dropout", "y[kept] = x[kept]", "x[kept] = x[kept]", "p is the probability of dropping"),
        (HW5, "clip_by_norm", "gradient.mul_(factor)", "norm.mul_(factor)", "gone through twice"),
    ],
)
def test_a_name_that_explains_one_wrong_answer_of_many_is_not_said(assignment, name, old, new, not_said):
    said = told(assignment, name, old, new)
    assert said
    assert not any(not_said in reason for reason in said)


def test_which_rows_of_a_named_part_are_right_is_a_sentence():
    said = told(HW2, "rnn_backward", "do[steps, targets] -= 1", "states[steps, targets] -= 1")
    assert any(re.match(r"`U`: \d of \d are right along axis 0$", reason) for reason in said), said


def test_a_name_that_is_bound_and_never_read_leads_to_the_line():
    source = (
        "def dropout2d(x, p, training, rng):\n    if not 0 <= p <= 1:\n        raise ValueError(f'p = {p}')\n"
        "    if not training:\n        return x\n    kept = rng.random(x.shape[:2] + (1, 1)) >= p\n"
        "    return np.where(p, x / (1 - p if p < 1 else 1.0), 0.0)\n"
    )
    assert marked(HW1, "dropout2d", source).line == 7
