"""Drawings of recurrent cells, made by code: wires, gates and the ways that a gradient takes back through them.

They are shown as vectors, sharp at any size. Forward wires are solid, backward ones dashed; numbers and letters stand
where a reader has to count paths. A dot is a junction; wires that cross without one do not touch.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

Point = tuple[float, float]
PLAIN, GREY = "0.15", "0.62"
WIDEST = 600  # points: JupyterLab scales no SVG and cuts off what is wider than the page


def show_vector(figure: Figure) -> None:
    """Show a drawing in a notebook as SVG and as PNG, of which a page takes what it can.

    The same drawing gives the same bytes. Where a notebook draws no pictures, as under grading, or where there is no
    notebook, this is plt.show().
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    data, metadata = shell.display_formatter.format(figure) if shell is not None else ({}, {})
    if shell is None or "image/png" not in data:
        plt.show()
        return
    vectors = io.StringIO()
    with plt.rc_context({"svg.hashsalt": "course"}):
        figure.savefig(vectors, format="svg", bbox_inches="tight", metadata={"Date": None})
    svg = re.sub(r'width="([\d.]+)pt" height="([\d.]+)pt"', _fitting, vectors.getvalue(), count=1)
    shell.display_pub.publish(data | {"image/svg+xml": svg}, metadata)
    plt.close(figure)


def _fitting(size: re.Match[str]) -> str:
    """Width and height of an SVG, scaled to WIDEST where it is wider."""
    width, height = float(size[1]), float(size[2])
    scale = min(1.0, WIDEST / width)
    return f'width="{scale * width:g}pt" height="{scale * height:g}pt"'


def draw_gru(gradients: bool = False) -> None:
    """One step of a GRU with the reset before the matrix product; with `gradients` the way back through it.

    The way back carries numbers 1 to 4 where a gradient reaches the old state h, and letters a to c where it reaches x.
    """
    figure, axes = plt.subplots(figsize=(8, 3.9), layout="constrained")
    wires = _gru_wires()
    for points, arrow in wires:
        _wire(axes, points, arrow=arrow and not gradients, color=GREY if gradients else PLAIN)
    if gradients:
        for points, arrow in wires:
            _wire(axes, [(x, y) for x, y in reversed(points)], arrow=arrow, dashed=True)
    for place in [(0.7, 4.0), (2.2, 2.8), (2.0, 1.0), (4.2, 1.0), (2.45, 0.3), (4.65, 0.3)]:
        axes.add_patch(Circle(place, 0.055, color=PLAIN, zorder=4))
    for x, label in [(2.2, "$\\sigma$"), (4.4, "$\\sigma$"), (7.2, "tanh")]:
        _box(axes, (x, 1.7), label)
    for place, label in [((2.2, 4), "×"), ((7.2, 2.8), "×"), ((5.8, 1.7), "×"), ((7.2, 4), "+"), ((4.6, 2.8), "1−")]:
        _node(axes, place, label)
    for place, label in [
        ((-0.15, 4.0), "$h$"),
        ((-0.15, 0.3), "$x$"),
        ((9.15, 4.0), "$h'$"),
        ((2.42, 2.35), "$z$"),
        ((5.08, 1.95), "$r$"),
        ((7.42, 2.25), "$g$"),
        ((6.3, 1.95), "$r\\odot h$"),
        ((4.7, 4.22), "$z\\odot h$"),
        ((5.85, 3.02), "$1-z$"),
        ((7.85, 3.4), "$(1-z)\\odot g$"),
    ]:
        axes.text(*place, label, ha="center", va="center", fontsize=12)
    if gradients:
        axes.text(8.45, 4.25, "$\\partial L/\\partial h'$", ha="center", va="center", fontsize=12)
        for place, label in [((1.45, 4.0), "1"), ((1.78, 1.22), "2"), ((3.98, 1.22), "3"), ((5.58, 1.22), "4")]:
            _badge(axes, place, label)
        for place, label in [((2.67, 0.62), "a"), ((4.87, 0.62), "b"), ((7.42, 0.62), "c")]:
            _badge(axes, place, label)
    axes.set(xlim=(-0.5, 9.5), ylim=(0.0, 4.6), aspect="equal")
    axes.axis("off")
    show_vector(figure)


