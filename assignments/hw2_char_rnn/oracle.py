"""What the grader asks about hw2: softmax regression and a character network in numpy."""

from __future__ import annotations

from functools import cache

import numpy as np

from autograder.oracle.bars import Bar, beyond_exact
from autograder.oracle.questions import Alternative, Case, Misconception, Question
from utils import corpora, toy

NUMPY_ALONE = ("torch", "scipy", "sklearn")  # what this assignment does without
BY_TORCH = "Torch computes this: the exercise asks for it in numpy."

SIZES = {"U": ("C", "H"), "W": ("H", "H"), "V": ("H", "C"), "b": ("H",), "c": ("C",)}


def parameters(rng: np.random.Generator, classes: int, hidden_size: int, scale: float) -> dict:
    """The five arrays with normal entries, biases included."""
    sizes = {"C": classes, "H": hidden_size}
    return {n: scale * rng.standard_normal([sizes[s] for s in shape]) for n, shape in SIZES.items()}


def network(classes: int, hidden_size: int, steps: int, scale: float = 0.5, start: float = 0.5):
    """A draw of a network, a stream of steps + 1 tokens and a starting state."""

    def draw(rng: np.random.Generator) -> dict:
        return {
            "params": parameters(rng, classes, hidden_size, scale),
            "tokens": rng.integers(0, classes, steps + 1),
            "h0": start * rng.standard_normal(hidden_size),
        }

    return draw


def scores(*shape: int, scale: float = 2.0):
    """A draw of an array z."""
    return lambda rng: {"z": scale * rng.standard_normal(shape)}


# softmax and cross-entropy


def far_apart(rng: np.random.Generator) -> dict:
    """Rows of scores thousands apart, so that one maximum for all of them is not enough."""
    return {"z": rng.standard_normal((4, 5)) + np.array([[3000.0], [-3000.0], [0.0], [900.0]])}


SOFTMAX = Question(
    "softmax",
    cases=[
        Case("a row alone", "softmax(z)", scores(6)),
        Case("rows, each over the last axis", "softmax(z)", scores(3, 4), weight=2),
        Case("more axes in front of the classes", "softmax(z)", scores(2, 3, 5)),
        Case("scores of a few thousand, of both signs, in one array", "softmax(z)", far_apart, weight=2),
        Case("scores far apart within a row", "softmax(z)", scores(3, 4, scale=800.0)),
        Case("z is left as it was", "before = z.copy(); (softmax(z), bool((z == before).all()))", scores(2, 3), 0.5),
    ],
    misconceptions=[
        Misconception(
            "torch computes it",
            "    exponentials = np.exp(z - z.max(axis=-1, keepdims=True))\n"
            "    return exponentials / exponentials.sum(axis=-1, keepdims=True)",
            "    return torch.softmax(torch.tensor(z), -1).numpy()",
            BY_TORCH,
        ),
        Misconception(
            "no shift",
            "z - z.max(axis=-1, keepdims=True)",
            "z",
            "The exponentials are taken of the scores as they stand: subtract each row's largest score first, or large "
            "scores overflow.",
        ),
        Misconception(
            "one maximum for all",
            "z.max(axis=-1, keepdims=True)",
            "z.max()",
            "One maximum is subtracted from the whole array: each row needs its own, or low rows become 0 / 0.",
        ),
        Misconception(
            "first axis",
            "exponentials / exponentials.sum(axis=-1, keepdims=True)",
            "exponentials / exponentials.sum(axis=0)",
            "The sum runs over the first axis: the classes are the last one.",
        ),
        Misconception(
            "not normalised",
            "exponentials / exponentials.sum(axis=-1, keepdims=True)",
            "exponentials",
            "The exponentials are not divided by their sum: probabilities of a row add up to 1.",
        ),
    ],
    alternatives=[
        Alternative(
            "through the logarithm",
            """
def softmax(z):
    shifted = z - np.max(z, axis=-1, keepdims=True)
    return np.exp(shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True)))
""",
        ),
        Alternative(
            "row by row",
            """
def softmax(z):
    rows = np.reshape(z, (-1, np.shape(z)[-1]))
    out = np.empty(rows.shape)
    for i, row in enumerate(rows):
        e = [math.exp(v - max(row)) for v in row]
        out[i] = [v / sum(e) for v in e]
    return out.reshape(np.shape(z))
""",
        ),
    ],
    forbids=NUMPY_ALONE,
)


def scored(rows: int, classes: int, scale: float = 2.0, shift: float = 0.0):
    """A draw of scores and targets."""

    def draw(rng: np.random.Generator) -> dict:
        z = scale * rng.standard_normal((rows, classes)) + shift * rng.choice([-1.0, 1.0], (rows, 1))
        return {"z": z, "targets": rng.integers(0, classes, rows)}

    return draw


CROSS_ENTROPY = Question(
    "cross_entropy",
    cases=[
        Case("a few rows", "cross_entropy(z, targets)", scored(5, 4), weight=2),
        Case("one row", "cross_entropy(z, targets)", scored(1, 6)),
        Case("one row and many: the mean over rows", "cross_entropy(z, targets)", scored(50, 3)),
        Case("scores of many thousands", "cross_entropy(z, targets)", scored(4, 5, shift=9000.0)),
        Case(
            "a right class thousands below the best",
            "cross_entropy(z, targets)",
            lambda rng: {"z": np.array([[0.0, -rng.uniform(1e3, 1e4), 3.0]]), "targets": np.array([1])},
            weight=2,
        ),
        Case(
            "the arguments are left as they were",
            "u, v = z.copy(), targets.copy()\n[cross_entropy(z, targets), (z - u).tolist(), (targets - v).tolist()]",
            scored(3, 4),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "torch computes it",
            "    return (log_sums - shifted[np.arange(len(targets)), targets]).mean()",
            "    return torch.nn.functional.cross_entropy(torch.tensor(scores), torch.tensor(targets)).item()",
            BY_TORCH,
        ),
        Misconception(
            "no shift",
            "scores - scores.max(axis=1, keepdims=True)",
            "scores - 0.0",
            "The exponentials are taken of the scores as they stand: subtract each row's largest score first.",
        ),
        Misconception(
            "logarithm of a softmax",
            "return (log_sums - shifted[np.arange(len(targets)), targets]).mean()",
            "return -np.log(softmax(scores)[np.arange(len(targets)), targets]).mean()",
            "The logarithm is taken of a probability that is rounded to 0 where the right class is far below the best: "
            "put the logarithm inside, log-sum-exp minus the score.",
        ),
        Misconception(
            "sum over rows",
            ".mean()",
            ".sum()",
            "The losses of the rows are summed: the mean over the rows is asked.",
        ),
        Misconception(
            "mean over classes too",
            "shifted[np.arange(len(targets)), targets]).mean()",
            "shifted[np.arange(len(targets)), targets]).mean() / scores.shape[1]",
            "The loss is divided by the number of classes too: the mean is over the rows alone.",
        ),
        Misconception(
            "bits",
            "np.log(np.exp(shifted)",
            "np.log2(np.exp(shifted)",
            "A logarithm to the base 2 is mixed in: nats have the natural logarithm.",
        ),
    ],
    alternatives=[
        Alternative(
            "logaddexp",
            """
def cross_entropy(scores, targets):
    total = 0.0
    for row, target in zip(scores, targets):
        total += np.logaddexp.reduce(row) - row[target]
    return total / len(targets)
""",
        ),
        Alternative(
            "through log-probabilities",
            """
def cross_entropy(scores, targets):
    top = scores.max(1)
    log_probabilities = scores - (top + np.log(np.exp(scores.T - top).sum(0)))[:, None]
    return -float(np.take_along_axis(log_probabilities, np.reshape(targets, (-1, 1)), 1).mean())
""",
        ),
    ],
    forbids=NUMPY_ALONE,
)


