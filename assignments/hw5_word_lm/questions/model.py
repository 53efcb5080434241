"""What the grader asks of `model`: the trained weights, measured on sentences drawn here."""

from __future__ import annotations

from autograder.oracle import Bar, Case, Question
from autograder.oracle.bars import toy_words
from autograder.oracle.exported import ratio_to_exact, trained_model
from autograder.oracle.programs import EXPORTED
from utils import corpora, toy

from ._training import TRAINED


def ratio_of_weights(answer, inputs, solution) -> float | str:
    """Perplexity of the exported weights, in the solution's model, on sentences drawn here, over the exact one."""
    vocabulary = solution["build_vocabulary"](corpora.load("toy").train, 10_000)
    trained = trained_model(answer, vocabulary, solution, "from nn.Embedding, one nn.LSTM and a decoder")
    if isinstance(trained, str):
        return trained
    return ratio_to_exact(trained, vocabulary, inputs["lines"], solution)


QUESTION = Question(
    cases=[
        Case(
            "perplexity on fresh sentences of the toy language",
            f"{EXPORTED}\nexported(model)",
            kept=lambda rng: {"lines": toy.sentences(500, rng)},
            judge=Bar(
                "perplexity over the exact one",
                ratio_of_weights,
                "the perplexity on fresh sentences is {came} times the exact one; {bar} is the most",
                toy_words,
            ),
        )
    ],
    builds_on=TRAINED,
    made_by="train_model",
    spoiled_by=("batchify: rows contiguous", "get_batch: targets not shifted"),
)
