"""Drawings of the character network's notebook: the unrolled network, tables of characters, texts in columns."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from utils.diagrams import show_vector

ROWS = {"token": 0.0, "state": 1.4, "scores": 2.8, "loss": 4.2}


def draw_unrolled(word: str = "hello", *, backwards: bool = False) -> None:
    """The network unrolled over a word: each step reads a character and is asked for the next one.

    backwards: dashed arrows show the ways on which the gradient comes back; two of them meet at each state.
    """
    steps = len(word) - 1
    figure, axes = plt.subplots(figsize=(1.75 * steps + 1.2, 4.1), layout="constrained")
    for t in range(steps):
        _box(axes, t, "token", f"{word[t]!r}")
        _box(axes, t, "state", f"$h_{{{t + 1}}}$")
        _box(axes, t, "scores", f"$o_{{{t + 1}}}$")
        _box(axes, t, "loss", f"target {word[t + 1]!r}")
        for (below, above), weight in zip(
            (("token", "state"), ("state", "scores"), ("scores", "loss")), ("$U, b$", "$V, c$", ""), strict=True
        ):
            _arrow(axes, (t, ROWS[below] + 0.3), (t, ROWS[above] - 0.3), weight)
            if backwards and below != "token":
                _arrow(axes, (t + 0.17, ROWS[above] - 0.3), (t + 0.17, ROWS[below] + 0.3), "", back=True)
        if t:
            _arrow(axes, (t - 0.66, ROWS["state"] + 0.08), (t - 0.34, ROWS["state"] + 0.08), "$W$")
            if backwards:
                _arrow(axes, (t - 0.34, ROWS["state"] - 0.14), (t - 0.66, ROWS["state"] - 0.14), "", back=True)
    axes.text(-0.86, ROWS["state"], "$h_0$", ha="center", va="center", fontsize=11)
    _arrow(axes, (-0.7, ROWS["state"] + 0.08), (-0.34, ROWS["state"] + 0.08), "$W$")
    axes.set(xlim=(-1.05, steps - 0.55), ylim=(-0.5, 4.7))
    axes.axis("off")
    show_vector(figure)


def _box(axes: Axes, step: int, row: str, text: str) -> None:
    box = FancyBboxPatch(
        (step - 0.28, ROWS[row] - 0.22),
        0.56,
        0.44,
        boxstyle="round,pad=0.04",
        facecolor="0.88" if row == "state" else "white",
        edgecolor="0.2",
    )
    axes.add_patch(box)
    axes.text(step, ROWS[row], text, ha="center", va="center", fontsize=10)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], label: str, back: bool = False) -> None:
    style = {"arrowstyle": "->", "linewidth": 1.3, "color": "0.1"}
    if back:
        style |= {"linestyle": "--", "color": "0.35"}
    axes.annotate("", end, start, arrowprops=style)
    if label:
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        upright = start[0] == end[0]
        axes.text(
            x - 0.07 if upright else x, y if upright else y + 0.1, label, fontsize=9,
            ha="right" if upright else "center", va="center" if upright else "bottom",
        )  # fmt: skip


def draw_tables(tables: Mapping[str, np.ndarray], alphabet: Sequence[str]) -> None:
    """Tables of probabilities side by side, a row per character and a column per character that follows it.

    tables: arrays (characters, characters) by title, with entries from 0 (white) to 1 (black).
    """
    shown = [{"\n": "\\n", " ": "␣"}.get(character, character) for character in alphabet]
    _, axes = plt.subplots(1, len(tables), figsize=(4.6 * len(tables), 4.5), layout="constrained", squeeze=False)
    for one, (title, table) in zip(axes[0], tables.items(), strict=True):
        image = one.imshow(table, cmap="Greys", vmin=0, vmax=1)
        one.set_xticks(range(len(shown)), shown, fontsize=6)
        one.set_yticks(range(len(shown)), shown, fontsize=6)
        one.set(title=title, xlabel="next character", ylabel="character")
    plt.colorbar(image, ax=axes[0], shrink=0.8, label="probability")
    plt.show()


def draw_temperatures(probabilities: Mapping[float, np.ndarray], alphabet: Sequence[str], most: int = 10) -> None:
    """Bars of the most likely characters, a panel per temperature.

    probabilities: (characters,) by temperature. most: how many characters are shown, those of the first entry.
    """
    ranked = np.argsort(-next(iter(probabilities.values())))[:most]
    shown = [{"\n": "\\n", " ": "␣"}.get(alphabet[k], alphabet[k]) for k in ranked]
    _, axes = plt.subplots(
        1, len(probabilities), figsize=(3 * len(probabilities), 2.6), layout="constrained", sharey=True, squeeze=False
    )
    for one, (temperature, p) in zip(axes[0], probabilities.items(), strict=True):
        one.bar(range(len(ranked)), p[ranked], color="0.6", edgecolor="0.2")
        one.set_xticks(range(len(ranked)), shown)
        one.set(title=f"temperature {temperature:g}", xlabel="next character")
    axes[0][0].set_ylabel("probability")
    plt.show()


def print_columns(texts: Mapping[str, str], width: int = 36) -> None:
    """Print texts side by side, each in a column of its own under its name; long lines are wrapped."""
    columns = []
    for name, text in texts.items():
        lines = [name, "-" * width]
        for line in text.split("\n"):
            first, *others = textwrap.wrap(line, width, drop_whitespace=False) or [""]
            lines += [first, *(other.lstrip() for other in others)]
        columns.append(lines)
    for row in zip_longest(*columns, fillvalue=""):
        print("  ".join(f"{cell:{width}}" for cell in row).rstrip())