def classified(rows: int, features: int, classes: int, scale: float = 1.0):
    """A draw of softmax regression's weights and examples."""

    def draw(rng: np.random.Generator) -> dict:
        return {
            "W": scale * rng.standard_normal((features, classes)),
            "b": scale * rng.standard_normal(classes),
            "x": rng.standard_normal((rows, features)),
            "targets": rng.integers(0, classes, rows),
        }

    return draw


REGRESSION = "softmax_regression_gradient(W, b, x, targets)"
SOFTMAX_REGRESSION = Question(
    "softmax_regression_gradient",
    cases=[
        Case("loss and gradient", f"tuple({REGRESSION})", classified(5, 4, 3), weight=3),
        Case("one row", f"tuple({REGRESSION})", classified(1, 3, 4)),
        Case("square weights", f"tuple({REGRESSION})", classified(6, 4, 4)),
        Case("large scores", f"tuple({REGRESSION})", classified(4, 3, 5, scale=900.0)),
        Case(
            "the arguments are left as they were",
            f"""
before = [v.copy() for v in (W, b, x, targets)]
found = tuple({REGRESSION})
(found, all(bool((u == v).all()) for u, v in zip(before, (W, b, x, targets))))
""",
            classified(3, 5, 2),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "y - p",
            "    dscores /= len(targets)",
            "    dscores /= -len(targets)",
            "The gradient has the wrong sign: it is p - y, what the model said minus what it should have said.",
        ),
        Misconception(
            "sum for mean",
            "    dscores /= len(targets)\n",
            "",
            "The gradient is summed over the rows: the loss is a mean, so its gradient has the factor 1 / rows.",
        ),
        Misconception(
            "bias averaged",
            "dscores.sum(axis=0)",
            "dscores.mean(axis=0)",
            "The bias's gradient is averaged once too often: divide by the number of rows once.",
        ),
        Misconception(
            "p alone",
            "    dscores[np.arange(len(targets)), targets] -= 1\n",
            "",
            "The 1 of the right class is missing: a score's gradient is p - 1 there and p elsewhere.",
        ),
    ],
    alternatives=[
        Alternative(
            "targets as ones and zeros",
            """
def softmax_regression_gradient(W, b, x, targets):
    y = np.eye(W.shape[1])[targets]
    o = np.dot(x, W) + b[None, :]
    p = softmax(o)
    return cross_entropy(o, targets), np.dot(x.T, p - y) / len(x), np.mean(p - y, axis=0)
""",
        ),
        Alternative(
            "example by example",
            """
def softmax_regression_gradient(W, b, x, targets):
    loss, dW, db = 0.0, np.zeros_like(W), np.zeros_like(b)
    for row, target in zip(x, targets):
        o = row @ W + b
        d = softmax(o)
        d[target] -= 1
        loss += np.logaddexp.reduce(o) - o[target]
        dW += np.outer(row, d)
        db += d
    return [loss / len(x), dW / len(x), db / len(x)]
""",
        ),
    ],
    builds_on=("softmax", "cross_entropy"),
    forbids=NUMPY_ALONE,
)


# instruments


def cubic(*shape: int):
    """A draw of a point and of the coefficients of a cubic."""
    return lambda rng: {"x": rng.standard_normal(shape), "A": rng.standard_normal(shape), "h": rng.uniform(0.05, 0.3)}


