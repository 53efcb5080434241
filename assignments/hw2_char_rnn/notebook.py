# %% [markdown]
# # A character RNN from nothing
#
# A recurrent network that writes text one character at a time (Sutskever, Martens and Hinton 2011; Karpathy 2015) fits
# on a page. It has a table, two matrices and two biases. You write all of it in numpy, the gradients included, and
# train it. You begin with softmax regression, which predicts the next character without a memory. On the way you build
# two instruments, a numerical gradient and a relative error. They tell you whether a gradient is right before you
# spend hours on training.
#
# **After this notebook you can**
#
# - compute softmax and cross-entropy without overflow, and say why that needs care;
# - derive the gradient of softmax regression and check it by central differences;
# - run a recurrent network forwards over a text and backwards through time;
# - train it with AdaGrad and clipped gradients, and say what clipping does and does not cure;
# - sample text at a temperature, and say what the temperature does;
# - measure a language model in bits per character on text that it has not seen, and see where it is uncertain.
#
# **You need** numpy and the chain rule. Plan about 180 minutes, 5 of them for this page and the section on the long
# run; the appendix is not counted. There are 29 points: 25 for the graded cells and 4 for three short written answers.
#
# **Libraries.** You write everything yourself in numpy, and torch is here only to check your gradients. A function of
# yours that calls torch, scipy or scikit-learn, or that hides what it calls (`exec`, `eval` and the like), earns no
# points.
#
# Rows are examples throughout: `x` is (rows, features), a weight is (inputs, outputs), a product is `x @ W + b`.

# %% tags=["provided"]
import itertools
import math
import time
from functools import partial

import numpy as np
import torch

from utils import baselines, char_rnn_plots, checks, corpora, plots, toy
from utils.gradients import agree, pairs
from utils.knobs import knob


def random_parameters(classes, hidden_size, rng, scale=0.01, dtype=np.float64):
    """The five arrays of the network: normal weights times `scale`, zero biases."""
    shapes = {"U": (classes, hidden_size), "W": (hidden_size, hidden_size), "V": (hidden_size, classes)}
    params = {name: (scale * rng.standard_normal(shape)).astype(dtype) for name, shape in shapes.items()}
    return params | {"b": np.zeros(hidden_size, dtype), "c": np.zeros(classes, dtype)}


def three_units():
    """A fixed network of three units and four classes, whose W is far from symmetric; for the checks."""
    return {
        "U": np.array([[0.5, -1.0, 0.2], [-0.8, 0.3, 1.0], [0.1, 0.9, -0.6], [0.7, -0.2, 0.4]]),
        "W": np.array([[0.0, 1.2, 0.0], [0.0, 0.0, -0.9], [0.6, 0.0, 0.3]]),
        "V": np.array([[1.0, -0.5, 0.0, 0.4], [-0.3, 0.8, 0.6, -1.1], [0.2, -0.7, 1.3, 0.5]]),
        "b": np.array([0.1, -0.2, 0.05]),
        "c": np.array([0.0, 0.2, -0.1, 0.3]),
    }


def torch_gradients(params, tokens, h0):
    """The gradients of the network's loss by torch's autograd, only to check yours."""
    leaves = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    h, total = torch.tensor(h0), 0.0
    for token, target in itertools.pairwise(tokens):
        h = torch.tanh(leaves["U"][token] + h @ leaves["W"] + leaves["b"])
        total = total - torch.log_softmax(h @ leaves["V"] + leaves["c"], 0)[target]
    total.backward()
    return {name: leaf.grad.numpy() for name, leaf in leaves.items()}


# %% [markdown]
# **The text.** In the quick profile the text is a small synthetic English with 32 different characters. Its grammar is
# known, so we also know how well a perfect model would predict it. In the full profile the text is Shakespeare, with 65
# different characters. We turn a text into an array of whole numbers: each character becomes its place in the sorted
# alphabet.

# %%
corpus = corpora.load("shakespeare" if course.profile == "full" else "toy")
alphabet = sorted(set(corpus.text("train")))
place = {character: k for k, character in enumerate(alphabet)}
train_tokens = np.array([place[character] for character in corpus.text("train")])
valid_tokens = np.array([place[character] for character in corpus.text("valid")])
print(
    f"{corpus.name}: {len(train_tokens):,} characters to train, {len(valid_tokens):,} held out, "
    f"{len(alphabet)} different characters"
)
print(corpus.text("train")[:300])

# %% [markdown]
# ## 1. Softmax (2 points, about 7 minutes)
#
# A model gives each class a *score*, which may be any number. Softmax turns a row of scores $z$ into probabilities:
#
# $$\operatorname{softmax}(z)_k = \frac{e^{z_k}}{\sum_j e^{z_j}}$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $z$ | `z` | (..., classes): the classes are the last axis, with any number of axes before it |
# | $\operatorname{softmax}(z)$ | result | as `z` |
#
# Computed exactly as written, this formula breaks, because $e^{710}$ is more than a float64 can hold. But you may add
# the same number $a$ to all scores of a row: $e^{z_k + a} = e^a e^{z_k}$, and the factor $e^a$ cancels. Choose the $a$
# that makes the largest exponent of each row 0. Then nothing can overflow.
#
# Expect $\operatorname{softmax}(0, \ln 2, \ln 3) = (1/6, 2/6, 3/6)$, also when 1000 is added to all three scores.
#
# <details><summary>Hint</summary>
#
# Subtract from each row its own largest score. `z.max(axis=-1, keepdims=True)` keeps the last axis with length 1, so
# that it can be subtracted from `z`. One maximum of the whole array is not enough: the exponentials of a row that lies
# far below it are all 0, and 0 / 0 is nan.
# </details>


