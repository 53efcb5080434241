"""Single edits of a cell: every program that is one small change away from it.

They are the slips that people make: another name, number, key, operation, bracket, axis, order of arguments, a line
less. `course mutate` asks each edit of a solution like a student's; what the text of a program says to people
(docstrings, annotations, the words of an error) is left alone.
"""

from __future__ import annotations

import ast
import copy
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from autograder.marking.names import names_at, number_names, strings

ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.MatMult, ast.Pow)
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
ALIKE = (  # functions and attributes that are taken for each other
    ("sum", "mean"),
    ("max", "min"),
    ("argmax", "argmin"),
    ("tanh", "sigmoid"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like", "empty_like"),
    ("float32", "float64"),
    ("exp", "exp2"),
    ("log", "log2"),
    ("train", "eval"),
)
REDUCE = ("sum", "mean", "max", "min", "argmax", "argmin", "all", "any")
UNWRAPPED = ("copy", "clone", "detach", "item", "squeeze", "flatten", "ravel", "tolist", "abs", "sqrt")


@dataclass(frozen=True)
class Edit:
    """One change: the line of the cell that it is on, from 1; what kind of change; the cell's source after it."""

    line: int
    kind: str
    source: str


def edits(source: str, keys: Iterable[str] = ()) -> Iterator[Edit]:
    """All single edits of the functions and classes of a cell, each once. Raises SyntaxError.

    keys: strings that may stand where a string stands, besides those of the cell.
    """
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    for top in tree.body:
        if not isinstance(top, ast.FunctionDef | ast.ClassDef):
            continue
        known = list(dict.fromkeys([*strings(top), *keys]))
        for edit in [*_of_statements(tree, top), *_of_expressions(source, top, known)]:
            if edit.source not in seen:
                seen.add(edit.source)
                yield edit


def changed(source: str, edit: Edit) -> str:
    """What an edit changes, as "old lines -> new lines"."""
    before, after = (ast.unparse(ast.parse(text)).splitlines() for text in (source, edit.source))
    start = next((i for i, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), len(after))
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = (text[start : len(text) - end] for text in (before, after))
    return " -> ".join("; ".join(line.strip() for line in lines) for lines in (old, new))


# ---------------------------------------------------------------------------------------------------- statements


def _of_statements(tree: ast.Module, top: ast.AST) -> Iterator[Edit]:
    countable = number_names(top)
    for owner in ast.walk(top):
        for name in ("body", "orelse"):
            body = getattr(owner, name, None)
            if not isinstance(body, list):
                continue
            changes = [(place, *change) for place in range(len(body)) for change in _statement(body, place, countable)]
            for place, width, kind, new in changes:
                before = body[:]
                body[place : place + width] = new
                yield Edit(before[place].lineno, kind, ast.unparse(ast.fix_missing_locations(tree)))
                body[:] = before


def _statement(body: list[ast.stmt], place: int, numbers: set[str]) -> Iterator[tuple[int, str, list[ast.stmt]]]:
    """Changes of one statement: how many are replaced, the kind, and what stands there then."""
    node = body[place]
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom) or _is_text(node):
        return
    if not isinstance(node, ast.Return) and not isinstance(node, ast.Raise):
        yield 1, "without the line", [ast.Pass()]
    if isinstance(node, ast.Raise):
        yield 1, "without the error", [ast.Pass()]
    if isinstance(node, ast.AugAssign):
        target = copy.deepcopy(node.target)
        for inner in ast.walk(target):
            if isinstance(inner, ast.Name | ast.Attribute | ast.Subscript) and inner is target:
                inner.ctx = ast.Load()
        if not (isinstance(target, ast.Name) and target.id in numbers):
            fresh = ast.Assign([node.target], ast.BinOp(target, node.op, node.value))
            yield 1, "a new value, not the old one changed", [fresh]
        yield 1, "assigned, not added", [ast.Assign([node.target], node.value)]
        for operation in ARITHMETIC:
            if not isinstance(node.op, operation) and operation is not ast.MatMult:
                yield 1, "another operation", [ast.AugAssign(node.target, operation(), node.value)]
    if isinstance(node, ast.If):
        yield 1, "without the condition", node.body
        if node.orelse:
            yield 1, "without the condition", node.orelse
    if isinstance(node, ast.For | ast.While):
        yield 1, "without the loop's last lines", [_with(node, body=[*node.body[:-1], ast.Pass()])]
    if isinstance(node, ast.With):
        yield 1, "without the context", node.body
    if isinstance(node, ast.Break):
        yield 1, "`continue` for `break`", [ast.Continue()]
    if place + 1 < len(body) and not isinstance(body[place + 1], ast.FunctionDef | ast.ClassDef | ast.Return):
        if not _independent(node, body[place + 1]):
            yield 2, "two lines exchanged", [body[place + 1], node]


