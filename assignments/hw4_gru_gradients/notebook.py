# %% [markdown]
# # Deriving the gradients of a GRU
#
# A gated recurrent unit keeps a state, and two gates decide how much of it is kept and how much of it is looked at.
# Frameworks hand you its gradient for free. In this notebook you earn it: you write one step forward, derive the same
# step backwards on paper, put it into numpy, and chain it through a whole sequence. Two judges check your work: central
# differences and torch. They judge and do not answer: in sections 1 to 6 a function that calls torch, scipy or
# scikit-learn, or takes differences of a loss, earns nothing.
#
# **After this notebook you can**
#
# - compute a GRU step from its equations and say what each gate does;
# - derive the gradient of any small network by naming each place where a variable is used;
# - write a backward pass through all steps of a sequence, and say what is lost when it stops after one step;
# - check a gradient by differences, and by `torch.autograd` without having torch compute it;
# - tell the two common variants of the GRU apart, and say when they agree;
# - count the parameters of a GRU, and say what that means for its width.
#
# **You need** numpy, the chain rule, and the recurrent networks of the earlier notebooks. Plan about 110 minutes. There
# are 28 points: 23 by the graded cells, 5 by three short written answers.
#
# Rows are examples throughout: `x` is (batch, input), a weight is (input, hidden), a product is `x @ W + b`. All arrays
# are float64, because differences of nearly equal numbers need the digits.

# %% tags=["provided"]
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from utils import checks, diagrams
from utils.gradients import agree, pairs, scatter

NAMES = ("W_xz", "W_hz", "b_z", "W_xr", "W_hr", "b_r", "W_xg", "W_hg", "b_g")


def sigmoid(a):
    """The logistic function 1 / (1 + exp(-a)), entry by entry, without overflow for any a."""
    return 0.5 * (1 + np.tanh(0.5 * a))


def random_parameters(input_size, hidden_size, rng, scale=0.5):
    """The nine arrays of a GRU with normal entries. W_x*: (input, hidden), W_h*: (hidden, hidden), b_*: (hidden,)."""
    shapes = {"W_x": (input_size, hidden_size), "W_h": (hidden_size, hidden_size), "b_": (hidden_size,)}
    return {name: scale * rng.standard_normal(shapes[name[:-1]]) for name in NAMES}


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
# ## 1. One step forward (3 points, about 12 minutes)
#
# A plain recurrent network writes a new state over the old one at every step. A GRU (Cho et al. 2014) computes a
# *candidate* $g$ and then mixes: the *update gate* $z$ says, unit by unit, how much of the old state stays.
#
# $$z = \sigma(x W_{xz} + h W_{hz} + b_z) \qquad r = \sigma(x W_{xr} + h W_{hr} + b_r)$$
# $$g = \tanh(x W_{xg} + (r \odot h) W_{hg} + b_g) \qquad h' = z \odot h + (1 - z) \odot g$$
#
# Here $\sigma$ is the logistic function (`sigmoid` above) and $\odot$ the product entry by entry. The *reset gate* $r$
# dims the old state before the candidate looks at it.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $x$ | `x` | (batch, input) |
# | $h$, $h'$ | `h`, `h_next` | (batch, hidden) |
# | $W_{xz}, W_{xr}, W_{xg}$ | `params["W_xz"]`, ... | (input, hidden) |
# | $W_{hz}, W_{hr}, W_{hg}$ | `params["W_hz"]`, ... | (hidden, hidden) |
# | $b_z, b_r, b_g$ | `params["b_z"]`, ... | (hidden,) |
#
# The function also returns a `cache`: whatever your backward step will need in question 3. What you store in it is up
# to you; only your `gru_cell_backward` reads it.
#
# The next cell draws the step. A dot is a junction; lines that cross without one do not touch.
#
# <details><summary>Hint</summary>
#
# Four lines for the four equations, in the order z, r, g, h'. Mind the brackets of $(r \odot h) W_{hg}$: `*` and `@`
# bind equally strongly in Python and are read from left to right, so `r * h @ W` happens to mean the same, but
# `r * (h @ W)` does not. A cache of `x, h, z, r, g, params` is enough for the way back.
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
# Look at it before you check it. Two tests need no computer: with all parameters zero both gates are 1/2 and the
# candidate is 0, so $h' = h / 2$. And when $b_z$ is moved from far below zero to far above, $h'$ must move from the
# candidate $g$ to the old state $h$. The cell prints the first and draws the second for one unit.

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
axes.axhline(moved[0], color="0.4", linestyle=":", linewidth=1.5, label="candidate $g$")
axes.set(xlabel="bias $b_z$ of the update gate", ylabel="state of unit 0")
axes.legend()
plt.show()

