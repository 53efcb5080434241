"""What hw5 measures and draws: memory kept for the way back, clipped gradients, embeddings, temperatures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator
from torch import nn

from utils import toy
from utils.plots import curves, plain_log_ticks

# The course's own run on the Penn Treebank by the recipe of hw5's full profile, perplexities by epoch: results/.
# fmt: off
PTB_TRAIN = [
    347.9, 166.7, 132.7, 116.2, 106.5, 100.2, 95.6, 92.2, 89.5, 87.4, 85.6, 84.1, 82.8, 81.7, 80.6, 79.9,
    70.3, 66.6, 64.9, 63.6, 62.7, 62.0, 61.3, 60.6, 60.1, 59.5, 57.7, 56.9, 56.6, 56.3, 56.2, 55.9,
    55.7, 55.5, 55.1, 54.9, 54.8, 54.8, 54.7, 54.7,
]
PTB_VALIDATION = [
    194.3, 149.0, 131.5, 123.0, 117.6, 114.2, 111.4, 110.3, 109.3, 108.7, 107.7, 106.8, 106.7, 106.0, 105.6, 105.8,
    98.0, 96.9, 96.1, 95.8, 95.3, 95.1, 95.0, 94.5, 94.2, 94.3, 93.0, 92.9, 92.8, 92.6, 92.6, 92.5,
    92.4, 92.5, 92.1, 92.0, 92.0, 91.9, 91.9, 91.9,
]
# fmt: on
MARKERS = {"person": "o", "animal": "^", "thing": "s"}
COLOURS = {"person": "C0", "animal": "C1", "thing": "C2"}


class _Held:
    """A tensor that autograd keeps for the way back; it leaves the total when it is freed."""

    total = 0

    def __init__(self, tensor: torch.Tensor):
        self.tensor = tensor
        _Held.total += tensor.nbytes

    def __del__(self) -> None:
        _Held.total -= self.tensor.nbytes


def megabytes_held() -> float:
    """Megabytes of the tensors that were made under `counted` and that autograd still keeps for a backward pass."""
    return _Held.total / 1e6


@contextmanager
def counted() -> Iterator[None]:
    """Count what autograd saves in this block, for `megabytes_held` (torch.autograd.graph.saved_tensors_hooks)."""
    with torch.autograd.graph.saved_tensors_hooks(_Held, lambda held: held.tensor):
        yield


@contextmanager
def noted_norms(model: nn.Module) -> Iterator[list[float]]:
    """A list to which each backward pass in this block adds the norm of all gradients, before anything clips them."""
    norms: list[float] = []
    squares: dict[int, float] = {}
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def note(parameter: torch.Tensor) -> None:
        assert parameter.grad is not None
        squares[id(parameter)] = float(parameter.grad.double().pow(2).sum())
        if len(squares) == len(parameters):
            norms.append(math.sqrt(sum(squares.values())))
            squares.clear()

    handles = [parameter.register_post_accumulate_grad_hook(note) for parameter in parameters]
    try:
        yield norms
    finally:
        for handle in handles:
            handle.remove()


def clipped_runs(
    losses: Mapping[str, Sequence[Sequence[float]]],
    norms: Mapping[str, Sequence[Sequence[float]]],
    *,
    bound: float,
    level: tuple[str, float],
) -> None:
    """Loss and gradient norm by segment, side by side on logarithmic axes; each way of clipping has a line per seed.

    bound: of the norm, a horizontal line on the right. level: name and value of a loss to compare with, on the left.
    """
    _, (left, right) = plt.subplots(1, 2, figsize=(8, 3.7), layout="constrained")
    for axes, series in ((left, losses), (right, norms)):
        for (name, runs), line, marker in zip(series.items(), ("-", "--", ":"), ("o", "s", "^"), strict=False):
            for seed, values in enumerate(runs):
                steps = np.arange(1, len(values) + 1)
                every = (3 * seed, max(1, len(values) // 4))
                label = name if not seed else None
                axes.plot(steps, values, line, marker=marker, markevery=every, markersize=4, linewidth=1, label=label)
                axes.lines[-1].set_color({"-": "C3", "--": "C0", ":": "C2"}[line])
        axes.set_yscale("log")
        plain_log_ticks(axes)
        axes.grid(alpha=0.3)
        axes.set(xlabel="segment")
    for axes, name, value in ((left, level[0], level[1]), (right, f"bound {bound:g}", bound)):
        axes.axhline(value, color="0.3", linewidth=0.8)
        axes.annotate(name.replace(" ", "\n"), (1, value), xycoords=("axes fraction", "data"), xytext=(4, 0),
                      textcoords="offset points", va="center", fontsize=8, annotation_clip=False)  # fmt: skip
    left.set(ylabel="loss (nats per token)")
    right.set(ylabel="norm of the gradients, before clipping")
    handles, labels = left.get_legend_handles_labels()
    left.figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)
    plt.show()


def word_kinds() -> dict[str, str]:
    """Words of the toy language -> their kind, such as "Noun(animal,many)": those of one kind that others share.

    29 kinds, which tell class and number apart; 120 words.
    """
    kinds: dict[str, list[str]] = {}
    for kind, entries in toy.ENGLISH.lexicon.items():
        for _, word in entries:
            kinds.setdefault(word, []).append(kind)
    single = {word: of[0] for word, of in kinds.items() if len(of) == 1}
    sizes = Counter(single.values())
    return {word: kind for word, kind in single.items() if sizes[kind] > 1}


def _cosines(vectors: np.ndarray) -> np.ndarray:
    """Cosine of the angle between every two rows; -inf on the diagonal, for no word is its own neighbour."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    table = unit @ unit.T
    np.fill_diagonal(table, -np.inf)
    return table


