# %% [markdown]
# # Dropout and batch normalisation
#
# A network with more weights than examples can learn its training set by heart, wrong labels included. This notebook
# shows it doing so, and builds two layers: dropout, which discourages this memorising and which you will meet again in
# the language models of later assignments, and batch normalisation, which lets a network train at learning rates that
# otherwise break it. You write both in numpy, forward and back, put them into a network of your own, and train it on
# handwritten digits. What the gradients are is yours to find: a layer or a network that calls torch, scipy or
# scikit-learn, or takes differences of the loss, earns nothing.

# %% [markdown]
# ## What you will be able to do
#
# - cut a training set into mini-batches, and say what their size trades
# - write dropout, for single values and for whole channels, right in training and in evaluation
# - write batch normalisation with its running estimates, and derive its gradient through mean and variance
# - fold a batch normalisation into the layer before it
# - count what a model learns, and only that
# - assemble layers into a network whose gradient you can trust, see it overfit, and mend it
#
# You need numpy, matrix products and the chain rule; the little torch that we use is explained where it appears. It
# takes about two hours: 95 minutes of code and 20 of writing. Everything runs on a CPU; training takes seconds.
#
# Rows are examples throughout: `x` is `(batch, features)`, a vector is `(features,)`. All arrays are float64. Functions
# leave their arguments as they were unless 'in place' is said, and random functions draw from the
# `numpy.random.Generator` that is passed to them, never from numpy's global one.
#
# ### The data
#
# scikit-learn comes with 1797 handwritten digits of 8 by 8 pixels (Alpaydin and Kaynak, 1998). We keep only 300 of them
# for training and **give every fifth of those a wrong label**. Real collections have such errors, and they make
# learning by heart visible: a model that reproduces all 300 labels has memorised 60 wrong ones. The other 1497 images,
# with their true labels, are the test set. Pixels are scaled from 0..16 to 0..1.


# %% tags=["provided"]
import itertools
from functools import partial

import numpy as np
import torch
from torch import nn

from utils.losses import loss_and_gradient


