"""Which edits are tried first: those that lead towards the solution's tokens, and the likelier slips; in pairs, too."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from autograder.marking.edits import Edit
from autograder.marking.names import unread_names

FIRST, TURN = 60, 100  # edits of pairs that come first, and those beside one of them to a turn
LIKELY = {
    *("another name", "another number", "another key", "another axis", "another comparison", "another function"),
    *("other brackets", "entries exchanged", "arguments exchanged", "sides exchanged", "two lines exchanged"),
    *("without the transpose", "its transpose", "the other sign", "one more", "one less"),
}
TOKEN, COMMENT = re.compile(r"\w+|[^\w\s()]"), re.compile(r"#.*")


def likeliest(changes: Iterable[Edit], near: Callable[[Edit], int], source: str) -> list[Edit]:
    """Edits of a source in the order of `near`; of as many, the likelier kinds first, and of these the rarer.

    Before all come those that read a name which the source binds and never reads.
    """
    edits, unread = list(changes), [re.compile(rf"\b{name}\b") for name in unread_names(source)]
    times = Counter(edit.kind for edit in edits)
    stand = [len(name.findall(source)) for name in unread]

    def order(edit: Edit) -> tuple:
        reads = any(len(name.findall(edit.source)) > before for name, before in zip(unread, stand, strict=True))
        return not reads, -near(edit), edit.kind not in LIKELY, times[edit.kind]

    return sorted(edits, key=order)


def likeness(source: str, solution: str) -> Callable[[Edit], int]:
    """A function that tells by how many pairs of tokens in a row an edit of a source leads closer to a solution."""
    theirs, mine, before = _pairs(solution), _pairs(source), Counter(source.splitlines())
    pairs = cache(_pairs)

    def near(edit: Edit) -> int:
        after, changes = Counter(edit.source.splitlines()), Counter[tuple[str, str]]()
        for line in (after - before).elements():
            changes.update(pairs(line))
        for line in (before - after).elements():
            changes.subtract(pairs(line))
        return sum(
            min(theirs[pair], mine[pair] + more) - min(theirs[pair], mine[pair]) for pair, more in changes.items()
        )

    return near


def in_its_place(source: str, edit: Edit) -> bool:
    """Whether an edit leaves all other lines as they are, so that those after it keep their numbers but for a shift."""
    before, after = source.splitlines(), edit.source.splitlines()
    head = next((n for n, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), len(after))
    pairs = zip(reversed(before), reversed(after), strict=False)
    tail = next((n for n, (one, other) in enumerate(pairs) if one != other), len(after))
    return head >= edit.line - 1 and tail >= len(before) - edit.line - 3


def _pairs(source: str) -> Counter:
    return Counter(itertools.pairwise(TOKEN.findall(COMMENT.sub("", source))))


def in_turns(firsts: Iterable[Edit], seconds: Callable[[Edit], Iterator[Edit]]) -> Iterator[Edit]:
    """Pairs of edits, the most likely first: some of each first one's in turn, with one first more in each turn."""
    waiting, active = iter(firsts), []
    while True:
        if first := next(waiting, None):
            active.append(seconds(first))
        elif not active:
            return
        for pairs in active[:]:
            block = list(itertools.islice(pairs, TURN))
            if not block:
                active.remove(pairs)
            yield from block
