"""A library that an exercise forbids cannot be had while it is asked, by whatever way a text does not show."""

from __future__ import annotations

import gc
import sys

import numpy as np
import pytest
import torch

from autograder.build.builder import build
from autograder.course.nbgrader_api import api
from autograder.course.paths import OWN
from autograder.marking import answering
from autograder.marking.forbidden import first_forbidden
from autograder.oracle.questions import load_questions
from autograder.sandbox import bubblewrap
from autograder.verification.grades import auto_scores, verdicts
from autograder.verification.samples import filled_notebook, hand_in, solution_cells
from autograder.verification.verify import dependants, question_points

HW2, FORBIDDEN = OWN.assignment("hw2_char_rnn"), ("torch", "scipy", "sklearn")
# Python for a function `softmax(z)` that gets hold of torch as `t`
WAYS = {
    "an import without its name": "t = __builtins__['__import__']('tor' 'ch')",
    "the table of modules": "import sys\n    t = getattr(sys, 'mod' 'ules')['tor' 'ch']",
    "the names of a function of the course's": "import utils\n    t = utils.session.start.__globals__['tor' 'ch']",
    "pickle": "import pickle\n    class t:\n"
    "        softmax, tensor = (pickle.loads(b'ctor' b'ch\\n' + name + b'\\n.') for name in (b'softmax', b'tensor'))",
    "the collector": "import gc\n    modules = (m for m in gc.get_objects() if isinstance(m, type(gc)))\n"
    "    t = next(m for m in modules if m.__name__ == 'tor' 'ch')",
    "a frame": "import inspect\n    t = inspect.currentframe().f_globals['kept_module']",
    "pkgutil": "import pkgutil\n    t = pkgutil.resolve_name('tor' 'ch')",
    "a class": "t = Kept.module",
}
ASK = {"ask": "softmax(z)", "inputs": {"z": answering.encode(np.ones((2, 3)))}}


class Kept:
    """What a notebook's class may hold on to."""

    module = torch


def softmax_by(way: str) -> str:
    return f"def softmax(z):\n    {WAYS[way]}\n    return t.softmax(t.tensor(z), -1).numpy()"


def asked(way: str, forbidden) -> dict:
    names = {"Kept": Kept, "kept_module": torch, "__builtins__": vars(__import__("builtins")), "__name__": "notebook"}
    exec(softmax_by(way), names)
    (answer,) = answering.read_answers(repr(answering.answer_all([ASK], forbidden, (), names)), 1)
    return answer


@pytest.mark.parametrize("way", WAYS)
def test_a_way_to_a_library_leads_nowhere_while_it_is_forbidden(way):
    import utils.session  # noqa: F401  (as every notebook does)

    assert first_forbidden("softmax", [softmax_by(way)], FORBIDDEN) is None
    assert asked(way, ())["kind"] == "array"
    assert asked(way, FORBIDDEN)["kind"] == "exception"


def test_the_library_is_back_afterwards():
    modules, path = dict(sys.modules), list(sys.meta_path)
    asked("a class", FORBIDDEN)
    assert (dict(sys.modules), list(sys.meta_path)) == (modules, path)
    assert torch.ones(2).sum() == 2
    assert type(torch) in {type(gc), type(torch.nn)}


@pytest.mark.slow
@pytest.mark.skipif(bubblewrap.lacks() is not None, reason=f"no isolation here: {bubblewrap.lacks()}")
def test_a_hand_in_that_hides_a_library_loses_the_questions_that_use_it(tmp_path):
    build(HW2, tmp_path)
    solution = solution_cells(HW2)
    hiding = {}
    for name, way in (("cross_entropy", "the table of modules"), ("sample", "the collector")):
        first, rest = solution[name].split("\n", 1)
        hiding[name] = f"{first}\n    {WAYS[way]}\n    t.ones(1)\n{rest}"
    hand_in(tmp_path, "student-01", HW2, filled_notebook(HW2, solution | hiding))
    hand_in(tmp_path, "student-02", HW2, filled_notebook(HW2, solution))
    assert api(tmp_path).autograde(HW2.name, "*")["success"]
    points = question_points(HW2)
    hidden, honest = (auto_scores(tmp_path, student, HW2.name) for student in ("student-01", "student-02"))
    lost = {name for name, value in points.items() if hidden[f"check_{name}"] < value}
    built_on_them = set().union(*(dependants(load_questions(HW2), name) for name in hiding))
    assert set(hiding) <= lost <= built_on_them
    assert [hidden[f"check_{name}"] for name in hiding] == [0, 0]
    assert all(honest[f"check_{name}"] == value for name, value in points.items())
    reasons = {v.question: v.findings[0].reason for v in verdicts(tmp_path, "student-01", HW2.name)}
    assert "KeyError was raised at `t = getattr(sys," in reasons["cross_entropy"]
