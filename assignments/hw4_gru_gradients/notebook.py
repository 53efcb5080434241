# %% [markdown]
# # Deriving the gradients of a GRU
#
# A gated recurrent unit (GRU) carries a state from step to step. One gate decides how much of the old state is kept,
# another how much of it the unit reads when it proposes a new one. Deep learning frameworks give you the gradient of
# such a unit for free. In this notebook you earn it: you write one step forwards, derive the same step backwards on
# paper, write it in numpy, and chain it through a whole sequence.
#
# Two judges check your gradients, central differences and torch. Neither may compute them for you: in sections 1 to 6 a
# function that calls torch, scipy or scikit-learn, or that takes differences of a loss, earns nothing.
#
# **After this notebook you can**
#
# - compute a GRU step from its equations and say what each gate does;
# - derive the gradient of any small network by finding every place where a variable is used;
# - write a backward pass through all steps of a sequence, and say what is lost when it stops after one step;
# - check a gradient with central differences, and with `torch.autograd` without having torch derive it;
# - say how far a gradient travels through a GRU, and along which path;
# - tell the two common variants of the GRU apart, and say when they agree;
# - compare what a GRU and an LSTM cost, and say how you would decide between them.
#
# **You need** numpy, the chain rule, and the recurrent networks of the earlier notebooks. Plan about 180 minutes,
# reading included. There are 28 points: 23 by the graded cells, 5 by three short written answers.
#
# The rows of an array are examples throughout: `x` is (batch, input), a weight is (input, hidden), and a layer computes
# `x @ W + b`. All arrays are float64, because the difference of two nearly equal numbers loses many digits.

# %% tags=["provided"]
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from utils import checks, diagrams
from utils.gradients import agree, pairs, scatter
from utils.knobs import knob

NAMES = ("W_xz", "W_hz", "b_z", "W_xr", "W_hr", "b_r", "W_xg", "W_hg", "b_g")


def sigmoid(a):
    """The logistic function 1 / (1 + exp(-a)), entry by entry, without overflow for any a."""
    return 0.5 * (1 + np.tanh(0.5 * a))


def random_parameters(input_size, hidden_size, rng, scale=0.5):
    """The nine arrays of a GRU with normal entries. W_x*: (input, hidden), W_h*: (hidden, hidden), b_*: (hidden,)."""
    shapes = {"W_x": (input_size, hidden_size), "W_h": (hidden_size, hidden_size), "b_": (hidden_size,)}
    return {name: scale * rng.standard_normal(shapes[name[:-1]]) for name in NAMES}


# %% [markdown]
# ## 1. One step forward (3 points, about 14 minutes)
#
# At every step a plain recurrent network replaces its whole state with a new one. A GRU (Cho et al. 2014) computes a
# *candidate* $g$ and mixes it with the old state: the *update gate* $z$ says, unit by unit, how much of the old state
# stays.
#
# $$z = \sigma(x W_{xz} + h W_{hz} + b_z) \qquad r = \sigma(x W_{xr} + h W_{hr} + b_r)$$
# $$g = \tanh(x W_{xg} + (r \odot h) W_{hg} + b_g) \qquad h' = z \odot h + (1 - z) \odot g$$
#
# Here $\sigma$ is the logistic function (`sigmoid` above) and $\odot$ is the product entry by entry. The *reset gate*
# $r$ scales the old state down before the candidate reads it.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $x$ | `x` | (batch, input) |
# | $h$, $h'$ | `h`, `h_next` | (batch, hidden) |
# | $W_{xz}, W_{xr}, W_{xg}$ | `params["W_xz"]`, ... | (input, hidden) |
# | $W_{hz}, W_{hr}, W_{hg}$ | `params["W_hz"]`, ... | (hidden, hidden) |
# | $b_z, b_r, b_g$ | `params["b_z"]`, ... | (hidden,) |
#
# The function also returns a `cache` with everything that your backward step will need in section 3. What you store in
# it is up to you; only your `gru_cell_backward` reads it.
#
# The next cell draws the step. A dot is a junction; lines that cross without a dot do not touch.
#
# <details><summary>Hint</summary>
#
# Write one line for each of the four equations, in the order z, r, g, h'. Watch the brackets of
# $(r \odot h) W_{hg}$. In Python `*` and `@` have the same precedence and are evaluated from left to right, so
# `r * h @ W` happens to be correct, but `r * (h @ W)` is a different function. A cache of `x, h, z, r, g, params` is
# enough for the backward step.
# </details>

# %%
diagrams.draw_gru()


# %% id="gru_cell" tags=["solution"]
def gru_cell(x, h, params):
    """One step of a GRU. x: (batch, input), h: (batch, hidden), params: dict of the nine arrays of NAMES.

    Returns h_next (batch, hidden) and a cache for `gru_cell_backward`. The arguments are left as they were.
    """
    ### BEGIN SOLUTION
    z = sigmoid(x @ params["W_xz"] + h @ params["W_hz"] + params["b_z"])
    r = sigmoid(x @ params["W_xr"] + h @ params["W_hr"] + params["b_r"])
    g = np.tanh(x @ params["W_xg"] + (r * h) @ params["W_hg"] + params["b_g"])
    h_next = z * h + (1 - z) * g
    return h_next, (x, h, z, r, g, params)
    ### END SOLUTION


# %% [markdown]
# Look at the function before you check it. You can predict two results without a computer. When all parameters are
# zero, both gates are 1/2 and the candidate is 0, so $h' = h / 2$. When $b_z$ moves from far below zero to far above
# it, $h'$ moves from the candidate $g$ to the old state $h$. The cell prints the first result and draws the second for
# one unit.

# %%
rng = np.random.default_rng(1)
x, h = rng.standard_normal((1, 5)), np.array([[0.8, -0.3, 0.5, -0.6]])
zeros = {name: np.zeros_like(array) for name, array in random_parameters(5, 4, rng).items()}
print("all parameters zero: h' / h =", gru_cell(x, h, zeros)[0] / h)

params = random_parameters(5, 4, rng)
biases = np.linspace(-8, 8, 33)
moved = [gru_cell(x, h, params | {"b_z": np.full(4, bias)})[0][0, 0] for bias in biases]
_, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.plot(biases, moved, "-o", markersize=3, label="$h'$")
axes.axhline(h[0, 0], color="0.4", linestyle="--", linewidth=1, label="old state $h$")
candidate = gru_cell(x, h, params | {"b_z": np.full(4, -60.0)})[0][0, 0]  # with z = 0
axes.axhline(candidate, color="0.4", linestyle=":", linewidth=1.5, label="candidate $g$")
axes.set(xlabel="bias $b_z$ of the update gate", ylabel="state of unit 0")
axes.legend()
plt.show()

# %% id="check_gru_cell" tags=["question"] points=3
"""One step on a small example worked out beforehand, with an update gate that keeps all, and against torch."""
shapes = [(3, 2), (2, 2), (2,)] * 3
fixed = {
    name: np.cos(np.arange(np.prod(shape)) + k).reshape(shape)
    for k, (name, shape) in enumerate(zip(NAMES, shapes, strict=True))
}
x, h = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, -0.5]]), np.array([[0.5, -1.0], [2.0, 0.25]])
arguments = {"x": x.copy(), "h": h.copy(), **{name: array.copy() for name, array in fixed.items()}}
result = gru_cell(x, h, fixed)
checks.true(isinstance(result, (tuple, list)) and len(result) == 2, "gru_cell should return h_next and a cache")
h_next, _ = result
checks.close(
    "gru_cell(x, h, params)",
    h_next,
    np.array([[0.0413453256, -0.6752879937], [1.3060208768, -0.9191112610]]),
    slips={
        "with z on the candidate and 1 - z on the old state": np.array(
            [[-0.2213713054, 0.1714345426], [1.0369777628, 0.1982472035]]
        ),
        "with the reset after the matrix product, r * (h @ W_hg)": np.array(
            [[0.0856272967, -0.6728581209], [1.3574347061, -0.9277671989]]
        ),
        "without the reset, with h in place of r * h": np.array(
            [[0.3405553496, -0.6053363488], [1.5339360023, -0.9288816655]]
        ),
    },
    shape="(batch, hidden_size)",
)
for name, before in arguments.items():
    checks.unchanged(name, {"x": x, "h": h, **fixed}[name], before)
keep, _ = gru_cell(x, h, fixed | {"b_z": np.full(2, 60.0)})
checks.close("gru_cell with b_z = 60, where all is kept,", keep, h)