def _independent(one: ast.stmt, other: ast.stmt) -> bool:
    """Whether two statements can stand in either order: neither binds or changes a name that the other has."""
    pair = (one, other)
    if not all(isinstance(each, ast.Assign | ast.AugAssign) or _raises(each) for each in pair):
        return False
    names = [{node.id for node in ast.walk(each) if isinstance(node, ast.Name)} for each in pair]
    return not (_changed(one) & names[1] or _changed(other) & names[0])


def _raises(node: ast.stmt) -> bool:
    """Whether a statement refuses something and does nothing else."""
    return isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise) and not node.orelse


def _changed(node: ast.stmt) -> set[str]:
    """The names that a statement binds, and those whose parts it sets."""
    stored = [part for part in ast.walk(node) if isinstance(getattr(part, "ctx", None), ast.Store)]
    return {name.id for part in stored for name in ast.walk(part) if isinstance(name, ast.Name)}


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _with(node: ast.stmt, **fields: object) -> ast.stmt:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


# --------------------------------------------------------------------------------------------------- expressions


def _of_expressions(source: str, top: ast.AST, keys: list[str]) -> Iterator[Edit]:
    exchange, bound = exchanger(source), names_at(top)
    for index, node in expressions(top):
        same = {ast.unparse(node)}  # of several changes that give the same, the first; none that changes nothing
        for kind, new in _variants(node, bound(node) if isinstance(node, ast.Name) else [], keys):
            text = ast.unparse(ast.fix_missing_locations(new))
            if text not in same:
                same.add(text)
                yield Edit(node.lineno, kind, exchange(node, new, index))


def exchanger(source: str) -> Callable[[ast.expr, ast.expr, bool], str]:
    """A function that gives the source with one expression in the place of another; index: within square brackets."""
    lines = [line.encode() for line in re.split(r"(?<=\n)", source)]  # as ast counts them, not `splitlines`
    starts = list(itertools.accumulate((len(line) for line in lines), initial=0))
    whole = b"".join(lines)

    def exchange(node: ast.expr, new: ast.expr, index: bool) -> str:
        text = ast.unparse(ast.fix_missing_locations(new))
        text = text[1:-1] if index and isinstance(new, ast.Tuple) else f"({text})"
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)
        return (whole[:start] + text.encode() + whole[end:]).decode()

    return exchange


def expressions(top: ast.AST) -> Iterator[tuple[bool, ast.expr]]:
    """The expressions that a program computes with, and whether each is an index; not words, nor annotations."""
    waiting = [top]
    while waiting:
        parent = waiting.pop()
        for name, value in ast.iter_fields(parent):
            if name in ("annotation", "returns", "decorator_list") or _is_words(parent, name):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.expr) and not (isinstance(parent, ast.Expr) and _is_text(parent)):
                    yield isinstance(parent, ast.Subscript) and name == "slice", child
                if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr):
                    waiting.append(child)


def _is_words(parent: ast.AST, name: str) -> bool:
    """Whether a field holds what an error says, or a check of what cannot differ."""
    strict = isinstance(parent, ast.keyword) and parent.arg == "strict"
    return strict or isinstance(parent, ast.Raise) or (isinstance(parent, ast.Assert) and name == "msg")