def draw_unrolled(steps: int = 4) -> None:
    """A recurrent cell over several steps with a loss at each, and the two sets of ways back from the losses.

    Dashed: every way that the gradient of the summed loss takes. Thick: the part that is left when only the last
    step's loss is looked at and the state before it is held fixed. Raises ValueError for fewer than two steps.
    """
    if steps < 2:
        raise ValueError(f"the drawing needs at least two steps, got {steps}")
    figure, axes = plt.subplots(figsize=(1.7 * steps + 1.6, 2.9), layout="constrained")
    axes.text(0.0, 1.0, "$h_0$", ha="center", va="center", fontsize=12)
    for step in range(1, steps + 1):
        x, last = 2.0 * step - 0.6, step == steps
        _box(axes, (x, 1.0), "GRU", width=0.9)
        axes.text(x, 0.0, f"$x_{step}$", ha="center", va="center", fontsize=12)
        axes.text(x, 2.15, f"$L_{step}$", ha="center", va="center", fontsize=12)
        _wire(axes, [(x - 0.12, 0.2), (x - 0.12, 0.66)])
        _wire(axes, [(x - 0.12, 1.34), (x - 0.12, 1.95)])
        _wire(axes, [(x - 1.52 if step > 1 else 0.2, 1.1), (x - 0.5, 1.1)])
        axes.text(x - 0.9, 1.3, f"$h_{step - 1}$" if step > 1 else "", ha="center", va="center", fontsize=11)
        _wire(axes, [(x + 0.12, 1.95), (x + 0.12, 1.34)], dashed=not last, width=3.2 if last else 1.3)
        if step > 1:
            _wire(axes, [(x - 0.5, 0.88), (x - 1.5, 0.88)], dashed=True)
    axes.set(xlim=(-0.4, 2.0 * steps + 0.2), ylim=(-0.2, 2.4), aspect="equal")
    axes.axis("off")
    show_vector(figure)


def draw_truncated(segments: int = 3, steps: int = 3) -> None:
    """Truncated back-propagation through time: the state runs on through every cut, the gradient stops at it.

    Each segment of a text has a loss of its own. Solid wires are the way forwards, dashed ones the way back.
    Raises ValueError for fewer than two segments or no steps.
    """
    if segments < 2 or steps < 1:
        raise ValueError(f"the drawing needs at least two segments and one step, got {segments} and {steps}")
    width = 1.5 * segments * steps + 0.9 * segments
    figure, axes = plt.subplots(figsize=(0.64 * width, 2.5), layout="constrained")
    axes.text(0.0, 1.1, "$h_0$", ha="center", va="center", fontsize=12)
    right = 0.2  # where the state of the step before comes from
    for segment in range(segments):
        first = 1.2 + segment * (1.5 * steps + 0.9)
        cut = first - 1.2  # in the middle between two segments
        _box(axes, (first + 0.75 * (steps - 1), 2.35), f"loss of segment {segment + 1}", width=1.5 * steps - 0.5)
        for step in range(steps):
            x, number = first + 1.5 * step, segment * steps + step + 1
            _box(axes, (x, 1.0), "RNN", width=0.9)
            axes.text(x, 0.0, f"$x_{{{number}}}$", ha="center", va="center", fontsize=12)
            _wire(axes, [(x, 0.2), (x, 0.66)])
            _wire(axes, [(x - 0.12, 1.34), (x - 0.12, 2.01)])
            _wire(axes, [(x + 0.12, 2.01), (x + 0.12, 1.34)], dashed=True)
            _wire(axes, [(right, 1.1), (x - 0.48, 1.1)])
            if step:
                _wire(axes, [(x - 0.48, 0.88), (right, 0.88)], dashed=True)
            if number > 1:
                place = (right + x - 0.48) / 2 + (0.45 if not step else 0.0)  # beside the cut, not on it
                axes.text(place, 1.33, f"$h_{{{number - 1}}}$", ha="center", va="center", fontsize=11)
            right = x + 0.48
        if segment:
            _wire(axes, [(first - 0.48, 0.88), (cut + 0.08, 0.88)], dashed=True)
            axes.plot([cut, cut], [-0.2, 2.7], color=PLAIN, linewidth=1.3, linestyle=":")
            axes.plot([cut, cut], [0.74, 1.02], color=PLAIN, linewidth=4, solid_capstyle="butt")
            axes.text(cut, -0.4, "repackage_hidden", ha="center", va="center", fontsize=9, family="monospace")
    axes.set(xlim=(-0.3, right + 0.2), ylim=(-0.6, 2.75), aspect="equal")
    axes.axis("off")
    show_vector(figure)