# %% id="softmax" tags=["solution"]
def softmax(z):
    """Probabilities over the last axis: z (..., classes) -> the same shape, no entry negative, each row with the sum 1.

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
before = z.copy()
probabilities = softmax(z)
checks.unchanged("z", z, before)
checks.close(
    "softmax of two rows",
    probabilities,
    expected,
    slips={"when the sum runs over the first axis, not over the classes": np.exp(z) / np.exp(z).sum(axis=0)},
)
checks.close("softmax of scores near 2000", softmax(z + 2000), expected)
checks.close("softmax of scores near -2000", softmax(z - 2000), expected)
far = np.array([[1500.0, 1500.0], [-1500.0, -1500.0]])
checks.close("softmax of one row near 1500 and one near -1500", softmax(far), np.full((2, 2), 0.5))
checks.close("softmax of (1, 2, 3) scores", softmax(z[None]), expected[None])
checks.passed("softmax", "known probabilities, also for scores of a few thousand")

# %% [markdown]
# ## 2. Cross-entropy (2 points, about 10 minutes)
#
# How wrong is a row of scores when the correct class is $y$? The *cross-entropy* is the negative logarithm of the
# probability that the model gives to the correct class. Here we average it over the rows:
#
# $$L = -\frac{1}{R} \sum_{i=1}^{R} \ln \operatorname{softmax}(o_i)_{y_i}$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $o$ | `scores` | (rows, classes), before the softmax |
# | $y$ | `targets` | (rows,), whole numbers from 0 |
# | $L$ | result | a number, in nats (natural logarithm) |
#
# A stable softmax is not enough for a stable loss. When the correct class is 1000 below the best, its probability is
# $e^{-1000}$. That is 0 in a float64, and $\ln 0$ is minus infinity, although the loss is simply 1000. Take the
# logarithm on paper before you compute anything:
#
# $$-\ln \operatorname{softmax}(o)_y = \ln \sum_j e^{o_j - m} - (o_y - m), \qquad m = \max_j o_j$$
#
# Expect $\ln 4 = 1.386$ for four equal scores. This is the loss of a model that knows nothing.
#
# The cell after yours draws the loss for two classes. The horizontal axis is the score of the correct class minus the
# other score. On the left, where the model is confidently wrong, your loss is a straight line. The logarithm of a
# softmax becomes infinite there. Its curve stops near -708, where the probability is rounded to 0.
#
# <details><summary>Hint</summary>
#
# `scores[np.arange(rows), targets]` picks one score from each row. Subtract each row's maximum first, and use the
# shifted scores in both places of the formula.
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
    x_label="score of the correct class minus the other's",
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
# ## 3. Softmax regression (2 points, about 14 minutes)
#
# Softmax regression computes scores from features by one matrix, $o = x W + b$, turns them into probabilities $p$ by
# softmax, and has the cross-entropy $L$ as its loss. It is the smallest classifier with a gradient worth deriving. For
# one row, $L = \ln \sum_j e^{o_j} - o_y$, so
#
# $$\frac{\partial L}{\partial o_k} = \frac{e^{o_k}}{\sum_j e^{o_j}} - [k = y] = p_k - [k = y]$$
#
# where $[k = y]$ is 1 for the correct class and 0 for the others. The gradient is what the model said minus what it
# should have said. For all $R$ rows at once, let $P$ hold the probabilities and $Y$ the correct answers: row $i$ of $Y$
# is *one-hot*, that is, 1 at place $y_i$ and 0 elsewhere. A score $o_{ik} = \sum_f x_{if} W_{fk} + b_k$ changes with
# $W_{fk}$ at the rate $x_{if}$ and with $b_k$ at the rate 1, and the mean gives each row the weight $1/R$:
#
# $$\frac{\partial L}{\partial W} = \frac{1}{R} x^\top (P - Y) \qquad
#   \frac{\partial L}{\partial b} = \frac{1}{R} \sum_{i=1}^{R} (P_i - Y_i)$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $x$ | `x` | (rows, features) |
# | $y$ | `targets` | (rows,), whole numbers from 0 |
# | $P$, $Y$ | nothing given | (rows, classes) |
# | $W$, $\partial L / \partial W$ | `W`, `dW` | (features, classes) |
# | $b$, $\partial L / \partial b$ | `b`, `db` | (classes,) |
#
# Expect the loss $\ln(\text{classes})$ when all weights are zero.
#
# The cell after yours trains a very small language model. It reads one character, as a row with a single 1, and
# predicts the next one. It has no memory, so the best it can do is to learn how often each character follows each other
# one. The loss should fall from $\ln 32 = 3.47$ nats to about 1.9 (in the full profile from $\ln 65 = 4.17$ to about
# 2.4). The picture shows 12 rows and the same 12 columns of the learned table, beside the counted frequencies, which
# are the best possible table for this text. (With one-hot inputs the bias $b$ is redundant, because adding it to every
# row of $W$ gives the same scores.)
#
# <details><summary>Hint</summary>
#
# Take the probabilities and subtract 1 at `[np.arange(rows), targets]`. This is $P - Y$, and you need not build $Y$.
# Divide by the number of rows once, before the products.
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
one_hot, following = np.eye(len(alphabet))[train_tokens[:rows]], train_tokens[1 : rows + 1]
table = {"W": np.zeros((len(alphabet), len(alphabet))), "b": np.zeros(len(alphabet))}
for step in range(21 if course.grading else 201):
    loss, dW, db = softmax_regression_gradient(table["W"], table["b"], one_hot, following)
    table["W"] -= 20 * dW
    table["b"] -= 2 * db
    if step % 50 == 0:
        print(f"step {step:3d}: loss {loss:.3f} nats, {loss / math.log(2):.3f} bits per character")
counts = np.zeros((len(alphabet), len(alphabet)))
np.add.at(counts, (train_tokens[:rows], following), 1)
counted = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
followers = table["W"] + table["b"]  # a row of scores for each character
few = "\n aehjnqstux"
char_rnn_plots.draw_tables({"softmax regression": softmax(followers), "counted": counted}, alphabet, few)
for rare in "jq":
    print(f"after {rare}, which occurs {counts[place[rare]].sum():.0f} times in {rows:,}, the next is u:", end=" ")
    print(f"learned {softmax(followers)[place[rare], place['u']]:.2f}, counted {counted[place[rare], place['u']]:.2f}")

# %% [markdown]
# Compare the two tables row by row. The rows of frequent characters agree. In the quick profile *j* occurs only twice
# among these 5,000 characters. It is always followed by *u*, yet its learned row is nearly blank, and the row of *q* is
# still paler than it should be. The gradient is a mean over all 5,000 rows, so two of them contribute almost nothing.
# We come back to these rows in question 7.

# %% id="check_softmax_regression_gradient" tags=["question"] points=2
"""Zero weights, where all can be worked out by hand, and other weights by central differences."""
x, targets = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([0, 2])
loss, dW, db = softmax_regression_gradient(np.zeros((2, 3)), np.zeros(3), x, targets)
checks.close("the loss with zero weights", loss, math.log(3), slips={"summed over the rows": 2 * math.log(3)})
by_hand = np.array([[1.0, 4.0, -5.0], [-5.0, 1.0, 4.0]]) / 6
slips = {
    "with Y - P in place of P - Y": -by_hand,
    "summed over the rows, where the mean is asked": 2 * by_hand,
}
checks.close("dW with zero weights", dW, by_hand, slips=slips, shape="(features, classes)")
checks.close("db with zero weights", db, np.array([-1.0, 2.0, -1.0]) / 6, shape="(classes,)")
rng = np.random.default_rng(5)
W, b, x, targets = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(6, 4)), rng.integers(0, 3, 6)
_, dW, db = softmax_regression_gradient(W, b, x, targets)
compared = pairs(
    lambda: softmax_regression_gradient(W, b, x, targets)[0], {"W": W, "b": b}, {"W": dW, "b": db}, rng, entries=12
)
checks.passed(
    "softmax_regression_gradient", f"by hand and by differences, largest relative error {agree(compared):.1e}"
)

# %% [markdown]
# ## 4. Instruments: the numerical gradient and the relative error (3 points, about 19 minutes)
#
# A network whose gradient has a small mistake often still trains, only worse. So we check each gradient in another,
# independent way: move one entry of $x$ by $h$ to either side and see how much $f$ changes,
#
# $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2 h}$$
#
# These are *central* differences. Their error falls with $h^2$; the error of $(f(x + h e_i) - f(x)) / h$ falls only
# with $h$.
#
# | symbol | in code | what it is |
# | --- | --- | --- |
# | $f$ | `f` | a function that takes `x` and returns a number |
# | $x$ | `x` | an array of any shape |
# | $h$ | `h` | a small number, such as 1e-5 |
#
# The `f` you pass may ignore its argument and read the array `x` from outside, as the loss of a network reads its
# weights. So **perturb the array `x` itself**, in place, and not a copy, even when `x` is a transposed or sliced view.
# Afterwards every entry must be restored **bit for bit**. Note that `(x + h) - h` is not exactly `x` in floating point,
# so keep the old value.
#
# Then compare the two gradients. A difference of 1e-6 is small next to 1 and huge next to 1e-6, so measure it relative
# to the numbers themselves:
#
# $$\operatorname{relative\_error}(a, b) = \max_i \frac{|a_i - b_i|}{\max(10^{-8}, |a_i| + |b_i|)}$$
#
# Here $a$ and $b$ are two arrays of one shape, or two plain numbers, and the result is one number. It is 0 for equal
# values, zeros included, and 1 for values of opposite sign unless both are tiny. In float64 and with $h = 10^{-5}$
# expect less than 1e-6 for a correct gradient, usually about 1e-9. In a network of tanh and softmax an error above 1e-4
# means that the gradient is wrong, with one exception: where the entry itself is nearly zero, as behind a saturated
# tanh, rounding alone gives such an error.
#
# Which $h$ is best? The cell after yours draws the error of both kinds of difference for $f(x) = \sum_i \sin x_i$,
# whose gradient is $\cos x$. If $h$ is too large, the curvature of $f$ spoils the result. If $h$ is too small, two
# nearly equal numbers are subtracted, and rounding spoils it. Central differences do best near $h = $ 1e-5, with an
# error of about 1e-11; forward differences never get below about 1e-8.
#
# <details><summary>Hint</summary>
#
# `np.ndindex(*x.shape)` goes through the indices of any shape, and `x[index]` reaches the array itself whatever its
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
gradient = numerical_gradient(lambda x: (x**3).sum(), x, 0.1)
checks.close(
    "numerical_gradient of the sum of cubes",
    gradient,
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
# ## 5. The network forwards (3 points, about 17 minutes)
#
# Softmax regression has no memory. A recurrent network (Elman 1990) keeps a *state* $h$, a vector that it computes anew
# at each step from the character it reads and from the state before. (From here on $h$ is the state, no longer the
# small number of question 4.)
#
# $$h_t = \tanh(U_{x_t} + h_{t-1} W + b) \qquad o_t = h_t V + c \qquad
#   L = -\sum_{t=1}^{T} \ln \operatorname{softmax}(o_t)_{y_t}$$
#
# All vectors here are rows. A character is a one-hot row, and such a row times $U$ is one row of $U$, written
# $U_{x_t}$. So **index, do not multiply**. The target of each step is the next character. Here the loss is the *sum*
# over the steps, as in Karpathy's program (2015), and the gradients of question 6 are those of the sum.
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
# A step has one look-up, $U_{x_t}$, and two products, $h_{t-1} W$ and $h_t V$. Only $h_{t-1} W$ needs a loop, because
# it has to wait for the step before. You can fetch the rows $U_{x_t} + b$ for all steps at once, and all scores $o_t$
# are one matrix product after the loop. The third result, `cache`, holds whatever your backward pass will need. No
# other function looks inside.
#
# The states and the results have the dtype of `params`. The checks use float64, but the full run and the appendix use
# float32. An array that `np.zeros` or `np.empty` makes without a `dtype` is float64, and so is all that is computed
# from it, which makes these runs slow.
#
# The cell after yours draws the network unrolled over four steps; the same five arrays are used at each of them. Then
# it runs an untrained network over 25 steps of the text. With small weights the network knows nothing yet, so its loss
# must be close to 25 times $\ln(\text{classes})$.
#
# <details><summary>Hint</summary>
#
# Make an array `states` with steps + 1 rows and `dtype=params["U"].dtype`, put `h0` into the first row, and fill the
# others in a loop. Then `states[1:] @ V + c` gives all scores. `cross_entropy` returns a mean, so multiply it by the
# number of steps.
# </details>


# %% id="rnn_forward" tags=["solution"]
def rnn_forward(params, tokens, h0):
    """Run the network over a stream of tokens.

    params: dict of U (classes, hidden), W (hidden, hidden), V (hidden, classes), b (hidden,), c (classes,).
    tokens: steps + 1 whole numbers, a list or an array: inputs are all but the last, targets all but the first.
    h0: (hidden,), the state before the first step.
    Returns (loss, h_last, cache): the loss summed over the steps, in nats; the last state (hidden,); and what
    `rnn_backward` will need.
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
untrained = random_parameters(len(alphabet), 100, np.random.default_rng(0))
loss, _, _ = rnn_forward(untrained, train_tokens[:26], np.zeros(100))
print(
    f"loss of an untrained network over 25 steps {loss:.3f}; 25 ln {len(alphabet)} = {25 * math.log(len(alphabet)):.3f}"
)

