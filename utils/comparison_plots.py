"""Pictures of a comparison of models: curves with the best epoch marked, small multiples of a grid, intervals.

All are understood without colour: lines differ by style and marker, and the best epoch is a mark of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from utils.plots import STYLES, curves, plain_log_ticks

if TYPE_CHECKING:  # the table comes from the caller; importing pandas takes a quarter of a second
    import pandas as pd


def training_curves(histories: Mapping[str, pd.DataFrame], best: Mapping[str, int]) -> None:
    """Perplexity by epoch, a panel for each run on common axes: training solid, validation dashed.

    histories: by name, a table with the columns epoch, train and validation, a row per epoch.
    best: by the same names, the epoch that is marked by a star, with its validation perplexity written beside it.
    """
    columns = min(2, len(histories))
    rows = -(-len(histories) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(7.5, 2.5 * rows), sharex=True, sharey=True, layout="constrained", squeeze=False
    )
    for one, (name, history) in zip(axes.flat, histories.items(), strict=False):
        every = max(1, len(history) // 10)
        one.plot(history["epoch"], history["train"], "-o", markevery=every, markersize=4, label="training")
        one.plot(history["epoch"], history["validation"], "--s", markevery=every, markersize=4, label="validation")
        lowest = history.loc[history["epoch"] == best[name], "validation"].iloc[0]
        one.plot(best[name], lowest, "*", color="black", markersize=12, label="best epoch")
        one.annotate(f"{lowest:.1f}", (best[name], lowest), (0, 9), textcoords="offset points", ha="center", fontsize=8)
        one.set(title=name, yscale="log", xlabel="epoch", ylabel="perplexity")
        plain_log_ticks(one)
        one.grid(alpha=0.3, which="both")
        one.label_outer()
    axes[0][0].legend(fontsize=8)
    for one in axes.flat[len(histories) :]:
        figure.delaxes(one)
    plt.show()


def gap_by_epoch(histories: Mapping[str, pd.DataFrame]) -> None:
    """Validation over training perplexity by epoch, a line for each run: above 1 it knows its text better than others.

    histories: by name, a table with the columns epoch, train and validation, a row per epoch.
    """
    _, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    axes.axhline(1, color="0.5", linewidth=0.8)
    series = {name: (table["epoch"], table["validation"] / table["train"]) for name, table in histories.items()}
    curves(series, x_label="epoch", y_label="validation / training perplexity", log=True, axes=axes)
    plain_log_ticks(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    plt.show()


def small_multiples(table: pd.DataFrame, *, x: str, y: str, line: str, panel: str, y_label: str | None = None) -> None:
    """A grid of runs: a panel for each value of one column, in it a line for each value of another.

    table: a row per run. x, y: the columns on the axes; the values of x stand side by side at equal distances.
    line, panel: the columns that part the rows into lines and panels. y_label: the name of y where it says more.
    """
    panels = list(table[panel].unique())
    places = {value: place for place, value in enumerate(sorted(table[x].unique()))}
    _, axes = plt.subplots(
        1, len(panels), figsize=(min(3.4 * len(panels), 11), 3), sharey=True, layout="constrained", squeeze=False
    )
    for one, value in zip(axes[0], panels, strict=True):
        rows = table[table[panel] == value]
        for (key, part), (style, marker) in zip(rows.groupby(line), STYLES, strict=False):
            part = part.sort_values(x)
            one.plot([places[v] for v in part[x]], part[y], style, marker=marker, label=f"{line} {key}")
        one.set(title=f"{panel} {value}", xlabel=x, ylabel=y_label or y, xlim=(-0.3, len(places) - 0.7))
        one.set_xticks(list(places.values()), [str(value) for value in places])
        one.grid(alpha=0.3)
        one.label_outer()
    axes[0][-1].legend(fontsize=8)
    plt.show()


def intervals(
    rows: Mapping[str, tuple[Sequence[float], float]], *, x_label: str, zero: bool = False, title: str = ""
) -> None:
    """A row for each name: the single values as dots, their mean as a tick and an interval around it as a bar.

    rows: by name, the values and half the width of the interval.
    zero: whether a vertical line is drawn at 0, to see which intervals hold it.
    """
    _, axes = plt.subplots(figsize=(7, 0.9 + 0.5 * len(rows)), layout="constrained")
    for place, (values, half) in enumerate(rows.values()):
        mean = float(np.mean(values))
        axes.errorbar(mean, place, xerr=half, fmt="|", color="black", capsize=5, markersize=14, linewidth=1.4)
        axes.plot(values, [place + 0.22] * len(values), "o", color="0.45", markersize=4)
    if zero:
        axes.axvline(0, color="0.3", linewidth=0.9, linestyle=":")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(xlabel=x_label, title=title, ylim=(len(rows) - 0.4, -0.5))
    axes.grid(alpha=0.3, axis="x")
    plt.show()


def rates_by_epoch(schedules: Mapping[str, Sequence[float]]) -> None:
    """Learning rates as steps, one for each epoch from 1, so that the last epoch at the full rate can be read off."""
    _, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for (name, rates), (style, _) in zip(schedules.items(), STYLES, strict=False):
        epochs = np.arange(1, len(rates) + 1)
        axes.plot(epochs, rates, style, drawstyle="steps-mid", linewidth=1.5, label=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch", ylabel="learning rate")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    plt.show()