def _gru_wires() -> list[tuple[list[Point], bool]]:
    """Every wire of the GRU as its corners in the forward direction, and whether it ends in an arrow."""
    return [
        ([(0.05, 4.0), (1.98, 4.0)], True),  # h to z * h
        ([(2.42, 4.0), (6.98, 4.0)], True),  # z * h to the sum
        ([(7.42, 4.0), (8.9, 4.0)], True),  # the sum to h'
        ([(0.7, 4.0), (0.7, 1.0), (5.8, 1.0), (5.8, 1.48)], True),  # h to r * h
        ([(2.0, 1.0), (2.0, 1.38)], True),  # h into z
        ([(4.2, 1.0), (4.2, 1.38)], True),  # h into r
        ([(0.05, 0.3), (7.2, 0.3), (7.2, 1.38)], True),  # x into g
        ([(2.45, 0.3), (2.45, 1.38)], True),  # x into z
        ([(4.65, 0.3), (4.65, 1.38)], True),  # x into r
        ([(2.2, 2.02), (2.2, 3.78)], True),  # z to z * h
        ([(2.2, 2.8), (4.38, 2.8)], True),  # z to 1 - z
        ([(4.82, 2.8), (6.98, 2.8)], True),  # 1 - z to (1 - z) * g
        ([(4.85, 1.7), (5.58, 1.7)], True),  # r to r * h
        ([(6.02, 1.7), (6.75, 1.7)], True),  # r * h into g
        ([(7.2, 2.02), (7.2, 2.58)], True),  # g to (1 - z) * g
        ([(7.2, 3.02), (7.2, 3.78)], True),  # (1 - z) * g to the sum
    ]


def _wire(
    axes: Axes,
    points: Sequence[Point],
    *,
    arrow: bool = True,
    dashed: bool = False,
    color: str = PLAIN,
    width: float = 1.3,
) -> None:
    """A line through corners, with an arrow head at its end where asked."""
    x, y = zip(*points, strict=True)
    axes.plot(x, y, color=color, linewidth=width, linestyle=(0, (4, 2)) if dashed else "-", zorder=2)
    if arrow:
        style = {"arrowstyle": "-|>", "color": color, "linewidth": width, "shrinkA": 0, "shrinkB": 0}
        length = ((x[-1] - x[-2]) ** 2 + (y[-1] - y[-2]) ** 2) ** 0.5
        start = (x[-1] - 0.05 * (x[-1] - x[-2]) / length, y[-1] - 0.05 * (y[-1] - y[-2]) / length)
        axes.annotate("", points[-1], start, arrowprops=style, zorder=3)


def _box(axes: Axes, center: Point, label: str, width: float = 0.8) -> None:
    x, y = center
    shape = FancyBboxPatch(
        (x - width / 2 + 0.05, y - 0.25),
        width - 0.1,
        0.5,
        boxstyle="round,pad=0.06",
        facecolor="0.93",
        edgecolor=PLAIN,
        zorder=3,
    )
    axes.add_patch(shape)
    axes.text(x, y, label, ha="center", va="center", fontsize=12, zorder=4)


def _node(axes: Axes, center: Point, label: str) -> None:
    axes.add_patch(Circle(center, 0.21, facecolor="white", edgecolor=PLAIN, linewidth=1.3, zorder=3))
    axes.text(*center, label, ha="center", va="center", fontsize=11, zorder=4)


def _badge(axes: Axes, center: Point, label: str) -> None:
    axes.add_patch(Circle(center, 0.15, facecolor=PLAIN, edgecolor=PLAIN, zorder=5))
    axes.text(*center, label, color="white", ha="center", va="center", fontsize=9, fontweight="bold", zorder=6)
