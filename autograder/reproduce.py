"""`course reproduce`: every measured run under `results/`, by name, as one command each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from autograder.recipes import Recipe

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
    "ptb_tied_lstm": Recipe(precision="medium"),
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
    from autograder.char_rnn import full_run

    return full_run(folder)


def _language_model(recipe: Recipe, folder: Path) -> dict:
    from autograder.train import train

    return train(recipe, folder)


EXPERIMENTS: dict[str, Callable[[Path], dict]] = {"shakespeare_char_rnn": _char_rnn}
EXPERIMENTS |= {name: partial(_language_model, recipe) for name, recipe in RECIPES.items()}


def reproduce(name: str, folder: Path) -> dict:
    """Repeat one run, going on from its last checkpoint in `folder`; returns what its `result.json` holds.

    Raises ValueError for a name that is not in EXPERIMENTS.
    """
    if name not in EXPERIMENTS:
        raise ValueError(f"no run is called {name!r}: {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name](folder)
