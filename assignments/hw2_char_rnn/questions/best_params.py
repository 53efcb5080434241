"""What the grader asks of `best_params`: the trained parameters, measured on text drawn here."""

from __future__ import annotations

from functools import cache

import numpy as np

from autograder.oracle import Bar, Case, Question, beyond_exact
from utils import corpora, toy

from ._draws import SIZES


@cache
def alphabet() -> list[str]:
    """The characters of the synthetic language, in the order of the notebook."""
    return sorted(set(corpora.load("toy").text("train")))


def bits_of_parameters(answer: object, inputs: dict, solution: dict) -> float | str:
    """Bits per character on text that is drawn here, by the solution's own function."""
    if not isinstance(answer, dict) or set(answer) != set(SIZES):
        return "a dict of the five arrays U, W, V, b and c was expected"
    if not all(isinstance(array, np.ndarray) and array.dtype.kind == "f" for array in answer.values()):
        return "the five parameters should be arrays of floating-point numbers"
    sizes = {"C": len(alphabet()), "H": len(answer["b"]) if answer["b"].ndim == 1 else 0}
    if not 1 <= sizes["H"] <= 400:
        return "b should have one entry per hidden unit, 400 at most"
    for name, shape in SIZES.items():
        if answer[name].shape != tuple(sizes[s] for s in shape):
            return f"{name} has the wrong shape for {sizes['C']} characters and {sizes['H']} hidden units"
        if not np.isfinite(answer[name]).all():
            return f"{name} holds nan or infinity"
    place = {character: k for k, character in enumerate(alphabet())}
    text = "".join(line + "\n" for line in inputs["lines"])
    parameters = {name: array.astype(np.float64) for name, array in answer.items()}
    bits = float(solution["bits_per_character"](parameters, np.array([place[c] for c in text])))
    # every character but the first is predicted
    first = sum(chance for word, chance in toy.ENGLISH.first_words[toy.ENGLISH.start].items() if word[0] == text[0])
    exact = np.log(first) - sum(toy.log_probability(line) for line in inputs["lines"])
    count = len(text) - 1
    return beyond_exact(bits * count * np.log(2), exact, count, "bits per character") or bits


QUESTION = Question(
    cases=[
        Case(
            "bits per character on held-out text",
            "dict(best_params)",
            kept=lambda rng: {"lines": toy.sentences(400, rng)},
            judge=Bar(
                "bits per character",
                bits_of_parameters,
                "{came} bits per character on text that the grader drew; {bar} are the most",
            ),
        )
    ],
    builds_on=(
        "softmax",
        "cross_entropy",
        "rnn_forward",
        "rnn_backward",
        "clip_by_value",
        "adagrad_step",
        "sample",
        "bits_per_character",
    ),
    made_by="train_rnn",
    spoiled_by=(
        "rnn_backward: y - p",
        "rnn_backward: 1 - tanh",
        "rnn_backward: new states for W",
        "rnn_backward: slope forgotten",
        "adagrad_step: memory replaced",
        "adagrad_step: no root",
        "adagrad_step: uphill",
    ),
)