DIFFERENCES = {"relative": 1e-6, "absolute": 1e-8}
NUMERICAL_GRADIENT = Question(
    "numerical_gradient",
    cases=[
        Case(
            "a cubic, with a large h",
            "numerical_gradient(lambda v: float((A * v**3).sum()), x, h)",
            cubic(3, 4),
            weight=2,
            **DIFFERENCES,
        ),
        Case("a vector", "numerical_gradient(lambda v: float((A * v**3).sum()), x, h)", cubic(5), **DIFFERENCES),
        Case(
            "three axes", "numerical_gradient(lambda v: float((A * v**3).sum()), x, h)", cubic(2, 3, 2), **DIFFERENCES
        ),
        Case(
            "a small h",
            "import numpy\nnumerical_gradient(lambda v: numpy.sin(v).sum(), x, 1e-5)",
            cubic(4, 2),
            relative=1e-6,
            absolute=1e-7,
        ),
        Case(
            "an f that holds x itself",
            "numerical_gradient(lambda _: float((A * x**3).sum()), x, h)",
            cubic(2, 4),
            weight=2,
            **DIFFERENCES,
        ),
        Case(
            "an f that holds x, which is a sliced and transposed view",
            "view = x.T[::2, ::-1]; numerical_gradient(lambda _: float((A.T[::2, ::-1] * view**3).sum()), view, h)",
            cubic(5, 4),
            weight=2,
            **DIFFERENCES,
        ),
        Case(
            "x afterwards, bit for bit",
            """
x[0, 0] = -0.0
before = x.tobytes()
found = numerical_gradient(lambda v: float((A * v**3).sum()), x, h)
(found, x.tobytes() == before)
""",
            cubic(6, 5),
            **DIFFERENCES,
        ),
    ],
    misconceptions=[
        Misconception(
            "forward differences",
            "x[index] = old - h",
            "x[index] = old; h_sides = 1",
            "The difference goes to one side only: move the entry to either side and divide by 2 h.",
        ),
        Misconception(
            "divided by h",
            "(above - below) / (2 * h)",
            "(above - below) / h",
            "The difference is divided by h: the two points are 2 h apart.",
        ),
        Misconception(
            "a copy moves",
            "    gradient = np.zeros(x.shape)\n",
            "    gradient = np.zeros(x.shape)\n    x = x.copy()\n",
            "A copy of x is moved, not x itself: an f that holds x then sees no change.",
        ),
        Misconception(
            "a flat view",
            "    gradient = np.zeros(x.shape)\n",
            "    gradient, x = np.zeros(x.shape), x.reshape(-1).reshape(x.shape)\n",
            "x is flattened first, which copies it for some memory layouts: index x itself.",
        ),
        Misconception(
            "added and subtracted back",
            "        x[index] = old\n",
            "        x[index] += h\n",
            "x is brought back by arithmetic, which rounds: keep the old value and put it back.",
        ),
        Misconception(
            "not put back",
            "        x[index] = old\n",
            "",
            "Moved entries are not put back before the next one is moved: restore each at once.",
        ),
    ],
    alternatives=[
        Alternative(
            "nditer",
            """
def numerical_gradient(f, x, h):
    out = np.empty(x.shape)
    walk = np.nditer(x, flags=["multi_index"])
    for value in walk:
        keep = value.copy()
        values = []
        for side in (-1.0, 1.0):
            x[walk.multi_index] = keep + side * h
            values.append(float(f(x)))
        x[walk.multi_index] = keep
        out[walk.multi_index] = (values[1] - values[0]) / h / 2
    return out
""",
        ),
        Alternative(
            "flat places",
            """
def numerical_gradient(f, x, h):
    result = []
    for flat in range(x.size):
        place = np.unravel_index(flat, x.shape)
        keep = x[place]
        x[place] = keep + h
        up = f(x)
        x[place] = keep - h
        down = f(x)
        x[place] = keep
        result.append((up - down) / (2 * h))
    return np.array(result).reshape(x.shape)
""",
        ),
    ],
)


def pair(rng: np.random.Generator) -> dict:
    """Two arrays that are close, with one place where both are 0."""
    a = rng.standard_normal((3, 5))
    a[1, 2] = 0.0
    return {"a": a, "b": a * (1 + 1e-3 * rng.standard_normal(a.shape))}


