"""The comment that a student reads: a line for each item that was ticked, then the marker's own words.

Nothing but the gradebook's comment keeps what was ticked: it is read back from these lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from autograder.course.rubrics import Item, Rubric


def compose(ticked: Iterable[Item], own: str) -> str | None:
    """The comment of these items and words; None where there are neither."""
    lines = "\n".join(f"- {item}" for item in ticked)
    return "\n\n".join(part for part in (lines, own.strip()) if part) or None


def take_apart(rubric: Rubric, comment: str | None) -> tuple[list[Item], str]:
    """The items that a comment says are ticked, and the marker's own words."""
    ticked, own = [], []
    known = {f"- {item}": item for item in rubric.items}
    for line in (comment or "").splitlines():
        item = known.pop(line.rstrip(), None)
        if item is not None:
            ticked.append(item)
        else:
            own.append(line)
    return ticked, "\n".join(own).strip()


def used(rubric: Rubric, comments: Iterable[str | None], most: int) -> list[str]:
    """The words that markers have used for this question, the most used first."""
    times = Counter(own for comment in comments if (own := take_apart(rubric, comment)[1]))
    return [own for own, _ in sorted(times.items(), key=lambda each: (-each[1], each[0]))[:most]]