# with W_hg diagonal the reset may as well come after the product, and then torch.nn.GRUCell is the same function
diagonal = fixed | {"W_hg": np.diag([0.7, -1.1])}
judge = nn.GRUCell(3, 2, dtype=torch.float64)
with torch.no_grad():
    judge.weight_ih.copy_(torch.from_numpy(np.concatenate([diagonal[f"W_x{gate}"].T for gate in "rzg"])))
    judge.weight_hh.copy_(torch.from_numpy(np.concatenate([diagonal[f"W_h{gate}"].T for gate in "rzg"])))
    judge.bias_ih.copy_(torch.from_numpy(np.concatenate([diagonal[f"b_{gate}"] for gate in "rzg"])))
    judge.bias_hh.zero_()
    by_torch = judge(torch.from_numpy(x), torch.from_numpy(h)).numpy()
checks.close("gru_cell with a diagonal W_hg, against torch.nn.GRUCell,", gru_cell(x, h, diagonal)[0], by_torch)
checks.passed("gru_cell", "the worked example, an update gate that keeps all, and torch agree")

# %% [markdown]
# ## 2. The derivative of a gate (1 point, about 4 minutes)
#
# The backward step needs the derivative of $\sigma$ at every gate. With $s = \sigma(a) = 1 / (1 + e^{-a})$,
#
# $$\frac{ds}{da} = \frac{e^{-a}}{(1 + e^{-a})^2} = \frac{1}{1 + e^{-a}} \cdot \frac{e^{-a}}{1 + e^{-a}}.$$
#
# The first factor is $s$. Write the second factor in terms of $s$ too, and you never need $a$ again: the *output* of
# the gate, which the cache holds anyway, is enough. Your function takes $s$.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $s = \sigma(a)$ | `s` | any |
# | $ds/da$ | result | as `s` |
#
# A common slip is to use the derivative of the other squashing function, which is $1 - g^2$ for $g = \tanh(a)$. Expect
# 0.25 in the middle, at $s = 1/2$, and 0 at both ends.
#
# <details><summary>Hint</summary>
#
# $\dfrac{e^{-a}}{1 + e^{-a}} = \dfrac{(1 + e^{-a}) - 1}{1 + e^{-a}}$.
# </details>


# %% id="sigmoid_derivative" tags=["solution"]
def sigmoid_derivative(s):
    """Derivative of the logistic function in terms of its output s = sigmoid(a), entry by entry."""
    ### BEGIN SOLUTION
    return s * (1 - s)
    ### END SOLUTION


# %% [markdown]
# The picture shows the two derivatives as functions of the input $a$. That of $\tanh$ reaches 1, that of $\sigma$ only
# 1/4. Both vanish where the function saturates. The third line is the slip.

# %%
a = np.linspace(-6, 6, 121)
slope = sigmoid_derivative(sigmoid(a))
_, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.plot(a, slope, "-", label="your derivative of $\\sigma(a)$")
axes.plot(a, 1 - np.tanh(a) ** 2, "--", label="$1 - g^2$, of $g = \\tanh(a)$")
axes.plot(a, 1 - sigmoid(a) ** 2, ":", label="the slip: $1 - s^2$ of $s = \\sigma(a)$")
axes.set(xlabel="$a$", ylabel="derivative")
axes.legend()
plt.show()

# %% id="check_sigmoid_derivative" tags=["question"] points=1
"""The slope of the logistic function: at the middle, at the ends, and by differences on a grid."""
checks.close(
    "sigmoid_derivative at 0, 1/2 and 1",
    sigmoid_derivative(np.array([0.0, 0.5, 1.0])),
    np.array([0.0, 0.25, 0.0]),
    slips={
        "for tanh, 1 - s^2, in place of the logistic function": np.array([1.0, 0.75, 0.0]),
        "when s is taken for a: s is sigmoid(a) already": sigmoid(np.array([0, 0.5, 1]))
        * sigmoid(-np.array([0, 0.5, 1])),
    },
)
a = np.linspace(-5, 5, 21).reshape(3, 7)
slopes = (sigmoid(a + 1e-5) - sigmoid(a - 1e-5)) / 2e-5
checks.close("sigmoid_derivative(sigmoid(a))", sigmoid_derivative(sigmoid(a)), slopes, relative=1e-6)
checks.passed("sigmoid_derivative", "0.25 in the middle, 0 at both ends, right on a grid of 21 points")

# %% [markdown]
# ## 3. One step back (7 points, about 50 minutes)
#
# Suppose we are given $D = \partial L / \partial h'$: how the loss $L$ changes with the new state. We want the same for
# every input of the step: $x$, $h$ and nine parameters. Write $\bar u$ for $\partial L / \partial u$, an array of the
# shape of $u$. Five rules are enough.
#
# | rule | forward | backward |
# | --- | --- | --- |
# | sum | $y = u + v$ | $\bar u = \bar y$, $\bar v = \bar y$ |
# | product by entries | $y = u \odot v$ | $\bar u = \bar y \odot v$, $\bar v = \bar y \odot u$ |
# | function by entries | $y = f(a)$ | $\bar a = \bar y \odot f'(a)$ |
# | matrix product | $Y = U W$ | $\bar U = \bar Y W^\top$, $\bar W = U^\top \bar Y$ |
# | used more than once | $u$ stands in several places | $\bar u$ is the sum over these places |
#
# The matrix rule follows from the other rules, applied to $Y_{ij} = \sum_k U_{ik} W_{kj}$. The entry $U_{ik}$ stands in
# $Y_{i1}, Y_{i2}, \dots$, each time with the factor $W_{kj}$, so $\bar U_{ik} = \sum_j \bar Y_{ij} W_{kj}$. In the
# same way $\bar W_{kj} = \sum_i U_{ik} \bar Y_{ij}$, which is a sum over the examples. A bias is added to each row of
# the batch, so it is used once per example and its gradient is the sum over the rows. For weights and biases alike it
# is a sum and not a mean.
#
# **From the output to the gates.** In $h' = z \odot h + (1 - z) \odot g$ the product rule gives the candidate and the
# direct use of $h$:
#
# $$\bar g = D \odot (1 - z) \qquad \text{and, to } h \text{ directly, } D \odot z$$
#
# Derive $\bar z$ yourself. The gate $z$ stands in two places, so take the contribution of each place and add the two.
#
# **Through the squashing functions.** Let $a_z, a_r, a_g$ be the arguments of $\sigma$, $\sigma$ and $\tanh$. In terms
# of the outputs,
#
# $$\bar a_g = \bar g \odot (1 - g \odot g)$$
# $$\bar a_z = \bar z \odot \sigma'(a_z) \qquad \bar a_r = \bar r \odot \sigma'(a_r)$$
#
# and your `sigmoid_derivative` computes $\sigma'$ from $z$ and $r$. Only $\bar r$ is still missing.
#
# **Through the reset.** Call $q = r \odot h$, so that $a_g = x W_{xg} + q W_{hg} + b_g$. The matrix rule gives $\bar q$
# from $\bar a_g$. Then $q = r \odot h$ is a product by entries: it yields $\bar r$, *and* one more contribution to
# $\bar h$. Derive this line yourself too. Keep the order: first the matrix product, then the product by entries.
#
# **To the weights.** Each of $a_z$, $a_r$ and $a_g$ is a sum of terms (something) $W$ and a bias, so the gradient of a
# weight is (something)$^\top$ times $\bar a$. For two of the weights $W_{h\cdot}$ that something is $h$. For which one
# is it not?
#
# **To the inputs.** Count the places. The state $h$ is used four times, the input $x$ three times:
#
# | path | leads to | comes through |
# | --- | --- | --- |
# | 1 | $h$ | $h' = z \odot h + \dots$ directly |
# | 2 | $h$ | the update gate, $h W_{hz}$ |
# | 3 | $h$ | the reset gate, $h W_{hr}$ |
# | 4 | $h$ | the reset state, $q = r \odot h$ |
# | a, b, c | $x$ | $x W_{xz}$, $x W_{xr}$, $x W_{xg}$ |
#
# The drawing below shows these paths: it is the step of section 1, walked backwards. Put the pieces together. In code:
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $D = \partial L / \partial h'$ | `dh_next` | (batch, hidden) |
# | $\bar x$ | `dx` | (batch, input) |
# | $\bar h$ | `dh` | (batch, hidden) |
# | $\bar W_{xz}$, ..., $\bar b_g$ | `gradients["W_xz"]`, ... | as the parameter of that name |
#
# Since $W_{hz}$, $W_{hr}$ and $W_{hg}$ are square, a forgotten transposition raises no error. The shapes will not warn
# you; the differences will.
#
# <details><summary>Hint</summary>
#
# Keep one line per arrow of the drawing, from right to left: `dz`, `dg`; `da_z`, `da_g`; then through `W_hg` to `dq`;
# from `dq` to `dr` and to path 4; `da_r`; then the sums for `dx` and `dh`; the weights last. For `dz`, call the two
# factors $u = z$ and $v = 1 - z$: what does each of them receive, and which way does $v$ move when $z$ grows?
# If only the update gate's arrays are wrong among the nine parameters, look at `dz`; if only the reset gate's are
# wrong, look at `dr`; if only the update gate's are right, look at `dg` and `da_g`. `(da_g @ W_hg.T) * h` is not
# `(da_g * h) @ W_hg.T`.
# </details>

