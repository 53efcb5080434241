"""Plots of the character model's notebook: costs over a text, counts over a text, bits by merges, next symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from utils.char_rnn_plots import visible, write_below

Span = tuple[int, int, float]  # from a character to the one before the other, and what this stretch cost


def draw_costs_in_words(
    text: Sequence[str], words: Sequence[tuple[int, int]], costs: Mapping[str, Sequence[Span]], width: int = 66
) -> None:
    """A text in rows, and over each row what several models paid for it: the area of a bar is its cost in bits.

    words: the stretch of each word in the text, from start to end; a row ends where a word does.
    costs: by model, a cost for each stretch that it predicts as one symbol. The number over a word is its total,
    left out where it rounds to zero.
    width: most characters in a row.
    """
    rows = [[words[0]]]
    for word in words[1:]:
        if word[1] - rows[-1][0][0] > width:
            rows.append([])
        rows[-1].append(word)
    top = max(1.0, *(bits / (end - start) for spans in costs.values() for start, end, bits in spans))
    figure, axes = plt.subplots(
        len(rows) * len(costs), 1, figsize=(7.4, 1.2 * len(rows) * len(costs)), layout="constrained", squeeze=False
    )
    panels = [(row, name) for row in rows for name in costs]
    for one, (row, name) in zip(axes[:, 0], panels, strict=True):
        first, last = row[0][0], row[-1][1]
        for start, end, bits in costs[name]:
            if first <= start < last:
                height = bits / (end - start)
                one.bar(start - first - 0.45, height, end - start - 0.1, align="edge",
                        color=str(0.92 - 0.77 * height / top), edgecolor="0.3", linewidth=0.5)  # fmt: skip
        for start, end in row:
            total = sum(bits for a, b, bits in costs[name] if start <= a and b <= end)
            if total > 0.05:  # "0.0" says nothing, and its neighbours need the room
                one.text(
                    (start + end - 1) / 2 - first, 1.06 * top, f"{total:.1f}", ha="center", va="bottom", fontsize=8
                )
        write_below(one, text[first:last], width)
        one.set_ylim(0, 1.3 * top)
        one.set_ylabel("bits", fontsize=8)
        one.set_title(name, fontsize=8.5, loc="left", pad=2)
    plt.show()


def draw_counts(text: Sequence[str], counts: Sequence[int], y_label: str, level: float, name: str) -> None:
    """A line of text with a bar over each character, and a dashed level to compare the bars with."""
    _, axes = plt.subplots(figsize=(7.4, 2.2), layout="constrained")
    axes.bar(range(len(counts)), counts, width=0.9, color="0.75", edgecolor="0.3", linewidth=0.5)
    axes.axhline(level, color="0.1", linestyle="--", linewidth=1, label=name)
    write_below(axes, text, len(text))
    axes.set_ylabel(y_label, fontsize=9)
    axes.legend(fontsize=8, loc="upper right")
    plt.show()


def draw_merges(rows: Sequence[tuple[int, float, Sequence[float]]], exact: float) -> None:
    """Two panels over the number of merges: bits per character, a point per seed, and symbols per word.

    rows: the number of merges, symbols per word, and the bits per character of each seed. exact: the language's own.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.1), layout="constrained")
    places, names = range(len(rows)), [str(merges) for merges, _, _ in rows]
    for place, (_, _, bits) in zip(places, rows, strict=True):
        left.plot([place] * len(bits), bits, "o", color="0.1", markersize=4, fillstyle="none")
    left.plot(places, [np.mean(bits) for _, _, bits in rows], "-", color="0.3", linewidth=1.2, label="mean")
    left.axhline(exact, color="0.3", linestyle="--", linewidth=1, label=f"exact, {exact:.3f}")
    left.set_ylabel("bits per character")
    left.legend(fontsize=8)
    ratios = [ratio for _, ratio, _ in rows]
    right.bar(places, ratios, color="0.85", edgecolor="0.2", hatch="//", width=0.6)
    for place, ratio in zip(places, ratios, strict=True):
        right.annotate(f"{ratio:.2f}", (place, ratio), ha="center", va="bottom", fontsize=8)
    right.set_ylabel("symbols per word")
    right.margins(y=0.12)
    for axes in (left, right):
        axes.set_xticks(places, names)
        axes.set_xlabel("number of merges")
        axes.grid(axis="y", alpha=0.3)
    plt.show()


def draw_next(
    axes: Axes, symbols: Sequence[str], shares: Sequence[float], kept: Sequence[bool], top_k: int, title: str
) -> None:
    """The most probable next symbols as bars, largest first: hatched where kept by top-p, a line behind the top k."""
    places = range(len(symbols))
    axes.bar(
        places, shares, width=0.8, color=["0.8" if one else "white" for one in kept], edgecolor="0.2", linewidth=0.8,
        hatch=["//" if one else "" for one in kept],
    )  # fmt: skip
    axes.axvline(top_k - 0.5, color="0.1", linestyle=":", linewidth=1.4)
    axes.text(top_k - 0.35, 0.93, f"top-{top_k}", fontsize=8, transform=axes.get_xaxis_transform())
    axes.set_xticks(places, [visible(symbol) for symbol in symbols], fontsize=9, family="monospace")
    axes.set_ylim(0, 0.75)
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("next symbol", fontsize=9)
    axes.set_ylabel("probability", fontsize=9)
