# %% [markdown]
# # Dropout and batch normalisation
#
# A network with more weights than examples can learn its training set by heart, wrong labels included. In this notebook
# you watch it happen, and you build two layers that change how such a network trains. Dropout discourages memorising;
# you will meet it again in the language models of later assignments. Batch normalisation lets a network train at
# learning rates, and from starting weights, at which it would otherwise fail. You write both in numpy, forward and
# back, put them into a network of your own, and train it on handwritten digits.
#
# You write the gradients yourself: a layer or a network that calls torch, scipy or scikit-learn, or that estimates its
# gradient by finite differences, earns nothing.

# %% [markdown]
# ## What you will be able to do
#
# - cut a training set into mini-batches, and say what their size trades
# - write dropout for single values and for whole channels, correct in training and in evaluation
# - write batch normalisation with its running estimates, and its gradient through mean and variance
# - assemble layers into a network whose gradient you can trust
# - see a network overfit, and measure what dropout and batch normalisation each do about it
# - count what a model learns, and fold a batch normalisation into the layer before it
#
# You need numpy, matrix products and the chain rule; the little torch that we use is explained where it appears. Plan
# three hours: 145 minutes of reading and code, 35 of writing. Everything runs on a CPU, and training takes seconds.
#
# Rows are examples throughout: `x` is `(batch, features)`, a vector is `(features,)`. All arrays are float64. Functions
# leave their arguments as they were unless the text says 'in place'. Random functions draw from the
# `numpy.random.Generator` that they are given, never from numpy's global one. Where a function refuses an argument, it
# raises a `ValueError` with a message that names the value.
#
# ### The data
#
# scikit-learn comes with 1797 handwritten digits of 8 by 8 pixels (Alpaydin and Kaynak, 1998). We keep only 300 of them
# for training and **give every fifth of those a wrong label**. Real data sets contain such errors, and here they make
# memorising visible: a model that reproduces all 300 labels has memorised 60 wrong ones. The other 1497 images keep
# their true labels and are the test set. Pixels are scaled from 0..16 to 0..1.


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
from utils.knobs import knob

(train_images, train_labels), (test_images, test_labels) = digit_images()
wrong = np.arange(300) % 5 == 0  # which of the training labels are wrong
print(f"training {train_images.shape}, test {test_images.shape}, wrong labels {wrong.sum()}")
regularisation_plots.image_row(
    train_images[:10].reshape(-1, 8, 8),
    [f"label {label}" for label in train_labels[:10]],
    "the first and the sixth of these ten labels are wrong",
)

# %% [markdown]
# ## 1. Mini-batches (1 point and 1 point, about 12 minutes)
#
# Gradient descent follows the gradient of the mean loss over all $N$ training rows. A **mini-batch** of $B$ rows, drawn
# at random, gives an estimate of this gradient at $B / N$ of the cost. The error of the estimate shrinks like
# $1 / \sqrt{B}$. One pass over all rows is an *epoch*.
#
# | argument | meaning |
# | --- | --- |
# | `rows` | $N$, how many rows there are |
# | `batch_size` | $B$; the last batch holds what is left and may be smaller |
# | `rng` | generator that shuffles the rows |
#
# For ten rows and batches of four, expect three batches with 4, 4 and 2 row numbers; each number from 0 to 9 is in
# exactly one of them.
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
# How far is the mean image of a mini-batch from the mean image of all 300? Compare with the line that falls as
# $1/\sqrt{B}$. Yours drops below it as $B$ grows towards 300, because an epoch draws rows without repetition: a batch
# of all 300 rows would have no error at all.

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
# **What is a mini-batch, and how large should it be? (1 point, about 4 minutes)** Say in a sentence what a mini-batch
# is. For the cost of one exact gradient over all $N$ rows you can also take ten steps with $B = N / 10$. Give one
# reason for the ten steps, and one reason to make $B$ larger.
#
# ### BEGIN SOLUTION
# A mini-batch is a small random part of the training rows whose mean gradient stands in for the gradient over all rows
# in one step. Each of ten steps with a tenth of the rows has a gradient with an error of sampling, which the exact
# gradient has not; but there are ten of them, which usually gets further, and the noise also helps a little against
# overfitting. A larger batch gives a less noisy gradient, so that larger steps are safe, and it uses the hardware
# better.
#
# Rubric:
#
# - 0.5: a random part of the rows whose gradient estimates the full one
# - 0.5: one reason each way
# ### END SOLUTION

# %% [markdown]
# ## 2. Dropout (3 points, about 12 minutes)
#
# In training, dropout (Srivastava et al., 2014) sets each value to zero with probability $p$, independently of all
# others. It divides the values that stay by $1 - p$ (*inverted* dropout), so that the expected value does not change
# and evaluation can leave everything as it is:
#
# $$ y_i = \frac{m_i}{1 - p}\, x_i, \qquad
# m_i = \begin{cases} 0 & \text{with probability } p \\ 1 & \text{with probability } 1 - p \end{cases}, \qquad
# \mathrm{E}[y_i] = \frac{(1 - p) \cdot 1 + p \cdot 0}{1 - p}\, x_i = x_i . $$
#
# | symbol | in code | meaning |
# | --- | --- | --- |
# | $x, y$ | `x`, the result | arrays of one and the same shape, any shape |
# | $p$ | `p` | the probability of **dropping**, as in torch (Srivastava et al. write $p$ for keeping) |
# | | `training` | False: $y = x$ |
#
# Both ends are allowed: $p = 0$ changes nothing, and $p = 1$ gives zeros, not nan, so take care with the division. With
# $p = 0.4$ and $x = 1$ expect zeros and 1.6667, and a mean near 1.
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
# The next cell shows a digit, three draws of dropout applied to it, and the mean of 1000 draws, which is the digit
# again.