# %% id="check_gru_cell" tags=["question"] points=3
"""One step on a small example worked out beforehand, at both ends of the update gate, and against torch."""
shapes = [(3, 2), (2, 2), (2,)] * 3
fixed = {
    name: np.cos(np.arange(np.prod(shape)) + k).reshape(shape)
    for k, (name, shape) in enumerate(zip(NAMES, shapes, strict=True))
}
x, h = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, -0.5]]), np.array([[0.5, -1.0], [2.0, 0.25]])
arguments = {"x": x.copy(), "h": h.copy(), **{name: array.copy() for name, array in fixed.items()}}
h_next, _ = gru_cell(x, h, fixed)
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
checks.passed("gru_cell", "the worked example, the update gate wide open, and torch agree")

# %% [markdown]
# ## 2. The derivative of a gate (1 point, about 5 minutes)
#
# On the way back every gate needs the derivative of $\sigma$. With $s = \sigma(a) = 1 / (1 + e^{-a})$,
#
# $$\frac{ds}{da} = \frac{e^{-a}}{(1 + e^{-a})^2} = \frac{1}{1 + e^{-a}} \cdot \frac{e^{-a}}{1 + e^{-a}}.$$
#
# The first factor is $s$. Work out what the second one is in terms of $s$, and you never need $a$ again: the *output*
# of the gate, which the cache holds anyway, is enough. Write the function of $s$.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $s = \sigma(a)$ | `s` | any |
# | $ds/da$ | result | as `s` |
#
# A known slip is to take the derivative of the other squashing function, $1 - g^2$ for $g = \tanh(a)$. Expect 0.25 in
# the middle, at $s = 1/2$, and 0 at both ends.
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
# The two derivatives side by side, each over the input $a$: that of $\tanh$ reaches 1, that of $\sigma$ only 1/4. Where
# a gate saturates, both vanish.

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
    slips={"for tanh, 1 - s^2, in place of the logistic function": np.array([1.0, 0.75, 0.0])},
)
a = np.linspace(-5, 5, 21).reshape(3, 7)
slopes = (sigmoid(a + 1e-5) - sigmoid(a - 1e-5)) / 2e-5
checks.close("sigmoid_derivative(sigmoid(a))", sigmoid_derivative(sigmoid(a)), slopes, relative=1e-6)
checks.passed("sigmoid_derivative", "0.25 in the middle, 0 at both ends, right on a grid of 21 points")

