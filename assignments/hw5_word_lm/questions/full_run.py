"""What the grader asks of `full_run`: the weights of a long run, measured on the test text of its corpus."""

from __future__ import annotations

import math

from autograder.course.errors import CourseError
from autograder.oracle import Case, Measured, Question, beyond_exact
from autograder.oracle.exported import solution_model
from utils import corpora, toy
from utils.weights import describe, read_weights

from ._training import TRAINED

# Bigram baselines of the test texts (utils.baselines, interpolated Kneser-Ney, discount 0.75): bars of the full run.
BIGRAM = {"toy": 11.56, "ptb": 186.5, "wikitext2": 266.4}


def beats_the_bigram(answer, inputs, solution) -> str | Measured:
    """The test perplexity of the weights handed in, on the corpus that they name, by the solution's own functions.

    The vocabulary is that of all training words, whatever the file says: with a smaller one more words would be <unk>,
    which is easily predicted. Raises CourseError where this machine lacks the corpus.
    """
    try:
        metadata, weights = read_weights(answer)
    except ValueError as error:
        return f"word_lm.safetensors cannot be used: {error}"
    name = metadata.get("corpus")
    if name not in BIGRAM:
        return f"word_lm.safetensors should name its corpus: one of {', '.join(BIGRAM)}"
    try:
        corpus = corpora.load(name)
    except corpora.CorpusError as error:
        raise CourseError(
            f"hw5_word_lm: the weights handed in cannot be marked without their corpus: {error}"
        ) from None
    vocabulary = solution["build_vocabulary"](corpus.train, 100_000)
    if describe(weights)["vocab_size"] != len(vocabulary):
        return f"the vocabulary of the weights is not that of all training words of {name}, {len(vocabulary)} entries"
    ids = solution["encode"](corpus.test, vocabulary)
    reached, tokens = solution["perplexity"](solution_model(weights, solution), ids, 512), len(ids) - 1
    if name == "toy" and (wrong := beyond_exact(tokens * math.log(reached), toy.exact_nll(corpus.test), tokens)):
        return wrong
    reason = f"test perplexity {reached:.1f} on {name}; a bigram reaches {BIGRAM[name]}, which is to be beaten"
    return Measured(None if reached < BIGRAM[name] else reason, f"test perplexity on {name}", reached)


QUESTION = Question(
    cases=[
        Case(
            "test perplexity of the weights handed in, below that of a bigram",
            "import pathlib\npathlib.Path('word_lm.safetensors').read_bytes()",
            judge=beats_the_bigram,
        )
    ],
    builds_on=TRAINED,
    hands_in="word_lm.safetensors",
)
