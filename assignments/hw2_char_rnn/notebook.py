# %% [markdown]
# # A character RNN from nothing
#
# A recurrent network that writes text one character at a time (Sutskever, Martens and Hinton 2011; Karpathy 2015)
# fits on a page: a table, two matrices, two biases. Here you write all of it in numpy, the gradients included, and
# train it. You start from softmax regression, which is the same thing without a memory, and you build the instruments
# (a numerical gradient, a relative error) that tell you whether a gradient is right before hours of training do.
#
# **After this notebook you can**
#
# - compute softmax and cross-entropy without overflow, and say why that needs care;
# - derive the gradient of softmax regression and check it by central differences;
# - run a recurrent network forwards over a text and backwards through time;
# - train it with AdaGrad and clipped gradients, and say what clipping does and does not cure;
# - sample text at a temperature, and say what the temperature does;
# - measure a language model in bits per character on text that it has not seen.
#
# **You need** numpy and the chain rule. Plan about 120 minutes. There are 29 points: 25 by the graded cells, 4 by three
# short written answers. Torch appears once, as a judge of your gradients. Your own functions are numpy: a softmax, a
# loss, a pass through the network or a sampler that calls torch, scipy or scikit-learn earns nothing, and neither does
# one that hides what it calls (`exec`, `eval` and such). While the grader asks, these libraries cannot be imported. It
# cannot see every way around that, so this is a request as well: the point is that you write the gradients yourself.
#
# Rows are examples throughout: `x` is (rows, features), a weight is (inputs, outputs), a product is `x @ W + b`.

# %% tags=["provided"]
import itertools
import math
import time
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch

from utils import baselines, char_rnn_plots, checks, corpora, plots, toy
from utils.gradients import agree, pairs


def random_parameters(classes, hidden_size, rng, scale=0.01, dtype=np.float64):
    """The five arrays of the network: normal weights times `scale`, zero biases."""
    shapes = {"U": (classes, hidden_size), "W": (hidden_size, hidden_size), "V": (hidden_size, classes)}
    params = {name: (scale * rng.standard_normal(shape)).astype(dtype) for name, shape in shapes.items()}
    return params | {"b": np.zeros(hidden_size, dtype), "c": np.zeros(classes, dtype)}


# %% [markdown]
# **The text.** In the quick profile the text is a small synthetic English of 32 different characters. Its grammar is
# known, so we also know how well a perfect model would predict it. In the full profile it is Shakespeare: 65
# characters. A text becomes an array of whole numbers, each the place of a character in the sorted alphabet.

# %%
corpus = corpora.load("shakespeare" if course.profile == "full" else "toy")
alphabet = sorted(set(corpus.text("train")))
place = {character: k for k, character in enumerate(alphabet)}
train_tokens = np.array([place[character] for character in corpus.text("train")])
valid_tokens = np.array([place[character] for character in corpus.text("valid")])
print(
    f"{corpus.name}: {len(train_tokens):,} characters to train, {len(valid_tokens):,} held out, {len(alphabet)} kinds"
)
print(corpus.text("train")[:300])

# %% [markdown]
# ## 1. Softmax (2 points, about 6 minutes)
#
# A model gives each class a *score*, any number. Softmax turns a row of scores $z$ into probabilities:
#
# $$\operatorname{softmax}(z)_k = \frac{e^{z_k}}{\sum_j e^{z_j}}$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $z$ | `z` | (..., classes): the classes are the last axis, there may be any axes before it |
# | $\operatorname{softmax}(z)$ | result | as `z` |
#
# Written down like that it breaks: $e^{710}$ is more than a float64 can hold. But adding the same number to all scores
# of a row changes nothing, since $e^{z_k + a} = e^a e^{z_k}$ and $e^a$ cancels. So choose the number that is safe:
# subtract from each row its own largest score. Then the largest exponent is 0.
#
# Expect $\operatorname{softmax}(0, \ln 2, \ln 3) = (1/6, 2/6, 3/6)$, with 1000 added to the scores as well as without.
#
# <details><summary>Hint</summary>
#
# `z.max(axis=-1, keepdims=True)` keeps the last axis with length 1, so that it can be subtracted from `z`. One maximum
# of the whole array is not enough: the exponentials of a row that lies far below it are all 0, and 0 / 0 is nan.
# </details>


# %% id="softmax" tags=["solution"]
def softmax(z):
    """Probabilities over the last axis: z (..., classes) -> the same shape, each row positive with the sum 1.

    Stable for scores of any size. The argument is left as it was.
    """
    ### BEGIN SOLUTION
    exponentials = np.exp(z - z.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)
    ### END SOLUTION


# %%
scores = np.array([0.0, math.log(2), math.log(3)])
for shift in (0, 100, 1000):
    with np.errstate(over="ignore", invalid="ignore"):
        naive = np.exp(scores + shift) / np.exp(scores + shift).sum()
    print(
        f"scores + {shift:4d}: by the formula as it stands {naive.round(4)}, yours {softmax(scores + shift).round(4)}"
    )

# %% id="check_softmax" tags=["question"] points=2
"""Known probabilities, large scores of both signs, and axes in front of the classes."""
z = np.log(np.array([[1.0, 2.0, 3.0], [4.0, 4.0, 8.0]]))
expected = np.array([[1 / 6, 2 / 6, 3 / 6], [0.25, 0.25, 0.5]])
checks.close(
    "softmax of two rows",
    softmax(z),
    expected,
    slips={"when the sum runs over the first axis, not over the classes": np.exp(z) / np.exp(z).sum(axis=0)},
)
checks.close("softmax of scores near 2000", softmax(z + 2000), expected)
checks.close("softmax of scores near -2000", softmax(z - 2000), expected)
far = np.array([[1500.0, 1500.0], [-1500.0, -1500.0]])
checks.close("softmax of one row near 1500 and one near -1500", softmax(far), np.full((2, 2), 0.5))
checks.close("softmax of (1, 2, 3) scores", softmax(z[None]), expected[None])
before = z.copy()
softmax(z)
checks.unchanged("z", z, before)
checks.passed("softmax", "known probabilities, also for scores of a few thousand")

# %% [markdown]
# ## 2. Cross-entropy (2 points, about 6 minutes)
#
# How wrong is a row of scores when class $y$ was right? The *cross-entropy* is the negative logarithm of the
# probability that the right class was given, here averaged over the rows:
#
# $$L = -\frac{1}{R} \sum_{i=1}^{R} \ln \operatorname{softmax}(o_i)_{y_i}$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $o$ | `scores` | (rows, classes), before the softmax |
# | $y$ | `targets` | (rows,), whole numbers from 0 |
# | $L$ | result | a number, in nats (natural logarithm) |
#
# It has to be stable by itself: when the right class is 1000 below the best, its probability is $e^{-1000}$, which is 0
# in a float64, and $\ln 0$ is minus infinity. The loss is simply 1000. Put the logarithm inside:
#
# $$-\ln \operatorname{softmax}(o)_y = \ln \sum_j e^{o_j - m} - (o_y - m), \qquad m = \max_j o_j$$
#
# Expect $\ln 4 = 1.386$ for four equal scores: that is the loss of a model which knows nothing.
#
# The cell after yours draws the loss of two classes, over the lead of the right one. On the left, where the model
# is confidently wrong, it is a straight line; the logarithm of a softmax ends there in infinity at a lead of -745.
#
# <details><summary>Hint</summary>
#
# `scores[np.arange(rows), targets]` picks one score per row. Subtract the row's maximum once and use the shifted
# scores in both places of the formula.
# </details>


# %% id="cross_entropy" tags=["solution"]
def cross_entropy(scores, targets):
    """Mean negative log-probability of the targets, in nats.

    scores: (rows, classes), before the softmax. targets: (rows,) whole numbers. Stable for scores of any size.
    """
    ### BEGIN SOLUTION
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    return (log_sums - shifted[np.arange(len(targets)), targets]).mean()
    ### END SOLUTION


# %%
leads = np.linspace(-1000, 200, 61)
yours = [cross_entropy(np.array([[lead, 0.0]]), np.array([0])) for lead in leads]
with np.errstate(divide="ignore"):
    by_softmax = [-np.log(softmax(np.array([lead, 0.0]))[0]) for lead in leads]
