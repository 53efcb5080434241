"""What may have been left out of a cell: every program with one small thing more, or with a line moved.

Where a student's answer is wrong, one of these or of the single edits (edits.py) may make it right: then the line at
fault is known. They are too many to ask each of a solution.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator, Mapping

from autograder.marking.edits import Edit, exchanger, expressions
from autograder.marking.names import bound_names, names_at

VALUES = ast.Name | ast.BinOp | ast.Call | ast.Subscript | ast.Attribute
PLACES = ast.Name | ast.Subscript | ast.Attribute  # what can be changed in place
ALIKE = (  # functions that are taken for each other, besides those of edits.py
    ("stack", "concatenate", "hstack", "vstack"),
    ("max", "argmax"),
    ("min", "argmin"),
    ("dot", "matmul", "multiply", "outer"),
    ("append", "extend"),
    ("sum", "cumsum"),
    ("view", "reshape"),
    ("t", "flatten"),
)
WRAPPED = ("list", "tuple", "int", "float", "reversed", "len", "abs")


def moved(source: str) -> Iterator[Edit]:
    """The programs with a line elsewhere: out of a loop or into it, further down; or added where it is assigned.

    Raises SyntaxError.
    """
    tree = ast.parse(source)
    return _once(source, (edit for top in _tops(tree) for edit in _moved(tree, top)))


def small(source: str) -> Iterator[Edit]:
    """The programs with a sign, a complement, a copy, a transpose, an index, a conversion more. Raises SyntaxError."""
    exchange = exchanger(source)
    return _once(
        source,
        (
            Edit(node.lineno, kind, exchange(node, new, index))
            for top in _tops(ast.parse(source))
            for index, node in _values(top)
            for kind, new in _more(node)
        ),
    )


def terms(source: str, entries: Mapping[str, Iterable[str]] | None = None) -> Iterator[Edit]:
    """The programs with an argument, a factor or a term more, of what is there. Raises SyntaxError.

    entries: dicts' names with their keys; their entries count as there where the name does.
    """
    exchange = exchanger(source)
    return _once(
        source,
        (
            Edit(node.lineno, kind, exchange(node, new, index))
            for more in (_entries, _arguments, _terms)
            for top in _tops(ast.parse(source))
            for bound in (names_at(top),)
            for index, node in _values(top)
            for kind, new in more(node, _there(bound(node), entries or {}))
        ),
    )


def _there(names: list[str], entries: Mapping[str, Iterable[str]]) -> list[ast.expr]:
    """What names stand for, and the entries of dicts among them."""
    found = [
        ast.Subscript(ast.Name(name), ast.Constant(key)) for name in entries if name in names for key in entries[name]
    ]
    return [*(ast.Name(name, ast.Load()) for name in names), *found]


def _entries(node: ast.expr, others: list[ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    for other in others:
        if isinstance(other, ast.Subscript):
            yield "a term more", ast.BinOp(node, ast.Add(), other)


def _tops(tree: ast.Module) -> list[ast.stmt]:
    return [top for top in tree.body if isinstance(top, ast.FunctionDef | ast.ClassDef)]


def _once(source: str, changes: Iterator[Edit]) -> Iterator[Edit]:
    seen = {source}
    for edit in changes:
        if edit.source not in seen:
            seen.add(edit.source)
            yield edit


def _values(top: ast.AST) -> Iterator[tuple[bool, ast.expr]]:
    """The expressions that something may be done to; not the functions that are called, nor the modules they are of."""
    called = [node.func for node in ast.walk(top) if isinstance(node, ast.Call)]
    names = set(bound_names(top))
    called += [n.value for n in called if isinstance(n, ast.Attribute) and _root(n.value) not in {*names, "self", ""}]
    for index, node in expressions(top):
        if node in called:
            continue
        if isinstance(node, VALUES) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            yield index, node


def _root(node: ast.expr) -> str:
    """The name that a chain of attributes begins with; none where it begins with another value."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _more(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    yield "the other sign", ast.UnaryOp(ast.USub(), node)
    yield "1 minus this", ast.BinOp(ast.Constant(1), ast.Sub(), node)
    yield "one more", ast.BinOp(node, ast.Add(), ast.Constant(1))
    yield "one less", ast.BinOp(node, ast.Sub(), ast.Constant(1))
    yield "half of it", ast.BinOp(ast.Constant(0.5), ast.Mult(), node)
    yield "twice this", ast.BinOp(ast.Constant(2), ast.Mult(), node)
    yield "its square", ast.BinOp(node, ast.Pow(), ast.Constant(2))
    yield "its transpose", ast.Attribute(node, "T", ast.Load())
    for axis in (0, 1, -1):
        yield "a sum over an axis", _method(node, "sum", axis=axis)
        yield "a mean over an axis", _method(node, "mean", axis=axis)
    yield "a sum", _method(node, "sum")
    yield "a mean", _method(node, "mean")
    for method in ("copy", "clone", "detach", "tolist", "item"):
        if isinstance(node, PLACES) or method in ("tolist", "item", "detach"):
            yield f"`.{method}()`", _method(node, method)
    for lower, upper, step in ((1, None, None), (None, -1, None), (None, None, -1)):
        ends = [None if end is None else ast.Constant(end) for end in (lower, upper, step)]
        yield "another slice", ast.Subscript(node, ast.Slice(*ends), ast.Load())
    for place in (0, -1):
        yield "an index", ast.Subscript(node, ast.Constant(place), ast.Load())
    for function in WRAPPED:
        yield f"`{function}`", ast.Call(ast.Name(function, ast.Load()), [node], [])
    if isinstance(node, ast.BinOp):
        yield from _brackets(node)
        if isinstance(node.op, ast.Div) and isinstance(node.left, ast.BinOp) and isinstance(node.left.op, ast.Mult):
            above = ast.BinOp(node.left.left, ast.Mult(), node.right)
            yield "a fraction the other way up", ast.BinOp(above, ast.Div(), node.left.right)
    if isinstance(node, ast.Attribute):
        for other in _alike(node):
            yield "another function", other
    if isinstance(node, ast.Call):
        for other in _alike(node.func):
            yield "another function", ast.Call(other, node.args, node.keywords)
        if isinstance(node.func, ast.Name) and node.func.id in ("max", "min"):
            best = ast.Attribute(ast.Name("np", ast.Load()), f"arg{node.func.id}", ast.Load())
            yield "another function", ast.Call(best, node.args, [])
        for axis in (0, 1, -1):
            if not {keyword.arg for keyword in node.keywords} & {"axis", "dim"}:
                keywords = [*node.keywords, ast.keyword("axis", ast.Constant(axis))]
                yield "an axis", ast.Call(node.func, node.args, keywords)
        if "keepdims" not in {keyword.arg for keyword in node.keywords}:
            kept = [*node.keywords, ast.keyword("keepdims", ast.Constant(True))]
            yield "axes kept", ast.Call(node.func, node.args, kept)