def digit_images():
    """The experiment's data: (images, labels) for training and for testing.

    images: (rows, 64), from 0 to 1; labels: (rows,), 0 to 9. Every fifth of the 300 training labels is wrong.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    rng = np.random.default_rng(0)
    order = rng.permutation(len(digits.data))
    images, labels = digits.data[order] / 16, digits.target[order].astype(np.int64)
    given = labels[:300].copy()
    given[::5] = (given[::5] + rng.integers(1, 10, 60)) % 10
    return (images[:300], given), (images[300:], labels[300:])


# %%
import matplotlib.pyplot as plt

from utils import checks, gradients, plots, regularisation_plots

(train_images, train_labels), (test_images, test_labels) = digit_images()
print(f"training {train_images.shape}, test {test_images.shape}")
regularisation_plots.image_row(
    train_images[:10].reshape(-1, 8, 8),
    [f"label {label}" for label in train_labels[:10]],
    "labels 1 and 6 are wrong",
)

# %% [markdown]
# ## 1. Mini-batches (1 point, about 5 minutes)
#
# Gradient descent follows the gradient of the mean loss over all $N$ training rows. A **mini-batch** of $B$ rows gives
# an estimate of it at $B / N$ of the cost. For rows drawn at random the error of the estimate shrinks like
# $1 / \sqrt{B}$ only, so ten small steps usually pay better than one exact step. One pass over all rows is an *epoch*.
#
# | argument | meaning |
# | --- | --- |
# | `rows` | $N$, how many rows there are |
# | `batch_size` | $B$; the last batch holds what is left and may be smaller |
# | `rng` | generator that shuffles the rows |
#
# Ten rows in batches of four come as three batches of 4, 4 and 2 row numbers, each of 0 to 9 in exactly one of them.
#
# <details><summary>Hint</summary>
#
# `rng.permutation(rows)` shuffles. A slice that runs past the end of an array simply stops there.
#
# </details>


# %% id="minibatches" tags=["solution"]
def minibatches(rows, batch_size, rng):
    """The numbers 0 to rows - 1, shuffled by rng and cut into batches: a list of whole-number arrays.

    Every batch has batch_size entries but the last, which holds what is left. No rows give an empty list.
    Raises ValueError when batch_size is under 1.
    """
    ### BEGIN SOLUTION
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    order = rng.permutation(rows)
    return [order[start : start + batch_size] for start in range(0, rows, batch_size)]
    ### END SOLUTION


# %% [markdown]
# How far is the mean image of a mini-batch from the mean image of all 300? The line to compare with falls as
# $1/\sqrt{B}$; yours drops below it as $B$ grows towards 300, because rows within an epoch are drawn without
# repetition.

# %%
sizes = [1, 3, 10, 30, 100]
mean_image = train_images.mean(axis=0)
distances = []
for size in sizes:
    errors = [
        np.sum((train_images[rows].mean(axis=0) - mean_image) ** 2)
        for rows in minibatches(300, size, np.random.default_rng(0))
    ]
    distances.append(np.sqrt(np.mean(errors)))
series = {
    "measured": (sizes, distances),
    "falling as 1/sqrt(B)": (sizes, [distances[0] / np.sqrt(size) for size in sizes]),
}
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
plots.curves(series, x_label="rows in a mini-batch, B", y_label="distance to the full mean", log=True, axes=axes)
axes.set_xscale("log")
plt.show()

# %% id="check_minibatches" tags=["question"] points=1
"""Every row is in exactly one batch, the sizes are right, the order is drawn from rng."""
batches = minibatches(10, 4, np.random.default_rng(3))
checks.equal("sizes of minibatches(10, 4, rng)", [len(batch) for batch in batches], [4, 4, 2])
checks.equal("all rows of minibatches(10, 4, rng), sorted", sorted(int(i) for b in batches for i in b), list(range(10)))
orders = [[int(i) for b in minibatches(30, 7, np.random.default_rng(seed)) for i in b] for seed in (1, 1, 2)]
checks.true(orders[0] == orders[1], "minibatches: the same state of rng should give the same batches")
checks.true(orders[0] != orders[2], "minibatches: another seed should give another order; are the rows shuffled?")
neighbours = int((np.diff(orders[0]) == 1).sum())
checks.true(
    neighbours < 15, f"minibatches: {neighbours} of 29 rows are followed by the next one; are the rows shuffled?"
)
checks.equal("minibatches(0, 4, rng)", len(minibatches(0, 4, np.random.default_rng(0))), 0)
for size in (0, -2):
    refused = partial(minibatches, 5, size, np.random.default_rng(0))
    checks.raises(f"minibatches with batch_size {size}", ValueError, refused)
checks.passed("minibatches", "batches of 4, 4 and 2 out of ten rows")

# %% [markdown] id="what_is_a_minibatch" tags=["written"] points=1
# **What is a mini-batch?** In two or three sentences: what it is, and one thing that gets better and one that gets
# worse when it is made larger.
#
# ### BEGIN SOLUTION
# A mini-batch is a small random part of the training rows whose mean gradient stands in for the gradient over all
# rows in one step. A larger one gives a less noisy gradient (its error falls like $1/\sqrt{B}$) and uses the hardware
# better; but each step costs more, so that there are fewer steps for the same work, and there is less of the noise that
# helps against overfitting.
#
# *Rubric: 1 point for a random part of the rows whose gradient estimates the full one, with one gain and one loss of
# a larger size; half a point when gain or loss is missing.*
# ### END SOLUTION

# %% [markdown]
# ## 2. Dropout (3 points, about 10 minutes)
#
# While training, each value is set to zero with probability $p$, independently of all others. What stays is divided
# by $1 - p$ (*inverted* dropout), so that the expected value does not change and nothing has to be done in evaluation:
#
# $$ y_i = \frac{m_i}{1 - p}\, x_i, \qquad
# m_i = \begin{cases} 0 & \text{with probability } p \\ 1 & \text{with probability } 1 - p \end{cases}, \qquad
# \mathrm{E}[y_i] = \frac{(1 - p) \cdot 1 + p \cdot 0}{1 - p}\, x_i = x_i . $$
#
# | symbol | in code | meaning |
# | --- | --- | --- |
# | $x, y$ | `x`, the result | arrays of one and the same shape, any shape |
# | $p$ | `p` | the probability of **dropping**, as in torch (some papers write $p$ for keeping) |
# | | `training` | False: $y = x$ |
#
# Both ends are allowed: $p = 0$ changes nothing, $p = 1$ gives zeros (and no nan: mind the division). With $p = 0.4$
# and $x = 1$ expect zeros and 1.6667, and a mean near 1.
#
# <details><summary>Hint</summary>
#
# `rng.random(x.shape)` lies in $[0, 1)$, so `rng.random(x.shape) >= p` is true with probability $1 - p$, and never for
# $p = 1$. Comparisons with nan are false: `not 0 <= p <= 1` is true for it, `p < 0 or p > 1` is not.
#
# </details>


# %% id="dropout" tags=["solution"]
def dropout(x, p, training, rng):
    """Inverted dropout of a float64 array of any shape; the result has the shape of x.

    p: probability of dropping a value. training: False leaves x as it is. rng: generator that draws the mask.
    Raises ValueError, in both modes, when p is not between 0 and 1 (nan is not).
    """
    ### BEGIN SOLUTION
    if not 0 <= p <= 1:  # so written, a nan is refused too
        raise ValueError(f"p must lie between 0 and 1, got {p}")
    if not training:
        return x
    kept = rng.random(x.shape) >= p
    y = np.zeros_like(x)
    y[kept] = x[kept] / (1 - p)  # at p = 1 nothing is kept, so nothing is divided by zero
    return y
    ### END SOLUTION


# %% [markdown]
# A digit, three draws of dropout of it, and the mean of 1000 draws, which is the digit again:

# %%
rng = np.random.default_rng(0)
digit = test_images[0].reshape(8, 8)
draws = [dropout(digit, 0.5, True, rng) for _ in range(1000)]
regularisation_plots.image_row(
    [digit, *draws[:3], np.mean(draws, axis=0)], ["x", "p = 0.5", "again", "again", "mean of 1000"], ""
)

# %% id="check_dropout" tags=["question"] points=3
"""Scaling, share of zeros, evaluation, both ends of p, and what is refused."""
x = np.random.default_rng(1).uniform(1, 2, (50, 80))
y = dropout(x, 0.4, True, np.random.default_rng(2))
checks.close("shape of dropout(x, 0.4, True, rng)", list(np.shape(y)), [50, 80])
checks.true(np.any(y == 0), "dropout(x, 0.4, True, rng): no value was dropped")
kept_values = y != 0
slips = {
    "without the division by 1 - p": x[kept_values],
    "with p as divisor: p is the probability of dropping": x[kept_values] / 0.4,
}
checks.close("the values kept by dropout(x, 0.4, True, rng)", y[kept_values], x[kept_values] / 0.6, slips=slips)
share = 1 - kept_values.mean()
checks.true(
    0.35 < share < 0.45, f"dropout: with p = 0.4, {share:.3f} of the values were dropped; about 0.4 was expected"
)
same_rng = np.random.default_rng(2)
masks = [dropout(x, 0.4, True, same_rng) == 0 for _ in range(2)]
checks.true(np.any(masks[0] != masks[1]), "dropout dropped the same values twice: draw from rng, which moves on")
checks.close("dropout(x, 0.4, False, rng)", dropout(x, 0.4, False, np.random.default_rng(2)), x)
checks.close("dropout(x, 0, True, rng)", dropout(x, 0, True, np.random.default_rng(2)), x)
checks.close("dropout(x, 1, True, rng)", dropout(x, 1, True, np.random.default_rng(2)), np.zeros_like(x))
for p in (-0.1, 1.5, float("nan")):
    for training in (True, False):
        checks.raises(
            f"dropout with p = {p} and training = {training}",
            ValueError,
            lambda p=p, training=training: dropout(x, p, training, np.random.default_rng(0)),
        )
checks.passed("dropout", f"{share:.1%} dropped at p = 0.4, the rest divided by 0.6")

# %% [markdown]
# ## 3. Dropping whole channels (2 points, about 5 minutes)
#
# A convolutional layer looks for several patterns in an image and makes one new image for each, which shows where the
# pattern was found: such an image is a *channel*. Neighbouring pixels of a channel carry nearly the same information,
# so a dropped pixel is easily guessed from its neighbours and little is gained. Tompson et al. (2015) drop whole
# **channels**: one draw for each channel of each example, used at all its pixels.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $x, y$ | `x`, the result | (batch, channels, height, width) |
# | $m$ | one draw per | (batch, channels) |
#
# The rules for `p`, `training` and the division by $1 - p$ are those of `dropout`, so you can let it do the work.
#
# <details><summary>Hint</summary>
#
# Dropout of an array of ones gives the factors 0 and $1/(1-p)$. `a[:, :, None, None]` turns `(batch, channels)` into
# `(batch, channels, 1, 1)`, which numpy stretches over height and width.
#
# </details>


# %% id="dropout2d" tags=["solution"]
def dropout2d(x, p, training, rng):
    """Inverted dropout of whole channels: x and the result are (batch, channels, height, width).

    p, training and rng as in `dropout`, and the same ValueErrors.
    """
    ### BEGIN SOLUTION
    factors = dropout(np.ones(x.shape[:2]), p, training, rng)
    return x * factors[:, :, None, None]
    ### END SOLUTION


# %% [markdown]
# Both masks for two examples of three channels, at $p = 0.5$: what stays is filled, what goes is crossed. `dropout`
# draws for each pixel; `dropout2d` should let a channel stay or go as a whole, and choose anew for each example.

# %%
rng, ones = np.random.default_rng(1), np.ones((2, 3, 5, 5))
masks = {name: drop(ones, 0.5, True, rng) for name, drop in (("dropout", dropout), ("dropout2d", dropout2d))}
regularisation_plots.draw_masks(masks)

# %% id="check_dropout2d" tags=["question"] points=2
"""Whole channels go, each example draws its own, the rest is scaled."""
x = np.random.default_rng(1).uniform(1, 2, (30, 20, 3, 5))
y = dropout2d(x, 0.25, True, np.random.default_rng(2))
checks.equal("shape of dropout2d(x, 0.25, True, rng)", list(np.shape(y)), list(x.shape))
dropped = np.mean(y == 0, axis=(2, 3))
checks.true(
    np.all((dropped == 0) | (dropped == 1)),
    "dropout2d: a channel was dropped in part; one draw decides for all its pixels",
)
checks.true(
    0.15 < dropped.mean() < 0.35, f"dropout2d: {dropped.mean():.2f} of the channels went, about 0.25 was expected"
)
checks.true(np.any(dropped != dropped[0]), "dropout2d: every example lost the same channels; each draws its own")
checks.true(np.any(dropped != dropped[:, :1]), "dropout2d: examples went as a whole; each channel draws its own")
checks.close("the channels kept by dropout2d", y[y != 0], x[y != 0] / 0.75)
checks.close("dropout2d(x, 0.25, False, rng)", dropout2d(x, 0.25, False, np.random.default_rng(2)), x)
checks.raises("dropout2d with p = 2", ValueError, lambda: dropout2d(x, 2, True, np.random.default_rng(2)))
checks.passed("dropout2d", f"{dropped.mean():.0%} of 600 channels dropped at p = 0.25")

# %% [markdown] id="what_does_dropout_do" tags=["written"] points=2
# **What does dropout do, and why does it help?** Say what a network can no longer rely on when it trains with dropout,
# and why that improves its answers on new examples. (The abstract of Srivastava et al. 2014, in the references, gives
# two explanations; either will do.) Which module of `torch.nn` is `dropout2d`?
#
# ### BEGIN SOLUTION
# In every training step a random part of the units is missing. A unit cannot rely on particular other units being
# there (co-adaptation), so the network has to spread what it knows over many units that are each useful by
# themselves; the noise also makes it expensive to fit single examples by heart. Another view: every mask is a thinned
# network, all of them share weights, and evaluation, with all units there, is close to the mean answer of this huge
# ensemble, which varies less than one network. `dropout2d` is `torch.nn.Dropout2d` (`torch.nn.Dropout` drops single
# values).
#
# *Rubric: 1 point for the mechanism (no reliance on single units, or an ensemble of thinned networks) tied to new
# examples; 1 point for `torch.nn.Dropout2d`, half of it when only "the one for images" is said.*
# ### END SOLUTION

# %% [markdown]
# ## 4. Batch normalisation, forward (3 points, about 15 minutes)
#
# Batch normalisation (Ioffe and Szegedy, 2015) gives every feature mean 0 and variance 1 over the mini-batch, then lets
# the network choose another scale $\gamma$ and offset $\beta$. For a batch of $n$ rows, feature by feature:
#
# $$ \mu = \frac1n \sum_i x_i, \qquad v = \frac1n \sum_i (x_i - \mu)^2, \qquad
#    \hat x_i = \frac{x_i - \mu}{\sqrt{v + \epsilon}}, \qquad y_i = \gamma\, \hat x_i + \beta . $$
#
# At test time a batch may hold a single row, and the output for one example must not depend on which others share its
# batch. So training keeps running estimates, with *momentum* $a$ as torch means it (the weight of the **new** value),
# and evaluation uses them in place of $\mu$ and $v$:
#
# $$ \mu_{run} \leftarrow (1 - a)\, \mu_{run} + a\, \mu, \qquad
# v_{run} \leftarrow (1 - a)\, v_{run} + a\, \frac{n}{n - 1}\, v . $$
#
# What enters $v_{run}$ is $\frac{n}{n - 1} v$, the unbiased estimate of the variance; the batch itself is normalised by
# the biased $v$.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $x, y$ | `x`, the first result | (batch, features) |
# | $\gamma, \beta$ | `gamma`, `beta` | (features,) |
# | $\mu_{run}, v_{run}$ | `running_mean`, `running_var`, **changed in place** when training | (features,) |
# | $a, \epsilon$ | `momentum`, `eps` | numbers |
#
# The second result, `cache`, is yours: whatever `batch_norm_backward` in the next question needs. With one row the
# variance is 0 and $n / (n - 1)$ divides by zero, so raise a `ValueError`. With $\gamma = 1, \beta = 0$ expect columns
# of mean 0 (to 1e-15) and variance $v / (v + \epsilon)$, a little under 1.
#
# <details><summary>Hint</summary>
#
# `x.var(axis=0)` divides by $n$. `running_mean += ...` changes the caller's array; `running_mean = ...` only gives the
# name to a new one. For the cache, look ahead: the backward formulas need $\hat x$, $1/\sqrt{v + \epsilon}$, $\gamma$
# and the mode.
#
# </details>


# %% id="batch_norm_forward" tags=["solution"]
def batch_norm_forward(x, gamma, beta, running_mean, running_var, momentum, eps, training):
    """Batch normalisation: x (batch, features), the four vectors (features,). Returns (y, cache).

    When training, running_mean and running_var are updated in place; otherwise they normalise and stay.
    Raises ValueError for a training batch of one row.
    """
    ### BEGIN SOLUTION
    if training:
        rows = len(x)
        if rows == 1:
            raise ValueError(f"batch norm needs at least two rows to train on, got {rows}")
        mean, variance = x.mean(axis=0), x.var(axis=0)
        running_mean += momentum * (mean - running_mean)
        running_var += momentum * (variance * rows / (rows - 1) - running_var)
    else:
        mean, variance = running_mean, running_var
    inverse_std = 1 / np.sqrt(variance + eps)
    normalised = (x - mean) * inverse_std
    return gamma * normalised + beta, (normalised, inverse_std, gamma, training)
    ### END SOLUTION


# %% [markdown]
# Three features on very different scales, before and after, and the running mean of the first as batches of 30 go by:

# %%
rng = np.random.default_rng(0)
means, scales = np.array([5.0, -2.0, 0.0]), np.array([3.0, 0.5, 10.0])
running_mean, running_var = np.zeros(3), np.ones(3)
track = []
for _ in range(60):
    features = means + scales * rng.normal(size=(30, 3))
    normalised_features, _ = batch_norm_forward(
        features, np.ones(3), np.zeros(3), running_mean, running_var, 0.1, 1e-5, True
    )
    track.append(running_mean[0])
regularisation_plots.before_and_after(features, normalised_features)
plots.curves(
    {"running mean": track}, x_label="training batch", y_label="running mean, feature 0", levels={"true mean": means[0]}
)
print("running variances", running_var.round(2), "true ones", scales**2)

# %% id="check_batch_norm_forward" tags=["question"] points=3
"""Training and evaluation agree with torch, running estimates included."""


def batch_norm_case(rows, features, seed):
    """Arguments of batch_norm_forward but for training, and torch's module with the same numbers."""
    rng = np.random.default_rng(seed)
    x = rng.normal(2, 3, (rows, features))
    gamma, beta, mean = rng.normal(size=(3, features))
    var = rng.uniform(0.5, 2, features)
    module = nn.BatchNorm1d(features, eps=1e-3, momentum=0.3, dtype=torch.float64)
    tensors = (module.weight.data, module.bias.data, module.running_mean, module.running_var)
    for tensor, value in zip(tensors, (gamma, beta, mean, var), strict=True):
        tensor.copy_(torch.tensor(value))
    return [x, gamma, beta, mean, var, 0.3, 1e-3], module