plots.curves(
    {"your cross_entropy": (leads, yours), "-log(softmax)": (leads, by_softmax)},
    x_label="score of the right class minus the other's",
    y_label="loss in nats",
)

# %% id="check_cross_entropy" tags=["question"] points=2
"""Equal scores, two rows worked out beforehand, and rows where the right class is far below."""
checks.close("cross_entropy of four equal scores", cross_entropy(np.zeros((1, 4)), np.array([2])), math.log(4))
z = np.log(np.array([[1.0, 2.0, 3.0], [4.0, 4.0, 8.0]]))
checks.close(
    "cross_entropy of two rows",
    cross_entropy(z, np.array([1, 2])),
    math.log(6) / 2,
    slips={
        "summed over the rows, where the mean is asked": math.log(6),
        "in bits, where nats are asked": math.log2(6) / 2,
        "with the sign turned round": -math.log(6) / 2,
    },
)
checks.close("cross_entropy 1000 below the best", cross_entropy(np.array([[0.0, -1000.0]]), np.array([1])), 1000.0)
checks.close("cross_entropy of scores near 5000", cross_entropy(z + 5000, np.array([1, 2])), math.log(6) / 2)
checks.passed("cross_entropy", "ln 4 for four equal scores, 1000 where the right class is 1000 below")

# %% [markdown]
# ## 3. Softmax regression (2 points, about 12 minutes)
#
# Scores from features by one matrix, $o = x W + b$, probabilities $p$ by softmax, $L$ the cross-entropy: that is the
# smallest classifier with a gradient worth deriving. For one row, $L = \ln \sum_j e^{o_j} - o_y$, so
#
# $$\frac{\partial L}{\partial o_k} = \frac{e^{o_k}}{\sum_j e^{o_j}} - [k = y] = p_k - [k = y]$$
#
# where $[k = y]$ is 1 for the right class and 0 for the others: what the model said minus what it should have said.
# A score $o_{ik} = \sum_f x_{if} W_{fk} + b_k$ moves with $W_{fk}$ by $x_{if}$ and with $b_k$ by 1, and every row has
# the weight $1/R$ of the mean:
#
# $$\frac{\partial L}{\partial W} = \frac{1}{R} x^\top (p - y) \qquad
#   \frac{\partial L}{\partial b} = \frac{1}{R} \sum_{i=1}^{R} (p_i - y_i)$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $x$ | `x` | (rows, features) |
# | $y$ | `targets` as ones and zeros | (rows, classes); `targets` itself is (rows,) |
# | $W$, $\partial L / \partial W$ | `W`, `dW` | (features, classes) |
# | $b$, $\partial L / \partial b$ | `b`, `db` | (classes,) |
#
# Expect the loss $\ln(\text{classes})$ when all weights are zero.
#
# The cell after yours trains it as the smallest language model there is: from one character, given as a row with a
# single 1, predict the next. It has no memory at all, so the best that it can do is to learn which character follows
# which. The dots of the learned table should be where the counted one has them, and the loss should fall from
# $\ln 32 = 3.47$ nats to about 1.9 (in the full profile from $\ln 65 = 4.17$ to about 2.4).
#
# <details><summary>Hint</summary>
#
# Take the probabilities and subtract 1 at `[np.arange(rows), targets]`: that is $p - y$ without building $y$. Divide by
# the number of rows once, before the products.
# </details>


# %% id="softmax_regression_gradient" tags=["solution"]
def softmax_regression_gradient(W, b, x, targets):
    """Loss and gradient of softmax regression.

    W: (features, classes), b: (classes,), x: (rows, features), targets: (rows,) whole numbers.
    Returns (loss, dW, db): the mean cross-entropy over the rows and its derivatives.
    """
    ### BEGIN SOLUTION
    scores = x @ W + b
    dscores = softmax(scores)
    dscores[np.arange(len(targets)), targets] -= 1
    dscores /= len(targets)
    return cross_entropy(scores, targets), x.T @ dscores, dscores.sum(axis=0)
    ### END SOLUTION


# %%
rows = 5000
x, targets = np.eye(len(alphabet))[train_tokens[:rows]], train_tokens[1 : rows + 1]
W, b = np.zeros((len(alphabet), len(alphabet))), np.zeros(len(alphabet))
for step in range(201):
    loss, dW, db = softmax_regression_gradient(W, b, x, targets)
    W -= 20 * dW
    b -= 2 * db
    if step % 50 == 0:
        print(f"step {step:3d}: loss {loss:.3f} nats, {loss / math.log(2):.3f} bits per character")
counts = np.zeros_like(W)
np.add.at(counts, (train_tokens[:rows], targets), 1)
counted = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
followers = W + b
char_rnn_plots.draw_tables({"softmax regression": softmax(followers), "counted": counted}, alphabet)

# %% id="check_softmax_regression_gradient" tags=["question"] points=2
"""Zero weights, where all can be worked out by hand, and other weights by central differences."""
x, targets = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([0, 2])
loss, dW, db = softmax_regression_gradient(np.zeros((2, 3)), np.zeros(3), x, targets)
checks.close("the loss with zero weights", loss, math.log(3), slips={"summed over the rows": 2 * math.log(3)})
by_hand = np.array([[1.0, 4.0, -5.0], [-5.0, 1.0, 4.0]]) / 6
slips = {
    "with y - p in place of p - y": -by_hand,
    "summed over the rows, where the mean is asked": 2 * by_hand,
}
checks.close("dW with zero weights", dW, by_hand, slips=slips, shape="(features, classes)")
checks.close("db with zero weights", db, np.array([-1.0, 2.0, -1.0]) / 6, shape="(classes,)")
rng = np.random.default_rng(5)
W, b, x, targets = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(6, 4)), rng.integers(0, 3, 6)
_, dW, db = softmax_regression_gradient(W, b, x, targets)
found = pairs(
    lambda: softmax_regression_gradient(W, b, x, targets)[0], {"W": W, "b": b}, {"W": dW, "b": db}, rng, entries=12
)
checks.passed("softmax_regression_gradient", f"by hand and by differences, largest relative error {agree(found):.1e}")

# %% [markdown]
# ## 4. Instruments: the numerical gradient and the relative error (3 points, about 14 minutes)
#
# A gradient with a small mistake in it often still trains, only worse. So we check it in a second, independent way:
# move one entry of $x$ by $h$ to either side and see how $f$ changes,
#
# $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2 h}$$
#
# These are *central* differences: their error falls with $h^2$, that of $(f(x + h e_i) - f(x)) / h$ only with $h$.
#
# | symbol | in code | what it is |
# | --- | --- | --- |
# | $f$ | `f` | a function that takes `x` and returns a number |
# | $x$ | `x` | an array of any shape |
# | $h$ | `h` | a small number, such as 1e-5 |
#
# You will use it on loss functions that read the weight arrays they already hold. So **perturb the array `x` itself**,
# in place, and not a copy, even when `x` is a transposed or sliced view. Afterwards every entry must be back **bit for
# bit**: `(x + h) - h` is not `x` in floating point, so keep the old value.
#
# Then compare. An error of 1e-6 is small next to 1 and huge next to 1e-6, so measure it against the numbers themselves:
#
# $$\operatorname{relative\_error}(a, b) = \max_i \frac{|a_i - b_i|}{\max(10^{-8}, |a_i| + |b_i|)}$$
#
# It is 0 for equal numbers, zeros included, and 1 for numbers of opposite sign unless both are tiny. In float64 and
# with $h = 10^{-5}$ expect less than 1e-6 for a right gradient, usually about 1e-9. Above 1e-4 a network of tanh and
# softmax has a mistake, unless the entry is nearly zero, as where a tanh is saturated: there rounding alone gives such
# an error.
#
# Which $h$ is best? The cell after yours draws the error of both kinds of difference on $f(x) = \sum_i \sin x_i$, whose
# gradient is $\cos x$. Too large an $h$ sees the curvature; too small an $h$ drowns in rounding, because two nearly
# equal numbers are subtracted. Central differences do best near $h = $ 1e-5, with an error of about 1e-11; forward
# differences never get below about 1e-8.
#
# <details><summary>Hint</summary>
#
# `np.ndindex(*x.shape)` walks over the indices of any shape, and `x[index]` reaches the array itself whatever its
# layout. `x.reshape(-1)` and `x.ravel()` do so only for some layouts and silently copy for the others.
# For the error, `np.maximum` compares entry by entry and also takes plain numbers.
# </details>