# %%
diagrams.draw_gru(gradients=True)


# %% id="gru_cell_backward" tags=["solution"]
def gru_cell_backward(dh_next, cache):
    """Gradients of one GRU step. dh_next: (batch, hidden), the loss's gradient at h_next; cache: from `gru_cell`.

    Returns dx (batch, input), dh (batch, hidden) and a dict with the names and shapes of the parameters.
    """
    ### BEGIN SOLUTION
    x, h, z, r, g, params = cache
    dz = dh_next * (h - g)
    dg = dh_next * (1 - z)
    da_z = dz * sigmoid_derivative(z)
    da_g = dg * (1 - g**2)
    dq = da_g @ params["W_hg"].T
    dr = dq * h
    da_r = dr * sigmoid_derivative(r)
    dx = da_z @ params["W_xz"].T + da_r @ params["W_xr"].T + da_g @ params["W_xg"].T
    dh = dh_next * z  # path 1
    dh = dh + da_z @ params["W_hz"].T  # path 2
    dh = dh + da_r @ params["W_hr"].T  # path 3
    dh = dh + dq * r  # path 4
    gradients = {}
    for gate, da, state in (("z", da_z, h), ("r", da_r, h), ("g", da_g, r * h)):
        gradients[f"W_x{gate}"] = x.T @ da
        gradients[f"W_h{gate}"] = state.T @ da
        gradients[f"b_{gate}"] = da.sum(axis=0)
    return dx, dh, gradients
    ### END SOLUTION


# %% [markdown]
# The next cell sets up the two judges.
#
# - `step_pairs` uses central differences. The loss of the test is $L = \sum D \odot h'$ with a fixed random $D$, so
#   that $\partial L / \partial h'$ is $D$ itself. A few randomly chosen entries of each array are moved by $10^{-5}$ to
#   either side, and $(L_+ - L_-) / (2 \cdot 10^{-5})$ is compared with your gradient.
# - `TorchStep` gives torch your two functions as one operation with a forward and a backward part. Torch never sees
#   your equations: its `gradcheck` differentiates the forward part numerically, entry by entry, and compares the result
#   with your backward part. In section 5 torch will chain several of these operations.


# %% tags=["provided"]
def step_pairs(x, h, params, D, rng, entries=6):
    """Your gradients of L = sum(D * h_next) beside central differences, for x, h and the nine parameters."""
    dx, dh, gradients = gru_cell_backward(D, gru_cell(x, h, params)[1])
    arrays = {"x": x, "h": h, **params}
    return pairs(lambda: np.sum(D * gru_cell(x, h, params)[0]), arrays, {"x": dx, "h": dh, **gradients}, rng, entries)


class TorchStep(torch.autograd.Function):
    """Your own step as one operation of torch: forward by `gru_cell`, backward by `gru_cell_backward`.

    Called as TorchStep.apply(x, h, *weights), the nine weights in the order of NAMES.
    """

    @staticmethod
    def forward(ctx, x, h, *weights):
        params = {name: weight.detach().numpy() for name, weight in zip(NAMES, weights, strict=True)}
        h_next, ctx.cache = gru_cell(x.detach().numpy(), h.detach().numpy(), params)
        return torch.from_numpy(h_next)

    @staticmethod
    def backward(ctx, dh_next):
        dx, dh, gradients = gru_cell_backward(dh_next.numpy(), ctx.cache)
        return tuple(torch.from_numpy(array) for array in (dx, dh, *(gradients[name] for name in NAMES)))


# %% [markdown]
# Look at the differences before you check your function. All points belong on the diagonal, and all errors left of the
# dashed line. If a single array is off, look at its line in your code; if only `h` is off, you have missed a path or a
# transposition of $W_{hz}$ or $W_{hr}$.
# Expect relative errors between 1e-11 and 1e-8.

# %%
rng = np.random.default_rng(2)
x, h, D = rng.standard_normal((3, 5)), rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
scatter(step_pairs(x, h, random_parameters(5, 4, rng), D, rng), title="one step back")

# %% id="check_gru_cell_backward" tags=["question"] points=7
"""One step back agrees with central differences and with torch's own gradient check, and leaves all as it was."""
rng = np.random.default_rng(3)
x, h, D = rng.standard_normal((2, 3)), rng.standard_normal((2, 4)), rng.standard_normal((2, 4))
params = random_parameters(3, 4, rng)

# with all matrices zero nothing but the direct path leads from h' to h
biases = {name: array if name.startswith("b_") else np.zeros_like(array) for name, array in params.items()}
given = D.copy()
_, dh, _ = gru_cell_backward(D, gru_cell(x, h, biases)[1])
checks.unchanged("dh_next", D, given)
checks.close(
    "dh with all matrices zero",
    dh,
    D * sigmoid(params["b_z"]),
    slips={"when the direct path from h' to h is forgotten": np.zeros_like(h)},
    shape="(batch, hidden_size)",
)

# with the reset gate at 1/2 everywhere, h in place of r * h makes dW_hg exactly twice as large
half = params | {name: np.zeros_like(params[name]) for name in ("W_xr", "W_hr", "b_r")}
analytic, numeric = step_pairs(x, h, half, D, rng)["W_hg"]
checks.true(
    not np.allclose(analytic, 2 * numeric, rtol=1e-6),
    "dW_hg is what comes out with h in place of r * h: look at what is multiplied by W_hg in the forward step",
)

# with W_hg diagonal, neither its transposition nor the order of the reset and the product matters, except in dW_hg
diagonal = params | {"W_hg": np.diag(np.diag(params["W_hg"]))}
compared, simple = (step_pairs(x, h, weights, D, rng, entries=8) for weights in (params, diagonal))
right, right_if_diagonal = (
    all(np.allclose(*both, rtol=1e-6, atol=1e-9) for name, both in arrays.items() if name != "W_hg")
    for arrays in (compared, simple)
)
checks.true(
    right or not right_if_diagonal,
    "the gradients are right where W_hg is diagonal and wrong where it is not: look at the way back through W_hg, at"
    " the transposition and at the order of the matrix product and the reset",
)
largest = agree(compared)

_, cache = gru_cell(x, h, params)
once, twice = gru_cell_backward(D, cache), gru_cell_backward(D, cache)
checks.equal("gru_cell_backward, called a second time with the same cache,", twice, once)

leaves = [torch.from_numpy(array).requires_grad_() for array in (x, h, *(params[name] for name in NAMES))]
checks.true(
    torch.autograd.gradcheck(TorchStep.apply, leaves, eps=1e-6, atol=1e-7, rtol=1e-5, raise_exception=False),
    "torch.autograd.gradcheck does not accept gru_cell_backward as the derivative of gru_cell",
)
checks.passed("gru_cell_backward", f"eleven gradients, largest relative error {largest:.1e}; torch's gradcheck agrees")

# %% [markdown]
# ## 4. The loss of a sequence (2 points, about 7 minutes)
#
# Now we take many steps. The state starts at $h_0$ and goes from step to step, and each step has a target $y_t$ for its
# new state:
#
# $$h_t = \mathrm{GRU}(x_t, h_{t-1}), \qquad L_t = \tfrac12 \sum_{\text{batch, units}} (h_t - y_t)^2$$
# $$L = \sum_{t=1}^{T} L_t$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $x_1 \dots x_T$ | `xs` | (steps, batch, input) |
# | $y_1 \dots y_T$ | `targets` | (steps, batch, hidden) |
# | $h_0$ | `h0` | (batch, hidden) |
# | $L$ | result | a number |
#
# The loss is a sum over steps, batch and units, not a mean. The factor 1/2 makes $\partial L_t / \partial h_t$ simply
# $h_t - y_t$. Expect exactly `targets.size / 2` when every target is off by one.
#
# <details><summary>Hint</summary>
#
# Loop over `zip(xs, targets)` and call `gru_cell` once in the loop. The state that it returns goes into the next call.
# </details>