for rows, features in ((6, 4), (2, 3)):
    arguments, module = batch_norm_case(rows, features, rows)
    x, gamma, beta, mean, var = (array.copy() for array in arguments[:5])
    before = [array.copy() for array in arguments[:3]]
    y, _ = batch_norm_forward(*arguments, True)
    wanted = module(torch.tensor(x)).detach().numpy()
    unbiased = gamma * (x - x.mean(0)) / np.sqrt(x.var(0, ddof=1) + 1e-3) + beta
    outside = gamma * (x - x.mean(0)) / (np.sqrt(x.var(0)) + 1e-3) + beta
    slips = {
        "with the unbiased variance under the root: divide by n": unbiased,
        "with eps outside of the root": outside,
    }
    checks.close(f"y of batch_norm_forward, {rows} rows in training", y, wanted, slips=slips, shape="(batch, features)")
    checks.close("running_mean", arguments[3], module.running_mean.numpy(), slips={"without an update in place": mean})
    slips = {
        "with the biased variance: the running estimate takes n / (n - 1) times it": 0.7 * var + 0.3 * x.var(0),
        "with momentum the wrong way round: it is the weight of the new value": 0.3 * var + 0.7 * x.var(0, ddof=1),
    }
    checks.close("running_var", arguments[4], module.running_var.numpy(), slips=slips)
    for name, value, old in zip(("x", "gamma", "beta"), arguments[:3], before, strict=True):
        checks.unchanged(f"{name} of batch_norm_forward", value, old)
    estimates = [array.copy() for array in arguments[3:5]]
    y, _ = batch_norm_forward(*arguments, False)
    module.eval()
    checks.close("y of batch_norm_forward in evaluation", y, module(torch.tensor(x)).detach().numpy())
    checks.unchanged("running_mean in evaluation", arguments[3], estimates[0])
    checks.unchanged("running_var in evaluation", arguments[4], estimates[1])