# %% id="numerical_gradient" tags=["solution"]
def numerical_gradient(f, x, h):
    """Gradient of f at x by central differences, in an array like x.

    f: takes x and returns a number. x: float64 array of any shape and memory layout; it is moved during the call, one
    entry at a time, and is afterwards what it was, bit for bit. h: how far an entry is moved to either side.
    """
    ### BEGIN SOLUTION
    gradient = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        old = x[index]
        x[index] = old + h
        above = f(x)
        x[index] = old - h
        below = f(x)
        x[index] = old
        gradient[index] = (above - below) / (2 * h)
    return gradient
    ### END SOLUTION


# %% id="relative_error" tags=["solution"]
def relative_error(a, b):
    """The largest |a - b| / max(1e-8, |a| + |b|) over all entries, a number; 0 where both are 0."""
    ### BEGIN SOLUTION
    return (np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))).max()
    ### END SOLUTION


# %%
point = np.linspace(-1.0, 1.2, 7)
sizes = 10.0 ** np.arange(-11, 0)
central = [relative_error(numerical_gradient(lambda x: np.sin(x).sum(), point, h), np.cos(point)) for h in sizes]
forward = [relative_error((np.sin(point + h) - np.sin(point)) / h, np.cos(point)) for h in sizes]
plots.curves(
    {"central (yours)": (np.log10(sizes), central), "forward": (np.log10(sizes), forward)},
    x_label="$\\log_{10} h$",
    y_label="relative error",
    log=True,
)

# %% id="check_numerical_gradient" tags=["question"] points=2
"""A cubic, where the error of central differences is known; an f that holds x; views; x put back bit for bit."""
x = np.array([[0.1, -0.7, 2.0], [1.3, 0.0, -0.2]])
before = x.copy()
found = numerical_gradient(lambda x: (x**3).sum(), x, 0.1)
checks.close(
    "numerical_gradient of the sum of cubes",
    found,
    3 * x**2 + 0.01,
    slips={"of forward differences, to one side only": 3 * x**2 + 0.3 * x + 0.01},
)
checks.unchanged("x", x, before)
held = numerical_gradient(lambda _: (x**3).sum(), x, 0.1)
checks.close("numerical_gradient of an f that reads x itself, not its argument,", held, 3 * x**2 + 0.01)
checks.unchanged("x", x, before)
view = np.linspace(-1, 1, 24).reshape(4, 6).T[::2]
before = view.copy()
held = numerical_gradient(lambda _: (view**2).sum(), view, 1e-5)
checks.close("numerical_gradient of an f that reads a transposed, sliced x", held, 2 * view, relative=1e-6)
checks.unchanged("a transposed, sliced x", view, before)
checks.passed("numerical_gradient", "values, views, and x as it was")

# %% id="check_relative_error" tags=["question"] points=1
"""The largest relative error of arrays and of numbers; equal, opposite and tiny ones."""
a, b = np.array([[1.0, 2.0], [0.0, -4.0]]), np.array([[1.0, 2.5], [0.0, -4.0]])
checks.close(
    "relative_error(a, b)",
    relative_error(a, b),
    1 / 9,
    slips={
        "of the mean, where the largest is asked": 1 / 36,
        "against |a| alone, where |a| + |b| is asked": 0.25,
    },
)
checks.close("relative_error of equal arrays", relative_error(a, a.copy()), 0.0)
checks.close("relative_error of opposite numbers", relative_error(-3.0, 3.0), 1.0)
checks.close("relative_error of 1e-9 and 3e-9", relative_error(1e-9, 3e-9), 0.2)
checks.passed("relative_error", "the largest entry counts, and two zeros are equal")

# %% [markdown]
# ## 5. The network forwards (3 points, about 15 minutes)
#
# Softmax regression forgets. A recurrent network (Elman 1990) keeps a *state*, from here on called $h$ (no longer the
# small number of question 4): a vector that is made anew at each step from the character that came and from the state
# before:
#
# $$h_t = \tanh(U_{x_t} + h_{t-1} W + b) \qquad o_t = h_t V + c \qquad
#   L = -\sum_{t=1}^{T} \ln \operatorname{softmax}(o_t)_{y_t}$$
#
# A character enters as a row with a single 1, and such a row times $U$ is one row of $U$: so **index, do not
# multiply**. The target of each step is the next character. Here the loss is the *sum* over the steps,
# as in Karpathy's program (2015), and the gradients below are those of the sum.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $x_1 \dots x_T$, $y_1 \dots y_T$ | `tokens[:-1]`, `tokens[1:]` | (steps,) each; `tokens` has steps + 1 |
# | $U$ | `params["U"]` | (classes, hidden) |
# | $W$ | `params["W"]` | (hidden, hidden) |
# | $V$ | `params["V"]` | (hidden, classes) |
# | $b$, $c$ | `params["b"]`, `params["c"]` | (hidden,), (classes,) |
# | $h_0$, $h_T$ | `h0`, `h_last` | (hidden,): a vector, no batch |
#
# Only one of the three products needs a loop. The rows $U_{x_t} + b$ can be fetched for all steps at once, and all
# scores $o_t$ are one matrix product after the loop. Only $h_{t-1} W$ has to wait for the step before. The third
# result, `cache`, holds whatever your backward pass will want; nobody else looks inside.
#
# The cell after yours draws the network unrolled over four steps: the same five arrays are used at each of them. Then
# it runs an untrained one over 25 steps of the text. With small weights it knows nothing yet, so its loss must be
# close to 25 times $\ln(\text{classes})$.
#
# <details><summary>Hint</summary>
#
# Make an array `states` with steps + 1 rows, put `h0` into the first, and fill the others in a loop. Then
# `states[1:] @ V + c` are all scores. `cross_entropy` gives a mean: multiply by the number of steps.
# </details>


# %% id="rnn_forward" tags=["solution"]
def rnn_forward(params, tokens, h0):
    """Run the network over a stream of tokens.

    params: dict of U (classes, hidden), W (hidden, hidden), V (hidden, classes), b (hidden,), c (classes,).
    tokens: steps + 1 whole numbers, a list or an array: inputs are all but the last, targets all but the first.
    h0: (hidden,), the state before the first step.
    Returns (loss, h_last, cache): the loss summed over the steps, in nats; the last state (hidden,); for the way back.
    """
    ### BEGIN SOLUTION
    tokens = np.asarray(tokens)
    inputs, targets = tokens[:-1], tokens[1:]
    drive = params["U"][inputs] + params["b"]
    states = np.empty((len(tokens), len(h0)), dtype=drive.dtype)
    states[0] = h0
    for before, x, h in zip(states[:-1], drive, states[1:], strict=True):  # rows are views: `h` is the next `before`
        x += before.dot(params["W"])
        np.tanh(x, out=h)
    scores = states[1:] @ params["V"] + params["c"]
    return len(targets) * cross_entropy(scores, targets), states[-1].copy(), (inputs, targets, states, scores)
    ### END SOLUTION


# %%
char_rnn_plots.draw_unrolled("hello")
params = random_parameters(len(alphabet), 100, np.random.default_rng(0))
loss, h_last, _ = rnn_forward(params, train_tokens[:26], np.zeros(100))
print(
    f"loss of an untrained network over 25 steps {loss:.3f}; 25 ln {len(alphabet)} = {25 * math.log(len(alphabet)):.3f}"
)