# %%
rng = np.random.default_rng(0)
digit = test_images[0].reshape(8, 8)
draws = [dropout(digit, 0.5, True, rng) for _ in range(1000)]
regularisation_plots.image_row(
    [digit, *draws[:3], np.mean(draws, axis=0)], ["x", "p = 0.5", "again", "again", "mean of 1000"], ""
)

# %% [markdown]
# Change $p$: at which rate can you no longer read the digit? What stays gets darker as $p$ grows, because it is divided
# by $1 - p$. (A slider appears below the pictures in JupyterLab and on Colab.)


# %%
def draw_dropped(axes, p):
    """One draw of dropout of a digit; 4 or more is black."""
    dropped = dropout(test_images[0].reshape(8, 8), p, True, np.random.default_rng(1))
    axes.imshow(dropped, cmap="gray_r", vmin=0, vmax=4)
    axes.set_title(f"p = {p}, kept values times {1 / (1 - p):.2g}", fontsize=9)
    axes.set(xticks=[], yticks=[])


rates = {f"{p:.1f}": p for p in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)}
knob(draw_dropped, "p", rates, ("0.0", "0.3", "0.6", "0.8"), panel=(2.1, 2.2))

# %% id="check_dropout" tags=["question"] points=3
"""Scaling, share of zeros, evaluation, both ends of p, and what is refused."""
x = np.random.default_rng(1).uniform(1, 2, (50, 80))
before = x.copy()
y = dropout(x, 0.4, True, np.random.default_rng(2))
checks.unchanged("x of dropout", x, before)
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
again = dropout(x, 0.4, True, np.random.default_rng(2))
checks.true(
    np.array_equal(again, y), "dropout: the same state of rng should give the same mask; is all drawn from rng?"
)
counts = {int(np.sum(dropout(x, 0.4, True, same_rng) == 0)) for _ in range(5)}
checks.true(len(counts) > 1, "dropout dropped equally many values in five draws: each value should be drawn by itself")
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
# ## 3. Dropping whole channels (2 points and 2 points, about 18 minutes)
#
# A convolutional layer looks for several patterns in an image. For each pattern it makes a new image, a *channel*, that
# shows where the pattern was found. Neighbouring pixels of a channel carry nearly the same information, so the next
# layer can guess a dropped pixel from its neighbours, and little is gained. Tompson et al. (2015) therefore drop whole
# **channels**: one draw for each channel of each example decides for all its pixels.
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
# The picture shows both masks for two examples of three channels, at $p = 0.5$. Filled pixels stay, crossed ones are
# set to zero. `dropout` draws for each pixel; `dropout2d` should keep or drop a channel as a whole, and draw again for
# each example.

# %%
rng, ones = np.random.default_rng(1), np.ones((2, 3, 5, 5))
masks = {name: drop(ones, 0.5, True, rng) for name, drop in (("dropout", dropout), ("dropout2d", dropout2d))}
regularisation_plots.draw_masks(masks)

# %% id="check_dropout2d" tags=["question"] points=2
"""Whole channels go, each example draws its own, the rest is scaled."""
x = np.random.default_rng(1).uniform(1, 2, (30, 20, 3, 5))
before = x.copy()
y = dropout2d(x, 0.25, True, np.random.default_rng(2))
checks.unchanged("x of dropout2d", x, before)
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
# **What does dropout do, and why does it help? (2 points, about 12 minutes)** Say what a unit can no longer rely on
# when the network trains with dropout, and why that improves the answers on new examples. The abstract of Srivastava et
# al. (2014, jmlr.org/papers/v15/srivastava14a.html) gives two explanations; either will do. Then name the module of
# `torch.nn` that does what `dropout2d` does, and the shape of its input for a batch of images.
#
# ### BEGIN SOLUTION
# In every training step a random part of the units is missing. A unit cannot rely on particular other units being
# there (co-adaptation), so the network has to spread what it knows over many units that are each useful by
# themselves; the noise also makes it expensive to fit single examples by heart. Another view: every mask is a thinned
# network, all of them share weights, and evaluation, with all units there, is close to the mean answer of this huge
# ensemble, which varies less than one network. `dropout2d` is `torch.nn.Dropout2d`, for (batch, channels, height,
# width), or (channels, height, width) for one example; `torch.nn.Dropout` drops single values.
#
# Rubric:
#
# - 1: the mechanism (no reliance on single units, or an ensemble of thinned networks)
# - 0.5: why that helps on new examples
# - 0.5: `torch.nn.Dropout2d` with the shape
# ### END SOLUTION

# %% [markdown]
# ## 4. Batch normalisation, forward (3 points, about 20 minutes)
#
# Batch normalisation (Ioffe and Szegedy, 2015) gives every feature mean 0 and variance 1 over the mini-batch, then lets
# the network choose another scale $\gamma$ and offset $\beta$. For a batch of $n$ rows, feature by feature:
#
# $$ \mu = \frac1n \sum_i x_i, \qquad v = \frac1n \sum_i (x_i - \mu)^2, \qquad
#    \hat x_i = \frac{x_i - \mu}{\sqrt{v + \epsilon}}, \qquad y_i = \gamma\, \hat x_i + \beta . $$
#
# At test time a batch may hold a single row, and the output for one example must not depend on which others share its
# batch. So training keeps running estimates, and evaluation uses them in place of $\mu$ and $v$. The *momentum* $a$ is
# meant as in torch: it is the weight of the **new** value.
#
# $$ \mu_{run} \leftarrow (1 - a)\, \mu_{run} + a\, \mu, \qquad
# v_{run} \leftarrow (1 - a)\, v_{run} + a\, \frac{n}{n - 1}\, v . $$
#
# The running variance takes in $\frac{n}{n - 1} v$, the unbiased estimate of the variance. The batch itself is
# normalised by the biased $v$.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $x, y$ | `x`, the first result | (batch, features) |
# | $\gamma, \beta$ | `gamma`, `beta` | (features,) |
# | $\mu_{run}, v_{run}$ | `running_mean`, `running_var`, **changed in place** when training | (features,) |
# | $a, \epsilon$ | `momentum`, `eps` | numbers |
#
# The second result, `cache`, holds whatever your `batch_norm_backward` in the next question needs; nobody else reads
# it. A training batch of one row has variance 0, and $n / (n - 1)$ divides by zero: raise a `ValueError` before
# anything is changed. With $\gamma = 1$ and $\beta = 0$ expect columns of mean 0 (to 1e-15) and of variance
# $v / (v + \epsilon)$, a little under 1.
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
# The first picture shows three features on very different scales, before and after. The second follows the running mean
# of feature 0 over sixty batches of 30 rows. At a momentum of 0.1, twenty batches take it $1 - 0.9^{20} = 0.88$ of the
# way from 0 to the mean of the batches.

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