# %% id="gru_loss" tags=["solution"]
def gru_loss(xs, targets, h0, params):
    """Half the squared differences between states and targets, summed over steps, batch and units: a number.

    xs: (steps, batch, input), targets: (steps, batch, hidden), h0: (batch, hidden).
    """
    ### BEGIN SOLUTION
    loss, h = 0.0, h0
    for x, y in zip(xs, targets, strict=True):
        h, _ = gru_cell(x, h, params)
        loss += 0.5 * np.sum((h - y) ** 2)
    return loss
    ### END SOLUTION


# %% [markdown]
# We need a small task to look at. In the *echo* task the first input is a pattern, all later inputs are noise, and the
# target of every step is the pattern. A GRU that has not learnt anything does worse than one that always answers 0:
# here its loss is 121.67, against 90.00.


# %%
def echo(steps, batch, size, rng):
    """The echo task: xs (steps, batch, size), a pattern and then noise; targets: the pattern at every step."""
    xs = 0.5 * rng.standard_normal((steps, batch, size))
    xs[0] = rng.choice([-0.5, 0.5], size=(batch, size))
    return xs, np.repeat(xs[:1], steps, axis=0)


rng = np.random.default_rng(4)
xs, targets = echo(12, 20, 3, rng)
h0, params = np.zeros((20, 3)), random_parameters(3, 3, rng)
so_far = [gru_loss(xs[:steps], targets[:steps], h0, params) for steps in range(1, 13)]
print(f"loss {so_far[-1]:.2f} over 12 steps; always answering 0 would cost {0.5 * np.sum(targets**2):.2f}")
_, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.bar(np.arange(1, 13), np.diff(so_far, prepend=0.0), color="0.8", edgecolor="0.2", hatch="//")
axes.axhline(0.5 * np.sum(targets[0] ** 2), color="0.3", linestyle="--", label="always answering 0")
axes.set(xlabel="step $t$", ylabel="loss of the step, $L_t$")
axes.legend()
plt.show()

# %% id="check_gru_loss" tags=["question"] points=2
"""The loss of targets that are off by a known amount, at one step and at several, and the state is carried."""
rng = np.random.default_rng(5)
xs, h0, params = rng.standard_normal((4, 2, 3)), rng.standard_normal((2, 5)), random_parameters(3, 5, rng)
states, h = [], h0
for x in xs:
    h, _ = gru_cell(x, h, params)
    states.append(h)
states = np.stack(states)
not_carried = sum(0.5 * np.sum((gru_cell(x, h0, params)[0] - y) ** 2) for x, y in zip(xs, states, strict=True))
slips = {"when every step starts from h0": not_carried}
checks.close("gru_loss of targets that are met", gru_loss(xs, states, h0, params), 0.0, slips=slips)
off = states + np.array([1.0, 2.0, 3.0, 4.0])[:, None, None]
checks.close(
    "gru_loss of targets off by 1, 2, 3, 4 at the four steps",
    gru_loss(xs, off, h0, params),
    0.5 * (1 + 4 + 9 + 16) * 10,
    slips={
        "without the half": 300.0,
        "as a mean over the batch": 75.0,
        "as a mean over batch and units": 15.0,
        "as a mean over the steps": 37.5,
        "for the last step alone": 80.0,
    },
)
checks.passed("gru_loss", "0 where the targets are met, 150 where they are off by 1, 2, 3 and 4")

# %% [markdown]
# ## 5. Back through all steps (5 points, about 22 minutes)
#
# All steps use the same weights, and a state matters twice: for its own loss and for the next state. In both cases the
# rule "used more than once" tells us to add. Let $D_t = \partial L / \partial h_t$ collect everything that reaches
# $h_t$:
#
# $$D_T = h_T - y_T, \qquad D_t = (h_t - y_t) + \bar h^{(t+1)} \quad (t < T)$$
# $$\frac{\partial L}{\partial W} = \sum_{t=1}^{T} \bar W^{(t)}$$
#
# | symbol | in code | what it is |
# | --- | --- | --- |
# | $D_t$ | `dh_next` of step $t$ | (batch, hidden), given to `gru_cell_backward` |
# | $\bar h^{(t+1)}$ | `dh` of step $t + 1$ | (batch, hidden), what step $t + 1$ sends back to its old state, $h_t$ |
# | $\bar W^{(t)}$ | `gradients` of step $t$ | nine arrays |
# | $\partial L / \partial W$ | result | a dict of nine arrays, like `params` |
#
# This is back-propagation through time (Werbos 1990). You run forwards once and keep every cache, then you run
# backwards once. In the drawing each loss sends its gradient down to its state, and each state sends it left to the
# state before. All dashed arrows contribute, and so does the thick one. The cell after yours makes the same comparison
# as for one step, now through 6 steps: it moves an entry of a weight and runs the whole sequence again. Expect relative
# errors up to about 1e-8.
#
# <details><summary>Hint</summary>
#
# Write two loops. The first fills two lists, `states` (one longer than the sequence, with `h0` in front) and `caches`.
# The second runs from the last step to the first. Before it starts, `dh` is zero, because nothing comes after the last
# step. Add to the totals, do not replace them.
# </details>

# %%
diagrams.draw_unrolled(4)


# %% id="gru_backward" tags=["solution"]
def gru_backward(xs, targets, h0, params):
    """Gradients of `gru_loss` with respect to the nine parameters, through all steps: a dict like params."""
    ### BEGIN SOLUTION
    states, caches = [h0], []
    for x in xs:
        h_next, cache = gru_cell(x, states[-1], params)
        states.append(h_next)
        caches.append(cache)
    total = {name: np.zeros_like(array) for name, array in params.items()}
    dh = np.zeros_like(h0)
    for t in reversed(range(len(xs))):
        _, dh, gradients = gru_cell_backward(states[t + 1] - targets[t] + dh, caches[t])
        for name in total:
            total[name] += gradients[name]
    return total
    ### END SOLUTION


# %%
rng = np.random.default_rng(6)
xs, targets = rng.standard_normal((6, 3, 5)), rng.standard_normal((6, 3, 4))
h0, params = rng.standard_normal((3, 4)), random_parameters(5, 4, rng)
gradients = gru_backward(xs, targets, h0, params)
scatter(pairs(lambda: gru_loss(xs, targets, h0, params), params, gradients, rng), title="six steps back")

# %% id="check_gru_backward" tags=["question"] points=5
"""The gradient through all steps agrees with torch chaining your single steps, and with central differences."""
rng = np.random.default_rng(7)
xs, targets = rng.standard_normal((5, 2, 3)), rng.standard_normal((5, 2, 4))
h0, params = rng.standard_normal((2, 4)), random_parameters(3, 4, rng)

weights = {name: torch.from_numpy(params[name]).requires_grad_() for name in NAMES}
h, loss, each = torch.from_numpy(h0), 0.0, []
for x, y in zip(xs, targets, strict=True):
    before, h = h, TorchStep.apply(torch.from_numpy(x), h, *weights.values())
    loss = loss + 0.5 * torch.sum((h - torch.from_numpy(y)) ** 2)
    each.append(gru_cell_backward(h.detach().numpy() - y, gru_cell(x, before.detach().numpy(), params)[1])[2])
loss.backward()
chained = {name: weights[name].grad.numpy() for name in NAMES}
checks.close(
    "gru_backward against torch's chain of your single steps",
    gru_backward(xs, targets, h0, params),
    chained,
    relative=1e-6,
    slips={
        "when no gradient goes from a step to the one before": {n: sum(one[n] for one in each) for n in NAMES},
        "of the last step's loss through the last step alone": each[-1],
    },
)
for steps in (1, 5):
    x, y = xs[:steps], targets[:steps]
    differences = pairs(
        lambda x=x, y=y: gru_loss(x, y, h0, params), params, gru_backward(x, y, h0, params), rng, entries=5
    )
    largest = agree(differences, where=f"for {steps} step{'s'[: steps - 1]}")
checks.passed("gru_backward", f"torch's chain of your steps, and differences, largest relative error {largest:.1e}")