# %% id="check_rnn_forward" tags=["question"] points=3
"""A network small enough for a pocket calculator, zero weights, one step, and a stream cut in two."""
small = {
    "U": np.array([[0.5], [-1.0]]),
    "W": np.array([[2.0]]),
    "V": np.array([[1.0, -1.0]]),
    "b": np.array([0.1]),
    "c": np.array([0.0, 0.2]),
}
loss, h_last, _ = rnn_forward(small, [0, 1, 1, 0], np.array([0.3]))
checks.close("h_last of the small network", h_last, np.array([0.37198435466]), slips={
    "when h0 is not used": np.array([-0.504465220141]),
}, shape="(hidden,)")  # fmt: skip
checks.close("the loss of the small network", loss, 3.5128538195, relative=1e-6, slips={
    "as a mean over the steps, where the sum is asked": 3.5128538195 / 3,
    "when each step's target is its own input": 2.5895133148,
})  # fmt: skip
three = {"U": np.zeros((2, 3)), "W": np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0], [3.0, 0.0, 0.0]])}
three |= {"V": np.zeros((3, 2)), "b": np.zeros(3), "c": np.zeros(2)}
_, h_last, _ = rnn_forward(three, [0, 1], np.array([0.5, 0.0, 0.0]))
checks.close("h_last where W leads from the first of three units to the second", h_last, np.tanh([0, 0.5, 0]), slips={
    "with W transposed": np.tanh([0.0, 0.0, 1.5]),
})  # fmt: skip
zero = {name: np.zeros_like(array) for name, array in params.items()}
loss, h_last, _ = rnn_forward(zero, np.arange(8), np.ones(100))
checks.close("the loss with zero weights over 7 steps", loss, 7 * math.log(len(alphabet)))
checks.close("h_last with zero weights", h_last, np.zeros(100))
tokens, h0 = np.array([1, 0, 0, 1, 1, 0, 1]), np.array([-0.4])
whole, end, _ = rnn_forward(small, tokens, h0)
first, middle, _ = rnn_forward(small, tokens[:4], h0)
second, last, _ = rnn_forward(small, tokens[3:], middle)
checks.close("the losses of two halves, with the state carried over,", first + second, whole)
checks.close("h_last of two halves, with the state carried over,", last, end)
checks.unchanged("h0", h0, np.array([-0.4]))
checks.passed("rnn_forward", "the small network, zero weights, and two halves that make a whole")

# %% [markdown]
# ## 6. Backwards through time (5 points, about 25 minutes)
#
# Write $\bar u$ for $\partial L / \partial u$. From question 3 you know $\bar o_t = p_t - y_t$ for each step (no $1/T$:
# the loss is a sum). Now the state $h_t$. Count the places where it is used: in the scores $o_t = h_t V + c$ **and** in
# the next state, inside $a_{t+1} = U_{x_{t+1}} + h_t W + b$. What is used twice collects two gradients:
#
# $$\bar h_t = \bar o_t V^\top + \bar a_{t+1} W^\top$$
#
# where after the last step there is nothing, $\bar a_{T+1} = 0$. Through $h_t = \tanh(a_t)$, whose derivative is
# $1 - \tanh^2$,
#
# $$\bar a_t = \bar h_t \odot (1 - h_t \odot h_t)$$
#
# and so on down to the first step: *back-propagation through time* (Werbos 1990). Each array is used at every step, so
# it collects a sum over the steps:
#
# $$\bar V = \sum_t h_t^\top \bar o_t \qquad \bar c = \sum_t \bar o_t \qquad
#   \bar W = \sum_t h_{t-1}^\top \bar a_t \qquad \bar b = \sum_t \bar a_t \qquad \bar U_k = \sum_{t:\, x_t = k} \bar
# a_t$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $\bar o$, $\bar a$ for all steps | for example `do`, `da` | (steps, classes), (steps, hidden) |
# | $\bar U, \bar W, \bar V, \bar b, \bar c$ | the dict that is returned | as `params` |
#
# Again only the recursion needs a loop: with the states as rows of an array, $\sum_t h_{t-1}^\top \bar a_t$ is one
# matrix product. Mind two things. $W$ is square, so a forgotten transposition raises no error. And a character may come
# several times: `dU[inputs] += da` adds only *one* of the rows that meet at the same place.
#
# Expect relative errors below 1e-6 against differences and 1e-12 or less against torch. Nothing is clipped here.
#
# <details><summary>Hint</summary>
#
# Compute $\bar o$ for all steps, then `da = do @ V.T` for all steps. Walk backwards and turn row after row of `da` into
# $\bar a_t$: add `W @ later` (for a vector that is the same as `later @ W.T`), multiply by the slope, and remember the
# row as `later`. Then the five sums. For $\bar U$, `np.add.at(dU, inputs, da)` adds all rows, repeated ones too.
# </details>


# %% id="rnn_backward" tags=["solution"]
def rnn_backward(params, cache):
    """Gradients of `rnn_forward`'s loss through all of its steps: a dict with the keys and shapes of params."""
    ### BEGIN SOLUTION
    inputs, targets, states, scores = cache
    steps = np.arange(len(targets))
    do = softmax(scores)
    do[steps, targets] -= 1
    da = do @ params["V"].T  # what each state hears from its own scores; the recursion adds the rest
    slope = 1 - states[1:] ** 2
    later = np.zeros_like(states[0])
    for here, s in zip(da[::-1], slope[::-1], strict=True):
        here += params["W"].dot(later)
        here *= s
        later = here
    # one product with a small matrix of zeros and ones is quicker than np.add.at
    came = np.zeros((len(params["U"]), len(targets)), dtype=da.dtype)
    came[inputs, steps] = 1
    return {"U": came @ da, "W": states[:-1].T @ da, "V": states[1:].T @ do, "b": da.sum(axis=0), "c": do.sum(axis=0)}
    ### END SOLUTION


# %% [markdown]
# The dashed arrows show how the gradient flows back. At each state two of them meet. A backward pass that forgets the
# one from the right still trains, only worse: no state learns to keep what a later step will need. (With three seeds
# the quick run of question 10 needed about 1.25 in place of 1.07 bits per character after 5,000 steps.) Below, your
# instruments: one line for each array, every entry compared with your own `numerical_gradient`, the place of the worst
# one, and the error against torch.

# %%
char_rnn_plots.draw_unrolled("hello", backwards=True)


def report_gradients(params, tokens, h0):
    """Print the largest relative error of each gradient, by differences and by torch, and where it is."""
    gradients = rnn_backward(params, rnn_forward(params, tokens, h0)[2])
    leaves = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    h, total = torch.tensor(h0), 0.0
    for token, target in itertools.pairwise(tokens):
        h = torch.tanh(leaves["U"][token] + h @ leaves["W"] + leaves["b"])
        total = total - torch.log_softmax(h @ leaves["V"] + leaves["c"], 0)[target]
    total.backward()
    for name, array in params.items():
        numeric = numerical_gradient(lambda _: rnn_forward(params, tokens, h0)[0], array, 1e-5)
        worst = np.unravel_index(checks.relative_errors(gradients[name], numeric).argmax(), array.shape)
        where = ", ".join(str(int(k)) for k in worst)
        by_torch = relative_error(gradients[name], leaves[name].grad.numpy())
        print(f"d{name}: differences {relative_error(gradients[name], numeric):.1e} at [{where}], torch {by_torch:.1e}")


rng = np.random.default_rng(4)
tiny = random_parameters(7, 5, rng, scale=0.5)
report_gradients(tiny, [3, 1, 4, 1, 5, 0, 2, 6, 5, 3, 5], 0.5 * rng.standard_normal(5))

# %% id="check_rnn_backward" tags=["question"] points=5
"""All five gradients by central differences: one step, a repeated character, a long stream, large gradients."""


def loss_of(params, tokens, h0):
    return rnn_forward(params, tokens, h0)[0]


rng = np.random.default_rng(6)
largest = 0.0
for steps, classes, hidden_size in ((1, 3, 2), (6, 4, 5), (30, 3, 4)):
    small_params = random_parameters(classes, hidden_size, rng, scale=0.5)
    small_params |= {"b": 0.2 * rng.standard_normal(hidden_size), "c": 0.2 * rng.standard_normal(classes)}
    tokens, h0 = rng.integers(0, classes, steps + 1), 0.5 * rng.standard_normal(hidden_size)
    before = {name: array.copy() for name, array in small_params.items()}
    _, _, cache = rnn_forward(small_params, tokens, h0)
    gradients = rnn_backward(small_params, cache)
    checks.equal("the keys of the gradients", sorted(gradients), sorted(small_params))
    found = pairs(partial(loss_of, small_params, tokens, h0), small_params, gradients, rng, entries=20)
    largest = max(largest, agree(found))
    checks.close("rnn_backward called twice with one cache", rnn_backward(small_params, cache), gradients)
    checks.unchanged("params", small_params, before)
