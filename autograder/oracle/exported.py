"""The solution's model with the weights that a submission exports (`utils.weights.export_weights`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from autograder.oracle.bars import beyond_exact
from utils import toy
from utils.weights import describe

MOST_SMALL = 2_000_000  # numbers in a model that a notebook trains in minutes; its text is read in seconds


def solution_model(weights: dict, solution: Mapping, most: int = 0) -> torch.nn.Module:
    """The solution's own WordLM with exported weights, in their dtype and in evaluation mode.

    Raises ValueError for weights of no model, and for more than `most` numbers, unless that is 0.
    """
    shape = describe(weights)
    count = sum(array.size for name, array in weights.items() if name != "rnn_type")
    if most and count > most:
        raise ValueError(f"they are {count:,} numbers; at most {most:,} are allowed here")
    model = solution["WordLM"](dropout=0.0, **shape)
    model.to(torch.from_numpy(weights["embedding.weight"]).dtype)
    tensors = {name: torch.from_numpy(array) for name, array in weights.items() if name != "rnn_type"}
    tensors.setdefault("decoder.weight", tensors["embedding.weight"])  # tied
    model.load_state_dict(tensors)
    return model.eval()


def trained_model(answer: dict | str, vocabulary: Mapping, solution: Mapping, built: str) -> torch.nn.Module | str:
    """The solution's model with the weights that an answer holds, or in words why it is no model of that vocabulary.

    answer: decoded from what `programs.EXPORTED` gives. built: how to build it, for one that cannot be exported.
    """
    if isinstance(answer, str):
        return f"the model cannot be mapped onto the course's: build it {built}"
    try:
        model = solution_model(answer, solution, MOST_SMALL)
    except ValueError as error:
        return f"the weights are no language model's that could be used: {error}"
    if describe(answer)["vocab_size"] != len(vocabulary):
        return "the model's vocabulary is not that of the toy language's training text"
    return model


def ratio_to_exact(model: torch.nn.Module, vocabulary: Mapping, lines: Sequence[str], solution: Mapping) -> float | str:
    """A word model's perplexity on lines of the toy language over the exact one, or in words why no model can reach it.

    The vocabulary must have every word of the lines: else less is predicted than the language says.
    """
    ids = solution["encode"](lines, vocabulary)
    reached, exact, tokens = solution["perplexity"](model, ids, 512), toy.exact_nll(lines), len(ids) - 1
    return beyond_exact(tokens * math.log(reached), exact, tokens) or reached / math.exp(exact / tokens)