# %% id="check_rnn_forward" tags=["question"] points=3
"""A network small enough for a pocket calculator, three units, zero weights, and a stream cut in two."""
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
    "when b is forgotten": np.array([0.075375507351]),
}, shape="(hidden,)")  # fmt: skip
checks.close("the loss of the small network", loss, 3.5128538195, relative=1e-6, slips={
    "as a mean over the steps, where the sum is asked": 3.5128538195 / 3,
    "when each step's target is its own input": 2.5895133148,
    "when the scores are made from the state before the step": 2.8774415709,
    "without the output bias c": 3.7627515178,
})  # fmt: skip
three, tokens, h0 = three_units(), np.array([2, 0, 3, 1, 1, 0]), np.array([0.6, -0.3, 0.2])
loss, h_last, _ = rnn_forward(three, tokens, h0)
wrong_side = np.array([-0.868068031717, -0.568964006203, 0.657451243852])
checks.close("h_last of three units", h_last, np.array([-0.206007251652, -0.214104252523, 0.661307723789]), slips={
    "when the state is multiplied by W from the wrong side": wrong_side,
    "when h0 is not used": np.array([-0.177490616728, -0.185029307537, 0.644672387354]),
    "when b is forgotten": np.array([-0.325094572728, -0.162056266138, 0.601635051423]),
}, shape="(hidden,)")  # fmt: skip
checks.close("the loss of three units", loss, 8.18026443457)
zero = {name: np.zeros_like(array) for name, array in three.items()}
loss, h_last, _ = rnn_forward(zero, [0, 1, 2, 3, 2, 1, 0, 1], np.ones(3))
checks.close("the loss with zero weights over 7 steps", loss, 7 * math.log(4))
checks.close("h_last with zero weights", h_last, np.zeros(3))
whole, end, _ = rnn_forward(three, tokens, h0)
first, middle, _ = rnn_forward(three, tokens[:3], h0)
second, last, _ = rnn_forward(three, tokens[2:], middle)
checks.close("the losses of two halves, with the state carried over,", first + second, whole)
checks.close("h_last of two halves, with the state carried over,", last, end)
checks.unchanged("h0", h0, np.array([0.6, -0.3, 0.2]))
checks.passed("rnn_forward", "the small network, three units, zero weights, and two halves that make a whole")