# %% [markdown]
# The checks of batch normalisation compare with `torch.nn.BatchNorm1d`. The next cell makes such a module with the same
# numbers as the arguments of your function.


# %% tags=["provided"]
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


# %% id="check_batch_norm_forward" tags=["question"] points=3
"""Training and evaluation agree with torch, running estimates included."""

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
    slips = {
        "without an update in place": mean,
        "with momentum the wrong way round: it is the weight of the new value": 0.3 * mean + 0.7 * x.mean(0),
    }
    checks.close("running_mean", arguments[3], module.running_mean.numpy(), slips=slips)
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
estimates = [array.copy() for array in arguments[3:5]]
checks.raises("batch_norm_forward, one row in training", ValueError, lambda: batch_norm_forward(*arguments, True))
checks.unchanged("running_mean, where one row is refused,", arguments[3], estimates[0])
checks.unchanged("running_var, where one row is refused,", arguments[4], estimates[1])
checks.passed("batch_norm_forward", "equal to torch.nn.BatchNorm1d in both modes, running estimates included")

# %% [markdown]
# ## 5. Batch normalisation, one step back (4 points and 2 points, about 35 minutes)
#
# Given $dy = \partial L / \partial y$ we want $d\gamma$, $d\beta$ and $dx$. The difficulty is that each $x_i$ reaches
# every $y_j$: directly, through the mean, and through the variance. The graph shows the forward pass, and the dashed
# boxes show the gradient that comes back along each edge.

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
# The part of $dc$ that came through the variance has mean 0, because $\hat x$ has. So step 4 subtracts the mean of the
# direct part alone, and everything fits into one line:
#
# $$ dx_i = s \left( d\hat x_i - \frac1n \sum_j d\hat x_j - \hat x_i\, \frac1n \sum_j d\hat x_j \hat x_j \right) . $$
#
# In **evaluation** the running estimates are constants. Neither mean nor variance depends on $x$, so
# $dx_i = s\, d\hat x_i$. For $d\gamma$ and $d\beta$ step 1 still holds, with the $\hat x$ of evaluation.
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
# the parts that came through $\mu$ and $v$.
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
# Look for two things in the $dx$ of a training step. Each column sums to 0, because adding a constant to a whole column
# of $x$ does not change $y$. And each column is nearly orthogonal to $\hat x$, because stretching a column of $x$
# hardly changes $y$ (only through $\epsilon$). In evaluation neither holds.

# %%
rng = np.random.default_rng(4)
x, dy, gamma = rng.normal(size=(8, 3)), rng.normal(size=(8, 3)), np.array([1.0, 2.0, 0.5])
for training in (True, False):
    _, cache = batch_norm_forward(x, gamma, np.zeros(3), np.zeros(3), np.ones(3), 0.1, 1e-5, training)
    dx, _, _ = batch_norm_backward(dy, cache)
    normalised = (x - x.mean(axis=0)) / x.std(axis=0) if training else x  # in evaluation by mean 0 and variance 1
    sums, products = dx.sum(axis=0).round(6) + 0.0, (dx * normalised).sum(axis=0).round(6) + 0.0
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
    before = dy.copy()
    result = batch_norm_backward(dy, cache)
    checks.unchanged("dy of batch_norm_backward", dy, before)
    mode = f"{rows} rows, training {training}"
    checks.true(
        isinstance(result, (tuple, list)) and len(result) == 3, "batch_norm_backward should return dx, dgamma, dbeta"
    )
    dx, dgamma, dbeta = result
    checks.close(f"dbeta, {mode}", dbeta, module.bias.grad.numpy(), shape="(features,)")
    checks.close(f"dgamma, {mode}", dgamma, module.weight.grad.numpy(), shape="(features,)")
    constants = dy * arguments[1] / np.sqrt(arguments[0].var(axis=0) + 1e-3)
    slips = {
        "with mean and variance taken as constants: both depend on x": constants,
        "without the part through the variance": constants - constants.mean(axis=0),
    }
    checks.close(f"dx, {mode}", dx, x.grad.numpy(), slips=slips if training else {}, shape="(batch, features)")
    checks.close("batch_norm_backward, called again with the same cache,", batch_norm_backward(dy, cache)[0], dx)

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
# **What does batch normalisation do, and why does it help? (2 points, about 15 minutes)** Its authors said that it
# reduces 'internal covariate shift'. Say what they meant by that, and what later work raised against it. The abstracts
# of Ioffe and Szegedy (2015) and of Santurkar et al. (2018), arXiv:1502.03167 and arXiv:1805.11604, have what you need.
# You may come back to this question after section 8, which measures the effect.
#
# ### BEGIN SOLUTION
# It gives each feature mean 0 and variance 1 over the mini-batch and then a learnt scale and offset. Training becomes
# insensitive to the scale of the weights before it and tolerates larger learning rates, and the noise of the batch
# statistics regularises a little. Ioffe and Szegedy explained this by *internal covariate shift*: the distribution of a
# layer's inputs keeps moving while the layers below it learn, and normalising keeps it in place. Santurkar et al.
# (2018) doubted that: with noise that brings the shift back after the normalisation, networks still train as well, and
# a measured shift is not smaller with batch norm; what they find instead is a smoother loss, whose gradient changes
# less along a step and so can be trusted for larger ones.
#
# Rubric:
#
# - 1: what it does together with an effect (larger learning rates, insensitivity to scale)
# - 1: the meaning of internal covariate shift together with the doubt (smoother loss, or the experiment with added
#   noise)
# ### END SOLUTION

