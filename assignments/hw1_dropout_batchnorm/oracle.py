"""What the grader asks in hw1. Random functions are judged by properties and distribution, never by drawn values.

False alarms: every count of independent draws must lie within six standard deviations (normal tail 2e-9) of its mean;
there are at most ten such counts a question, so a right answer fails with a chance under 1e-7. Counts per row or column
are held to 7.5 deviations: exact binomial tails (90 to 200 draws, 0.2 <= p <= 0.5) under 2e-11 each, 560 of them.
"""

import numpy as np

from autograder.oracle.questions import Alternative, Case, Misconception, Question


def seed(rng):
    """A seed for the generator that the program makes."""
    return int(rng.integers(1, 2**31))


def off(count, draws, chance, deviations=6.0):
    """Whether a count of independent draws is too far from its mean."""
    return abs(count - draws * chance) > deviations * np.sqrt(draws * chance * (1 - chance)) + 1e-9


def parts(value, count):
    """Whether a value is a list or a tuple of so many entries."""
    return isinstance(value, (list, tuple)) and len(value) == count


def numbers(value, count):
    """Whether a value is a list of so many whole numbers."""
    return isinstance(value, list) and len(value) == count and all(type(n) is int for n in value)


MISCOUNTED = "another number of results came back than was asked for"


def misshaped(value, *shape):
    """A reason when a value is no finite float64 array of this shape."""
    if not isinstance(value, np.ndarray):
        return "a numpy array was expected"
    if value.shape != shape:
        return f"shape {value.shape} came back, {shape} was expected"
    if value.dtype != np.float64:
        return f"dtype {value.dtype} came back, float64 was expected"
    return None if np.all(np.isfinite(value)) else "nan or infinity where finite numbers are expected"


