"""Degenerate answers to every question: whatever is no answer earns nothing, unless it is the right one."""

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import torch

from autograder.course.paths import OWN
from autograder.marking import mark, reference
from autograder.marking.answering import answer, encode
from autograder.marking.answering import decode as decoded
from autograder.oracle.bars import Bar
from autograder.oracle.exported import MOST_SMALL
from autograder.oracle.questions import load_questions
from utils import corpora, toy

SECRET = "a secret of the tests"
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def names_of(assignment):
    """The solution's names, with results that are made but never trained where training makes them."""
    names = dict(reference.solution(assignment))
    if assignment.name.startswith("hw1"):
        made = names["make_network"]
        names["networks"] = {
            name: made((64, 9, 10), 0.1, name == "batch_norm", np.random.default_rng(1))
            for name in ("plain", "dropout", "batch_norm")
        }
    if assignment.name.startswith("hw2"):
        sizes = {"U": (33, 5), "W": (5, 5), "V": (5, 33), "b": (5,), "c": (33,)}
        names["best_params"] = {name: np.ones(size) for name, size in sizes.items()}
    if assignment.name.startswith(("hw5", "hw7")):
        names["model"] = names["WordLM"]("LSTM", 132 if assignment.name.startswith("hw5") else 33, 8, 8, 1, 0.0, True)
    if assignment.name.startswith("hw6"):
        shape = [names["QUICK"][key] for key in ("embedding_size", "hidden_size", "num_layers")]
        kinds = {"LSTM": "LSTM", "LSTM dropout": "LSTM", "GRU": "GRU", "GRU dropout": "GRU"}
        names["models"] = {name: names["WordLM"](kind, 132, *shape, 0.0, False) for name, kind in kinds.items()}
        columns = {split: dict.fromkeys(kinds, 5.0) for split in ("train", "validation", "test")}
        names["table"] = pd.DataFrame(columns)
    return names