small_params = {"U": np.zeros((2, 1)), "W": np.zeros((1, 1)), "V": np.zeros((1, 2)), "b": np.ones(1), "c": np.zeros(2)}
gradients = rnn_backward(small_params, rnn_forward(small_params, [0] * 101, np.zeros(1))[2])
checks.close("dc of a hundred steps that all go the same way", gradients["c"], np.array([-50.0, 50.0]), slips={
    "as a mean over the steps, where the sum is asked": np.array([-0.5, 0.5]),
    "when it is clipped already": np.array([-5.0, 5.0]),
})  # fmt: skip
checks.passed("rnn_backward", f"five gradients, largest relative error {largest:.1e}")

# %% [markdown]
# **How far does a change reach?** A change of the start state is passed on by $W$ and by the slopes of tanh, step after
# step, and so is a gradient on its way back: $\bar h_0 = (\bar h_1 \odot (1 - h_1^2)) \, W^\top$ and so on. One that
# dies out on the way is said to *vanish*, one that grows without bound to *explode* (Bengio, Simard and Frasconi 1994).
# The next cell moves $h_0$ by $10^{-6}$ and watches how much of it is left after $t$ steps, for matrices $W$ that
# stretch every vector by a factor of 0.7, 1.0 or 1.3, without any inputs and, for 1.3, also with inputs that drive the
# states towards $\pm 1$.

# %%
rng = np.random.default_rng(2)
turn, _ = np.linalg.qr(rng.standard_normal((50, 50)))
nudge = 1e-6 * turn[0]
silent = random_parameters(20, 50, rng, scale=0.0)
loud = silent | {"U": rng.standard_normal((20, 50))}
tokens = rng.integers(0, 20, 42)
reach = {}
for name, weights, factor in (
    ("0.7", silent, 0.7),
    ("1.0", silent, 1.0),
    ("1.3", silent, 1.3),
    ("1.3, inputs", loud, 1.3),
):
    weights = weights | {"W": factor * turn}
    ends = [
        rnn_forward(weights, tokens[: t + 1], nudge)[1] - rnn_forward(weights, tokens[: t + 1], 0 * nudge)[1]
        for t in range(1, 42)
    ]
    reach[name] = [np.linalg.norm(end) / 1e-6 for end in ends]
plots.curves(reach, x_label="steps", y_label="size of the change / its size at the start", log=True)

# %% [markdown] id="why_gradients_vanish" tags=["written"] points=2
# **Written question 1 (2 points, about 5 minutes).** In the figure the change dies out, stays, or grows, and with
# inputs it shrinks although $W$ stretches. Explain both from $\bar h_{t-1} = (\bar h_t \odot (1 - h_t^2)) \, W^\top$.
# Which of the two troubles, vanishing or exploding, does the clipping of the next question help against, and why not
# against the other?
#
# ### BEGIN SOLUTION
# Going back over $t$ steps multiplies the gradient $t$ times by $W^\top$ and by the slopes $1 - h^2$. If $W$ shrinks
# vectors the product falls geometrically (0.7 to the 40th is about 6e-7), if it stretches them it can grow
# geometrically (1.3 to the 40th is about 36,000). The slopes are at most 1 and near 0 where a unit is saturated, so
# they can only shrink: with inputs that drive the states towards 1 or -1 the product of both falls even for $W$ with
# factor 1.3. Clipping bounds a gradient that has become too large, so that one step cannot throw the weights away. A
# vanished gradient is information that is lost: the sum that reaches the weights then consists of the recent steps
# alone, and no clipping or rescaling of the sum brings the far ones back.
#
# 1 point for the repeated product of $W^\top$ and the slopes, with the slopes at most 1, near 0 for saturated units.
# 1 point for: clipping helps against exploding alone, since it can bound a size but not bring back what is lost.
# ### END SOLUTION

# %% [markdown]
# ## 7. One step of training (2 points, about 9 minutes)
#
# **Clipping.** After an unlucky stretch of text a gradient can be many times its usual size. The simplest guard
# moves every entry that is outside of $[-B, B]$ to the nearer end: each entry by itself. (The other way, scaling all of
# them so that their common *norm* is at most $B$, comes in a later notebook.)
#
# **AdaGrad** (Duchi, Hazan and Singer 2011) gives every weight a learning rate of its own: it remembers the sum of all
# squared gradients so far, $m$, and divides by its root. Weights that saw large gradients take smaller steps; the row
# of $U$ of a rare character still takes large ones.
#
# $$m \leftarrow m + g^2 \qquad \theta \leftarrow \theta - \eta \frac{g}{\sqrt{m + 10^{-8}}}$$
#
# | symbol | in code | what it is |
# | --- | --- | --- |
# | $B$ | `bound` | a positive number |
# | $g$, $m$, $\theta$ | `gradients`, `memory`, `params` | dicts of arrays by the same names |
# | $\eta$ | `learning_rate` | a number |
#
# Both work **in place**: the arrays themselves change, the dicts keep holding the same arrays. `clip_by_value` returns
# the dict that it was given; `adagrad_step` leaves the gradients alone. Note that the new $m$ is used: from a memory of
# 0 the very first step of a weight has the size $\eta$, however large $g$ is.
#
# The cell after yours goes down a valley that is 50 times as steep in one direction as in the other, $f =
# \frac{1}{2}(x^2 + 50 y^2)$. Plain descent may not take larger steps than the steep direction allows, and swings there
# while it is slow in the flat one. AdaGrad measures each direction by the gradients that it saw there.
#
# <details><summary>Hint</summary>
#
# `a += b` changes the array, `a = a + b` makes a new one and leaves the old as it was. Both `np.clip` and the method
# `clip` take `out=`. The 1e-8 stands under the root.
# </details>


# %% id="clip_by_value" tags=["solution"]
def clip_by_value(gradients, bound):
    """Move every entry of every array into [-bound, bound], in place; returns the same dict."""
    ### BEGIN SOLUTION
    for gradient in gradients.values():
        gradient.clip(-bound, bound, out=gradient)
    return gradients
    ### END SOLUTION


# %% id="adagrad_step" tags=["solution"]
def adagrad_step(params, gradients, memory, learning_rate):
    """One step of AdaGrad: the arrays of memory and params change in place, the gradients stay.

    memory: for each array the sum of the squared gradients so far, of its shape. All three are dicts by the same names.
    """
    ### BEGIN SOLUTION
    for name, gradient in gradients.items():
        memory[name] += gradient * gradient
        params[name] -= learning_rate * gradient / np.sqrt(memory[name] + 1e-8)
    ### END SOLUTION


# %%
paths = {"AdaGrad, rate 1": [], "plain, rate 0.035": []}
spot, seen = {"w": np.array([9.0, 0.7])}, {"w": np.zeros(2)}
plain = spot["w"].copy()
for _ in range(40):
    paths["AdaGrad, rate 1"].append(spot["w"].copy())
    paths["plain, rate 0.035"].append(plain.copy())
    adagrad_step(spot, {"w": spot["w"] * np.array([1.0, 50.0])}, seen, 1.0)
    plain -= 0.035 * plain * np.array([1.0, 50.0])
_, axes = plt.subplots(figsize=(7, 3), layout="constrained")
for (name, path), style in zip(paths.items(), ("-o", "--x"), strict=True):
    axes.plot(*np.array(path).T, style, markersize=4, linewidth=1, label=f"{name}, 40 steps")
axes.plot(0, 0, "k*", markersize=10, label="minimum")
axes.set(xlabel="x (flat)", ylabel="y (steep)")
axes.legend()
plt.show()