def cross_entropy(logits, targets):
    """Mean cross-entropy and its gradient with respect to the logits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    probabilities = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    rows = np.arange(len(logits))
    loss = float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[rows, targets]))
    probabilities[rows, targets] -= 1
    return loss, probabilities / len(logits)


def near(value, expected, relative=1e-6, absolute=1e-9):
    """Whether numbers agree; whatever is no number does not."""
    same_kind = isinstance(value, (int, float, np.ndarray)) and np.shape(value) == np.shape(expected)
    return same_kind and bool(np.allclose(value, expected, rtol=relative, atol=absolute))


# --- mini-batches -----------------------------------------------------------------------------------------------


FURTHER_SIZES = ((12, 4), (7, 1), (5, 9), (0, 3))  # rows and size of a batch


def draw_batches(rng):
    return {"s": seed(rng), "rows": int(rng.integers(40, 60)), "size": int(rng.integers(7, 12))}


def judge_partition(answer, inputs, solution):
    asked = [(inputs["rows"], inputs["size"]), *FURTHER_SIZES]
    if not parts(answer, len(asked)):
        return MISCOUNTED
    for (rows, size), batches in zip(asked, answer, strict=True):
        if not isinstance(batches, list) or not all(isinstance(b, list) and numbers(b, len(b)) for b in batches):
            return "batches of row numbers were expected"
        if sorted(i for batch in batches for i in batch) != list(range(rows)):
            return "not every row number is in exactly one batch"
        if [len(batch) for batch in batches] != [min(size, rows - start) for start in range(0, rows, size)]:
            return "the sizes of the batches are wrong"
    return None


def judge_shuffled(answer, inputs, solution):
    if not parts(answer, 4) or not parts(answer[3], 3000) or not all(numbers(pair, 2) for pair in answer[3]):
        return MISCOUNTED
    first, again, second, pairs = answer
    if not all(numbers(order, 40) and set(order) == set(range(40)) for order in (first, again, second)):
        return "not every row number is in exactly one batch"
    if first != again:
        return "the same state of rng gave other batches: draw from rng alone"
    if first == second:
        return "two calls with the same generator gave the same order"
    if any(off(sum(pair[0] == row for pair in pairs), 3000, 0.2) for row in range(5)):
        return "some rows come first more often than others"
    together = [set(pair) for pair in pairs]
    if any(off(together.count({one, other}), 3000, 0.1) for one in range(5) for other in range(one)):
        return (
            "some rows share a batch more often than others: every order of the rows should be as likely as any other"
        )
    return None


MINIBATCHES = Question(
    id="minibatches",
    cases=[
        Case(
            "every row once, in batches of the right sizes",
            "import numpy as np\n"
            f"sizes = [(rows, size), *{FURTHER_SIZES}]\n"
            "[[[int(i) for i in batch] for batch in minibatches(n, b, np.random.default_rng(s))] for n, b in sizes]",
            draw_batches,
            judge=judge_partition,
        ),
        Case(
            "shuffled by the generator that is passed",
            "import numpy as np\n"
            "def order(rng, n=40, b=7):\n    return [int(i) for batch in minibatches(n, b, rng) for i in batch]\n"
            "rng = np.random.default_rng(s)\n"
            "first, second = order(rng), order(rng)\n"
            "pairs = [order(rng, 5, 2)[:2] for _ in range(3000)]\n"
            "(first, order(np.random.default_rng(s)), second, pairs)",
            draw_batches,
            judge=judge_shuffled,
        ),
        Case(
            "a ValueError for a batch size under 1",
            "import numpy as np\n"
            "def kind(size):\n"
            "    try:\n        return sum(len(b) for b in minibatches(6, size, np.random.default_rng(s)))\n"
            "    except ValueError:\n        return 'ValueError'\n"
            "[kind(0), kind(-2), kind(1)]",
            draw_batches,
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "rows not shuffled",
            "rng.permutation(rows)",
            "np.arange(rows)",
            "The rows come in their old order: shuffle them with rng.",
        ),
        Misconception(
            "rotated",
            "rng.permutation(rows)",
            "np.roll(np.arange(rows), rng.integers(max(rows, 1)))",
            "The rows keep their old order and only begin elsewhere: shuffle them with rng.",
        ),
        Misconception(
            "remainder dropped",
            "range(0, rows, batch_size)",
            "range(0, rows - batch_size + 1, batch_size)",
            "The rows that do not fill a batch are dropped: the last batch is smaller.",
        ),
        Misconception(
            "drawn with repetition",
            "rng.permutation(rows)",
            "rng.integers(0, max(rows, 1), rows)",
            "Row numbers are drawn with repetition: in an epoch every row comes once.",
        ),
        Misconception(
            "negative batch size accepted",
            "batch_size < 1",
            "batch_size == 0",
            "A negative batch size gives no batches: it needs a ValueError, as 0 does.",
        ),
    ],
    alternatives=[
        Alternative(
            "shuffle in place and array_split",
            "def minibatches(rows, batch_size, rng):\n"
            "    if batch_size < 1:\n        raise ValueError(f'batch_size {batch_size}')\n"
            "    order = np.arange(rows)\n    rng.shuffle(order)\n"
            "    return np.array_split(order, range(batch_size, rows, batch_size)) if rows else []\n",
        ),
        Alternative(
            "sorting random keys, lists in a loop",
            "def minibatches(rows, batch_size, rng):\n"
            "    if batch_size < 1:\n        raise ValueError(str(batch_size))\n"
            "    left = list(np.argsort(rng.random(rows)))\n    batches = []\n"
            "    while left:\n        batches.append(np.array(left[:batch_size]))\n        left = left[batch_size:]\n"
            "    return batches\n",
        ),
    ],
)


# --- dropout ----------------------------------------------------------------------------------------------------


def draw_dropout(rng):
    return {
        "x": rng.uniform(0.5, 2, (200, 160)) * rng.choice([-1, 1], (200, 160)),
        "p": rng.uniform(0.2, 0.5),
        "s": seed(rng),
    }


def draw_dropout2d(rng):
    return {"x": rng.uniform(0.5, 2, (90, 110, 2, 3)), "p": rng.uniform(0.2, 0.5), "s": seed(rng)}


def judge_dropout(answer, inputs, solution):
    x, p = inputs["x"], inputs["p"]
    if wrong := misshaped(answer, *x.shape):
        return wrong
    kept = answer != 0
    if x.ndim == 4:
        if np.any(kept != kept[:, :, :1, :1]):
            return "a channel was dropped in part: one draw decides for all its pixels"
    elif off(np.sum(~kept[:, 1:] & ~kept[:, :-1]), kept[:, 1:].size, p * p, 9):  # pairs overlap: a wider bound
        return "neighbouring values are not dropped independently"
    if not np.allclose(answer[kept], x[kept] / (1 - p), rtol=1e-9):
        return "the values that are kept have the wrong size"
    drawn = kept if x.ndim == 2 else kept[:, :, 0, 0]
    if off(np.sum(~drawn), drawn.size, p):
        return f"the share that was dropped is {np.mean(~drawn):.3f}, which is not the probability asked for"
    for axis, words in ((0, "in some places"), (1, "in some examples")):
        lengths = drawn.shape[axis]
        if any(off(count, lengths, p, 7.5) for count in np.sum(~drawn, axis=axis)):
            return f"more is dropped {words} than in others: draw for each by itself"
    return None


def judge_generator(answer, inputs, solution):
    x, p = inputs["x"], inputs["p"]
    if not isinstance(answer, (list, tuple)) or len(answer) != 4:
        return "four results were expected"
    for one in answer[:3]:
        if wrong := misshaped(one, *x.shape):
            return wrong
    first, second, again, unchanged = answer
    if not np.array_equal(first, again):
        return "the same state of rng gave another mask: draw from rng alone"
    drawn = slice(None) if x.ndim == 2 else (slice(None), slice(None), 0, 0)
    agree = (first == 0)[drawn] == (second == 0)[drawn]
    if off(np.sum(agree), agree.size, p * p + (1 - p) * (1 - p)):
        return "a second call with the same generator did not draw a new mask"
    return None if unchanged is True else "x was changed by the call"


def dropout_cases(name, draw):
    """The cases that dropout and dropout2d share; `name` is the function."""
    prelude = "import numpy as np\n"
    return [
        Case(
            "what is kept, how much is dropped, and where",
            f"{prelude}{name}(x, p, True, np.random.default_rng(s))",
            draw,
            weight=3,
            judge=judge_dropout,
        ),
        Case(
            "draws from the generator, and advances it",
            f"{prelude}rng, before = np.random.default_rng(s), x.copy()\n"
            f"first, second = {name}(x, p, True, rng), {name}(x, p, True, rng)\n"
            f"(first, second, {name}(x, p, True, np.random.default_rng(s)), bool(np.array_equal(x, before)))",
            draw,
            judge=judge_generator,
        ),
        Case(
            "evaluation, and p = 0, leave x as it is",
            f"{prelude}[{name}(x[:9], q, t, np.random.default_rng(s)) for q, t in ((p, False), (1, False), (0, True))]",
            draw,
            weight=1,
        ),
        Case(
            "p = 1 gives zeros",
            f"{prelude}[{name}(x[:9], q, True, np.random.default_rng(s)) for q in (1, 1.0)]",
            draw,
            weight=1,
        ),
        Case(
            "a ValueError, in both modes, for a p outside of 0 to 1 and for nan",
            f"{prelude}def kind(q, training):\n"
            f"    try:\n        return float(np.sum({name}(x[:2] * 0, q, training, np.random.default_rng(s))))\n"
            "    except ValueError:\n        return 'ValueError'\n"
            "[kind(q, t) for q in (-1e-9, 1 + 1e-9, float('nan'), float('inf'), -3, 0.0, 1.0) for t in (True, False)]",
            draw,
            weight=1,
        ),
    ]


DROPOUT = Question(
    id="dropout",
    cases=dropout_cases("dropout", draw_dropout),
    misconceptions=[
        Misconception(
            "not scaled",
            "x[kept] / (1 - p)",
            "x[kept]",
            "What is kept is not divided by 1 - p, so the expected value shrinks.",
        ),
        Misconception(
            "p taken as the probability of keeping",
            "rng.random(x.shape) >= p\n    y = np.zeros_like(x)\n    y[kept] = x[kept] / (1 - p)",
            "rng.random(x.shape) < p\n    y = np.zeros_like(x)\n    y[kept] = x[kept] / p",
            "Here p is the probability of dropping, not of keeping.",
        ),
        Misconception(
            "on in evaluation",
            "    if not training:\n        return x\n",
            "",
            "Values are dropped in evaluation too: there dropout leaves x as it is.",
        ),
        Misconception(
            "scaled in evaluation",
            "        return x\n",
            "        return x * (1 - p)\n",
            "Evaluation is scaled by 1 - p: inverted dropout scales in training and leaves evaluation alone.",
        ),
        Misconception(
            "nan accepted",
            "not 0 <= p <= 1",
            "p < 0 or p > 1",
            "A p of nan passes the test of the bounds, because comparisons with nan are false.",
        ),
        Misconception(
            "nan at p = 1",
            "y[kept] = x[kept] / (1 - p)",
            "y = x * kept / np.float64(1 - p)",
            "At p = 1 zero is divided by zero: all values are dropped, so the answer is zeros.",
        ),
        Misconception(
            "a generator of its own",
            "kept = rng.random(",
            "kept = np.random.default_rng(0).random(",
            "The mask does not come from the generator that is passed, so it is the same every time.",
        ),
        Misconception(
            "one mask for all rows",
            "rng.random(x.shape) >= p",
            "np.broadcast_to(rng.random(x.shape[1:]) >= p, x.shape)",
            "All rows share one mask: every value is drawn by itself.",
        ),
    ],
    alternatives=[
        Alternative(
            "a factor by np.where",
            "def dropout(x, p, training, rng):\n"
            "    if np.isnan(p) or p < 0 or p > 1:\n        raise ValueError(f'p is {p}')\n"
            "    if not training or p == 0:\n        return x.copy()\n"
            "    if p == 1:\n        return np.zeros(x.shape)\n"
            "    return x * np.where(rng.uniform(size=x.shape) < p, 0.0, 1 / (1 - p))\n",
        ),
        Alternative(
            "a binomial draw, the answer written into a copy",
            "def dropout(x, p, training, rng):\n"
            "    if not (p >= 0 and p <= 1):\n        raise ValueError('p must lie between 0 and 1')\n"
            "    y = np.array(x)\n"
            "    if training:\n        gone = rng.binomial(1, p, size=x.shape).astype(bool)\n"
            "        y[gone] = 0\n        y[~gone] /= max(1 - p, 1e-300)\n"
            "    return y\n",
        ),
    ],
    seconds=10,
)

DROPOUT2D = Question(
    id="dropout2d",
    cases=dropout_cases("dropout2d", draw_dropout2d),
    misconceptions=[
        Misconception(
            "a draw for each pixel",
            "np.ones(x.shape[:2]), p, training, rng)\n    return x * factors[:, :, None, None]",
            "np.ones(x.shape), p, training, rng)\n    return x * factors",
            "Each pixel is drawn by itself: one draw decides for a whole channel.",
        ),
        Misconception(
            "one mask for all examples",
            "np.ones(x.shape[:2])",
            "np.ones((1, x.shape[1]))",
            "All examples lose the same channels: each example draws its own.",
        ),
        Misconception(
            "whole examples dropped",
            "np.ones(x.shape[:2])",
            "np.ones((len(x), 1))",
            "An example loses all its channels or none: each channel is drawn by itself.",
        ),
        Misconception(
            "on in evaluation",
            "[:2]), p, training, rng)",
            "[:2]), p, True, rng)",
            "Channels are dropped in evaluation too: there nothing is changed.",
        ),
    ],
    alternatives=[
        Alternative(
            "without dropout",
            "def dropout2d(x, p, training, rng):\n"
            "    if not 0 <= p <= 1:\n        raise ValueError(f'p = {p}')\n"
            "    if not training:\n        return x\n"
            "    kept = rng.random(x.shape[:2] + (1, 1)) >= p\n"
            "    return np.where(kept, x / (1 - p if p < 1 else 1.0), 0.0)\n",
        ),
        Alternative(
            "example by example, channel by channel",
            "def dropout2d(x, p, training, rng):\n"
            "    if not (p >= 0 and p <= 1):\n        raise ValueError(f'p = {p}')\n"
            "    y = x.copy()\n"
            "    if not training:\n        return y\n"
            "    for example in y:\n        for channel in example:\n"
            "            if rng.random() < p:\n                channel[...] = 0\n"
            "            else:\n                channel /= 1 - p\n"
            "    return y\n",
        ),
    ],
    builds_on=("dropout",),
    seconds=10,
)


# --- batch normalisation ----------------------------------------------------------------------------------------


def draw_norm(rows, features, center=0.0, width=1.0):
    """Inputs of a batch norm: x, dy, four vectors, momentum and eps."""

    def draw(rng):
        return {
            "x": center + width * rng.normal(0.4, 1.5, (rows, features)),
            "dy": rng.normal(size=(rows, features)),
            "gamma": rng.normal(size=features),
            "beta": rng.normal(size=features),
            "mean": rng.normal(size=features),
            "var": rng.uniform(0.3, 3, features),
            "momentum": float(rng.uniform(0.15, 0.4)),
            "eps": float(rng.uniform(0.01, 0.2)),
        }

    return draw


def draw_flat(rng):
    """A batch with a constant column, and one that hardly varies."""
    inputs = draw_norm(5, 4)(rng)
    inputs["x"][:, 1] = inputs["x"][0, 1]
    inputs["x"][:, 2] = 1 + 1e-5 * inputs["x"][:, 2]
    return inputs | {"eps": 1e-5}


FORWARD = "y, _ = batch_norm_forward(x, gamma, beta, mean, var, momentum, eps, {training})\n"
BATCH_NORM_FORWARD = Question(
    id="batch_norm_forward",
    cases=[
        Case("y in training", FORWARD.format(training=True) + "y", draw_norm(7, 4), weight=2),
        Case("y in training, two rows and one feature", FORWARD.format(training=True) + "y", draw_norm(2, 1)),
        Case(
            "y of constant and of nearly constant columns",
            FORWARD.format(training=True) + "y",
            draw_flat,
            relative=1e-6,
        ),
        Case(
            "large values far from zero",
            FORWARD.format(training=True) + "(y, mean, var)",
            draw_norm(6, 3, 300.0, 20.0),
            weight=0.5,
        ),
        Case(
            "running estimates after one batch",
            FORWARD.format(training=True) + "(mean, var)",
            draw_norm(4, 5),
            weight=2,
        ),
        Case(
            "running estimates after three batches, at momentum 0 and 1 too",
            "found = []\nfor a in (momentum, 0.0, 1.0):\n    m, v = mean.copy(), var.copy()\n"
            "    for scale in (1.0, 2.0, -0.5):\n"
            "        batch_norm_forward(scale * x + scale, gamma, beta, m, v, a, eps, True)\n"
            "    found.append((m, v))\nfound",
            draw_norm(3, 4),
        ),
        Case(
            "evaluation normalises by the running estimates and leaves them",
            FORWARD.format(training=False) + "(y, mean, var)",
            draw_norm(6, 3),
            weight=1.5,
        ),
        Case("evaluation of one row", FORWARD.format(training=False) + "y", draw_norm(1, 4), weight=0.5),
        Case(
            "a ValueError for a training batch of one",
            "def kind(rows):\n"
            "    try:\n        y, _ = batch_norm_forward(x[:rows], gamma, beta, mean, var, momentum, eps, True)\n"
            "    except ValueError:\n        return 'ValueError'\n    return y\n"
            "[kind(1), kind(2)]",
            draw_norm(3, 4),
            weight=0.5,
        ),
        Case(
            "x, gamma and beta stay, and a second call gives the same",
            "again = [a.copy() for a in (x, gamma, beta, mean, var)]\n"
            + FORWARD.format(training=True)
            + "second, _ = batch_norm_forward(*again, momentum, eps, True)\n(y, second, x, gamma, beta)",
            draw_norm(5, 2),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "unbiased variance to normalise",
            "x.var(axis=0)\n",
            "x.var(axis=0, ddof=1) * (1 if training else 1)\n        biased = x.var(axis=0)\n",
            "The batch is normalised by the unbiased variance: n - 1 belongs in the running estimate only.",
        ),
        Misconception(
            "biased variance in the running estimate",
            "variance * rows / (rows - 1)",
            "variance",
            "The running variance takes in the biased variance: it needs the factor n / (n - 1).",
        ),
        Misconception(
            "momentum the wrong way round",
            "running_mean += momentum * (mean - running_mean)\n        running_var += momentum *",
            "running_mean += (1 - momentum) * (mean - running_mean)\n        running_var += (1 - momentum) *",
            "Momentum is the wrong way round: it is the weight of the new value.",
        ),
        Misconception(
            "eps outside of the root",
            "1 / np.sqrt(variance + eps)",
            "1 / (np.sqrt(variance) + eps)",
            "Eps stands outside of the root: it is added to the variance.",
        ),
        Misconception(
            "running estimates not changed in place",
            "running_mean += momentum * (mean - running_mean)\n        running_var += momentum *",
            "running_mean = running_mean + momentum * (mean - running_mean)\n"
            "        running_var = running_var + momentum *",
            "The running estimates get a new array: the caller's own has to change in place.",
        ),
        Misconception(
            "batch statistics in evaluation",
            "mean, variance = running_mean, running_var",
            "mean, variance = x.mean(axis=0), x.var(axis=0)",
            "Evaluation normalises by its own batch: it has to use the running estimates.",
        ),
        Misconception(
            "gamma and beta forgotten",
            "gamma * normalised + beta",
            "normalised",
            "The result is only normalised: scale it by gamma and shift it by beta.",
        ),
        Misconception(
            "statistics of the rows",
            "x.mean(axis=0), x.var(axis=0)\n        running_mean",
            "x.mean(), x.var()\n        running_mean",
            "One mean and variance serve the whole array: every feature has its own, over the rows.",
        ),
        Misconception(
            "one row accepted",
            "if rows == 1:",
            "if rows == 0:",
            "A training batch of one row needs a ValueError: its variance says nothing.",
        ),
    ],
    alternatives=[
        Alternative(
            "feature by feature",
            "def batch_norm_forward(x, gamma, beta, running_mean, running_var, momentum, eps, training):\n"
            "    n, features = x.shape\n"
            "    if training and n < 2:\n        raise ValueError(f'{n} rows')\n"
            "    y, normalised, roots = np.empty_like(x), np.empty_like(x), np.empty(features)\n"
            "    for k in range(features):\n"
            "        m, v = running_mean[k], running_var[k]\n"
            "        if training:\n"
            "            m = sum(x[:, k]) / n\n            v = sum((value - m) ** 2 for value in x[:, k]) / n\n"
            "            running_mean[k] = (1 - momentum) * running_mean[k] + momentum * m\n"
            "            running_var[k] = (1 - momentum) * running_var[k] + momentum * v * n / (n - 1)\n"
            "        roots[k] = (v + eps) ** 0.5\n"
            "        normalised[:, k] = (x[:, k] - m) / roots[k]\n"
            "        y[:, k] = gamma[k] * normalised[:, k] + beta[k]\n"
            "    return y, (normalised, 1 / roots, gamma.copy(), training)\n",
        ),
        Alternative(
            "torch does it",
            "def batch_norm_forward(x, gamma, beta, running_mean, running_var, momentum, eps, training):\n"
            "    if training and len(x) == 1:\n        raise ValueError('one row')\n"
            "    m, v = (x.mean(0), x.var(0)) if training else (running_mean.copy(), running_var.copy())\n"
            "    arrays = [torch.from_numpy(a.copy()) for a in (x, running_mean, running_var, gamma, beta)]\n"
            "    y = nn.functional.batch_norm(*arrays, training, momentum, eps).numpy()\n"
            "    running_mean[:], running_var[:] = arrays[1].numpy(), arrays[2].numpy()\n"
            "    s = (v + eps) ** -0.5\n"
            "    return y, ((x - m) * s, s, gamma, training)\n",
        ),
    ],
)

BACKWARD = (
    "_, cache = batch_norm_forward(x, gamma, beta, mean, var, momentum, eps, {training})\n"
    "dx, dgamma, dbeta = batch_norm_backward(dy, cache)\n"
)
BATCH_NORM_BACKWARD = Question(
    id="batch_norm_backward",
    cases=[
        Case("dx after a training step", BACKWARD.format(training=True) + "dx", draw_norm(6, 4), weight=3),
        Case("dgamma and dbeta", BACKWARD.format(training=True) + "(dgamma, dbeta)", draw_norm(5, 3), weight=1.5),
        Case("a batch of two, one feature", BACKWARD.format(training=True) + "(dx, dgamma, dbeta)", draw_norm(2, 1)),
        Case(
            "a constant column", BACKWARD.format(training=True) + "(dx, dgamma, dbeta)", draw_flat, 0.5, relative=1e-5
        ),
        Case(
            "after evaluation the estimates are constants",
            BACKWARD.format(training=False) + "(dx, dgamma, dbeta)",
            draw_norm(4, 3),
            weight=2,
        ),
        Case(
            "after evaluation of one row",
            BACKWARD.format(training=False) + "(dx, dgamma, dbeta)",
            draw_norm(1, 5),
            weight=0.5,
        ),
        Case(
            "the cache can be used twice, dy stays",
            BACKWARD.format(training=True)
            + "again = batch_norm_backward(2 * dy, cache)\n([dx, dgamma, dbeta], [a for a in again], dy)",
            draw_norm(3, 2),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "mean and variance as constants",
            "    if training:\n        dx = dx - dx.mean(axis=0) - normalised * (dx * normalised).mean(axis=0)\n",
            "",
            "Mean and variance are taken as constants: in training both depend on x, and both send a part to dx.",
        ),
        Misconception(
            "variance as a constant",
            " - normalised * (dx * normalised).mean(axis=0)",
            "",
            "The part of dx that comes through the variance is missing (step 3 of the derivation).",
        ),
        Misconception(
            "mean as a constant",
            "dx - dx.mean(axis=0) - normalised",
            "dx - normalised",
            "The part of dx that comes through the mean is missing (step 4 of the derivation).",
        ),
        Misconception(
            "batch statistics after evaluation",
            "if training:",
            "if True:",
            "After evaluation the running estimates are constants: nothing comes back through mean and variance.",
        ),
        Misconception(
            "gamma forgotten",
            "dx = dy * gamma",
            "dx = dy",
            "Gamma is missing on the way back: the gradient of x-hat is gamma times dy.",
        ),
        Misconception(
            "mean instead of sum",
            "(dy * normalised).sum(axis=0)\n    dbeta = dy.sum(axis=0)",
            "(dy * normalised).mean(axis=0)\n    dbeta = dy.mean(axis=0)",
            "The gradients of gamma and beta are means over the rows: one gamma serves all rows, so they are sums.",
        ),
        Misconception(
            "dgamma without the normalised input",
            "dgamma = (dy * normalised).sum(axis=0)",
            "dgamma = (dy * gamma).sum(axis=0)",
            "The gradient of gamma needs the factor that gamma was multiplied by, which is x-hat.",
        ),
    ],
    alternatives=[
        Alternative(
            "the four steps one by one",
            "def batch_norm_backward(dy, cache):\n"
            "    normalised, s, gamma, training = cache\n"
            "    n = len(dy)\n    dnormalised = gamma * dy\n    dc = dnormalised * s\n"
            "    if training:\n"
            "        c = normalised / s\n        ds = (dnormalised * c).sum(axis=0)\n        dv = -0.5 * s**3 * ds\n"
            "        dc = dc + 2 / n * c * dv\n        dc = dc - dc.sum(axis=0) / n\n"
            "    return dc, np.einsum('nf,nf->f', dy, normalised), np.ones(n) @ dy\n",
        ),
        Alternative(
            "the Jacobian of each feature",
            "def batch_norm_backward(dy, cache):\n"
            "    normalised, s, gamma, training = cache\n"
            "    n, features = dy.shape\n    dx = np.zeros((n, features))\n"
            "    for k in range(features):\n"
            "        jacobian = np.eye(n)\n"
            "        if training:\n"
            "            jacobian = jacobian - 1 / n - np.outer(normalised[:, k], normalised[:, k]) / n\n"
            "        dx[:, k] = gamma[k] * s[k] * jacobian.T @ dy[:, k]\n"
            "    return [dx, (dy * normalised).sum(0), dy.sum(0)]\n",
        ),
    ],
    builds_on=("batch_norm_forward",),
)


def draw_fold(inputs, features):
    def draw(rng):
        vectors = {name: rng.normal(size=features) for name in ("b", "gamma", "beta", "mean")}
        scales = {"var": rng.uniform(0.2, 3, features), "eps": float(rng.uniform(0.01, 0.3))}
        return {"W": rng.normal(size=(inputs, features))} | vectors | scales

    return draw


FOLD = "W_new, b_new = fold_batch_norm(W, b, gamma, beta, mean, var, eps)\n"
FOLD_BATCH_NORM = Question(
    id="fold_batch_norm",
    cases=[
        Case("the new W", FOLD + "W_new", draw_fold(4, 3), weight=2),
        Case("the new b", FOLD + "b_new", draw_fold(3, 5), weight=2),
        Case("as many inputs as features", FOLD + "(W_new, b_new)", draw_fold(4, 4)),
        Case("one input, one feature", FOLD + "(W_new, b_new)", draw_fold(1, 1), weight=0.5),
        Case("the arguments stay", FOLD + "(W_new, b_new, W, b, gamma, beta, mean, var)", draw_fold(2, 3), weight=0.5),
    ],
    misconceptions=[
        Misconception(
            "bias not scaled",
            "(b - running_mean) * scale + beta",
            "b - running_mean * scale + beta",
            "The old bias is not scaled: batch norm multiplies all of x @ W + b.",
        ),
        Misconception(
            "running mean forgotten",
            "(b - running_mean) * scale + beta",
            "b * scale + beta",
            "The running mean is missing from the new bias.",
        ),
        Misconception(
            "rows scaled in place of columns",
            "W * scale,",
            "W * np.resize(scale, len(W))[:, None],",
            "The rows of W are scaled: a feature is a column of W.",
        ),
        Misconception(
            "eps outside of the root",
            "np.sqrt(running_var + eps)",
            "(np.sqrt(running_var) + eps)",
            "Eps stands outside of the root: it is added to the variance.",
        ),
    ],
    alternatives=[
        Alternative(
            "a diagonal matrix",
            "def fold_batch_norm(W, b, gamma, beta, running_mean, running_var, eps):\n"
            "    D = np.diag(gamma * (running_var + eps) ** -0.5)\n"
            "    return W @ D, beta + D @ (b - running_mean)\n",
        ),
        Alternative(
            "probing with unit rows",
            "def fold_batch_norm(W, b, gamma, beta, running_mean, running_var, eps):\n"
            "    def both(x):\n"
            "        return gamma * (x @ W + b - running_mean) / np.sqrt(running_var + eps) + beta\n"
            "    offset = both(np.zeros(len(W)))\n"
            "    return [both(np.eye(len(W))) - offset, offset]\n",
        ),
    ],
)


# --- parameters -------------------------------------------------------------------------------------------------


def draw_sizes(rng):
    return {"a": int(rng.integers(3, 9)), "b": int(rng.integers(10, 20)), "c": int(rng.integers(21, 30))}


TORCH = "import torch\nfrom torch import nn\n"
COUNT_PARAMETERS = Question(
    id="count_parameters",
    cases=[
        Case(
            "layers inside layers",
            TORCH + "count_parameters(nn.Sequential(nn.Linear(a, b), nn.Sequential(nn.ReLU(), nn.GRU(b, c, 2))))",
            draw_sizes,
        ),
        Case(
            "buffers do not count",
            TORCH + "count_parameters(nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b), nn.Dropout(0.5)))",
            draw_sizes,
        ),
        Case(
            "frozen parameters do not count",
            TORCH + "m = nn.Sequential(nn.Linear(a, b), nn.Linear(b, c))\nm[0].bias.requires_grad = False\n"
            "m[1].weight.requires_grad = False\ncount_parameters(m)",
            draw_sizes,
        ),
        Case(
            "shared parameters and shared modules count once",
            TORCH + "e, d = nn.Embedding(c, b), nn.Linear(b, c)\nd.weight = e.weight\nl = nn.Linear(b, b)\n"
            "count_parameters(nn.ModuleDict({'e': e, 'd': d, 'l': l, 'again': l}))",
            draw_sizes,
        ),
        Case(
            "bare parameters, and a model without any",
            TORCH + "class Bare(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.scale = nn.Parameter(torch.ones(a, b, 2))\n"
            "        self.one = nn.Parameter(torch.tensor(1.0))\n"
            "        self.plain = torch.ones(5)\n"
            "m = Bare()\n[count_parameters(m), count_parameters(nn.ReLU()), m.training]",
            draw_sizes,
        ),
    ],
    misconceptions=[
        Misconception(
            "buffers counted",
            "for parameter in model.parameters() if parameter.requires_grad",
            "for parameter in [*(p for p in model.parameters() if p.requires_grad), *model.buffers()]",
            "Buffers such as the running estimates are counted: gradient descent does not change them.",
        ),
        Misconception(
            "frozen counted",
            " if parameter.requires_grad",
            "",
            "Frozen parameters are counted: only those with requires_grad are learnt.",
        ),
        Misconception(
            "shared counted twice",
            "for parameter in model.parameters()",
            "for _, parameter in model.named_parameters(remove_duplicate=False)",
            "A tensor that is used twice is counted twice: it is learnt once.",
        ),
        Misconception(
            "tensors counted",
            "parameter.numel()",
            "1",
            "The tensors are counted, not the numbers in them.",
        ),
    ],
    alternatives=[
        Alternative(
            "shapes by name",
            "def count_parameters(model):\n    total = 0\n"
            "    for _, tensor in model.named_parameters():\n"
            "        if tensor.requires_grad:\n            total += int(np.prod(tensor.shape))\n"
            "    return total\n",
        ),
        Alternative(
            "module by module, by identity",
            "def count_parameters(model):\n    seen = {}\n"
            "    for module in model.modules():\n"
            "        for tensor in module.parameters(recurse=False):\n"
            "            if tensor.requires_grad:\n                seen[id(tensor)] = tensor.numel()\n"
            "    return sum(seen.values())\n",
        ),
    ],
)


# --- the network ------------------------------------------------------------------------------------------------
# A network shows logits and losses alone, and everybody draws other weights. Small networks are asked in situations
# in which what one step of gradient descent does to the logits can be worked out from the logits themselves.


def draw_network(rng):
    return {
        "x": rng.normal(size=(8, 5)),
        "targets": np.concatenate([rng.permutation(3), rng.integers(0, 3, 5)]),
        "s": seed(rng),
        "rate": float(rng.uniform(0.3, 0.9)),
        "u": rng.uniform(0.5, 1.5, 3),
        "rows": 1e4 * rng.normal(size=(2, 3)),
        "offset": 1e4 * rng.normal(size=3),
    }


def judge_logits(answer, inputs, solution):
    if not parts(answer, 3) or not all(parts(one, 4) for one in answer):
        return MISCOUNTED
    for classes, (logits, trained, loss, unchanged) in zip((3, 6, 9), answer, strict=True):
        if wrong := misshaped(logits, 8, classes) or misshaped(trained, 8, classes):
            return wrong
        if not near(loss, cross_entropy(trained, inputs["targets"])[0]):
            return "train_step should return the mean cross-entropy of the batch in training mode before the step"
        if unchanged is not True:
            return "x or targets was changed by the call"
    return None


def judge_linear(answer, inputs, solution):
    if not parts(answer, 3):
        return MISCOUNTED
    before, loss, after = answer
    x, targets, rate = inputs["x"], inputs["targets"], inputs["rate"]
    if wrong := misshaped(before, 16, 3) or misshaped(after, 16, 3):
        return wrong
    first, gradient = cross_entropy(before[:8], targets)
    if not near(loss, first):
        return "train_step should return the mean cross-entropy before the step"
    probes = np.concatenate([x, 3 * x])
    return None if near(after, before - rate * (probes @ x.T + 1) @ gradient) else "one step changed W or b wrongly"


def unit_rate(row):
    """The learning rate of the steps on one row: so small that the unit stays active."""
    return 1e-3 / (1 + row @ row)


def one_unit(after, before, targets, loss, row, factor):
    """What is wrong after a step on one row of a network with one hidden unit, in evaluation; None when all is right.

    before, after: logits of the row, twice the row, another active row, and of a row that leaves the unit silent.
    factor: what dropout multiplied the unit by in the step.
    With weights w into the unit and v out of it, height z and pull = v @ gradient, the step makes v @ z into
    (v - rate factor z gradient) (z - rate factor (1 + row @ other) pull). The logits show v @ z alone: v may be larger
    by any share and z smaller by it, so the share and its inverse are fitted and their product must be 1.
    """
    silent, active, rate = before[-1], before[:3] - before[-1], unit_rate(row)
    first, gradient = cross_entropy((silent + factor * active[0])[None], targets)
    gradient = gradient[0]
    if not near(loss, first):
        return "the loss of a step is not that of its logits"
    if not near((silent - after[-1]) / rate, gradient, 1e-4, 1e-5):
        return "the bias of the last layer took a wrong step"
    moved = ((active - (after[:3] - after[-1])) / rate).ravel()
    if factor == 0:
        return None if np.abs(moved).max() < 1e-4 else "a dropped unit learnt: use the same mask on the way back"
    size = np.linalg.norm(active[0])
    ray = active[0] / size
    heights, pull = active @ ray, ray @ gradient
    lean = 1 + np.stack([row, 2 * row, row + beside(row)]) @ row
    hidden = np.outer(factor * lean * pull, ray).ravel()
    last = np.outer(factor * size * heights, gradient).ravel()
    moved += rate * np.outer(factor**2 * size * lean * pull, gradient).ravel()
    design = np.stack([hidden, last], axis=1)
    shares, *_ = np.linalg.lstsq(design, moved, rcond=None)
    if not near(design @ shares, moved, 1e-4, 1e-5 * np.abs(moved).max()):
        return "a hidden unit's weights took a step that is not along the gradient"
    return None if near(shares[0] * shares[1], 1.0, 1e-3) else "hidden and last layer took steps of different rates"


def beside(row):
    """A short vector at a right angle to a row of three."""
    return 0.2 * np.array([row[1], -row[0], 0.0])


# a row along which the unit is active for certain: each input has the sign that raises it
ONE_UNIT = """import numpy as np
def active_row(network):
    ends = 1e6 * np.concatenate([np.eye(3), 2 * np.eye(3)])
    up, down = network.logits(ends, False), network.logits(-ends, False)
    rise, fall = (np.abs(far[3:] - far[:3]).max(axis=1) for far in (up, down))
    away = np.where(rise > fall, 1, -1) * u
    silent = network.logits(-1e6 * away[None], False)[0]
    for scale in (1, 3, 10, 30, 100):
        row = scale * away
        if np.abs(network.logits(row[None], False) - silent).max() > 0.3:
            break
    beside = row + 0.2 * np.array([row[1], -row[0], 0.0])
    return row, np.stack([row, 2 * row, beside, -1e6 * away])
