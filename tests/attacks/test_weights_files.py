"""Weights files that attack, handed in beside hw5's notebook and graded on the real path."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import safetensors.numpy

from autograder.build.builder import build
from autograder.course.nbgrader_api import api
from autograder.course.paths import OWN
from autograder.runs.recipes import Recipe
from autograder.runs.train import train
from autograder.sandbox import bubblewrap
from autograder.verification.grades import auto_scores, verdicts
from autograder.verification.samples import filled_notebook, hand_in
from tests.conftest import thorough

pytestmark = pytest.mark.skipif(bubblewrap.lacks() is not None, reason=f"no isolation here: {bubblewrap.lacks()}")
HW5 = OWN.assignment("hw5_word_lm")
SMALL = Recipe(corpus="toy", embedding_size=48, hidden_size=48, num_layers=1, dropout=0.0, bptt=20, epochs=4)


def files_of(good: bytes):
    """Each file by its student: its bytes, or a function that makes the file, and what the feedback must say."""
    weights = safetensors.numpy.load(good)
    length = int.from_bytes(good[:8], "little")
    header = json.loads(good[8 : 8 + length])

    def headed(change):
        """The same bytes under a header that says something else."""
        altered = json.loads(json.dumps(header))
        change(altered)
        text = json.dumps(altered).encode()
        return len(text).to_bytes(8, "little") + text + good[8 + length :]

    def spoiled(name, value):
        return safetensors.numpy.save({**weights, name: value}, header["__metadata__"])

    vectors = weights["embedding.weight"]
    yield "header-of-2-to-the-60", (2**60).to_bytes(8, "little") + good[8:], "no safetensors"
    yield "header-longer-than-the-file", (len(good) + 1).to_bytes(8, "little") + good[8:], "no safetensors"
    yield "shape-of-2-to-the-40", headed(lambda h: h["embedding.weight"].update(shape=[2**40, 2**40])), "no safetensors"
    yield "overlapping", headed(lambda h: h["decoder.bias"].update(data_offsets=[0, 4])), "no safetensors"
    yield "wrong-shapes", spoiled("embedding.weight", vectors[:-1].copy()), "shape"
    yield "nan", spoiled("embedding.weight", np.full_like(vectors, np.nan)), "nan or infinity"
    yield "infinite", spoiled("decoder.bias", np.full_like(weights["decoder.bias"], np.inf)), "nan or infinity"
    yield "of-another-corpus", headed(lambda h: h["__metadata__"].update(corpus='"pydoc"')), "name its corpus"
    yield "a-corpus-that-is-a-path", headed(lambda h: h["__metadata__"].update(corpus='"../../x"')), "name its corpus"
    yield "a-smaller-vocabulary", smaller(weights, header["__metadata__"]), "vocabulary"
    yield (
        "of-ten-gigabytes",
        lambda path: path.touch() or os.truncate(path, 10 << 30),
        "10240 MiB, at most 64 are allowed",
    )


def smaller(weights, metadata):
    """Weights of a model that knows ten words."""
    few = {n: w[:10].copy() if n in ("embedding.weight", "decoder.bias") else w for n, w in weights.items()}
    return safetensors.numpy.save(few, metadata)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A course in which each file was handed in beside an untouched hw5."""
    course = tmp_path_factory.mktemp("weights")
    train(SMALL, course / "run")
    good = (course / "run" / "word_lm.safetensors").read_bytes()
    build(HW5, course)
    said = {"good": ""}
    files = list(files_of(good))
    for student, file, words in [("good", good, ""), *(files if thorough() else files[::2])]:
        path = hand_in(course, student, HW5, filled_notebook(HW5, {})) / "word_lm.safetensors"
        file(path) if callable(file) else path.write_bytes(file)
        said[student] = words
    result = api(course).autograde(HW5.name, "*")
    assert result["success"], result
    return course, said


def test_only_weights_that_are_right_earn_their_point(graded):
    course, said = graded
    marks = {student: auto_scores(course, student, HW5.name)["check_full_run"] for student in said}
    assert marks == {student: float(student == "good") for student in said}


def test_each_file_s_fault_is_said_in_words(graded):
    course, said = graded
    for student, words in said.items():
        (verdict,) = [v for v in verdicts(course, student, HW5.name) if v.question == "full_run"]
        page = (course / "autograded" / student / HW5.name / f"{HW5}.ipynb").read_text()
        assert words in verdict.findings[0].reason or words in page
