"""Drawings of the character network's notebook: the unrolled network, tables, bars over a text, texts in columns."""

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
            if backwards:  # a character gets no gradient, but U and b do
                _arrow(axes, (t + 0.17, ROWS[above] - 0.3), (t + 0.17, ROWS[below] + 0.3), "", back=True)
        if t:
            _arrow(axes, (t - 0.66, ROWS["state"] + 0.08), (t - 0.34, ROWS["state"] + 0.08), "$W$")
            if backwards:
                _arrow(axes, (t - 0.34, ROWS["state"] - 0.14), (t - 0.66, ROWS["state"] - 0.14), "", back=True)
    axes.text(-0.86, ROWS["state"] + 0.08, "$h_0$", ha="center", va="center", fontsize=11)
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


def draw_reach(ahead: Mapping[str, Sequence[float]], back: Mapping[str, Sequence[float]]) -> None:
    """Two panels with one legend: the size of a change of the state on its way forwards, of a gradient on its way back.

    ahead, back: sizes after 0, 1, 2, ... steps by the name of the network, relative to the first one.
    """
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.4), layout="constrained")
    for one, series, direction, what in zip(
        axes, (ahead, back), ("forwards", "back"), ("change of the state", "gradient"), strict=True
    ):
        for (name, sizes), style, marker in zip(series.items(), ("-", "--", "-.", ":"), "os^D", strict=False):
            one.plot(
                range(len(sizes)), sizes, style, marker=marker, markevery=5, markersize=5, linewidth=1.4, label=name
            )
        one.set_yscale("log")
        one.set_xlabel(f"steps {direction}")
        one.set_ylabel(f"size of the {what}")
        one.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    plt.show()


def visible(character: str) -> str:
    """A character as it is shown in a picture: a space and the end of a line get a sign of their own."""
    return {"\n": "↵", " ": "␣"}.get(character, character)


def draw_tables(tables: Mapping[str, np.ndarray], alphabet: Sequence[str], chosen: str) -> None:
    """Tables of probabilities side by side, a row per character and a column per character that follows it.

    tables: arrays (characters, characters) by title, with entries from 0 (white) to 1 (black).
    chosen: the characters whose rows and columns are shown.
    """
    places = [list(alphabet).index(character) for character in chosen]
    shown = [visible(character) for character in chosen]
    width = 7.2 if len(tables) > 2 else 6.4
    _, axes = plt.subplots(1, len(tables), figsize=(width, 3.2), layout="constrained", squeeze=False, sharey=True)
    for one, (title, table) in zip(axes[0], tables.items(), strict=True):
        image = one.imshow(table[np.ix_(places, places)], cmap="Greys", vmin=0, vmax=1)
        one.set_xticks(range(len(shown)), shown, fontsize=9)
        one.set_yticks(range(len(shown)), shown, fontsize=9)
        one.set_title(title, fontsize=10)
        one.set_xlabel("next character", fontsize=9)
    axes[0][0].set_ylabel("character", fontsize=9)
    plt.colorbar(image, ax=axes[0], shrink=0.7, label="probability")
    plt.show()


def draw_costs(text: Sequence[str], bits: Sequence[float], width: int = 64) -> None:
    """A text in rows, with a bar over each character: its height and its shade say how many bits the character cost.

    bits: what each character of the text cost. width: characters in a row.
    """
    costs, top = np.asarray(bits), max(1.0, float(np.max(bits)))
    rows = range(0, len(text), width)
    _, axes = plt.subplots(
        len(rows), 1, figsize=(7.4, 1.15 * len(rows)), layout="constrained", sharey=True, squeeze=False
    )
    for one, start in zip(axes[:, 0], rows, strict=True):
        part = costs[start : start + width]
        one.bar(range(len(part)), part, width=0.9, color=[str(0.9 - 0.75 * cost / top) for cost in part],
                edgecolor="0.3", linewidth=0.5)  # fmt: skip
        write_below(one, text[start : start + width], width)
        one.set_ylabel("bits", fontsize=8)
    axes[0][0].set_ylim(0, 1.05 * top)
    plt.show()


def draw_units(text: Sequence[str], units: Mapping[str, np.ndarray], marked: np.ndarray) -> None:
    """Hidden units over a text: for each unit a bar over or under each character, from -1 to 1.

    units: the value of a unit after each character, by its title. marked: booleans; where true, hatched.
    """
    _, axes = plt.subplots(len(units), 1, figsize=(7.4, 1.5 * len(units)), layout="constrained", squeeze=False)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]])))
    for one, (title, values) in zip(axes[:, 0], units.items(), strict=True):
        for left, right in edges.reshape(-1, 2):
            one.axvspan(left - 0.5, right - 0.5, facecolor="0.95", edgecolor="0.75", hatch="//", linewidth=0, zorder=0)
        one.bar(range(len(values)), values, width=0.9, color="0.4", edgecolor="0.2", linewidth=0.5)
        one.axhline(0, color="0.3", linewidth=0.6)
        one.set_ylim(-1.1, 1.1)
        one.set_yticks([-1, 0, 1])
        write_below(one, text, len(text))
        one.set_title(title, fontsize=9)
        one.set_ylabel("state", fontsize=8)
    plt.show()


def write_below(axes: Axes, text: Sequence[str], width: int) -> None:
    """Set the characters of a text below an axis of `width` places, a character to a place."""
    axes.set_xlim(-0.8, width - 0.2)
    axes.set_xticks(range(len(text)), [visible(character) for character in text], fontsize=8, family="monospace")
    axes.tick_params(axis="x", length=0, pad=2)
    axes.tick_params(axis="y", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


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
