"""Answer a case's program with plain data. Standard library and numpy only: this file's text runs in both processes.

The grader calls `answer` over the solution; the student's kernel is sent this file's source and does the same over the
notebook's names, by `answer_all`. Values cross as JSON: numbers, strings, lists, tuples, dicts, arrays and tensors as
dtype, shape and bytes, exceptions as their types. Nothing is pickled, and all other types are refused by name.
What comes from a kernel is bounded before it is parsed (`read_answers`) and allocates no more than its size (`decode`).
"""

import ast
import base64
import contextlib
import inspect
import json
import math
import os
import signal
import sys
import time
import types

LIMIT = 64 << 20  # bytes of one question's answers, and of one array
PARTS = 1_000_000  # brackets and commas of one question's answers


def encode(value, depth=0):
    """A value as JSON-ready plain data, in the normal form in which answers are compared.

    A numpy scalar, or an array or tensor without axes, is a number; a named tuple is a tuple, an OrderedDict a dict.
    Raises TypeError for anything that is not plain data, ValueError for what is too large or too deep.
    """
    if depth > 20:
        raise ValueError("what is nested more than 20 deep")
    if value is None or isinstance(value, str):
        return {"kind": "none"} if value is None else {"kind": "text", "value": str(value)}
    if isinstance(value, bytes):
        return {"kind": "bytes", "value": base64.b64encode(value).decode()}
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        tensor = value.detach().cpu().resolve_conj().resolve_neg()
        if tensor.ndim == 0:
            return encode(tensor.item(), depth)
        if tensor.numel() * tensor.element_size() > LIMIT:
            raise ValueError("a tensor larger than 64 MiB")
        dtype = str(tensor.dtype).removeprefix("torch.")
        if not tensor.numel():
            return _array("tensor", dtype, tensor.shape, b"")
        flat = tensor.reshape(-1).clone(memory_format=torch.contiguous_format)  # strides may be anything, also 0
        return _array("tensor", dtype, tensor.shape, flat.view(torch.uint8).numpy().tobytes())
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        array = numpy.asarray(value)
        if array.dtype.kind not in "biufc":
            raise TypeError("an array that does not hold numbers")
        if array.ndim == 0:
            return encode(array.item(), depth)
        if array.nbytes > LIMIT:
            raise ValueError("an array larger than 64 MiB")
        return _array("array", array.dtype.name, array.shape, array.tobytes())
    if isinstance(value, bool):
        return {"kind": "truth", "value": bool(value)}
    if isinstance(value, int):
        return {"kind": "whole number", "value": str(int(value))}
    if isinstance(value, float):
        value = float(value)
        return {"kind": "number", "value": value if math.isfinite(value) else str(value)}
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return {"kind": kind, "value": [encode(item, depth + 1) for item in value]}
    if isinstance(value, dict):
        items = [[encode(key, depth + 1), encode(item, depth + 1)] for key, item in value.items()]
        return {"kind": "dict", "value": items}
    raise TypeError(f"{type(value).__name__}, which is not plain data")


def _array(kind, dtype, shape, data):
    return {"kind": kind, "dtype": dtype, "shape": list(shape), "value": base64.b64encode(data).decode()}


def decode(data):
    """The value that `encode` took; arrays are fresh and writable. Raises an error for anything else."""
    kind, value = data["kind"], data.get("value")
    if kind == "none":
        return None
    if kind == "bytes":
        return base64.b64decode(value)
    if kind == "whole number":
        return int(value)
    if kind == "number":
        return float(value)
    if kind in ("list", "tuple"):
        items = [decode(item) for item in value]
        return items if kind == "list" else tuple(items)
    if kind == "dict":
        return {decode(key): decode(item) for key, item in value}
    if kind == "array":
        import numpy

        raw = numpy.frombuffer(base64.b64decode(value), dtype=data["dtype"])
        return raw.reshape(data["shape"]).copy()
    if kind == "tensor":
        import torch

        dtype = getattr(torch, data["dtype"])
        if not value and 0 in data["shape"]:
            return torch.empty(data["shape"], dtype=dtype)
        flat = torch.frombuffer(bytearray(base64.b64decode(value)), dtype=torch.uint8)
        return flat.view(dtype).reshape(data["shape"]).clone()
    return value


