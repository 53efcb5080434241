"""The quick form of `make verify`: every oracle in one process, function by function, over several secrets."""

import ast
import contextlib
import io
import random
import re
from dataclasses import replace
from functools import cache

import pytest

from autograder.course.errors import CourseError
from autograder.course.paths import OWN
from autograder.course.solutions import assignment_cells, namespace
from autograder.marking import forbidden, reference
from autograder.marking.answering import answer, standing_in
from autograder.marking.edits import edits
from autograder.marking.following import Marked, follow
from autograder.marking.mark import mark
from autograder.marking.reference import requests
from autograder.oracle.questions import Alternative, load_questions
from autograder.verification.mutants import keeps_all, survivors
from autograder.verification.samples import filled_notebook, sample_submissions, solution_cells

SECRET = "a secret of the tests"
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # wrong answers overflow


def group(assignment):
    """An assignment's tests run in one process, where expected answers and those of misconceptions are made once."""
    return pytest.mark.xdist_group(f"oracles of {assignment}")


NAMES = [pytest.param(name, marks=group(name)) for name in OWN.assignments()]


@cache
def asked(assignment):
    """Questions that ask for a function or class; results of training are asked in `make verify` alone.

    They are asked without their misconceptions: a sentence of explanation changes no mark, and takes as long again.
    """
    cells = solution_cells(assignment)
    return [replace(question, misconceptions=[]) for question in load_questions(assignment) if question.id in cells]


def reached(assignment, edited):
    """Ids of the questions that an edit of a solution cell can reach: those whose cell or cases name what is in it.

    Directly or through other cells, whatever the oracle says of what builds on what.
    """
    cells = [cell for cell in assignment_cells(assignment) if cell.role in ("provided", "solution")]
    names, found = {edited}, {edited}
    for cell in [*cells, *cells]:  # a function may name one that is defined below it
        if names & words(cell.source):
            names |= defined(cell.source)
            found |= {cell.id} - {""}
    asks = {question.id: "\n".join(case.ask for case in question.cases) for question in asked(assignment)}
    return {question for question, text in asks.items() if question in found or names & words(text)}


def words(source):
    return set(re.findall(r"\w+", source))


def defined(source):
    """Names that a cell defines at its top: functions, classes and what is assigned to a name."""
    body = ast.parse(source).body
    found = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return found | {
        name.id
        for node in body
        if isinstance(node, ast.Assign)
        for name in ast.walk(node.targets[0])
        if isinstance(name, ast.Name)
    }


def lost(assignment, names, secret=SECRET, only=None, explained=None):
    """The questions in which a namespace loses marks, with the reasons.

    only: ids of the questions that are asked. explained: one that is asked with its misconceptions.
    """
    marked = []
    for question in asked(assignment):
        if only is not None and question.id not in only:
            continue
        if explained and question.id == explained.id:
            question = explained
        answers = [answer(request, names) for request in requests(assignment, question, secret)]
        marked.append(Marked(question, mark(assignment, question, 1.0, answers, secret), answers))

    def ask_again(question, sources):
        with standing_in(sources.values(), names):
            return [answer(request, names) for request in requests(assignment, question, secret)]

    verdicts = follow(assignment, marked, ask_again, secret)
    return {name: verdict for name, verdict in verdicts.items() if verdict.score < 1}


def says_ok(assignment, question, names):
    """Whether the visible check of a question says OK in a namespace, to which the notebook's definitions come."""
    for cell in assignment_cells(assignment):
        if cell.kind == "code" and cell.role not in ("provided", "solution"):
            for node in ast.parse(cell.source).body:
                if isinstance(node, DEFINING):
                    with contextlib.suppress(ImportError, NameError):  # of what other cells make
                        exec(compile(ast.Module([node], []), cell.id, "exec"), names)
    (check,) = [cell.source for cell in assignment_cells(assignment) if cell.id == f"check_{question}"]
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(Exception):
        exec(compile(check, f"check_{question}", "exec"), names)
    return bool(re.search(rf"^OK {question}\b", said.getvalue(), re.MULTILINE))


CHECKED_ON_DATA = {"make_network", "best_epoch"}  # the notebook's, so that `make verify` alone runs their checks
DEFINING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
TRAIN_WHEN_ASKED = {"run", "learning_rate"}  # of hw6: a second and more for each answer, so one in three is asked


def samples(kind, quick=True):
    """Parameters: an assignment and a sample submission of a kind."""
    every = [(one, sample) for one in OWN.assignments() for sample in sample_submissions(one) if sample.kind == kind]
    return [
        pytest.param(one, sample, id=f"{one}-{sample.name}", marks=[group(one), *[pytest.mark.slow] * (quick and rare)])
        for number, (one, sample) in enumerate(every)
        for rare in [bool(sample.question and sample.question.id in TRAIN_WHEN_ASKED and number % 3)]
    ]