# %% [markdown]
# ## 6. A network of your own layers (5 points, about 45 minutes)
#
# Now put the layers together. Each hidden layer is a linear layer, batch norm if `batch_norm` is true (momentum 0.1,
# eps 1e-5), ReLU (which sets negative values to 0) and dropout. A linear layer alone stands at the end:
#
# $$ z = h W + b, \qquad \hat z = \mathrm{batchnorm}(z), \qquad h' = m \odot \max(0, \hat z), \qquad
#    \theta \leftarrow \theta - \eta\, \frac{\partial L}{\partial \theta} . $$
#
# | symbol | in code | shape or meaning |
# | --- | --- | --- |
# | | `sizes` | units from input to classes, two or more numbers: `(64, 128, 10)` has one hidden layer |
# | $h, z$ | | (batch, units before), (batch, units) |
# | $m$ | zeros and $1/(1-p)$; all ones in evaluation | (batch, units) |
# | $\theta$ | every $W, b, \gamma, \beta$ | in the dicts of `layers` |
# | $\eta$ | `learning_rate` | a number |
# | | `rng` | draws the weights, and later the masks |
#
# The skeleton below gives `layers`, a list with one dict of arrays for each linear layer, from the first to the last:
# `W` and `b`, and for hidden layers with batch norm also `gamma`, `beta`, `running_mean` and `running_var`. $W$ starts
# with normal numbers of standard deviation $\sqrt{2 / \text{units before}}$ (He et al., 2015). Three methods are yours.
# **Write and check them one at a time**: after the solution cell come a cell that checks `forward` by itself and a cell
# that trains on twenty digits, and then the check of the whole.
#
# 1. `forward` computes the logits, and keeps in a cache what `backward` will need. Without batch norm,
#    $\hat z = z$. With `training` it drops units and moves the running estimates, as `batch_norm_forward` does.
# 2. `backward` starts from $d = \partial L / \partial \text{logits}$ and walks back through the layers. What reaches
#    the last linear layer as $d$ gives $dW = h^\top d$, $db = \sum_{rows} d$ and $dh = d\, W^\top$. Go through dropout
#    and ReLU with the *same* mask as on the way forward, its factor $1/(1 - p)$ included.
# 3. `train_step` runs one forward pass in training mode, one backward pass, and then one step of plain gradient descent
#    on all arrays that are learnt. It returns the mean cross-entropy of that forward pass. Update the arrays only after
#    all gradients have been computed.
#
# The loss and its gradient with respect to the logits are given: `loss_and_gradient(logits, targets)` returns the mean
# cross-entropy and $d$, in which the factor 1/batch of the mean is already contained; the next assignment derives them.
# Your `dropout` does not return its mask, but dropout of an array of ones *is* the mask. A bias in front of batch norm
# has the gradient 0, because batch norm subtracts it again: a `db` of about 1e-16 in such a layer is not a bug.
#
# The grader and the rest of this notebook use `make_network`, `layers`, `logits` and `train_step`, and set arrays of
# `layers` in place; everything else in the skeleton is yours to change.
#
# <details><summary>Hint: what forward should keep</summary>
#
# For every hidden layer: the input of its linear part, the cache of batch norm, and one array
# `mask = (z > 0) * dropout(np.ones_like(z), ...)`, which is ReLU and dropout in one factor. And the input of the last
# linear layer.
#
# </details>
#
# <details><summary>Hint: the order of the way back</summary>
#
# For each hidden layer, from the last to the first: `d @ W.T` with the $W$ of the layer above, times `mask`, then
# `batch_norm_backward`, then `dW` and `db`. If only the networks with batch norm fail the check, the order of mask and
# batch norm is wrong; if only those with several hidden layers fail, look at what is handed to the layer below.
#
# </details>


