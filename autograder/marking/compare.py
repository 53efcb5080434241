"""Compare an answer with the expected one: kind, shape, dtype, finiteness, value. Both are encoded (answering.py)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

MOST_LINE = 200  # characters of a notebook line in a message
WORDS = {
    "none": "None",
    "text": "a string",
    "truth": "True or False",
    "whole number": "a whole number",
    "number": "a number",
    "array": "a numpy array",
    "tensor": "a torch tensor",
    "exception": "an error",
    "dict": "a dict",
    "bytes": "bytes",
    "list": "a list",
    "tuple": "a tuple",
}


def difference(
    expected: Any,
    answer: Any,
    relative: float,
    absolute: float,
    where: str = "",
    names: Sequence[str] = (),
    drawn: str = "",
) -> str | None:
    """None when the answer is correct, else what is wrong, in words: no inputs and no expected values.

    where: what this is a part of, in words. names: of the answer's entries, where they have any (`Case.results`).
    drawn: the texts among the inputs (`drawn_texts`), from which no key of a dict is named.
    Kinds must agree, except that a whole number may stand for a number; floating dtypes must agree, whole-number dtypes
    of arrays need not.
    """
    at = f" in {where}" if where else ""
    kind, came = expected.get("kind"), answer.get("kind")
    if kind == "exception":
        return None if came == "exception" and _same_error(expected, answer) else _wrong_error(expected, answer, at)
    if came == "exception":
        return f"{error_words(answer)}{at}"
    if kind == "pure" and came == "pure":
        for name, right in expected["changed"].items():
            if answer["changed"].get(name) and not right:
                return f"your function changes its argument: `{name}` is not what it was before"
        problem = difference(expected["value"], answer["value"], relative, absolute, where, names, drawn)
        if problem or expected["shared"] or not answer["shared"]:
            return problem
        return "what comes back shares memory with an argument, or with the result of the call before: return a copy"
    if kind == "other":  # of a solution with a mistake in it: of what cannot be sent nothing is equal
        return f"{came_words(answer)} came back{at}, and what would be right cannot be compared"
    if kind == "number" and came == "whole number":
        answer, came = {"kind": "number", "value": answer["value"]}, "number"
    if _is_error_name(expected) and answer.get("value") != expected["value"]:
        return f"{expected['value']} should be raised{at}"
    if _is_error_name(answer) and kind != "text":
        return f"{answer['value']} was raised{at}, {WORDS[kind]} was expected"
    if kind != came:
        wanted = expected["value"]["kind"] if kind == "pure" else kind
        return f"{came_words(answer)} came back{at}, {WORDS[wanted]} was expected"
    if kind == "number":
        return _numbers(np.array(float(expected["value"])), np.array(float(answer["value"])), relative, absolute, at)
    if kind in ("array", "tensor"):
        return _arrays(expected, answer, relative, absolute, at)
    if kind in ("list", "tuple"):
        if len(answer["value"]) != len(expected["value"]):
            wanted = len(expected["value"])
            return (
                f"{_counted(len(answer['value']))} came back{at}, {wanted} {'was' if wanted == 1 else 'were'} expected"
            )
        for index, entries in enumerate(zip(expected["value"], answer["value"], strict=True)):
            problem = difference(*entries, relative, absolute, entry_name(where, index, names), drawn=drawn)
            if problem:
                return problem
        return None
    if kind == "dict":
        return _dicts(expected, answer, relative, absolute, where, drawn)
    return None if answer.get("value") == expected.get("value") else f"right type, wrong value{at}"


def _is_error_name(data: Any) -> bool:
    """Whether a text is the name of an error, which is what programs answer where one was raised."""
    return data.get("kind") == "text" and data.get("value") in PYTHON_ERRORS


def entry_name(where: str, index: int, names: Sequence[str] = ()) -> str:
    """What an entry of a list or tuple is called in a reason."""
    if where:
        return f"{where}[{index}]"
    return names[index] if names else f"entry {index}"


def key_name(key: Any, drawn: str) -> str:
    """What the entry of an encoded key is called in a reason: by a text that was not drawn for the case."""
    named = key.get("kind") == "text" and key["value"] not in drawn
    return f"`{key['value']}`" if named else "an entry"


def drawn_texts(inputs: Mapping[str, Any], notebook: str = "") -> str:
    """All texts among a case's inputs; of the keys of their dicts those that the notebook's text has not."""
    known = set(re.findall(r"\w+", notebook))

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from (key for key in value if isinstance(key, str) and key not in known)
            for entry in value.values():
                yield from texts(entry)
        elif isinstance(value, (list, tuple)):
            for entry in value:
                yield from texts(entry)

    return "\n".join(texts(list(inputs.values())))


def _counted(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def came_words(answer: Any) -> str:
    """What an encoded answer is, in words; of what could not be sent only what the student's code has not worded."""
    if answer.get("kind") != "other":
        return WORDS.get(answer.get("kind"), "something else")
    text = str(answer.get("value"))
    name = text.removesuffix(", which is not plain data")
    if name in PYTHON_TYPES:
        return f"an object of type `{name}`"
    return text if text in TOO_MUCH else "something else"


UNWRITTEN = "not written yet"


