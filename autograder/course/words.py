"""Numbers and names in words, as every page and message writes them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal


def number(points: float) -> str:
    """Points with two decimals at most, which is what Canvas and Moodle show, rounded half up: 2.675 is 2.68."""
    text = f"{Decimal(str(points)).quantize(Decimal('0.01'), ROUND_HALF_UP):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def counted(count: int, what: str) -> str:
    """A number of things in words: "1 student", "2 students"."""
    return f"{count} {what}{'s' * (count != 1)}"


def listed(names: Iterable[str]) -> str:
    """Names in words: "a, b and c"."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last