RELATIVE_ERROR = Question(
    "relative_error",
    cases=[
        Case("two arrays", "relative_error(a, b)", pair, weight=2),
        Case("numbers", "[relative_error(a, b), relative_error(b, a)]", lambda rng: {"a": 1.5, "b": rng.uniform(1, 2)}),
        Case(
            "equal arrays, zeros among them, and others",
            "[relative_error(a, a.copy()), relative_error(0 * a, 0 * a), relative_error(a, b)]",
            pair,
        ),
        Case(
            "tiny numbers",
            "relative_error(a, b)",
            lambda rng: {"a": 1e-9 * rng.uniform(1, 2, 4), "b": -1e-9 * rng.uniform(1, 2, 4)},
        ),
        Case(
            "opposite signs",
            "relative_error(a, b)",
            lambda rng: {"a": rng.uniform(1, 2, 3), "b": -rng.uniform(1, 2, 3)},
        ),
        Case(
            "the arguments are left as they were",
            "u, v = a.copy(), b.copy(); (relative_error(a, b), bool((a == u).all() and (b == v).all()))",
            pair,
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception("mean", ").max()", ").mean()", "The mean over the entries is taken: the largest counts."),
        Misconception(
            "one side",
            "np.abs(a) + np.abs(b)",
            "np.abs(a)",
            "The difference is divided by |a| alone: divide by |a| + |b|.",
        ),
        Misconception(
            "signs",
            "np.abs(a) + np.abs(b)",
            "np.abs(a + b)",
            "The difference is divided by |a + b|, which is small for opposite signs: it is |a| + |b|.",
        ),
        Misconception(
            "no floor",
            "np.maximum(1e-8, np.abs(a) + np.abs(b))",
            "(np.abs(a) + np.abs(b))",
            "Nothing keeps the divisor from 0: take the larger of 1e-8 and |a| + |b|.",
        ),
    ],
    alternatives=[
        Alternative(
            "entry by entry",
            """
def relative_error(a, b):
    worst = 0.0
    for u, v in zip(np.ravel(a), np.ravel(b)):
        worst = max(worst, abs(u - v) / max(1e-8, abs(u) + abs(v)))
    return float(worst)
""",
        ),
        Alternative(
            "clipped divisor",
            """
def relative_error(a, b):
    a, b = np.atleast_1d(np.asarray(a, dtype=float)), np.atleast_1d(np.asarray(b, dtype=float))
    return np.max(np.absolute(b - a) / np.clip(np.absolute(a) + np.absolute(b), 1e-8, None))
""",
        ),
    ],
)

# the network

FORWARD = "loss, h, _ = rnn_forward(params, tokens, h0)\n"
RNN_FORWARD = Question(
    "rnn_forward",
    cases=[
        Case("loss and last state", FORWARD + "(loss, h)", network(5, 4, 7), weight=3),
        Case("one step", FORWARD + "(loss, h)", network(3, 6, 1)),
        Case("as many units as classes", FORWARD + "(loss, h)", network(4, 4, 6)),
        Case("a long stream", FORWARD + "(loss, h)", network(6, 5, 300)),
        Case("a zero starting state", FORWARD + "(loss, h)", network(4, 3, 5, start=0.0)),
        Case("tokens in a list", "loss, h, _ = rnn_forward(params, tokens.tolist(), h0)\n(loss, h)", network(4, 5, 6)),
        Case("saturated units and large scores", FORWARD + "(loss, h)", network(5, 4, 9, scale=400.0)),
        Case(
            "the arguments are left as they were, and a second call gives the same",
            """
before = {name: array.copy() for name, array in params.items()}, tokens.copy(), h0.copy()
loss, h, _ = rnn_forward(params, tokens, h0)
loss, h = loss, h.copy()
again, h_again, _ = rnn_forward(params, tokens, h0)
same = all(bool((before[0][name] == params[name]).all()) for name in params)
(loss, h, again, h_again, same and bool((before[1] == tokens).all() and (before[2] == h0).all()))
""",
            network(4, 3, 8),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "mean over steps",
            "return len(targets) * cross_entropy(scores, targets),",
            "return cross_entropy(scores, targets),",
            "The loss is the mean over the steps: their sum is asked.",
        ),
        Misconception(
            "targets not shifted",
            "tokens[:-1], tokens[1:]",
            "tokens[:-1], tokens[:-1]",
            "Each step's target is its own input: the target is the token that follows.",
        ),
        Misconception(
            "inputs and targets swapped",
            "inputs, targets = tokens[:-1], tokens[1:]",
            "targets, inputs = tokens[:-1], tokens[1:]",
            "Inputs and targets are swapped: the inputs are all tokens but the last, the targets all but the first.",
        ),
        Misconception(
            "starting state ignored",
            "states[0] = h0",
            "states[0] = 0.0",
            "The stream starts from a zero state: h0 is the state before the first step.",
        ),
        Misconception(
            "W transposed",
            'before.dot(params["W"])',
            'params["W"].dot(before)',
            "The state is multiplied by W from the wrong side: it is h W, rows times columns.",
        ),
        Misconception(
            "scores from the old state",
            'states[1:] @ params["V"]',
            'states[:-1] @ params["V"]',
            "The scores are made from the state before the step: o_t comes from h_t.",
        ),
        Misconception(
            "no output bias",
            ' @ params["V"] + params["c"]',
            ' @ params["V"]',
            "The output bias c is missing from the scores.",
        ),
    ],
    alternatives=[
        Alternative(
            "step by step",
            """
def rnn_forward(params, tokens, h0):
    h, states, outputs, loss = h0, [h0], [], 0.0
    for token, target in zip(tokens[:-1], tokens[1:]):
        h = np.tanh(params["U"][token] + np.dot(h, params["W"]) + params["b"])
        o = np.dot(h, params["V"]) + params["c"]
        loss += np.logaddexp.reduce(o) - o[target]
        states.append(h)
        outputs.append(o)
    return loss, h, (np.array(tokens[:-1]), np.array(tokens[1:]), np.array(states), np.array(outputs))
""",
        ),
        Alternative(
            "one-hot products, columns",
            """
def rnn_forward(params, tokens, h0):
    tokens = np.array(tokens)
    classes = len(params["c"])
    one_hot = np.eye(classes)[:, tokens]
    h = h0.reshape(-1, 1)
    states, outputs = [h0], []
    for t in range(len(tokens) - 1):
        h = np.tanh(params["U"].T @ one_hot[:, t : t + 1] + params["W"].T @ h + params["b"][:, None])
        states.append(h[:, 0])
        outputs.append((params["V"].T @ h)[:, 0] + params["c"])
    outputs = np.stack(outputs)
    logs = outputs - np.logaddexp.reduce(outputs, axis=1)[:, None]
    loss = -(logs * one_hot[:, 1:].T).sum()
    return loss, h[:, 0], (tokens[:-1], tokens[1:], np.stack(states), outputs)
""",
        ),
    ],
    builds_on=("cross_entropy",),
    forbids=NUMPY_ALONE,
)

BACKWARD = "_, _, cache = rnn_forward(params, tokens, h0)\n"
GRADIENTS = BACKWARD + "dict(rnn_backward(params, cache))"


def long_run(rng: np.random.Generator) -> dict:
    """A stream whose gradients are far larger than any usual clipping bound."""
    drawn = network(3, 4, 400, scale=0.3)(rng)
    return drawn | {"tokens": np.where(rng.random(401) < 0.9, 1, drawn["tokens"])}


RNN_BACKWARD = Question(
    "rnn_backward",
    cases=[
        Case("a few steps", GRADIENTS, network(6, 4, 5), weight=3, absolute=1e-10),
        Case("one step", GRADIENTS, network(4, 3, 1), absolute=1e-10),
        Case("one step from a zero state", GRADIENTS, network(3, 5, 1, start=0.0), absolute=1e-10),
        Case("many steps, characters that repeat", GRADIENTS, network(3, 5, 40), weight=2, absolute=1e-9),
        Case("as many units as classes", GRADIENTS, network(4, 4, 6), absolute=1e-10),
        Case("gradients far above 5, not clipped", GRADIENTS, long_run, absolute=1e-8),
        Case("saturated units and large scores", GRADIENTS, network(4, 3, 12, scale=60.0), absolute=1e-9),
        Case(
            "the parameters are left as they were, and the cache serves twice",
            """
before = {name: array.copy() for name, array in params.items()}
_, _, cache = rnn_forward(params, tokens, h0)
one = {name: array.copy() for name, array in rnn_backward(params, cache).items()}
two = dict(rnn_backward(params, cache))
(one, two, all(bool((before[name] == params[name]).all()) for name in params))
""",
            network(5, 3, 6),
            weight=0.5,
            absolute=1e-10,
        ),
    ],
    misconceptions=[
        Misconception(
            "torch computes it",
            "    inputs, targets, states, scores = cache\n",
            """    inputs, targets, states, scores = cache
    leaves = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    h, loss = torch.tensor(states[0]), 0.0
    for x, y in zip(inputs.tolist(), targets.tolist()):
        h = torch.tanh(leaves["U"][x] + h @ leaves["W"] + leaves["b"])
        loss = loss - torch.log_softmax(h @ leaves["V"] + leaves["c"], 0)[y]
    loss.backward()
    return {name: leaf.grad.numpy() for name, leaf in leaves.items()}
""",
            BY_TORCH,
        ),
        Misconception(
            "nothing through time",
            '        here += params["W"].dot(later)\n',
            "",
            "No gradient comes back from the next step: each state is also used by the step after it, through W.",
        ),
        Misconception(
            "1 - tanh",
            "1 - states[1:] ** 2",
            "1 - states[1:]",
            "The slope of tanh is taken as 1 - h: it is 1 - h squared.",
        ),
        Misconception(
            "W not transposed",
            'params["W"].dot(later)',
            'later.dot(params["W"])',
            "The gradient goes back through W, not through its transpose: it is the next step's times W^T.",
        ),
        Misconception(
            "y - p",
            "    do[steps, targets] -= 1\n",
            "    do[steps, targets] -= 1\n    do *= -1\n",
            "The gradient of the scores has the wrong sign: it is p - y.",
        ),
        Misconception(
            "repeated characters lost",
            '"U": came @ da,',
            '"U": np.array([da[inputs == k][-1] if k in inputs else 0 * da[0] for k in range(len(came))]),',
            "Where a character comes more than once, only one of its gradients is kept in dU: they add up.",
        ),
        Misconception(
            "new states for W",
            '"W": states[:-1].T @ da',
            '"W": states[1:].T @ da',
            "W's gradient is made with the states after each step: W multiplies the state before it.",
        ),
        Misconception(
            "mean over steps",
            '"c": do.sum(axis=0)',
            '"c": do.mean(axis=0)',
            "A bias's gradient is averaged over the steps: the loss is a sum, so the gradients add up.",
        ),
        Misconception(
            "clipped inside",
            "    do[steps, targets] -= 1\n",
            "    do[steps, targets] -= 1\n    do = do.clip(-0.5, 0.5)\n",
            "Something is clipped on the way back: the gradients are asked as they are.",
        ),
        Misconception(
            "slope forgotten",
            "        here *= s\n",
            "",
            "The slope of tanh is missing: multiply by 1 - h squared before going on.",
        ),
    ],
    alternatives=[
        Alternative(
            "step by step",
            """
def rnn_backward(params, cache):
    inputs, targets, states, scores = cache
    gradients = {name: np.zeros_like(array) for name, array in params.items()}
    da = np.zeros(states.shape[1])
    for t in range(len(inputs) - 1, -1, -1):
        do = softmax(scores[t])
        do[targets[t]] -= 1
        dh = params["V"] @ do + da @ params["W"].T
        da = dh * (1 - np.square(states[t + 1]))
        gradients["V"] += np.outer(states[t + 1], do)
        gradients["c"] += do
        gradients["U"][inputs[t]] += da
        gradients["W"] += np.outer(states[t], da)
        gradients["b"] += da
    return gradients
""",
        ),
        Alternative(
            "with one-hot inputs",
            """
def rnn_backward(params, cache):
    inputs, targets, states, scores = cache
    x, y = np.eye(len(params["U"]))[inputs], np.eye(len(params["U"]))[targets]
    do = softmax(scores) - y
    da = np.zeros_like(states[1:])
    for t in reversed(range(len(y))):
        dh = do[t] @ params["V"].T
        if t + 1 < len(y):
            dh = dh + da[t + 1] @ params["W"].T
        da[t] = dh * (1.0 - states[t + 1] * states[t + 1])
    ones = np.ones(len(y))
    return {"U": x.T @ da, "W": states[:-1].T @ da, "V": states[1:].T @ do, "b": ones @ da, "c": ones @ do}
""",
        ),
    ],
    builds_on=("softmax", "rnn_forward"),
    forbids=NUMPY_ALONE,
)

# one step of training


def to_clip(rng: np.random.Generator) -> dict:
    """Gradients of which some are above the bound, some below minus the bound, one on it."""
    bound = float(rng.uniform(0.5, 3))
    gradients = {"U": 9 * rng.standard_normal((4, 5)), "b": 9 * rng.standard_normal(6)}
    gradients["U"][0, :3] = [bound, 40.0, -40.0]
    gradients["b"][:2] = [-1e9, bound / 2]
    return {"gradients": gradients, "bound": bound}


CLIP_BY_VALUE = Question(
    "clip_by_value",
    cases=[
        Case("the entries that come back", "dict(clip_by_value(gradients, bound))", to_clip, weight=2),
        Case(
            "the arrays themselves change",
            "held = list(gradients.values()); clip_by_value(gradients, bound); held",
            to_clip,
            weight=2,
        ),
        Case(
            "the same dict, holding the same arrays",
            """
held = dict(gradients)
result = clip_by_value(gradients, bound)
(result is gradients, all(gradients[name] is held[name] for name in held), held["b"])
""",
            to_clip,
        ),
        Case(
            "small entries stay as they are, beside large ones",
            "import numpy\nclip_by_value({'a': x, 'b': 1e6 * x}, 5.0)",
            lambda rng: {"x": rng.uniform(-4, 4, (3, 2))},
        ),
    ],
    misconceptions=[
        Misconception(
            "norm",
            "        gradient.clip(-bound, bound, out=gradient)\n",
            "        gradient *= min(1.0, bound / np.linalg.norm(gradient))\n",
            "The array is scaled by its norm: each entry is clipped by itself.",
        ),
        Misconception(
            "upper end only",
            "gradient.clip(-bound, bound, out=gradient)",
            "np.minimum(gradient, bound, out=gradient)",
            "Only the upper end is clipped: entries below -bound become -bound.",
        ),
        Misconception(
            "a copy",
            "        gradient.clip(-bound, bound, out=gradient)\n",
            "        gradient = gradient.clip(-bound, bound)\n",
            "A clipped copy is made and the arrays stay as they were: write into the array itself.",
        ),
        Misconception(
            "a new dict",
            "    return gradients",
            "    return dict(gradients)",
            "Another dict is returned: return the one that was given.",
        ),
    ],
    alternatives=[
        Alternative(
            "minimum and maximum",
            """
def clip_by_value(gradients, bound):
    for name in gradients:
        gradients[name][...] = np.minimum(np.maximum(gradients[name], -bound), bound)
    return gradients
""",
        ),
        Alternative(
            "masks",
            """
def clip_by_value(gradients, bound):
    for array in gradients.values():
        array[array > bound] = bound
        array[array < -bound] = -bound
    return gradients
""",
        ),
    ],
)


def to_step(scale: float):
    """A draw of parameters, gradients and a memory, with zeros among them."""

    def draw(rng: np.random.Generator) -> dict:
        shapes = {"U": (4, 3), "W": (3, 3), "b": (3,)}
        gradients = {name: scale * rng.standard_normal(shape) for name, shape in shapes.items()}
        gradients["W"][1] = 0.0
        memory = {name: scale**2 * rng.uniform(0, 4, shape) for name, shape in shapes.items()}
        memory["W"][:2] = 0.0
        return {
            "params": {name: rng.standard_normal(shape) for name, shape in shapes.items()},
            "gradients": gradients,
            "memory": memory,
            "rate": float(rng.uniform(0.05, 0.2)),
        }

    return draw


ADAGRAD = "adagrad_step(params, gradients, memory, rate)"
ADAGRAD_STEP = Question(
    "adagrad_step",
    cases=[
        Case("one step", f"{ADAGRAD}; (params, memory)", to_step(1.0), weight=2),
        Case("gradients so small that the 1e-8 counts", f"{ADAGRAD}; (params, memory)", to_step(1e-4)),
        Case("large gradients", f"{ADAGRAD}; (params, memory)", to_step(1e3)),
        Case(
            "three steps, the memory growing",
            "for factor in (1.0, -2.0, 0.5):\n    gradients = {n: factor * g for n, g in gradients.items()}\n"
            f"    {ADAGRAD}\n(params, memory)",
            to_step(1.0),
            weight=2,
        ),
        Case(
            "the arrays themselves change, the gradients do not",
            f"""
held = list(params.values()), list(memory.values())
before = {{name: g.copy() for name, g in gradients.items()}}
{ADAGRAD}
(held, all(bool((before[name] == gradients[name]).all()) for name in before))
""",
            to_step(2.0),
        ),
    ],
    misconceptions=[
        Misconception(
            "memory replaced",
            "memory[name] += gradient * gradient",
            "memory[name][...] = gradient * gradient",
            "The memory is replaced by the last squares: it is the sum of all of them.",
        ),
        Misconception(
            "no squares",
            "memory[name] += gradient * gradient",
            "memory[name] += np.abs(gradient)",
            "The memory sums the gradients' sizes: it is the sum of their squares.",
        ),
        Misconception(
            "no root",
            "np.sqrt(memory[name] + 1e-8)",
            "(memory[name] + 1e-8)",
            "The step is divided by the memory: divide by its root.",
        ),
        Misconception(
            "outside the root",
            "np.sqrt(memory[name] + 1e-8)",
            "(np.sqrt(memory[name]) + 1e-8)",
            "The 1e-8 is added outside of the root: it stands under it.",
        ),
        Misconception(
            "uphill",
            "params[name] -= learning_rate",
            "params[name] += learning_rate",
            "The step goes uphill: subtract it.",
        ),
        Misconception(
            "new arrays",
            "params[name] -= learning_rate * gradient / np.sqrt(memory[name] + 1e-8)",
            "params[name] = params[name] - learning_rate * gradient / np.sqrt(memory[name] + 1e-8)",
            "New arrays are put into the dict: the arrays themselves must change, in place.",
        ),
    ],
    alternatives=[
        Alternative(
            "written into the arrays",
            """
def adagrad_step(params, gradients, memory, learning_rate):
    for name in params:
        memory[name][...] = memory[name] + gradients[name] ** 2
        params[name][...] = params[name] - learning_rate * gradients[name] * (memory[name] + 1e-8) ** -0.5
    return params
""",
        ),
        Alternative(
            "row by row",
            """
def adagrad_step(params, gradients, memory, learning_rate):
    for name in params:
        rows = (np.atleast_2d(array[name]) for array in (params, gradients, memory))
        for p, g, m in zip(*rows, strict=True):
            m += g * g
            p -= learning_rate * g / np.sqrt(m + 1e-8)
""",
        ),
    ],
)

# writing text


def distribution(params: dict, h: np.ndarray, token: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the next token and the next state; by itself, so that judging costs no call of the solution."""
    h = np.tanh(params["U"][token] + h @ params["W"] + params["b"])
    z = (h @ params["V"] + params["c"]) / temperature
    p = np.exp(z - z.max())
    return p / p.sum(), h


def ids_of(answer: object, length: int, classes: int) -> list[int] | str:
    """The drawn ids as a list, or what is wrong with them."""
    if not isinstance(answer, list) or not all(type(k) is int for k in answer):
        return "the ids should be whole numbers, in a list or an integer array"
    if len(answer) != length:
        return f"{len(answer)} ids came back, {length} were asked"
    if any(not 0 <= k < classes for k in answer):
        return "an id lies outside of the classes"
    return answer


# A sum of independent (or martingale) terms over its standard deviation. By Bernstein's (Freedman's) inequality a sum
# of terms within [-1, 1] and variance V exceeds s sqrt(V) with a chance under exp(-s^2 / (2 + 2 s / (3 sqrt(V)))); with
# s = 7.5 and V >= 40 that is under exp(-56.25 / 2.80) = 1.9e-9. Four long samples of 5 tokens and one table of 5 + 25
# counts, two sides each, are 100 such events: a false alarm has a chance under 2e-7.
FAR, ENOUGH = 7.5, 40.0


def unlikely(seen: np.ndarray, expected: np.ndarray, variance: np.ndarray) -> bool:
    """Whether some count lies further from its expectation than chance allows; rare tokens are left out."""
    counted = variance >= ENOUGH
    return bool((np.abs(seen - expected)[counted] > FAR * np.sqrt(variance[counted])).any())


def judge_stream(answer: object, inputs: dict, solution: dict) -> str | None:
    """A long sample: given what was drawn before, each token comes as often as its probabilities say."""
    params, temperature = inputs["params"], inputs["temperature"]
    classes = len(params["c"])
    ids = ids_of(answer, inputs["length"], classes)
    if isinstance(ids, str):
        return ids
    seen, expected, variance = np.zeros(classes), np.zeros(classes), np.zeros(classes)
    h, token = inputs["h0"], inputs["first"]
    for drawn in ids:
        p, h = distribution(params, h, token, temperature)
        seen[drawn] += 1
        expected += p
        variance += p * (1 - p)
        if p[drawn] < 1e-12:
            return "a token was drawn that is all but impossible after the ones before it"
        token = drawn
    if unlikely(seen, expected, variance):
        return "some tokens come too often or too seldom, given those before them"
    return None


def judge_starts(answer: object, inputs: dict, solution: dict) -> str | None:
    """Many samples of two tokens: their pairs come as often as h0, first and the temperature say."""
    params, temperature = inputs["params"], inputs["temperature"]
    classes, count = len(params["c"]), inputs["count"]
    if not isinstance(answer, list) or len(answer) != count:
        return "as many samples as calls were expected"
    seen, expected = np.zeros((classes, classes)), np.zeros((classes, classes))
    for one in answer:
        ids = ids_of(one, 2, classes)
        if isinstance(ids, str):
            return ids
        seen[ids[0], ids[1]] += 1
    p, h = distribution(params, inputs["h0"], inputs["first"], temperature)
    for k in range(classes):
        expected[k] = p[k] * distribution(params, h, k, temperature)[0]
    ones = expected.sum(axis=1)
    if unlikely(seen.sum(axis=1), count * ones, count * ones * (1 - ones)):
        return "the first token drawn comes too often or too seldom, given h0 and what is fed in first"
    if unlikely(seen, count * expected, count * expected * (1 - expected)):
        return "the second token drawn comes too often or too seldom, given the first"
    return None


def judge_generator(answer: object, inputs: dict, solution: dict) -> str | None:
    """Same state, same result; a generator that moves on; arguments as they were."""
    if not isinstance(answer, list) or len(answer) != 4:
        return "three samples were expected"
    ids = [ids_of(one, inputs["length"], len(inputs["params"]["c"])) for one in answer[:3]]
    for one in ids:
        if isinstance(one, str):
            return one
    if ids[0] != ids[1]:
        return "generators in the same state should give the same sample"
    if ids[0] == ids[2]:
        return "a second call with the same generator gives the same sample: draw from rng itself, which moves on"
    return None if answer[3] is True else "an argument was changed by the call"


def to_sample(temperature: float, length: int = 2000, scale: float = 1.0):
    """A draw of a network whose state matters, and of where the sample starts."""

    def draw(rng: np.random.Generator) -> dict:
        return {
            "params": parameters(rng, 5, 4, scale),
            "h0": 2 * rng.standard_normal(4),
            "first": int(rng.integers(5)),
            "length": length,
            "count": 1500,
            "temperature": temperature,
            "seed": int(rng.integers(2**31)),
        }

    return draw


def start_matters(rng: np.random.Generator) -> dict:
    """As `to_sample`, drawn again until the first token's probabilities with h0 are far from those with zeros."""
    while True:
        drawn = to_sample(1.0)(rng)
        params, h0, first = drawn["params"], drawn["h0"], drawn["first"]
        with_h0, without = (distribution(params, h, first, 1.0)[0] for h in (h0, 0 * h0))
        if np.abs(with_h0 - without).max() > 0.3:
            return drawn


SAMPLE_START = "import numpy\nrng = numpy.random.default_rng(seed)\n"
SAMPLE_STREAM = SAMPLE_START + "[int(k) for k in sample(params, h0, first, length, rng, temperature)]"
SAMPLE_PAIRS = SAMPLE_START + "[[int(k) for k in sample(params, h0, first, 2, rng, temperature)] for _ in range(count)]"
SAMPLE = Question(
    "sample",
    cases=[
        Case("frequencies in a long sample", SAMPLE_STREAM, to_sample(1.0), weight=2, judge=judge_stream),
        Case("frequencies of the first two tokens", SAMPLE_PAIRS, start_matters, weight=2, judge=judge_starts),
        Case("a temperature under 1", SAMPLE_STREAM, to_sample(0.5), judge=judge_stream),
        Case("a temperature above 1", SAMPLE_STREAM, to_sample(3.0, scale=2.0), judge=judge_stream),
        Case("a temperature next to 0: the most probable token each time", SAMPLE_STREAM, to_sample(1e-9, 12)),
        Case("a very high temperature: all tokens alike", SAMPLE_STREAM, to_sample(1e9), judge=judge_stream),
        Case(
            "the generator moves on, and nothing else does",
            """
import numpy
def draw(rng):
    return [int(k) for k in sample(params, h0, first, length, rng, temperature)]
before = {name: array.copy() for name, array in params.items()}, h0.copy()
rng = numpy.random.default_rng(seed)
one, other, later = draw(rng), draw(numpy.random.default_rng(seed)), draw(rng)
same = all(bool((before[0][name] == params[name]).all()) for name in params)
[one, other, later, same and bool((before[1] == h0).all())]
""",
            to_sample(2.0, 80, scale=0.3),
            judge=judge_generator,
        ),
        Case(
            "temperatures that are not positive, and none or one token asked",
            """
import numpy
found = []
for wrong in (0.0, -0.5, -1e9, 0.7):
    try:
        found.append(len(sample(params, h0, first, 1, numpy.random.default_rng(seed), wrong)))
    except ValueError:
        found.append("ValueError")
found + [len(sample(params, h0, first, 0, numpy.random.default_rng(seed), 1.0))]
""",
            to_sample(1.0),
        ),
    ],
    misconceptions=[
        Misconception(
            "argmax",
            "int(rng.choice(len(scores), p=softmax(scores / temperature)))",
            "int(np.argmax(softmax(scores / temperature)))",
            "The most probable token is taken each time: draw by the probabilities.",
        ),
        Misconception(
            "temperature multiplied",
            "scores / temperature",
            "scores * temperature",
            "The scores are multiplied by the temperature: they are divided by it.",
        ),
        Misconception(
            "temperature on the probabilities",
            "softmax(scores / temperature)",
            "softmax(softmax(scores) / temperature)",
            "The temperature divides probabilities: it divides the scores, before the softmax.",
        ),
        Misconception(
            "first among the results",
            "h, token, drawn = h0, first, []\n    for _ in range(length):",
            "h, token, drawn = h0, first, [first][:length]\n    for _ in range(length - 1):",
            "What is fed in first stands among the results: only drawn tokens do.",
        ),
        Misconception(
            "not fed back",
            "token = int(rng.choice(len(scores), p=softmax(scores / temperature)))\n        drawn.append(token)",
            "drawn.append(int(rng.choice(len(scores), p=softmax(scores / temperature))))",
            "What was drawn is not fed in at the next step.",
        ),
        Misconception(
            "starting state ignored",
            "h, token, drawn = h0, first, []",
            "h, token, drawn = 0 * h0, first, []",
            "The state starts from zero: h0 is the state before the first step.",
        ),
        Misconception(
            "state not carried",
            '        h = np.tanh(params["U"][token] + h @ params["W"] + params["b"])\n        scores = h @',
            '        scores = np.tanh(params["U"][token] + h0 @ params["W"] + params["b"]) @',
            "Each step starts again from h0: carry the state on.",
        ),
        Misconception(
            "own generator",
            "rng.choice(",
            "np.random.default_rng(0).choice(",
            "The function draws from a generator of its own: draw from rng.",
        ),
        Misconception(
            "any temperature",
            "if not temperature > 0:",
            "if temperature == 0:",
            "A negative temperature is not refused: any that is not positive is a ValueError.",
        ),
    ],
    alternatives=[
        Alternative(
            "by the cumulated probabilities",
            """
def sample(params, h0, first, length, rng, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    ids, h, x = np.zeros(length, dtype=np.int64), h0.copy(), first
    for t in range(length):
        h = np.tanh(params["U"][x] + np.dot(h, params["W"]) + params["b"])
        p = softmax((np.dot(h, params["V"]) + params["c"]) / temperature)
        x = ids[t] = min(np.searchsorted(np.cumsum(p), rng.random(), side="right"), len(p) - 1)
    return ids
""",
        ),
        Alternative(
            "Gumbel noise",
            """
def sample(params, h0, first, length, rng, temperature):
    if temperature <= 0:
        raise ValueError(f"{temperature} is not positive")
    result = [first]
    h = h0
    while len(result) <= length:
        h = np.tanh(params["U"][result[-1]] + params["W"].T @ h + params["b"])
        o = params["V"].T @ h + params["c"]
        result.append(int(np.argmax(o / temperature + rng.gumbel(size=o.shape))))
    return result[1:]
""",
        ),
        Alternative(
            "multinomial",
            """
def sample(params, h0, first, length, rng, temperature):
    if temperature <= 0:
        raise ValueError("not positive")
    def step(h, x):
        h = np.tanh(params["U"][x] + h @ params["W"] + params["b"])
        p = softmax((h @ params["V"] + params["c"]) / temperature)
        return h, int(rng.multinomial(1, p).argmax())
    out = []
    h, x = h0, first
    for _ in range(length):
        h, x = step(h, x)
        out += [x]
    return out
""",
        ),
    ],
    builds_on=("softmax",),
    forbids=NUMPY_ALONE,
)

# measuring

BITS = "bits_per_character(params, tokens)"
BITS_PER_CHARACTER = Question(
    "bits_per_character",
    cases=[
        Case("a short text", BITS, network(5, 4, 30), weight=2),
        Case("two tokens", BITS, network(4, 3, 1)),
        Case("a long text, the state carried", BITS, network(5, 6, 3300, scale=0.8), weight=2),
        Case(
            "a text of 1001 tokens and one of 1002",
            f"[{BITS}, bits_per_character(params, tokens[:-1])]",
            network(3, 4, 1001),
        ),
        Case("tokens in a list", "bits_per_character(params, tokens.tolist())", network(6, 3, 12)),
        Case(
            "the same twice, the parameters as they were",
            f"""
before = {{name: array.copy() for name, array in params.items()}}
one = {BITS}
(one, {BITS}, all(bool((before[name] == params[name]).all()) for name in params))
""",
            network(4, 5, 60),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "nats",
            "((len(tokens) - 1) * np.log(2))",
            "(len(tokens) - 1)",
            "The result is in nats: divide by ln 2 for bits.",
        ),
        Misconception(
            "the first counted too",
            "((len(tokens) - 1) * np.log(2))",
            "(len(tokens) * np.log(2))",
            "The sum is divided by the number of tokens: the first one is not predicted, so it does not count.",
        ),
        Misconception(
            "state dropped between pieces",
            "loss, h, _ =",
            "loss, _, _ =",
            "The state starts from zero again in each piece: carry it from piece to piece.",
        ),
        Misconception(
            "gaps between pieces",
            "tokens[start : start + 1001], h)",
            "tokens[start : start + 1000], h)",
            "The token between two pieces is never predicted: a piece starts with the last token of the one before.",
        ),
        Misconception(
            "mean per piece",
            "total += loss",
            "total += loss / len(tokens)",
            "The sum is divided by the number of tokens twice.",
        ),
    ],
    alternatives=[
        Alternative(
            "in one piece",
            """
def bits_per_character(params, tokens):
    loss, _, _ = rnn_forward(params, tokens, np.zeros(params["W"].shape[0]))
    return loss / (len(tokens) - 1) / math.log(2)
""",
        ),
        Alternative(
            "small pieces",
            """
def bits_per_character(params, tokens):
    state, bits, count, start = np.zeros(len(params["b"])), 0.0, 0, 0
    while start < len(tokens) - 1:
        piece = tokens[start : start + 26]
        loss, state, _ = rnn_forward(params, piece, state)
        bits += loss / np.log(2)
        count += len(piece) - 1
        start += 25
    return float(bits / count)
""",
        ),
    ],
    builds_on=("rnn_forward",),
    forbids=NUMPY_ALONE,
)


@cache
def alphabet() -> list[str]:
    """The characters of the synthetic language, in the order of the notebook."""
    return sorted(set(corpora.load("toy").text("train")))


def bits_of_parameters(answer: object, inputs: dict, solution: dict) -> float | str:
    """Bits per character on text that is drawn here, by the solution's own function."""
    if not isinstance(answer, dict) or set(answer) != set(SIZES):
        return "a dict of the five arrays U, W, V, b and c was expected"
    if not all(isinstance(array, np.ndarray) and array.dtype.kind == "f" for array in answer.values()):
        return "the five parameters should be arrays of floating-point numbers"
    sizes = {"C": len(alphabet()), "H": len(answer["b"]) if answer["b"].ndim == 1 else 0}
    if not 1 <= sizes["H"] <= 400:
        return "b should have one entry per hidden unit, 400 at most"
    for name, shape in SIZES.items():
        if answer[name].shape != tuple(sizes[s] for s in shape):
            return f"{name} has the wrong shape for {sizes['C']} characters and {sizes['H']} hidden units"
        if not np.isfinite(answer[name]).all():
            return f"{name} holds nan or infinity"
    place = {character: k for k, character in enumerate(alphabet())}
    text = "".join(line + "\n" for line in inputs["lines"])
    parameters = {name: array.astype(np.float64) for name, array in answer.items()}
    bits = float(solution["bits_per_character"](parameters, np.array([place[c] for c in text])))
    # every character but the first is predicted
    first = sum(chance for word, chance in toy.ENGLISH.first_words[toy.ENGLISH.start].items() if word[0] == text[0])
    exact = np.log(first) - sum(toy.log_probability(line) for line in inputs["lines"])
    count = len(text) - 1
    return beyond_exact(bits * count * np.log(2), exact, count, "bits per character") or bits


BEST_PARAMS = Question(
    "best_params",
    cases=[
        Case(
            "bits per character on held-out text",
            "dict(best_params)",
            kept=lambda rng: {"lines": toy.sentences(400, rng)},
            judge=Bar(
                "bits per character",
                bits_of_parameters,
                "{came} bits per character on text that the grader drew; {bar} are the most",
                __file__,
            ),
        )
    ],
    builds_on=(
        "softmax",
        "cross_entropy",
        "rnn_forward",
        "rnn_backward",
        "clip_by_value",
        "adagrad_step",
        "sample",
        "bits_per_character",
    ),
    made_by="train_rnn",
    spoiled_by=(
        "rnn_backward: y - p",
        "rnn_backward: 1 - tanh",
        "rnn_backward: new states for W",
        "rnn_backward: slope forgotten",
        "adagrad_step: memory replaced",
        "adagrad_step: no root",
        "adagrad_step: uphill",
    ),
)

QUESTIONS = [
    SOFTMAX,
    CROSS_ENTROPY,
    SOFTMAX_REGRESSION,
    NUMERICAL_GRADIENT,
    RELATIVE_ERROR,
    RNN_FORWARD,
    RNN_BACKWARD,
    CLIP_BY_VALUE,
    ADAGRAD_STEP,
    SAMPLE,
    BITS_PER_CHARACTER,
    BEST_PARAMS,
]