# %% id="check_clip_by_value" tags=["question"] points=1
"""Entries outside, inside and on the bound; the same arrays in the same dict."""
one, two = np.array([7.0, -0.5, -5.0]), np.array([[-30.0, 5.0]])
gradients = {"one": one, "two": two}
result = clip_by_value(gradients, 5.0)
checks.true(result is gradients, "clip_by_value should return the dict that it was given")
checks.true(gradients["one"] is one, "clip_by_value should change the arrays themselves, not put others into the dict")
checks.close("the array (7, -0.5, -5) clipped at 5", one, np.array([5.0, -0.5, -5.0]), slips={
    "when the whole array is scaled by its norm, where each entry is clipped by itself":
        np.array([7.0, -0.5, -5.0]) * 5 / np.linalg.norm([7.0, -0.5, -5.0]),
    "when only the upper end is clipped": np.array([5.0, -0.5, -5.0]),
})  # fmt: skip
checks.close("the array (-30, 5) clipped at 5", two, np.array([[-5.0, 5.0]]))
checks.passed("clip_by_value", "each entry by itself, in place")

# %% id="check_adagrad_step" tags=["question"] points=1
"""Two steps worked out beforehand, in place, the gradients untouched."""
two, memory = {"w": np.array([1.0, 2.0])}, {"w": np.array([0.0, 9.0])}
weights, seen, gradients = two["w"], memory["w"], {"w": np.array([0.5, -4.0])}
adagrad_step(two, gradients, memory, 0.1)
checks.true(two["w"] is weights and memory["w"] is seen, "adagrad_step should change the arrays themselves")
checks.close("the memory after one step", seen, np.array([0.25, 25.0]), slips={
    "when the memory is replaced by the squares, not added to": np.array([0.25, 16.0]),
    "when the gradients are added, not their squares": np.array([0.5, 5.0]),
})  # fmt: skip
checks.close("the weights after one step", weights, np.array([0.9, 2.08]), relative=1e-6, slips={
    "with + in place of -": np.array([1.1, 1.92]),
    "without the root": np.array([0.8, 2.016]),
    "with the memory of before the step": np.array([1.0 - 0.05 / 1e-4, 2.0 + 0.4 / 3]),
})  # fmt: skip
adagrad_step(two, gradients, memory, 0.1)
checks.close("the memory after two steps", seen, np.array([0.5, 41.0]))
checks.unchanged("gradients", gradients["w"], np.array([0.5, -4.0]))
tiny, memory = {"w": np.array([1.0])}, {"w": np.array([0.0])}
adagrad_step(tiny, {"w": np.array([1e-4])}, memory, 0.1)
checks.close("the weight after a step by a gradient of 1e-4", tiny["w"], np.array([1 - 0.1 / math.sqrt(2)]), slips={
    "with 1e-8 outside of the root": np.array([1 - 0.1 / 1.0001]),
})  # fmt: skip
checks.passed("adagrad_step", "two steps, in place, the gradients as they were")

# %% [markdown]
# ## 8. Writing text (3 points, about 10 minutes)
#
# A language model writes by being asked again and again: feed a character, get the probabilities of the next one, draw
# one, feed it. A *temperature* $\tau$ sharpens or flattens what is drawn from:
#
# $$h_t = \tanh(U_{x_t} + h_{t-1} W + b) \qquad x_{t+1} \sim \operatorname{softmax}\left(\frac{h_t V + c}{\tau}\right)$$
#
# | symbol | in code | what it is |
# | --- | --- | --- |
# | $x_1$ | `first` | fed in at the first step, and not among the results |
# | $h_0$ | `h0` | (hidden,), the state before it |
# | $x_2, x_3, \dots$ | result | `length` ids, a list or an array of whole numbers |
# | $\tau$ | `temperature` | a positive number; a `ValueError` otherwise |
# | | `rng` | a `numpy.random.Generator`, which is advanced |
#
# Draw, do not take the most probable one: a model that always says its favourite soon runs in a circle.
#
# The cell after yours shows what the temperature does to one set of scores, those of the softmax regression of
# question 3 after the letter *t*, and what the untrained network writes: noise.
#
# <details><summary>Hint</summary>
#
# `rng.choice(classes, p=probabilities)` draws one id. One step needs one row of `U`, one product with `W`, one with
# `V`; there is no target, hence no loss.
# </details>


# %% id="sample" tags=["solution"]
def sample(params, h0, first, length, rng, temperature):
    """Draw `length` tokens from the network, fed with `first` and then with what it drew.

    h0: (hidden,), the state before `first`. rng: a numpy Generator. temperature: divides the scores before the softmax.
    Returns the ids without `first`. Raises ValueError for a temperature that is not positive.
    """
    ### BEGIN SOLUTION
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    h, token, drawn = h0, first, []
    for _ in range(length):
        h = np.tanh(params["U"][token] + h @ params["W"] + params["b"])
        scores = h @ params["V"] + params["c"]
        token = int(rng.choice(len(scores), p=softmax(scores / temperature)))
        drawn.append(token)
    return drawn
    ### END SOLUTION


# %%
after_t = followers[place["t"]]
char_rnn_plots.draw_temperatures({tau: softmax(after_t / tau) for tau in (1.0, 0.5, 2.0)}, alphabet)
untrained = random_parameters(len(alphabet), 100, np.random.default_rng(0))
ids = sample(untrained, np.zeros(100), place["\n"], 60, np.random.default_rng(1), 1.0)
print("untrained:", repr("".join(alphabet[k] for k in ids)))

# %% id="check_sample" tags=["question"] points=3
"""A network that counts round, frequencies at three temperatures, the generator, and what must be refused."""
counting = {
    "U": 5 * np.eye(5),
    "W": np.zeros((5, 5)),
    "V": 60 * np.roll(np.eye(5), 1, axis=1),
    "b": np.zeros(5),
    "c": np.zeros(5),
}
ids = [int(k) for k in sample(counting, np.zeros(5), 2, 7, np.random.default_rng(0), 1.0)]
checks.equal("sample from a network that counts round, after a 2,", ids, [3, 4, 0, 1, 2, 3, 4], slips={
    "when `first` is among the results": [2, 3, 4, 0, 1, 2, 3],
    "when what was drawn is not fed back": [3] * 7,
})  # fmt: skip
by_state = counting | {"U": np.zeros((5, 5)), "W": 5 * np.roll(np.eye(5), 1, axis=1), "V": 60 * np.eye(5)}
ids = [int(k) for k in sample(by_state, np.eye(5)[1], 0, 6, np.random.default_rng(0), 1.0)]
checks.equal("sample from a network whose state counts round, from a 1,", ids, [2, 3, 4, 0, 1, 2])
die = {name: np.zeros_like(array) for name, array in counting.items()} | {"c": np.log([0.4, 0.3, 0.15, 0.1, 0.05])}
for temperature in (1.0, 0.5, 4.0):
    p = np.exp(die["c"] / temperature)
    drawn = sample(die, np.zeros(5), 0, 3000, np.random.default_rng(7), temperature)
    shares = np.bincount(np.asarray(drawn, dtype=int), minlength=5) / 3000
    off = np.abs(shares - p / p.sum()).max()
    checks.true(off < 0.06, f"sample at temperature {temperature}: a token comes {off:.2f} too often or too seldom")
rng = np.random.default_rng(3)
one, two = (list(map(int, sample(die, np.zeros(5), 0, 40, rng, 1.0))) for _ in range(2))
checks.true(one != two, "sample gave the same ids twice: it should draw from rng, which moves on")
again = list(map(int, sample(die, np.zeros(5), 0, 40, np.random.default_rng(3), 1.0)))
checks.equal("sample with a fresh generator of the same seed", again, one)
checks.equal("sample of length 0", len(sample(die, np.zeros(5), 0, 0, rng, 1.0)), 0)
for wrong in (0.0, -1.0):
    refused = partial(sample, die, np.zeros(5), 0, 3, rng, wrong)
    checks.raises(f"sample at temperature {wrong}", ValueError, refused)
checks.passed("sample", "counts round, frequencies at three temperatures, refusals")

# %% [markdown] id="why_temperature" tags=["written"] points=1
# **Written question 2 (1 point, about 3 minutes).** What does the model write as the temperature goes to 0, and what
# as it grows without bound? Say it in terms of the scores $o_k / \tau$.
#
# ### BEGIN SOLUTION
# The ratio of two probabilities is exp((o_j - o_k) / τ). As τ goes to 0 the differences of o / τ grow without bound and
# all the probability goes to the largest score: the model always writes its most probable character and soon repeats
# itself. As τ grows all o / τ approach 0 and with them each other: every character becomes equally probable, noise.
#
# 1 point for both ends with the reason: at 0 the largest score alone, at infinity all alike, because the differences of
# the scores are divided by the temperature.
# ### END SOLUTION

