"""At which rank `course similar` finds disguised twins, how alike independent submissions are, and how long it takes.

    python benchmarks/similarity.py ranks [hw4_gru_gradients]
    python benchmarks/similarity.py seconds [hw4_gru_gradients]

A class is made up: each student takes for each question the course's solution, one of its alternatives or one of its
misconceptions and rewrites it by chance, with a strength of their own. All start from the same few texts and have the
same few rewrites, so they are more alike than people who each write their own. Then twins come in: another student's
submission, disguised in one way each.
"""

from __future__ import annotations

import ast
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from autograder.build.builder import build
from autograder.course.paths import OWN, Assignment
from autograder.oracle.questions import edited_cell, load_questions
from autograder.similarity.report import Comparison, compare_class, page
from autograder.similarity.tokens import FIXED
from autograder.verification.samples import filled_notebook, hand_in, solution_cells

Cells = dict[str, str]
Disguise = Callable[[random.Random, Cells], Cells]
WORDS = ("state", "grad", "value", "tmp", "result", "total", "part", "inner", "outer", "item", "acc", "now", "then")
CLASSES, SIZE = 10, 60
ENOUGH = 20  # fingerprints; a submission of fewer is nearly the course's own text


class Rewrite(ast.NodeTransformer):
    """Rewrites of equal meaning, each with the chance `strength` wherever it is possible."""

    def __init__(self, rng: random.Random, strength: float, kinds: str):
        self.rng, self.strength, self.kinds, self.fresh = rng, strength, kinds.split(), 0

    def does(self, kind: str) -> bool:
        return kind in self.kinds and self.rng.random() < self.strength

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, (ast.Add, ast.Mult)) and self.does("commute"):
            node.left, node.right = node.right, node.left
        if isinstance(node.op, ast.MatMult) and self.does("spell"):
            return ast.Call(ast.Attribute(node.left, "dot", ast.Load()), [node.right], [])
        if isinstance(node.op, ast.Pow) and ast.unparse(node.right) == "2" and self.does("spell"):
            return ast.BinOp(node.left, ast.Mult(), node.left)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not self.does("spell"):
            return node
        target = ast.parse(ast.unparse(node.target), mode="eval").body
        return ast.Assign([node.target], ast.BinOp(target, node.op, node.value))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.body = self.block(node.body)
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.body = self.block(node.body)
        if isinstance(node.target, ast.Name) and isinstance(node.iter, ast.Name) and self.does("loop"):
            index, source = self.name(), node.iter.id
            node.body.insert(0, ast.parse(f"{node.target.id} = {source}[{index}]").body[0])
            node.target, node.iter = ast.Name(index), ast.parse(f"range(len({source}))", mode="eval").body
        return node

    def name(self) -> str:
        self.fresh += 1
        return f"{self.rng.choice(WORDS)}_{self.fresh}"

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """A body with values named before they are used, comprehensions as loops, neighbours swapped."""
        done: list[ast.stmt] = []
        for statement in body:
            if isinstance(statement, (ast.Return, ast.Assign)) and statement.value is not None:
                if isinstance(statement.value, (ast.DictComp, ast.ListComp)) and self.does("loop"):
                    done += self.as_loop(statement)
                    continue
                if self.does("name"):
                    self.extract(statement, done)
                if isinstance(statement, ast.Return) and self.does("name"):
                    name = self.name()
                    done.append(ast.Assign([ast.Name(name)], statement.value))
                    statement = ast.Return(ast.Name(name))
            done.append(statement)
        for i in range(len(done) - 1):
            if self.does("swap") and independent(done[i], done[i + 1]):
                done[i], done[i + 1] = done[i + 1], done[i]
        return done

    def extract(self, statement: ast.Return | ast.Assign, before: list[ast.stmt]) -> None:
        inner = [node for node in ast.walk(statement) if isinstance(node, ast.BinOp)]
        scopes = (ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.Lambda, ast.IfExp)
        if any(isinstance(node, scopes) for node in ast.walk(statement)):
            return
        chosen = [node for node in inner if isinstance(node.left, (ast.Call, ast.BinOp, ast.Subscript))]
        if chosen:
            node, name = self.rng.choice(chosen), self.name()
            before.append(ast.Assign([ast.Name(name)], node.left))
            node.left = ast.Name(name)

    def as_loop(self, statement: ast.Return | ast.Assign) -> list[ast.stmt]:
        value, name = statement.value, self.name()
        assert isinstance(value, (ast.DictComp, ast.ListComp))
        lines = [f"{name} = {'[]' if isinstance(value, ast.ListComp) else '{}'}"]
        for depth, part in enumerate(value.generators):
            lines.append("    " * depth + f"for {ast.unparse(part.target)} in {ast.unparse(part.iter)}:")
        inner = "    " * len(value.generators)
        if isinstance(value, ast.ListComp):
            lines.append(f"{inner}{name}.append({ast.unparse(value.elt)})")
        else:
            lines.append(f"{inner}{name}[{ast.unparse(value.key)}] = {ast.unparse(value.value)}")
        if any(part.ifs for part in value.generators):
            return [statement]
        statement.value = ast.Name(name)
        return [*ast.parse("\n".join(lines)).body, statement]