"""


def stepped(answer, count):
    """A reason when an answer is not `count` steps of networks with one hidden unit, each network another."""
    if not parts(answer, count) or not all(parts(one, 5) for one in answer):
        return MISCOUNTED
    for row, target, before, _, after in answer:
        if wrong := misshaped(row, 3) or misshaped(before, 4, 4) or misshaped(after, 4, 4):
            return wrong
        if type(target) is not int or not 0 <= target < 4:
            return "a class was expected as the target"
    same = len({before.tobytes() for _, _, before, _, _ in answer}) < count
    return "generators in different states gave the same network" if same else None


def judge_unit(answer, inputs, solution):
    if wrong := stepped(answer, 4):
        return wrong
    for row, target, before, loss, after in answer:
        if wrong := one_unit(after, before, np.array([target]), loss, row, 1.0):
            return wrong
    return None


def judge_masked(answer, inputs, solution):
    if wrong := stepped(answer, 40):
        return wrong
    dropped = 0
    for row, target, before, loss, after in answer:
        targets = np.array([target])
        gone = near(loss, cross_entropy(before[-1:], targets)[0])
        dropped += gone
        if wrong := one_unit(after, before, targets, loss, row, 0.0 if gone else 1 / 0.6):
            return wrong
    return "the share of dropped units is wrong" if off(dropped, len(answer), 0.4) else None


def judge_dropped(answer, inputs, solution):
    if not parts(answer, 2):
        return MISCOUNTED
    before, drawn = answer
    if wrong := misshaped(before, 4, 4) or misshaped(drawn, 4000, 4):
        return wrong
    gone = np.all(np.isclose(drawn, before[-1], rtol=1e-9, atol=1e-9), axis=1)
    kept = before[-1] + (before[0] - before[-1]) / 0.7
    if not np.allclose(drawn[~gone], kept, rtol=1e-7, atol=1e-9):
        return "in training the hidden units are not dropped, or those that stay are not divided by 1 - p"
    return "the share of dropped units is wrong" if off(np.sum(gone), 4000, 0.3) else None


def judge_normalised(answer, inputs, solution):
    if not parts(answer, 4):
        return MISCOUNTED
    far, before, loss, after = answer
    if wrong := misshaped(far, 1, 4) or misshaped(before, 2, 4) or misshaped(after, 2, 4):
        return wrong
    targets, rate, silent = inputs["targets"][:2], 0.1 * inputs["rate"], far[0]
    on = int(np.abs(before[1] - silent).max() > np.abs(before[0] - silent).max())
    first, gradient = cross_entropy(before, targets)
    if not near(loss, first) or not near(before[1 - on], silent):
        return "of two rows batch norm and ReLU should leave one silent, and the loss be that of the training logits"
    weights = before[on] - silent
    scale = 1 - 2 * rate * weights @ gradient[on]  # gamma and beta move alike, by rate times the pull on the unit
    wanted = silent - rate * gradient.sum(axis=0)
    if not near(after[1 - on], wanted, 1e-5):
        return "the bias of the last layer took a wrong step"
    wanted = wanted + (weights - rate * gradient[on]) * scale
    return None if near(after[on], wanted, 1e-5) else "gamma, beta or the last layer took a wrong step"


def judge_estimates(answer, inputs, solution):
    if not parts(answer, 2):
        return MISCOUNTED
    training, evaluation = answer
    if wrong := misshaped(training, 4, 4) or misshaped(evaluation, 4, 4):
        return wrong
    distances = [(np.abs(training[i] - training[j]).max(), i, j) for i in (0, 1) for j in (2, 3)]
    _, one, other = min(distances)
    silent = training[one]
    if np.abs(training - silent).max() < 1e-6:
        return "with batch norm the logits of one hidden unit do not depend on the row"
    ratio = np.sqrt(3 / 4 / (1 - 0.9**5))
    for row in ({0, 1} - {one}) | ({2, 3} - {other}):
        if not near(evaluation[row] - silent, ratio * (training[row] - silent), 1e-3, 1e-6):
            return "evaluation does not use the running estimates of batch norm with momentum 0.1"
    return None


def judge_symmetry(answer, inputs, solution):
    if not parts(answer, 3) or not all(parts(one, 2) and all(isinstance(n, float) for n in one) for one in answer):
        return MISCOUNTED
    if len({there for there, _ in answer}) < 3:
        return "generators in different states gave the same network"
    agree = [near(there, back, 1e-3, 1e-5) and abs(there) > 1e-6 for there, back in answer]
    # three networks: a ReLU that switches within the tiny step spoils at most one of them
    return None if sum(agree) >= 2 else "the steps are not along the gradient of the loss"


def judge_modes(answer, inputs, solution):
    if not parts(answer, 5):
        return MISCOUNTED
    together, again, alone, noisy, other = answer
    for one in answer:
        if wrong := misshaped(one, 8, 3):
            return wrong
    if not near(again, together, 1e-12):
        return "evaluation gave another answer the second time"
    if not near(alone, together, 1e-9):
        return "evaluation of a row depends on the other rows"
    return "training mode gave the same twice: is dropout on?" if np.array_equal(noisy, other) else None


def judge_seeds(answer, inputs, solution):
    if not parts(answer, 3):
        return MISCOUNTED
    for one in answer:
        if wrong := misshaped(one, 8, 3):
            return wrong
    first, again, later = answer
    if not np.array_equal(first, again):
        return "the same state of rng gave another network"
    return "a second network from the same generator is the first again" if np.array_equal(first, later) else None


def judge_learning(answer, inputs, solution):
    if not parts(answer, 2) or not all(parts(one, 2) and all(isinstance(n, float) for n in one) for one in answer):
        return MISCOUNTED
    for first, last in answer:
        if not 0 < last < 0.3 * first < np.inf:
            return "eight rows are not learnt by heart in 400 steps"
    return "batch norm changes nothing" if answer[0] == answer[1] else None


MADE = "import numpy as np\ndef made(sizes, p=0.0, norm=False, s=s):\n" + (
    "    return make_network(sizes, p, norm, np.random.default_rng(s))\n"
)
MAKE_NETWORK = Question(
    id="make_network",
    cases=[
        Case(
            "shapes, and the loss that a step returns",
            MADE + "found, x_old, t_old = [], x.copy(), targets.copy()\n"
            "for sizes, norm in (((5, 3), False), ([5, 4, 6], False), ((5, 7, 4, 2, 9), True)):\n"
            "    trained = made(sizes, norm=norm).logits(x, True)\n    network = made(sizes, norm=norm)\n"
            "    logits, loss = network.logits(x[:8], False), network.train_step(x, targets, rate)\n"
            "    same = np.array_equal(x, x_old) and np.array_equal(targets, t_old)\n"
            "    found.append((logits, trained, loss, bool(same)))\nfound",
            draw_network,
            judge=judge_logits,
        ),
        Case(
            "without a hidden layer, one exact step",
            MADE + "network, probes = made((5, 3), 0.5, True), np.concatenate([x, 3 * x])\n"
            "(network.logits(probes, False), network.train_step(x, targets, rate), network.logits(probes, False))",
            draw_network,
            judge=judge_linear,
        ),
        Case(
            "one hidden unit, one exact step",
            ONE_UNIT + "found = []\nfor extra in range(4):\n"
            "    network = make_network((3, 1, 4), 0.0, False, np.random.default_rng(s + extra))\n"
            "    row, probes = active_row(network)\n    before = network.logits(probes, False)\n"
            "    target = int(before[0].argmin())\n"
            "    loss = network.train_step(row[None], np.array([target]), 1e-3 / (1 + row @ row))\n"
            "    found.append((row, target, before, loss, network.logits(probes, False)))\nfound",
            draw_network,
            weight=2,
            judge=judge_unit,
        ),
        Case(
            "one hidden unit with batch norm, one exact step",
            ONE_UNIT + "network = make_network((3, 1, 4), 0.0, True, np.random.default_rng(s))\n"
            "far = active_row(network)[1][-1]\nsilent = network.logits(far[None], False)\n"
            "pair = offset + 0.01 * np.stack([far, -far])\nbefore = network.logits(pair, True)\n"
            "loss = network.train_step(pair, targets[:2], 0.1 * rate)\n"
            "(silent, before, loss, network.logits(pair, True))",
            draw_network,
            weight=2,
            judge=judge_normalised,
        ),
        Case(
            "hidden units are dropped in training, each by itself",
            ONE_UNIT + "network = make_network((3, 1, 4), 0.3, False, np.random.default_rng(s))\n"
            "row, probes = active_row(network)\n"
            "(network.logits(probes, False), network.logits(np.tile(row, (4000, 1)), True))",
            draw_network,
            judge=judge_dropped,
        ),
        Case(
            "the way back uses the same mask",
            ONE_UNIT + "found = []\nfor extra in range(40):\n"
            "    network = make_network((3, 1, 4), 0.4, False, np.random.default_rng(s + extra))\n"
            "    row, probes = active_row(network)\n    before = network.logits(probes, False)\n"
            "    target = int(before[0].argmin())\n"
            "    loss = network.train_step(row[None], np.array([target]), 1e-3 / (1 + row @ row))\n"
            "    found.append((row, target, before, loss, network.logits(probes, False)))\nfound",
            draw_network,
            judge=judge_masked,
        ),
        *(
            Case(
                f"three hidden layers {words} batch norm: steps along the gradient",
                MADE + "from math import log\n"
                "def loss_of(network):\n    z = network.logits(x[b], True)\n    z = z - z.max(axis=1, keepdims=True)\n"
                "    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(b)), targets[b]]))\n"
                "def effect(a, c, s):\n    global b\n    b, found = c, []\n"
                "    for rate in (1e-7, -1e-7):\n"
                f"        network = made((5, 12, 11, 9, 3), norm={norm}, s=s)\n"
                "        for _ in range(3):\n            network.train_step(x, targets, 0.02)\n"
                "        network.train_step(x[a], targets[a], rate)\n        found.append(loss_of(network))\n"
                "    return (found[0] - found[1]) / 2e-7\n"
                "one, two = np.arange(4), np.arange(4, 8)\n"
                "[(effect(one, two, s + k), effect(two, one, s + k)) for k in range(3)]",
                draw_network,
                weight=1.5,
                judge=judge_symmetry,
            )
            for words, norm in (("without", False), ("with", True))
        ),
        Case(
            "evaluation uses the running estimates",
            MADE + "wide = 100 * np.concatenate([rows, -rows])[[0, 2, 1, 3]]\n"
            "training, network = made((3, 1, 4), norm=True).logits(wide, True), made((3, 1, 4), norm=True)\n"
            "for _ in range(5):\n    network.train_step(wide, targets[:4], 0.0)\n"
            "(training, network.logits(wide, False))",
            draw_network,
            judge=judge_estimates,
        ),
        Case(
            "evaluation is steady and takes row by row, training is not",
            MADE + "network = made((5, 16, 12, 3), 0.5, True)\nnetwork.train_step(x, targets, 0.1)\n"
            "together, again = network.logits(x, False), network.logits(x, False)\n"
            "alone = np.concatenate([network.logits(x[i : i + 1], False) for i in range(8)])\n"
            "(together, again, alone, network.logits(x, True), network.logits(x, True))",
            draw_network,
            judge=judge_modes,
        ),
        Case(
            "drawn from the generator that is passed",
            "import numpy as np\nrng = np.random.default_rng(s)\n"
            "first, later = (make_network((5, 6, 3), 0.2, True, rng).logits(x, False) for _ in range(2))\n"
            "(first, make_network((5, 6, 3), 0.2, True, np.random.default_rng(s)).logits(x, False), later)",
            draw_network,
            weight=0.5,
            judge=judge_seeds,
        ),
        Case(
            "eight rows are learnt by heart",
            MADE + "found = []\nfor norm in (False, True):\n    network = made((5, 30, 20, 3), norm=norm)\n"
            "    losses = [float(network.train_step(x, targets, 0.2)) for _ in range(400)]\n"
            "    found.append([losses[0], losses[-1]])\nfound",
            draw_network,
            judge=judge_learning,
        ),
    ],
    misconceptions=[
        Misconception(
            "dropout in evaluation",
            "dropout_p, training, rng)",
            "dropout_p, True, rng)",
            "Units are dropped in evaluation too.",
        ),
        Misconception(
            "batch statistics in evaluation",
            "0.1, 1e-5, training)",
            "0.1, 1e-5, training or len(z) > 1)",
            "Batch norm uses the batch's statistics in evaluation: hand on the mode.",
        ),
        Misconception(
            "a new mask on the way back",
            'd = d @ above["W"].T * mask',
            'd = d @ above["W"].T * (mask > 0) * dropout(np.ones_like(mask), dropout_p, True, rng)',
            "The way back draws a new mask: it needs the one of the way forward.",
        ),
        Misconception(
            "ReLU forgotten on the way back",
            'd = d @ above["W"].T * mask',
            'd = d @ above["W"].T',
            "The gradient is not stopped where ReLU or dropout gave zero.",
        ),
        Misconception(
            "no ReLU",
            "(z > 0) * dropout(",
            "dropout(",
            "Hidden layers have no ReLU, so the whole network is linear.",
        ),
        Misconception(
            "uphill",
            "layer[name] -= learning_rate",
            "layer[name] += learning_rate",
            "The step goes up the gradient.",
        ),
        Misconception(
            "gamma and beta not learnt",
            "for name in layer:",
            'for name in ("W", "b"):',
            "Gamma and beta are not changed by a step: they are parameters like the others.",
        ),
        Misconception(
            "biases not learnt",
            "for name in layer:",
            'for name in layer.keys() - {"b"}:',
            "The biases are not changed by a step.",
        ),
        Misconception(
            "only the last layer learns",
            "for layer, gradient in zip(layers, gradients, strict=True):",
            "for layer, gradient in [(layers[-1], gradients[-1])]:",
            "Only the last layer changes in a step.",
        ),
        Misconception(
            "loss after the step",
            "            return loss\n",
            "            return loss_and_gradient(forward(x, True)[0], targets)[0]\n",
            "The loss is that after the step: it should be the one before.",
        ),
        Misconception(
            "sum of the losses",
            "loss, d = loss_and_gradient(scores, targets)",
            "loss, d = loss_and_gradient(scores, targets)\n            loss, d = loss * len(x), d * len(x)",
            "Loss and gradient are sums over the batch: they should be means.",
        ),
        Misconception(
            "batch norm left out on the way back",
            'd, gradient["gamma"], gradient["beta"] = batch_norm_backward(d, norm)',
            '_, gradient["gamma"], gradient["beta"] = batch_norm_backward(d, norm)',
            "The way back passes by batch norm as if it were not there.",
        ),
    ],
    alternatives=[],
    builds_on=("dropout", "batch_norm_forward", "batch_norm_backward"),
    seconds=20,
)

MAKE_NETWORK.alternatives.extend(
    [
        Alternative(
            "a class, layer by layer, updated after the walk back",
            """class Hidden:
    def __init__(self, before, units, norm, rng):
        self.weights = [rng.standard_normal((before, units)) * (2 / before) ** 0.5, np.zeros(units)]
        self.norm = [np.ones(units), np.zeros(units)] if norm else []
        self.running = np.zeros(units), np.ones(units)