# %% [markdown]
# ## 9. Bits per character (1 point, about 4 minutes)
#
# How good is a model of text? Let it read text that it has not seen, as **one stream**, the state carried from the
# first character to the last and zero before it, and count how many bits it needs per predicted character:
#
# $$\text{bits per character} = \frac{1}{(N - 1) \ln 2} \; L, \qquad L = -\sum_{t=1}^{N-1} \ln p(x_{t+1} \mid x_1,
# \dots, x_t)$$
#
# | symbol | in code | what it is |
# | --- | --- | --- |
# | $x_1 \dots x_N$ | `tokens` | the text, $N$ of at least two; every one but the first is predicted |
# | $L$ | sum of losses | in nats; $\ln 2$ turns nats into bits |
#
# A text of a million characters has a million states. You may read it in pieces, as long as the state goes from piece
# to piece and every character but the first is predicted exactly once. Expect $\log_2(\text{classes})$ of a network
# with zero weights, and almost that of an untrained one.
#
# <details><summary>Hint</summary>
#
# `rnn_forward` already returns the sum over the steps and the last state. A piece `tokens[i : i + 1001]` predicts 1000
# tokens; the next piece starts with the last token of this one.
# </details>


# %% id="bits_per_character" tags=["solution"]
def bits_per_character(params, tokens):
    """Mean bits that the network needs for each token but the first: one stream, the state carried from zero."""
    ### BEGIN SOLUTION
    h = np.zeros_like(params["b"])
    total = 0.0
    for start in range(0, len(tokens) - 1, 1000):
        loss, h, _ = rnn_forward(params, tokens[start : start + 1001], h)
        total += loss
    return total / ((len(tokens) - 1) * np.log(2))
    ### END SOLUTION


# %% id="check_bits_per_character" tags=["question"] points=1
"""Zero weights, two tokens, and a stream of 2500 tokens in a network that remembers."""
shapes = {"U": (5, 3), "W": (3, 3), "V": (3, 5), "b": (3,), "c": (5,)}
waves = {n: np.cos(np.arange(math.prod(s)) + k).reshape(s) for k, (n, s) in enumerate(shapes.items())}
zero = {name: np.zeros_like(array) for name, array in waves.items()}
stream = np.arange(2500) ** 2 % 7 % 5
checks.close("bits_per_character with zero weights", bits_per_character(zero, stream), math.log2(5), slips={
    "in nats, where bits are asked": math.log(5),
    "when the sum is divided by the number of tokens, where the first is not predicted": math.log2(5) * 2499 / 2500,
})  # fmt: skip
checks.close("bits_per_character of 2500 tokens", bits_per_character(waves, stream), 3.40212178824, relative=1e-9)
checks.close("bits_per_character of two tokens", bits_per_character(waves, [1, 4]), 6.640991270347, relative=1e-9)
checks.passed("bits_per_character", "one stream, the state carried, every token but the first")

# %% [markdown]
# ## 10. Training (2 points, about 8 minutes)
#
# All parts are there. One step of training takes the next 25 characters, with the state where the last step left it:
# the forward pass goes on, only the gradient stops after 25 steps. At the end of the text, and every 100 steps, the
# state starts again from zero. Otherwise the state can drift into a region that training reaches from its own past but
# that a fresh start from zero never reaches. At a learning rate of 0.1 that happened with one of eight seeds that we
# tried: in 8,000 steps its smoothed loss fell to 1.0 bit per character, as it should, and on held-out text, read from a
# zero state, it needed 8.3 bits, more than the 5 of a network that has learned nothing.
#
# The *smoothed loss* is the historical thermometer, $s \leftarrow 0.999 \, s + 0.001 \, L$, starting at
# $25 \ln(\text{classes})$. The quick profile trains in float64, as everything before. The full one trains in float32,
# which halves the memory that each step has to move; gradients were *checked* in float64, because differences need the
# digits. Numpy's functions keep whichever they are given.
#
# **What indexing and batching buy.** Karpathy's program writes each character as a vector of zeros with a single 1 and
# multiplies it with $U$. It does every product of a step inside the loop, and on the way back one outer product per
# array and step. All of it is in float64. The cell after `train_step` times such a loop (its way back does the right
# products on arrays of the right sizes; only their cost counts here) against your functions: forward, backward,
# clipping and AdaGrad, once in float64 and once in float32. There is one more trick in the given `start_training`: all
# five arrays are views into one long one, so that clipping and AdaGrad, which treat every entry alike, are a few long
# operations and not five times as many short ones. On one quiet core we measured 1,100 steps a second for the loop,
# 4,000 for the solution in float64 and 5,900 in float32, 5.4 times as many.


# %% tags=["provided"]
def start_training(classes, hidden_size, rng, steps=25, dtype=np.float64):
    """Everything that a run changes: parameters, AdaGrad's memory, the state, where it stands, the smoothed loss.

    The arrays of `params` are views into `run["all"]`, one long array, so that clipping and AdaGrad are a few calls.
    """
    drawn = random_parameters(classes, hidden_size, rng, dtype=dtype)
    together = np.concatenate([array.ravel() for array in drawn.values()])
    ends = np.cumsum([array.size for array in drawn.values()])
    parts = zip(drawn.items(), np.split(together, ends[:-1]), strict=True)
    return {
        "all": together,
        "params": {name: part.reshape(array.shape) for (name, array), part in parts},
        "memory": np.zeros_like(together),
        "h": np.zeros(hidden_size, dtype),
        "position": 0,
        "step": 0,
        "smoothed": steps * math.log(classes),
    }


def train_step(run, tokens, steps=25, learning_rate=0.1, bound=5.0):
    """One step of training on the next `steps` characters; changes `run`, returns the loss."""
    at_the_end = run["position"] + steps + 1 > len(tokens)
    if at_the_end:
        run["position"] = 0
    if at_the_end or run["step"] % 100 == 0:
        run["h"] = np.zeros_like(run["h"])
    piece = tokens[run["position"] : run["position"] + steps + 1]
    loss, run["h"], cache = rnn_forward(run["params"], piece, run["h"])
    gradients = rnn_backward(run["params"], cache)
    together = np.concatenate([gradients[name].ravel() for name in run["params"]])
    clipped = clip_by_value({"all": together}, bound)
    adagrad_step({"all": run["all"]}, clipped, {"all": run["memory"]}, learning_rate)
    run["position"] += steps
    run["step"] += 1
    run["smoothed"] = 0.999 * run["smoothed"] + 0.001 * float(loss)
    return loss


# %%
def one_hot_step(params, memory, tokens, h):
    """The arithmetic of a training step in a one-hot loop, with nothing batched."""
    one_hot = np.eye(len(params["c"]))[tokens]
    states, errors = [h], []
    for x, y in itertools.pairwise(one_hot):
        states.append(np.tanh(x @ params["U"] + states[-1] @ params["W"] + params["b"]))
        errors.append(softmax(states[-1] @ params["V"] + params["c"]) - y)
    gradients = {name: np.zeros_like(array) for name, array in params.items()}
    for x, old, new, error in zip(one_hot[-2::-1], states[-2::-1], states[:0:-1], errors[::-1], strict=True):
        back = params["V"] @ error + params["W"] @ new
        for name, left, right in (("V", new, error), ("W", old, back), ("U", x, back)):
            gradients[name] += np.outer(left, right)
        gradients["b"] += back
        gradients["c"] += error
    adagrad_step(params, clip_by_value(gradients, 5.0), memory, 0.1)


def steps_per_second(step, count):
    """How often a function runs in a second, the best of a few rounds."""
    best = math.inf
    for _ in range(2 if course.grading else 8):
        started = time.perf_counter()
        for _ in range(count):
            step()
        best = min(best, (time.perf_counter() - started) / count)
    return 1 / best


piece = train_tokens[:26]
looped = random_parameters(65, 100, np.random.default_rng(0))
seen = {name: np.zeros_like(array) for name, array in looped.items()}
loop = steps_per_second(lambda: one_hot_step(looped, seen, piece, np.zeros(100)), 15)
for dtype in (np.float64, np.float32):
    timed = start_training(65, 100, np.random.default_rng(0), dtype=dtype)
    rate = steps_per_second(partial(train_step, timed, piece), 40)
    name = np.dtype(dtype).name
    print(f"one-hot loop {loop:,.0f} steps a second, yours in {name} {rate:,.0f}: {rate / loop:.1f} times as many")