# %% [markdown]
# ## 6. Backwards through time (5 points, about 30 minutes)
#
# Write $\bar u$ for $\partial L / \partial u$, $p_t$ for $\operatorname{softmax}(o_t)$ and $\mathbf{1}_{y_t}$ for the
# one-hot row of the target: 1 at place $y_t$, 0 elsewhere. As in question 5, $h_t$, $o_t$ and all other vectors are
# rows. From question 3 you know $\bar o_t = p_t - \mathbf{1}_{y_t}$ for each step (without the factor $1/R$, because
# the loss is a sum). Now consider the state $h_t$ and count the places where it is used. It
# is used in the scores $o_t = h_t V + c$ **and** in the next state, inside $a_{t+1} = U_{x_{t+1}} + h_t W + b$. A value
# that is used twice receives the sum of two gradients:
#
# $$\bar h_t = \bar o_t V^\top + \bar a_{t+1} W^\top$$
#
# After the last step there is no next state, so $\bar a_{T+1} = 0$. The gradient then passes through $h_t =
# \tanh(a_t)$, whose derivative is $1 - \tanh^2$,
#
# $$\bar a_t = \bar h_t \odot (1 - h_t \odot h_t)$$
#
# and so on down to the first step. This is *back-propagation through time* (Werbos 1990). Each array is used at every
# step, so its gradient is a sum over the steps:
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
# Again only the recursion needs a loop. With the states as rows of an array, $\sum_t h_{t-1}^\top \bar a_t$ is one
# matrix product. Three things go wrong easily. $W$ is square, so a forgotten transpose raises no error. A character
# may come several times, and with a repeated index `dU[inputs] += da` keeps only one of the rows. And `cache` must
# stay as it is: calling `rnn_backward` twice with one cache gives the same gradients twice.
#
# Expect relative errors below 1e-6 against differences and 1e-12 or less against torch. Do not clip anything here.
#
# <details><summary>Hint</summary>
#
# Compute $\bar o$ for all steps, then `da = do @ V.T` for all steps. Go backwards through the rows of `da` and turn
# each into $\bar a_t$: add `W @ later` (for a vector this equals `later @ W.T`), multiply by the slope, and remember
# the row as `later`. Then compute the five sums. For $\bar U$, `np.add.at(dU, inputs, da)` adds all rows, repeated
# ones too.
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
# The dashed arrows show how the gradient flows back. At each state but the last, two of them meet. A backward pass that
# forgets the one from the right still trains, only worse, because no state learns to keep what a later step will need.
# With six seeds, 5,000 training steps of the run of question 10 then ended at 1.23 to 1.27 bits per character; with all
# of the gradient they ended at 1.05 to 1.08.
#
# Below the drawing your instruments print one line for each array. They compare every entry with your own
# `numerical_gradient`, give the place of the worst one, and give the error against torch.

# %%
char_rnn_plots.draw_unrolled("hello", backwards=True)


def report_gradients(params, tokens, h0):
    """Print the largest relative error of each gradient, by differences and by torch, and where it is."""
    gradients = rnn_backward(params, rnn_forward(params, tokens, h0)[2])
    by_torch = torch_gradients(params, tokens, h0)
    for name, array in params.items():
        numeric = numerical_gradient(lambda _: rnn_forward(params, tokens, h0)[0], array, 1e-5)
        worst = np.unravel_index(checks.relative_errors(gradients[name], numeric).argmax(), array.shape)
        where = ", ".join(str(int(k)) for k in worst)
        error = relative_error(gradients[name], by_torch[name])
        print(f"d{name}: differences {relative_error(gradients[name], numeric):.1e} at [{where}], torch {error:.1e}")


rng = np.random.default_rng(4)
tiny = random_parameters(7, 5, rng, scale=0.5)
report_gradients(tiny, [3, 1, 4, 1, 5, 0, 2, 6, 5, 3, 5], 0.5 * rng.standard_normal(5))

# %% id="check_rnn_backward" tags=["question"] points=5
"""All five gradients by torch and by differences: one step, a repeated character, a long stream, large gradients."""


def loss_of(params, tokens, h0):
    return rnn_forward(params, tokens, h0)[0]


three, tokens, h0 = three_units(), [2, 0, 3, 1, 1, 0], np.array([0.6, -0.3, 0.2])
gradients, by_torch = rnn_backward(three, rnn_forward(three, tokens, h0)[2]), torch_gradients(three, tokens, h0)
checks.equal("the keys of the gradients", sorted(gradients), sorted(three))
through_w, by_next_alone, slope_before, no_slope = (
    np.array([0.553383325847, 0.243078548585, 1.01618305139]),
    np.array([-1.09597923697, -1.45730310309, 1.46452093398]),
    np.array([-1.551439334826, -0.899786574625, 1.484859732999]),
    np.array([-4.173505728083, -2.846841884388, 0.413498941246]),
)
checks.close("db of three units", gradients["b"], by_torch["b"], slips={
    "when the gradient goes back through W, not its transpose": through_w,
    "when no gradient comes back from the next step": np.array([-0.391436170533, -0.65009724281, 0.981897247273]),
    "when the gradient comes back from the next step alone, not from those after it": by_next_alone,
    "with the slope of the state before, 1 - h_{t-1}^2, where 1 - h_t^2 is asked": slope_before,
    "when what goes back to the step before has not been multiplied by the slope": no_slope,
})  # fmt: skip
after_the_step = np.array([
    [-0.753996221797, -0.419032213229, 0.064027263619],
    [0.428338061007, -0.283145869727, -0.493917327847],
    [1.058727267007, -1.146583877223, 1.150840412243],
])  # fmt: skip
for name in three:
    slips = {"with the states after each step, where W multiplies those before it": after_the_step}
    checks.close(
        f"d{name} of three units, compared with torch's",
        gradients[name],
        by_torch[name],
        relative=1e-9,
        slips=slips if name == "W" else None,
    )
rng = np.random.default_rng(6)
largest = 0.0
for steps, classes, hidden_size in ((1, 3, 2), (6, 4, 5), (30, 3, 4)):
    small_params = random_parameters(classes, hidden_size, rng, scale=0.5)
    small_params |= {"b": 0.2 * rng.standard_normal(hidden_size), "c": 0.2 * rng.standard_normal(classes)}
    tokens, h0 = rng.integers(0, classes, steps + 1), 0.5 * rng.standard_normal(hidden_size)
    before = {name: array.copy() for name, array in small_params.items()}
    _, _, cache = rnn_forward(small_params, tokens, h0)
    gradients = rnn_backward(small_params, cache)
    compared = pairs(partial(loss_of, small_params, tokens, h0), small_params, gradients, rng, entries=20)
    largest = max(largest, agree(compared))
    checks.close("rnn_backward called twice with one cache", rnn_backward(small_params, cache), gradients)
    checks.unchanged("params", small_params, before)
small_params = {"U": np.zeros((2, 1)), "W": np.zeros((1, 1)), "V": np.zeros((1, 2)), "b": np.ones(1), "c": np.zeros(2)}
gradients = rnn_backward(small_params, rnn_forward(small_params, [0] * 101, np.zeros(1))[2])
checks.close("dc of a hundred steps that all go the same way", gradients["c"], np.array([-50.0, 50.0]), slips={
    "as a mean over the steps, where the sum is asked": np.array([-0.5, 0.5]),
    "when it is clipped already": np.array([-5.0, 5.0]),
})  # fmt: skip
checks.passed("rnn_backward", f"five gradients agree with torch, by differences largest relative error {largest:.1e}")

# %% [markdown]
# **How far does a change reach?** A change of the start state is passed on from step to step. So is a gradient, in the
# other direction. To follow one gradient alone, let only the loss of the last step count. Then the term $\bar o_{t-1}
# V^\top$ of all earlier steps is absent, and a step back is $\bar h_{t-1} = (\bar h_t \odot (1 - h_t^2)) \, W^\top$. A
# gradient that dies out on the way is said to *vanish*, one that grows without bound to *explode* (Bengio, Simard and
# Frasconi 1994).
#
# The left panel moves $h_0$ by $10^{-6}$ and shows the size of the change after $t$ steps. The right panel shows the
# size of the gradient $t$ steps before the last one. Both sizes are divided by the size at the start. The matrices $W$
# multiply the length of every vector by a factor of 0.7, 1.0 or 1.3. Three networks have no inputs; in the fourth, with
# the factor 1.3, inputs drive the states towards $\pm 1$.