def _alike(function: ast.expr) -> Iterator[ast.Attribute]:
    if isinstance(function, ast.Attribute):
        for group in ALIKE:
            for other in group if function.attr in group else ():
                if other != function.attr:
                    yield ast.Attribute(function.value, other, ast.Load())


def _brackets(node: ast.BinOp) -> Iterator[tuple[str, ast.expr]]:
    """What stands beside a call, within it: the sum of squares for the square of a sum."""
    for call, inside in (
        (node.left, lambda value: ast.BinOp(value, node.op, node.right)),
        (node.right, lambda value: ast.BinOp(node.left, node.op, value)),
    ):
        if isinstance(call, ast.Call) and call.args:
            yield "other brackets", ast.Call(call.func, [inside(call.args[0]), *call.args[1:]], call.keywords)
        elif isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            function = ast.Attribute(inside(call.func.value), call.func.attr, ast.Load())
            yield "other brackets", ast.Call(function, [], call.keywords)


def _method(node: ast.expr, name: str, **numbers: int) -> ast.expr:
    keywords = [ast.keyword(key, ast.Constant(number)) for key, number in numbers.items()]
    return ast.Call(ast.Attribute(node, name, ast.Load()), [], keywords)


def _arguments(node: ast.expr, others: list[ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    if not isinstance(node, ast.Call):
        return
    for place in range(len(node.args) + 1):
        for other in others:
            given = [*node.args[:place], other, *node.args[place:]]
            yield "an argument more", ast.Call(node.func, given, node.keywords)


def _terms(node: ast.expr, others: list[ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    for more in others:
        rest = ast.BinOp(ast.Constant(1), ast.Sub(), more)
        length = ast.Call(ast.Name("len", ast.Load()), [more], [])
        yield "a factor more", ast.BinOp(node, ast.Mult(), more)
        yield "a term more", ast.BinOp(node, ast.Add(), more)
        yield "a term less", ast.BinOp(node, ast.Sub(), more)
        yield "a division more", ast.BinOp(node, ast.Div(), more)
        yield "a division more", ast.BinOp(node, ast.Div(), length)
        yield "a factor more", ast.BinOp(node, ast.Mult(), rest)


def _moved(tree: ast.Module, top: ast.AST) -> Iterator[Edit]:
    for owner in ast.walk(top):
        for field in ("body", "orelse"):
            body = getattr(owner, field, None)
            if not isinstance(body, list):
                continue
            before = body[:]
            for place, line in enumerate(before):
                for kind, number, new in _movings(before, place, line):
                    body[:] = new
                    yield Edit(number, kind, ast.unparse(ast.fix_missing_locations(tree)))
                    body[:] = before


def _movings(body: list[ast.stmt], place: int, line: ast.stmt) -> Iterator[tuple[str, int, list[ast.stmt]]]:
    """Changes of a block around one of its lines: the kind, the number of the line that is meant, the block then."""
    if isinstance(line, ast.Assign) and len(line.targets) == 1 and isinstance(line.targets[0], PLACES):
        added = ast.AugAssign(line.targets[0], ast.Add(), line.value)
        yield "added, not assigned", line.lineno, [*body[:place], added, *body[place + 1 :]]
    if isinstance(line, ast.Expr):
        for kept in _kept(line.value):
            yield "what it gives, kept,", line.lineno, [*body[:place], kept, *body[place + 1 :]]
    if isinstance(line, ast.For | ast.While) and not line.orelse:
        for inner in range(len(line.body)):
            if len(line.body) > 1:
                rest = _loop(line, [*line.body[:inner], *line.body[inner + 1 :]])
                outside = line.body[inner]
                yield "moved before the loop", outside.lineno, [*body[:place], outside, rest, *body[place + 1 :]]
                yield "moved after the loop", outside.lineno, [*body[:place], rest, outside, *body[place + 1 :]]
        if place:
            inside = _loop(line, [body[place - 1], *line.body])
            yield "moved into the loop", body[place - 1].lineno, [*body[: place - 1], inside, *body[place + 1 :]]
        if place + 1 < len(body) and not isinstance(body[place + 1], ast.Return):
            inside = _loop(line, [*line.body, body[place + 1]])
            yield "moved into the loop", body[place + 1].lineno, [*body[:place], inside, *body[place + 2 :]]
    for other in range(place + 2, len(body)):
        if not isinstance(body[other], ast.Return):
            later = [*body[:place], *body[place + 1 : other + 1], line, *body[other + 1 :]]
            yield "moved further down", line.lineno, later
            earlier = [*body[:place], body[other], *body[place:other], *body[other + 1 :]]
            yield "moved further up", body[other].lineno, earlier


def _kept(value: ast.expr) -> Iterator[ast.stmt]:
    """Lines that keep what a method gives, where a line throws it away: in place, or assigned."""
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)):
        return
    changed, method = value.func.value, value.func.attr
    if isinstance(changed, PLACES) and not method.endswith("_"):
        in_place = ast.Attribute(changed, f"{method}_", ast.Load())
        yield ast.Expr(ast.Call(in_place, value.args, value.keywords))
        stored = copy.copy(changed)
        stored.ctx = ast.Store()
        yield ast.Assign([stored], value)


def _loop(loop: ast.For | ast.While, body: list[ast.stmt]) -> ast.stmt:
    if isinstance(loop, ast.For):
        return ast.For(loop.target, loop.iter, body, [], lineno=loop.lineno)
    return ast.While(loop.test, body, [])
