"""What the grader asks of `model`: the trained weights, measured on sentences drawn here."""

from __future__ import annotations

import math

from autograder.oracle import Bar, Case, Question, beyond_exact
from autograder.oracle.bars import toy_characters
from autograder.oracle.exported import trained_model
from autograder.oracle.programs import EXPORTED
from utils import toy
from utils.corpora import load

TRAINED = (
    "characters",
    "bits_per_character",
    "word_perplexity",
    "historical_perplexity",
    "three_measures",
    "uniform_init",
    "train_characters",
)


def ratio_to_exact(answer, inputs, solution) -> float | str:
    """Bits per character of the exported weights, in the given model, on sentences drawn here, over the exact ones."""
    vocabulary = solution["build_vocabulary"](solution["characters"](load("toy").train), 1000)
    trained = trained_model(answer, vocabulary, solution, "as a WordLM, which is given")
    if isinstance(trained, str):
        return trained
    lines = inputs["lines"]
    reached = solution["three_measures"](trained, vocabulary, lines, 500)["bits_per_character"]
    symbols = len(solution["encode"](solution["characters"](lines), vocabulary))
    nll, exact = reached * symbols * math.log(2), -sum(toy.log_probability(line) for line in lines)
    return beyond_exact(nll, exact, symbols, "bits per character") or nll / exact


QUESTION = Question(
    cases=[
        Case(
            "bits per character on fresh sentences of the toy language",
            f"{EXPORTED}\nexported(model)",
            kept=lambda rng: {"lines": toy.sentences(500, rng)},
            judge=Bar(
                "bits per character over the exact ones",
                ratio_to_exact,
                "the bits per character on fresh sentences are {came} times the exact ones; {bar} is the most",
                toy_characters,
            ),
        )
    ],
    builds_on=TRAINED,
    made_by="train_both",
    spoiled_by=("train_characters: decay per batch", "train_characters: decayed on top of decayed"),
)
