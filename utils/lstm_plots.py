"""Drawings of the LSTM's notebook: the cell, the unrolled network with its shared weights, recall by distance, gates
over a text, batches of unequal length.

In the drawings of networks forward wires are solid and backward ones dashed; a dot is a junction, and wires that cross
without one do not touch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle

from utils.diagrams import GREY, PLAIN, Point, _box, _node, _wire, show_vector
from utils.plots import STYLES


def draw_lstm() -> None:
    """One step of an LSTM: the cell state along the top, the output along the bottom, three gates and a candidate."""
    figure, axes = plt.subplots(figsize=(8, 4.1), layout="constrained")
    wires: list[tuple[list[Point], bool]] = [
        ([(0.05, 4.0), (1.38, 4.0)], True),  # c to f * c
        ([(1.82, 4.0), (5.18, 4.0)], True),  # f * c to the sum
        ([(5.62, 4.0), (9.6, 4.0)], True),  # the sum to c'
        ([(0.05, 0.9), (7.0, 0.9), (7.0, 1.38)], True),  # h along the bottom, into o
        ([(0.05, 0.3), (7.4, 0.3), (7.4, 1.38)], True),  # x along the bottom, into o
        ([(1.6, 2.02), (1.6, 3.78)], True),  # f to f * c
        ([(3.5, 2.02), (3.5, 2.9), (5.18, 2.9)], True),  # i to i * g
        ([(5.4, 2.02), (5.4, 2.68)], True),  # g to i * g
        ([(5.4, 3.12), (5.4, 3.78)], True),  # i * g to the sum
        ([(8.5, 4.0), (8.5, 3.4)], True),  # c' to its tanh
        ([(8.5, 2.8), (8.5, 2.42)], True),  # tanh(c') to h'
        ([(7.2, 2.02), (7.2, 2.2), (8.28, 2.2)], True),  # o to h'
        ([(8.5, 1.98), (8.5, 0.9), (9.6, 0.9)], True),  # h' leaves along the bottom
    ]
    for center in (1.6, 3.5, 5.4):
        wires += [
            ([(center - 0.2, 0.9), (center - 0.2, 1.38)], True),
            ([(center + 0.2, 0.3), (center + 0.2, 1.38)], True),
        ]
        for junction in ((center - 0.2, 0.9), (center + 0.2, 0.3)):
            axes.add_patch(Circle(junction, 0.055, color=PLAIN, zorder=4))
    axes.add_patch(Circle((8.5, 4.0), 0.055, color=PLAIN, zorder=4))
    for points, arrow in wires:
        _wire(axes, points, arrow=arrow)
    for center, label in [(1.6, "$\\sigma$"), (3.5, "$\\sigma$"), (5.4, "tanh"), (7.2, "$\\sigma$")]:
        _box(axes, (center, 1.7), label)
    for place, label in [((1.6, 4), "×"), ((5.4, 2.9), "×"), ((5.4, 4), "+"), ((8.5, 2.2), "×")]:
        _node(axes, place, label)
    axes.add_patch(Circle((8.5, 3.1), 0.3, facecolor="white", edgecolor=PLAIN, linewidth=1.3, zorder=3))
    axes.text(8.5, 3.1, "tanh", ha="center", va="center", fontsize=9, zorder=4)
    for place, label in [
        ((-0.15, 4.0), "$c$"),
        ((-0.15, 0.9), "$h$"),
        ((-0.15, 0.3), "$x$"),
        ((9.85, 4.0), "$c'$"),
        ((9.85, 0.9), "$h'$"),
        ((1.82, 2.35), "$f$"),
        ((3.72, 2.35), "$i$"),
        ((5.62, 2.35), "$g$"),
        ((6.95, 2.35), "$o$"),
        ((3.5, 4.22), "$f\\odot c$"),
        ((5.95, 3.4), "$i\\odot g$"),
    ]:
        axes.text(*place, label, ha="center", va="center", fontsize=12)
    axes.set(xlim=(-0.5, 10.2), ylim=(0.0, 4.6), aspect="equal")
    axes.axis("off")
    show_vector(figure)


def draw_unrolled_lstm(steps: int = 4, *, gradients: bool = False) -> None:
    """An LSTM over several steps; one set of weights serves them all, by a wire of its own to each step.

    gradients: the one array W of them, and dashed wires that show what each use of it sends back; they meet at W.
    Raises ValueError for fewer than two steps.
    """
    if steps < 2:
        raise ValueError(f"the drawing needs at least two steps, got {steps}")
    figure, axes = plt.subplots(figsize=(1.8 * steps + 1.6, 3.9), layout="constrained")
    letter, meaning = ("W", "one array") if gradients else (r"\theta", "one set of weights")
    _box(axes, (0.1, 0.0), f"${letter}$", width=0.8)
    axes.text(0.1, -0.52, meaning, ha="center", va="center", fontsize=9)
    _wire(axes, [(0.5, 0.0), (2.2 * steps + 0.35, 0.0)], arrow=False, color=GREY if gradients else PLAIN)
    for name, height in (("c", 2.3), ("h", 2.0)):
        axes.text(0.35, height, f"${name}_0$", ha="center", va="center", fontsize=12)
    for step in range(1, steps + 1):
        x, start = 2.2 * step, 0.6 if step == 1 else 2.2 * step - 1.65
        _box(axes, (x, 2.15), "LSTM", width=1.1)
        for name, height in (("c", 2.3), ("h", 2.0)):
            _wire(axes, [(start, height), (x - 0.57, height)])
            if step > 1:
                label = f"${name}_{step - 1}$"
                axes.text(x - 1.12, height + (0.16 if name == "c" else -0.16), label, ha="center", va="center")
        axes.text(x - 0.2, 0.75, f"$x_{step}$", ha="center", va="center", fontsize=12)
        _wire(axes, [(x - 0.2, 0.95), (x - 0.2, 1.82)])
        _wire(axes, [(x, 2.48), (x, 3.1)])
        axes.text(x, 3.3, f"$h_{step}$", ha="center", va="center", fontsize=12)
        _wire(axes, [(x + 0.35, 0.0), (x + 0.35, 1.82)], color=GREY if gradients else PLAIN)
        axes.text(x + 0.7, 1.15, f"${letter}^{{({step})}}$", ha="center", va="center", fontsize=11)
        if step < steps:
            axes.add_patch(Circle((x + 0.35, 0.0), 0.055, color=GREY if gradients else PLAIN, zorder=4))
        if gradients:
            corners = [(x + 0.2, 1.82), (x + 0.2, -0.2)] + ([(0.56, -0.2)] if step == steps else [])
            _wire(axes, corners, arrow=step == steps, dashed=True)
            axes.text(x - 0.08, 0.28, f"$G_{step}$", ha="center", va="center", fontsize=11)
    for name, height in (("c", 2.3), ("h", 2.0)):
        _wire(axes, [(2.2 * steps + 0.55, height), (2.2 * steps + 1.13, height)])
        axes.text(2.2 * steps + 1.35, height, f"${name}_{steps}$", ha="center", va="center", fontsize=12)
    axes.set(xlim=(-0.7, 2.2 * steps + 1.6), ylim=(-0.75, 3.6), aspect="equal")
    axes.axis("off")
    show_vector(figure)


def draw_padding(padded: np.ndarray, lengths: Sequence[int], shown: Mapping[int, str] | None = None) -> None:
    """A batch as a table, a row per sequence and a column per step: what was filled in is hatched, the last real
    entry of each sequence has a thick frame.

    padded: (steps, batch) whole numbers. lengths: (batch,). shown: text by number, for numbers that stand for letters.
    """
    steps, batch = padded.shape
    figure, axes = plt.subplots(figsize=(0.55 * steps + 1.6, 0.42 * batch + 0.9), layout="constrained")
    for row in range(batch):
        for step in range(steps):
            real = step < lengths[row]
            _cell(axes, (step, row), real, (shown or {}).get(int(padded[step, row]), str(padded[step, row])))
        if lengths[row]:
            axes.add_patch(
                Rectangle((lengths[row] - 1, row), 1, 1, fill=False, edgecolor="0.1", linewidth=2.6, zorder=3)
            )
    axes.set(xlim=(-0.05, steps + 0.05), ylim=(batch + 0.05, -0.05), xlabel="step", ylabel="sequence", aspect="equal")
    axes.set_xticks(np.arange(steps) + 0.5, np.arange(1, steps + 1))
    axes.set_yticks(np.arange(batch) + 0.5, np.arange(batch))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    show_vector(figure)


def draw_three_ways(lengths: Sequence[int]) -> None:
    """What is computed for sequences of the given lengths one by one, padded with a mask, and packed.

    Each cell is one row of one step. Numbers under a column are the rows per call: on how many rows that
    call of the step works. Packing sorts the sequences by length.
    """
    steps, batch, total = max(lengths), len(lengths), sum(lengths)
    figure, panels = plt.subplots(1, 3, figsize=(8.2, 0.36 * batch + 1.5), layout="constrained")
    order = sorted(range(batch), key=lambda row: -lengths[row])
    for axes, rows, title in (
        (panels[0], range(batch), f"one by one: {total} calls of 1 row"),
        (panels[1], range(batch), f"padded: {steps} calls, {steps * batch} rows"),
        (panels[2], order, f"packed: {steps} calls, {total} rows"),
    ):
        one_by_one, padded = axes is panels[0], axes is panels[1]
        for place, row in enumerate(rows):
            gap = 0.25 * place if one_by_one else 0.0
            for step in range(steps if padded else lengths[row]):
                _cell(axes, (step, place + gap), step < lengths[row], "")
            axes.text(-0.25, place + gap + 0.5, str(row), ha="right", va="center", fontsize=9)
        for step in range(0 if one_by_one else steps):
            count = batch if padded else sum(length > step for length in lengths)
            axes.text(step + 0.5, batch + 0.35, str(count), ha="center", va="center", fontsize=9)
        if not one_by_one:
            axes.text(steps / 2, batch + 0.85, "rows per call", ha="center", va="center", fontsize=9)
        axes.set(xlim=(-0.9, steps + 0.1), ylim=(batch + 1.2, -0.1), xlabel="step")
        axes.set_title(title, fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
    panels[0].set_ylabel("sequence")
    show_vector(figure)


def draw_recall(accuracy: Mapping[str, Sequence[Sequence[float]]], distances: Sequence[int], guessing: float) -> None:
    """Accuracy by distance on a logarithmic axis: a line through the means over seeds, a small mark for each seed.

    accuracy: by network, for each distance the accuracies of its seeds. guessing: the accuracy of a guess.
    """
    _, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
    for place, (name, values) in enumerate(accuracy.items()):
        line, marker = STYLES[place % len(STYLES)]
        # a little aside, so that the marks of two networks do not cover each other
        shift = 1 + 0.05 * (place - (len(accuracy) - 1) / 2)
        x = shift * np.asarray(distances, dtype=float)
        means = [np.mean(seeds) for seeds in values]
        axes.plot(x, means, line, color="0.15", marker=marker, markersize=8, fillstyle="none", label=name)
        for at, seeds in zip(x, values, strict=True):
            axes.plot([at] * len(seeds), seeds, marker, color="0.5", markersize=3.5, linestyle="none", zorder=1)
    axes.axhline(guessing, color="0.4", linestyle=":", linewidth=1.5)
    axes.annotate(
        f"guessing {guessing:.3g}", (0.01, guessing), xycoords=("axes fraction", "data"), va="bottom", fontsize=8
    )
    axes.set(xscale="log", xlabel="distance $T$ (steps of noise)", ylabel="accuracy on new sequences", ylim=(0, 1.05))
    axes.set_xticks(distances, [str(distance) for distance in distances])
    axes.minorticks_off()
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    plt.show()


def stretch_with_quotation(words: Sequence[str], length: int) -> int:
    """Where a stretch of `length` words starts that begins with a sentence and has one whole quotation in its middle.

    Raises ValueError where the text has none.
    """
    for start in range(1, len(words) - length):
        marks = [place for place in range(length) if words[start + place] == '"']
        if words[start - 1] != "<eos>" or len(marks) != 2:
            continue
        if marks[0] >= 8 and marks[0] + 7 <= marks[1] <= length - 6:
            return start
    raise ValueError(f"no stretch of {length} words holds one whole quotation of six words or more")


def draw_gates(words: Sequence[str], forget: np.ndarray, cells: np.ndarray, opened: np.ndarray, unit: int) -> None:
    """Forget gates over a text as a heat map, and the cell state of one unit below it.

    forget, cells: (words, units). opened: (words,), whether a quotation is open. unit: the one that is shown, which an
    arrow marks in the map. Rows are sorted by the mean of the gate over the text, the one open widest at the top.
    """
    inside = np.asarray(opened, dtype=bool)
    order = np.argsort(-forget.mean(axis=0))
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(7.4, 5.6), height_ratios=(2.2, 1), sharex=True, layout="constrained"
    )
    image = top.imshow(forget[:, order].T, cmap="gray", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    top.set_yticks(range(len(order)), [f"unit {n}  →" if n == unit else str(n) for n in order], fontsize=8)
    top.set_ylabel("unit")
    figure.colorbar(image, ax=top, label="forget gate (white: open)", pad=0.01)
    bottom.plot(cells[:, unit], "-o", color="0.1", markersize=4)
    bottom.axhline(0, color="0.6", linewidth=0.8)
    bottom.set(ylabel=f"cell state, unit {unit}")
    places = np.flatnonzero(inside)
    for axes in (top, bottom):
        for edge in (places[0] - 0.5, places[-1] + 0.5):
            axes.axvline(edge, color="0.1" if axes is bottom else "white", linestyle="--", linewidth=1.2)
    top.annotate("", (places[0] - 0.5, 1.04), (places[-1] + 0.5, 1.04), **_above(arrow=True))
    top.annotate("quotation open", (places.mean(), 1.06), **_above(arrow=False))
    bottom.set_xticks(range(len(words)), words, rotation=90, fontsize=9)
    for label in bottom.get_xticklabels():  # a comma that lies on its side cannot be read
        if not any(letter.isalnum() for letter in label.get_text()):
            label.set(rotation=0, fontsize=13, fontweight="bold")
    plt.show()


def _above(*, arrow: bool) -> dict[str, Any]:
    """How an annotation stands above a picture: across in the data's units, up in the picture's own."""
    place = {"xycoords": ("data", "axes fraction"), "annotation_clip": False}
    if arrow:
        return place | {"textcoords": place["xycoords"], "arrowprops": {"arrowstyle": "|-|,widthA=0.3,widthB=0.3"}}
    return place | {"ha": "center", "va": "bottom", "fontsize": 9}


def _cell(axes: Axes, corner: Point, real: bool, text: str) -> None:
    x, y = corner
    face, hatch = ("0.9", None) if real else ("white", "////")
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=face, hatch=hatch, edgecolor="0.45", linewidth=0.8, zorder=1))
    if text:
        label = axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=10, zorder=4)
        if not real:
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.8})
