"""Visible checks for the graded cells: each raises CheckFailed with one sentence, or lets the cell go on.

All return None, so that a cell that ends in a check shows nothing of its own. They look in the order type, shape,
dtype, finite, value, and name the usual slip, or say what wrong values are, only where the values prove it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from utils.relations import relation


class CheckFailed(AssertionError):
    """A visible check did not pass; the message says what was checked, what came and what was expected."""


def close(
    name: str,
    value: Any,
    expected: Any,
    *,
    relative: float = 1e-7,
    absolute: float = 1e-9,
    slips: Mapping[str, Any] | None = None,
    shape: str = "",
) -> None:
    """The value equals the expected one within a tolerance. Arrays, tensors, numbers, or tuples, lists, dicts of them.

    slips: {sentence: value}: what a usual slip would give; its sentence is shown when the value equals it.
    shape: what the axes of the expected shape mean, such as "(batch, hidden_size)", shown when the shape is wrong.
    """
    wrong = _difference(value, expected, relative, absolute, shape)
    if wrong is None:
        return
    for sentence, slip in (slips or {}).items():
        if _difference(value, slip, relative, absolute, "") is None:
            raise CheckFailed(f"{name} is what comes out {sentence}")
    raise CheckFailed(f"{name}: {wrong}")


def equal(name: str, value: Any, expected: Any, *, slips: Mapping[str, Any] | None = None) -> None:
    """The value is exactly the expected one: words, ids, counts, dicts, arrays of whole numbers."""
    close(name, value, expected, relative=0.0, absolute=0.0, slips=slips)


def true(condition: Any, message: str) -> None:
    """The condition holds; `message` says what was expected, in a sentence."""
    if not bool(condition):
        raise CheckFailed(message)


def raises(name: str, error: type[BaseException], call: Callable[[], Any]) -> None:
    """Calling `call` raises the given error, with a message that is not empty."""
    try:
        call()
    except NotImplementedError:
        raise
    except error as raised:
        if not str(raised):
            raise CheckFailed(f"{name}: {error.__name__} came without a message; name the offending value") from None
        return
    except Exception as other:
        raise CheckFailed(f"{name}: {type(other).__name__} was raised, {error.__name__} was expected") from None
    raise CheckFailed(f"{name}: {error.__name__} should be raised")


def unchanged(name: str, value: Any, before: Any) -> None:
    """An argument is as it was before the call."""
    if _difference(value, before, 0.0, 0.0, "") is not None:
        raise CheckFailed(f"{name} was changed by the call; arguments stay as they were")


def passed(name: str, detail: str = "") -> None:
    """Say in one line that all went well."""
    print(f"OK {name}" + (f": {detail}" if detail else ""))


def relative_errors(value: Any, expected: Any) -> np.ndarray:
    """|a - b| / max(1e-8, |a| + |b|) entry by entry, for a line that says how close two arrays are."""
    a, b = _array(value).astype(np.float64), _array(expected).astype(np.float64)
    return np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))


def _array(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def _kind(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return "a number" if value.ndim == 0 else "a torch tensor"
    if isinstance(value, np.ndarray):
        return "a number" if value.ndim == 0 else "a numpy array"
    if isinstance(value, (bool, np.bool_)):
        return "True or False"
    if isinstance(value, (int, float, np.number)):
        return "a number"
    for kind, words in ((str, "a string"), (tuple, "a tuple"), (list, "a list"), (dict, "a dict")):
        if isinstance(value, kind):
            return words
    return "None" if value is None else f"a {type(value).__name__}"


def _difference(value: Any, expected: Any, relative: float, absolute: float, shape: str) -> str | None:
    if _kind(value) != _kind(expected):
        return f"{_kind(value)} came back, {_kind(expected)} was expected"
    if isinstance(expected, (tuple, list)):
        if len(value) != len(expected):
            return f"{len(value)} entries came back, {len(expected)} were expected"
        return _first((f"[{i}]", a, b) for i, (a, b) in enumerate(zip(value, expected, strict=True)))(
            relative, absolute
        )
    if isinstance(expected, dict):
        if set(value) != set(expected):
            odd = sorted(map(str, set(value) ^ set(expected)))
            return f"the keys differ at {', '.join(odd[:5])}"
        return _first((f"[{k!r}]", value[k], expected[k]) for k in expected)(relative, absolute)
    if isinstance(expected, str) or expected is None:
        return None if value == expected else f"{value!r} came back, {expected!r} was expected"
    return _numbers(value, expected, relative, absolute, shape)


def _first(triples: Any) -> Callable[[float, float], str | None]:
    def look(relative: float, absolute: float) -> str | None:
        for where, a, b in triples:
            wrong = _difference(a, b, relative, absolute, "")
            if wrong:
                return f"{where}: {wrong}"
        return None

    return look


def _numbers(value: Any, expected: Any, relative: float, absolute: float, shape: str) -> str | None:
    a, b = _array(value), _array(expected)
    if a.shape != b.shape:
        meant = "".join(f": {words}" for words in (shape, relation(a, b, relative, absolute)) if words)
        return f"shape {a.shape} came back, {b.shape} was expected{meant}"
    whole = a.dtype.kind in "iu" and b.dtype.kind in "iu"
    if a.ndim and a.dtype != b.dtype and not (whole and isinstance(expected, np.ndarray)):
        return f"dtype {a.dtype} came back, {b.dtype} was expected"
    if a.dtype.kind == "c" and b.dtype.kind != "c":
        return "a complex number came back, a real one was expected"
    if b.dtype.kind in "iu" and not whole and not relative and not absolute:
        return f"{value} came back, a whole number was expected"
    if whole:
        relative = absolute = 0.0
    if not a.size:
        return None
    if a.dtype.kind == "b":
        return None if np.array_equal(a, b) else "right shape, wrong values"
    x, y = a.astype(np.float64), b.astype(np.float64)
    if np.any(~np.isfinite(x) & np.isfinite(y)):
        index = np.argwhere(~np.isfinite(x) & np.isfinite(y))[0]
        return f"nan or infinity{_place(index)}, a finite number was expected"
    error = np.where(np.isfinite(y), np.abs(x - y), np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0.0, np.inf))
    excess = error - (absolute + relative * np.where(np.isfinite(y), np.abs(y), 0.0))
    if not np.any(excess > 0):
        return None
    index = np.unravel_index(np.argmax(excess), excess.shape)
    related = relation(a, b, relative, absolute) if a.ndim else ""  # two numbers that are shown speak for themselves
    related = f": {related}" if related else ""
    came, wanted = x[index], y[index]
    if whole:
        came, wanted = int(came), int(wanted)
        numbers = f"{came} against {wanted}"
    else:
        size = abs(came - wanted) / max(1e-8, abs(came) + abs(wanted))
        numbers = f"{came:.6g} against {wanted:.6g} (relative error {size:.2g})"
    return f"right shape, wrong values{related}; worst{_place(index)}: {numbers}" if a.ndim else f"{numbers}{related}"


def _place(index: Any) -> str:
    return f" at [{', '.join(str(int(i)) for i in index)}]" if len(index) else ""