@pytest.mark.parametrize("secret", ["one", *(pytest.param(name, marks=pytest.mark.slow) for name in ("two", "three"))])
@pytest.mark.parametrize("assignment", NAMES)
def test_the_solution_loses_nothing(assignment, secret):
    assert not lost(assignment, namespace(assignment), secret)


@pytest.mark.parametrize("assignment", NAMES)
def test_each_visible_check_takes_the_solution(assignment):
    """Without this, one that never runs to its end would seem to see every misconception below."""
    for question in asked(assignment):
        if question.id not in CHECKED_ON_DATA:
            assert says_ok(assignment, question.id, namespace(assignment)), question.id


@pytest.mark.parametrize("secret", ["s7", "s86", "s197"])
def test_dropout_between_layers_is_seen_where_values_differ_little(secret):
    """With these secrets two of a layer's values were once taken for one, which cost the solution marks."""
    hw5 = OWN.assignment("hw5_word_lm")
    assert not lost(hw5, namespace(hw5), secret, only={"WordLM"})


@pytest.mark.parametrize("assignment", NAMES)
def test_a_stub_gets_nothing(assignment):
    stubs = {cell.id: cell.source for cell in filled_notebook(assignment, {}).cells}
    cells = {name: stubs[name] for name in solution_cells(assignment)}
    verdicts = lost(assignment, namespace(assignment, cells))
    assert {question: verdict.score for question, verdict in verdicts.items()} == dict.fromkeys(cells, 0)


BODIES = ["return None", "return args[0] if args else None", "raise ValueError('no')", "return 42", "return [3, 'b']"]


@pytest.mark.parametrize("assignment", NAMES)
@pytest.mark.parametrize("body", BODIES)
def test_what_always_does_the_same_gets_nothing(assignment, body):
    for question in asked(assignment):
        source = f"def {question.id}(*args, **options):\n    {body}"
        verdict = lost(assignment, namespace(assignment, {question.id: source}), only={question.id}).get(question.id)
        assert verdict is not None
        assert verdict.score == 0, [finding.case for finding in verdict.findings if finding.passed]


@pytest.mark.parametrize(("assignment", "sample"), samples("misconception"))
def test_a_misconception_loses_its_own_question_and_no_other_and_is_named(assignment, sample):
    edited = sample.misconception.cell or sample.question.id
    names = namespace(assignment, sample.cells)
    found = lost(assignment, names, only=reached(assignment, edited), explained=sample.question)
    reason = forbidden.violation(sample.question, filled_notebook(assignment, sample.cells))
    assert set(found) <= {sample.question.id}
    reasons = [reason] if reason else [finding.reason for finding in found[sample.question.id].findings]
    assert any(sample.misconception.means in reason for reason in reasons), "no student reads its sentence"
    if sample.question.id not in CHECKED_ON_DATA:
        seen = not says_ok(assignment, sample.question.id, namespace(assignment, sample.cells))
        assert seen != bool(sample.misconception.unseen), "the visible check and `unseen` say different things"


def hw7_mistake(name):
    """bpe_merges of hw7 and the solution's names with one of its misconceptions."""
    hw7 = OWN.assignment("hw7_char_lm")
    (question,) = [one for one in load_questions(hw7) if one.id == "bpe_merges"]
    (mistake,) = [one for one in question.misconceptions if one.name == name]
    return hw7, question, ((question, mistake),)


def test_a_mistake_that_raises_is_told_by_its_own_line_whatever_was_made_after_it():
    """Each edit of a cell once had its lines where the last one's stood: the name was lost where others had come."""
    hw7, question, mistakes = hw7_mistake("goes on without a pair")
    names = reference.edited(hw7, mistakes)
    reference.edited(hw7, hw7_mistake("never counted anew")[2])
    given = [answer(request, names) for request in requests(hw7, question, SECRET)]
    assert "best = max(" in next(one["line"] for one in given if one["kind"] == "exception")


@pytest.mark.parametrize("secret", ["secret 21", "one", "two"])
def test_pairs_once_per_word_are_not_taken_for_overlapping_places(secret):
    """With the first of these secrets no case told the one from the other."""
    hw7, question, mistakes = hw7_mistake("once per word")
    given = [answer(request, reference.edited(hw7, mistakes)) for request in requests(hw7, question, secret)]
    findings = mark(hw7, question, 1.0, given, secret).findings
    assert {finding.misconception for finding in findings if not finding.passed} == {"once per word"}