# %% [markdown]
# ## 6. What a single step would have given (2 points, about 18 minutes)
#
# A common shortcut is to stop after one step: take the last step's loss alone, hold $h_{T-1}$ fixed as if it were an
# input, and differentiate. In the drawing of section 5 this keeps the thick arrow and nothing to the left of the last
# box. In a formula:
#
# $$\frac{\partial L_T}{\partial W}\Big|_{h_{T-1}\ \text{fixed}} = \bar W^{(T)} \quad\text{with}\quad D_T = h_T - y_T$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $h_{T-1}$ | the state after all steps but the last | (batch, hidden) |
# | $y_T$ | `targets[-1]` | (batch, hidden) |
# | $\bar W^{(T)}$ | result | a dict of nine arrays, like `params` |
#
# You still have to compute the state $h_{T-1}$, by running all the earlier steps. For $T = 1$ the function must agree
# with `gru_backward`.
#
# <details><summary>Hint</summary>
#
# Run all steps forwards as in `gru_loss`, but keep the last cache only. One call of `gru_cell_backward` is enough.
# </details>


# %% id="last_step_gradients" tags=["solution"]
def last_step_gradients(xs, targets, h0, params):
    """Gradients of the last step's loss alone, with the state before it held fixed: a dict like params."""
    ### BEGIN SOLUTION
    h = h0
    for x in xs:
        h, cache = gru_cell(x, h, params)
    _, _, gradients = gru_cell_backward(h - targets[-1], cache)
    return gradients
    ### END SOLUTION


# %% [markdown]
# How far apart are the two gradients? For a fair comparison we set the targets of all steps but the last to the states
# themselves, so that their errors $h_t - y_t$ are 0. Then $L = L_T$, both functions differentiate the same loss, and
# only the backward pass differs. The picture shows $\lVert \text{last} - \text{all} \rVert / \lVert \text{all} \rVert$
# against the length of the sequence, for an update gate that forgets ($b_z = -3$), one in the middle, and one that
# keeps ($b_z = 3$). Each point is the mean over twelve draws of weights, sequences and goals, the same for all lengths,
# and the bars are standard deviations. Expect 0 at $T = 1$ for all three. At $T = 20$ the means are about 0.4, 0.7 and
# 0.95: the better the state is kept, the more of the gradient comes from earlier steps.


# %%
def distance(one, other):
    """Distance of two sets of gradients relative to the size of the second, all nine arrays taken together."""
    one, other = (np.concatenate([np.ravel(gradients[name]) for name in NAMES]) for gradients in (one, other))
    return np.linalg.norm(one - other) / np.linalg.norm(other)


rng, lengths, draws = np.random.default_rng(8), [1, 2, 3, 5, 10, 20], (2 if course.grading else 12)
apart = {bias: np.zeros((draws, len(lengths))) for bias in (-3, 0, 3)}
for draw in range(draws):
    xs, h0, base = rng.standard_normal((20, 8, 5)), np.zeros((8, 6)), random_parameters(5, 6, rng)
    goal = np.tanh(rng.standard_normal((8, 6)))
    for bias in apart:
        params = base | {"b_z": np.full(6, float(bias))}
        states, h = [], h0
        for x in xs:
            h, _ = gru_cell(x, h, params)
            states.append(h)
        for place, steps in enumerate(lengths):
            targets = np.stack([*states[: steps - 1], goal])
            last = last_step_gradients(xs[:steps], targets, h0, params)
            apart[bias][draw, place] = distance(last, gru_backward(xs[:steps], targets, h0, params))
for bias, ratios in apart.items():
    means = zip(lengths, ratios.mean(axis=0), strict=True)
    print(f"b_z = {bias:2d}:", "  ".join(f"T={steps}: {mean:.2f}" for steps, mean in means))

_, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for (bias, ratios), style in zip(apart.items(), ("-o", "--s", "-.^"), strict=True):
    means, deviations = ratios.mean(axis=0), ratios.std(axis=0, ddof=1)
    axes.errorbar(lengths, means, deviations, fmt=style, capsize=3, label=f"$b_z = {bias}$")
axes.set(xlabel="number of steps $T$", ylabel="relative distance", xscale="log")
axes.set_xticks(lengths, lengths)
axes.minorticks_off()
axes.legend()
plt.show()

# %% id="check_last_step_gradients" tags=["question"] points=2
"""One step: the same as through all steps. Several: the last step's loss with the state before it held fixed."""
rng = np.random.default_rng(9)
xs, targets = rng.standard_normal((4, 2, 3)), rng.standard_normal((4, 2, 5))
h0, params = rng.standard_normal((2, 5)), random_parameters(3, 5, rng)
single = last_step_gradients(xs[:1], targets[:1], h0, params)
checks.close("last_step_gradients of a single step", single, gru_backward(xs[:1], targets[:1], h0, params))

last, h = last_step_gradients(xs, targets, h0, params), h0
for x in xs[:-1]:
    h, _ = gru_cell(x, h, params)
checks.close(
    "last_step_gradients of four steps",
    last,
    gru_backward(xs[-1:], targets[-1:], h, params),
    slips={
        "through all four steps": gru_backward(xs, targets, h0, params),
        "when the last step starts from h0, with the earlier steps left out": gru_backward(
            xs[-1:], targets[-1:], h0, params
        ),
        "for the first step in place of the last": gru_backward(xs[:1], targets[:1], h0, params),
    },
)
checks.passed("last_step_gradients", "equal to the whole gradient for one step, to the last step's share for four")

# %% [markdown]
# Does the difference matter for learning? Two copies of the same GRU learn the echo task with three steps by gradient
# descent. Every update draws new sequences. A fourth input is 1 at the first step and 0 later, so that a gate can know
# when the pattern is there. Both copies see the loss of the last step and nothing else. One takes its gradient through
# all three steps, the other through the last step alone. To get the first gradient from your `gru_backward`, we again
# set the targets of all other steps to the states themselves. The gradient of the second copy says what the last step
# should change, but nothing about what the *first* step, which saw the pattern, could have stored.
#
# Always answering 0 costs 6. After 600 updates, with each of six seeds, the copy that learns through all steps was at
# 0.02 or below (mean of its last 50 updates). Five of the six copies that learn through the last step stayed at 5.9 to
# 6.1. One came down to 4.4: its first step happens to let something of the pattern through. The picture shows three
# seeds, averaged over 20 updates.


# %%
def marked_echo(steps, batch, rng):
    """The echo task with a fourth input that marks the first step: xs (steps, batch, 4), targets (steps, batch, 3)."""
    xs, targets = echo(steps, batch, 3, rng)
    mark = np.zeros((steps, batch, 1))
    mark[0] = 1.0
    return np.concatenate([xs, mark], axis=2), targets


def last_loss_gradients(xs, targets, h0, params):
    """Gradients of the last step's loss through all steps: the targets of the others are the states themselves."""
    states, h = [], h0
    for x in xs:
        h, _ = gru_cell(x, h, params)
        states.append(h)
    return gru_backward(xs, np.stack([*states[:-1], targets[-1]]), h0, params)


updates, rate, seeds = (40 if course.grading else 600), 0.2, (10, 11, 12)
_, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
methods = {"through all steps": (last_loss_gradients, "C0-"), "through the last step": (last_step_gradients, "C1--")}
for label, (method, style) in methods.items():
    ends = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        h0, params, losses = np.zeros((16, 3)), random_parameters(4, 3, rng), []
        for _ in range(updates):
            xs, targets = marked_echo(3, 16, rng)
            h = h0
            for x in xs:
                h, _ = gru_cell(x, h, params)
            losses.append(0.5 * np.sum((h - targets[-1]) ** 2))
            gradients = method(xs, targets, h0, params)
            params = {name: params[name] - rate * gradients[name] for name in NAMES}
        ends.append(np.mean(losses[-50:]))
        smooth = np.mean(np.reshape(losses, (-1, 20)), axis=1)
        axes.plot(np.arange(20, updates + 1, 20), smooth, style, linewidth=1, label=label if seed == seeds[0] else None)
    print(f"{label}: loss of the last step after {updates} updates", *(f"{end:.2f}" for end in ends))
axes.axhline(6, color="0.4", linestyle=":", label="always answering 0")
axes.set(xlabel="update", ylabel="loss of the last step", ylim=(0, 9))
axes.legend()
plt.show()

