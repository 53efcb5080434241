"""What can be proved of a wrong answer's values, in words: no inputs, no expected values, no guess."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.course.words import listed
from autograder.marking.compare import array_of, difference, entry_name, key_name
from autograder.oracle.questions import Case
from utils.relations import relation, text_relation

MOST_NAMED = 6  # entries that a sentence lists


def proved(
    expected: Any, answer: Any, case: Case, sizes: Mapping[int, str], drawn: str, plain: str, names: Sequence[str] = ()
) -> str:
    """The reason for a wrong answer: what it is, said of the right one, and which of its parts are wrong.

    expected, answer: encoded; the answer is untrusted. sizes: what a whole number means, for factors of it.
    drawn: texts of which no key is named. plain: the reason where nothing more can be told. names: of the answer's
    entries (`Case.results`).
    """
    if plain.startswith("your function"):  # what it does to its arguments comes before what it gives
        return plain
    if expected.get("kind") == "pure" and answer.get("kind") == "pure":
        if _only_the_second(expected["value"], answer["value"], case):
            return "the first call is right; a second one with the same arguments gives something else"
        expected, answer = expected["value"], answer["value"]
    parts = list(_parts(expected, answer, "", names, drawn))
    wrong = [part for part in parts if difference(part[1], part[2], case.relative, case.absolute)]
    if not wrong:
        return plain
    words = [_related(wanted, came, case, sizes) for _, wanted, came in wrong]
    those = [name for name, _, _ in wrong]
    related = words[0] if len(set(words)) == 1 else ""
    if words[0] and not related and _no_single_number(wrong[0][1]):  # of one number any other is a multiple
        plain = f"{those[0]}: {words[0]}"
    if len(wrong) == len(parts):
        where = "" if len(parts) == 1 else " in every entry"
        return f"wrong values{where}: {related}" if related else plain
    if len(wrong) == 1 or (len(set(those)) == len(wrong) <= MOST_NAMED and expected["kind"] == "dict"):
        return f"{listed(those)} {'is' if len(wrong) == 1 else 'are'} wrong, the rest is right: {related or plain}"
    return f"{len(wrong)} of {len(parts)} entries are wrong: {related or plain}"


def _no_single_number(data: Any) -> bool:
    numbers = _numbers(data)
    return numbers is None or numbers.size > 1


def wrong_parts(expected: Any, answer: Any, case: Case) -> dict[str, bool]:
    """The names of an answer's parts that are wrong, each with whether it is unlikely to be right by chance.

    expected, answer: encoded; the answer is untrusted. One part without a name where it has not the right one's parts.
    """
    if not difference(expected, answer, case.relative, case.absolute):
        return {}
    wrong: dict[str, bool] = {}
    if expected.get("kind") == "pure" and answer.get("kind") == "pure":
        if any(expected[key] != answer[key] for key in ("changed", "shared")):
            wrong["its arguments"] = False
        expected, answer = expected["value"], answer["value"]
    for name, wanted, came in _parts(expected, answer, ""):
        if difference(wanted, came, case.relative, case.absolute):
            numbers = _numbers(wanted)
            wrong[name or "it"] = numbers is not None and (numbers.size > 1 or numbers.dtype.kind == "f")
    return wrong or {"": False}


def _only_the_second(expected: Any, answer: Any, case: Case) -> bool:
    """Whether the first of two calls is right and the second is not."""
    right = [
        len(answer["value"]) == 2 and not difference(wanted, came, case.relative, case.absolute)
        for wanted, came in zip(expected["value"], answer["value"], strict=False)
    ]
    return right == [True, False]


def _parts(
    expected: Any, answer: Any, name: str, names: Sequence[str] = (), drawn: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """The parts of two answers of the same structure that are no containers, with their names; none otherwise."""
    kind = expected.get("kind")
    if answer.get("kind") != kind and not {kind, answer.get("kind")} <= {"number", "whole number"}:
        if name:
            yield name, expected, answer
        return
    if kind == "dict":
        came = {repr(key): value for key, value in answer["value"]}
        if len(came) == len(expected["value"]) and all(repr(key) in came for key, _ in expected["value"]):
            for key, value in expected["value"]:
                yield from _parts(value, came[repr(key)], f"{name} {key_name(key, drawn)}".strip(), drawn=drawn)
    elif kind in ("list", "tuple"):
        if len(answer["value"]) == len(expected["value"]):
            for place, pair in enumerate(zip(expected["value"], answer["value"], strict=True)):
                yield from _parts(*pair, entry_name(name, place, names), drawn=drawn)
    else:
        yield name, expected, answer


def _related(expected: Any, answer: Any, case: Case, sizes: Mapping[int, str]) -> str:
    if expected["kind"] == answer["kind"] == "text":
        return text_relation(answer["value"], expected["value"])
    wanted, came = _numbers(expected), _numbers(answer)
    if wanted is None or came is None:
        return ""
    return relation(came, wanted, case.relative, case.absolute, sizes)


def _numbers(data: Any) -> np.ndarray | None:
    """A part's numbers, or None where it holds none."""
    if data["kind"] == "whole number":
        return np.array(int(data["value"]))
    if data["kind"] == "number":
        return np.array(float(data["value"]))
    return array_of(data) if data["kind"] in ("array", "tensor") else None


def sizes_of(inputs: Mapping[str, Any]) -> dict[int, str]:
    """What whole numbers above 1 mean in a case: lengths of axes of its inputs, and inputs that are such numbers."""
    meanings: dict[int, set[str]] = {}
    for name, value in inputs.items():
        if isinstance(value, int) and not isinstance(value, bool):
            meanings.setdefault(value, set()).add(f"which is `{name}`")
        shape = getattr(value, "shape", ())
        for axis, length in enumerate(shape):
            where = f"of axis {axis} " if len(shape) > 1 else ""
            meanings.setdefault(int(length), set()).add(f"the length {where}of `{name}`")
    return {size: " and ".join(sorted(words)) for size, words in meanings.items() if size > 1}