arguments, _ = batch_norm_case(1, 3, 1)
checks.raises("batch_norm_forward, one row in training", ValueError, lambda: batch_norm_forward(*arguments, True))
checks.passed("batch_norm_forward", "equal to torch.nn.BatchNorm1d in both modes, running estimates included")

# %% [markdown]
# ## 5. Batch normalisation, one step back (4 points, about 20 minutes)
#
# Given $dy = \partial L / \partial y$ we want $d\gamma$, $d\beta$ and $dx$. The difficulty is that each $x_i$ reaches
# every $y_j$: directly, through the mean, and through the variance. The graph shows the way forward, and in dashed
# boxes what comes back along each edge.

# %%
regularisation_plots.batch_norm_graph()

# %% [markdown]
# Write $s = 1/\sqrt{v + \epsilon}$ and $c_i = x_i - \mu$, and walk from right to left. If a value is used in two
# places, add the two gradients that come back; if one value is shared by all rows, sum its gradient over the rows.
#
# 1. $y_i = \gamma \hat x_i + \beta$. One $\beta$ and one $\gamma$ serve all rows:
#    $$ d\beta = \sum_i dy_i, \qquad d\gamma = \sum_i dy_i\, \hat x_i, \qquad d\hat x_i = \gamma\, dy_i . $$
# 2. $\hat x_i = c_i\, s$, and one $s$ serves all rows:
#    $$ dc_i = s\, d\hat x_i \;\;(\text{the direct part}), \qquad ds = \sum_j d\hat x_j\, c_j . $$
# 3. $s = (v + \epsilon)^{-1/2}$ has the derivative $-\tfrac12 (v + \epsilon)^{-3/2} = -\tfrac12 s^3$, and
#    $v = \frac1n \sum_i c_i^2$:
#    $$ dv = -\tfrac12 s^3\, ds, \qquad dc_i \mathrel{+}= \tfrac{2}{n}\, c_i\, dv
#       = -s \cdot s c_i \cdot \frac1n \sum_j d\hat x_j\, s c_j
#       = -s\, \hat x_i \cdot \frac1n \sum_j d\hat x_j \hat x_j . $$
# 4. $c_i = x_i - \mu$ with $\mu = \frac1n \sum_i x_i$:
#    $$ d\mu = -\sum_j dc_j, \qquad dx_i = dc_i + \tfrac1n\, d\mu = dc_i - \frac1n \sum_j dc_j . $$
#
# The part of $dc$ that came through the variance has mean 0, because $\hat x$ has. So the mean to subtract in step 4 is
# that of the direct part alone, and everything fits into one line:
#
# $$ dx_i = s \left( d\hat x_i - \frac1n \sum_j d\hat x_j - \hat x_i\, \frac1n \sum_j d\hat x_j \hat x_j \right) . $$
#
# In **evaluation** the running estimates are constants: neither mean nor variance depends on $x$, and
# $dx_i = s\, d\hat x_i$ is all. $d\gamma$ and $d\beta$ are as in step 1, with the $\hat x$ of evaluation.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $dy, dx$ | `dy`, `dx` | (batch, features) |
# | $d\gamma, d\beta$ | `dgamma`, `dbeta` | (features,) |
# | $\hat x, s, \gamma$, mode | whatever you put into `cache` | |
#
# Expect agreement with torch to about 1e-14, and with central differences to 1e-9 or better.
#
# <details><summary>Hint</summary>
#
# If $d\gamma$ and $d\beta$ are right and $dx$ is not, go through the four steps with arrays of their own, `dc`, `ds`,
# `dv`, `dmu`, and only then simplify. `.sum(axis=0)` and `.mean(axis=0)` go over the rows. For evaluation, leave out
# what came through $\mu$ and $v$.
#
# </details>


# %% id="batch_norm_backward" tags=["solution"]
def batch_norm_backward(dy, cache):
    """Gradients of batch normalisation: dy (batch, features) and the forward step's cache -> (dx, dgamma, dbeta).

    After a forward step in evaluation mode the running estimates count as constants. The cache can be used again.
    """
    ### BEGIN SOLUTION
    normalised, inverse_std, gamma, training = cache
    dgamma = (dy * normalised).sum(axis=0)
    dbeta = dy.sum(axis=0)
    dx = dy * gamma
    if training:
        dx = dx - dx.mean(axis=0) - normalised * (dx * normalised).mean(axis=0)
    return dx * inverse_std, dgamma, dbeta
    ### END SOLUTION


# %% [markdown]
# Two things to see in $dx$ of a training step: each column sums to 0, because adding a constant to a whole column
# changes nothing, and it is nearly orthogonal to $\hat x$, because stretching a column hardly changes anything (only
# through $\epsilon$). In evaluation neither holds.