# %% [markdown]
# ## 3. One step back (6 points, about 30 minutes)
#
# Suppose we are given $D = \partial L / \partial h'$, how the loss $L$ changes with the new state. We want the same for
# everything that went in: $x$, $h$ and nine parameters. Five rules are enough. Write $\bar u$ for
# $\partial L / \partial u$, an array of the shape of $u$.
#
# | rule | forward | backward |
# | --- | --- | --- |
# | sum | $y = u + v$ | $\bar u = \bar y$, $\bar v = \bar y$ |
# | product by entries | $y = u \odot v$ | $\bar u = \bar y \odot v$, $\bar v = \bar y \odot u$ |
# | function by entries | $y = f(a)$ | $\bar a = \bar y \odot f'(a)$ |
# | matrix product | $Y = U W$ | $\bar U = \bar Y W^\top$, $\bar W = U^\top \bar Y$ |
# | used more than once | $u$ stands in several places | $\bar u$ is the sum over these places |
#
# The matrix rule is the others applied to $Y_{ij} = \sum_k U_{ik} W_{kj}$: the entry $U_{ik}$ stands in
# $Y_{i1}, Y_{i2}, \dots$, each time with the factor $W_{kj}$, so $\bar U_{ik} = \sum_j \bar Y_{ij} W_{kj}$; in the same
# way $\bar W_{kj} = \sum_i U_{ik} \bar Y_{ij}$, a sum over the examples. A bias is added to each row of the batch: it
# is used once per example, so its gradient is the sum over the rows. It is a sum, not a mean, for weights and biases
# alike.
#
# **From the output to the gates.** In $h' = z \odot h + (1 - z) \odot g$ the gate $z$ stands twice. The first term
# gives it $D \odot h$; the second gives $D \odot g$ to $1 - z$, which is $-D \odot g$ for $z$ itself. Together:
#
# $$\bar z = D \odot (h - g) \qquad \bar g = D \odot (1 - z) \qquad \text{and to } h \text{ directly: } D \odot z$$
#
# **Through the squashing functions.** Let $a_z, a_r, a_g$ be what stands inside $\sigma$, $\sigma$ and $\tanh$. In
# terms of the outputs,
#
# $$\bar a_g = \bar g \odot (1 - g \odot g)$$
# $$\bar a_z = \bar z \odot \sigma'(a_z) \qquad \bar a_r = \bar r \odot \sigma'(a_r)$$
#
# and your `sigmoid_derivative` knows $\sigma'$ from $z$ and $r$. All is known by now but $\bar r$.
#
# **Through the reset.** Call $q = r \odot h$, so that $a_g = x W_{xg} + q W_{hg} + b_g$. The matrix rule gives $\bar q$
# from $\bar a_g$. Then $q = r \odot h$ is a product by entries: it yields $\bar r$, *and* one more contribution to
# $\bar h$. Do this line yourself. Keep the order: the matrix product first, then the product by entries.
#
# **To the weights.** Each of the three $a$'s has the form (something) $W$ + $b$, so each weight's gradient is
# (something)$^\top$ times $\bar a$. For two of the weights $W_{h\cdot}$ that something is $h$; for which one is it not?
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
# The drawing below shows them: the same step as above, walked backwards. Then compose the pieces. In code:
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $D = \partial L / \partial h'$ | `dh_next` | (batch, hidden) |
# | $\bar x$ | `dx` | (batch, input) |
# | $\bar h$ | `dh` | (batch, hidden) |
# | $\bar W_{xz}$, ..., $\bar b_g$ | `gradients["W_xz"]`, ... | as the parameter of that name |
#
# Since $W_{hz}$, $W_{hr}$ and $W_{hg}$ are square, a forgotten transposition raises no error. The shapes will not save
# you; the differences will.
#
# <details><summary>Hint</summary>
#
# Keep one line per arrow of the drawing, from right to left: `dz`, `dg`; `da_z`, `da_g`; then through `W_hg` to `dq`;
# from `dq` to `dr` and to path 4; `da_r`; then the sums for `dx` and `dh`; the weights last. If of the nine parameters
# only those of the reset gate are wrong, look at the line for `dr`; if only those of the update gate are right, look at
# `dg` and `da_g`. `(da_g @ W_hg.T) * h` is not `(da_g * h) @ W_hg.T`.
# </details>

# %%
diagrams.draw_gru(gradients=True)


# %% id="gru_cell_backward" tags=["solution"]
def gru_cell_backward(dh_next, cache):
    """Gradients of one GRU step. dh_next: (batch, hidden), the loss differentiated by h_next; cache: from `gru_cell`.

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
# Look at it before you check it. The loss of this test is $L = \sum D \odot h'$ with a fixed random $D$, because then
# $\partial L / \partial h'$ is $D$ itself. `pairs` moves a few randomly chosen entries of each array by $10^{-5}$ to
# either side and sets $(L_+ - L_-) / (2 \cdot 10^{-5})$ against your gradient. All points belong on the diagonal, and
# all errors left of the dashed line. If a single array is off, look at its line; if only `dh` is off, you
# have missed a path. Expect relative errors between 1e-11 and 1e-8.


# %%
def step_pairs(x, h, params, D, rng, entries=6):
    """Your gradients of L = sum(D * h_next) beside central differences, for x, h and the nine parameters."""
    dx, dh, gradients = gru_cell_backward(D, gru_cell(x, h, params)[1])
    arrays = {"x": x, "h": h, **params}
    return pairs(lambda: np.sum(D * gru_cell(x, h, params)[0]), arrays, {"x": dx, "h": dh, **gradients}, rng, entries)


rng = np.random.default_rng(2)
x, h, D = rng.standard_normal((3, 5)), rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
found = step_pairs(x, h, random_parameters(5, 4, rng), D, rng)
scatter(found, title="one step back")

# %% id="check_gru_cell_backward" tags=["question"] points=6
"""One step back agrees with central differences and with torch's own gradient check, and leaves all as it was."""
rng = np.random.default_rng(3)
x, h, D = rng.standard_normal((2, 3)), rng.standard_normal((2, 4)), rng.standard_normal((2, 4))
params = random_parameters(3, 4, rng)