def filled(value, number):
    """A value of the same structure with one number in the place of each."""
    if isinstance(value, (list, tuple)):
        return type(value)(filled(one, number) for one in value)
    if isinstance(value, dict):
        return {key: filled(one, number) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return np.full_like(value, number if value.dtype.kind == "f" or math.isfinite(number) else 0)
    if isinstance(value, torch.Tensor):
        return torch.full_like(value, number if value.is_floating_point() or math.isfinite(number) else 0)
    if isinstance(value, bool):
        return bool(number)
    if isinstance(value, int):
        return int(number) if math.isfinite(number) else number
    return number if isinstance(value, float) else value


def repeated(value):
    """A value of the same structure with the first entry in the place of each."""
    if isinstance(value, (list, tuple)) and value:
        return type(value)([value[0]] * len(value))
    if isinstance(value, dict) and value:
        return dict.fromkeys(value, next(iter(value.values())))
    if isinstance(value, np.ndarray) and value.size:
        return np.broadcast_to(value[:1], value.shape).copy()
    return value[:1].expand(value.shape) if isinstance(value, torch.Tensor) and value.numel() else value


def of_other_length(value, more):
    """A value with an entry more or less."""
    if isinstance(value, (list, tuple)):
        return type(value)([*value, *value[-1:]] if more else value[:-1])
    if isinstance(value, dict):
        return {**value, "more": 0} if more else dict(list(value.items())[:-1])
    if isinstance(value, np.ndarray):
        return np.concatenate([value, value[-1:]]) if more else value[:-1]
    if isinstance(value, torch.Tensor):
        return torch.cat([value, value[-1:]]) if more else value[:-1]
    return [value, value] if more else []


def emptied(value):
    """A value whose entries are empty."""
    return type(value)([] for _ in value) if isinstance(value, (list, tuple)) else []


PLAIN = [[], (), {}, None, "", b"", 0, 1, -1.0, math.nan, math.inf, True, False, np.zeros(0), torch.zeros(0), [[]]]
PLAIN += ["ValueError", [None], np.zeros((3, 4)), torch.zeros(3, 4)]
# what a kernel may send though `encode` never would
FORGED = [None, 5, "x", [], {}, {"kind": []}, {"kind": "list", "value": None}, {"kind": "exception"}]
FORGED += [{"kind": "exception", "value": [["ValueError"]], "line": 7}, {"kind": "array", "dtype": [], "shape": {}}]
# degenerate and right all the same
RIGHT = {
    "a ValueError, in both modes, for a p outside of 0 to 1 and for nan": "what is not refused is zeros, dropped",
    "opposite signs": "the relative error of numbers of opposite signs is 1",
    "the same whatever the length of the pieces": "the same perplexity, three times",
    "the same whatever is read at a time, and at most bptt steps are": "the same measures each time",
}


def degenerate(right, inputs):
    """Answers that are none, encoded, by name: made from nothing, from the right one, and from what was asked."""
    values = {repr(value): value for value in PLAIN}
    if right is not None:
        values |= {f"all numbers {number}": filled(right, number) for number in (0, -1.0, math.nan, math.inf)}
        values |= {"one thing repeated": repeated(right), "entries that are empty": emptied(right)}
        values |= {f"one {'more' if more else 'less'}": of_other_length(right, more) for more in (True, False)}
    values |= {f"the argument {name}": value for name, value in inputs.items()}
    values |= {"the arguments as a tuple": tuple(inputs.values()), "the arguments as a list": list(inputs.values())}
    encoded = {name: encode(value) for name, value in values.items()}
    encoded |= {f"forged: {data}": data for data in FORGED}
    return encoded | {"an error": {"kind": "exception", "value": ["ValueError"], "line": ""}}


def asked(assignment, question, names):
    """For each case the right answer and the degenerate ones, encoded."""
    requests = reference.requests(assignment, question, SECRET)
    for request, expected in zip(requests, reference.answers_with(assignment, question, (), SECRET), strict=True):
        right = expected or (encode(b"no file") if question.hands_in else answer(request, names))
        inputs = {name: decoded(value) for name, value in request["inputs"].items()}
        yield right, degenerate(None if right["kind"] == "exception" else decoded(right), inputs)


@pytest.mark.parametrize("assignment", OWN.assignments())
def test_degenerate_answers_earn_nothing(assignment):
    names = names_of(assignment)
    for question in load_questions(assignment):
        question = replace(question, misconceptions=[])  # explaining takes long, and changes no mark
        cases = list(asked(assignment, question, names))
        for name in {name for _, answers in cases for name in answers}:
            answers = [answers.get(name) for _, answers in cases]
            verdict = mark.mark(assignment, question, 1.0, answers, SECRET)
            for finding, came, (right, _) in zip(verdict.findings, answers, cases, strict=True):
                fair = came == right or finding.case in RIGHT
                assert not finding.passed or fair, (question.id, finding.case, name)


@pytest.mark.parametrize("assignment", OWN.pick(["hw2", "hw5", "hw6", "hw7"]))
def test_what_a_trained_result_is_judged_on_is_never_sent(assignment):
    bars = 0
    for question in load_questions(assignment):
        sent = reference.requests(assignment, question, SECRET)
        for case, request in zip(question.cases, sent, strict=True):
            if isinstance(case.judge, Bar):
                bars += 1
                kept = reference.kept_inputs(assignment, question, case, SECRET)["lines"]
                assert len(set(kept)) > 200
                assert not request["inputs"]
                assert max(kept, key=len) not in json.dumps(sent)
    assert bars


LONG = 2_000_000
HOSTILE = [
    {"kind": "exception", "value": ["ValueError"], "line": "y" * LONG},
    {"kind": "exception", "value": ["ValueError"], "line": chr(0xD800) * 300},
    {"kind": "exception", "value": ["ValueError"], "line": {"x": "y" * LONG}},
    {"kind": "exception", "value": "ValueError" * LONG, "line": ["y" * LONG]},
    {"kind": "array", "dtype": "f" * LONG, "shape": [0], "value": ""},
    {"kind": "array", "dtype": "float64", "shape": [0] + [10**17] * 31, "value": ""},
    {"kind": "dict", "value": [[{"kind": "text", "value": "k" * LONG}, {"kind": "none"}]]},
    {"kind": "list", "value": [{"kind": "text", "value": "y" * LONG}] * 3},
    {"kind": "k" * LONG, "value": 1},
]


@pytest.mark.parametrize("answer", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_of_an_answer_goes_into_a_reason_unbounded(answer):
    for question in load_questions(OWN.assignment("hw3_lstm"))[:3]:
        talks = replace(question.cases[0], judge=lambda value, inputs, solution: value)
        question = replace(question, cases=[*question.cases, talks], misconceptions=[])
        answers = [answer] * len(question.cases)
        answers[-1] = {"kind": "text", "value": chr(0xD800) + "y" * LONG}
        verdict = mark.mark(OWN.assignment("hw3_lstm"), question, 1.0, answers, SECRET)
        assert verdict.score == 0
        assert all(0 < len(finding.reason) <= 400 for finding in verdict.findings)
        assert len((json.dumps(verdict.as_dict()) + verdict.as_html()).encode()) < 20_000


def memorised(text, size):
    """Weights of a network that knows what follows each token of a text, and little else."""
    weight = np.full((size, size), -5.0, np.float32)
    for before, after in itertools.pairwise(text):
        weight[after, before] = 5.0
    zeros = np.zeros(size, np.float32)
    weights = {"rnn_type": "RNN_TANH", "embedding.weight": 5 * np.eye(size, dtype=np.float32), "decoder.bias": zeros}
    weights |= {"rnn.weight_ih_l0": np.eye(size, dtype=np.float32), "rnn.bias_ih_l0": zeros, "rnn.bias_hh_l0": zeros}
    return weights | {"rnn.weight_hh_l0": np.zeros((size, size), np.float32), "decoder.weight": weight}


LINE = "two strange doctors often feed big goats ."


@pytest.mark.parametrize("assignment", OWN.pick(["hw2", "hw5", "hw7"]))
def test_a_model_that_is_better_than_the_language_itself_is_refused(assignment):
    solution, train = reference.solution(assignment), corpora.load("toy").train
    judge = next(case.judge for q in load_questions(assignment) for case in q.cases if isinstance(case.judge, Bar))
    if assignment.name == "hw2_char_rnn":
        alphabet = sorted({"\n", *"".join(train)})
        found = memorised([alphabet.index(c) for c in f"{LINE}\n{LINE}"], len(alphabet))
        names = {"U": "embedding.weight", "W": "rnn.weight_hh_l0", "b": "rnn.bias_ih_l0", "c": "decoder.bias"}
        model = {name: found[theirs] for name, theirs in names.items()} | {"V": found["decoder.weight"].T}
    else:
        read = solution.get("characters", list)
        vocabulary = solution["build_vocabulary"](read(train), 10_000)
        model = memorised(solution["encode"](read([LINE, LINE]), vocabulary).tolist(), len(vocabulary))
    judged = judge(model, {"lines": [LINE] * 200}, solution)
    assert "no model can know more than the language itself" in judged.reason
    elsewhere = judge(model, {"lines": toy.sentences(200, np.random.default_rng(2))}, solution)
    assert elsewhere.value > 2


def test_a_file_that_is_better_than_the_language_itself_is_refused(monkeypatch):
    (judge,) = (
        case.judge for q in load_questions(OWN.assignment("hw5_word_lm")) for case in q.cases if q.id == "full_run"
    )
    weights = memorised([0, 1], 132)
    arrays = {name: array for name, array in weights.items() if name != "rnn_type"}
    file = safetensors.numpy.save(arrays, {"rnn_type": '"RNN_TANH"', "corpus": '"toy"'})
    assert "a bigram reaches" in judge(file, {}, reference.solution(OWN.assignment("hw5_word_lm"))).reason
    monkeypatch.setattr(toy, "exact_nll", lambda lines: 1e6)
    assert "no model can know more" in judge(file, {}, reference.solution(OWN.assignment("hw5_word_lm")))


@pytest.mark.parametrize("assignment", OWN.pick(["hw5", "hw7"]))
def test_a_model_that_takes_minutes_to_judge_is_refused_by_its_size(assignment):
    judge = next(case.judge for q in load_questions(assignment) for case in q.cases if isinstance(case.judge, Bar))
    model = memorised([0, 1], 1 + math.isqrt(MOST_SMALL))
    assert "numbers" in judge(model, {"lines": [LINE]}, reference.solution(assignment)).reason


def test_numbers_next_to_zero_do_not_slow_a_judge_down():
    def smallest(answer, inputs, solution):
        return f"{np.full(9, 1e-200).dot(np.full(9, 1e-115))} {float((torch.full((9,), 1e-30) * 1e-10).sum())}"

    question = load_questions(OWN.assignment("hw3_lstm"))[0]
    question = replace(question, cases=[replace(question.cases[0], judge=smallest)], misconceptions=[])
    assert mark.mark(OWN.assignment("hw3_lstm"), question, 1.0, [encode(1)], SECRET).findings[0].reason == "0.0 0.0"
    assert smallest(None, None, None) != "0.0 0.0"