# %%
def last_loss_gradients(params, tokens, h0):
    """The size of the gradient of the last loss alone with respect to each state, from the last one to h0."""
    states = [h0]
    for two in itertools.pairwise(tokens):
        states.append(rnn_forward(params, two, states[-1])[1])
    error = softmax(states[-1] @ params["V"] + params["c"])
    error[tokens[-1]] -= 1
    gradient = params["V"] @ error
    sizes = [np.linalg.norm(gradient)]
    for h in states[:0:-1]:
        gradient = params["W"] @ (gradient * (1 - h * h))
        sizes.append(np.linalg.norm(gradient))
    return np.array(sizes)


rng = np.random.default_rng(2)
turn, _ = np.linalg.qr(rng.standard_normal((50, 50)))
nudge = 1e-6 * turn[0]
silent = random_parameters(20, 50, rng, scale=0.0) | {"V": rng.standard_normal((50, 20))}
loud = silent | {"U": rng.standard_normal((20, 50))}
tokens = rng.integers(0, 20, 42)
ahead, back = {}, {}
for name, weights, factor in (
    ("factor 0.7", silent, 0.7),
    ("factor 1.0", silent, 1.0),
    ("factor 1.3", silent, 1.3),
    ("factor 1.3, with inputs", loud, 1.3),
):
    weights = weights | {"W": factor * turn}
    moved, ahead[name] = (nudge, 0 * nudge), [1.0]
    for two in itertools.pairwise(tokens):
        moved = [rnn_forward(weights, two, h)[1] for h in moved]
        ahead[name].append(np.linalg.norm(moved[0] - moved[1]) / 1e-6)
    sizes = last_loss_gradients(weights, tokens, 0 * nudge)
    back[name] = sizes / sizes[0]
char_rnn_plots.draw_reach(ahead, back)

# %% [markdown] id="why_gradients_vanish" tags=["written"] points=2
# **Written question 1 (2 points, about 10 minutes).** In the right panel the gradient without inputs dies out, stays or
# grows on its way back, depending on the factor. With inputs it shrinks although the factor is 1.3. Explain these two
# observations from $\bar h_{t-1} = (\bar h_t \odot (1 - h_t^2)) \, W^\top$. The next question introduces *clipping*:
# moving every entry of a gradient into $[-B, B]$. Which of the two problems, vanishing or exploding, does it help
# against, and why not against the other?
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
# Rubric:
#
# - 1: the repeated product of $W^\top$ and the slopes, with the slopes at most 1, near 0 for saturated units
# - 1: clipping helps against exploding alone, since it can bound a size but not bring back what is lost
# ### END SOLUTION


# %% [markdown]
# ## 7. One step of training (2 points, about 17 minutes)
#
# **Clipping.** After an unlucky stretch of text a gradient can be many times its usual size. The simplest protection
# moves every entry outside of $[-B, B]$ to the nearer end, each entry by itself. (Another way scales all entries so
# that their common *norm* is at most $B$. It comes in a later notebook.)
#
# **AdaGrad** (Duchi, Hazan and Singer 2011) gives every weight a learning rate of its own. It remembers the sum $m$ of
# all squared gradients so far and divides by its root. Weights that saw large gradients take smaller steps; weights
# that saw small ones, such as the row of a rare character, take larger steps than plain descent would.
#
# $$m \leftarrow m + g^2 \qquad \theta \leftarrow \theta - \eta \frac{g}{\sqrt{m + 10^{-8}}}$$
#
# | symbol | in code | what it is |
# | --- | --- | --- |
# | $B$ | `bound` | a positive number |
# | $g$, $m$, $\theta$ | `gradients`, `memory`, `params` | dicts of arrays by the same names |
# | $\eta$ | `learning_rate` | a number |
#
# Both functions work **in place**: the arrays themselves change, and the dicts keep holding the same arrays.
# `clip_by_value` returns the dict that it was given; `adagrad_step` leaves the gradients alone. Note that the step uses
# the new $m$. From a memory of 0, the very first step of a weight therefore has about the size $\eta$, unless $g$ is
# so small that the $10^{-8}$ counts.
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
})  # fmt: skip
checks.close("the array (-30, 5) clipped at 5", two, np.array([[-5.0, 5.0]]), slips={
    "when only the upper end is clipped": np.array([[-30.0, 5.0]]),
})  # fmt: skip
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
# **What does AdaGrad do?** In question 3, plain descent left the row of *j* nearly blank. The next cell learns the same
# table from the same text with your `adagrad_step`, for the same number of steps, and draws it beside the other two.
# Could plain descent simply take larger steps? The last line of the output multiplies its rates by ten.


# %%
def bigram_bits(W, b):
    """Bits per character under the softmax regression, on the text that it learned from."""
    return cross_entropy(one_hot @ W + b, following) / math.log(2)


adaptive, hasty = ({name: np.zeros_like(array) for name, array in table.items()} for _ in range(2))
memory = {name: np.zeros_like(array) for name, array in table.items()}
for _ in range(21 if course.grading else 201):
    _, dW, db = softmax_regression_gradient(adaptive["W"], adaptive["b"], one_hot, following)
    adagrad_step(adaptive, {"W": dW, "b": db}, memory, 0.5)
    _, dW, db = softmax_regression_gradient(hasty["W"], hasty["b"], one_hot, following)
    hasty["W"] -= 200 * dW
    hasty["b"] -= 20 * db
by_adagrad = adaptive["W"] + adaptive["b"]
char_rnn_plots.draw_tables(
    {"plain descent": softmax(followers), "AdaGrad": softmax(by_adagrad), "counted": counted}, alphabet, few
)
for name, learned, bits in (
    ("plain descent", softmax(followers), bigram_bits(table["W"], table["b"])),
    ("AdaGrad", softmax(by_adagrad), bigram_bits(adaptive["W"], adaptive["b"])),
    ("counted", counted, -np.log2(counted[train_tokens[:rows], following]).mean()),
    ("plain descent, rates times ten", softmax(hasty["W"] + hasty["b"]), bigram_bits(hasty["W"], hasty["b"])),
):
    u_after_j = learned[place["j"], place["u"]]
    print(f"{name + ':':32}{bits:.3f} bits per character, probability of u after j {u_after_j:.2f}")

# %% [markdown]
# In the quick profile plain descent needs 2.737 bits, AdaGrad 2.699, and the counted table, which is optimal on this
# text, 2.692. AdaGrad fills the row of *j* because it divides by the gradients that this row has seen, and these were
# small. With rates ten times as large plain descent reaches *j* as well, but its steps are then too large for the rows
# of frequent characters, and it needs more bits than before. No single rate suits both kinds of row.
#
# **What does clipping do?** The next cell looks for an explosion and finds one. The settings are chosen to provoke one:
# 50 units, weights of 0.1 in place of 0.01, chunks of 100 characters, and plain descent with a rate of 0.02. The figure
# shows the norm of the whole gradient, before clipping, in two runs that differ in `clip_by_value` alone. Then the cell
# prints the bits per character over the last 50 training steps of more such runs.


# %%
def descend(bound, rate, seed, steps=60 if course.grading else 300, chunk=100):
    """Plain descent on the network; returns the norm of the gradient and the bits per character, step by step."""
    params, h = random_parameters(len(alphabet), 50, np.random.default_rng(seed), scale=0.1), np.zeros(50)
    norms, bits = [], []
    for start in range(0, steps * chunk, chunk):
        loss, h, cache = rnn_forward(params, train_tokens[start : start + chunk + 1], h)
        gradients = rnn_backward(params, cache)
        norms.append(math.sqrt(sum((gradient**2).sum() for gradient in gradients.values())))
        bits.append(loss / chunk / math.log(2))
        for name, gradient in clip_by_value(gradients, bound).items():
            params[name] -= rate * gradient
    return np.array(norms), np.array(bits)


