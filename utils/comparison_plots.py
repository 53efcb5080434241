"""Pictures of a comparison of models: curves with the best epoch, small multiples of a grid, seeds, intervals.

All are understood without colour: lines differ by style and marker, and the best epoch is a mark of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
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
        one.annotate(f"{lowest:.2f}", (best[name], lowest), (0, 9), textcoords="offset points", ha="center", fontsize=8)
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


def small_multiples(
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    line: str,
    panel: str,
    y_label: str | None = None,
    apart: Sequence[object] = (),
) -> None:
    """A grid of runs: a panel for each value of one column, in it a line for each value of another.

    table: a row per run. x, y: the columns on the axes; the values of x stand side by side at equal distances, in the
    order in which they first appear.
    line, panel: the columns that part the rows into lines and panels. y_label: the name of y where it says more.
    apart: values of x that are no further step of the axis: no line leads to them, and a dotted line parts them off.
    """
    panels = list(table[panel].unique())
    places = {value: place for place, value in enumerate(table[x].unique())}
    first_apart = min((places[value] for value in apart), default=len(places))
    _, axes = plt.subplots(
        1, len(panels), figsize=(min(3.5 * len(panels), 11), 3.1), sharey=True, layout="constrained", squeeze=False
    )
    for one, value in zip(axes[0], panels, strict=True):
        rows = table[table[panel] == value]
        for (key, part), (style, marker) in zip(rows.groupby(line), STYLES, strict=False):
            points = sorted((places[value], height) for value, height in zip(part[x], part[y], strict=True))
            joined = [point for point in points if point[0] < first_apart]
            (drawn,) = one.plot(*zip(*joined, strict=True), style, marker=marker, label=f"{line} {key}")
            for point in points[len(joined) :]:
                one.plot(*point, marker=marker, color=drawn.get_color())
        if apart:
            one.axvline(first_apart - 0.5, color="0.5", linewidth=0.9, linestyle=":")
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


def interval_by_count(means: Sequence[float], halves: Sequence[float], answers: Sequence[str], *, y_label: str) -> None:
    """A mean with its interval after the first 2, 3, 4, ... values, and above each one what follows from it.

    means, halves: the middle and half the width of each interval. answers: a word for each.
    """
    _, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    counts = np.arange(2, len(means) + 2)
    axes.errorbar(counts, means, yerr=halves, fmt="o", color="black", capsize=4, markersize=4, linewidth=1.2)
    axes.axhline(0, color="0.3", linewidth=0.9, linestyle=":")
    high = max(mean + half for mean, half in zip(means, halves, strict=True))
    low = min(mean - half for mean, half in zip(means, halves, strict=True))
    room = 0.22 * (high - low)
    for count, answer in zip(counts, answers, strict=True):
        axes.text(float(count), high + 0.5 * room, answer.replace(" ", "\n"), ha="center", va="center", fontsize=8)
    axes.set(xlabel="number of seeds", ylabel=y_label, ylim=(low - 0.3 * room, high + room))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3, axis="y")
    plt.show()


def seed_lines(axes: Axes, runs: Mapping[str, Sequence[pd.DataFrame]]) -> None:
    """Validation perplexity by epoch into given axes: a thin line for each seed, a thick one for their mean.

    runs: by name, a history for each seed, with the columns epoch and validation.
    """
    for (name, histories), (style, marker) in zip(runs.items(), STYLES, strict=False):
        curves = np.array([history["validation"] for history in histories])
        epochs = histories[0]["epoch"]
        (mean,) = axes.plot(
            epochs, curves.mean(axis=0), style, marker=marker, markevery=max(1, len(epochs) // 6), label=name
        )
        for curve in curves:
            axes.plot(epochs, curve, style, color=mean.get_color(), linewidth=0.6, alpha=0.7)
    axes.set(xlabel="epoch", ylabel="validation perplexity", yscale="log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)


def curves_by_seed(runs: Mapping[str, Sequence[pd.DataFrame]]) -> None:
    """All seeds' validation curves, thin, with the mean of each name: all epochs, and the last two thirds enlarged.

    runs: by name, a history for each seed.
    """
    _, axes = plt.subplots(1, 2, figsize=(7.2, 3.2), layout="constrained")
    for one in axes:
        seed_lines(one, runs)
    everything = np.array([history["validation"] for histories in runs.values() for history in histories])
    first = everything.shape[1] // 3
    shown = everything[:, first:]
    axes[1].set(xlim=(first + 0.7, everything.shape[1] + 0.3), ylim=(0.99 * np.nanmin(shown), 1.01 * np.nanmax(shown)))
    axes[0].set_title("all epochs", fontsize=10)
    axes[1].set_title(f"from epoch {first + 1} on", fontsize=10)
    axes[0].legend(fontsize=8)
    for one in axes:
        plain_log_ticks(one)
    plt.show()


def rate_curves(values: Mapping[str, Mapping[float, Sequence[float]]], *, top: float) -> None:
    """Best validation perplexity against the learning rate: a small mark for each seed, a line through the means.

    values: by name, for each rate, a perplexity for each seed. A rate at which a mean lies above `top`, or is nan, has
    a triangle at the upper edge in its place.
    """
    _, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
    lowest = top
    for place, ((name, by_rate), (style, marker)) in enumerate(zip(values.items(), STYLES, strict=False)):
        aside = 1.04 if place else 1 / 1.04
        means = {rate: float(np.mean(seeds)) for rate, seeds in by_rate.items()}
        inside = {rate: mean for rate, mean in means.items() if mean <= top}
        (line,) = axes.plot(list(inside), list(inside.values()), style, marker=marker, markersize=6, label=name)
        for rate, seeds in by_rate.items():
            if rate in inside:
                axes.plot([rate * aside] * len(seeds), seeds, "_", color=line.get_color(), markersize=9)
                lowest = min(lowest, *seeds)
            else:
                axes.plot(rate * aside, 0.97 * top, "^", color=line.get_color(), markersize=8)
                text = f"{name}\n{means[rate]:.0f}" if np.isfinite(means[rate]) else f"{name}\nnan"
                axes.annotate(
                    text,
                    (rate * aside, 0.985 * top),
                    (8 if place else -8, 0),
                    textcoords="offset points",
                    ha="left" if place else "right",
                    va="top",
                    fontsize=8,
                )
    rates = list(next(iter(values.values())))
    axes.set(xlabel="learning rate", ylabel="best validation perplexity", xscale="log", yscale="log")
    axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
    axes.minorticks_off()
    axes.set(ylim=(0.96 * lowest, top), xlim=(rates[0] / 1.3, rates[-1] * 1.5))
    plain_log_ticks(axes)
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    plt.show()


def interaction(values: Mapping[str, Mapping[str, tuple[Sequence[float], float]]], *, y_label: str) -> None:
    """Settings side by side, in each the values of every name as dots and their mean with an interval.

    values: by setting, by name, the single values and half the width of the interval. A line joins the means of a name.
    """
    _, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
    names = list(next(iter(values.values())))
    for order, (name, (style, marker)) in enumerate(zip(names, STYLES, strict=False)):
        places = np.arange(len(values)) + 0.12 * (order - (len(names) - 1) / 2)
        means = [np.mean(row[name][0]) for row in values.values()]
        halves = [row[name][1] for row in values.values()]
        bars = axes.errorbar(places, means, yerr=halves, fmt=style, marker=marker, capsize=4, linewidth=1.2, label=name)
        for place, row in zip(places, values.values(), strict=True):
            axes.plot([place + 0.05] * len(row[name][0]), row[name][0], ".", color=bars[0].get_color(), markersize=4)
    axes.set_xticks(range(len(values)), list(values))
    axes.set(ylabel=y_label, xlim=(-0.5, len(values) - 0.5))
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3, axis="y")
    plt.show()


def rates_by_epoch(schedules: Mapping[str, Sequence[float]]) -> None:
    """Learning rates as steps, one for each epoch from 1, so that the last epoch at the full rate can be read off."""
    _, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for (name, rates), (style, _) in zip(schedules.items(), STYLES, strict=False):
        epochs = np.arange(1, len(rates) + 1)
        axes.plot(epochs, rates, style, drawstyle="steps-mid", linewidth=1.5, label=name)
    last = max(map(len, schedules.values()))
    axes.set_xticks([1, *range(15, last - 4, 15), last])
    axes.set(xlabel="epoch", ylabel="learning rate")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    plt.show()