# with all matrices zero nothing but the direct path leads from h' to h
biases = {name: array if name.startswith("b_") else np.zeros_like(array) for name, array in params.items()}
_, dh, _ = gru_cell_backward(D, gru_cell(x, h, biases)[1])
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

largest = agree(step_pairs(x, h, params, D, rng, entries=8))

_, cache = gru_cell(x, h, params)
given = D.copy()
once, twice = gru_cell_backward(D, cache), gru_cell_backward(D, cache)
checks.unchanged("dh_next", D, given)
checks.equal("gru_cell_backward, called a second time with the same cache,", twice, once)

leaves = [torch.from_numpy(array).requires_grad_() for array in (x, h, *(params[name] for name in NAMES))]
checks.true(
    torch.autograd.gradcheck(TorchStep.apply, leaves, eps=1e-6, atol=1e-7, rtol=1e-5, raise_exception=False),
    "torch.autograd.gradcheck does not accept gru_cell_backward as the derivative of gru_cell",
)
checks.passed("gru_cell_backward", f"eleven gradients, largest relative error {largest:.1e}; torch's gradcheck agrees")

# %% [markdown]
# The last check hands your two functions to torch as one operation of its own (`TorchStep`, near the top of the
# notebook). Torch never sees your equations; `gradcheck` differentiates the forward function numerically, entry by
# entry, and compares.

# %% [markdown]
# ## 4. The loss of a sequence (2 points, about 7 minutes)
#
# Now many steps. Starting from $h_0$, the state goes from step to step, and each step has a target $y_t$ for its state:
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
# It is a sum over steps, batch and units, not a mean. The half is there so that $\partial L_t / \partial h_t$ is simply
# $h_t - y_t$. Expect exactly `targets.size / 2` when every target is off by one.
#
# <details><summary>Hint</summary>
#
# A loop over `zip(xs, targets)`, one call of `gru_cell` in it, and its state goes into the next call.
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
# A small task to look at: the *echo*. The first input is a pattern, all later ones are noise, and the target of every
# step is that pattern. A GRU that has not learnt anything does worse than one that always answers 0: expect 121.67
# against 90.00 here.


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
checks.close("gru_loss of targets that are met", gru_loss(xs, states, h0, params), 0.0)
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
# ## 5. Back through all steps (4 points, about 15 minutes)
#
# The weights are the same at every step, and a state matters twice: for its own loss and for the next state. The rule
# "used more than once" says to add, in both cases. Let $D_t = \partial L / \partial h_t$ collect everything that
# reaches $h_t$:
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
# This is back-propagation through time (Werbos 1990): once forwards, keeping every cache, then once backwards. In the
# drawing the losses send their gradient down and to the left: all dashed arrows contribute, and so does the thick one.
# The cell after yours shows the same picture as for one step, through 6 steps: an entry of a weight is moved, and the
# whole sequence is run again. Expect relative errors up to about 1e-8.
#
# <details><summary>Hint</summary>
#
# Two loops. The first fills two lists, `states` (one longer than the sequence, with `h0` in front) and `caches`. The
# second runs from the last step to the first; before it, `dh` is zero, since nothing comes after the last step. Add to
# the totals, do not replace them.
# </details>

# %%
diagrams.draw_unrolled(4)


# %% id="gru_backward" tags=["solution"]
def gru_backward(xs, targets, h0, params):
    """Gradients of `gru_loss` by the nine parameters, through all steps: a dict with their names and shapes."""
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

# %% id="check_gru_backward" tags=["question"] points=4
"""The gradient through all steps agrees with central differences, and with torch chaining your single steps."""
rng = np.random.default_rng(7)
xs, targets = rng.standard_normal((5, 2, 3)), rng.standard_normal((5, 2, 4))
h0, params = rng.standard_normal((2, 4)), random_parameters(3, 4, rng)
for steps in (1, 5):
    x, y = xs[:steps], targets[:steps]
    gradients = gru_backward(x, y, h0, params)
    found = pairs(lambda x=x, y=y: gru_loss(x, y, h0, params), params, gradients, rng, entries=5)
    largest = agree(found, where=f"for {steps} step{'s'[: steps - 1]}")

weights = {name: torch.from_numpy(params[name]).requires_grad_() for name in NAMES}
h, loss = torch.from_numpy(h0), 0.0
for x, y in zip(xs, targets, strict=True):
    h = TorchStep.apply(torch.from_numpy(x), h, *weights.values())
    loss = loss + 0.5 * torch.sum((h - torch.from_numpy(y)) ** 2)