plots.curves(
    {"no clipping": descend(math.inf, 0.02, 0)[0], "every entry clipped at 1": descend(1.0, 0.02, 0)[0]},
    x_label="training steps",
    y_label="norm of the whole gradient",
    log=True,
)
for bound, rate in ((math.inf, 0.02), (5.0, 0.02), (1.0, 0.02), (math.inf, 0.005)):
    ends = [descend(bound, rate, seed)[1][-50:].mean() for seed in range(1 if course.grading else 4)]
    name = "no clipping" if bound == math.inf else f"clipped at {bound:g}"
    print(f"{name:12} rate {rate:5}: bits per character " + ", ".join(f"{end:.2f}" for end in ends))

# %% [markdown]
# In the quick profile, without clipping, the norm grows from about 40 to more than 1,000, and the network ends far
# worse than one that knows nothing, which needs 5 bits. (These runs are chaotic: rounding alone changes their numbers,
# so yours will differ.) With every entry clipped at 1, the eight seeds that we tried ended at 1.81 to 1.88 bits.
#
# Clipping is no cure for everything. A bound of 5 is too wide here: with it these runs end far worse. A rate of 0.005
# avoids the explosion without any clipping, but learns more slowly (2.28 to 2.33 bits). The training of question 10 has
# shorter chunks, and AdaGrad divides by the size of the gradients anyway. We keep clipping there as a protection.

# %% [markdown]
# ## 8. Writing text (3 points, about 12 minutes)
#
# A language model writes text by answering the same question again and again: feed it a character, get the
# probabilities of the next one, draw one, feed that one. The scores are divided by a *temperature* $\tau$ before the
# softmax:
#
# $$h_t = \tanh(U_{x_t} + h_{t-1} W + b) \qquad x_{t+1} \sim \operatorname{softmax}\left(\frac{h_t V + c}{\tau}\right)$$
#
# | symbol | in code | what it is |
# | --- | --- | --- |
# | $x_1$ | `first` | the input of the first step, not among the results |
# | $h_0$ | `h0` | (hidden,), the state before it |
# | $x_2, x_3, \dots$ | result | `length` ids, a list or an array of whole numbers |
# | $\tau$ | `temperature` | a positive number; raise a `ValueError` otherwise |
# | | `rng` | a `numpy.random.Generator`, which your draws advance |
#
# Draw from the probabilities; do not take the most probable character. Divide the scores, not the probabilities.
# (Raising the probabilities to the power $1/\tau$ and normalising is the same function on paper, but for a small $\tau$
# all of these powers are 0 in a float64. Your stable softmax has no such trouble.)
#
# The first cell after yours shows what the temperature does to one row of scores, that of the letter *t* in the softmax
# regression of question 3. The bits in each title are the entropy of the distribution. Where a slider appears under
# the three pictures, move it. The second cell lets an untrained network write 60 characters.
#
# <details><summary>Hint</summary>
#
# `rng.choice(classes, p=probabilities)` draws one id. One step needs one row of `U`, one product with `W` and one with
# `V`. There is no target, hence no loss.
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
ten = np.argsort(-after_t)[:10]


def draw_temperature(axes, temperature):
    """Bars of the ten most probable characters after t; the title gives the entropy of all of them."""
    p = softmax(after_t / temperature)
    axes.bar(range(10), p[ten], color="0.6", edgecolor="0.2")
    axes.set_xticks(range(10), [char_rnn_plots.visible(alphabet[k]) for k in ten])
    axes.set(ylim=(0, 1), xlabel="next character after t", ylabel="probability")
    axes.set_title(f"temperature {temperature:g}: {-(p * np.log2(p + 1e-300)).sum():.2f} bits", fontsize=10)


stops = {f"{temperature:g}": temperature for temperature in (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)}
knob(draw_temperature, "temperature", stops, ["0.5", "1", "2"])

# %%
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
by_state["c"] = np.array([0.0, 0.0, 0.0, 0.0, 20.0])
ids = [int(k) for k in sample(by_state, np.eye(5)[1], 0, 6, np.random.default_rng(0), 1.0)]
checks.equal("sample from a network whose state counts round, from a 1,", ids, [2, 3, 4, 0, 1, 2], slips={
    "when the state is multiplied by W from the wrong side": [0, 4, 3, 2, 1, 0],
    "when each step starts again from h0": [2] * 6,
    "when h0 is not used": [4] * 6,
})  # fmt: skip
die = {name: np.zeros_like(array) for name, array in counting.items()} | {"c": np.log([0.4, 0.3, 0.15, 0.1, 0.05])}
for temperature in (1.0, 0.5, 4.0):
    p = np.exp(die["c"] / temperature)
    drawn = sample(die, np.zeros(5), 0, 3000, np.random.default_rng(7), temperature)
    shares = np.bincount(np.asarray(drawn, dtype=int), minlength=5) / 3000
    off = np.abs(shares - p / p.sum()).max()
    slips = {
        "the most probable token is taken each time, where it should be drawn": np.eye(5)[0],
        "the temperature changes nothing: divide the scores, not the probabilities": np.exp(die["c"]),
        "the scores are multiplied by the temperature, where they should be divided": softmax(die["c"] * temperature),
    }
    fits = [why for why, q in slips.items() if np.abs(shares - q).max() < 0.03]
    slip = f"; the shares are those that come out when {fits[0]}" if fits else ""
    checks.true(off < 0.06, f"sample at temperature {temperature}: a share is wrong by {off:.2f}{slip}")
cold = [int(k) for k in sample(die, np.zeros(5), 0, 5, np.random.default_rng(7), 1e-3)]
checks.equal("sample at temperature 0.001, where one token has all the probability,", cold, [0] * 5)
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
# **Written question 2 (1 point, about 4 minutes).** What does the model write as the temperature goes to 0, and what
# does it write as the temperature grows without bound? Say it in terms of the scores $o_k / \tau$.
#
# ### BEGIN SOLUTION
# The ratio of two probabilities is exp((o_j - o_k) / τ). As τ goes to 0 the differences of o / τ grow without bound and
# all the probability goes to the largest score: the model always writes its most probable character and soon repeats
# itself. As τ grows all o / τ approach 0 and with them each other: every character becomes equally probable, noise.
#
# Rubric:
#
# - 1: both ends with the reason: at 0 the largest score alone, at infinity all alike, because the differences of the
#   scores are divided by the temperature
# ### END SOLUTION