class Classifier:
    def __init__(self, sizes, p, norm, rng):
        self.p, self.rng = p, rng
        self.hidden = [Hidden(a, b, norm, rng) for a, b in zip(sizes[:-2], sizes[1:-1])]
        self.out = Hidden(sizes[-2], sizes[-1], False, rng)

    def logits(self, x, training):
        self.trace = []
        for layer in self.hidden:
            z = x @ layer.weights[0] + layer.weights[1]
            cache = None
            if layer.norm:
                z, cache = batch_norm_forward(z, *layer.norm, *layer.running, 0.1, 1e-5, training)
            kept = dropout(np.ones(z.shape), self.p, training, self.rng)
            self.trace.append((layer, x, cache, z > 0, kept))
            x = np.maximum(z, 0) * kept
        self.last = x
        return x @ self.out.weights[0] + self.out.weights[1]

    def train_step(self, x, targets, learning_rate):
        loss, d = loss_and_gradient(self.logits(x, True), targets)
        updates = [(self.out.weights, [self.last.T @ d, d.sum(0)])]
        d = d @ self.out.weights[0].T
        for layer, inputs, cache, positive, kept in reversed(self.trace):
            d = np.where(positive, d * kept, 0.0)
            if cache is not None:
                d, *changes = batch_norm_backward(d, cache)
                updates.append((layer.norm, changes))
            updates.append((layer.weights, [inputs.T @ d, d.sum(0)]))
            d = d @ layer.weights[0].T
        for arrays, changes in updates:
            for index, change in enumerate(changes):
                arrays[index] = arrays[index] - learning_rate * change
        return loss