loss.backward()
for name in NAMES:
    checks.close(f"d{name} against torch's chain of your single steps", gradients[name], weights[name].grad.numpy())
checks.passed("gru_backward", f"five steps, nine gradients, largest relative error {largest:.1e}; torch's chain agrees")

# %% [markdown]
# Here torch did the chaining and you did the steps, and both roads led to the same sum.

# %% [markdown]
# ## 6. What a single step would have given (2 points, about 6 minutes)
#
# A common shortcut is to stop after one step: take the last step's loss alone, hold $h_{T-1}$ fixed as if it were an
# input, and differentiate. In the drawing above that is the thick arrow, and nothing beyond the last box. Written out:
#
# $$\frac{\partial L_T}{\partial W}\Big|_{h_{T-1}\ \text{fixed}} = \bar W^{(T)} \quad\text{with}\quad D_T = h_T - y_T$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $h_{T-1}$ | the state after all steps but the last | (batch, hidden) |
# | $y_T$ | `targets[-1]` | (batch, hidden) |
# | $\bar W^{(T)}$ | result | a dict of nine arrays, like `params` |
#
# The state $h_{T-1}$ still has to be computed, by running all the earlier steps. For $T = 1$ the function must agree
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
# How far apart are the two? To compare like with like, the targets of all steps but the last are set to the states
# themselves: then $L = L_T$, both functions look at the same loss, and what differs is the way back alone. The picture
# shows $\lVert \text{last} - \text{all} \rVert / \lVert \text{all} \rVert$ over the length of the sequence, for an
# update gate that forgets ($b_z = -3$), one in the middle, and one that keeps ($b_z = 3$): the mean over twelve draws
# of weights and sequences, with their standard deviation. Expect 0 at $T = 1$ for all three. At $T = 20$ the means are
# about 0.4, 0.7 and 0.95: the better the state is kept, the more of the gradient lies in the past.


# %%
def distance(one, other):
    """Distance of two sets of gradients relative to the size of the second, all nine arrays taken together."""
    one, other = (np.concatenate([np.ravel(found[name]) for name in NAMES]) for found in (one, other))
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
for bias, found in apart.items():
    means = zip(lengths, found.mean(axis=0), strict=True)
    print(f"b_z = {bias:2d}:", "  ".join(f"T={steps}: {mean:.2f}" for steps, mean in means))

_, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for (bias, found), style in zip(apart.items(), ("-o", "--s", "-.^"), strict=True):
    axes.errorbar(lengths, found.mean(axis=0), found.std(axis=0, ddof=1), fmt=style, capsize=3, label=f"$b_z = {bias}$")
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
found = last_step_gradients(xs[:1], targets[:1], h0, params)
checks.close("last_step_gradients of a single step", found, gru_backward(xs[:1], targets[:1], h0, params))

found, h = last_step_gradients(xs, targets, h0, params), h0
for x in xs[:-1]:
    h, _ = gru_cell(x, h, params)