# %% [markdown]
# ## 7. How far does a gradient travel? (2 points, about 30 minutes)
#
# The next cell puts a gradient on the last of 40 states and sends it back with your `gru_cell_backward`, for four
# biases of the update gate. A plain network, $h' = \tanh(x W_x + h W_h + b)$, with the weights of the candidate is
# drawn for comparison. Read the slopes: a straight line on this scale is a constant factor per step. For this draw of
# the weights, about 1e-5 of the gradient is left after 10 steps with $b_z = -3$; with $b_z = 6$ it is 83% after 40.
# With $b_z = -3$ the GRU does worse than the plain network: at these weights the reset gate is about 1/2 and dims what
# comes back through the candidate at every step.

# %%
rng = np.random.default_rng(11)
xs, base = rng.standard_normal((40, 8, 5)), random_parameters(5, 6, rng)
left = {}
for bias in (-3, 0, 3, 6):
    params, h, caches = base | {"b_z": np.full(6, float(bias))}, np.zeros((8, 6)), []
    for x in xs:
        h, cache = gru_cell(x, h, params)
        caches.append(cache)
    dh, left[bias] = np.ones_like(h), [1.0]
    for cache in reversed(caches):
        _, dh, _ = gru_cell_backward(dh, cache)
        left[bias].append(np.sqrt(np.mean(dh**2)))
    print(
        f"b_z = {bias:2d}: {left[bias][10]:.1e} of the gradient is left after 10 steps, {left[bias][40]:.1e} after 40"
    )

h, states = np.zeros((8, 6)), []
for x in xs:
    h = np.tanh(x @ base["W_xg"] + h @ base["W_hg"] + base["b_g"])
    states.append(h)
dh, plain = np.ones_like(h), [1.0]
for h in reversed(states):
    dh = (dh * (1 - h**2)) @ base["W_hg"].T
    plain.append(np.sqrt(np.mean(dh**2)))
print(f"plain network: {plain[10]:.1e} of the gradient is left after 10 steps, {plain[40]:.1e} after 40")

_, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for bias, style in zip(left, ("-o", "--s", "-.^", ":D"), strict=True):
    axes.semilogy(np.arange(41), left[bias], style, markevery=5, label=f"$b_z = {bias}$")
axes.semilogy(np.arange(41), plain, "0.4", linestyle=(0, (1, 1)), label="plain network")
axes.set(xlabel="steps back", ylabel="size of the gradient")
axes.legend()
plt.show()

# %% [markdown]
# Which of the four paths carries the gradient? To find out we cut them. In the next cell the forward step reads four
# separate copies of $h$, one per path. When we move one copy and keep the other three, the difference of the new states
# gives the derivative of $h'$ along that path alone. For a gradient of ones the four derivatives must add up to your
# `dh`, and the cell prints how closely they do. Then it sends a gradient back through ten steps along some of the paths
# only. It prints the geometric mean of the size over twelve draws of weights and inputs, relative to the gradient at
# the last step. With all four paths expect about 1e-4 after ten steps for $b_z = -3$, 0.01 for $b_z = 0$ and 0.5 for
# $b_z = 3$.


# %%
def step_from_copies(x, copies, params):
    """The forward step of section 1 with a copy of h, (batch, hidden), for each of the four paths."""
    h1, h2, h3, h4 = copies
    z = sigmoid(x @ params["W_xz"] + h2 @ params["W_hz"] + params["b_z"])
    r = sigmoid(x @ params["W_xr"] + h3 @ params["W_hr"] + params["b_r"])
    g = np.tanh(x @ params["W_xg"] + (r * h4) @ params["W_hg"] + params["b_g"])
    return z * h1 + (1 - z) * g


def slopes_by_path(x, h, params, step=1e-5):
    """Central differences of the new state by each copy of h: (paths, batch, hidden of h, hidden of h_next)."""
    slopes = np.zeros((4, *h.shape, h.shape[1]))
    for path in range(4):
        for unit in range(h.shape[1]):
            ends = []
            for move in (step, -step):
                copies = [h.copy() for _ in range(4)]
                copies[path][:, unit] += move
                ends.append(step_from_copies(x, copies, params))
            slopes[path, :, unit] = (ends[0] - ends[1]) / (2 * step)
    return slopes


def travelled(kept, slopes):
    """Sizes of a gradient after 0, 1, 2, ... steps back along the kept paths, the geometric mean over the draws."""
    dh, sizes = np.ones(slopes.shape[:1] + slopes.shape[3:5]), []
    for at_step in np.moveaxis(slopes, 1, 0)[::-1]:  # (draws, paths, batch, hidden, hidden), the last step first
        sizes.append(np.sqrt(np.mean(dh**2, axis=(1, 2))))
        dh = np.einsum("npbij,nbj->nbi", at_step[:, [path - 1 for path in kept]], dh)
    sizes.append(np.sqrt(np.mean(dh**2, axis=(1, 2))))
    return np.exp(np.mean(np.log(sizes), axis=1))


by_bias = {bias: [] for bias in (-3, 0, 3)}
worst = 0.0
for seed in range(2 if course.grading else 12):
    rng = np.random.default_rng(seed)
    xs, base = rng.standard_normal((10, 8, 5)), random_parameters(5, 6, rng)
    for bias in by_bias:
        params, h, steps = base | {"b_z": np.full(6, float(bias))}, np.zeros((8, 6)), []
        for x in xs:
            steps.append(slopes_by_path(x, h, params))
            h_next, cache = gru_cell(x, h, params)
            _, dh, _ = gru_cell_backward(np.ones_like(h), cache)
            worst = max(worst, np.abs(dh - steps[-1].sum(axis=(0, 3))).max())
            h = h_next
        by_bias[bias].append(steps)
by_bias = {bias: np.array(draws) for bias, draws in by_bias.items()}
print(f"the four paths together against your dh: largest difference {worst:.0e}")

paths = {"all four": (1, 2, 3, 4), **{f"without {cut}": tuple({1, 2, 3, 4} - {cut}) for cut in (1, 2, 3, 4)}}
paths["1 alone"] = (1,)
print("\nafter 10 steps", *(f"b_z = {bias:<5d}" for bias in by_bias), sep="  ")
for label, kept in paths.items():
    print(f"{label:14s}", *(f"{travelled(kept, slopes)[-1]:<11.1e}" for slopes in by_bias.values()), sep="  ")


# %% [markdown]
# The next cell draws three of these settings, and a slider under them shows the others. The grey lines keep all four
# paths, for comparison.


# %%
def draw_paths(axes, label):
    """Draw how a gradient shrinks over ten steps back along the paths of one setting, and along all of them in grey."""
    for (bias, slopes), style in zip(by_bias.items(), ("-o", "--s", "-.^"), strict=True):
        axes.semilogy(travelled((1, 2, 3, 4), slopes), style[:-1], color="0.7")
        axes.semilogy(travelled(paths[label], slopes), style, color="0.1", markersize=4, label=f"$b_z={bias}$")
    axes.set(xlabel="steps back", ylabel="size of the gradient", title=f"paths: {label}", ylim=(1e-13, 5))
    axes.legend(loc="lower left", fontsize=8)


knob(draw_paths, "paths", {label: label for label in paths}, ["all four", "without 1", "without 4"])

# %% [markdown] id="where_unchanged" tags=["written"] points=2
# **Written question (2 points, about 12 of the 30 minutes).** In which place of the GRU, and under which condition,
# does a gradient pass from $h'$ to $h$ unchanged? Point to the term in the derivation, and say what happens to the
# other paths under the same condition. Then say what one step does to the gradient in a plain network,
# $h' = \tanh(x W_x + h W_h + b)$, and what a unit gives up at the steps at which it passes the gradient unchanged.
#
# ### BEGIN SOLUTION
# It passes on path 1: $h' = z \odot h + \dots$ gives $\bar h = D \odot z + \dots$ There is no matrix and no squashing
# function on this path, only the factor $z$. Where $z$ is near 1 the gradient arrives unchanged, unit by unit and step
# after step. The other three paths fade at the same time: path 2 has the factor $\sigma'$ of a saturated gate, and
# paths 3 and 4 come through the candidate, which has the factor $1 - z$. This is why cutting path 1 leaves nothing at
# $b_z = 3$. In the plain network every step multiplies by $1 - h'^2 \le 1$ and by $W_h^\top$, so over many steps the
# gradient typically shrinks or grows exponentially with their number. The price: where $z$ is near 1 the state hardly
# changes ($h' \approx h$), so the unit takes in nothing new at these steps, and the gates themselves get almost no
# gradient there.
#
# Rubric:
#
# - 0.5: the direct path $z \odot h$ and the condition $z$ near 1 (units or steps may be named), with the reason that
#   neither a matrix nor a squashing function stands on it
# - 0.5: the other paths, of which at least one fades for a reason that is given ($\sigma'$ of a saturated gate, or the
#   factor $1 - z$)
# - 0.5: the plain network (a matrix and $1 - h'^2$ at each step)
# - 0.5: the price (a kept state is not written to)
# ### END SOLUTION

