"""Plots that several notebooks share: curves, bars against baselines, small panels, a block diagram of measured shares.

All are understood without colour: lines differ by style and marker, bars by hatch, and numbers stand beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from utils.diagrams import show_vector

STYLES = [("-", "o"), ("--", "s"), ("-.", "^"), (":", "D"), ("-", "v"), ("--", "x"), ("-.", "+"), (":", "*")]
HATCHES = ["", "//", "..", "xx", "\\\\", "oo"]


def curves(
    series: Mapping[str, Any],
    *,
    x_label: str,
    y_label: str,
    levels: Mapping[str, float] | None = None,
    log: bool = False,
    log_x: bool = False,
    title: str = "",
    axes: Axes | None = None,
) -> None:
    """Lines over one axis, such as perplexity by epoch.

    series: values by name, or a pair (x, y); without x the values are counted from 1.
    levels: numbers to compare with, each a thin horizontal line with its name at the right end.
    log, log_x: whether the vertical and the horizontal axis are logarithmic.
    axes: where to draw; without it a figure of its own is drawn and shown.
    """
    own = axes is None
    if axes is None:
        _, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for (name, values), (line, marker) in zip(series.items(), _cycle(STYLES, len(series)), strict=True):
        x, y = values if isinstance(values, tuple) else (np.arange(1, len(values) + 1), values)
        every = max(1, len(y) // 12)
        axes.plot(x, y, line, marker=marker, markevery=every, markersize=5, linewidth=1.4, label=name)
    for name, value in (levels or {}).items():
        axes.axhline(value, color="0.5", linewidth=0.8)
        axes.annotate(
            f"{name} {value:.3g}",
            (1, value),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            annotation_clip=False,
        )
    axes.set(xlabel=x_label, ylabel=y_label, title=title)
    if log:
        axes.set_yscale("log")
        plain_log_ticks(axes)
    if log_x:
        axes.set_xscale("log")
    elif not any(isinstance(values, tuple) for values in series.values()):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(series) > 1:
        axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    if own:
        plt.show()


def plain_log_ticks(axes: Axes) -> None:
    """Plain numbers on a logarithmic vertical axis that spans less than three powers of ten."""
    low, high = axes.get_ylim()
    if high < 1000 * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 8 * low else MaxNLocator(6))
        axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def panels(plots: Sequence[Mapping[str, Any]], *, height: float = 3.0) -> None:
    """Several `curves` side by side; each entry holds the arguments of one of them."""
    _, axes = plt.subplots(1, len(plots), figsize=(min(3.6 * len(plots), 11), height), layout="constrained")
    for one, arguments in zip(np.atleast_1d(axes), plots, strict=True):
        curves(**arguments, axes=one)
    plt.show()


def bars_against_baselines(
    values: Mapping[str, float], baselines: Mapping[str, float], *, x_label: str, log: bool = True, title: str = ""
) -> None:
    """Horizontal bars: the measured values hatched, the baselines that they are compared with plain, largest on top."""
    rows = sorted([*((v, n, True) for n, v in values.items()), *((v, n, False) for n, v in baselines.items())])
    _, axes = plt.subplots(figsize=(7, 0.9 + 0.36 * len(rows)), layout="constrained")
    for place, (value, _, measured) in enumerate(rows):
        axes.barh(
            place,
            value,
            color="0.55" if measured else "0.88",
            edgecolor="0.2",
            hatch="//" if measured else "",
            height=0.7,
        )
        axes.annotate(
            f"{value:.4g}", (value, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9
        )
    axes.set_yticks(range(len(rows)), [name for _, name, _ in rows])
    if log:
        axes.set_xscale("log")
        axes.set_xlim(min(1.0, rows[0][0]), 2 * rows[-1][0])  # room for the number beside the longest bar
    else:
        axes.margins(x=0.12)
    axes.set(xlabel=x_label, title=title)
    plt.show()


def block_diagram(seconds: Mapping[str, float], *, notes: Mapping[str, str] | None = None, title: str = "") -> None:
    """A chain of components with the measured share of each: a box per component, below it a bar of its share.

    seconds: measured time by component, in the order in which the components run.
    notes: a line of small print by component, such as the shapes that leave it.
    Raises ValueError when the times do not add up to something positive.
    """
    total = sum(seconds.values())
    if total <= 0:
        raise ValueError(f"the times must add up to something positive, got {total}")
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(1.5 * len(seconds) + 0.6, 3.2), height_ratios=(2, 1), layout="constrained"
    )
    for place, (name, time) in enumerate(seconds.items()):
        box = FancyBboxPatch(
            (place + 0.09, 0.25), 0.74, 0.5, boxstyle="round,pad=0.02", facecolor="0.95", edgecolor="0.2"
        )
        top.add_patch(box)
        top.text(place + 0.46, 0.58, name, ha="center", va="center", fontsize=9)
        top.text(place + 0.46, 0.36, f"{time / total:.0%}, {1000 * time:,.1f} ms", ha="center", va="center", fontsize=8)
        top.text(place + 0.46, 0.1, (notes or {}).get(name, ""), ha="center", va="center", fontsize=7.5)
        if place + 1 < len(seconds):
            arrow = {"arrowstyle": "->", "linewidth": 1.2}
            top.annotate("", (place + 1.07, 0.5), (place + 0.86, 0.5), arrowprops=arrow)
    top.set(xlim=(0, len(seconds)), ylim=(0, 1), title=title)
    top.axis("off")
    left = 0.0
    for place, (name, time) in enumerate(seconds.items()):
        share = time / total
        bottom.barh(
            0, share, left=left, height=0.6, color=str(0.95 - 0.12 * (place % 3)), edgecolor="0.2", hatch=_hatch(place)
        )
        if share > 0.07:
            label = bottom.text(left + share / 2, 0, name, ha="center", va="center", fontsize=8)
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
        left += share
    bottom.set(xlim=(0, 1), yticks=[], xlabel="share of one training step")
    show_vector(figure)


def _hatch(place: int) -> str:
    return HATCHES[place % len(HATCHES)]


def _cycle(items: list, count: int) -> list:
    return [items[i % len(items)] for i in range(count)]
