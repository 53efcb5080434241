"""A cell of code as normalised tokens: what is left when names, comments and the layout may be anything."""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator

FIXED = frozenset(dir(builtins)) | frozenset(keyword.kwlist)
ROUGH = re.compile(r"#.*|([^\W\d]\w*|\d[\w.]*|[^\w\s])")  # for what is no Python; group 1 is the token
DROPPED = frozenset("();\\")  # how lines are split and merged: brackets around a whole, semicolons


def given_names(sources: Iterable[str]) -> frozenset[str]:
    """What a student cannot rename, for the released notebook needs it: functions, classes and texts in its code."""
    found: set[str] = set()
    for source in sources:
        tree = ast.parse(source)
        found |= {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
        found |= {f"'{text}'" for text in texts if isinstance(text, str)}
    return frozenset(found)


def tokens(source: str, given: Collection[str] = ()) -> list[tuple[str, int]]:
    """The normalised tokens of a cell, each with its line; never fails, whatever the text.

    Keywords, builtins, numbers, signs, what stands after a dot (np.tanh is `name . tanh`) and the names and texts in
    `given` stay, but not where the cell itself assigns them; every other name is one symbol, every other text another.
    Comments, docstrings, white space, round brackets and semicolons are dropped. Code that Python's own tokenizer
    refuses is read roughly, by words and signs, from the line on where it did.
    """
    read = [token for token in _read(source) if token[1] not in DROPPED]
    texts = ["", *(text for _, text, _ in read), ""]
    bound = {
        (before == ".", text)  # whether it is an attribute, and its name
        for before, text, after in zip(texts, texts[1:], texts[2:], strict=False)
        if (after == "=" or before == "for") and not keyword.iskeyword(text)
    }
    found: list[tuple[str, int]] = []
    for kind, text, line in read:
        last = found[-1][0] if found else ""
        symbol = text
        if kind == "text":
            quoted = "'" + text.strip("\"'") + "'"
            symbol = quoted if quoted in given else "text"
            if symbol == last == "text":
                continue  # one text that was split
        elif kind == "name":
            known = last == "." or text in FIXED or text in given
            symbol = text if known and (last == ".", text) not in bound else "name"
        found.append((symbol, line))
    return found


def _read(source: str) -> Iterator[tuple[str, str, int]]:
    """Kind (name, text or sign), text and line of each token of a cell but comments, docstrings and white space."""
    line, opens = 0, True  # a text that opens a statement is a docstring
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            name, line = tokenize.tok_name[token.type], token.start[0]
            if name in ("NEWLINE", "INDENT", "DEDENT", "ENCODING"):
                opens = True
            elif name == "STRING" or name.endswith("STRING_START"):  # the second for f-strings since Python 3.12
                if not opens:
                    yield "text", token.string, line
            elif name in ("NAME", "NUMBER", "OP", "ERRORTOKEN") and token.string.strip():
                yield ("name" if name == "NAME" else "sign"), token.string, line
                opens = False
    except (tokenize.TokenError, SyntaxError):
        for number, text in list(enumerate(source.split("\n"), 1))[line:]:
            for word in filter(None, ROUGH.findall(text)):
                yield ("name" if word.isidentifier() else "sign"), word, number