def make_network(sizes, dropout_p, batch_norm, rng):
    return Classifier(sizes, dropout_p, batch_norm, rng)
""",
        ),
        Alternative(
            "torch finds the gradients",
            """def make_network(sizes, dropout_p, batch_norm, rng):
    from types import SimpleNamespace

    def parameter(array):
        return torch.tensor(array, dtype=torch.float64, requires_grad=True)

    bounds = [np.sqrt(6 / before) for before in sizes[:-1]]
    W = [parameter(rng.uniform(-r, r, (a, c))) for r, a, c in zip(bounds, sizes[:-1], sizes[1:])]
    b = [parameter(np.zeros(units)) for units in sizes[1:]]
    norms = [nn.BatchNorm1d(units, dtype=torch.float64) for units in sizes[1:-1]] if batch_norm else []
    learnt = W + b + [p for norm in norms for p in norm.parameters()]

    def run(x, training):
        h = torch.tensor(np.asarray(x, dtype=np.float64))
        for k in range(len(sizes) - 2):
            h = h @ W[k] + b[k]
            if norms:
                h = norms[k].train(training)(h)
            h = torch.relu(h) * torch.tensor(dropout(np.ones(h.shape), dropout_p, training, rng))
        return h @ W[-1] + b[-1]

    def logits(x, training):
        with torch.no_grad():
            return run(x, training).numpy()

    def train_step(x, targets, learning_rate):
        loss = nn.functional.cross_entropy(run(x, True), torch.tensor(targets))
        gradients = torch.autograd.grad(loss, learnt)
        with torch.no_grad():
            for p, gradient in zip(learnt, gradients):
                p.sub_(learning_rate * gradient)
        return loss.item()

    return SimpleNamespace(logits=logits, train_step=train_step)
