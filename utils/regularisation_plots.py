"""Pictures of the notebook on dropout and batch normalisation: images, strips, accuracy, the computation graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from utils.diagrams import Point, show_vector


def image_row(images: Sequence[np.ndarray], titles: Sequence[str], title: str) -> None:
    """Small grey images side by side, white for 0 and black for 1 or more; each is (height, width)."""
    _, axes = plt.subplots(1, len(images), figsize=(0.95 * len(images), 1.5), layout="constrained", squeeze=False)
    for one, image, name in zip(axes[0], images, titles, strict=True):
        one.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        one.set_title(name, fontsize=8)
        one.set(xticks=[], yticks=[])
    if title:
        axes[0][0].figure.suptitle(title, fontsize=9)
    plt.show()


def draw_masks(factors: Mapping[str, np.ndarray]) -> None:
    """What masks multiply by, side by side: filled squares are pixels that stay, crossed ones are set to zero.

    factors: by title, arrays of one shape, (batch, channels, height, width).
    """
    batch, channels, height, width = next(iter(factors.values())).shape
    figure, panels = plt.subplots(
        1, len(factors), figsize=(8.2, 0.9 * batch + 0.7), layout="constrained", squeeze=False
    )
    for axes, (title, values) in zip(panels[0], factors.items(), strict=True):
        for place, factor in np.ndenumerate(values):
            x, y = place[1] * (width + 1) + place[3], place[0] * (height + 1) + place[2]
            face = "0.45" if factor else "white"
            axes.add_patch(Rectangle((x, y), 1, 1, facecolor=face, edgecolor="0.3", linewidth=0.6))
            if not factor:
                axes.plot([x + 0.25, x + 0.75], [y + 0.25, y + 0.75], color="0.3", linewidth=0.7)
                axes.plot([x + 0.25, x + 0.75], [y + 0.75, y + 0.25], color="0.3", linewidth=0.7)
        axes.set(xlim=(-0.1, channels * (width + 1) - 0.9), ylim=(batch * (height + 1) - 0.9, -0.1), aspect="equal")
        axes.set_xticks(np.arange(channels) * (width + 1) + width / 2, [f"channel {k}" for k in range(channels)])
        axes.set_yticks(np.arange(batch) * (height + 1) + height / 2, [f"example {k}" for k in range(batch)])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(title, fontsize=10)
    show_vector(figure)


def before_and_after(before: np.ndarray, after: np.ndarray) -> None:
    """Each feature's values as a strip of dots, before and after normalising; both are (batch, features)."""
    _, axes = plt.subplots(1, 2, figsize=(7, 2.6), layout="constrained")
    for one, values, title in zip(axes, (before, after), ("before", "after"), strict=True):
        for feature, marker in zip(range(values.shape[1]), "os^vDx", strict=False):
            heights = feature + np.linspace(-0.25, 0.25, len(values))
            one.plot(values[:, feature], heights, marker, markersize=3.5, alpha=0.7, color=str(0.15 * feature))
            one.plot([values[:, feature].mean()] * 2, [feature - 0.4, feature + 0.4], "-", color="black", linewidth=1.2)
        one.set(yticks=range(values.shape[1]), ylabel="feature", xlabel="value (bar: mean)", title=title)
        one.grid(alpha=0.3)
    plt.show()


def accuracy_panels(histories: Mapping[str, np.ndarray], *, line: float) -> None:
    """Accuracy in training and on the test images by epoch, and the share of wrong labels that are reproduced.

    histories: by title, rows of epoch and these three. A panel for each network, on one common scale. line: where to
    draw a thin line.
    """
    _, axes = plt.subplots(1, len(histories), figsize=(3.8 * len(histories), 3.2), sharey=True, layout="constrained")
    for one, (title, history) in zip(np.atleast_1d(axes), histories.items(), strict=True):
        for column, style, name in ((1, "-o", "training"), (2, "--s", "test"), (3, ":^", "wrong labels reproduced")):
            one.plot(history[:, 0], history[:, column], style, markersize=4, markevery=3, label=name)
        one.axhline(line, color="0.5", linewidth=0.8)
        one.set(xlabel="epoch", title=title, ylim=(0, 1.03))
        one.grid(alpha=0.3)
    first = np.atleast_1d(axes)[0]
    first.set_ylabel("share of the labels")
    first.figure.legend(*first.get_legend_handles_labels(), fontsize=8, ncols=3, loc="outside lower center")
    plt.show()


def spread(
    series: Mapping[str, Mapping[float, np.ndarray]],
    x_label: str,
    y_label: str,
    *,
    log: bool = False,
    axes: Axes | None = None,
) -> None:
    """Shares, such as accuracies, over a setting: means of the seeds, with bars from the lowest to the highest.

    series: by name, one result for each seed by setting. log: whether the setting's axis is logarithmic.
    axes: where to draw; without it a figure of its own is drawn and shown.
    """
    own = axes is None
    if axes is None:
        _, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for (name, results), style in zip(series.items(), ("-o", "--s", ":^"), strict=False):
        values = np.array(list(results.values()))
        middle = values.mean(axis=1)
        ends = [middle - values.min(axis=1), values.max(axis=1) - middle]
        axes.errorbar(list(results), middle, ends, fmt=style, markersize=4, capsize=3, linewidth=1.3, label=name)
    axes.set(xlabel=x_label, ylabel=y_label, ylim=(0, 1.03), xscale="log" if log else "linear")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    axes.label_outer()
    if own:
        plt.show()


