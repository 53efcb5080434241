"""A cell of code as normalised tokens: what is left when names, comments and the layout may be anything."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import token
from collections.abc import Collection, Iterable, Iterator

FIXED = frozenset(dir(builtins)) | frozenset(keyword.kwlist)
QUOTED = "|".join(  # a text that is not closed ends with its line, or with the cell
    rf"{q * 3}(?:[^{q}\\]|\\.|{q}(?!{q * 2}))*+(?:{q * 3})?|{q}(?:[^{q}\\\n]|\\.)*+{q}?" for q in "'\""
)
TEXT = rf"(?i:[rubf]|[bf]r|r[bf])?(?:{QUOTED})"
NUMBER = r"0[xX][\da-fA-F_]+|0[bBoO][\d_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?[jJ]?"
SIGNS = "|".join(re.escape(sign) for sign in sorted(token.EXACT_TOKEN_TYPES, key=len, reverse=True))
# Each character is read once, whatever the text: Python's own tokenizer takes the square of the time for some
TOKEN = re.compile(
    rf"\#[^\n]*|\\\r?\n|(?P<text>{TEXT})|(?P<sign>{NUMBER})|(?P<name>[^\W\d]\w*)|(?P<end>\n)|(?P<other>{SIGNS}|[^\s\w])",
    re.DOTALL,
)
DROPPED = frozenset("();\\")  # how lines are split and merged: brackets around a whole, semicolons


def given_names(sources: Iterable[str]) -> frozenset[str]:
    """What a student cannot rename, for the released notebook needs it: functions, classes and texts in its code."""
    names: set[str] = set()
    for source in sources:
        tree = ast.parse(source)
        names |= {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
        names |= {f"'{text}'" for text in texts if isinstance(text, str)}
    return frozenset(names)


def tokens(source: str, given: Collection[str] = ()) -> list[tuple[str, int]]:
    """The normalised tokens of a cell, each with its line; never fails, whatever the text.

    Keywords, builtins, numbers, signs, what stands after a dot (np.tanh is `name . tanh`) and the names and texts in
    `given` stay, but not where the cell itself assigns them; every other name is one symbol, every other text another.
    Comments, docstrings, white space, round brackets and semicolons are dropped.
    """
    read = [token for token in _read(source) if token[1] not in DROPPED]
    texts = ["", *(text for _, text, _ in read), ""]
    bound = {
        (before == ".", text)  # whether it is an attribute, and its name
        for before, text, after in zip(texts, texts[1:], texts[2:], strict=False)
        if (after == "=" or before == "for") and not keyword.iskeyword(text)
    }
    normalised: list[tuple[str, int]] = []
    for kind, text, line in read:
        last = normalised[-1][0] if normalised else ""
        symbol = text
        if kind == "text":
            quoted = "'" + text.strip("\"'") + "'"
            symbol = quoted if quoted in given else "text"
            if symbol == last == "text":
                continue  # one text that was split
        elif kind == "name":
            fixed = last == "." or text in FIXED or text in given
            symbol = text if fixed and (last == ".", text) not in bound else "name"
        normalised.append((symbol, line))
    return normalised


def _read(source: str) -> Iterator[tuple[str, str, int]]:
    """Kind (name, text or sign), text and line of each token of a cell but comments, docstrings and white space."""
    line, depth, opens = 1, 0, True  # a text that opens a statement is a docstring
    for match in TOKEN.finditer(source):
        kind, text = match.lastgroup, match[0]
        if kind == "end":
            opens = opens or depth <= 0
        elif kind == "text" and not opens:
            yield kind, text, line
        elif kind in ("name", "sign", "other"):
            yield ("name" if kind == "name" else "sign"), text, line
            opens = False
            depth += (text in "([{") - (text in ")]}")
        line += text.count("\n")