# %% id="make_network" tags=["solution"]
class Network:
    """Linear layers; behind each hidden one batch norm where asked, ReLU and dropout. `layers` holds their arrays."""

    def __init__(self, sizes, dropout_p, batch_norm, rng):
        self.dropout_p, self.batch_norm, self.rng = dropout_p, batch_norm, rng
        self.layers = []
        for number, (inputs, units) in enumerate(itertools.pairwise(sizes), 1):
            layer = {"W": rng.normal(0, np.sqrt(2 / inputs), (inputs, units)), "b": np.zeros(units)}
            if batch_norm and number < len(sizes) - 1:
                layer |= {"gamma": np.ones(units), "beta": np.zeros(units)}
                layer |= {"running_mean": np.zeros(units), "running_var": np.ones(units)}
            self.layers.append(layer)

    def forward(self, x, training):
        """Logits (batch, classes), and a cache for `backward`. x: (batch, inputs)."""
        ### BEGIN SOLUTION
        caches = []
        for layer in self.layers[:-1]:
            z, norm = x @ layer["W"] + layer["b"], None
            if self.batch_norm:
                vectors = (layer[name] for name in ("gamma", "beta", "running_mean", "running_var"))
                z, norm = batch_norm_forward(z, *vectors, 0.1, 1e-5, training)
            mask = (z > 0) * dropout(np.ones_like(z), self.dropout_p, training, self.rng)
            caches.append((x, norm, mask))
            x = z * mask
        return x @ self.layers[-1]["W"] + self.layers[-1]["b"], (x, caches)
        ### END SOLUTION

    def logits(self, x, training):
        """Scores (batch, classes), one for each class. x: (batch, inputs)."""
        return self.forward(x, training)[0]

    def backward(self, d, cache):
        """The gradient of every array that is learnt: a list of dicts, one for each entry of `layers`.

        d: (batch, classes), the gradient of the loss with respect to the logits.
        """
        ### BEGIN SOLUTION
        hidden, caches = cache
        gradients = [{"W": hidden.T @ d, "b": d.sum(axis=0)}]
        for above, (inputs, norm, mask) in zip(self.layers[:0:-1], reversed(caches), strict=True):
            d = d @ above["W"].T * mask
            gradient = {}
            if self.batch_norm:
                d, gradient["gamma"], gradient["beta"] = batch_norm_backward(d, norm)
            gradients.insert(0, gradient | {"W": inputs.T @ d, "b": d.sum(axis=0)})
        return gradients
        ### END SOLUTION

    def train_step(self, x, targets, learning_rate):
        """One step of gradient descent in training mode; returns the mean cross-entropy before it, a number."""
        ### BEGIN SOLUTION
        scores, cache = self.forward(x, True)
        loss, d = loss_and_gradient(scores, targets)
        for layer, gradient in zip(self.layers, self.backward(d, cache), strict=True):
            for name in gradient:
                layer[name] -= learning_rate * gradient[name]
        return loss
        ### END SOLUTION


def make_network(sizes, dropout_p, batch_norm, rng):
    """A network with the layer sizes (inputs, hidden ..., classes), freshly drawn from rng.

    dropout_p: probability of dropping after each hidden layer. batch_norm: whether hidden layers are normalised.
    Returns an object with layers (a dict of arrays for each linear layer), logits(x, training) -> (batch, classes) and
    train_step(x, targets, learning_rate) -> mean cross-entropy before the step.
    """
    return Network(sizes, dropout_p, batch_norm, rng)


# %% [markdown]
# **Step 1: forward.** A network of one hidden layer, worked out by hand: $x = (1, 2)$ reaches two units with
# $z = (3, -1)$, ReLU leaves $(3, 0)$, and the two classes get 6 and $-3$. With batch norm, evaluation by a running mean
# of 1 and a variance of 1 turns $z$ into $(2, -2)$, and the classes get 4 and $-2$. With dropout, training gives other
# logits each time.

# %%
by_hand = [{"W": np.array([[1.0, 1.0], [1.0, -1.0]])}, {"W": np.array([[2.0, -1.0], [2.0, -1.0]])}]
for normalise, expected, no_relu in ((False, [[6.0, -3.0]], [[4.0, -2.0]]), (True, [[4.0, -2.0]], [[0.0, 0.0]])):
    network = make_network((2, 2, 2), 0.5, normalise, np.random.default_rng(0))
    for layer, arrays in zip(network.layers, by_hand, strict=True):
        for name, array in arrays.items():
            layer[name][...] = array
    if normalise:
        network.layers[0]["running_mean"][...] = 1.0
    logits = network.logits(np.array([[1.0, 2.0]]), False)
    slips = {"without ReLU": np.array(no_relu)} | ({"with ReLU before batch norm": [[2.0, -1.0]]} if normalise else {})
    checks.close(f"logits by hand, batch_norm {normalise}", logits, np.array(expected), relative=1e-4, slips=slips)
network = make_network((64, 30, 10), 0.5, False, np.random.default_rng(0))
scores = [network.logits(train_images[:20], True) for _ in range(2)]
checks.true(np.any(scores[0] != scores[1]), "logits(x, True) with dropout: twice the same; is dropout on?")
checks.passed("step 1", "logits by hand, dropout in training")

# %% [markdown]
# **Steps 2 and 3: backward and the training step.** Look before you check: a network that cannot learn twenty digits by
# heart has a mistake in its gradient. (The converse does not hold: some wrong gradients learn twenty digits too.)
# Expect a first loss near $\ln 10 = 2.3$, between 2 and 3.5. After 150 steps it should end under 0.05 without dropout.
# Dropout makes the task harder on purpose: that loss ends between 0.1 and 1. Jumps of the plain curve are steps that
# went too far.

# %%
handful, handful_labels = train_images[:20], train_labels[:20]
losses = {}
for name, p, normalise in (("plain", 0.0, False), ("dropout 0.3", 0.3, False), ("batch norm", 0.0, True)):
    network = make_network((64, 30, 20, 10), p, normalise, np.random.default_rng(1))
    losses[name] = [network.train_step(handful, handful_labels, 0.3) for _ in range(150)]
    print(f"{name:12} first loss {losses[name][0]:.2f}, last {losses[name][-1]:.3f}")
plots.curves(losses, x_label="step", y_label="loss on twenty digits", log=True)

# %% [markdown]
# The check compares the step of every array with central differences of the loss, with dropout too: before each loss it
# puts the generator back, so that the same masks come again. A step with learning rate 1 moves `W` by exactly minus its
# gradient.