def neighbours(vectors: np.ndarray, vocabulary: Mapping[str, int], word: str, count: int = 5) -> list[str]:
    """The words whose vectors point most nearly into the direction of this word's, the nearest first.

    vectors: (vocab, size), a row per id.
    """
    words = list(vocabulary)
    order = np.argsort(-_cosines(vectors)[vocabulary[word]], kind="stable")
    return [words[place] for place in order[:count]]


def same_kind(vectors: np.ndarray, vocabulary: Mapping[str, int]) -> float:
    """Share of the toy language's words whose nearest neighbour is a word of the same kind (`word_kinds`)."""
    kinds = word_kinds()
    words = list(kinds)
    nearest = _cosines(vectors[[vocabulary[word] for word in words]]).argmax(axis=1)
    return float(np.mean([kinds[words[other]] == kinds[word] for word, other in zip(words, nearest, strict=True)]))


def embedding_map(vectors: np.ndarray, vocabulary: Mapping[str, int]) -> None:
    """The toy language's nouns and verbs, each in the two main directions of their vectors.

    Classes differ by marker, one and many by filled and empty. Principal components by numpy's SVD.
    """
    kinds = word_kinds()
    _, panels = plt.subplots(1, 2, figsize=(8.4, 4.6), layout="constrained")
    for axes, title, starts in ((panels[0], "nouns", ("Noun",)), (panels[1], "verbs", ("Intransitive", "Transitive"))):
        words = [word for word, kind in kinds.items() if kind.split("(")[0] in starts]
        rows = vectors[[vocabulary[word] for word in words]]
        rows = rows - rows.mean(axis=0)
        main = np.linalg.svd(rows, full_matrices=False)[2][:2]
        named: set[str] = set()
        for word, (x, y) in zip(words, rows @ main.T, strict=True):
            features = kinds[word].split("(")[1].rstrip(")").split(",")
            subject, number = features[0], features[-1]
            label = f"{subject}, {number}"
            axes.plot(
                x,
                y,
                MARKERS[subject],
                markersize=5,
                markeredgecolor="0.2",
                color=COLOURS[subject],
                fillstyle="full" if number == "one" else "none",
                label=None if label in named else label,
            )
            named.add(label)
        axes.set(title=title, xlabel="first direction", ylabel="second direction")
        axes.grid(alpha=0.3)
    handles, labels = panels[1].get_legend_handles_labels()
    panels[0].figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)
    plt.show()


