"""What the grader asks of `model`: the trained weights, measured on sentences drawn here."""

from __future__ import annotations

from autograder.oracle import Bar, Case, Question
from autograder.oracle.exported import MOST_SMALL, ratio_to_exact, solution_model
from autograder.oracle.programs import EXPORTED
from utils import corpora, toy
from utils.weights import describe

from ._training import TRAINED


def ratio_of_weights(answer, inputs, solution) -> float | str:
    """Perplexity of the exported weights, in the solution's model, on sentences drawn here, over the exact one."""
    if isinstance(answer, str):
        return "the model cannot be mapped onto the course's: build it from nn.Embedding, one nn.LSTM and a decoder"
    try:
        trained = solution_model(answer, solution, MOST_SMALL)
    except ValueError as error:
        return f"the weights are no word language model's that could be used: {error}"
    vocabulary = solution["build_vocabulary"](corpora.load("toy").train, 10_000)
    if describe(answer)["vocab_size"] != len(vocabulary):
        return "the model's vocabulary is not that of the toy language's training text"
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
            ),
        )
    ],
    builds_on=TRAINED,
    made_by="train_model",
    spoiled_by=("batchify: rows contiguous", "get_batch: targets not shifted"),
)