# %% id="check_make_network" tags=["question"] points=5
"""Layers, the loss, the step of every array by differences, dropout, both modes, twenty digits by heart."""
rng = np.random.default_rng(6)
x, targets = rng.normal(size=(6, 5)), np.array([0, 2, 1, 1, 0, 2])
deep = (5, 7, 6, 4, 3)
for sizes, p, batch_norm in (
    ((5, 3), 0, False),
    ((5, 4, 3), 0, False),
    (deep, 0, False),
    (deep, 0, True),
    (deep, 0.5, False),
    (deep, 0.5, True),
):
    name = f"sizes {sizes}, dropout_p {p}, batch_norm {batch_norm}"
    masks = np.random.default_rng(1)
    network = make_network(sizes, p, batch_norm, masks)
    checks.equal(f"{name}: number of layers", len(network.layers), len(sizes) - 1)
    for layer, inputs, units in zip(network.layers, sizes[:-1], sizes[1:], strict=True):
        hidden = ["beta", "gamma", "running_mean", "running_var"] if batch_norm and units != 3 else []
        checks.equal(f"{name}: arrays of a layer of {units} units", sorted(layer), sorted(["W", "b", *hidden]))
        checks.equal(f"{name}: shape of W", list(np.shape(layer["W"])), [inputs, units])
        for array in layer.values():
            array += 0.1 * rng.normal(size=array.shape) ** 2  # away from the start, where ReLU stands on its edge
    checks.equal(f"{name}: shape of logits", list(np.shape(network.logits(x, False))), [6, 3])
    state = masks.bit_generator.state
    before = [{key: array.copy() for key, array in layer.items()} for layer in network.layers]

    def loss_of_batch(network=network, masks=masks, state=state):
        masks.bit_generator.state = state
        return loss_and_gradient(network.logits(x, True), targets)[0]

    loss = loss_of_batch()
    checks.close(
        f"{name}: logits(x, True) from the same state of rng; are all masks drawn from it?", loss_of_batch(), loss
    )
    if batch_norm:
        first = network.layers[0]
        mean = np.mean(x @ before[0]["W"] + before[0]["b"], axis=0)
        moved = before[0]["running_mean"] * 0.9**2 + mean * (1 - 0.9**2)
        slips = {"without a move in training": before[0]["running_mean"]}
        checks.close(f"{name}: running_mean of layer 1 after two passes", first["running_mean"], moved, slips=slips)
    masks.bit_generator.state = state
    checks.close(f"{name}: loss of train_step", network.train_step(x, targets, 1.0), loss)
    learnt = ("W", "b", "gamma", "beta") if batch_norm else ("W", "b")
    arrays, steps = {}, {}
    for number, (layer, old) in enumerate(zip(network.layers, before, strict=True), 1):
        for key in (key for key in learnt if key in layer):
            arrays[f"{key} of layer {number}"] = layer[key]
            steps[f"{key} of layer {number}"] = old[key] - layer[key]
            layer[key][...] = old[key]
    where = (
        f"{name} (without dropout all agree: is the mask that of the way forward, its factor included?)" if p else name
    )
    gradients.agree(gradients.pairs(loss_of_batch, arrays, steps, rng), where, relative=1e-5, absolute=1e-8)

W = make_network((200, 50, 3), 0.0, False, np.random.default_rng(2)).layers[0]["W"]
checks.true(
    abs(W.std() / np.sqrt(2 / 200) - 1) < 0.05,
    f"W from 200 to 50 units starts with a standard deviation of {W.std():.3f}; it should be sqrt(2 / 200), 0.1",
)
checks.true(np.mean(W**4) > 2.5 * np.mean(W**2) ** 2, "W does not start with normal numbers")

network = make_network((1, 1000, 2), 0.25, False, np.random.default_rng(5))
for layer, value in zip(network.layers, (0.0, 0.001), strict=True):
    layer["W"][...], layer["b"][...] = value, 1.0 - 1000 * value
dropped = 1 - 0.75 * float(network.logits(np.ones((1, 1)), True)[0, 0])  # every unit that stays gives 1 / 0.75 / 1000
checks.true(0.2 < dropped < 0.3, f"with dropout_p 0.25, {dropped:.0%} of 1000 hidden units were dropped")

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
# ## 7. The experiment: memorising, and dropout (1 point, about 10 minutes)
#
# Three networks of the same size, 64-128-128-10, learn the 300 images with their 60 wrong labels: a plain one and one
# with dropout 0.5, both at learning rate 0.3, and one with batch norm at learning rate 2. There is nothing to write:
# the cells use your functions. Their history holds three numbers: the accuracy on the training labels as given, the
# accuracy on the test images, and the share of the 60 wrong labels that the network reproduces.
#
# <details><summary>Hint</summary>
#
# If the network with dropout still overfits, check that the way back uses its mask too. If the one with batch norm
# stays low, check that training normalises by the statistics of the batch and moves the running estimates.
#
# </details>


# %% tags=["provided"]
def accuracy(network, images, labels):
    """Share of the images whose largest score, in evaluation mode, is that of the label."""
    return float(np.mean(network.logits(images, False).argmax(axis=1) == labels))


def train(dropout_p, batch_norm, learning_rate, seed, epochs=60, start=1.0):
    """A network trained on the digits in mini-batches of 30. Returns it and its history, a row for every other epoch.

    start: factor on the starting weights. History: epoch, accuracy in training (on the labels as given) and on the test
    images, share of the wrong labels that are reproduced.
    """
    (images, labels), (others, truths) = digit_images()
    rng = np.random.default_rng(seed)
    network = make_network((64, 128, 128, 10), dropout_p, batch_norm, rng)
    if start != 1.0:
        for layer in network.layers:
            layer["W"] *= start
    history = []
    with np.errstate(all="ignore"):  # some runs are meant to break
        for epoch in range(1, epochs + 1):
            for rows in minibatches(len(images), 30, rng):
                network.train_step(images[rows], labels[rows], learning_rate)
            if epoch % 2 == 0:
                sets = ((images, labels), (others, truths), (images[::5], labels[::5]))
                history.append((epoch, *(accuracy(network, *one) for one in sets)))
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
        f"{name:10}  training {history[-1, 1]:.3f}  test {history[-1, 2]:.3f}  wrong labels {history[-1, 3]:.3f}"
        f"  (best test on the way {best[2]:.3f}, epoch {best[0]:.0f})"
    )
