"""What the grader asks of `best_epoch`: the epoch of the lowest validation perplexity, nan left out."""

from __future__ import annotations

import math

import numpy as np

from autograder.oracle import Case, Equivalent, Misconception, Question

HISTORY = """
import pandas

def frame(columns):
    return pandas.DataFrame({name: columns[name] for name in columns})
"""


def draw_history(kind: str):
    """Columns of a history of 9 to 13 epochs whose lowest training, test and validation perplexities lie apart.

    kind: "plain", "tie" (the lowest validation perplexity stands twice), or "nan" (in the first row, around the best
    one, and in the last).
    """

    def draw(rng: np.random.Generator) -> dict:
        epochs = int(rng.integers(9, 14))
        best = int(rng.integers(2, epochs - 4))
        validation = rng.uniform(120, 200, epochs)
        validation[best] = lowest = float(rng.uniform(80, 110))
        if kind == "tie":
            validation[best + 2] = lowest
        if kind == "nan":
            validation[[0, best - 1, best + 1, epochs - 1]] = math.nan
        test = rng.uniform(120, 200, epochs)
        test[best + 1] = 70.0
        columns = {
            "epoch": np.arange(1, epochs + 1),
            "train": np.sort(rng.uniform(40, 300, epochs))[::-1].copy(),
            "validation": validation,
            "test": test,
            "learning_rate": np.full(epochs, 0.5),
            "seconds": rng.uniform(1, 2, epochs),
        }
        return {"columns": columns}

    return draw


QUESTION = Question(
    cases=[
        Case(
            "the lowest validation perplexity",
            f"{HISTORY}\nbest_epoch(frame(columns))",
            draw_history("plain"),
            weight=2,
            core=True,
        ),
        Case(
            "the first of equal epochs",
            f"{HISTORY}\nbest_epoch(frame(columns))",
            draw_history("tie"),
        ),
        Case(
            "nan is never best",
            f"{HISTORY}\nbest_epoch(frame(columns))",
            draw_history("nan"),
            weight=1.5,
        ),
        Case(
            "a part of a history, and one with another index",
            f"{HISTORY}\nwhole = frame(columns)\n"
            "[best_epoch(whole.iloc[1:]), best_epoch(whole.set_index(whole.index + 40)), "
            "best_epoch(whole.iloc[:1]), best_epoch(whole.iloc[-3:]), best_epoch(whole.iloc[1::2]), "
            "best_epoch(whole.iloc[::3])]",
            draw_history("plain"),
        ),
        Case(
            "the history stays as it was",
            f"{HISTORY}\nwhole = frame(columns)\n(best_epoch(whole), best_epoch(whole), whole.to_dict('list'))",
            draw_history("plain"),
            weight=0.5,
        ),
    ],
    equivalent=[
        Equivalent(r"-> return history\['epoch'\]", "A numpy whole number is as good as Python's."),
        Equivalent(r"argmin\(axis=", "A column has one axis."),
    ],
    core="the epoch of the lowest validation perplexity",
    misconceptions=[
        Misconception(
            "by training perplexity",
            'history["validation"]',
            'history["train"]',
            "This is the epoch of the lowest training perplexity; the validation text should decide.",
        ),
        Misconception(
            "by test perplexity",
            'history["validation"]',
            'history["test"]',
            "The test text decided, but it has no part in any choice: take the lowest validation perplexity.",
        ),
        Misconception(
            "the last of equals",
            'history["epoch"].iloc[history["validation"].argmin()]',
            'history["epoch"][::-1].iloc[history["validation"][::-1].argmin()]',
            "Of several epochs with the same lowest perplexity the last one came back; it should be the first.",
        ),
        Misconception(
            "nan counts as smallest",
            'history["validation"].argmin()',
            'history["validation"].to_numpy().argmin()',
            "An epoch with nan came back: numpy's argmin takes nan for the smallest, and min keeps one that is "
            "first: leave such epochs out.",
        ),
        Misconception(
            "the row's place from 0",
            'history["epoch"].iloc[history["validation"].argmin()]',
            'history["validation"].argmin()',
            "The place of the row came back, counted from 0; it should be the number in the column epoch.",
        ),
        Misconception(
            "the row's place from 1",
            'history["epoch"].iloc[history["validation"].argmin()]',
            'history["validation"].argmin() + 1',
            "The place of the row came back, counted from 1; in a part of a history that is not the epoch's number.",
        ),
        Misconception(
            "the index of the table plus 1",
            'history["epoch"].iloc[history["validation"].argmin()]',
            'history["validation"].idxmin() + 1',
            "This is the index of the table plus 1, which need not be the epoch's number: that is in the column epoch.",
        ),
        Misconception(
            "the highest",
            ".argmin()",
            ".argmax()",
            "This is the epoch of the highest validation perplexity; lower is better.",
        ),
        Misconception(
            "the first rise ends the search",
            'return int(history["epoch"].iloc[history["validation"].argmin()])',
            'finite = history[history["validation"].notna()]\n'
            '    rises = [*(finite["validation"].diff() >= 0), True]\n'
            '    return int(finite["epoch"].iloc[rises.index(True) - 1])',
            "The search ends where the perplexity rises for the first time, but a later epoch may have a lower one: go "
            "through all of them.",
        ),
    ],
)
