"""What the grader asks of `models`: four trained models, measured on sentences drawn here."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Bar, Case, Question
from autograder.oracle.bars import toy_words
from autograder.oracle.exported import ratio_to_exact
from autograder.oracle.programs import EXPORTED
from utils import toy

from ._models import MODELS, TRAINED, as_model, text_of

FRESH = 400  # sentences drawn, about 4,500 tokens


def ratio_of(name: str):
    """A measure of one model's exported weights: their perplexity over the exact one, on sentences drawn here."""

    def measure(answer, inputs, solution) -> float | str:
        model = as_model(answer, name, solution)
        if isinstance(model, str):
            return model
        return ratio_to_exact(model, text_of(solution).vocabulary, inputs["lines"], solution)

    return measure


def draw_lines(rng: np.random.Generator) -> dict:
    """Fresh sentences of the toy language, whose words all stand in the quick profile's text."""
    return {"lines": toy.sentences(FRESH, rng)}


QUESTION = Question(
    cases=[
        *(
            Case(
                f"{name}: perplexity on fresh sentences of the toy language",
                f"{EXPORTED}\nexported(models[{name!r}])",
                kept=draw_lines,
                judge=Bar(
                    name,
                    ratio_of(name),
                    f"on fresh sentences the perplexity of models[{name!r}] is {{came}} times the exact one; "
                    "{bar} is the most",
                    toy_words,
                ),
            )
            for name in MODELS
        ),
    ],
    builds_on=TRAINED,
    made_by="train_models",
    spoiled_by=(
        "run: last epoch's weights kept",
        "run: best epoch by training perplexity",
        "run: no dropout",
        "run: no momentum",
    ),
)