regularisation_plots.accuracy_panels({name: histories[name] for name in ("plain", "dropout")}, line=0.8)

# %% [markdown]
# The thin line at 0.8 is the share of training labels that are correct. Any training accuracy above this line means
# that wrong labels have been memorised.
#
# The plain network, on the left, learns the rule before the exceptions. With each of the six seeds that we tried, its
# test accuracy was best, at about 0.9, within the first twelve epochs. After ten epochs it reproduced 7 to 17% of the
# wrong labels; after sixty it reproduced 87% or more, and the test accuracy had fallen to about 0.8. That is
# **overfitting**. The jumps on the way are steps that went too far: for this network a learning rate of 0.3 is near the
# limit.
#
# The network with dropout, on the right, reproduced 23 to 32% of the wrong labels after sixty epochs, and its test
# accuracy ended between 0.86 and 0.91. In most epochs its test accuracy is higher than its training accuracy, because
# it does not accept the wrong labels. Section 8 comes back to the third network, which trained at another rate.

# %% id="check_networks" tags=["question"] points=1
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
checks.passed("networks", "the plain one overfits, dropout prevents it, batch norm trains at a rate of 2")

# %% [markdown]
# **How much dropout?** The next cell trains plain networks and networks with three rates of dropout, each from three
# seeds, for sixty epochs. Points are means, bars reach from the lowest to the highest of the three. Expect the best
# test accuracy at $p = 0.5$. At $p = 0.8$ the network learns few wrong labels, and in this time only half of the
# others.

# %%
seeds, epochs = (range(1) if course.grading else range(1, 4)), (4 if course.grading else 60)
ends = {p: np.array([train(p, False, 0.3, seed, epochs)[1][-1, 1:] for seed in seeds]) for p in (0.0, 0.2, 0.5, 0.8)}
names = ("training, labels as given", "test", "wrong labels reproduced")
regularisation_plots.spread(
    {name: {p: end[:, k] for p, end in ends.items()} for k, name in enumerate(names)},
    "dropout p",
    "share of the labels",
)

# %% [markdown]
# **An average of thinned networks.** Each mask leaves another, thinner network, and all of them share their weights.
# The cell below asks the trained network with dropout in *training* mode, up to 100 times, and averages the
# probabilities. One thinned network alone does poorly. The average of a hundred answers about as many test images
# correctly as evaluation mode does in a single pass: over five seeds the two differed by 0.7 percentage points at most.
# This is the second explanation in the abstract of Srivastava et al.


# %%
def probabilities(scores):
    """Softmax of each row."""
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


thinned = np.array([probabilities(networks["dropout"].logits(test_images, True)) for _ in range(100)])
counts = [1, 2, 3, 5, 10, 20, 50, 100]
averaged = [np.mean(thinned[:count].mean(axis=0).argmax(axis=1) == test_labels) for count in counts]
alone = np.mean(thinned.argmax(axis=2) == test_labels, axis=1)
print(f"100 thinned networks, each alone: test accuracy {alone.min():.3f} to {alone.max():.3f}")
plots.curves(
    {"average of thinned networks": (counts, averaged)},
    x_label="thinned networks in the average",
    y_label="test accuracy",
    levels={"evaluation mode": accuracy(networks["dropout"], test_images, test_labels)},
    log_x=True,
)

# %% [markdown]
# ## 8. What batch normalisation gives (1 point, about 13 minutes)
#
# How sensitive is training to the learning rate, and to the size of the starting weights? The cell below changes one of
# the two at a time and trains each network for twelve epochs only: at the left seven learning rates, at the right seven
# factors on all starting weights, at a rate of 0.1. Each point is the mean of three seeds, the bars reach from the
# lowest to the highest. Memorised labels count as correct here; the only question is whether the network trains at all.

# %%
seeds, epochs = (range(1) if course.grading else range(1, 4)), (2 if course.grading else 12)
sweep = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
kinds = {"plain": False, "batch norm": True}
by_rate = {
    name: {rate: np.array([train(0.0, norm, rate, seed, epochs)[1][-1, 1] for seed in seeds]) for rate in sweep}
    for name, norm in kinds.items()
}
starts = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
by_start = {
    name: {
        start: np.array([train(0.0, norm, 0.1, seed, epochs, start)[1][-1, 1] for seed in seeds]) for start in starts
    }
    for name, norm in kinds.items()
}
_, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
regularisation_plots.spread(by_rate, "learning rate", "training accuracy", axes=left, log=True)
regularisation_plots.spread(by_start, "factor on the starting weights", "training accuracy", axes=right, log=True)
plt.show()

# %% [markdown]
# Take a training accuracy of 0.7 as the mark. With each of the five seeds that we tried the plain network passed it at
# the rates 0.03, 0.1 and 0.3, and the network with batch norm at all but the lowest and the highest, from 0.03 to 3. At
# their best rate of 0.3 the plain one had reached 0.73 to 0.83, batch norm 0.99. At the right, the plain network passed
# the mark with the weights of He et al. and with three times these, which here is even better than batch norm (0.91 to
# 0.96 against 0.86 to 0.89). With smaller or larger ones it failed; batch norm passed from a factor of 0.03 to one of
# 10.
#
# Why do the starting weights matter so little to batch norm? Look at the activations. The next cell sends the training
# images through networks of six hidden layers at their start, without training, and shows the standard deviation of
# what leaves each layer. The biases are 0, so without batch norm a factor of 3 on the weights is a factor of 3 at every
# layer, and activations grow or shrink exponentially with depth. Batch norm divides the factor out again at every
# hidden layer. (The last layer has no batch norm and keeps its factor, which is why the curve at the right falls in the
# end.)


