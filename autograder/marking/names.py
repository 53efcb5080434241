"""The names of a program: which a definition binds, which may be bound at a place, which are numbers; short strings."""

from __future__ import annotations

import ast
from collections.abc import Callable


def bound_names(top: ast.AST) -> list[str]:
    """The names that a definition binds: its arguments and variables."""
    found = []
    for node in ast.walk(top):
        if isinstance(node, ast.arg) and node.arg != "self":
            found.append(node.arg)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append(node.id)
    return list(dict.fromkeys(found))


def unread_names(source: str) -> list[str]:
    """The names that a program binds and never reads. Raises SyntaxError for what is no program."""
    tree = ast.parse(source)
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return [name for name in bound_names(tree) if name not in read and name != "_"]


def names_at(top: ast.AST) -> Callable[[ast.AST], list[str]]:
    """A function that tells which of the names that a definition binds may be bound where one of its parts stands.

    They are those of the functions around it: arguments, what was assigned above, or below in a loop around it.
    """
    names, scopes = bound_names(top), dict[int, tuple[ast.AST, ...]]()

    def enter(node: ast.AST, around: tuple[ast.AST, ...]) -> None:
        scopes[id(node)] = around
        inside = (*around, node) if isinstance(node, ast.FunctionDef | ast.For | ast.While) else around
        for child in ast.iter_child_nodes(node):
            enter(child, inside)

    enter(top, ())
    stores: dict[str, list[ast.AST]] = {name: [] for name in names}
    for node in ast.walk(top):
        name = node.arg if isinstance(node, ast.arg) else node.id if isinstance(node, ast.Name) else ""
        if name in stores and isinstance(getattr(node, "ctx", ast.Store()), ast.Store):
            stores[name].append(node)

    def bound(node: ast.AST) -> list[str]:
        around = scopes[id(node)]
        functions = {scope for scope in around if isinstance(scope, ast.FunctionDef)}
        innermost = [scope for scope in around if isinstance(scope, ast.FunctionDef)][-1:]

        def reaches(store: ast.AST) -> bool:
            theirs = [scope for scope in scopes[id(store)] if isinstance(scope, ast.FunctionDef)]
            if theirs[-1:] != innermost:  # an outer function's, or another's
                return bool(theirs) and set(theirs) <= functions
            loops = set(around) & set(scopes[id(store)]) - functions
            return isinstance(store, ast.arg) or store.lineno <= node.lineno or bool(loops)  # type: ignore[attr-defined]

        return [name for name in names if any(reaches(store) for store in stores[name])]

    return bound


def strings(top: ast.AST | str) -> list[str]:
    """Short strings of a program that may be keys or names of modes."""
    top = ast.parse(top) if isinstance(top, str) else top
    texts = [node.value for node in ast.walk(top) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return list(dict.fromkeys(text for text in texts if text.isidentifier() and len(text) < 20))


def number_names(top: ast.AST) -> set[str]:
    """The names that begin as a number: whether they are changed in place makes no difference."""
    found = set()
    for node in ast.walk(top):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=False))
                found |= {name.id for name, value in pairs if isinstance(name, ast.Name) and _is_number(value)}
    return found


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)
