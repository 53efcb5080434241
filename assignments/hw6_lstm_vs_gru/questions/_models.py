"""The four trained models, rebuilt from their exported weights."""

from __future__ import annotations

from functools import cache

import torch

from autograder.oracle.exported import solution_model
from utils.weights import describe

MODELS = {"LSTM": ("LSTM", 0.0), "LSTM dropout": ("LSTM", 0.4), "GRU": ("GRU", 0.0), "GRU dropout": ("GRU", 0.4)}


def configs(solution) -> dict[str, dict]:
    """The configurations of the four models in the quick profile, by name."""
    return {
        name: solution["QUICK"] | {"rnn_type": rnn_type, "dropout": dropout}
        for name, (rnn_type, dropout) in MODELS.items()
    }


def text_of(solution):
    """The corpus of the quick profile."""
    return _text(solution["read_corpus"], tuple(solution["QUICK_LINES"].items()))


@cache
def _text(read_corpus, lines: tuple):
    return read_corpus("toy", dict(lines))


def as_model(answer, name: str, solution) -> torch.nn.Module | str:
    """The model that was handed in under a name, or why it is not that."""
    if isinstance(answer, str):
        return f"models[{name!r}] cannot be mapped onto the course's WordLM"
    try:
        shape = describe(answer)
    except ValueError as error:
        return f"the weights of models[{name!r}] are no word language model's: {error}"
    wanted = configs(solution)[name]
    for key in ("rnn_type", "hidden_size", "embedding_size", "num_layers", "tied"):
        if shape[key] != wanted[key]:
            return f"models[{name!r}] has another {key} than its configuration says"
    if shape["vocab_size"] != len(text_of(solution).vocabulary):
        return f"models[{name!r}] has a vocabulary of another size than the corpus"
    return solution_model(answer, solution)


TRAINED = ("learning_rate", "best_epoch", "run")