def test_a_mistake_that_what_is_right_speaks_against_is_not_named():
    """The root of n - 1, without its own name, gives one case's wrong answers of no root, which would fail two more."""
    hw6 = OWN.assignment("hw6_lstm_vs_gru")
    (question,) = [one for one in load_questions(hw6) if one.id == "is_better"]
    named = [one for one in question.misconceptions if one.name != "corrected twice"]
    question = replace(question, misconceptions=named)
    source = solution_cells(hw6)["is_better"].replace("math.sqrt(n)", "math.sqrt(n - 1)")
    names = namespace(hw6, {"is_better": source})
    given = [answer(request, names) for request in requests(hw6, question, SECRET)]
    findings = mark(hw6, question, 1.0, given, SECRET).findings
    assert [finding.misconception for finding in findings if not finding.passed] == [""]


@pytest.mark.slow
@pytest.mark.parametrize(("assignment", "sample"), samples("misconception", quick=False))
def test_a_misconception_loses_nothing_in_all_other_questions(assignment, sample):
    assert set(lost(assignment, namespace(assignment, sample.cells))) <= {sample.question.id}


@pytest.mark.parametrize("assignment", NAMES)
def test_students_read_what_each_function_is_about(assignment):
    text = "\n".join(cell.source for cell in filled_notebook(assignment, {}).cells if cell.cell_type == "markdown")
    for question in asked(assignment):
        assert question.core, question.id
        assert f"*What counts most in `{question.id}`: {question.core}. If that fails, it earns half at most.*" in text


@pytest.mark.parametrize("assignment", NAMES)
def test_single_edits_lose_marks_or_have_their_line(assignment):
    """Two of each question's; `make verify` asks all."""
    for question in load_questions(assignment):
        if question.id in solution_cells(assignment) and question.id not in TRAIN_WHEN_ASKED:
            count = len(list(edits(solution_cells(assignment)[question.id])))
            found, _ = survivors(assignment, question.id, random.Random(question.id).sample(range(count), 2))
            assert not [text for text in found if not any(re.search(one.edit, text) for one in question.equivalent)]


def test_an_edit_that_survives_is_told_and_one_that_never_ends_does_not():
    hw4 = OWN.assignment("hw4_gru_gradients")
    (question,) = [one for one in load_questions(hw4) if one.id == "gru_loss"]
    source = solution_cells(hw4)["gru_loss"]
    assert keeps_all(hw4, question, source)
    assert not keeps_all(hw4, question, source.replace("0.5", "0.6"))
    assert not keeps_all(hw4, question, source.replace("    for x", "    while True:\n        pass\n    for x"))
    assert not keeps_all(hw4, question, "gru_loss = 1 / 0")


@pytest.mark.parametrize(("assignment", "sample"), samples("alternative"))
def test_alternatives_lose_nothing(assignment, sample):
    found = lost(assignment, namespace(assignment, sample.cells))
    assert not {name: verdict.findings for name, verdict in found.items()}
    filled = filled_notebook(assignment, sample.cells)
    assert not [reason for question in asked(assignment) if (reason := forbidden.violation(question, filled))]
    for question in sample.edited.keys() - CHECKED_ON_DATA:
        assert says_ok(assignment, question, namespace(assignment, sample.cells)), question


@pytest.mark.parametrize("assignment", NAMES)
def test_each_question_has_misconceptions_and_two_alternatives(assignment):
    for question in load_questions(assignment):
        if question.id in solution_cells(assignment):
            assert len(question.misconceptions) >= 1, question.id
            assert len(question.alternatives) >= 2, question.id


ALTERNATIVE = """\
# cell: halve
import math

from assignments.hw0_tiny.notebook import (
    double,
    np,
)


def halve(x):
    if not len(x):
        raise ValueError(math.nan)
    return np.asarray(double(x)) / 4
"""


def test_an_alternative_is_its_file_without_what_names_the_notebook(tiny):
    tiny.write("alternatives/total/a_quarter_of_the_double.py", ALTERNATIVE)
    double, _, total = load_questions(tiny.own.assignment(tiny.name))
    assert double.alternatives == [Alternative("sum", "def double(x):\n    return np.add(x, x)")]
    [other] = total.alternatives
    assert (other.name, other.cell) == ("a quarter of the double", "halve")
    assert other.source.startswith("import math\n")
    assert "assignments" not in other.source
    assert other.source.endswith("\n\n\ndef halve(x):" + ALTERNATIVE.partition("def halve(x):")[2].rstrip())


def test_alternatives_of_no_question_are_refused(tiny):
    tiny.write("alternatives/treble/sum.py", "def treble(x):\n    return x + x + x\n")
    with pytest.raises(CourseError, match=r"alternatives/treble: 'treble' is not a question$"):
        load_questions(tiny.own.assignment(tiny.name))


def test_questions_come_in_the_order_of_their_graded_cells_and_fit_on_a_few_screens():
    for assignment in OWN.assignments():
        graded = [cell.id for cell in assignment_cells(assignment) if cell.role == "question"]
        assert [f"check_{question.id}" for question in load_questions(assignment)] == graded
        for path in (assignment.folder / "questions").glob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path