# %% [markdown]
# ## 9. Bits per character (1 point, about 8 minutes)
#
# How good is a model of text? Let it read text that it has not seen, as **one stream**. The state starts from zero and
# is carried from the first character to the last. Count how many bits the model needs per predicted character:
#
# $$\text{bits per character} = \frac{1}{(N - 1) \ln 2} \; L, \qquad L = -\sum_{t=1}^{N-1} \ln p(x_{t+1} \mid x_1,
# \dots, x_t)$$
#
# | symbol | in code | what it is |
# | --- | --- | --- |
# | $x_1 \dots x_N$ | `tokens` | the text, a list or an array of $N \geq 2$ ids; each but the first is predicted |
# | $L$ | sum of losses | in nats; $\ln 2$ turns nats into bits |
#
# A text of a million characters has a million states, too many to keep at once. You may read the text in chunks if the
# state goes from chunk to chunk and every character but the first is predicted exactly once. Expect
# $\log_2(\text{classes})$ for a network with zero weights, and almost the same for an untrained one.
#
# <details><summary>Hint</summary>
#
# `rnn_forward` already returns the sum over the steps and the last state. A chunk `tokens[i : i + 1001]` predicts 1000
# tokens; the next chunk starts with the last token of this one.
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
"""Zero weights, two tokens, and a stream of 5600 tokens in a network that remembers."""
shapes = {"U": (5, 3), "W": (3, 3), "V": (3, 5), "b": (3,), "c": (5,)}
waves = {n: np.cos(np.arange(math.prod(s)) + k).reshape(s) for k, (n, s) in enumerate(shapes.items())}
zero = {name: np.zeros_like(array) for name, array in waves.items()}
waves["W"] *= 5
stream = np.arange(5600) ** 2 % 7 % 5
checks.close("bits_per_character with zero weights", bits_per_character(zero, stream), math.log2(5), slips={
    "in nats, where bits are asked": math.log(5),
    "when the sum is divided by the number of tokens, where the first is not predicted": math.log2(5) * 5599 / 5600,
    "when chunks of 1,000 do not overlap, so that their first tokens are not predicted": math.log2(5) * 5594 / 5599,
})  # fmt: skip
bits = bits_per_character(waves, stream)
checks.close("bits_per_character of 5600 tokens", bits, 2.846429296903, relative=1e-9, slips={
    "when the state starts from zero in every chunk of 1,000": 2.856426808494,
    "when the state starts from zero in every chunk of 5,000": 2.848334856435,
    "when chunks of 1,000 do not overlap, so that their first tokens are not predicted": 3.164295324410,
    "as the mean of the means of chunks of 1,000, in which the short last chunk counts as much": 2.845915328203,
})  # fmt: skip
checks.close("bits_per_character of two tokens", bits_per_character(waves, [1, 4]), 6.640991270347, relative=1e-9)
checks.passed("bits_per_character", "one stream, the state carried, every token but the first")

# %% [markdown]
# ## 10. Training (2 points, about 22 minutes)
#
# You have all the parts. One training step reads the next 25 characters and starts from the state in which the last
# training step ended. So the forward pass goes on through the text, and only the gradient stops after 25 characters. At
# the end of the text, and every 100 training steps, the state starts again from zero; the appendix says what can happen
# without that.
#
# We monitor training with the *smoothed loss* of Karpathy's program, $s \leftarrow 0.999 \, s + 0.001 \, L$, which
# starts at $25 \ln(\text{classes})$. There is nothing to write in this question. Run the cells and look at the results.


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


# %% [markdown]
# Now train. The quick profile takes 8,000 training steps, which are a few seconds; the full one takes 660,000 on
# Shakespeare, about two minutes. On the way the cell prints what the network writes. It keeps a copy of the parameters
# whenever the bits per character on the held-out text are the lowest so far: `best_params`. Expect 0.95 to 0.97 bits
# at the end of the quick run. If the loss stays near its start, a function above is wrong although its check passed on
# small arrays. If the loss is `nan`, look at clipping and at the 1e-8 of AdaGrad.


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
            print(f"stopped after {seconds} s: a training step should take less than a thousandth of a second")
            break
    rate = step / (time.process_time() - started)
    print(f"best {best_bits:.3f} bits per character on held-out text; {rate:,.0f} steps a second, measuring included")
    return best_params, history


if course.grading:
    best_params, history = train_network(5_000, 1_000, 60, 0.05, 1.0)
elif course.profile == "full":
    best_params, history = train_network(660_000, 10_000, 3600, 0.1, 0.0, np.float32)
else:
    best_params, history = train_network(8_000, 1_000, 120, 0.05, 1.0)

# %% [markdown]
# How good is that? The thin lines are baselines: the uniform distribution, and models that count single characters
# (unigram), pairs (bigram) and triples (trigram). For the synthetic language the lowest line is what the grammar itself
# needs, and no model can do better. We turn the smoothed loss into bits per character, so that both curves share one
# axis.
#
# Below the figure the best network writes at three temperatures, side by side, each time from an empty line. Three of
# the grammar's rules are that a verb agrees with its subject in number (*the dog sleeps*, *two dogs sleep*), that a
# quotation closes with the mark that opened it, and that a question starts with *do* or *does* and ends in a question
# mark. Which sentences break one of them? In the middle column, look at the quotation marks, and at verbs that stand
# far from their subject. They show how far back the network remembers.

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
checks.true(bits < bar, f"best_params need {bits:.3f} bits per character on held-out text, the threshold is {bar}")
checks.passed("best_params", f"{bits:.3f} bits per character on held-out text, the threshold is {bar}")

# %% [markdown] id="why_held_out" tags=["written"] points=1
# **Written question 3 (1 point, about 5 minutes).** `best_params` were chosen by the bits per character on held-out
# text rather than by the smallest smoothed loss. Give two reasons.
#
# ### BEGIN SOLUTION
# The smoothed loss is measured on the text that the network is being trained on, so it also rewards learning that text
# by heart; held-out text shows what carries over. And it is an average over about the last thousand training steps,
# some 25,000 characters, so it swings with how easy that stretch happens to be and belongs to a thousand different sets
# of parameters, the oldest of which are long gone; held-out bits measure one set of parameters on the same text each
# time.
#
# Rubric:
#
# - 0.5: the smoothed loss is measured on training text
# - 0.5: it is a noisy (or lagging) average over many parameters and changing text
# ### END SOLUTION

# %% [markdown]
# **Where is the network uncertain?** A mean over a whole text hides where the bits are spent. The next cell lets the
# best network read the beginning of the held-out text and draws a bar over each character: its height and its shade
# show the number of bits that the character cost. A space is shown as ␣, the end of a line as ↵.


# %%
def read_text(params, tokens):
    """Read a text from a zero state, one step at a time; returns the state after each step and the bits it cost."""
    states, bits = [np.zeros_like(params["b"])], []
    for two in itertools.pairwise(tokens):
        loss, h, _ = rnn_forward(params, two, states[-1])
        states.append(h)
        bits.append(loss / math.log(2))
    return np.array(states[1:]), np.array(bits)


count = 2_000 if course.grading else 20_000
held_text = np.array([alphabet[k] for k in valid_tokens[: count + 1]])
states, costs = read_text(best_params, valid_tokens[: count + 1])
char_rnn_plots.draw_costs(held_text[1:193], costs[:192])

gap = np.isin(held_text, [" ", "\n"])
since_gap = np.zeros(len(held_text), dtype=int)  # how many characters ago the last space or end of a line was
for k in range(1, len(held_text)):
    since_gap[k] = 0 if gap[k] else since_gap[k - 1] + 1
for name, chosen in (
    ("first after a space or line end", since_gap[1:] == 1),
    ("second", since_gap[1:] == 2),
    ("third and later", since_gap[1:] > 2),
    ("spaces and line ends", gap[1:]),
):
    share, cost = chosen.mean(), costs[chosen].sum() / costs.sum()
    print(f"{name:32}{share:4.0%} of the characters, {costs[chosen].mean():.2f} bits each, {cost:4.0%} of all bits")

# %% [markdown]
# Most of the tall bars stand on the first or second character of a word. Once a word is recognised, its last letters
# cost next to nothing. Over three seeds of the training, in the quick profile, the first character of a word, or a sign
# such as a comma, cost 3.00 to 3.03 bits, the second 0.94 to 0.99, all later ones 0.35 to 0.36, and the space or line
# end 0.13 to 0.15. The first characters are 21% of the text and take 65% of the bits. The end of a word is nearly free
# after this short run. The choice of the next word is what remains, and much of that is random in the language itself.
#
# In the last row look at the two marks that close a quotation. In the quick run they cost 5.0 and 4.0 bits. On the
# whole held-out text a closing mark cost 4.4 to 4.6 bits on average (three seeds), an opening one 1.0 to 1.1. Does the
# network know that a quotation is open?
#
# **Is there a unit for quotation marks?** Karpathy, Johnson and Fei-Fei (2015) examined the hidden units of LSTMs
# trained on *War and Peace* and on the source of Linux. One of the units they found is on inside a quotation and off
# outside. Does one of our 100 units do that? The next cell correlates each unit with two properties of the text:
# whether the character just read lies inside a quotation, and how many letters of the current word have been read. It
# chooses the best unit for each on the first half of a held-out text and measures its correlation on the second half,
# which was not used for the choice. (Shakespeare's text has no double quotation marks. There the first property is the
# place in the line.)