# %%
rng = np.random.default_rng(4)
x, dy, gamma = rng.normal(size=(8, 3)), rng.normal(size=(8, 3)), np.array([1.0, 2.0, 0.5])
for training in (True, False):
    _, cache = batch_norm_forward(x, gamma, np.zeros(3), np.zeros(3), np.ones(3), 0.1, 1e-5, training)
    dx, _, _ = batch_norm_backward(dy, cache)
    centred = (x - x.mean(axis=0)) / x.std(axis=0)
    sums, products = dx.sum(axis=0).round(6) + 0.0, (dx * centred).sum(axis=0).round(6) + 0.0
    print(f"training {training}\n  column sums of dx    {sums}\n  products with x-hat  {products}")

# %% id="check_batch_norm_backward" tags=["question"] points=4
"""Gradients agree with torch and with central differences along a random direction, in both modes."""
worst = 0.0
for rows, features, training in ((5, 3, True), (2, 4, True), (5, 3, False), (1, 4, False)):
    arguments, module = batch_norm_case(rows, features, 10 + rows)
    module.train(training)
    dy, direction = np.random.default_rng(rows).normal(size=(2, rows, features))
    x = torch.tensor(arguments[0], requires_grad=True)
    (module(x) * torch.tensor(dy)).sum().backward()
    _, cache = batch_norm_forward(*(a.copy() if isinstance(a, np.ndarray) else a for a in arguments), training)
    result = batch_norm_backward(dy, cache)
    mode = f"{rows} rows, training {training}"
    checks.true(
        isinstance(result, (tuple, list)) and len(result) == 3, "batch_norm_backward should return dx, dgamma, dbeta"
    )
    dx, dgamma, dbeta = result
    checks.close(f"dbeta, {mode}", dbeta, module.bias.grad.numpy(), shape="(features,)")
    checks.close(f"dgamma, {mode}", dgamma, module.weight.grad.numpy(), shape="(features,)")
    constants = dy * arguments[1] / np.sqrt(arguments[0].var(axis=0) + 1e-3)
    slips = {"with mean and variance taken as constants: both depend on x": constants} if training else {}
    checks.close(f"dx, {mode}", dx, x.grad.numpy(), slips=slips, shape="(batch, features)")

    sums = []
    for step in (1e-5, -1e-5):
        moved = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
        moved[0] += step * direction
        sums.append(np.sum(dy * batch_norm_forward(*moved, training)[0]))
    slope = (sums[0] - sums[1]) / 2e-5
    checks.close(f"slope along a direction, {mode}", np.sum(dx * direction), slope, relative=1e-6, absolute=1e-8)
    worst = max(worst, abs(np.sum(dx * direction) - slope))
checks.passed(
    "batch_norm_backward", f"four batches against torch; largest error against central differences {worst:.1e}"
)

# %% [markdown] id="what_does_batch_norm_do" tags=["written"] points=2
# **What does batch normalisation do, and why does it help?** Its authors said that it reduces 'internal covariate
# shift'. Say what they meant by that, and what later work put against it. (The abstracts of Ioffe and Szegedy 2015 and
# of Santurkar et al. 2018, both in the references, have what is needed.)
#
# ### BEGIN SOLUTION
# It gives each feature mean 0 and variance 1 over the mini-batch and then a learnt scale and offset. Training becomes
# insensitive to the scale of the weights before it and bears larger learning rates, and the noise of the batch
# statistics regularises a little. Ioffe and Szegedy explained this by *internal covariate shift*: the distribution of a
# layer's inputs keeps moving while the layers below it learn, and normalising keeps it in place. Santurkar et al.
# (2018) doubted that: with noise that brings the shift back after the normalisation, networks still train as well, and
# a measured shift is not smaller with batch norm; what they find instead is a smoother loss, whose gradient changes
# less along a step and so can be trusted for larger ones.
#
# *Rubric: 1 point for what it does together with an effect (larger learning rates, insensitivity to scale); 1 point for
# the meaning of internal covariate shift together with the doubt (smoother loss, or the experiment with added noise).*
# ### END SOLUTION

# %% [markdown]
# ## 6. In evaluation it is a linear layer (2 points, about 10 minutes)
#
# With constants for mean and variance, batch norm multiplies and adds. So does the linear layer $z = x W + b$ before
# it, and the two can be made into one, $y = x W' + b'$: no cost at all in evaluation. Substitute the first formula into
# the second,
#
# $$ y = \gamma\, \frac{x W + b - \mu_{run}}{\sqrt{v_{run} + \epsilon}} + \beta , $$
#
# and collect what multiplies $x$ and what does not.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $W, W'$ | `W`, the first result | (inputs, features) |
# | $b, b'$ | `b`, the second result | (features,) |
# | $\gamma, \beta, \mu_{run}, v_{run}$ | `gamma`, `beta`, `running_mean`, `running_var` | (features,) |
#
# <details><summary>Hint</summary>
#
# Name the common factor $\gamma / \sqrt{v_{run} + \epsilon}$ first. It belongs to a feature, that is to a *column* of
# $W$.
#
# </details>


# %% id="fold_batch_norm" tags=["solution"]
def fold_batch_norm(W, b, gamma, beta, running_mean, running_var, eps):
    """One linear layer for x @ W + b and the batch norm after it in evaluation mode: returns (W', b').

    W: (inputs, features), everything else but eps (features,).
    """
    ### BEGIN SOLUTION
    scale = gamma / np.sqrt(running_var + eps)
    return W * scale, (b - running_mean) * scale + beta
    ### END SOLUTION


# %% [markdown]
# Two layers against one, on five random rows; expect a difference of about 1e-15.

# %%
rng = np.random.default_rng(5)
W, b, x = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(5, 4))
gamma, beta, mean, var = rng.normal(size=3), rng.normal(size=3), rng.normal(size=3), rng.uniform(0.5, 2, 3)
two_layers, _ = batch_norm_forward(x @ W + b, gamma, beta, mean, var, 0.1, 1e-5, False)
W_folded, b_folded = fold_batch_norm(W, b, gamma, beta, mean, var, 1e-5)
print("largest difference", np.abs(x @ W_folded + b_folded - two_layers).max())

# %% id="check_fold_batch_norm" tags=["question"] points=2
"""The folded layer gives what torch's two layers give in evaluation mode."""
arguments, module = batch_norm_case(5, 4, 7)
_, gamma, beta, mean, var, _, eps = arguments
rng = np.random.default_rng(8)
W, b, x = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=(5, 3))
before = W.copy()
result = fold_batch_norm(W, b, gamma, beta, mean, var, eps)
checks.true(
    isinstance(result, (tuple, list)) and len(result) == 2, "fold_batch_norm should return two arrays, W' and b'"
)
checks.equal("shapes of W' and b'", [list(array.shape) for array in result], [[3, 4], [4]])
wanted = module.eval()(torch.tensor(x @ W + b)).detach().numpy()
checks.close("x @ W' + b'", x @ result[0] + result[1], wanted)
checks.unchanged("W of fold_batch_norm", W, before)
checks.passed("fold_batch_norm", "one layer in place of two")