def logits_after(model: nn.Module, ids: torch.Tensor) -> np.ndarray:
    """The model's scores for the word that follows a text, read in evaluation mode. ids: (tokens,) -> (vocab,)."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        logits, _ = model(ids.view(-1, 1), model.init_hidden(1))  # type: ignore[operator]
    model.train(was_training)
    return logits[-1, 0].cpu().numpy()


def next_words(axes: Axes, logits: np.ndarray, words: Sequence[str], temperature: float, count: int = 8) -> None:
    """Bars of the most probable next words at a temperature. logits: (vocab,)."""
    scores = logits / temperature
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    best = np.argsort(-logits, kind="stable")[:count]
    axes.barh(range(count), shares[best], color="0.7", edgecolor="0.2")
    for place, index in enumerate(best):
        axes.annotate(f"{shares[index]:.2f}", (shares[index], place), xytext=(3, 0), textcoords="offset points",
                      va="center", fontsize=8)  # fmt: skip
    axes.set_yticks(range(count), [words[index] for index in best], fontsize=8)
    axes.invert_yaxis()
    cold = 1 / np.exp((logits - logits.max()) / 0.25).sum()  # the largest share at 0.25; one axis for all temperatures
    axes.set(xlim=(0, max(0.5, 1.2 * cold)), xlabel="probability", title=f"T = {temperature:g}")


def verbs_by_number(logits: np.ndarray, words: Sequence[str], temperature: float) -> tuple[float, float]:
    """Probability of all verbs for a subject in the singular and of all for one in the plural. logits: (vocab,)."""
    scores = logits / temperature
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    sums = {"one": 0.0, "many": 0.0}
    kinds = word_kinds()
    for word, share in zip(words, shares, strict=True):
        kind = kinds.get(word, "")
        if kind.startswith(("Intransitive", "Transitive")):
            sums[kind.rstrip(")").split(",")[-1]] += float(share)
    return sums["one"], sums["many"]


def sentences_by_temperature(texts: Mapping[float, Sequence[str]]) -> dict[float, tuple[float, float]]:
    """Share of grammatical sentences and mean length of each temperature's sentences, drawn and returned."""
    rows = {}
    for temperature, lines in texts.items():
        right = [toy.log_probability(line) > -math.inf for line in lines]
        rows[temperature] = (float(np.mean(right)), float(np.mean([len(line.split()) for line in lines])))
    _, (left, right_axes) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    temperatures = list(rows)
    curves({"share": (temperatures, [share for share, _ in rows.values()])}, x_label="temperature",
           y_label="share of grammatical sentences", axes=left)  # fmt: skip
    left.set_ylim(0, 1)
    curves({"length": (temperatures, [length for _, length in rows.values()])}, x_label="temperature",
           y_label="words per sentence", axes=right_axes)  # fmt: skip
    right_axes.set_ylim(0, 1.1 * max(length for _, length in rows.values()))
    plt.show()
    return rows


def run_curves(train: Sequence[float], validation: Sequence[float]) -> None:
    """Perplexities of a training run by epoch on a logarithmic axis, with the last ones as numbers."""
    _, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    curves({"train": list(train), "validation": list(validation)}, x_label="epoch", y_label="perplexity", log=True,
           axes=axes)  # fmt: skip
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    above = train[-1] > validation[-1]
    for values, up in ((train, above), (validation, not above)):
        axes.annotate(f"{values[-1]:.1f}", (len(values), values[-1]), xytext=(6, 5 if up else -5), va="center",
                      textcoords="offset points", fontsize=8)  # fmt: skip
    axes.margins(x=0.08)
    plt.show()


def ptb_run(own: Mapping[str, Sequence[float]] | None = None) -> None:
    """The course's own run on the Penn Treebank by epoch, with what n-grams reach, and a student's run beside it."""
    series = {"course, training": list(PTB_TRAIN), "course, validation": list(PTB_VALIDATION)} | dict(own or {})
    curves(series, x_label="epoch", y_label="perplexity", log=True,
           levels={"bigram, test": 186.5, "trigram, test": 154.3})  # fmt: skip