# %%
def text_properties(text):
    """For each character: whether it is inside a quotation, letters of its word so far, its place in the line.

    A quotation is what stands between double marks; one that a line leaves open ends with the line.
    """
    quoted, letters, in_line = np.zeros((3, len(text)))
    marks = ""  # those that are open, the outermost first
    for k, character in enumerate(text):
        if character == "\n":
            marks = ""
        elif character in "\"'":
            marks = marks[:-1] if marks.endswith(character) else marks + character
        quoted[k] = '"' in marks
        letters[k] = letters[k - 1] + 1 if character.isalpha() else 0
        in_line[k] = in_line[k - 1] + 1 if character != "\n" else 0
    return quoted, letters, in_line


read, half = held_text[:-1], count // 2  # states[k] has seen the characters up to and including read[k]
quoted, letters, in_line = text_properties(read)
first_name, first = ("inside a quotation", quoted) if '"' in alphabet else ("place in the line", in_line)
chosen_units = {}
for name, values in ((first_name, first), ("letters of the word", letters)):
    each = [np.corrcoef(states[:half, unit], values[:half])[0, 1] for unit in range(states.shape[1])]
    unit = int(np.nanargmax(np.abs(each)))
    other_half = np.corrcoef(states[half:, unit], values[half:])[0, 1]
    print(f"{name}: unit {unit}, correlation {each[unit]:.2f} where it was chosen, {other_half:.2f} on the other half;")
    fit = np.linalg.lstsq(states[:half] - states[:half].mean(axis=0), values[:half] - values[:half].mean(), rcond=None)
    together = np.corrcoef(states[half:] @ fit[0], values[half:])[0, 1]
    print(f"    all units together, fitted by least squares on the first half, {together:.2f} on the other half")
    chosen_units[f"unit {unit}, best for: {name} (correlation {other_half:.2f})"] = unit
begin = half + max(0, int(np.argmax(quoted[half:])) - 22)  # shortly before the first quotation of the other half
shown = slice(begin, begin + 72)
strips = {title: states[shown, unit] for title, unit in chosen_units.items()}
char_rnn_plots.draw_units(read[shown], strips, quoted[shown] * ('"' in alphabet) > 0)

# %% [markdown]
# The hatched stretch lies inside a quotation. The lower unit follows the letters of each word. In the quick profile,
# with three seeds of the training, its correlation on the other half was -0.75, -0.70 and -0.62. For the quotation
# there is no such unit: the best one reaches 0.02 to 0.03, which is nothing. A linear combination of all 100 units
# reaches 0.09 to 0.11 for the quotation, but 0.95 to 0.96 for the letters of the word. This network hardly knows
# whether a quotation is open. The high cost of closing marks and the samples confirm this.
#
# Why not? The next cell goes back to the question of how far a gradient reaches, now in the trained network.

# %%
sizes_back = [
    last_loss_gradients(best_params, valid_tokens[start : start + 26], np.zeros_like(best_params["b"]))
    for start in range(0, 1000 if course.grading else 5000, 50)
]
for back_by in (5, 10, 20):
    left_over = np.median([one[back_by] / one[0] for one in sizes_back])
    print(f"{back_by:2} steps back, {left_over:.1%} of the gradient of one loss is left (median)")

# %% [markdown]
# In the quick profile, with three seeds, 26% to 27% of the gradient of one loss was left after 5 steps, 5% to 7% after
# 10 and 0.2% to 0.3% after 20. A quotation in double marks has 44 characters (median over the held-out text, marks
# included), and 77% of them are longer than 25. So there are two causes. The gradient of a closing mark has nearly
# vanished before it reaches the opening mark, and training cuts it off after 25 characters in any case. The LSTM of the
# next notebook is built to reduce the first.
#
# ## A long run
#
# A student's report on an assignment of KTH Stockholm describes a run with hidden size 100, 25 characters per training
# step and learning rate 0.1, whose smoothed loss reached 38.22 in 660,000 steps: $38.22 / (25 \ln 2) = 2.21$ bits per
# character, on a text of its own. With `COURSE_PROFILE=full` this notebook takes as many steps on Shakespeare's plays,
# a text with another entropy. At its lowest, its smoothed loss was 42.03 (2.43 bits) on one machine and 43.48 (2.51
# bits) on another. On the validation text, the best parameters of these two runs needed 2.68 and 2.72 bits (float32
# rounding makes runs differ), where counting pairs needs 3.54 bits and counting triples 2.86. The validation text was
# used to choose the parameters. On the test text, which was used for no choice, the first run needed 2.82 bits.
#
# ## Appendix: what indexing and batching buy
#
# You do not need this section for any question.
#
# **Speed.** Karpathy's program multiplies a one-hot vector by $U$ and does every product of a step inside the loop. The
# next cell times such a loop against your functions, each with clipping and AdaGrad. (The loop's way back does products
# of the right sizes, but not the right sums; only their cost counts here.) Your functions run first in float64 and then
# in float32, which halves the memory that each step has to move. On one quiet core we measured 1,100 steps a second for
# the loop, 4,100 for the solution in float64 and 5,900 in float32, which is 5.4 times as many as for the loop. At equal
# precision the factor is 3.7 in float64 and 4.2 in float32 (where the loop makes 1,400). It is not larger, because
# $h_{t-1} W$ needs the state of the step before and its way back the gradient of the step after, so that both stay in a
# loop, and clipping and AdaGrad cost both the same.
#
# **Views.** In `start_training` all five arrays are views into one long array. Clipping and AdaGrad treat every entry
# alike, so on the long array they are a few long operations and not five times as many short ones.


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
# **Two choices of the run.** The state starts again from zero every 100 steps. Otherwise it can drift into a region
# that training reaches from its own past, but that a fresh start from zero never reaches. We trained for 8,000 steps
# at a learning rate of 0.1, with a memory that starts at 1, without these restarts. With two of eight seeds the
# smoothed loss fell to 1.1 and 1.5 bits per character, and yet the network needed 10.2 and 8.2 bits on held-out text,
# which it reads from a zero state. That is more than the 5 bits of a network that has learned nothing. At the rate of
# 0.05 none of the eight seeds did that.
#
# The full run has Karpathy's rate of 0.1 and a memory that starts at zero. The first step of AdaGrad then has about the
# size of the rate for every weight whose gradient is well above 1e-4, be it large or small. On the synthetic language,
# with twelve seeds, after ten such steps, between 48% and 98% of the states were beyond 0.99 in size, where the slope
# of tanh is almost 0. After 5,000 training steps these runs needed between 1.24 and 1.97 bits per character. The quick
# run starts the memory at 1 and has a rate of 0.05. With the same twelve seeds no state was that large after ten steps,
# and the runs ended between 1.05 and 1.08.
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
# - A. Karpathy, J. Johnson and L. Fei-Fei (2015). Visualizing and understanding recurrent networks. arXiv:1506.02078.