def _variants(node: ast.expr, names: list[str], keys: list[str]) -> Iterator[tuple[str, ast.expr]]:
    """What may stand in the place of an expression, and what kind of change that is."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    for change in (_name, _constant, _operation, _logic, _call, _access):
        yield from change(node, names, keys)


def _name(node: ast.expr, names: list[str], keys: list[str]) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Name) and node.id in names:
        for other in names:
            if other != node.id:
                yield "another name", ast.Name(other, ast.Load())


def _constant(node: ast.expr, names: list[str], keys: list[str]) -> Iterator[tuple[str, ast.expr]]:
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield "the opposite", ast.Constant(not value)
    elif isinstance(value, int | float):
        for other in dict.fromkeys((value + 1, value - 1, 0, 1, 2) + ((0.5,) if isinstance(value, float) else ())):
            if other != value:
                yield "another number", ast.Constant(other)
    elif isinstance(value, str) and value in keys:
        for key in keys:
            if key != value:
                yield "another key", ast.Constant(key)


def _operation(node: ast.expr, names: list[str], keys: list[str]) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.BinOp):
        left, operation, right = node.left, node.op, node.right
        for other in ARITHMETIC:
            if not isinstance(operation, other):
                yield "another operation", ast.BinOp(left, other(), right)
        yield "without the right side of an operation", left
        yield "without the left side of an operation", right
        if isinstance(operation, ast.Sub | ast.Div | ast.MatMult | ast.Pow | ast.FloorDiv | ast.Mod):
            yield "sides exchanged", ast.BinOp(right, operation, left)
        if isinstance(left, ast.BinOp) and not _associative(left.op, operation):
            yield "other brackets", ast.BinOp(left.left, left.op, ast.BinOp(left.right, operation, right))
        if isinstance(right, ast.BinOp) and not _associative(operation, right.op):
            yield "other brackets", ast.BinOp(ast.BinOp(left, operation, right.left), right.op, right.right)
    if isinstance(node, ast.UnaryOp):
        yield "without the sign", node.operand


def _associative(first: ast.operator, second: ast.operator) -> bool:
    """Whether brackets make no difference in `a first b second c`."""
    sums = isinstance(first, ast.Add) and isinstance(second, ast.Add | ast.Sub)
    products = isinstance(first, ast.Mult) and isinstance(second, ast.Mult | ast.Div)
    return sums or products or (isinstance(first, ast.MatMult) and isinstance(second, ast.MatMult))


def _logic(node: ast.expr, names: list[str], keys: list[str]) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], COMPARISONS):
        for other in COMPARISONS:
            if not isinstance(node.ops[0], other):
                yield "another comparison", ast.Compare(node.left, [other()], node.comparators)
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        for place in range(len(node.ops)):
            for other in COMPARISONS[:4]:
                if not isinstance(node.ops[place], other):
                    ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
                    yield "another comparison", ast.Compare(node.left, ops, node.comparators)
    if isinstance(node, ast.BoolOp):
        yield (
            "`and` and `or` exchanged",
            ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values),
        )
        for place in range(len(node.values)):
            rest = node.values[:place] + node.values[place + 1 :]
            yield "a condition less", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    if isinstance(node, ast.IfExp):
        yield "without the case", node.body
        yield "without the case", node.orelse


def _call(node: ast.expr, names: list[str], keys: list[str]) -> Iterator[tuple[str, ast.expr]]:
    if not isinstance(node, ast.Call):
        return
    function, arguments = node.func, node.args
    if len(arguments) == 1 and not isinstance(arguments[0], ast.Starred | ast.GeneratorExp):
        yield "without the call", arguments[0]
    if isinstance(function, ast.Attribute) and (
        function.attr in (*UNWRAPPED, *REDUCE) and not (isinstance(function.value, ast.Name) and arguments)
    ):
        yield "without the call", function.value
    for place in range(len(arguments)):
        if len(arguments) > 1:
            rest = arguments[:place] + arguments[place + 1 :]
            yield "an argument less", ast.Call(function, rest, node.keywords)
        for earlier in range(place):
            exchanged = list(arguments)
            exchanged[place], exchanged[earlier] = exchanged[earlier], exchanged[place]
            yield "arguments exchanged", ast.Call(function, exchanged, node.keywords)
    for place, keyword in enumerate(node.keywords):
        if keyword.arg == "strict":  # a check of what cannot differ
            continue
        if isinstance(function, ast.Name) and function.id == "dict":
            for key in keys:
                if keyword.arg and key != keyword.arg:
                    renamed = [*node.keywords[:place], ast.keyword(key, keyword.value), *node.keywords[place + 1 :]]
                    yield "another key", ast.Call(function, arguments, renamed)
        rest_of = node.keywords[:place] + node.keywords[place + 1 :]
        yield "an argument less", ast.Call(function, arguments, rest_of)
        if keyword.arg in ("axis", "dim"):
            for axis in (0, 1, -1):
                yield "another axis", ast.Call(function, arguments, _keyword(node.keywords, place, ast.Constant(axis)))
    if isinstance(function, ast.Attribute) and function.attr in REDUCE:
        if not {keyword.arg for keyword in node.keywords} & {"axis", "dim"} and not arguments:
            for axis in (0, -1):
                axes = [*node.keywords, ast.keyword("axis", ast.Constant(axis))]
                yield "another axis", ast.Call(function, arguments, axes)


def _keyword(keywords: Iterable[ast.keyword], place: int, value: ast.expr) -> list[ast.keyword]:
    return [ast.keyword(one.arg, value) if number == place else one for number, one in enumerate(keywords)]


def _access(node: ast.expr, names: list[str], keys: list[str]) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Attribute):
        if node.attr == "T":
            yield "without the transpose", node.value
        for group in ALIKE:
            for other in group if node.attr in group else ():
                if other != node.attr:
                    yield "another function", ast.Attribute(node.value, other, ast.Load())
    if isinstance(node, ast.Subscript):
        yield "without the index", node.value
        if isinstance(node.slice, ast.Slice):
            low, high, step = node.slice.lower, node.slice.upper, node.slice.step
            ends = ((None, high), (ast.Constant(1), high), (low, None), (low, ast.Constant(-1)))
            for lower, upper in ends:
                yield "another slice", ast.Subscript(node.value, ast.Slice(lower, upper, step), ast.Load())
    if isinstance(node, ast.Tuple):
        for place in range(1, len(node.elts)):
            exchanged = list(node.elts)
            exchanged[place - 1], exchanged[place] = exchanged[place], exchanged[place - 1]
            yield "entries exchanged", ast.Tuple(exchanged, ast.Load())
