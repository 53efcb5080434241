"""How wrong values are related to right ones: what can be proved of them, in words that name no value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

Close = Callable[[np.ndarray, np.ndarray], bool]
PART = 4  # characters, at least, of a text that is called a part of another: "no" is none of "not shown"


def relation(
    came: np.ndarray, wanted: np.ndarray, relative: float, absolute: float, sizes: Mapping[int, str] | None = None
) -> str:
    """What wrong values are, said of the right ones: "the right values with the opposite sign"; empty where nothing is.

    came, wanted: arrays of finite numbers, or single ones. relative, absolute: |came - wanted| <= absolute +
    relative * |wanted| counts as equal. sizes: what a whole number n means, "n rows of x", for factors of n.
    """
    if came.dtype.kind not in "iuf" or wanted.dtype.kind not in "iuf" or not wanted.size:
        return ""
    whole = came.dtype.kind in "iu" and wanted.dtype.kind in "iu"
    came, wanted = came.astype(np.float64), wanted.astype(np.float64)
    if not (np.all(np.isfinite(came)) and np.all(np.isfinite(wanted))):
        return ""

    def close(one: np.ndarray, other: np.ndarray) -> bool:
        return one.shape == other.shape and bool(np.all(np.abs(one - other) <= absolute + relative * np.abs(other)))

    if wanted.ndim > 1 and close(came, wanted.T):
        return "the right values, transposed"
    if came.shape != wanted.shape or close(came, wanted):
        return ""
    if whole and close(np.abs(came - wanted), np.ones(wanted.shape)) and len(np.unique(came - wanted)) == 1:
        return f"one {'more' if np.all(came > wanted) else 'less'} than right"
    if wanted.size > 1 and not np.any(came):
        return "zeros"
    related = _of_all(came, wanted, close, sizes or {}) or (_of_places(came, wanted, close) if wanted.ndim else "")
    return related or ("" if wanted.ndim or not whole else f"too {'large' if came > wanted else 'small'}")


def text_relation(came: str, wanted: str) -> str:
    """What a wrong text is, said of the right one, at least where it begins to differ; empty below PART characters."""
    if came.casefold() == wanted.casefold():
        return "right but for upper and lower case"
    if "".join(came.split()) == "".join(wanted.split()):
        return "right but for white space"
    if not came:
        return "an empty text"
    if min(len(came), len(wanted)) < PART:
        return ""
    if wanted.startswith(came):
        return "the right text, cut off at its end"
    if wanted.endswith(came):
        return "the right text, cut off at its beginning"
    if came.startswith(wanted):
        return "the right text with more behind it"
    if came.endswith(wanted):
        return "the right text with more before it"
    if sorted(came) == sorted(wanted):
        return "the right characters in another order"
    same = next((n for n, pair in enumerate(zip(came, wanted, strict=False)) if pair[0] != pair[1]), 0)
    return f"right up to character {same}, and wrong from there on" if same else "wrong from the first character on"


def _of_all(came: np.ndarray, wanted: np.ndarray, close: Close, sizes: Mapping[int, str]) -> str:
    """What holds of every entry alike."""
    if not np.any(wanted):
        return ""
    if close(came, -wanted):
        return "the right values with the opposite sign"
    if np.allclose(came, wanted, rtol=3e-7, atol=0):
        return "right to seven digits only, as float32 is: compute in float64"
    if words := _by_a_factor(came, wanted, close, sizes):
        return words
    with np.errstate(all="ignore"):
        for values, words in (
            (1 - wanted, "1 minus the right values"),
            (wanted**2, "the right values squared"),
            (np.sqrt(wanted), "the square roots of the right values"),
            (np.exp(wanted), "the exponentials of the right values"),
            (np.log(wanted), "the logarithms of the right values"),
        ):
            if np.all(np.isfinite(values)) and close(came, values):
                return words
    several = len(np.unique(wanted.round(12))) > 2
    if several and close(came, wanted + np.median(came - wanted)):
        return f"the right values with the same number added to each, {_number(np.median(came - wanted))}"
    if several and close(np.abs(came), np.abs(wanted)):
        return "the right values but for their signs"
    return ""


def _by_a_factor(came: np.ndarray, wanted: np.ndarray, close: Close, sizes: Mapping[int, str]) -> str:
    place = np.unravel_index(np.argmax(np.abs(wanted)), wanted.shape)
    factor = float(came[place] / wanted[place])
    if factor == 0 or not close(came, factor * wanted):
        return ""
    for size, words in sizes.items():
        if math.isclose(abs(factor), size, rel_tol=1e-6):
            return f"{_sign(factor)}{size} times the right values ({words})"
        if math.isclose(abs(factor), 1 / size, rel_tol=1e-6):
            return f"the right values divided by {_sign(factor)}{size} ({words})"
    for value, words in (
        (2.0, "twice the right values"),
        (0.5, "half of the right values"),
        (math.log(2), "the right values times ln 2: one logarithm is to base 2, the other natural"),
        (1 / math.log(2), "the right values divided by ln 2: one logarithm is to base 2, the other natural"),
    ):
        if math.isclose(factor, value, rel_tol=1e-6):
            return words
    if np.count_nonzero(wanted) > 2 and len(np.unique(wanted.round(12))) > 2:  # of one number any other is a multiple
        return f"all {_number(factor)} times the right values"
    return ""


def _of_places(came: np.ndarray, wanted: np.ndarray, close: Close) -> str:
    """What holds of where the right values stand."""
    distinct = len(np.unique(wanted.round(12))) > 2
    for axis in range(wanted.ndim) if distinct else ():
        one, other = np.moveaxis(came, axis, 0), np.moveaxis(wanted, axis, 0)
        along = f" along axis {axis}" if wanted.ndim > 1 else ""
        if len(other) > 2:
            if close(one[1:], other[:-1]):
                return f"the right values one place late{along}"
            if close(one[:-1], other[1:]):
                return f"the right values one place early{along}"
        if len(other) > 1 and close(one, other[::-1]):
            return f"the right values in the opposite order{along}"
    if distinct and wanted.ndim > 1 and close(_sorted_rows(came), _sorted_rows(wanted)):
        return "the right rows in another order"
    if distinct and close(np.sort(came, axis=None), np.sort(wanted, axis=None)):
        return "the right values in another order"
    for axis in range(wanted.ndim):
        right = [close(*pair) for pair in zip(np.moveaxis(came, axis, 0), np.moveaxis(wanted, axis, 0), strict=True)]
        if any(right) and not all(right):
            return f"{_which(right)}{f' along axis {axis}' if wanted.ndim > 1 else ''}"
    return ""


def _sorted_rows(values: np.ndarray) -> np.ndarray:
    rows = values.reshape(len(values), -1)
    return rows[np.lexsort(rows.T[::-1])]


def _which(right: list[bool]) -> str:
    """Which of several are right, where some are."""
    number = len(right)
    if sum(right) == 1 and number > 2 and (right[0] or right[-1]):
        return f"only the {'first' if right[0] else 'last'} of {number} is right"
    if sum(right) == number - 1:
        place = right.index(False)
        name = {0: "the first", number - 1: "the last"}.get(place, f"number {place}")
        return f"all are right but {name} of {number}"
    return f"{sum(right)} of {number} are right"


def _sign(number: float) -> str:
    return "-" if number < 0 else ""


def _number(number: float) -> str:
    return f"{float(number):.4g}"