# %% [markdown]
# ## 7. What does a model learn? (1 point, about 5 minutes)
#
# 'How large is the model?' is asked of every model in this course. What counts are the **trainable parameters**: the
# single numbers that gradient descent may change. Not the running estimates (torch calls such tensors *buffers*), not
# parameters that were frozen by `requires_grad = False`; and a tensor that is used in two places is learnt once.
# A model in torch is an `nn.Module`, which may hold further modules; its arrays are tensors, and `tensor.numel()` says
# how many numbers one holds.
#
# `nn.Linear(64, 128)` has $64 \cdot 128 + 128 = 8320$, `nn.BatchNorm1d(128)` has 256 and keeps 257 numbers more in
# buffers. Once the check passes, it prints the count for the network of the experiment below, in torch, with and
# without its extra layers: dropout learns nothing.
#
# <details><summary>Hint</summary>
#
# `model.parameters()` gives each parameter once and no buffers; `state_dict()` has both, and shared ones under each
# name.
#
# </details>


# %% id="count_parameters" tags=["solution"]
def count_parameters(model):
    """How many numbers a torch module learns: an int. Shared tensors count once, frozen ones and buffers do not."""
    ### BEGIN SOLUTION
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    ### END SOLUTION


# %% id="check_count_parameters" tags=["question"] points=1
"""Layers, buffers, frozen and shared parameters."""
checks.equal("count_parameters of a linear layer 64 to 128", count_parameters(nn.Linear(64, 128)), 8320)
slips = {"with the buffers counted": 10 + 11}
checks.equal("count_parameters of BatchNorm1d(5)", count_parameters(nn.BatchNorm1d(5)), 10, slips=slips)
model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
model[0].weight.requires_grad = False
checks.equal(
    "count_parameters with a frozen weight", count_parameters(model), 14, slips={"with frozen ones counted": 26}
)
model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
model[1].weight = model[0].weight
checks.equal("count_parameters with a shared weight", count_parameters(model), 15, slips={"with shared ones twice": 24})
for name, extra in (("plain", nn.Identity), ("dropout", nn.Dropout), ("batch norm", lambda: nn.BatchNorm1d(128))):
    model = nn.Sequential(
        nn.Linear(64, 128), extra(), nn.ReLU(), nn.Linear(128, 128), extra(), nn.ReLU(), nn.Linear(128, 10)
    )
    print(f"{name:10}  {count_parameters(model):6} parameters")
checks.passed("count_parameters", "8320 in a linear layer from 64 to 128")

# %% [markdown]
# ## 8. A network of your own layers (4 points, about 20 minutes)
#
# Now put it together. `make_network` returns an object with a list and two methods:
#
# - `layers`: a dict of arrays for each linear layer, from the first to the last: `W` and `b`, and where batch norm
#   follows also `gamma`, `beta`, `running_mean` and `running_var`. These are the arrays that the network works with:
#   whoever changes one in place changes the network.
# - `logits(x, training)`: `(batch, inputs)` to scores `(batch, classes)`, one score per class
# - `train_step(x, targets, learning_rate)`: one step of plain gradient descent; returns the mean cross-entropy of the
#   batch in training mode **before** the step, a number
#
# Each hidden layer is a linear layer, batch norm if `batch_norm` is true (momentum 0.1, eps 1e-5), ReLU (which sets
# negative values to 0) and dropout; at the end stands a linear layer by itself:
#
# $$ z = h W + b, \qquad \hat z = \mathrm{batchnorm}(z), \qquad h' = m \odot \max(0, \hat z), \qquad
#    \theta \leftarrow \theta - \eta\, \frac{\partial L}{\partial \theta} . $$
#
# | symbol | in code | shape or meaning |
# | --- | --- | --- |
# | | `sizes` | units from input to classes, two or more numbers: `(64, 128, 10)` has one hidden layer |
# | $h, z$ | | (batch, units before), (batch, units) |
# | $m$ | zeros and $1/(1-p)$; all ones in evaluation | (batch, units) |
# | $\eta$ | `learning_rate` | a number |
# | $\theta$ | every $W, b, \gamma, \beta$ | as each needs |
# | | `rng` | draws the weights, and later the masks |
#
# Weights $W$ start as normal numbers with standard deviation $\sqrt{2 / \text{units before}}$ (He et al., 2015), $b$
# and $\beta$ at 0, $\gamma$ at 1; running means start at 0 and running variances at 1.
#
# The loss and its gradient with respect to the logits are given, as `loss_and_gradient(logits, targets)`; the next
# assignment derives them. From there walk back through each layer: what comes into the last linear layer as `d` gives
# `dW = h.T @ d`, `db = d.sum(axis=0)` and `dh = d @ W.T`. Go through dropout and ReLU with the *same* mask as on the
# way forward, and update the weights only after all gradients have been computed. Your `dropout` does not hand out its
# mask, but dropout of an array of ones *is* the mask.
#
# <details><summary>Hint</summary>
#
# Keep on the way forward, for every hidden layer, the input of its linear part, the cache of batch norm, and one array
# `mask = (z > 0) * dropout(np.ones_like(z), p, training, rng)`, which is ReLU and dropout in one factor. On the way
# back the order is: `d @ W.T` of the layer above, times `mask`, `batch_norm_backward`, then `dW` and `db`. If the
# linear network of the check passes and its symmetry fails, a hidden layer's gradient is wrong; if only `batch_norm`
# True fails, it is the order of mask and batch norm, or weights that were changed before they were used in `d @ W.T`.
#
# </details>


# %% id="make_network" tags=["solution"]
def make_network(sizes, dropout_p, batch_norm, rng):
    """A network with the layer sizes (inputs, hidden ..., classes), freshly drawn from rng.

    dropout_p: probability of dropping after each hidden layer. batch_norm: whether hidden layers are normalised.
    Returns an object with layers (a dict of arrays for each linear layer), logits(x, training) -> (batch, classes) and
    train_step(x, targets, learning_rate) -> mean cross-entropy before the step.
    """
    ### BEGIN SOLUTION
    layers = []
    for before, units in itertools.pairwise(sizes):
        layers.append({"W": rng.normal(0, np.sqrt(2 / before), (before, units)), "b": np.zeros(units)})
    if batch_norm:
        for layer, units in zip(layers[:-1], sizes[1:-1], strict=True):
            layer |= {"gamma": np.ones(units), "beta": np.zeros(units)}
            layer |= {"running_mean": np.zeros(units), "running_var": np.ones(units)}

    def forward(x, training):
        caches = []
        for layer in layers[:-1]:
            z, norm = x @ layer["W"] + layer["b"], None
            if batch_norm:
                scale_and_estimates = (layer[name] for name in ("gamma", "beta", "running_mean", "running_var"))
                z, norm = batch_norm_forward(z, *scale_and_estimates, 0.1, 1e-5, training)
            mask = (z > 0) * dropout(np.ones_like(z), dropout_p, training, rng)
            caches.append((x, norm, mask))
            x = z * mask
        return x @ layers[-1]["W"] + layers[-1]["b"], x, caches

    class Network:
        def __init__(self):
            self.layers = layers

        def logits(self, x, training):
            return forward(x, training)[0]

        def train_step(self, x, targets, learning_rate):
            scores, hidden, caches = forward(x, True)
            loss, d = loss_and_gradient(scores, targets)
            gradients = [{"W": hidden.T @ d, "b": d.sum(axis=0)}]
            for above, (inputs, norm, mask) in zip(layers[:0:-1], reversed(caches), strict=True):
                d = d @ above["W"].T * mask
                gradient = {}
                if batch_norm:
                    d, gradient["gamma"], gradient["beta"] = batch_norm_backward(d, norm)
                gradients.insert(0, gradient | {"W": inputs.T @ d, "b": d.sum(axis=0)})
            for layer, gradient in zip(layers, gradients, strict=True):
                for name in gradient:
                    layer[name] -= learning_rate * gradient[name]
            return loss

    return Network()
    ### END SOLUTION