def independent(first: ast.stmt, second: ast.stmt) -> bool:
    """Whether two assignments may change places: neither uses nor binds what the other binds."""
    if not (isinstance(first, ast.Assign) and isinstance(second, ast.Assign)):
        return False
    names = [{node.id for node in ast.walk(part) if isinstance(node, ast.Name)} for part in (first, second)]
    bound = [
        {node.id for target in part.targets for node in ast.walk(target) if isinstance(node, ast.Name)}
        for part in (first, second)
    ]
    return not (bound[0] & names[1] or bound[1] & names[0])


def rewrite(rng: random.Random, cells: Cells, strength: float, kinds: str) -> Cells:
    """Each cell rewritten; the docstring and what cannot be parsed stay."""
    done = {}
    for name, source in cells.items():
        tree = Rewrite(rng, strength, kinds).visit(ast.parse(source))
        done[name] = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    return done


def renamed(rng: random.Random, cells: Cells) -> Cells:
    """Every parameter and local variable under another name."""
    done = {}
    for name, source in cells.items():
        tree = ast.parse(source)
        bound = [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)]
        bound += [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        other = {old: f"{rng.choice(WORDS)}{k}" for k, old in enumerate(dict.fromkeys(bound)) if old not in FIXED}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                node.id = other.get(node.id, node.id)
            elif isinstance(node, ast.arg):
                node.arg = other.get(node.arg, node.arg)
        done[name] = ast.unparse(tree) + "\n"
    return done


def commented(rng: random.Random, cells: Cells) -> Cells:
    """A comment or an empty line after each line."""
    return {
        name: "\n".join(f"{line}  # {rng.choice(WORDS)}\n" for line in source.split("\n"))
        for name, source in cells.items()
    }


def split(rng: random.Random, cells: Cells) -> Cells:
    """Values in brackets over several lines, simple statements side by side."""
    done = {}
    for name, source in cells.items():
        lines: list[str] = []
        for line in source.split("\n"):
            head, equals, tail = line.partition(" = ")
            indent = line[: len(line) - len(line.lstrip())]
            if equals and tail.count("(") == tail.count(")") and " + " in tail:
                line = f"{head} = (" + tail.replace(" + ", f"\n{indent}        + ") + f"\n{indent})"
            elif (
                equals and lines and lines[-1].startswith(f"{indent}") and " = " in lines[-1] and "\n" not in lines[-1]
            ):
                if lines[-1][len(indent)] != " " and not lines[-1].rstrip().endswith((":", "(", ",")):
                    lines[-1] += f"; {line.strip()}"
                    continue
            lines.append(line)
        ast.parse("\n".join(lines))
        done[name] = "\n".join(lines)
    return done


def chain(*steps: Disguise) -> Disguise:
    """One disguise after another."""

    def done(rng: random.Random, cells: Cells) -> Cells:
        for step in steps:
            cells = step(rng, cells)
        return cells

    return done


def by(kinds: str, strength: float) -> Disguise:
    return lambda rng, cells: rewrite(rng, cells, strength, kinds)


ALL = "commute spell loop name swap"
DISGUISES: dict[str, Disguise] = {
    "word for word": lambda rng, cells: dict(cells),
    "renamed": renamed,
    "comments added": commented,
    "lines split and merged": split,
    "statements reordered": by("swap", 1.0),
    "comprehensions as loops": by("loop", 1.0),
    "renamed, commented, reordered, split": chain(renamed, by("swap", 1.0), split, commented),
    "a fifth of all places rewritten": by(ALL, 0.2),
    "half of all places rewritten": by(ALL, 0.5),
    "every place rewritten, renamed": chain(by(ALL, 1.0), renamed),
}


def student(rng: random.Random, assignment: Assignment) -> Cells:
    """A submission of a student who works alone."""
    cells = solution_cells(assignment)
    for question in load_questions(assignment):
        luck = rng.random()
        if luck < 0.45 and question.alternatives:
            cells |= edited_cell(assignment, question, rng.choice(question.alternatives))
        elif luck < 0.6 and question.misconceptions:
            cells |= edited_cell(assignment, question, rng.choice(question.misconceptions))
    return rewrite(rng, cells, rng.uniform(0.0, 0.6), ALL)


def a_class(
    rng: random.Random, assignment: Assignment, size: int
) -> tuple[dict[str, Cells], dict[tuple[str, str], str]]:
    """Each student's cells, and which pairs are twins of which kind; the last twin did half of its questions alone."""
    works = {f"student-{k:02d}": student(rng, assignment) for k in range(1, size + 1)}
    models = rng.sample(sorted(works), len(DISGUISES) + 1)
    twins = {}
    for k, (kind, disguise) in enumerate([*DISGUISES.items(), ("half of the questions", renamed)], size + 1):
        model, name = models[k - size - 1], f"student-{k:02d}"
        works[name] = disguise(rng, works[model])
        if kind == "half of the questions":
            own = student(rng, assignment)
            works[name] |= {cell: own[cell] for cell in rng.sample(sorted(own), len(own) // 2)}
        twins[model, name] = kind
    return works, twins


def compared(assignment: Assignment, works: dict[str, Cells]) -> Comparison:
    """A class handed in to a course folder and compared as `course similar` does."""
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder)
        build(assignment, course)
        for name, cells in works.items():
            hand_in(course, name, assignment, filled_notebook(assignment, cells))
        started = time.perf_counter()
        found = compare_class(course, assignment)
        print(f"{len(works)} submissions compared in {time.perf_counter() - started:.1f} s", file=sys.stderr)
        return found


def ranks(assignment: Assignment) -> None:
    """How many independent pairs stand above each kind of twin, and how alike independent pairs are."""
    above, values = defaultdict(list), defaultdict(list)
    small = 0
    alone: list[list[float]] = []
    for seed in range(CLASSES):
        works, twins = a_class(random.Random(seed), assignment, SIZE)
        pairs = compared(assignment, works).pairs
        sizes = {work.student: len(work.fingerprints) for pair in pairs for work in pair.works}
        likeness = {tuple(sorted(work.student for work in pair.works)): pair.likeness for pair in pairs}
        alone.append(sorted((value for names, value in likeness.items() if names not in twins), reverse=True))
        alone[-1] += [0.0] * (len(works) * (len(works) - 1) // 2 - len(twins) - len(alone[-1]))
        for names, kind in twins.items():
            if sizes.get(names[0], 0) < ENOUGH:
                small += 1
                continue
            value = likeness.get(names, 0.0)
            values[kind].append(value)
            above[kind].append(sum(other >= value for other in alone[-1]))
    print(f"{assignment}: {CLASSES} classes of {SIZE} and {len(DISGUISES) + 1} twins; ", end="")
    print(f"left out: {small} twins of submissions with fewer than {ENOUGH} fingerprints\n")
    print("| twin | twins | likeness, median | lowest | independent pairs above it, median | most |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind in [*DISGUISES, "half of the questions"]:
        found, places = values[kind], above[kind]
        figures = f"{statistics.median(found):.2f} | {min(found):.2f} | {statistics.median(places):g} | {max(places)}"
        print(f"| {kind} | {len(found)} | {figures} |")
    middle = statistics.median(value for values in alone for value in values)
    most = [values[len(values) // 100] for values in alone]
    best = [values[0] for values in alone]
    print(f"\nindependent pairs: median {middle:.2f}, 99th percentile {min(most):.2f} to {max(most):.2f}, ", end="")
    print(f"most alike of a class {min(best):.2f} to {max(best):.2f}")


def seconds(assignment: Assignment, size: int = 1000) -> None:
    """How long a large class takes, and how large its page is."""
    rng = random.Random(0)
    found = compared(assignment, {f"student-{k:04d}": student(rng, assignment) for k in range(1, size + 1)})
    started = time.perf_counter()
    text = page(found)
    print(f"page of {len(text) / 1000:.0f} kB in {time.perf_counter() - started:.1f} s, {len(found.pairs)} pairs share")


if __name__ == "__main__":
    task = {"ranks": ranks, "seconds": seconds}[sys.argv[1]]
    for name in OWN.pick(sys.argv[2:] or ["hw4"]):
        task(name)