# %% [markdown]
# So far we set $b_z$ by hand. What does a GRU learn? We train it on the echo task with the mark, now with all losses
# and your `gru_backward`. The summed gradient is divided by $T$, so nothing but the length differs from curve to curve;
# all are means over three seeds. The left picture shows the mean of $z$ over units and examples, at the first step and
# at the later ones. The right picture shows the mean of $b_z$.
#
# We tried twelve seeds. After 500 updates $z$ is 0.35 to 0.41 at the first step, for all three lengths. At the later
# steps expect 0.93 to 0.95 for $T = 2$, about 0.97 for $T = 5$ and 0.98 for $T = 10$, with $b_z$ at 2.6 to 2.9, 3.6 to
# 3.8 and 4.1 to 4.3. One of the twelve seeds was behind at $T = 2$, with 0.83 and 1.95. After the same number of
# updates the gate keeps more of the old state when the pattern has to be kept for longer, and $b_z$ still grows. At the
# first step $z$ rises a little too before it falls to where there is something to write, and the longer the sequence
# the later it falls.


# %%
def learn_the_gate(steps, updates, rng, rate=0.2):
    """Mean z at the first step, mean z later and mean b_z, (updates, 3), of a GRU that learns the echo with a mark."""
    params, h0, curves = random_parameters(4, 3, rng), np.zeros((16, 3)), []
    for _ in range(updates):
        xs, targets = marked_echo(steps, 16, rng)
        h, gates = h0, []
        for x in xs:
            gates.append(sigmoid(x @ params["W_xz"] + h @ params["W_hz"] + params["b_z"]).mean())
            h, _ = gru_cell(x, h, params)
        curves.append((gates[0], np.mean(gates[1:]), params["b_z"].mean()))
        gradients = gru_backward(xs, targets, h0, params)
        params = {name: params[name] - rate / steps * gradients[name] for name in NAMES}
    return np.array(curves)


updates, seeds = (5, (20,)) if course.grading else (500, (20, 21, 22))
_, (left, right) = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained")
for steps, style in {2: "C0-", 5: "C1--", 10: "C2-."}.items():
    learnt = np.mean([learn_the_gate(steps, updates, np.random.default_rng(seed)) for seed in seeds], axis=0)
    left.plot(learnt[:, 0], style, linewidth=1.2, label=f"$T = {steps}$")
    left.plot(learnt[:, 1], style, linewidth=1.2)
    right.plot(learnt[:, 2], style, linewidth=1.2, label=f"$T = {steps}$")
    ends = learnt[-20:].mean(axis=0)
    print(f"T = {steps:2d}: z at the first step {ends[0]:.2f}, at later steps {ends[1]:.3f}, b_z {ends[2]:.1f}")
left.text(0.97, 0.84, "later steps", ha="right", fontsize=9, transform=left.get_yaxis_transform())
left.text(0.97, 0.25, "first step", ha="right", fontsize=9, transform=left.get_yaxis_transform())
left.set(xlabel="update", ylabel="mean update gate $z$", ylim=(0, 1.03))
right.set(xlabel="update", ylabel="mean bias $b_z$")
right.legend()
plt.show()

# %% [markdown]
# ## 8. The other GRU (3 points, about 15 minutes)
#
# `torch.nn.GRU` computes something slightly different: it applies the reset *after* the matrix product, and the product
# has its own bias, which the reset scales as well. Its documentation says so and names efficiency as the reason. All
# three products with $h$ can be computed as one matrix product, because none of them has to wait for $r$.
#
# $$g = \tanh\big(x W_{xg} + b_g + r \odot (h W_{hg} + b_{hg})\big)$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $z$, $r$, $h'$ | as in section 1 | (batch, hidden) |
# | $b_{hg}$ | `params["b_hg"]` | (hidden,) |
# | the nine others | `params["W_xz"]`, ... | as in section 1 |
#
# **When do the two agree?** Take one example. Inside the tanh of unit $j$ the course's form has $\sum_i r_i h_i W_{ij}$
# and torch's has $r_j \big(\sum_i h_i W_{ij} + b_j\big)$, writing $W$ for $W_{hg}$ and $b$ for $b_{hg}$. The difference
# is
#
# $$\sum_i (r_i - r_j)\, h_i\, W_{ij} \; - \; r_j b_j .$$
#
# It is zero for every unit when $b_{hg} = 0$ and one of these conditions holds: the reset gate has the same value in
# all units of the example ($r_i = r_j$), or $W_{hg}$ is diagonal, which leaves only $i = j$ and includes the case of a
# single unit, or $h = 0$. With a $b_{hg}$ other than zero they agree in two more cases, once the course's $b_g$ is
# replaced. If the reset gate has one value $c$ in all units of *all* examples, take $b_g + c\, b_{hg}$. If $W_{hg}$ is
# diagonal, it is enough that each unit $j$ has its own value $c_j$ in all examples: take $b_{g,j} + c_j\, b_{hg,j}$.
#
# Write torch's step in numpy. It needs no cache. Expect agreement with `torch.nn.GRUCell` to 1e-12. The cell after
# yours measures the conditions: it prints the largest difference between your two functions over 100 random examples.
#
# <details><summary>Hint</summary>
#
# Start from your `gru_cell` and change one line. The bias $b_{hg}$ is added before the reset multiplies, so with
# $r = 0$ neither the old state nor this bias reaches the candidate.
# </details>


# %% id="gru_cell_torch" tags=["solution"]
def gru_cell_torch(x, h, params):
    """One step of torch's GRU in numpy: reset after the product. params: the nine arrays and b_hg (hidden,).

    x: (batch, input), h: (batch, hidden). Returns h_next (batch, hidden).
    """
    ### BEGIN SOLUTION
    z = sigmoid(x @ params["W_xz"] + h @ params["W_hz"] + params["b_z"])
    r = sigmoid(x @ params["W_xr"] + h @ params["W_hr"] + params["b_r"])
    g = np.tanh(x @ params["W_xg"] + params["b_g"] + r * (h @ params["W_hg"] + params["b_hg"]))
    return z * h + (1 - z) * g
    ### END SOLUTION


# %%
rng = np.random.default_rng(12)
x, h, params = rng.standard_normal((100, 5)), rng.standard_normal((100, 4)), random_parameters(5, 4, rng)
bias, none = {"b_hg": rng.standard_normal(4)}, {"b_hg": np.zeros(4)}
diagonal = {"W_hg": np.diag(np.diag(params["W_hg"]))}
same = {name: np.repeat(params[name][..., :1], 4, axis=-1) for name in ("W_xr", "W_hr", "b_r")}
open_wide = {"W_xr": np.zeros((5, 4)), "W_hr": np.zeros((4, 4)), "b_r": np.full(4, 60.0)}
cases = {
    "any weights, b_hg other than 0": (h, params | bias, {}),
    "any weights, b_hg = 0": (h, params | none, {}),
    "r equal in all units, b_hg = 0": (h, params | same | none, {}),
    "W_hg diagonal, b_hg = 0": (h, params | diagonal | none, {}),
    "W_hg diagonal, b_hg other than 0": (h, params | diagonal | bias, {}),
    "h = 0, b_hg = 0": (np.zeros_like(h), params | none, {}),
    "r = 1, b_hg other than 0": (h, params | open_wide | bias, {}),
    "r = 1, and the course's b_g is b_g + b_hg": (h, params | open_wide | bias, {"b_g": params["b_g"] + bias["b_hg"]}),
}
for label, (state, both, changed) in cases.items():
    gap = np.abs(gru_cell_torch(x, state, both) - gru_cell(x, state, both | changed)[0]).max()
    print(f"{label:45s} {gap:.1e}")

# %% id="check_gru_cell_torch" tags=["question"] points=3
"""torch's variant equals torch.nn.GRUCell with the same weights, on a batch and from a zero state."""
rng = np.random.default_rng(13)
x, h = rng.standard_normal((3, 4)), rng.standard_normal((3, 5))
params = random_parameters(4, 5, rng) | {"b_hg": rng.standard_normal(5)}
# torch keeps three blocks in the order r, z, candidate, each matrix transposed, and a bias for x and one for h
zeros = np.zeros(5)
judge = nn.GRUCell(4, 5, dtype=torch.float64)
with torch.no_grad():
    judge.weight_ih.copy_(torch.from_numpy(np.concatenate([params[f"W_x{gate}"].T for gate in "rzg"])))
    judge.weight_hh.copy_(torch.from_numpy(np.concatenate([params[f"W_h{gate}"].T for gate in "rzg"])))