def error_words(answer: Any) -> str:
    """An encoded exception in words: its type when it is one of Python's own, and the notebook line that raised it."""
    kinds, source_line = answer.get("value"), answer.get("line")
    kinds = [name for name in kinds if isinstance(name, str)] if isinstance(kinds, list) else []
    names = [name for name in kinds if name in PYTHON_ERRORS]
    line = f" at `{source_line[:MOST_LINE]}`" if isinstance(source_line, str) and source_line else ""
    if "NotImplementedError" in names:
        return UNWRITTEN
    if "NameError" in names and not line:  # no line of the notebook raised it: the question's own program did
        return "it does not exist: the cell that should define it failed or was not run"
    return f"{names[0] if names else 'an error'} was raised{line}"


PYTHON_ERRORS = {
    name
    for name, value in vars(__import__("builtins")).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}

# what `encode` refuses and a student may be told of
PYTHON_TYPES = {
    name
    for name, value in vars(__import__("builtins")).items()
    if isinstance(value, type) and name not in PYTHON_ERRORS
} | {"generator", "function", "method", "module", "dict_keys", "dict_values", "dict_items"}
TOO_MUCH = (
    "what is nested more than 20 deep",
    "a tensor larger than 64 MiB",
    "an array larger than 64 MiB",
    "an answer larger than 64 MiB",
    "an array that does not hold numbers",
)


def _same_error(expected: Any, answer: Any) -> bool:
    return expected["value"][0] in answer["value"]


def _wrong_error(expected: Any, answer: Any, at: str) -> str:
    wanted = expected["value"][0]
    if answer.get("kind") == "exception":
        words = error_words(answer)
        return words if words == UNWRITTEN else f"{words}{at}, {wanted} was expected"
    return f"{wanted} should be raised{at}"


def array_of(data: Any) -> np.ndarray:
    """An encoded array or tensor as a numpy array. Raises ValueError when bytes, dtype and shape do not agree."""
    dtype, shape = data["dtype"], tuple(data["shape"])
    raw = base64.b64decode(data["value"], validate=True)
    if dtype == "bfloat16":
        return (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(shape)
    if np.dtype(dtype).kind not in "biufc" or any(not isinstance(n, int) or n < 0 for n in shape):
        raise ValueError("not an array of numbers")
    return np.frombuffer(raw, np.dtype(dtype)).reshape(shape)


def _arrays(expected: Any, answer: Any, relative: float, absolute: float, at: str) -> str | None:
    wanted, came = array_of(expected), array_of(answer)
    if wanted.shape != came.shape:
        return f"shape {came.shape} came back{at}, {wanted.shape} was expected"
    whole = wanted.dtype.kind in "iu" and came.dtype.kind in "iu" and expected["kind"] == "array"
    if expected["dtype"] != answer["dtype"] and not whole:
        return f"dtype {np_name(answer)} came back{at}, {np_name(expected)} was expected"
    if wanted.dtype.kind in "iub":
        differ = np.argwhere(wanted != came)
        if len(differ):
            count = f"{len(differ)} of {wanted.size} differ"
            return f"right shape, wrong values{at}: {count}, the first at {_index(differ[0])}"
        return None
    return _numbers(wanted, came, relative, absolute, at)


def np_name(data: Any) -> str:
    """The dtype of an encoded array, checked to be a dtype's name."""
    name = data["dtype"]
    return name if isinstance(name, str) and name.isalnum() and len(name) < 20 else "of another kind"


def _numbers(wanted: np.ndarray, came: np.ndarray, relative: float, absolute: float, at: str) -> str | None:
    finite = np.isfinite(wanted)
    if not np.all(np.isfinite(came[finite])):
        index = np.argwhere(finite & ~np.isfinite(came))[0]
        return f"nan or infinity{at}{_place(index)} where a finite number is expected"
    if not np.array_equal(wanted[~finite], came[~finite], equal_nan=True):
        return f"a finite number{at} where nan or infinity is expected"
    wide = np.result_type(wanted.dtype, np.float64)
    wanted, came = wanted.astype(wide), came.astype(wide)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.where(finite, np.abs(came - wanted), 0.0)
        excess = error - (absolute + relative * np.where(finite, np.abs(wanted), 0.0))
    if not np.any(excess > 0):
        return None
    index = np.unravel_index(np.argmax(excess), excess.shape) if excess.ndim else ()
    size = error[index] / max(1e-8, abs(wanted[index]) + abs(came[index]))
    shape = "right shape, wrong values" if wanted.ndim else "wrong value"
    share = f" ({int(np.sum(excess > 0))} of {wanted.size})" if wanted.ndim else ""
    return f"{shape}{at}{share}; worst{_place(index)}: relative error {size:.2g}"


def _index(index: Any) -> str:
    return "[" + ", ".join(str(int(i)) for i in index) + "]"


def _place(index: Any) -> str:
    return f" at {_index(index)}" if len(index) else ""


def _dicts(expected: Any, answer: Any, relative: float, absolute: float, where: str, drawn: str) -> str | None:
    at = f" in {where}" if where else ""
    wanted = {_key(key): value for key, value in expected["value"]}
    came = {_key(key): value for key, value in answer["value"]}
    if len(came) != len(wanted):
        return f"a dict of {_counted(len(came))} came back{at}, one of {len(wanted)} was expected"
    for key, value in expected["value"]:
        if _key(key) not in came:
            return f"a key is missing{at}"
        problem = difference(value, came[_key(key)], relative, absolute, key_name(key, drawn), drawn=drawn)
        if problem:
            return problem
    return None


def _key(data: Any) -> tuple:
    return data.get("kind"), data.get("value") if not isinstance(data.get("value"), list) else repr(data)