""",
        ),
    ]
)


# --- the experiment ---------------------------------------------------------------------------------------------

# Measured with one thread, mean and standard deviation (training, test, gap): plain, 60 seeds, 0.997 +- 0.004, 0.806 +-
# 0.016, 0.191 +- 0.016; dropout, 24 seeds, 0.851 +- 0.007, 0.892 +- 0.014, -0.040 +- 0.015; batch norm, 24 seeds, 0.995
# +- 0.008, 0.779 +- 0.016. The lowest plain training accuracy was 0.973, the smallest plain gap 0.164. The grader's
# thousand images add 0.007 at most. Every bar is five deviations or more away.
BARS = {  # name: (least training accuracy, least test accuracy, least gap, largest gap)
    "plain": (0.95, 0.65, 0.1, 1.0),
    "dropout": (0.7, 0.8, -1.0, 0.12),
    "batch_norm": (0.85, 0.65, -1.0, 1.0),
}

# Held-out digits may be looked up in the data set, which everybody has; what lies between two of them may not. A
# network with ReLU is continuous and piecewise linear, so its slopes along a line add up to what changes between the
# ends. Measured on 15 networks, from three seeds of the solution and by both other right ones, six draws of lines each:
# the slopes leave 0.024 of the change unexplained at most, and the middle one of three near places lies 4e-12 of their
# distance off a line (median). Labels of the nearest image leave 0.95 or more, also with a network added to them; when
# they are smoothed over the images, near places are 1e-4 off.
LINES, PLACES, NEAR = 12, 32, 1e-4
UNEXPLAINED, BENT = 0.15, 1e-7


def draw_images(rng):
    """A thousand of the held-out digits, with a little noise, and places in threes on lines between them."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.data))  # the notebook's split
    held_out = digits.data[order[300:]] / 16
    chosen = rng.permutation(len(held_out))[:1000]
    test = held_out[chosen] + 0.01 * rng.normal(size=(1000, 64))
    places = (np.arange(PLACES) + rng.random((LINES, PLACES))) / PLACES * (1 - 2 * NEAR)
    places = places[..., None] + NEAR * np.arange(3)
    starts, ends = test[:LINES], test[LINES : 2 * LINES]
    between = starts[:, None, None] + places[..., None] * (ends - starts)[:, None, None]
    return {"test": np.concatenate([test, between.reshape(-1, 64)]), "chosen": chosen}