def evaluate(program, names):
    """Run statements over `names` and return the value of the last one, which must be an expression."""
    tree = ast.parse(program)
    last = tree.body.pop()
    if not isinstance(last, ast.Expr):
        raise SyntaxError("a case's program must end in an expression")
    exec(compile(tree, "<case>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<case>", "eval"), names)


def answer(case, namespace):
    """The encoded answer to one case: {"ask": program, "inputs": {name: encoded}} over the notebook's names.

    "pure": whether it is also noted which inputs were changed, bit for bit, and whether parts of the value share memory
    with an input or with each other. What `encode` does not take is of the kind "other", with its words.
    """
    names = dict(namespace)
    try:
        given = {name: decode(value) for name, value in case["inputs"].items()}
        names.update(given)
        value = evaluate(case["ask"], names)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):  # the grader's time limit
            raise
        return {"kind": "exception", "value": [kind.__name__ for kind in type(error).__mro__], "line": _line(error)}
    try:
        if not case.get("pure"):
            return encode(value)
        changed = {name: _differs(given[name], sent) for name, sent in case["inputs"].items()}
        entries = [_arrays_in(entry) for entry in (value if isinstance(value, (list, tuple)) else [value])]
        others = [_arrays_in(list(given.values())), *entries]
        pairs = [
            (one, other) for i, mine in enumerate(entries) for one in mine for two in others[: i + 1] for other in two
        ]
        shared = any(_share(one, other) for one, other in pairs)
        return {"kind": "pure", "value": encode(value), "changed": changed, "shared": shared}
    except BaseException as error:  # nothing was raised by what was asked: it gave what cannot be sent
        if isinstance(error, KeyboardInterrupt):
            raise
        return {"kind": "other", "value": str(error) if type(error) in (TypeError, ValueError) else ""}


def _differs(value, sent):
    """Whether an input is not what was sent any more."""
    try:
        return encode(value) != sent
    except (TypeError, ValueError):
        return True


def _arrays_in(value):
    """The arrays and tensors in a value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [array for entry in value for array in _arrays_in(entry)]
    return [value] if hasattr(value, "dtype") and value.ndim else []


def _share(one, other):
    """Whether two arrays or tensors lie in the same memory."""
    if type(one).__module__.startswith("torch") or type(other).__module__.startswith("torch"):
        same = type(one) is type(other) and one.numel() and other.numel()
        return bool(same) and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()
    import numpy

    return numpy.may_share_memory(one, other)


def _line(error):
    """The notebook's line, or the solution's, in which an exception was raised: its text, never a value."""
    import linecache

    line = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "ipykernel" in file or file.startswith("<ipython") or "/notebook.py:" in file:
            line = linecache.getline(file, trace.tb_lineno).strip() or line
        trace = trace.tb_next
    return line[:200]


def answer_all(cases, forbidden, replaced, namespace):
    """The answers to all cases of a question as base64 of a JSON text; one that is too large is refused by itself.

    forbidden: names of modules that are out of reach meanwhile. replaced: sources that define names meanwhile.
    """
    texts: list[str] = []
    size = 0
    with without(forbidden), standing_in(replaced, namespace):
        for case in cases:
            text = json.dumps(answer(case, namespace))
            if size + len(text) > LIMIT:
                text = json.dumps({"kind": "other", "value": "an answer larger than 64 MiB"})
            size += len(text)
            texts.append(text)
    return base64.b64encode(("[" + ",".join(texts) + "]").encode()).decode()


class TooLong(KeyboardInterrupt):
    """A program's time is up; `answer` lets no other exception pass."""