def by_torch(state, b_g, b_hg):
    """The next state by torch.nn.GRUCell with these two biases of the candidate."""
    with torch.no_grad():
        judge.bias_ih.copy_(torch.from_numpy(np.concatenate([params["b_r"], params["b_z"], b_g])))
        judge.bias_hh.copy_(torch.from_numpy(np.concatenate([zeros, zeros, b_hg])))
        return judge(torch.from_numpy(x), torch.from_numpy(state)).numpy()


h_next, expected = gru_cell_torch(x, h, params), by_torch(h, params["b_g"], params["b_hg"])
checks.close(
    "gru_cell_torch(x, h, params)",
    h_next,
    expected,
    slips={
        "with the reset before the product, the course's own variant": gru_cell(
            x, h, params | {"b_g": params["b_g"] + params["b_hg"]}
        )[0],
        "when b_hg is left out": by_torch(h, params["b_g"], zeros),
        "with b_hg outside of the reset": by_torch(h, params["b_g"] + params["b_hg"], zeros),
        "with b_g inside of the reset, too": by_torch(h, zeros, params["b_g"] + params["b_hg"]),
        "with b_g and b_hg exchanged": by_torch(h, params["b_hg"], params["b_g"]),
    },
    shape="(batch, hidden_size)",
)
zero = np.zeros_like(h)
from_zero = by_torch(zero, params["b_g"], params["b_hg"])
checks.close("gru_cell_torch from a zero state", gru_cell_torch(x, zero, params), from_zero)
worst = np.abs(h_next - expected).max()
checks.passed("gru_cell_torch", f"equal to torch.nn.GRUCell, largest difference {worst:.0e}")

# %% [markdown]
# ## 9. What the biases and gates cost (1 point and 2 points, about 20 minutes)
#
# A GRU layer has three blocks of the same form (update, reset, candidate), each with a matrix from the input, one from
# the state, and a bias. The LSTM of hw3 has four. You counted parameters by formula in hw3, so here the counts are
# given, for 200 inputs and 200 units:
#
# | layer | blocks | one bias per block (textbook) | two biases per block (torch) |
# | --- | --- | --- | --- |
# | GRU | 3 | 240,600 | 241,200 |
# | LSTM | 4 | 320,800 | 321,600 |
#
# The picture shows torch's counts, with its two biases per block, by width. The cell also looks for the width at which
# a GRU with 200 inputs comes nearest to the LSTM with 200 units.


# %%
def torch_count(layer, inputs, width):
    """Parameters of one layer of torch, nn.GRU or nn.LSTM, counted without making room for them."""
    return sum(weight.numel() for weight in layer(inputs, width, device="meta").parameters())


budget, widths = torch_count(nn.LSTM, 200, 200), np.arange(50, 401, 25)
nearest = min(range(200, 300), key=lambda width: abs(torch_count(nn.GRU, 200, width) - budget))
_, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for layer, label, style in ((nn.GRU, "GRU, three blocks", "-o"), (nn.LSTM, "LSTM, four blocks", "--s")):
    counts = [torch_count(layer, 200, int(width)) / 1000 for width in widths]
    axes.plot(widths, counts, style, markersize=4, label=label)
axes.axhline(budget / 1000, color="0.5", linestyle=":", label=f"LSTM with 200 units: {budget:,}")
for width in (200, nearest):
    axes.vlines(width, 0, budget / 1000, color="0.5", linestyle=":")
    axes.annotate(f"{width}", (width, 8), textcoords="offset points", xytext=(4, 0), fontsize=9)
axes.set(xlabel="hidden units", ylabel="thousand parameters", ylim=(0, None))
axes.legend()
plt.show()
print(
    f"a GRU with {nearest} units has {torch_count(nn.GRU, 200, nearest):,} parameters, the LSTM with 200 has {budget:,}"
)

# %% [markdown] id="why_six_biases" tags=["written"] points=1
# **Written question (1 point, about 6 minutes).** Torch stores six bias vectors for a GRU layer, two per block. Fewer
# are enough for the same function. How many, which of the six can be merged, which cannot, and why? How many does the
# variant of section 1 need?
#
# ### BEGIN SOLUTION
# Four are enough. In $z$ and $r$ the bias of the input product and that of the state product are simply added inside
# the same $\sigma$, so only their sum matters: one vector each. In torch's candidate the state's bias is multiplied by
# $r$ while the input's is not, so the two are different functions and both must stay: $1 + 1 + 2 = 4$. In the variant
# of section 1 the reset comes before the product, both biases are added unscaled, and three suffice. (Torch keeps all
# six so that both products have blocks of the same form.)
#
# Rubric:
#
# - 1: merged in both gates because they only appear as a sum, not in the candidate because $r$ multiplies one of them
# ### END SOLUTION

# %% [markdown] id="lstm_or_gru" tags=["written"] points=2
# **Written question (2 points, about 14 minutes).** You may spend about as many parameters on one recurrent layer as an
# LSTM with 200 units has. An LSTM or a GRU?
#
# - What does the GRU give you for the same budget? Read the two widths from the picture. Then derive the factor by
#   which a GRU may be wider than an LSTM of $n$ units when the input of each layer is as wide as the layer itself.
# - What does an LSTM have that a GRU lacks, apart from the number of blocks? How would you decide between the two for
#   a task of your own?
#
# ### BEGIN SOLUTION
# *Cost.* A GRU computes three blocks per step (two gates and a candidate), an LSTM four (three gates and a candidate).
# With 200 inputs the budget of an LSTM with 200 units pays for a GRU with 242 units. A layer with $n$ inputs and $n$
# units has about $4 \cdot 2 n^2$ parameters as an LSTM and $3 \cdot 2 m^2$ as a GRU with $m$ inputs and units, and it
# does about one multiplication per parameter and step. Setting $6 m^2 = 8 n^2$ gives
# $m = n \sqrt{4/3} \approx 1.15\, n$. The LSTM also carries two states where the GRU carries one. The count does not
# show the time of a step, which depends on how well the products run on the machine and has to be measured.
#
# *What the LSTM has.* Its gates for forgetting and for writing are separate and need not add up to 1: it can keep
# everything and still add (count, accumulate), while in a GRU whatever is written takes the place of what was kept. And
# it has an output gate: it can hold a value in its cell without showing it.
#
# *Decision.* Neither is better in general. Chung et al. 2014 found the two comparable, and Jozefowicz et al. 2015 found
# that a forget bias of 1 closes the gap between the LSTM and the GRU. So one measures on the task itself: both at equal
# cost, several seeds, compared on validation data.
#
# Rubric:
#
# - 0.5: the widths 242 and 200 with three blocks against four
# - 0.5: the derivation of $\sqrt{4/3}$
# - 0.5: a thing that only the LSTM has (separate forgetting and writing, or a cell behind an output gate)
# - 0.5: a decision by measurement that names equal cost, validation data and several seeds
# ### END SOLUTION

# %% [markdown]
# ## References
#
# - K. Cho and others (2014), *Learning phrase representations using RNN encoder-decoder for statistical machine
#   translation*, arXiv:1406.1078: the unit of section 1, its update gate read as here. Version 3 has the reset before
#   the product, as in section 1, version 1 after it, as in torch.
# - J. Chung, C. Gulcehre, K. Cho, Y. Bengio (2014), *Empirical evaluation of gated recurrent neural networks on
#   sequence modeling*, arXiv:1412.3555: GRU and LSTM compared. Its $z$ is $1 - z$ here: always check which way round a
#   paper defines its gate.
# - R. Jozefowicz, W. Zaremba, I. Sutskever (2015), *An empirical exploration of recurrent network architectures*,
#   ICML: a search over many architectures, the LSTM and the GRU among them.
# - P. J. Werbos (1990), *Backpropagation through time: what it does and how to do it*, Proceedings of the IEEE 78(10).
# - S. Hochreiter, J. Schmidhuber (1997), *Long short-term memory*, Neural Computation 9(8): why gradients vanish, and
#   the path without a matrix.
# - The documentation of `torch.nn.GRU`, the note on the candidate: torch's order of reset and product, and why.