checks.close(
    "last_step_gradients of four steps",
    found,
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
# Does it matter for learning? Two copies of the same GRU learn the echo task by gradient descent. Both are given the
# loss of the last step and nothing else; one takes its gradient through all eight steps, the other through the last
# step alone. To get the first one from your `gru_backward`, the targets of all other steps are set to the states
# themselves, as above. The second learner is told what the last step should change, but nothing about what the *first*
# step, which saw the pattern, could have stored. After 600 updates expect a loss of 0.4 to 1.0 through all steps and of
# 1.1 to 2.6 through the last one, over the six seeds that we tried; the picture shows three. Always answering 0 would
# cost 6. The spikes are updates that went too far at this rate; the loss comes back within a few more.


# %%
def last_loss_gradients(xs, targets, h0, params):
    """Gradients of the last step's loss through all steps: the targets of the others are the states themselves."""
    states, h = [], h0
    for x in xs:
        h, _ = gru_cell(x, h, params)
        states.append(h)
    return gru_backward(xs, np.stack([*states[:-1], targets[-1]]), h0, params)


updates, rate, seeds = (5 if course.grading else 600), 0.05, (10, 11, 12)
_, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
methods = {"through all steps": (last_loss_gradients, "C0-"), "through the last step": (last_step_gradients, "C1--")}
for label, (method, style) in methods.items():
    ends = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        xs, targets = echo(8, 16, 3, rng)
        h0, params, losses = np.zeros((16, 3)), random_parameters(3, 3, rng), []
        for _ in range(updates):
            gradients = method(xs, targets, h0, params)
            params = {name: params[name] - rate * gradients[name] for name in NAMES}
            h = h0
            for x in xs:
                h, _ = gru_cell(x, h, params)
            losses.append(0.5 * np.sum((h - targets[-1]) ** 2))
        ends.append(losses[-1])
        axes.plot(np.arange(1, updates + 1), losses, style, linewidth=1, label=label if seed == seeds[0] else None)
    print(f"{label}: loss of the last step after {updates} updates", *(f"{end:.2f}" for end in ends))
axes.axhline(0.5 * np.sum(targets[-1] ** 2), color="0.4", linestyle=":", label="always answering 0")
axes.set(xlabel="update", ylabel="loss of the last step")
axes.set_ylim(0, 9)
axes.legend()
plt.show()

# %% [markdown]
# How far does a gradient travel? The next cell puts a gradient on the last of 40 states and sends it back with your
# `gru_cell_backward`, for four biases of the update gate. Beside it stands a plain network,
# $h' = \tanh(x W_x + h W_h + b)$, with the candidate's weights. Read the slopes: a straight line on this scale is a
# constant factor per step. With $b_z = -3$ about 1e-5 of the gradient is left after 10 steps; with $b_z = 6$ it is 83%
# after 40.

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

# %% [markdown] id="where_unchanged" tags=["written"] points=2
# **Written question (2 points, about 7 minutes).** In which place of the GRU, and under which condition, does a
# gradient pass from $h'$ to $h$ unchanged? Point to the term in the derivation. Then say what the same step does to the
# gradient in a plain network, $h' = \tanh(x W_x + h W_h + b)$, and what the price of passing it unchanged is.
#
# ### BEGIN SOLUTION
# On path 1: $h' = z \odot h + \dots$ gives $\bar h = D \odot z + \dots$ There is no matrix and no squashing function on
# this path, only the factor $z$. Where $z$ is near 1 the gradient arrives unchanged, unit by unit and step after step.
# The other three paths fade at the same time: path 2 has the factor $\sigma'$ of a saturated gate, and paths 3 and 4
# come through the candidate, which has the factor $1 - z$. In the plain network every step multiplies by
# $1 - h'^2 \le 1$ and by $W_h^\top$, so over many steps the gradient typically shrinks or grows exponentially with
# their number. The price: where $z$ is near 1 the state hardly changes ($h' \approx h$), so the unit takes in nothing
# new at these steps, and the gates themselves get almost no gradient there.
#
# 1 point for the direct path $z \odot h$ and the condition $z$ near 1 (units or steps may be named), with the reason
# that neither a matrix nor a squashing function stands on it. 1 point for the comparison with the plain network (a
# matrix and $1 - h'^2$ at each step) and for the price: a kept state is not written to.
# ### END SOLUTION

# %% [markdown]
# ## 7. The other GRU (3 points, about 10 minutes)
#
# `torch.nn.GRU` computes something slightly different: it applies the reset *after* the matrix product, and the product
# has a bias of its own inside the reset. Its documentation says so, and names efficiency as the reason: all three
# products with $h$ can be computed as one matrix product, since none of them has to wait for $r$.
#
# $$g = \tanh\big(x W_{xg} + b_g + r \odot (h W_{hg} + b_{hg})\big)$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $z$, $r$, $h'$ | as in question 1 | (batch, hidden) |
# | $b_{hg}$ | `params["b_hg"]` | (hidden,) |
# | the nine others | `params["W_xz"]`, ... | as in question 1 |
#
# **When do the two agree?** Take one example. Inside the tanh of unit $j$ the course's form has $\sum_i r_i h_i W_{ij}$
# and torch's has $r_j \big(\sum_i h_i W_{ij} + b_j\big)$, writing $W$ for $W_{hg}$ and $b$ for $b_{hg}$. The difference
# is
#
# $$\sum_i (r_i - r_j)\, h_i\, W_{ij} \; - \; r_j b_j .$$
#
# It is zero for every unit when $b_{hg} = 0$ and one of these holds: the reset gate has the same value in all units of
# the example ($r_i = r_j$), or $W_{hg}$ is diagonal (one hidden unit included: only $i = j$ is left), or $h = 0$. If
# $r = c$ in all units, a $b_{hg}$ other than zero does no harm either, once the course's $b_g$ is replaced by
# $b_g + c\, b_{hg}$.
#
# Write torch's step in numpy. It needs no cache. Expect agreement with `torch.nn.GRUCell` to 1e-12. The cell after
# yours puts the conditions into numbers: the largest difference between your two functions over 100 random examples.
#
# <details><summary>Hint</summary>
#
# Start from your `gru_cell` and change one line. The bias $b_{hg}$ is added before the reset multiplies, so that with
# $r = 0$ neither the old state nor this bias has a say.
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
    judge.bias_ih.copy_(torch.from_numpy(np.concatenate([params[f"b_{gate}"] for gate in "rzg"])))
    judge.bias_hh.copy_(torch.from_numpy(np.concatenate([zeros, zeros, params["b_hg"]])))
    by_torch, from_zero = (judge(torch.from_numpy(x), torch.from_numpy(s)).numpy() for s in (h, np.zeros_like(h)))
    judge.bias_hh.zero_()
    no_bias = judge(torch.from_numpy(x), torch.from_numpy(h)).numpy()
h_next = gru_cell_torch(x, h, params)
checks.close(
    "gru_cell_torch(x, h, params)",
    h_next,
    by_torch,
    slips={
        "with the reset before the product, the course's own variant": gru_cell(
            x, h, params | {"b_g": params["b_g"] + params["b_hg"]}
        )[0],
        "when b_hg is left out": no_bias,
    },
    shape="(batch, hidden_size)",
)
checks.close("gru_cell_torch from a zero state", gru_cell_torch(x, np.zeros_like(h), params), from_zero)
worst = np.abs(h_next - by_torch).max()
checks.passed("gru_cell_torch", f"equal to torch.nn.GRUCell, largest difference {worst:.0e}")

# %% [markdown]
# ## 8. Counting (2 points, about 7 minutes)
#
# A GRU layer has three blocks of the same form (update, reset, candidate), each with a matrix from the input, one from
# the state and a bias:
#
# | array | how many | entries of each |
# | --- | --- | --- |
# | $W_{x\cdot}$ | 3 | `input_size * hidden_size` |
# | $W_{h\cdot}$ | 3 | `hidden_size * hidden_size` |
# | biases, `bias="one"` (textbook) | 3 | `hidden_size` |
# | biases, `bias="two"` (torch) | 6 | `hidden_size` |
#
# Write the count for one layer. Raise a `ValueError` that names the value for any other `bias`, and for a size under 1.
# Expect 240,600 for 200 inputs and 200 units with one bias per block, and 241,200 with two.
#
# <details><summary>Hint</summary>
#
# `3 * hidden_size * (...)`: what does each hidden unit of a block own? A column of $W_x$, a column of $W_h$, and one or
# two biases. Compare `bias` with the two words before you compute anything.
# </details>


# %% id="count_gru_parameters" tags=["solution"]
def count_gru_parameters(input_size, hidden_size, bias):
    """Parameters of one GRU layer: a whole number.

    bias: "one" per block, as in textbooks, or "two", as torch stores them. Raises ValueError for another bias or a
    size under 1.
    """
    ### BEGIN SOLUTION
    biases = {"one": 1, "two": 2}
    if bias not in biases:
        raise ValueError(f"bias must be 'one' or 'two', got {bias!r}")
    if input_size < 1 or hidden_size < 1:
        raise ValueError(f"sizes must be at least 1, got {input_size} and {hidden_size}")
    return 3 * hidden_size * (input_size + hidden_size + biases[bias])
    ### END SOLUTION


# %% [markdown]
# An LSTM has four blocks of the same form where the GRU has three. The picture compares the two by width, 200 inputs
# and one bias per block; the cell then looks for the width at which a GRU costs as much as an LSTM of 200 units.

# %%
widths = np.arange(50, 401, 25)
gru = np.array([count_gru_parameters(200, int(width), "one") for width in widths])
_, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.plot(widths, gru / 1000, "-o", markersize=4, label="GRU, three blocks")
axes.plot(widths, gru / 3 * 4 / 1000, "--s", markersize=4, label="LSTM, four blocks")
axes.axhline(320.8, color="0.5", linestyle=":", label="LSTM with 200 units: 320,800")
axes.set(xlabel="hidden units", ylabel="thousand parameters")
axes.legend()
plt.show()
nearest = min(range(200, 300), key=lambda width: abs(count_gru_parameters(200, width, "one") - 320_800))
cost = count_gru_parameters(200, nearest, "one")
print(f"a GRU of {nearest} units has {cost:,} parameters, the LSTM of 200 has 320,800")

# %% id="check_count_gru_parameters" tags=["question"] points=2
"""The count equals torch's own for several sizes, the textbook's for one bias, and impossible requests are refused."""
checks.equal(
    "count_gru_parameters(200, 200, 'one')",
    count_gru_parameters(200, 200, "one"),
    240_600,
    slips={"with four blocks, which is an LSTM": 320_800, "without biases": 240_000},
)
for sizes in ((200, 200), (7, 3), (1, 1)):
    torch_count = sum(weight.numel() for weight in nn.GRU(*sizes).parameters())
    checks.equal(f"count_gru_parameters{(*sizes, 'two')}", count_gru_parameters(*sizes, "two"), torch_count)
checks.raises("count_gru_parameters(5, 5, 'three')", ValueError, lambda: count_gru_parameters(5, 5, "three"))
checks.raises("count_gru_parameters(0, 5, 'one')", ValueError, lambda: count_gru_parameters(0, 5, "one"))
checks.raises("count_gru_parameters(5, 0, 'two')", ValueError, lambda: count_gru_parameters(5, 0, "two"))
checks.passed("count_gru_parameters", "240,600 by the textbook, torch's own count for three sizes")

# %% [markdown] id="why_six_biases" tags=["written"] points=1
# **Written question (1 point, about 4 minutes).** Torch stores six bias vectors for a GRU layer. Four are enough for
# the same function, and the variant of question 1 needs three. Which of the six can be merged, which cannot, and why?
#
# ### BEGIN SOLUTION
# In $z$ and $r$ the bias of the input product and that of the state product are simply added inside the same $\sigma$,
# so only their sum matters: one vector each. In torch's candidate the state's bias is multiplied by $r$ while the
# input's is not, so the two are different functions and both must stay: $1 + 1 + 2 = 4$. With the reset before the
# product both are added unscaled again, so three suffice. (Torch keeps all six so that both products have blocks of the
# same form.)
#
# 1 point for: merged in both gates because they only appear as a sum, not in the candidate because $r$ multiplies one
# of them.
# ### END SOLUTION

# %% [markdown] id="why_wider" tags=["written"] points=2
# **Written question (2 points, about 7 minutes).** Why can a GRU be made wider than an LSTM for the same cost? Give the
# widths that you found above, derive the factor by which the width may grow when the input grows along with the hidden
# size (both $n$), and name one cost that the number of parameters does not show.
#
# ### BEGIN SOLUTION
# A GRU computes three blocks per step (two gates and a candidate), an LSTM four (three gates and a candidate); it also
# has a single state where the LSTM carries two. A layer with $n$ inputs and $n$ units has about $3 \cdot 2 n^2$
# parameters as a GRU and $4 \cdot 2 n^2$ as an LSTM, and about one multiplication per parameter and step. Setting
# $6 m^2 = 8 n^2$ gives $m = n \sqrt{4/3} \approx 1.15\, n$. With the input held at 200, an LSTM of 200 units (320,800)
# pays for a GRU of 242 units (321,618). Not shown: the time of a step depends on how well the products run on the
# machine (the reset before the product forces two products one after the other), the softmax layer over the words grows
# with the width, and the memory kept for the backward pass.
#
# 1 point for three blocks against four together with the widths or the factor $\sqrt{4/3}$. 1 point for the derivation
# of the factor and a cost that the count does not show.
# ### END SOLUTION

# %% [markdown]
# ## References
#
# - K. Cho and others (2014), *Learning phrase representations using RNN encoder-decoder for statistical machine
#   translation*, arXiv:1406.1078: the unit of question 1, its update gate read as here. Version 3 has the reset before
#   the product, as in question 1, version 1 after it, as in torch.
# - J. Chung, C. Gulcehre, K. Cho, Y. Bengio (2014), *Empirical evaluation of gated recurrent neural networks on
#   sequence modeling*, arXiv:1412.3555: GRU and LSTM compared. Its $z$ is $1 - z$ here: always look which way round a
#   paper's gate is.
# - P. J. Werbos (1990), *Backpropagation through time: what it does and how to do it*, Proceedings of the IEEE 78(10).
# - S. Hochreiter, J. Schmidhuber (1997), *Long short-term memory*, Neural Computation 9(8): why gradients vanish, and
#   the path without a matrix.
# - The documentation of `torch.nn.GRU`, the note on the candidate: torch's order of reset and product, and why.
