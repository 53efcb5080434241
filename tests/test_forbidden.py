"""Which uses of a forbidden library a question's text gives away, and which innocent ones it does not."""

import gc
import time

import pytest

from autograder.course.paths import OWN
from autograder.marking.forbidden import first_forbidden, violation
from autograder.oracle.questions import load_questions
from autograder.verification.samples import filled_notebook, solution_cells

IMPORTS = "import numpy as np\nimport torch\nfrom torch.nn import functional as F\nimport scipy.special as sp"
FORBIDS = ("torch", "scipy")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("def f(z):\n    return torch.softmax(z, -1)", "torch.softmax"),
        ("def f(z):\n    return F.softmax(z, -1)", "torch.nn.functional.softmax"),
        ("def f(z):\n    return sp.softmax(z, -1)", "scipy.special.softmax"),
        ("def f(z):\n    from torch import softmax as s\n    return s(z, -1)", "torch.softmax"),
        ("helper = torch.softmax\ndef f(z):\n    return helper(z, -1)", "torch.softmax"),
        ("class H:\n    g = staticmethod(torch.softmax)\ndef f(z):\n    return H.g(z, -1)", "torch.softmax"),
        ("def f(z, how=torch.softmax):\n    return how(z, -1)", "torch.softmax"),
        ("f = lambda z: torch.softmax(z, -1)", "torch.softmax"),
        ("def f(z):\n    return __import__('torch').softmax(z, -1)", "__import__"),
        (
            "def f(z):\n    import importlib\n    return importlib.import_module('tor' + 'ch')",
            "importlib.import_module",
        ),
        ("def f(z):\n    return eval('to' + 'rch.softmax(z, -1)')", "eval"),
        ("import sys\ndef f(z):\n    return sys.modules['tor' + 'ch'].softmax(z, -1)", "sys.modules"),
        ("from torch import *\ndef f(z):\n    return softmax(tensor(z), -1)", "torch.*"),
        ("import builtins\nexec = builtins.exec\ndef f(z):\n    exec('import tor' + 'ch')", "exec"),
        ("[0 for exec in ()]\ndef f(z):\n    exec('import tor' + 'ch')", "exec"),
        ("exec = exec\ndef f(z):\n    exec('import tor' + 'ch')", "exec"),
        ("def f(z):\n    def g():\n        torch = 1\n    return torch.softmax(z, -1)", "torch.softmax"),
        ("def f(z):\n    def g():\n        return torch.softmax(z, -1)\n    return g()", "torch.softmax"),
        ("def f(z):\n    return globals()['tor' + 'ch'].softmax(z, -1)", "globals"),
    ],
)
def test_a_forbidden_use_is_named(code, name):
    assert first_forbidden("f", [IMPORTS, code], FORBIDS) == name


@pytest.mark.parametrize(
    "code",
    [
        "def f(z):\n    return np.exp(z)",
        "def f(torch):\n    return torch.sum()",
        "x = torch.ones(3)\ndef f(x):\n    return x + 1",
        "def judge(z):\n    return torch.softmax(z, -1)\ndef f(z):\n    return np.exp(z)",
        "def f(z):\n    F = np.exp(z)\n    return F.sum()",
        "def f(z):\n    'not by torch.softmax'\n    return np.exp(z)",
        "def f(z:\n",
        "def compile(z):\n    return np.exp(z)\ndef f(z):\n    return compile(z)",
        "vars = 3\ndef f(z):\n    return z * vars",
        "f = lambda torch: torch + 1",
        "import re\ndef f(z):\n    return re.compile(z)",
        "def f(z):\n    class C:\n        def g(self):\n            torch = z\n            return torch\n    return C",
    ],
)
def test_nothing_else_is(code):
    assert first_forbidden("f", [IMPORTS, code], FORBIDS) is None


LONG = {
    "a chain of attributes": lambda size: "\n".join(["def f(z):", *["    z." + "b." * 400 + "c"] * (size // 800)]),
    "one statement for many names": lambda size: (
        "= ".join(f"n{i} " for i in range(size // 8)) + "= 1\ndef f(z):\n    return n0"
    ),
    "a function of many names": lambda size: "def f(z):\n" + "\n".join(f"    n{i}" for i in range(size // 10)),
    "functions that call each other": lambda size: "\n".join(
        ["def f(z): return f0(z)", *(f"def f{i}(z): return f{i + 1}(z)" for i in range(size // 30))]
    ),
}


@pytest.mark.parametrize("kind", LONG)
def test_a_long_cell_is_read_in_time_that_grows_with_it(kind):
    def seconds(size):
        source, times = LONG[kind](size), []
        gc.disable()  # it would walk through all that other tests have left in this process
        for _ in range(3):
            started = time.process_time()
            assert first_forbidden("f", [source], FORBIDS) is None
            times.append(time.process_time() - started)
        gc.enable()
        return min(times)

    assert any(seconds(80_000) < 2.3**2 * seconds(20_000) for _ in range(3))  # again where the machine was busy


# what finds a gradient for whoever should derive it: for each question, a cell that hands the work on
HANDED_ON = {
    ("hw1", "batch_norm_backward"): "return torch.autograd.grad(y, [x, gamma, beta], torch.tensor(dy))",
    ("hw1", "make_network"): "return gradients.pairs(loss, arrays, arrays, rng)",
    ("hw2", "rnn_backward"): "return {n: numerical_gradient(lambda a: loss(n, a), params[n], 1e-5) for n in params}",
    ("hw2", "softmax_regression_gradient"): "return 0, numerical_gradient(f, W, 1e-5), numerical_gradient(f, b, 1e-5)",
    ("hw4", "gru_cell_backward"): "return torch.autograd.grad(h_next, [x, h], torch.tensor(dh_next))",
    ("hw4", "gru_backward"): "return pairs(loss, params, params, rng)",
    ("hw6", "run"): "return fit(model, corpus, epochs=config['epochs'])",
}


@pytest.mark.parametrize(("short", "question"), HANDED_ON)
def test_own_work_is_asked_for(short, question):
    (assignment,) = OWN.pick([short])
    (asked,) = [one for one in load_questions(assignment) if one.id == question]
    source = f"def {question}(*given):\n    {HANDED_ON[short, question]}"
    assert violation(asked, filled_notebook(assignment, solution_cells(assignment) | {question: source}))
    assert not violation(asked, filled_notebook(assignment, solution_cells(assignment)))