@contextlib.contextmanager
def in_time(seconds):
    """Raise TooLong in what takes more than so many CPU seconds: how busy the machine is makes no difference."""

    def late(number, frame):
        raise TooLong

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def answer_programs(cases, forbidden, programs, seconds, each, namespace):
    """For each program, a list of sources that define names meanwhile, its answers to all cases, or none of them.

    It takes about so many CPU seconds, and a program so many: `each`. What is not reached by then has no entry. What
    the programs print is dropped.
    With the answers, as base64 of a JSON text, come the seconds that they took.
    """
    answers: list = []
    size, started = 0, time.process_time()
    with contextlib.ExitStack() as stack:
        stack.enter_context(without(forbidden))
        nowhere = stack.enter_context(open(os.devnull, "w"))
        stack.enter_context(contextlib.redirect_stdout(nowhere))
        stack.enter_context(contextlib.redirect_stderr(nowhere))
        for sources in programs:
            left = seconds - (time.process_time() - started)
            if left <= 0 or size > LIMIT // 4:
                break
            try:
                with in_time(min(left, each)), standing_in(sources, namespace):
                    given = [answer(case, namespace) for case in cases]
                size += len(json.dumps(given))
                answers.append(given)
            except KeyboardInterrupt as stopped:
                if not isinstance(stopped, TooLong):  # the grader's time limit
                    raise
                answers.append([])
            except BaseException:  # the program itself does not run
                answers.append([])
    return base64.b64encode(json.dumps([answers, time.process_time() - started]).encode()).decode()


@contextlib.contextmanager
def standing_in(sources, namespace):
    """Have sources define names in the place of the notebook's own, for as long as this lasts."""
    before = dict(namespace)
    try:
        for source in sources:
            exec(compile(source, "<course>", "exec", dont_inherit=True), namespace)
        yield
    finally:
        namespace.update(before)
        for name in namespace.keys() - before.keys():
            del namespace[name]


def expression(function, *arguments):
    """The expression that a kernel evaluates: this file's text, run in its own namespace, then one of its functions.

    function: `answer_all` or `answer_programs`; the notebook's namespace is its last argument. It leaves no name
    behind, so a notebook cannot patch one.
    """
    return (
        f"(lambda own: (exec({_literal(inspect.getsource(sys.modules[__name__]))}, own), "
        f"own['{function.__name__}'](*own['json'].loads({_literal(json.dumps(arguments))}), globals()))[1])"
        "({'__name__': 'course_answering'})"
    )


def _literal(text):
    """An expression for a text, whatever it holds."""
    return f"__import__('base64').b64decode({base64.b64encode(text.encode()).decode()!r}).decode()"


def read_answers(text, count):
    """The encoded answers in what a kernel shows of `answer_all`'s result. Raises ValueError for anything else.

    text: untrusted; its quotes are those that show a string. count: how many answers there must be.
    """
    return _answers(_read(text), count)


def read_programs(text, count):
    """The answers of programs in what a kernel shows of `answer_programs`'s result, count of each or none; the seconds.

    Raises ValueError for anything else.
    """
    try:
        answers, seconds = _read(text)
        return [_answers(given, count) if given else [] for given in answers], max(float(seconds), 0.01)
    except TypeError:
        raise ValueError("no lists of answers and their seconds") from None


def _read(text):
    """A list from the JSON text that a kernel shows."""
    if not isinstance(text, str) or len(text) > LIMIT * 4 // 3 + 1_000:
        raise ValueError("longer than a question's answers may be")
    data = base64.b64decode(text[1:-1], validate=True)
    if data.count(b"[") + data.count(b"{") + data.count(b",") > PARTS:
        raise ValueError(f"more than {PARTS} parts")
    try:
        read = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(read, list):
        raise ValueError("no list")
    return read


def _answers(answers, count):
    if not isinstance(answers, list) or len(answers) != count:
        raise ValueError(f"not {count} answers")
    if not all(isinstance(item, dict) and isinstance(item.get("kind"), str) for item in answers):
        raise ValueError("an answer that is not one")
    return answers


@contextlib.contextmanager
def without(forbidden):
    """Keep modules out of reach: not importable, not loaded, and useless to code that kept one."""

    class Absent(types.ModuleType):
        def __getattribute__(self, name):
            raise ImportError("this exercise asks you to do without it")

    class Refusal:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in forbidden:
                raise ImportError(f"{name}: this exercise asks you to do without it")

    taken = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in forbidden}
    emptied = [module for module in taken.values() if type(module) is types.ModuleType]
    refusal = Refusal()
    try:
        sys.meta_path.insert(0, refusal)
        for name in taken:
            del sys.modules[name]
        for module in emptied:
            module.__class__ = Absent
        yield
    finally:
        for module in emptied:
            module.__class__ = types.ModuleType
        sys.modules.update(taken)
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(refusal)