# %% [markdown]
# Now train. The quick profile takes 8,000 steps, a few seconds with everything indexed and batched; the full one
# 660,000 steps of Shakespeare, about two minutes. On the way it prints what the network writes, and it keeps a copy of
# the parameters whenever the bits per character on the held-out text are the lowest so far: `best_params`. There is
# nothing to write. If the loss stays near its start, a part above is not right although its check passed on small
# arrays; if it is `nan`, look at clipping and at the 1e-8 of AdaGrad.
#
# The full run is the historical one: a rate of 0.1 and a memory that starts at zero. In its first step the root is
# about the gradient's own size, so most weights move by the whole rate, however small their gradient. On the synthetic
# language that left, with twelve seeds, between a half and nearly all of the states beyond 0.99 in size after ten
# steps, where the slope of tanh is almost 0; after 5,000 steps these runs needed between 1.3 and 2.0 bits per
# character. The quick run starts the memory at 1 and takes a rate of 0.05: no state is that large after ten steps, and
# the same seeds ended between 1.04 and 1.08.


# %% id="train_rnn"
def train_network(steps, every, seconds, learning_rate, memory, dtype=np.float64):
    """Train from scratch for at most `steps` steps and `seconds` of CPU; returns the best parameters and a history."""
    run = start_training(len(alphabet), 100, np.random.default_rng(1), dtype=dtype)
    run["memory"] += memory
    history, best_bits, best_params = [], math.inf, None
    started = time.process_time()
    for step in range(1, steps + 1):
        train_step(run, train_tokens, learning_rate=learning_rate)
        late = time.process_time() - started > seconds
        if step % every == 0 or step == 200 or late:
            bits = bits_per_character(run["params"], valid_tokens)
            history.append((step, run["smoothed"] / 25 / math.log(2), bits))
            if bits < best_bits:
                best_bits, best_params = bits, {name: array.copy() for name, array in run["params"].items()}
            ids = sample(run["params"], np.zeros_like(run["h"]), place["\n"], 70, np.random.default_rng(step), 0.7)
            line = "".join(alphabet[k] for k in ids)
            print(f"{step:7,} smoothed {run['smoothed']:6.2f}  held-out {bits:.3f} bits  {line!r}")
        if late:
            print(f"stopped after {seconds} s: a step should take less than a thousandth of a second")
            break
    rate = step / (time.process_time() - started)
    print(f"best {best_bits:.3f} bits per character on held-out text; {rate:,.0f} steps a second, measuring included")
    return best_params, history


if course.grading:
    best_params, history = train_network(5_000, 1_000, 15, 0.05, 1.0)
elif course.profile == "full":
    best_params, history = train_network(660_000, 10_000, 3600, 0.1, 0.0, np.float32)
else:
    best_params, history = train_network(8_000, 1_000, 120, 0.05, 1.0)

# %% [markdown]
# How good is that? The thin lines are models that count: the uniform one, single characters, pairs and triples. For the
# synthetic language the lowest line is what the grammar itself needs: nobody can do better. The smoothed loss is in
# bits per character too, so that both curves share one axis; at first it lags behind, because it remembers a thousand
# steps.
#
# Below the figure the best network writes at three temperatures, side by side, all from an empty line. Which of the
# sentences does the grammar allow? In the middle column, look at the quotation marks, and at verbs that stand far from
# their subject: they show how far back the network remembers.

# %%
spelled = {split: [" ".join(line.replace(" ", "_")) for line in getattr(corpus, split)] for split in ("train", "valid")}
levels = {name: math.log2(value) for name, value in baselines.baselines(spelled["train"], spelled["valid"]).items()}
if corpus.name == "toy":
    levels["grammar"] = toy.exact_nll(corpus.valid) / math.log(2) / len(valid_tokens)
at, smoothed, held_out = np.array(history).T
plots.curves(
    {"smoothed loss": (at, smoothed), "held-out text": (at, held_out)},
    x_label="training steps",
    y_label="bits per character",
    levels=levels,
)

columns = {}
for temperature in (0.3, 0.8, 1.5):
    ids = sample(best_params, np.zeros_like(best_params["b"]), place["\n"], 400, np.random.default_rng(11), temperature)
    columns[f"temperature {temperature}"] = "".join(alphabet[k] for k in ids)
char_rnn_plots.print_columns(columns)

# %% id="check_best_params" tags=["question"] points=2
"""The best parameters: five arrays of the right shapes, and as good on held-out text as such a run becomes."""
classes = len(alphabet)
hidden_size = len(best_params["b"])
shapes = {
    "U": (classes, hidden_size),
    "W": (hidden_size, hidden_size),
    "V": (hidden_size, classes),
    "b": (hidden_size,),
    "c": (classes,),
}
checks.equal("the shapes of best_params", {name: array.shape for name, array in best_params.items()}, shapes)
bits = bits_per_character(best_params, valid_tokens)
bar = 2.9 if corpus.name == "shakespeare" else 1.12
checks.true(bits < bar, f"best_params need {bits:.3f} bits per character on held-out text, {bar} is the bar")
checks.passed("best_params", f"{bits:.3f} bits per character on held-out text, the bar is {bar}")

# %% [markdown] id="why_held_out" tags=["written"] points=1
# **Written question 3 (1 point, about 3 minutes).** `best_params` were chosen by the bits per character on held-out
# text, and not by the smallest smoothed loss. Give two reasons.
#
# ### BEGIN SOLUTION
# The smoothed loss is measured on the text that the network is being trained on, so it also rewards learning that text
# by heart; held-out text shows what carries over. And it is an average over about the last thousand steps, some 25,000
# characters, so it swings with how easy that stretch happens to be and belongs to a thousand different sets of
# parameters, the oldest of which are long gone; held-out bits measure one set of parameters on the same text each time.
#
# 1 point for both: it is training text, and it is a noisy (or lagging) average over many parameters and changing text.
# Half a point for one.
# ### END SOLUTION

# %% [markdown]
# ## A long run
#
# With hidden size 100, 25 steps and learning rate 0.1, such a program once took 660,000 steps to reach a smoothed loss
# of 38.22, that is $38.22 / (25 \ln 2) = 2.21$ bits per character. The figure is from a student's report on an
# assignment of KTH Stockholm. With `COURSE_PROFILE=full` this notebook does as many steps on Shakespeare's plays. The
# course's own run of that took two minutes on one core:
#
# | 660,000 steps | smoothed loss, lowest | in bits | validation text | test text |
# | --- | --- | --- | --- | --- |
# | that report, on a text of its own | 38.22 | 2.21 | | |
# | the solution, on Shakespeare's plays | 42.03 | 2.43 | 2.68 | 2.82 |
#
# On the validation text counting pairs needs 3.54 bits and counting triples 2.86. These columns are not comparable:
# another text has another entropy, a smoothed loss is training text at its easiest stretch, and the validation text was
# used to choose the parameters. Only the test text was not used for any choice. Along the way the curve swings by 0.2
# bits within one pass through the plays, which is why a single smoothed loss says little.
#
# ## References
#
# - J. L. Elman (1990). Finding structure in time. *Cognitive Science* 14, 179-211.
# - P. J. Werbos (1990). Backpropagation through time: what it does and how to do it. *Proceedings of the IEEE* 78(10).
# - Y. Bengio, P. Simard and P. Frasconi (1994). Learning long-term dependencies with gradient descent is difficult.
#   *IEEE Transactions on Neural Networks* 5(2).
# - J. Duchi, E. Hazan and Y. Singer (2011). Adaptive subgradient methods for online learning and stochastic
#   optimization. *Journal of Machine Learning Research* 12.
# - I. Sutskever, J. Martens and G. Hinton (2011). Generating text with recurrent neural networks. *ICML*.
# - A. Karpathy (2015). The unreasonable effectiveness of recurrent neural networks (with a minimal character RNN in
#   numpy, whose sizes and learning rate are used here).
