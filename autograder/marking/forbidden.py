"""Whether a submission's cells use a library that a question forbids, by their text.

It reads text and runs nothing, so code may hide what it calls. Whole libraries are kept out of reach as well while the
question is asked (answering.without); functions that a notebook kept before are left to human readers.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

from nbformat import NotebookNode

from autograder.oracle.questions import Question

HIDES = ("eval", "exec", "compile", "globals", "vars", "sys.modules", "importlib", "__import__", "get_ipython")
PARTS = 10  # of a dotted name
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def violation(question: Question, notebook: NotebookNode) -> str | None:
    """What a notebook uses that a question forbids, in words for the feedback, or None."""
    if not question.forbids:
        return None
    name = first_forbidden(
        question.id, [cell.source for cell in notebook.cells if cell.cell_type == "code"], question.forbids
    )
    return name and f"{name} is used, but this exercise asks you to do without it"


def first_forbidden(question: str, cells: Iterable[str], forbidden: Iterable[str]) -> str | None:
    """The first forbidden name that a question's function uses, itself or through other functions; else None.

    question: the function's name. cells: all code of the notebook, in order. forbidden: dotted names, such as
    "torch.nn.LSTM" or "torch" with all that is in it. What could hide such a use (`exec`, `sys.modules` and the like)
    is forbidden with them.
    """
    aliases: dict[str, str] = {}
    defined: dict[str, list[_Statement]] = {}
    for statement in chain.from_iterable(map(_statements, cells)):
        aliases |= statement.imports
        for name in statement.bound:
            defined.setdefault(name, []).append(statement)
    heads = {name.split(".")[0] for name in forbidden}
    for full in aliases.values():
        if full.endswith(".*") and full.split(".")[0] in heads:  # where its names are used cannot be told any more
            return full
    unwanted = (*forbidden, *(name for name in HIDES if not _has_own_meaning(name, defined.get(name, []))))
    waiting, seen = [question], set()
    read: set[_Statement] = set()  # one may bind many names
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for statement in defined.get(name, []):
            if statement in read:
                continue
            read.add(statement)
            local = aliases | statement.imports
            for dotted in statement.names:
                head, _, rest = dotted.partition(".")
                full = ".".join(filter(None, (local.get(head, head), rest)))
                for word in unwanted:
                    if full == word or full.startswith(f"{word}."):
                        return full
                waiting.append(head)
    return None


def _has_own_meaning(name: str, binding: list[_Statement]) -> bool:
    """Whether the statements that bind a name give it a meaning that is not made of the old one."""
    if any(isinstance(one.node, DEFINITIONS) for one in binding):
        return True
    values = [one.node.value for one in binding if isinstance(one.node, ast.Assign)]
    read = {getattr(inner, field, "") for value in values for inner in ast.walk(value) for field in ("id", "attr")}
    return 0 < len(values) == len(binding) and name not in read


@dataclass(frozen=True, eq=False)
class _Statement:
    """A statement of a cell's top level: names it binds, those it reads from outside, what it imports (`_imports`)."""

    node: ast.stmt

    @cached_property
    def bound(self) -> list[str]:
        return _bound(self.node)

    @cached_property
    def names(self) -> list[str]:
        return list(_names(self.node))

    @cached_property
    def imports(self) -> dict[str, str]:
        return _imports(self.node)


@lru_cache(maxsize=256)
def _statements(source: str) -> list[_Statement]:
    """The statements of a cell, none where it cannot be parsed. Each question reads all cells: they are kept."""
    try:
        return [_Statement(node) for node in ast.parse(source).body]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _imports(tree: ast.AST) -> dict[str, str]:
    """Local names of what is imported anywhere in a tree, with the full name of each."""
    full_names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole, head = alias.name, alias.name.split(".")[0]
                full_names[alias.asname or head] = whole if alias.asname else head
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                full_names[alias.asname or (whole if alias.name == "*" else alias.name)] = whole
    return full_names


def _bound(node: ast.AST) -> list[str]:
    """Names that a statement of a cell's top level defines or assigns."""
    if isinstance(node, DEFINITIONS):
        return [node.name]
    return [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)]


def _names(node: ast.AST, bound: frozenset[str] = frozenset()) -> Iterator[str]:
    """The dotted names that a statement reads from outside of itself. bound: names of the functions around it."""
    bound |= {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        bound |= {name for part in node.body for name in _bound(part)}
        bound -= {name for inner in ast.walk(node) if isinstance(inner, ast.Global) for name in inner.names}
    waiting = [node]
    while waiting:
        inner = waiting.pop()
        if inner is not node and isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _names(inner, bound)
            continue
        waiting += ast.iter_child_nodes(inner)
        parts: list[str] = []
        while isinstance(inner, ast.Attribute) and len(parts) < PARTS:  # of a longer chain, its beginning comes too
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and inner.id not in bound:
            yield ".".join([inner.id, *reversed(parts)])
