"""`course reproduce`: every measured run under `results/`, by name, as one command each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from autograder.runs.recipes import Recipe

# The four models of hw6, each by the recipe that was found best: two layers of 200, not tied.
_SGD = Recipe(
    tied=False, dropout=0.0, bptt=20, flat_epochs=5, decay=0.5, weight_decay=3e-6, epochs=13, precision="medium"
)
RECIPES = {
    "ptb_lstm": _SGD,
    "ptb_lstm_dropout": replace(_SGD, dropout=0.33, flat_epochs=14, decay=0.6, weight_decay=1e-6, epochs=24),
    "ptb_gru": replace(_SGD, rnn_type="GRU"),
    "ptb_gru_dropout": replace(
        _SGD,
        rnn_type="GRU",
        dropout=0.35,
        bptt=35,
        optimiser="AdamW",
        learning_rate=0.003,
        weight_decay=0.03,
        clip=0.5,
        decay=0.82,
        epochs=20,
    ),
    # The same by gradient descent, as hw6's full profile trains it.
    "ptb_gru_dropout_sgd": replace(
        _SGD, rnn_type="GRU", dropout=0.3, learning_rate=10.0, flat_epochs=9, weight_decay=0.0
    ),
    "ptb_tied_lstm": Recipe(precision="medium"),
    "ptb_tied_lstm_averaged": Recipe(
        start="ptb_tied_lstm", optimiser="ASGD", learning_rate=10.0, flat_epochs=10, epochs=10, precision="medium"
    ),
    # docs/record.md says what for.
    "ptb_record": Recipe(
        dropout=0.0,
        dropout_words=0.05,
        dropout_inputs=0.1,
        dropout_between=0.1,
        dropout_outputs=0.2,
        dropout_weights=0.1,
        activation_cost=0.5,
        temporal_cost=0.5,
        similarity_cost=0.1,
        spread=5.0,
        optimiser="AdamW",
        learning_rate=0.003,
        cosine=True,
        weight_decay=0.03,
        clip=0.5,
        epochs=48,
        precision="bfloat16",
    ),
    "ptb_char_lstm": Recipe(
        characters=True,
        tied=False,
        dropout=0.0,
        batch_size=100,
        bptt=50,
        optimiser="AdamW",
        momentum=0.9,
        learning_rate=0.004,
        weight_decay=0.01,
        clip=1.0,
        flat_epochs=4,
        decay=0.6,
        epochs=12,
        precision="medium",
    ),
}


def _char_rnn(folder: Path) -> dict:
    from autograder.runs.char_rnn import full_run

    return full_run(folder)


def _language_model(recipe: Recipe, folder: Path, stop_after: int | None = None) -> dict:
    from autograder.runs.train import train

    return train(recipe, folder, stop_after=stop_after)


EXPERIMENTS: dict[str, Callable[..., dict]] = {"shakespeare_char_rnn": _char_rnn}
EXPERIMENTS |= {name: partial(_language_model, recipe) for name, recipe in RECIPES.items()}


def reproduce(name: str, folder: Path, stop_after: int | None = None) -> dict:
    """Repeat one run, going on from its last checkpoint in `folder`; returns what its `result.json` holds.

    stop_after: measure after so many epochs instead of all; for language models alone.
    Raises ValueError for a name that is not in EXPERIMENTS.
    """
    if name not in EXPERIMENTS:
        raise ValueError(f"no run is called {name!r}: {', '.join(EXPERIMENTS)}")
    if stop_after is None:
        return EXPERIMENTS[name](folder)
    if name not in RECIPES:
        raise ValueError(f"{name} has no epochs to stop after")
    return EXPERIMENTS[name](folder, stop_after=stop_after)
