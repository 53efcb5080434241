"""The rubric of a written question, as the author writes it below the model answer: items with points, and notes.

Rubric:

- 0.5: the direct path $z \\odot h$
- 0.5: the condition, $z$ near 1

What follows the list is a note to whoever marks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from autograder.course.cells import BEGIN, END

HEAD = re.compile(r"^Rubric:[ \t]*$", re.MULTILINE)
ITEM = re.compile(r"- (\d+(?:\.\d+)?): (\S.*)")


@dataclass(frozen=True)
class Item:
    """What an answer may hold, and the points that it earns."""

    points: float
    text: str

    def __str__(self) -> str:
        return f"{self.points:g}: {self.text}"


@dataclass(frozen=True)
class Rubric:
    """A model answer, the items to tick, and notes to the marker. Without items points are typed."""

    answer: str
    items: tuple[Item, ...] = ()
    notes: str = ""

    @property
    def points(self) -> float:
        """The points of all items."""
        return sum(item.points for item in self.items)


def parts(source: str) -> tuple[str, str]:
    """The question's text and what stands between the markers, of a written cell."""
    question, _, rest = source.partition(BEGIN)
    return question.strip(), rest.partition(END)[0].strip()


def read_rubric(text: str) -> Rubric:
    """The rubric in what stands between the markers. Raises ValueError naming an item that has no points."""
    head = HEAD.search(text)
    if head is None:
        return Rubric(text.strip())
    items: list[tuple[float, str]] = []
    lines = text[head.end() :].strip("\n").split("\n")
    while lines and lines[0].startswith(("- ", "  ")):
        line = lines.pop(0)
        if line.startswith("  ") and items:
            points, begun = items[-1]
            items[-1] = (points, f"{begun} {line.strip()}")
            continue
        match = ITEM.fullmatch(line.rstrip())
        if match is None:
            raise ValueError(f"a rubric's item is '- <points>: <what earns them>', got {line.strip()!r}")
        items.append((float(match[1]), match[2]))
    if not items:
        raise ValueError("'Rubric:' is followed by a list of items, '- <points>: <what earns them>', got none")
    made = tuple(Item(*item) for item in items)
    if len(set(made)) < len(made):  # a comment tells which are ticked by their lines
        raise ValueError("two items of a rubric are alike: they need different words")
    return Rubric(text[: head.start()].strip(), made, "\n".join(lines).strip())