def no_network(logits):
    """Why the logits of what `draw_images` gives are no trained network's; None when they can be."""
    change = logits[LINES : 2 * LINES] - logits[:LINES]
    first, second, third = np.moveaxis(logits[1000:].reshape(LINES, PLACES, 3, 10), 2, 0)
    explained = (third - first).mean(axis=1) / (2 * NEAR)
    if not np.linalg.norm(explained - change) < UNEXPLAINED * np.linalg.norm(change):
        return "between two images the logits jump, where those of a network change little by little"
    off = np.linalg.norm(first - 2 * second + third, axis=-1)
    if not np.mean(off < BENT * np.linalg.norm(third - first, axis=-1)) > 0.5:
        return "between two images the logits are not piecewise linear, as those of a network with ReLU are"
    return None


def judge_of(name):
    """The judge of one network: accuracies are counted here, from its logits."""

    def judge(answer, inputs, solution):
        if not isinstance(answer, tuple) or len(answer) != 2:
            return "two arrays of logits were expected"
        (_, given), (_, truths) = solution["digit_images"]()
        found = []
        for logits, labels in zip(answer, (given, truths[inputs["chosen"]]), strict=True):
            between = 0 if labels is given else 3 * LINES * PLACES
            if wrong := misshaped(logits, len(labels) + between, 10):
                return wrong
            found.append(float(np.mean(logits[: len(labels)].argmax(axis=1) == labels)))
        training, test = found
        least_training, least_test, least_gap, largest_gap = BARS[name]
        measured = f"training accuracy {training:.3f}, test accuracy {test:.3f}"
        if training < least_training:
            return f"{measured}: at least {least_training} was expected in training"
        if test < least_test:
            return f"{measured}: at least {least_test} was expected on the test images"
        if training - test < least_gap:
            return f"{measured}: the plain network should overfit by {least_gap} or more"
        if training - test > largest_gap:
            return f"{measured}: the gap should be {largest_gap} at most"
        return no_network(answer[1])

    return judge


NETWORKS = Question(
    id="networks",
    cases=[
        Case(
            words,
            f"images = digit_images()[0][0]\nnetwork = networks[{name!r}]\n"
            "(network.logits(images, False), network.logits(test, False))",
            draw_images,
            judge=judge_of(name),
        )
        for name, words in (
            ("plain", "the plain network overfits"),
            ("dropout", "the network with dropout overfits less and is right more often"),
            ("batch_norm", "the network with batch norm learns at a rate of 2"),
        )
    ],
    builds_on=("minibatches", "dropout", "batch_norm_forward", "batch_norm_backward", "make_network"),
    made_by="train_networks",
)

QUESTIONS = [
    MINIBATCHES,
    DROPOUT,
    DROPOUT2D,
    BATCH_NORM_FORWARD,
    BATCH_NORM_BACKWARD,
    FOLD_BATCH_NORM,
    COUNT_PARAMETERS,
    MAKE_NETWORK,
    NETWORKS,
]
