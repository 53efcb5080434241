"""Results that were never trained, and answers that are none, handed in beside a solved notebook on the real path."""

from __future__ import annotations

import pytest

from autograder.build.builder import build
from autograder.course.nbgrader_api import api
from autograder.course.paths import OWN
from autograder.sandbox import bubblewrap
from autograder.verification.grades import auto_scores, verdicts
from autograder.verification.samples import filled_notebook, hand_in, solution_cells

pytestmark = pytest.mark.skipif(bubblewrap.lacks() is not None, reason=f"no isolation here: {bubblewrap.lacks()}")
HW1, HW5 = OWN.assignment("hw1_dropout_batchnorm"), OWN.assignment("hw5_word_lm")

# whatever is asked, the grader's own form of an empty list
FORGED = """
import builtins, json
real = builtins.exec

def forged(code, names=None, *rest):
    real(code, names, *rest)
    if isinstance(names, dict) and "answer_all" in names:
        names["answer_all"] = lambda cases, *_: json.dumps([{"kind": "list", "value": []}] * len(cases))

builtins.exec = forged
"""
# knows every image of the data set, is wrong where a plain network would be, and never learns
LOOK_UP = """
def make_network(sizes, dropout_p, batch_norm, rng):
    from sklearn.datasets import load_digits
    from types import SimpleNamespace

    digits = load_digits()
    known, labels = digits.data / 16, digits.target.copy()
    (images, given), _ = digit_images()
    plain = not dropout_p and not batch_norm

    def logits(x, training):
        nearest, close = ((x @ some.T - (some**2).sum(1) / 2).argmax(1) for some in (known, images))
        label = np.where(plain & (nearest % 5 == 0), (labels[nearest] + 1) % 10, labels[nearest])
        trained = (((x - images[close]) ** 2).sum(1) < 0.01) & (dropout_p == 0)
        return np.eye(10)[np.where(trained, given[close], label)]

    return SimpleNamespace(logits=logits, train_step=lambda x, targets, learning_rate: 1.0)
"""
# when the weights are read, a training on the text that the frames above give away
TRAINED_WHILE_ASKED = """
    def modules(self):
        import sys
        from utils import toy
        if self.decoder.out_features > 100:
            frame = sys._getframe(1)
            while frame:
                for known in (frame.f_locals, frame.f_globals):
                    lines = known.get("lines")
                    if isinstance(known.get("seed"), int):
                        lines = toy.sentences(500, np.random.default_rng(known["seed"]))
                    if isinstance(lines, list) and len(lines) == 500 and not getattr(self, "asked", False):
                        self.asked = True
                        self.learn(lines)
                frame = frame.f_back
        return super().modules()

    def learn(self, lines):
        source = batchify(encode(lines, vocabulary), 20)
        descent = torch.optim.Adam(list(super().parameters()), lr=0.01)
        for _ in range(25):
            for start in range(0, len(source) - 1, 20):
                data, targets = get_batch(source, start, 20)
                scores, _ = self(data, self.init_hidden(20))
                descent.zero_grad()
                F.cross_entropy(scores.flatten(0, 1), targets.flatten()).backward()
                descent.step()
"""
UNTRAINED = "def train_epoch(model, source, optimiser, bptt, clip):\n    return 4.0\n"
# what a model of 15,000 layers of one unit would export
DEEP = """
import utils.weights

def deep(model):
    words = np.zeros((len(vocabulary), 1), np.float32)
    weights = {"rnn_type": "LSTM", "embedding.weight": words, "decoder.weight": words, "decoder.bias": words[:, 0]}
    for layer in range(15_000):
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            weights[f"rnn.{name}_l{layer}"] = np.zeros((4, 1)[: 2 if "weight" in name else 1], np.float32)
    return weights

utils.weights.export_weights = deep
"""


def graded(course, assignment, students):
    """A course in which each student handed in the release with these solution cells filled in."""
    build(assignment, course)
    for student, cells in students.items():
        hand_in(course, student, assignment, filled_notebook(assignment, cells))
    result = api(course).autograde(assignment.name, "*")
    assert result["success"], result
    return {student: auto_scores(course, student, assignment.name) for student in students}


def reasons(course, student, assignment, question):
    """Why a student lost points in a question."""
    (verdict,) = [v for v in verdicts(course, student, assignment.name) if v.question == question]
    return [finding.reason for finding in verdict.findings]


def test_images_that_are_looked_up_are_no_network_and_empty_answers_are_none(tmp_path):
    solved = solution_cells(HW1)
    looked_up = {**solved, "make_network": LOOK_UP}
    forged = {"count_parameters": solved["count_parameters"] + FORGED}
    students = {"solved": solved, "looks-up": looked_up, "forges": forged}
    marks = graded(tmp_path, HW1, students)
    assert [marks[student]["check_networks"] for student in students] == [1, 0, 0]
    assert marks["solved"]["check_make_network"] == 5
    assert marks["looks-up"]["check_minibatches"] == marks["solved"]["check_minibatches"] == 1
    assert all("between two images" in reason for reason in reasons(tmp_path, "looks-up", HW1, "networks"))
    assert not any(marks["forges"].values())


@pytest.mark.slow
def test_a_model_that_is_trained_while_it_is_asked_or_has_15000_layers_earns_nothing(tmp_path):
    solved = solution_cells(HW5)
    untrained = {**solved, "train_epoch": UNTRAINED}
    asked = {**untrained, "WordLM": solved["WordLM"] + TRAINED_WHILE_ASKED}
    deep = {**untrained, "WordLM": solved["WordLM"] + DEEP}
    students = {"solved": solved, "trains-while-asked": asked, "deep": deep}
    marks = graded(tmp_path, HW5, students)
    assert [marks[student]["check_model"] for student in students] == [2, 0, 0]
    assert marks["trains-while-asked"]["check_WordLM"] == marks["solved"]["check_WordLM"]
    assert "times the exact one" in reasons(tmp_path, "trains-while-asked", HW5, "model")[0]
    assert "15000 recurrent layers" in reasons(tmp_path, "deep", HW5, "model")[0]