# %% [markdown]
# Look before you check: a network that cannot learn twenty digits by heart has a mistake in its gradient. Expect a
# first loss near $\ln 10 = 2.3$, between 2 and 3.5, and a last one under 0.05 without dropout; dropout makes it harder
# on purpose and stays between 0.1 and 1.

# %%
handful, handful_labels = train_images[:20], train_labels[:20]
losses = {}
for name, p, normalise in (("plain", 0.0, False), ("dropout 0.3", 0.3, False), ("batch norm", 0.0, True)):
    network = make_network((64, 30, 20, 10), p, normalise, np.random.default_rng(1))
    losses[name] = [network.train_step(handful, handful_labels, 0.3) for _ in range(150)]
    print(f"{name:12} first loss {losses[name][0]:.2f}, last {losses[name][-1]:.3f}")
plots.curves(losses, x_label="step", y_label="loss on twenty digits", log=True)

# %% [markdown]
# The check compares the step of every array with central differences of the loss: a step of rate 1 moves `W` by minus
# its gradient.

# %% id="check_make_network" tags=["question"] points=4
"""Layers, shapes, the loss, the step of every array against differences, both modes, twenty digits by heart."""
rng = np.random.default_rng(6)
x, targets = rng.normal(size=(6, 5)), np.array([0, 2, 1, 1, 0, 2])
for sizes, batch_norm in (((5, 3), False), ((5, 4, 3), False), ((5, 7, 6, 4, 3), False), ((5, 7, 6, 4, 3), True)):
    name = f"sizes {sizes}, batch_norm {batch_norm}"
    network = make_network(sizes, 0.0, batch_norm, np.random.default_rng(1))
    checks.equal(f"{name}: number of layers", len(network.layers), len(sizes) - 1)
    for layer, inputs, units in zip(network.layers, sizes[:-1], sizes[1:], strict=True):
        hidden = ["beta", "gamma", "running_mean", "running_var"] if batch_norm and units != 3 else []
        checks.equal(f"{name}: arrays of a layer of {units} units", sorted(layer), sorted(["W", "b", *hidden]))
        checks.equal(f"{name}: shape of W", list(np.shape(layer["W"])), [inputs, units])
        for array in layer.values():
            array += 0.1 * rng.normal(size=array.shape) ** 2  # away from the start, where ReLU stands on its edge
    shape = list(np.shape(network.logits(x, False)))
    checks.equal(f"{name}: shape of logits", shape, [6, 3])
    before = [{name: array.copy() for name, array in layer.items()} for layer in network.layers]

    def loss_of_batch(network=network):
        return loss_and_gradient(network.logits(x, True), targets)[0]

    loss = loss_of_batch()
    checks.close(f"{name}: loss of train_step", network.train_step(x, targets, 1.0), loss)
    learnt = ("W", "b", "gamma", "beta") if batch_norm else ("W", "b")
    arrays, steps = {}, {}
    for number, (layer, old) in enumerate(zip(network.layers, before, strict=True), 1):
        for key in (key for key in learnt if key in layer):
            arrays[f"{key} of layer {number}"] = layer[key]
            steps[f"{key} of layer {number}"] = old[key] - layer[key]
            layer[key][...] = old[key]
    gradients.agree(gradients.pairs(loss_of_batch, arrays, steps, rng), name, relative=1e-5, absolute=1e-8)

spread = make_network((200, 50, 3), 0.0, False, np.random.default_rng(2)).layers[0]["W"].std()
checks.true(
    abs(spread / np.sqrt(2 / 200) - 1) < 0.05,
    f"W from 200 to 50 units starts with a standard deviation of {spread:.3f}; it should be sqrt(2 / 200), 0.1",
)

network = make_network((5, 30, 3), 0.5, False, np.random.default_rng(4))
before = [layer["W"].copy() for layer in network.layers]
network.train_step(x[:1], targets[:1], 0.1)
into, out_of = (layer["W"] != old for layer, old in zip(network.layers, before, strict=True))
checks.true(
    np.array_equal(into.any(axis=0), out_of.any(axis=1)),
    "after a step with dropout, the weights into some hidden units moved and those out of them did not, or the reverse:"
    " the way back needs the mask of the way forward",
)
network = make_network((5, 40, 3), 0.5, True, np.random.default_rng(1))
checks.true(
    np.any(network.logits(x, True) != network.logits(x, True)),
    "logits(x, True) with dropout: twice the same; is dropout on?",
)
together = network.logits(x, False)
checks.close("logits(x, False) a second time", network.logits(x, False), together)
alone = np.concatenate([network.logits(x[i : i + 1], False) for i in range(6)])
checks.close("logits(x, False) row by row against all rows at once", alone, together)
final = {}
for name, p, normalise in (("plain", 0.0, False), ("batch norm", 0.0, True)):
    network = make_network((64, 30, 20, 10), p, normalise, np.random.default_rng(2))
    final[name] = [network.train_step(train_images[:20], train_labels[:20], 0.3) for _ in range(150)][-1]
    checks.true(
        final[name] < 0.1, f"{name}: loss {final[name]:.3f} on twenty digits after 150 steps, under 0.1 was expected"
    )
checks.passed(
    "make_network", f"twenty digits by heart, loss {final['plain']:.3f} plain, {final['batch norm']:.3f} normalised"
)

# %% [markdown]
# ## 9. The experiment (2 points, about 5 minutes)
#
# Three networks of the same size, 64-128-128-10, learn the 300 images, 60 of them wrongly labelled: a plain one, one
# with dropout 0.5, both at learning rate 0.3, and one with batch norm at learning rate 2. Two more show what that rate
# does without batch norm, and what both layers do together. There is nothing to write here: the cells use your
# functions.
#
# <details><summary>Hint</summary>
#
# There is nothing to fill in. If a network misses its bar although `make_network` passes its check, look at how the
# weights start: normal with standard deviation $\sqrt{2 / \text{units before}}$. If dropout still overfits, see that
# its mask is used on the way back too.
#
# </details>


# %% tags=["provided"]
def accuracy(network, images, labels):
    """Share of the images whose largest score, in evaluation mode, is that of the label."""
    return float(np.mean(network.logits(images, False).argmax(axis=1) == labels))


