"""Which submissions are alike, and in which passages: winnowing over the tokens of their solution cells. No verdict.

Source: Schleimer, Wilkerson, Aiken 2003, Winnowing: local algorithms for document fingerprinting, the method of MOSS.
A cell becomes a sequence of normalised tokens, each K of them in a row (a k-gram) a hash; of every WINDOW k-grams in a
row the smallest hash is kept as a fingerprint. Code that the course gave, or that many have, is set aside *before* that
choice. So a shared run of WINDOW + K - 1 tokens with at least one k-gram that was not set aside always shares a
fingerprint, and what is shorter than K tokens never does.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import combinations, product

from autograder.similarity.tokens import tokens

K, WINDOW = 10, 4  # measured, as is RESERVE: docs/similarity.md
RESERVE = 20
FREQUENT, FEW = 0.1, 5  # set aside is what more than a tenth of the class has, and more than five of them
PLACES = 8  # of one fingerprint in one submission where passages are searched; a cell may repeat one line for ever
Grams = Sequence[int]
Sources = Mapping[str, Mapping[str, str]]  # by student and cell id


@dataclass(eq=False)
class Text:
    """A cell as it is compared: the line of each of its normalised tokens (from 1), and the hashes of its k-grams."""

    source: str
    lines: list[int]
    grams: list[int]


@dataclass(eq=False)
class Work:
    """A student's cells by id, and where each fingerprint stands: cell id and position in its k-grams."""

    student: str
    texts: dict[str, Text]
    fingerprints: dict[int, list[tuple[str, int]]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two submissions, how many fingerprints both have, and the k-grams that were set aside."""

    works: tuple[Work, Work]
    common: int
    aside: frozenset[int]

    @property
    def shares(self) -> tuple[float, float]:
        """The part of the first one's fingerprints that the second has too, and the other way round."""
        return self.common / len(self.works[0].fingerprints), self.common / len(self.works[1].fingerprints)

    @property
    def likeness(self) -> float:
        """The measure that ranks pairs: the mean of the two shares, as if each work had RESERVE fingerprints more.

        Without these, two works of three fingerprints would stand above two that share ninety of a hundred.
        """
        return sum(self.common / (len(work.fingerprints) + RESERVE) for work in self.works) / 2


@dataclass(frozen=True)
class Passage:
    """A run of k-grams that two works have in common: in each its cell, and from which line to which."""

    cells: tuple[str, str]
    lines: tuple[tuple[int, int], tuple[int, int]]


def k_grams(symbols: Sequence[str]) -> list[int]:
    """A 64-bit hash of each K tokens in a row, the same in every run."""
    runs = ("\0".join(symbols[i : i + K]) for i in range(len(symbols) - K + 1))
    return [int.from_bytes(blake2b(run.encode(errors="surrogatepass"), digest_size=8).digest(), "big") for run in runs]


def winnow(grams: Grams, aside: Collection[int] = ()) -> list[int]:
    """Positions of the fingerprints: of each WINDOW k-grams in a row the smallest hash that is not set aside.

    Of equal ones the rightmost. A text of fewer k-grams than a window is one window.
    """
    chosen = set()
    for start in range(max(len(grams) - WINDOW + 1, min(1, len(grams)))):
        candidates = [(grams[i], -i) for i in range(start, min(start + WINDOW, len(grams))) if grams[i] not in aside]
        if candidates:
            chosen.add(-min(candidates)[1])
    return sorted(chosen)


def read_text(source: str, given: Collection[str] = ()) -> Text:
    """A cell, ready to be compared."""
    normalised = tokens(source, given)
    return Text(source, [line for _, line in normalised], k_grams([symbol for symbol, _ in normalised]))


def alike(
    works: Sources, course: Iterable[str] = (), given: Collection[str] = (), earlier: Sources | None = None
) -> list[Pair]:
    """Pairs of works that share fingerprints, the most alike first.

    works: sources by student and cell id. course: texts whose k-grams are no evidence, since everybody may have them.
    given: names that students cannot choose (`given_names`). earlier: works of another class; with them the
    pairs are of one work of each class, and what many of either have is no evidence.
    """
    classes = [[_read(name, cells, given) for name, cells in part.items()] for part in (works, earlier or {})]
    aside = {gram for read in classes for gram in _frequent(read)}
    for source in course:
        aside.update(read_text(source, given).grams)
    gone, index = frozenset(aside), [_index(read, aside) for read in classes]
    common: Counter[tuple[int, int]] = Counter()
    for gram, numbers in index[0].items():
        common.update(product(numbers, index[1].get(gram, ())) if earlier else combinations(numbers, 2))
    own, others = classes[0], classes[1] if earlier else classes[0]
    pairs = [Pair((own[i], others[j]), count, gone) for (i, j), count in common.items()]
    return sorted(pairs, key=lambda pair: (-pair.likeness, *(work.student for work in pair.works)))


def _read(student: str, cells: Mapping[str, str], given: Collection[str]) -> Work:
    return Work(student, {cell: read_text(text, given) for cell, text in cells.items()})


def _frequent(works: Sequence[Work]) -> set[int]:
    """The k-grams that many of a class have."""
    has = Counter(gram for work in works for gram in {gram for text in work.texts.values() for gram in text.grams})
    most = max(FEW, FREQUENT * len(works))
    return {gram for gram, count in has.items() if count > most}


def _index(works: Sequence[Work], aside: Collection[int]) -> dict[int, list[int]]:
    """Note each work's fingerprints in it; returns which works, by their numbers, have a fingerprint."""
    index: dict[int, list[int]] = defaultdict(list)
    for number, work in enumerate(works):
        for cell, text in work.texts.items():
            for position in winnow(text.grams, aside):
                work.fingerprints.setdefault(text.grams[position], []).append((cell, position))
        for gram in work.fingerprints:
            index[gram].append(number)
    return index


def passages(pair: Pair) -> list[Passage]:
    """The runs of shared k-grams around a pair's shared fingerprints, as far as they reach, in the first one's order.

    A run ends where a k-gram is not alike or is one that was set aside. The longest come first, and one that adds no
    line to those before it is left out, as code that repeats itself is alike in many places.
    """
    runs: dict[tuple[str, str, int, int], int] = {}  # cells and where in their k-grams -> length
    seen: dict[tuple[str, str, int], list[tuple[int, int]]] = defaultdict(list)  # cells, i - j -> stretches of i
    first, second = pair.works
    for gram in first.fingerprints.keys() & second.fingerprints.keys():
        for cell, i in first.fingerprints[gram][:PLACES]:
            for other, j in second.fingerprints[gram][:PLACES]:
                before = seen[cell, other, i - j]
                at = bisect(before, (i, len(first.texts[cell].grams)))
                if at and i < before[at - 1][1]:
                    continue
                texts = first.texts[cell].grams, second.texts[other].grams
                back = _reach(texts, (i, j), -1, pair.aside) - 1
                onwards = _reach(texts, (i, j), 1, pair.aside)
                before.insert(at, (i - back, i + onwards))
                runs[cell, other, i - back, j - back] = back + onwards
    kept: list[Passage] = []
    marked: set[tuple[int, str, int]] = set()
    for (cell, other, i, j), length in sorted(runs.items(), key=lambda run: (-run[1], run[0])):
        a, b = (text.lines[k : k + length + K - 1] for text, k in ((first.texts[cell], i), (second.texts[other], j)))
        lines = {(0, cell, line) for line in set(a)} | {(1, other, line) for line in set(b)}
        if not lines <= marked:
            marked |= lines
            kept.append(Passage((cell, other), ((a[0], a[-1]), (b[0], b[-1]))))
    order = {cell: number for number, cell in enumerate(first.texts)}
    return sorted(kept, key=lambda passage: (order[passage.cells[0]], passage.lines, passage.cells))


def _reach(texts: tuple[Grams, Grams], places: tuple[int, int], step: int, aside: Collection[int]) -> int:
    """How many k-grams from two places on are alike and not set aside. step: 1 onwards, -1 back."""
    (a, b), (i, j), reach = texts, places, 0
    while 0 <= i < len(a) and 0 <= j < len(b) and a[i] == b[j] and a[i] not in aside:
        i, j, reach = i + step, j + step, reach + 1
    return reach