def batch_norm_graph() -> None:
    """The computation graph of batch normalisation in training, with what flows back along each edge."""
    figure, axes = plt.subplots(figsize=(10, 4.2), layout="constrained")
    top, low = 2.4, 0.7
    nodes = {"x": (0, top), "y": (10.4, top), "gamma": (7.1, low), "beta": (8.9, low)}
    for name, words in (("x", "$x$"), ("y", "$y$"), ("gamma", r"$\gamma$"), ("beta", r"$\beta$")):
        _circle(axes, nodes[name], words, "white")
    minus, times, scale, plus = (2.0, top), (5.5, top), (7.1, top), (8.9, top)
    for place, sign in ((minus, "$-$"), (times, r"$\times$"), (scale, r"$\times$"), (plus, "$+$")):
        _circle(axes, place, sign, "0.88")
    mean, variance, root = (0.9, low), (3.2, low), (5.1, low)
    _box(axes, mean, "mean")
    _box(axes, variance, "mean of\nsquares")
    _box(axes, root, r"$1/\sqrt{v+\epsilon}$")
    right, up, radius = (0.0, 0.24), (0.16, 0.0), 0.24
    _edge(axes, (radius, top), (2 - radius, top), "$x$", right)
    _edge(axes, (2 + radius, top), (5.5 - radius, top), "$c$", right)
    _edge(axes, (5.5 + radius, top), (7.1 - radius, top), r"$\hat x$", right)
    _edge(axes, (7.1 + radius, top), (8.9 - radius, top), r"$\gamma\hat x$", right)
    _edge(axes, (8.9 + radius, top), (10.4 - radius, top), "$y$", right)
    _edge(axes, (0.12, top - 0.22), (0.75, low + 0.34), "", up)
    _edge(axes, (1.1, low + 0.34), (1.88, top - 0.22), r"$\mu$", up)
    _edge(axes, (2.2, top - 0.22), (3.05, low + 0.34), "$c$", (0.14, 0.06))
    _edge(axes, (3.68, low), (4.62, low), "$v$", right)
    _edge(axes, (5.15, low + 0.34), (5.43, top - 0.24), "$s$", up)
    _edge(axes, (7.1, low + 0.24), (7.1, top - 0.24), "", up)
    _edge(axes, (8.9, low + 0.24), (8.9, top - 0.24), "", up)
    back = {
        (9.65, top): "$dy$",
        (8.0, top): "$dy$",
        (6.3, top): r"$d\hat x=\gamma\,dy$",
        (3.75, top): r"$dc=s\,d\hat x$  (direct)",
        (1.1, top): "$dx=dc$  (direct)",
        (9.65, 1.86): r"$d\beta=\sum dy$",
        (8.0, 1.86): r"$d\gamma=\sum dy\,\hat x$",
    }
    for (across, height), words in back.items():
        _back(axes, (across, height - 0.36), words)
    _back(axes, (6.15, 1.42), r"$ds=\sum d\hat x\,c$")
    _back(axes, (4.12, 0.2), r"$dv=-\frac{1}{2}s^3\,ds$")
    _back(axes, (3.55, 1.42), r"$dc\;+\!=\frac{2}{n}\,c\,dv$")
    _back(axes, (2.05, 1.02), r"$d\mu=-\sum dc$")
    _back(axes, (0.0, 1.42), r"$dx\;+\!=\frac{1}{n}\,d\mu$")
    axes.set(xlim=(-0.8, 10.9), ylim=(-0.15, 3.0), aspect="equal")
    axes.set_title("solid: forward, with the value on the edge; dashed boxes: what comes back along it", fontsize=9)
    axes.axis("off")
    show_vector(figure)


def _circle(axes: Axes, center: Point, words: str, color: str) -> None:
    axes.add_patch(Circle(center, 0.24, facecolor=color, edgecolor="0.2"))
    axes.text(*center, words, ha="center", va="center", fontsize=11)


def _box(axes: Axes, center: Point, words: str) -> None:
    corner = (center[0] - 0.45, center[1] - 0.28)
    axes.add_patch(FancyBboxPatch(corner, 0.9, 0.56, boxstyle="round,pad=0.03", facecolor="0.95", edgecolor="0.2"))
    axes.text(*center, words, ha="center", va="center", fontsize=9)


def _edge(axes: Axes, start: Point, end: Point, words: str, offset: Point) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0})
    middle = ((start[0] + end[0]) / 2 + offset[0], (start[1] + end[1]) / 2 + offset[1])
    axes.text(*middle, words, ha="center", va="center", fontsize=10)


def _back(axes: Axes, center: Point, words: str) -> None:
    box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "0.4", "linestyle": "--", "linewidth": 0.8}
    axes.text(*center, words, ha="center", va="center", fontsize=8.5, bbox=box)