def train(dropout_p, batch_norm, learning_rate, seed, epochs=60):
    """A network trained on the digits in mini-batches of 30. Returns it and its history, a row every four epochs.

    History: epoch, accuracy in training (on the labels as given, wrong ones too) and on the test images.
    """
    (images, labels), (others, truths) = digit_images()
    rng = np.random.default_rng(seed)
    network = make_network((64, 128, 128, 10), dropout_p, batch_norm, rng)
    history = []
    with np.errstate(all="ignore"):  # one of the runs is meant to break
        for epoch in range(1, epochs + 1):
            for rows in minibatches(len(images), 30, rng):
                network.train_step(images[rows], labels[rows], learning_rate)
            if epoch % 4 == 0:
                history.append((epoch, accuracy(network, images, labels), accuracy(network, others, truths)))
    return network, np.array(history)


def train_all(seed):
    """The three graded networks and their histories, by name."""
    settings = {"plain": (0.0, False, 0.3), "dropout": (0.5, False, 0.3), "batch_norm": (0.0, True, 2.0)}
    runs = {name: train(*setting, seed) for name, setting in settings.items()}
    return {name: run[0] for name, run in runs.items()}, {name: run[1] for name, run in runs.items()}


# %% id="train_networks"
networks, histories = train_all(seed=1)
for name, history in histories.items():
    best = history[history[:, 2].argmax()]
    print(
        f"{name:10}  training {history[-1, 1]:.3f}  test {history[-1, 2]:.3f}"
        f"  gap {history[-1, 1] - history[-1, 2]:+.3f}  best test on the way {best[2]:.3f} in epoch {best[0]:.0f}"
    )
regularisation_plots.accuracy_panels({name: histories[name] for name in ("plain", "dropout")}, line=0.8)

# %% [markdown]
# Left the plain network, right the one with dropout. The thin line at 0.8 is the share of training labels that are
# right: any training accuracy above this line means that wrong labels have been memorised.
#
# The plain network is best on the test images early on, then learns the wrong labels and loses what it had:
# **overfitting**, visible as the gap between the curves. The network with dropout learns few of the wrong labels, and
# it mostly answers more of the test images rightly than of the (partly wrong) training labels.
#
# Now the learning rate of 2, without batch norm, with it, and with both. Batch norm alone is no cure for overfitting
# here, as its test curve shows: what it mends is that training works at all (dropout without it breaks at this rate as
# the plain network does). Together they do both: training bears the rate, and few of the wrong labels are learnt.
# Expect a training accuracy of 0.75 to 0.85 on the right, where batch norm alone reaches 1, and more of the test images
# answered rightly.

# %%
at_rate_2 = {
    "plain": train(0.0, False, 2.0, seed=1)[1],
    "batch norm": histories["batch_norm"],
    "batch norm and dropout": train(0.5, True, 2.0, seed=1)[1],
}
regularisation_plots.accuracy_panels({f"{name}, rate 2": history for name, history in at_rate_2.items()}, line=0.8)
for name, history in at_rate_2.items():
    print(f"{name:22}  training {history[-1, 1]:.2f}  test {history[-1, 2]:.2f}")
print("guessing one and the same digit gives 0.10")

# %% id="check_networks" tags=["question"] points=2
"""Training and test accuracy of the three networks; the grader asks them for logits and counts by itself."""
for name in ("plain", "dropout", "batch_norm"):
    training = accuracy(networks[name], train_images, train_labels)
    test = accuracy(networks[name], test_images, test_labels)
    least_training, least = {"plain": (0.95, 0.65), "dropout": (0.7, 0.8), "batch_norm": (0.85, 0.65)}[name]
    checks.true(
        training > least_training,
        f"networks[{name!r}]: training accuracy {training:.3f}, more than {least_training} was expected",
    )
    checks.true(test > least, f"networks[{name!r}]: test accuracy {test:.3f}, more than {least} was expected")
    if name == "dropout":
        checks.true(
            training - test < 0.12, f"networks['dropout'] still overfits: training {training:.3f}, test {test:.3f}"
        )
    if name == "plain":
        checks.true(
            training - test > 0.1, f"networks['plain'] does not overfit: training {training:.3f}, test {test:.3f}"
        )
checks.passed("networks", "the plain one overfits, dropout mends it, batch norm trains at a rate of 2")

# %% [markdown] id="why_evaluation_mode" tags=["written"] points=1
# **Why does evaluation mode matter?** Say for dropout and for batch norm what goes wrong when a network is tested in
# training mode.
#
# ### BEGIN SOLUTION
# Dropout in a test throws away a random part of the units: answers are noisy, worse, and different each time. Batch
# norm in training mode normalises with the test batch's own statistics: the answer for an example depends on which
# others are in the batch (a batch of one cannot be answered at all), and the running estimates take in test data.
#
# *Rubric: half a point for dropout (random, worse answers), half a point for batch norm (dependence on the other rows,
# or running estimates changed by test data).*
# ### END SOLUTION

# %% [markdown]
# ## What to remember
#
# - Dropout drops with probability $p$ and divides by $1 - p$, in training only.
# - Batch norm normalises by the batch in training and by running estimates in evaluation; its gradient goes through
#   mean and variance as well.
# - Both make two modes necessary, in torch `model.train()` and `model.eval()`. Forgetting the second gives no error,
#   only wrong numbers.
# - A gap between training and test is overfitting; dropout narrows it. A larger stable learning rate is what batch norm
#   gives.
#
# The recurrent language models of this course use dropout on all connections but the recurrent ones (Zaremba et al.,
# 2014), and no batch norm: it would need other statistics at each step of a sequence, and a longer sequence has steps
# for which there are none (Ba et al., 2016). You will meet dropout again in assignment 5.

# %% [markdown]
# ## References
#
# - E. Alpaydin and C. Kaynak (1998). *Optical Recognition of Handwritten Digits.* UCI Machine Learning Repository; the
#   1797 images are `sklearn.datasets.load_digits`.
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov (2014). *Dropout: A Simple Way to Prevent
#   Neural Networks from Overfitting.* JMLR 15, 1929-1958.
# - J. Tompson, R. Goroshin, A. Jain, Y. LeCun and C. Bregler (2015). *Efficient Object Localization Using Convolutional
#   Networks.* CVPR (channel-wise dropout).
# - S. Ioffe and C. Szegedy (2015). *Batch Normalization: Accelerating Deep Network Training by Reducing Internal
#   Covariate Shift.* ICML, arXiv:1502.03167.
# - K. He, X. Zhang, S. Ren and J. Sun (2015). *Delving Deep into Rectifiers.* ICCV (the starting weights).
# - S. Santurkar, D. Tsipras, A. Ilyas and A. Madry (2018). *How Does Batch Normalization Help Optimization?* NeurIPS,
#   arXiv:1805.11604.
# - W. Zaremba, I. Sutskever and O. Vinyals (2014). *Recurrent Neural Network Regularization.* arXiv:1409.2329.
# - J. L. Ba, J. R. Kiros and G. E. Hinton (2016). *Layer Normalization.* arXiv:1607.06450 (section 3: why batch norm
#   does not suit recurrent networks).