# %%
def spreads(norm, start):
    """Standard deviation of what leaves each of six hidden layers, for the training images and weights times start."""
    network = make_network((64, *[128] * 6, 10), 0.0, norm, np.random.default_rng(0))
    h, deviations = train_images, []
    for layer in network.layers[:-1]:
        h = h @ (start * layer["W"])
        if norm:
            h, _ = batch_norm_forward(h, np.ones(128), np.zeros(128), np.zeros(128), np.ones(128), 0.1, 1e-5, True)
        h = np.maximum(h, 0)
        deviations.append(h.std())
    return np.array(deviations)


lines = {f"plain, weights times {start:g}": spreads(False, start) for start in (3.0, 1.0, 0.3)}
lines["batch norm, any of the three"] = spreads(True, 1.0)
plots.curves(lines, x_label="hidden layer", y_label="standard deviation of activations", log=True)
apart = max(np.abs(spreads(True, start) - spreads(True, 1.0)).max() for start in (0.3, 3.0))
print(f"with batch norm the three factors differ by {apart:.4f} at most")

# %% [markdown]
# Faster training is not better generalisation: a network that reaches 0.99 in training has memorised wrong labels. The
# last cell of this section puts both layers together, at a learning rate of 2. The plain network and the one with
# dropout alone end by giving one constant answer, so their lines show chance. Over the five seeds that we tried batch
# norm alone reproduced nearly all wrong labels; with dropout 0.5 behind it, the training accuracy ended between 0.76
# and 0.86 and the test accuracy between 0.79 and 0.88.

# %%
print(f"learning rate 2{'':22}  training        test            wrong labels")
for name, p, norm in (
    ("plain", 0.0, False),
    ("dropout 0.5", 0.5, False),
    ("batch norm", 0.0, True),
    ("batch norm and dropout 0.5", 0.5, True),
):
    ends = np.array([train(p, norm, 2.0, seed, 2 if course.grading else 60)[1][-1, 1:] for seed in seeds])
    ranges = (f"{low:.2f} to {high:.2f}" for low, high in zip(ends.min(axis=0), ends.max(axis=0), strict=True))
    print(f"{name:37}", "    ".join(ranges))
print(f"{'chance: one constant answer':37} 0.07 to 0.12    0.09 to 0.10    0.05 to 0.23")

# %% [markdown] id="why_evaluation_mode" tags=["written"] points=1
# **What goes wrong without evaluation mode? (1 point, about 5 minutes)** A trained network with both layers is tested
# in training mode by mistake: first on all 1497 test images in one batch, then on one image at a time. Say for dropout
# and for batch norm what goes wrong, and in which of the two tests you would notice.
#
# ### BEGIN SOLUTION
# Dropout throws away a random part of the units: answers are noisy, worse on average, and different at each call, in
# both tests. Batch norm normalises with the test batch's own statistics. With 1497 images these are close to the
# running estimates, so the numbers look right; but the answer for an image depends on which others are in the batch,
# and the running estimates take in test data. With one image the variance is 0 and our function raises a ValueError
# (a network that normalised anyway would see nothing of the image: every centred value is 0).
#
# Rubric:
#
# - 0.5: dropout (random, worse answers in both tests)
# - 0.5: batch norm (dependence on the other rows or moved estimates, hardly visible in the large batch, and failure on
#   a single row)
# ### END SOLUTION

# %% [markdown]
# ## 9. Counting what is learnt (1 point, about 5 minutes)
#
# How large is a model? Several assignments of this course come back to that. The answer is the number of its
# **trainable parameters**: the single numbers that gradient descent may change. The running estimates do not count
# (torch calls such tensors *buffers*), nor do parameters that were frozen by `requires_grad = False`. A tensor that is
# used in two places is learnt once and counts once. A model in torch is an `nn.Module`, which may hold further modules.
# Its arrays are tensors, and `tensor.numel()` says how many numbers one holds.
#
# `nn.Linear(64, 128)` has $64 \cdot 128 + 128 = 8320$ parameters. `nn.BatchNorm1d(128)` has 256, and keeps 257 more
# numbers in buffers: 128 means, 128 variances, and a counter of batches. Once the check passes, it prints the count for
# the networks of the experiment, in torch; dropout adds none.
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
nested = nn.Sequential(nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 2))), nn.Linear(2, 2))
checks.equal("count_parameters of layers inside of layers", count_parameters(nested), 32)
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
# ## 10. In evaluation, batch norm is a linear layer (2 points, about 10 minutes)
#
# With constants for mean and variance, batch norm only multiplies and adds. So does the linear layer $z = x W + b$
# before it, so the two can be folded into one, $y = x W' + b'$, and batch norm costs nothing in evaluation. Programs
# that serve trained models do this. Put $z = x W + b$ into the evaluation formula of batch norm (section 4),
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
# The next cell compares two layers with one, on five random rows. Expect a difference of about 1e-15.

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
# ## What to remember
#
# - Dropout drops with probability $p$ and divides by $1 - p$, in training only.
# - Batch norm normalises by the batch in training and by running estimates in evaluation; its gradient goes through
#   mean and variance as well.
# - Both make two modes necessary, in torch `model.train()` and `model.eval()`. If you forget the second, you usually
#   get no error, only wrong numbers.
# - A large gap between training and test accuracy is the sign of overfitting. Dropout narrows it; batch norm does not,
#   but it makes training work over a wide range of learning rates and starting weights.
#
# The recurrent language models of this course use dropout on all connections but the recurrent ones (Zaremba et al.,
# 2014), and no batch norm: it would need different statistics at each step of a sequence, and a longer sequence has
# steps for which there are none (Ba et al., 2016). You will meet dropout again in assignment 5.

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
