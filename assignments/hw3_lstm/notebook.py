# %% [markdown]
# # The anatomy of an LSTM
#
# A long short-term memory carries two things from step to step: a *cell state*, which is only scaled and added to and
# can keep a value for a long time, and an *output*, which is what the rest of the network sees of it. You write one
# step in numpy and compare it with torch's own, unroll it over a sequence and look at what each use of the shared
# weights contributes to the gradient, and count the parameters. Then come the things around the cell that every real
# program needs: sequences of different lengths on the way in, in the loss and on the way out, and states that go on
# from one batch to the next.
#
# **After this notebook you can**
#
# - compute an LSTM step from its equations, and move weights between your code and torch's;
# - unroll the network, and say what it means for the gradient that all steps share one set of weights;
# - count the parameters of LSTM, GRU and plain layers, also stacked ones, and say why torch's count is higher;
# - handle sequences of different lengths by padding, by packing and by a mask, and show that loss and gradients agree;
# - decode an output whose length is not known beforehand;
# - say what starts at zero, what is passed on, and why the gradient of an output that nobody uses is zero.
#
# **You need** numpy, a little torch (tensors and `backward`), and the recurrent network and the cross-entropy of the
# earlier notebooks. Plan about 115 minutes. There are 28 points: 24 by the graded cells, 4 by two short written
# answers.
#
# Rows are examples: `x` is (batch, input), a weight is (input, hidden), a product is `x @ W + b`. Sequences have the
# steps in front, (steps, batch, ...), as in `torch.nn.LSTM`. Arrays are float64.

# %% tags=["provided"]
import itertools
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence

from utils import checks, lstm_plots, plots

NAMES = ("W_xi", "W_hi", "b_i", "W_xf", "W_hf", "b_f", "W_xo", "W_ho", "b_o", "W_xg", "W_hg", "b_g")


def sigmoid(a):
    """The logistic function 1 / (1 + exp(-a)), entry by entry, without overflow for any a."""
    return 0.5 * (1 + np.tanh(0.5 * a))


def random_parameters(input_size, hidden_size, rng, scale=0.5):
    """The twelve arrays of an LSTM, normal entries. W_x*: (input, hidden), W_h*: (hidden, hidden), b_*: (hidden,)."""
    shapes = {"W_x": (input_size, hidden_size), "W_h": (hidden_size, hidden_size), "b_": (hidden_size,)}
    return {name: scale * rng.standard_normal(shapes[name[:-1]]) for name in NAMES}


# %% [markdown]
# ## 1. One step (3 points, about 12 minutes)
#
# A plain recurrent network replaces its whole state at every step. The LSTM (Hochreiter and Schmidhuber 1997; the
# forget gate is by Gers, Schmidhuber and Cummins 2000) has three *gates* with values between 0 and 1, which say unit by
# unit how much of something passes, and a *candidate* $g$ with values between -1 and 1, which is what could be written:
#
# $$i = \sigma(x W_{xi} + h W_{hi} + b_i) \qquad f = \sigma(x W_{xf} + h W_{hf} + b_f)$$
# $$o = \sigma(x W_{xo} + h W_{ho} + b_o) \qquad g = \tanh(x W_{xg} + h W_{hg} + b_g)$$
# $$c' = i \odot g + f \odot c \qquad h' = o \odot \tanh(c')$$
#
# The *input gate* $i$ decides what is written, the *forget gate* $f$ what is kept, the *output gate* $o$ what is
# shown. (Other courses call $i$ the update gate and write $\Gamma_u$.) $\sigma$ is the logistic function (`sigmoid`
# above), $\odot$ the product entry by entry. Each $W_{x\cdot}$ reads the input, as $U$ did in the character network,
# each $W_{h\cdot}$ the output of the step before, as $W$ did.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $x$ | `x` | (batch, input) |
# | $h$, $h'$ | `h`, `h_next` | (batch, hidden) |
# | $c$, $c'$ | `c`, `c_next` | (batch, hidden) |
# | $W_{xi}, W_{xf}, W_{xo}, W_{xg}$ | `params["W_xi"]`, ... | (input, hidden) |
# | $W_{hi}, W_{hf}, W_{ho}, W_{hg}$ | `params["W_hi"]`, ... | (hidden, hidden) |
# | $b_i, b_f, b_o, b_g$ | `params["b_i"]`, ... | (hidden,) |
#
# The drawing shows the step. A grey box has weights of its own and reads $x$ and $h$; a circle works entry by entry.
# Follow the line along the top: from $c$ to $c'$ there is one multiplication and one addition, no matrix and no
# squashing function. What is stored is $c'$ itself; the tanh stands on the way to the output only.
#
# Two tests need no computer. With all parameters zero the gates are 1/2 and the candidate is 0, so $c' = c / 2$ and
# $h' = \tanh(c / 2) / 2$. And when $b_f$ is moved from far below zero to far above, $c'$ must move from $i \odot g$ to
# $i \odot g + c$. The cell after yours prints the first and draws the second.
#
# <details><summary>Hint</summary>
#
# Six lines for the six equations. A small inner function `block(gate)` that returns
# `x @ params["W_x" + gate] + h @ params["W_h" + gate] + params["b_" + gate]` saves most of the typing.
# </details>

# %%
lstm_plots.draw_lstm()


# %% id="lstm_cell" tags=["solution"]
def lstm_cell(x, h, c, params):
    """One step of an LSTM. x: (batch, input), h and c: (batch, hidden), params: dict of the twelve arrays of NAMES.

    Returns h_next and c_next, (batch, hidden) each. The arguments are left as they were.
    """
    ### BEGIN SOLUTION
    i = sigmoid(x @ params["W_xi"] + h @ params["W_hi"] + params["b_i"])
    f = sigmoid(x @ params["W_xf"] + h @ params["W_hf"] + params["b_f"])
    o = sigmoid(x @ params["W_xo"] + h @ params["W_ho"] + params["b_o"])
    g = np.tanh(x @ params["W_xg"] + h @ params["W_hg"] + params["b_g"])
    c_next = i * g + f * c
    h_next = o * np.tanh(c_next)
    return h_next, c_next
    ### END SOLUTION


# %%
rng = np.random.default_rng(1)
x, h, c = rng.standard_normal((1, 5)), rng.standard_normal((1, 4)), np.array([[0.8, -0.3, 1.5, -0.6]])
zeros = {name: np.zeros_like(array) for name, array in random_parameters(5, 4, rng).items()}
h_next, c_next = lstm_cell(x, h, c, zeros)
print("all parameters zero: c' / c =", c_next / c, " h' / tanh(c / 2) =", h_next / np.tanh(c / 2))

params = random_parameters(5, 4, rng)
biases = np.linspace(-8, 8, 33)
moved = np.array([lstm_cell(x, h, c, params | {"b_f": np.full(4, bias)}) for bias in biases])[:, :, 0, 0]
_, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.plot(biases, moved[:, 1], "-o", markersize=3, label="cell state $c'$")
axes.plot(biases, moved[:, 0], "--s", markersize=3, label="output $h'$")
axes.axhline(moved[0, 1], color="0.4", linestyle=":", linewidth=1.5, label="$i \\odot g$")
axes.axhline(moved[0, 1] + c[0, 0], color="0.4", linestyle="-.", linewidth=1, label="$i \\odot g + c$")
axes.set(xlabel="bias $b_f$ of the forget gate", ylabel="unit 0")
axes.legend(fontsize=8)
plt.show()

# %% [markdown]
# **From your weights to torch's.** `torch.nn.LSTMCell` and `torch.nn.LSTM` compute the same equations, so they can
# judge your code, but they store the numbers in another way:
#
# - all four blocks lie in one array, one below the other, in the order $i, f, g, o$: the candidate is *third*, the
#   output gate *last*, while the equations above name $o$ before $g$;
# - each matrix is transposed: `weight_ih` is (4 hidden, input), `weight_hh` is (4 hidden, hidden);
# - there are two bias vectors, `bias_ih` and `bias_hh`, (4 hidden,) each. They are only ever added, so your $b$ may go
#   into the first and zeros into the second.
#
# | rows of torch's arrays | block |
# | --- | --- |
# | `0 : hidden` | $i$ |
# | `hidden : 2 * hidden` | $f$ |
# | `2 * hidden : 3 * hidden` | $g$ |
# | `3 * hidden : 4 * hidden` | $o$ |
#
# The next cell holds the way there and the way back. All four blocks have the same shapes, so a wrong order raises no
# error: it only gives wrong numbers. The cell after it shows how wrong for all 24 orders: one of them agrees to the
# last digits, all others are off by something that anybody would see. Always compare numbers when you move weights.


# %% tags=["provided"]
TORCH_ORDER = "ifgo"


def torch_twin(params, kind=nn.LSTM, order=TORCH_ORDER):
    """torch's layer (or cell, kind=nn.LSTMCell) of one layer with the weights of params, in float64.

    order: the gates in the order in which their blocks are stacked.
    """
    input_size, hidden_size = params["W_xi"].shape
    twin = kind(input_size, hidden_size, dtype=torch.float64)
    stacked = [np.concatenate([params[part + gate].T for gate in order]) for part in ("W_x", "W_h", "b_")]
    with torch.no_grad():  # parameters() come as weight_ih, weight_hh, bias_ih, bias_hh
        for weight, array in zip(twin.parameters(), [*stacked, np.zeros_like(stacked[-1])], strict=True):
            weight.copy_(torch.from_numpy(array))
    return twin


def by_name(weight_ih, weight_hh, bias):
    """The way back: torch's stacked tensors (or their gradients) as a dict of twelve arrays like params."""
    found = {}
    for part, stacked in (("W_x", weight_ih), ("W_h", weight_hh), ("b_", bias)):
        for gate, block in zip(TORCH_ORDER, stacked.detach().numpy().reshape(4, -1, *stacked.shape[1:]), strict=True):
            found[part + gate] = block.T
    return found


# %%
rng = np.random.default_rng(2)
x, h, c = rng.standard_normal((3, 5)), rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
params = random_parameters(5, 4, rng)
h_next, _ = lstm_cell(x, h, c, params)
orders, gaps = ["".join(order) for order in itertools.permutations("ifgo")], []
for order in orders:
    with torch.no_grad():
        by_torch, _ = torch_twin(params, nn.LSTMCell, order)(torch.from_numpy(x), tuple(map(torch.from_numpy, (h, c))))
    gaps.append(np.abs(h_next - by_torch.numpy()).max())
print(f"order i, f, g, o: largest difference {gaps[orders.index('ifgo')]:.0e}")
print(f"the other 23 orders: from {sorted(gaps)[1]:.2f} to {max(gaps):.2f}")
_, axes = plt.subplots(figsize=(8, 2.8), layout="constrained")
axes.semilogy(range(24), gaps, "o", color="0.2")
axes.set(ylabel="largest difference of $h'$", xlabel="order in which the blocks are stacked", ylim=(1e-17, 10))
axes.set_xticks(range(24), orders, rotation=60, fontsize=8)
plt.show()

# %% id="check_lstm_cell" tags=["question"] points=3
"""One step on a small example worked out beforehand, with the forget gate wide open, and against torch's own cell."""
shapes = [(3, 2), (2, 2), (2,)] * 4
fixed = {
    name: np.cos(np.arange(np.prod(shape)) + k).reshape(shape)
    for k, (name, shape) in enumerate(zip(NAMES, shapes, strict=True))
}
x, h = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, -0.5]]), np.array([[0.5, -1.0], [0.9, 0.25]])
c = np.array([[1.5, -0.5], [-2.0, 0.75]])
arguments = {"x": x.copy(), "h": h.copy(), "c": c.copy(), **{name: array.copy() for name, array in fixed.items()}}
h_next, c_next = lstm_cell(x, h, c, fixed)
right = np.array([[0.3178547149, -0.4714261844], [-0.5435811719, 0.0654881383]])
checks.close(
    "c_next",
    c_next,
    np.array([[0.7062901829, -0.7256231419], [-1.2495418321, 0.7519323854]]),
    slips={
        "with i and f exchanged": np.array([[0.9582846110, -0.5684423954], [-1.2161067679, 0.9242796674]]),
        "with the parameters of o and g exchanged": np.array(
            [[0.7027051864, 0.5277249986], [-0.6947741585, 0.6260055138]]
        ),
        "when the cell state goes through tanh before it is stored": np.array(
            [[0.6083452322, -0.6203803283], [-0.8481551129, 0.6363003715]]
        ),
        "when h_next and c_next are returned in the other order": right,
    },
    shape="(batch, hidden_size)",
)
checks.close(
    "h_next",
    h_next,
    right,
    slips={
        "without the tanh of c_next": np.array([[0.3690300390, -0.5514000581], [-0.8008292388, 0.0773890041]]),
    },
    shape="(batch, hidden_size)",
)
for name, before in arguments.items():
    checks.unchanged(name, {"x": x, "h": h, "c": c, **fixed}[name], before)
_, kept = lstm_cell(x, h, c, fixed | {"b_f": np.full(2, 60.0), "b_i": np.full(2, -60.0)})
checks.close("c_next with b_f = 60 and b_i = -60, where all is kept and nothing written,", kept, c)
with torch.no_grad():
    by_torch = torch_twin(fixed, nn.LSTMCell)(torch.from_numpy(x), (torch.from_numpy(h), torch.from_numpy(c)))
checks.close("h_next against torch.nn.LSTMCell", h_next, by_torch[0].numpy())
checks.close("c_next against torch.nn.LSTMCell", c_next, by_torch[1].numpy())
checks.passed("lstm_cell", "the worked example, a cell that keeps everything, and torch agree")

# %% [markdown]
# ## 2. A sequence (2 points, about 6 minutes)
#
# Over a sequence the step is applied again and again, with the same parameters, and both states go into the next step:
#
# $$(h_t, c_t) = \mathrm{LSTM}(x_t, h_{t-1}, c_{t-1}), \qquad t = 1 \dots T$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $x_1 \dots x_T$ | `xs` | (steps, batch, input) |
# | $h_0$, $c_0$ | `h0`, `c0` | (batch, hidden) |
# | $h_1 \dots h_T$ | `outputs` | (steps, batch, hidden) |
# | $(h_T, c_T)$ | `(h, c)` | a pair of (batch, hidden) |
#
# The outputs are all $h_t$; the cell states in between stay inside. The result has the form of `torch.nn.LSTM`'s:
# `outputs, (h, c)`, and `outputs[-1]` equals `h`. In the drawing $W$ stands for all twelve arrays: one set of weights,
# read at every step. $W^{(t)}$ is the same $W$, at its $t$-th use.
#
# <details><summary>Hint</summary>
#
# A loop over `xs`; `h, c = lstm_cell(x, h, c, params)` in it, and `np.stack` at the end.
# </details>

# %%
lstm_plots.draw_unrolled_lstm(4)


# %% id="lstm_sequence" tags=["solution"]
def lstm_sequence(xs, h0, c0, params):
    """An LSTM over a sequence. xs: (steps, batch, input), h0 and c0: (batch, hidden), params: the twelve arrays.

    Returns outputs (steps, batch, hidden) and the pair (h, c) after the last step, (batch, hidden) each.
    """
    ### BEGIN SOLUTION
    outputs, h, c = [], h0, c0
    for x in xs:
        h, c = lstm_cell(x, h, c, params)
        outputs.append(h)
    return np.stack(outputs), (h, c)
    ### END SOLUTION


# %% [markdown]
# How long does the cell remember? Two runs see the same 40 inputs and differ in $c_0$ alone. To look at the line along
# the top of the drawing by itself, all $W_{h\cdot}$ are zero here, so that the gates read the inputs only. Then the
# difference of the two cell states is the first difference times the product of all forget gates. The picture shows
# its size for four biases of the forget gate; a straight line on this scale is a constant factor per step. After 10
# steps expect about 0.0015 of it to be left with $b_f = 0$ and 52% with $b_f = 3$; with $b_f = 6$ it is 86% after 40.
# With $b_f = -3$ it is lost in rounding before step 15. (This is why forget biases are often set to 1 or more at the
# start of a training: Jozefowicz, Zaremba and Sutskever 2015.)

# %%
rng = np.random.default_rng(3)
xs, base = rng.standard_normal((40, 8, 5)), random_parameters(5, 6, rng, scale=0.3)
base |= {name: np.zeros((6, 6)) for name in NAMES if name.startswith("W_h")}
h0, c0 = np.zeros((8, 6)), rng.standard_normal((8, 6))
series = {}
for bias in (-3, 0, 3, 6):
    params, left = base | {"b_f": np.full(6, float(bias))}, [1.0]
    for steps in range(1, 41):
        (_, (_, one)), (_, (_, other)) = (lstm_sequence(xs[:steps], h0, start, params) for start in (c0, 0 * c0))
        left.append(np.sqrt(np.mean((one - other) ** 2) / np.mean(c0**2)))
    kept = np.array(left)
    series[f"$b_f = {bias}$"] = (np.arange(41)[kept > 1e-14], kept[kept > 1e-14])
    print(f"b_f = {bias:2d}: {left[10]:.2g} of the difference is left after 10 steps, {left[40]:.2g} after 40")
plots.curves(series, x_label="step", y_label="difference of the cell states", log=True)

# %% id="check_lstm_sequence" tags=["question"] points=2
"""All outputs and the last pair of states agree with torch.nn.LSTM, and one step is one cell."""
rng = np.random.default_rng(4)
xs, h0, c0 = rng.standard_normal((6, 3, 4)), rng.standard_normal((3, 5)), rng.standard_normal((3, 5))
params = random_parameters(4, 5, rng)
outputs, (h, c) = lstm_sequence(xs, h0, c0, params)
with torch.no_grad():
    by_torch, (h_last, c_last) = torch_twin(params)(
        torch.from_numpy(xs), (torch.from_numpy(h0)[None], torch.from_numpy(c0)[None])
    )
checks.close(
    "outputs",
    outputs,
    by_torch.numpy(),
    slips={"when every step starts from h0 and c0": np.stack([lstm_cell(x, h0, c0, params)[0] for x in xs])},
    shape="(steps, batch, hidden_size)",
)
checks.close("h after the last step", h, h_last[0].numpy(), shape="(batch, hidden_size)")
checks.close("c after the last step", c, c_last[0].numpy(), slips={"when h is returned in its place": h})
outputs, (h, c) = lstm_sequence(xs[:1], h0, c0, params)
checks.close("one step", (outputs[0], h, c), (h, *lstm_cell(xs[0], h0, c0, params)))
checks.passed("lstm_sequence", "six steps equal torch.nn.LSTM, one step equals one cell")

# %% [markdown]
# ## 3. What each step gives to the gradient (4 points, about 18 minutes)
#
# All steps use one array, so each step contributes a share of its gradient. To see the shares, unroll the network for
# real: give each step a *copy* of its own of one weight, with equal numbers, and differentiate with respect to every
# copy. For the weight $W$ called `name` and the loss $L$, the sum of all outputs,
#
# $$L = \sum_{t=1}^{T} \sum_{\text{batch, units}} h_t, \qquad G_t = \frac{\partial L}{\partial W^{(t)}}, \qquad
# \frac{\partial L}{\partial W} = \sum_{t=1}^{T} G_t .$$
#
# The last equation is the chain rule for a variable that is used more than once: back-propagation through time in one
# line. $G_t$ holds everything that the use at step $t$ does to the loss, at step $t$ and at all later ones.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $W$ | `params[name]`, one of the twelve | (input, hidden), (hidden, hidden) or (hidden,) |
# | $G_1 \dots G_T$ | result | (steps, *shape of the weight) |
#
# Torch may differentiate here: that is what this question asks you to try. The other eleven arrays stay shared. Numpy
# goes in and numpy comes out. Two shares are known beforehand: with $h_0 = 0$ the share $G_1$ of every $W_{h\cdot}$ is
# zero, since $h_0$ multiplies it, and with $c_0 = 0$ so is $G_1$ of $W_{xf}$, $W_{hf}$ and $b_f$: nothing is there yet
# to be forgotten.
#
# <details><summary>Hint</summary>
#
# `torch.from_numpy` for everything; for the copies a list, one `torch.tensor(params[name], requires_grad=True)` per
# step. Then the loop of question 2 with `torch.sigmoid` and `torch.tanh` (your `lstm_cell` calls numpy, through which
# torch cannot differentiate), in which step $t$ takes `weights | {name: copies[t]}`. Add up `h.sum()`, call
# `backward()` once on the total, and stack the `.grad` of the copies as numpy arrays.
# </details>

# %%
lstm_plots.draw_unrolled_lstm(4, gradients=True)


# %% id="gradient_per_step" tags=["solution"]
def gradient_per_step(xs, h0, c0, params, name):
    """Gradient of the sum of all outputs with respect to each step's own copy of params[name].

    xs: (steps, batch, input), h0 and c0: (batch, hidden). Returns (steps, *params[name].shape), a numpy array.
    """
    ### BEGIN SOLUTION
    weights = {other: torch.from_numpy(array) for other, array in params.items()}
    copies = [torch.tensor(params[name], requires_grad=True) for _ in xs]
    h, c, total = torch.from_numpy(h0), torch.from_numpy(c0), 0.0
    for x, copy in zip(torch.from_numpy(xs), copies, strict=True):
        w = weights | {name: copy}
        i, f, o, g = (x @ w[f"W_x{gate}"] + h @ w[f"W_h{gate}"] + w[f"b_{gate}"] for gate in "ifog")
        c = torch.sigmoid(i) * torch.tanh(g) + torch.sigmoid(f) * c
        h = torch.sigmoid(o) * torch.tanh(c)
        total = total + h.sum()
    total.backward()
    return np.stack([copy.grad.numpy() for copy in copies])
    ### END SOLUTION


# %% [markdown]
# The picture shows the size of each share of the candidate's matrix $W_{xg}$ over 20 steps. What an early use writes
# into the cell is seen by all later outputs if the cell keeps it: with $b_f = 3$ the first share is about 8 times the
# last. With $b_f = -3$ nothing is kept, and all shares are of one size. The sum is printed beside the gradient that
# torch computes for the shared array.

# %%
rng = np.random.default_rng(5)
xs, base = rng.standard_normal((20, 8, 5)), random_parameters(5, 6, rng, scale=0.3)
h0, c0 = np.zeros((8, 6)), np.zeros((8, 6))
series = {}
for bias in (-3, 0, 3):
    params = base | {"b_f": np.full(6, float(bias))}
    shares = gradient_per_step(xs, h0, c0, params, "W_xg")
    twin = torch_twin(params)
    twin(torch.from_numpy(xs))[0].sum().backward()
    shared = by_name(twin.weight_ih_l0.grad, twin.weight_hh_l0.grad, twin.bias_ih_l0.grad)["W_xg"]
    sizes = np.linalg.norm(shares.reshape(20, -1), axis=1)
    series[f"$b_f = {bias}$"] = sizes
    print(
        f"b_f = {bias:2d}: first share {sizes[:3].mean() / sizes[-3:].mean():.1f} times the last (means of three);"
        f" entry [0, 0] of the sum {shares.sum(axis=0)[0, 0]:.6f}, of torch's shared gradient {shared[0, 0]:.6f}"
    )
plots.curves(series, x_label="step $t$", y_label="size of the share $G_t$ of $W_{xg}$")

# %% id="check_gradient_per_step" tags=["question"] points=4
"""The shares add up to torch's gradient of the shared array; one share by differences; those known to be zero are."""
rng = np.random.default_rng(6)
xs, h0, c0 = rng.standard_normal((4, 2, 3)), rng.standard_normal((2, 5)), rng.standard_normal((2, 5))
params = random_parameters(3, 5, rng)
twin = torch_twin(params)
states = torch.from_numpy(h0)[None], torch.from_numpy(c0)[None]
twin(torch.from_numpy(xs), states)[0].sum().backward()
shared = by_name(twin.weight_ih_l0.grad, twin.weight_hh_l0.grad, twin.bias_ih_l0.grad)
for name in NAMES:
    found = gradient_per_step(xs, h0, c0, params, name)
    wanted = (4, *params[name].shape)
    checks.true(np.shape(found) == wanted, f"{name}: shape {np.shape(found)} came back, {wanted} was expected")
    checks.close(
        f"the sum over the shares of {name}",
        np.sum(found, axis=0),
        shared[name],
        relative=1e-6,
        slips={"when each step holds the sum of all shares": 4 * shared[name]},
    )

# the third step's own use of W_xg, by differences: an entry is moved for this step alone
found = gradient_per_step(xs, h0, c0, params, "W_xg")


def total_with(moved):
    """The sum of all outputs when the third step uses `moved` in place of W_xg."""
    _, (h, c) = lstm_sequence(xs[:2], h0, c0, params)
    third, (h, c) = lstm_sequence(xs[2:3], h, c, params | {"W_xg": moved})
    return third.sum() + lstm_sequence(xs[3:], h, c, params)[0].sum()


tiny = np.zeros_like(params["W_xg"])
tiny[1, 3] = 1e-5
numeric = (total_with(params["W_xg"] + tiny) - total_with(params["W_xg"] - tiny)) / 2e-5
checks.close("entry [1, 3] of the third share of W_xg, against differences,", found[2, 1, 3], numeric, relative=1e-6)
for name in ("W_hi", "W_hf", "W_ho", "W_hg", "W_xf", "b_f"):
    first = gradient_per_step(xs, np.zeros_like(h0), np.zeros_like(c0), params, name)[0]
    checks.equal(f"the first share of {name} from zero states", first, np.zeros_like(params[name]))
checks.passed("gradient_per_step", "the shares of all twelve arrays add up to torch's gradients")

# %% [markdown]
# ## 4. Counting (2 points and 1 point, about 12 minutes)
#
# Each of the four blocks (input, forget, output, candidate) has a matrix from the input, one from the output of the
# step before, and a bias. Layers are stacked by giving the outputs of one as the inputs of the next, so from the
# second layer on the input of a layer has `hidden_size` entries, whatever the first one had.
#
# | array, per block | first layer | each further layer |
# | --- | --- | --- |
# | $W_{x\cdot}$ | `input_size * hidden_size` | `hidden_size * hidden_size` |
# | $W_{h\cdot}$ | `hidden_size * hidden_size` | `hidden_size * hidden_size` |
# | biases, `bias="one"` (textbook) | `hidden_size` | `hidden_size` |
# | biases, `bias="two"` (torch) | `2 * hidden_size` | `2 * hidden_size` |
#
# Torch keeps two bias vectors per block, one beside each matrix, though only their sum matters.
#
# First for the LSTM. Expect 320,800 for 200 inputs, 200 units and one layer with one bias, 321,600 with two. Raise a
# `ValueError` that names the value for any other `bias`, and for a size or a number of layers under 1.
#
# <details><summary>Hint</summary>
#
# One layer is `4 * hidden_size * (inputs + hidden_size + biases)`: what does one unit of one block own? Add this up
# over the layers; only `inputs` differs.
# </details>


# %% id="count_lstm_parameters" tags=["solution"]
def count_lstm_parameters(input_size, hidden_size, num_layers, bias):
    """Parameters of a stack of LSTM layers: a whole number.

    bias: "one" per block, as in textbooks, or "two", as torch stores them. Raises ValueError for another bias, and for
    a size or a number of layers under 1.
    """
    ### BEGIN SOLUTION
    biases = {"one": 1, "two": 2}
    if bias not in biases:
        raise ValueError(f"bias must be 'one' or 'two', got {bias!r}")
    if min(input_size, hidden_size, num_layers) < 1:
        raise ValueError(f"sizes must be at least 1, got {input_size}, {hidden_size} and {num_layers}")
    total = 0
    for layer in range(num_layers):
        inputs = input_size if layer == 0 else hidden_size
        total += 4 * hidden_size * (inputs + hidden_size + biases[bias])
    return total
    ### END SOLUTION


# %%
print("inputs  units  layers   one bias  two biases  torch.nn.LSTM")
for sizes in ((200, 200, 1), (200, 200, 2), (50, 200, 2), (650, 650, 2), (1500, 1500, 2)):
    one, two = (count_lstm_parameters(*sizes, bias) for bias in ("one", "two"))
    by_torch = sum(weight.numel() for weight in nn.LSTM(*sizes, device="meta").parameters())
    print("{:6d} {:6d} {:6d} {:11,d} {:11,d} {:14,d}".format(*sizes, one, two, by_torch))

# %% id="check_count_lstm_parameters" tags=["question"] points=2
"""The count equals the textbook's and torch's own for several stacks, and impossible requests are refused."""
checks.equal(
    "count_lstm_parameters(200, 200, 1, 'one')",
    count_lstm_parameters(200, 200, 1, "one"),
    320_800,
    slips={"with two biases per block": 321_600, "without biases": 320_000, "with three blocks, a GRU": 240_600},
)
checks.equal(
    "count_lstm_parameters(50, 200, 2, 'one')",
    count_lstm_parameters(50, 200, 2, "one"),
    521_600,
    slips={"when the second layer, too, has input_size inputs": 401_600},
)
for sizes in ((200, 200, 1), (7, 3, 4), (1, 1, 1)):
    torch_count = sum(weight.numel() for weight in nn.LSTM(*sizes, device="meta").parameters())
    checks.equal(f"count_lstm_parameters{(*sizes, 'two')}", count_lstm_parameters(*sizes, "two"), torch_count)
for wrong in ((5, 5, 1, "three"), (0, 5, 1, "one"), (5, 0, 1, "one"), (5, 5, 0, "two")):
    checks.raises(f"count_lstm_parameters{wrong}", ValueError, lambda wrong=wrong: count_lstm_parameters(*wrong))
checks.passed("count_lstm_parameters", "320,800 by the textbook, torch's own count for three stacks")

# %% [markdown]
# **Other cells.** A *GRU*, the subject of the next notebook, has two gates and a candidate: three blocks of the same
# form, and one state in place of two. Its step ends in $h' = z \odot h + (1 - z) \odot g$ with one gate $z$ for keeping
# and for writing; the other gate works inside the candidate $g$. A plain layer ("RNN" in torch) has one block and no
# gates. The rest is as before, errors included; another `rnn_type` is a `ValueError` too.
#
# | `rnn_type` | blocks | 200 inputs, 200 units, one bias | two biases |
# | --- | --- | --- | --- |
# | `"LSTM"` | 4 | 320,800 | 321,600 |
# | `"GRU"` | 3 | 240,600 | 241,200 |
# | `"RNN"` | 1 | 80,200 | 80,400 |
#
# The cell after yours sets the count beside the time of a training step on this machine, and looks for the widths at
# which the three cost as many parameters as an LSTM of 200 units: expect 242 for the GRU and 475 for the plain layer.
# Times need not follow the counts: they depend on how well the products and the functions run where you are.


# %% id="count_rnn_parameters" tags=["solution"]
def count_rnn_parameters(rnn_type, input_size, hidden_size, num_layers, bias):
    """Parameters of a stack of recurrent layers, rnn_type "LSTM", "GRU" or "RNN": a whole number.

    bias: "one" per block or "two". Raises ValueError for another type or bias, and for a size or a number of layers
    under 1.
    """
    ### BEGIN SOLUTION
    blocks, biases = {"LSTM": 4, "GRU": 3, "RNN": 1}, {"one": 1, "two": 2}
    if rnn_type not in blocks:
        raise ValueError(f"rnn_type must be one of {', '.join(blocks)}, got {rnn_type!r}")
    if bias not in biases:
        raise ValueError(f"bias must be 'one' or 'two', got {bias!r}")
    if input_size < 1 or hidden_size < 1 or num_layers < 1:
        raise ValueError(f"sizes must be at least 1, got {input_size}, {hidden_size} and {num_layers}")
    first = hidden_size * (input_size + hidden_size + biases[bias])
    further = hidden_size * (hidden_size + hidden_size + biases[bias])
    return blocks[rnn_type] * (first + (num_layers - 1) * further)
    ### END SOLUTION


# %%
counts = {kind: count_rnn_parameters(kind, 200, 200, 1, "one") for kind in ("LSTM", "GRU", "RNN")}
xs, repeats, times = torch.randn(35, 20, 200), (1 if course.grading else 20), {}
for kind in counts:
    layer = getattr(nn, kind)(200, 200)
    layer(xs)[0].sum().backward()  # the first run sets things up and is not timed
    started = time.perf_counter()
    for _ in range(repeats):
        layer(xs)[0].sum().backward()
    times[kind] = 1000 * (time.perf_counter() - started) / repeats
    width = min(range(100, 600), key=lambda n: abs(count_rnn_parameters(kind, 200, n, 1, "one") - counts["LSTM"]))
    print(
        f"{kind:4s} {counts[kind]:8,d} parameters, {times[kind]:5.1f} ms; the cost of the LSTM pays for {width} units"
    )
_, panels = plt.subplots(1, 2, figsize=(8, 2.4), layout="constrained", sharey=True)
for axes, values, label in (
    (panels[0], {kind: count / 1000 for kind, count in counts.items()}, "thousand parameters"),
    (panels[1], times, "ms, forward and backward, 35 steps of 20 rows"),
):
    axes.barh(list(values), list(values.values()), color="0.8", edgecolor="0.2", hatch="//")
    axes.set(xlabel=label)
    axes.invert_yaxis()
plt.show()

# %% id="check_count_rnn_parameters" tags=["question"] points=1
"""Three types of layers against the textbook and torch, stacked ones too, and impossible requests are refused."""
for kind, one in (("LSTM", 320_800), ("GRU", 240_600), ("RNN", 80_200)):
    checks.equal(
        f"count_rnn_parameters({kind!r}, 200, 200, 1, 'one')", count_rnn_parameters(kind, 200, 200, 1, "one"), one
    )
    torch_count = sum(weight.numel() for weight in getattr(nn, kind)(9, 4, 3, device="meta").parameters())
    checks.equal(
        f"count_rnn_parameters({kind!r}, 9, 4, 3, 'two')", count_rnn_parameters(kind, 9, 4, 3, "two"), torch_count
    )
for wrong in (("CNN", 5, 5, 1, "one"), ("GRU", 5, 5, 1, "none"), ("RNN", 5, 5, 0, "one"), ("LSTM", 0, 5, 1, "two")):
    checks.raises(f"count_rnn_parameters{wrong}", ValueError, lambda wrong=wrong: count_rnn_parameters(*wrong))
checks.passed("count_rnn_parameters", "three types, by the textbook and by torch")

# %% [markdown] id="lstm_or_gru" tags=["written"] points=2
# **Written question (2 points, about 6 minutes).** You may spend 320,800 parameters on one recurrent layer with 200
# inputs. What do you gain and what do you pay with an LSTM rather than a GRU? Use the numbers of the last cell, and say
# what an LSTM has that a GRU has not. How would you decide between them?
#
# ### BEGIN SOLUTION
# An LSTM has four blocks per unit where a GRU has three, so for the same parameters the GRU may be wider: 242 units in
# place of 200 (or it saves a quarter at the same width). The LSTM also carries two states, so it keeps more in memory
# between steps. For that it has separate gates for forgetting and for writing, which need not add up to 1: it can keep
# all and still add (count, accumulate), while in a GRU what is written is taken from what is kept. And it has an output
# gate: it can hold a value in its cell without showing it. The time of a step does not follow from the count: it has to
# be measured. Neither is better in general: comparisons such as Chung et al. 2014 found no clear winner, so one decides
# by validation at equal cost, with several seeds.
#
# 1 point for the cost: four blocks against three with 242 against 200 units (or 240,600 against 320,800 parameters),
# two states against one. 1 point for a gain (separate forgetting and writing, or a hidden cell behind an output gate)
# together with a way to decide that is a measurement at equal cost.
# ### END SOLUTION

# %% [markdown]
# ## 5. Sequences of different lengths, in (2 points and 2 points, about 15 minutes)
#
# Sentences do not all have the same number of words, but an array has one length along each axis. The common way out
# is to fill up: short sequences are *padded* at the end until all are as long as the longest, and the true lengths are
# kept beside the array.
#
# | name | what | shape or type |
# | --- | --- | --- |
# | `sequences` | steps first, all further axes alike | list of arrays or lists, `(length, ...)` each |
# | `value` | what is filled in | number |
# | `padded` | the batch, sequences along the *second* axis | (steps, batch, ...) |
# | `lengths` | the true lengths, in the order of the list | (batch,), integers |
#
# `steps` is the largest length, and `padded` has the sequences' dtype: integers stay integers, float32 stays float32.
# A sequence may be empty, and since numpy makes an empty list an array of floats, its dtype (like its further axes)
# counts for nothing; where all sequences are empty, `padded` has no steps. An empty *list of sequences* is a
# `ValueError`: a batch of nothing has no shape. For `[[1, 2, 3], [4]]` and `value=0` expect `[[1, 4], [2, 0], [3, 0]]`
# and `[3, 1]`.
#
# The cell after yours pads five words. Rows of the picture are sequences, so it shows the transposed array; what was
# filled in is hatched, and a thick frame marks the last real entry of each.
#
# <details><summary>Hint</summary>
#
# `np.full((steps, batch, *rest), value, dtype=...)`, then `padded[:length, row] = sequence` for each. Take `rest` and
# the dtype from a sequence that is not empty, if there is one.
# </details>


# %% id="pad" tags=["solution"]
def pad(sequences, value):
    """Sequences of different lengths as one array, filled up at the end with `value`.

    sequences: list of arrays or lists, (length, ...) each, trailing axes alike; a sequence may be empty.
    Returns padded (steps, batch, ...) in the sequences' dtype and lengths (batch,), integers.
    Raises ValueError for an empty list.
    """
    ### BEGIN SOLUTION
    if len(sequences) == 0:
        raise ValueError("there must be at least one sequence to pad, got an empty list")
    arrays = [np.asarray(sequence) for sequence in sequences]
    lengths = np.array([len(array) for array in arrays])
    telling = next((array for array in arrays if len(array)), arrays[0])
    padded = np.full((lengths.max(), len(arrays), *telling.shape[1:]), value, dtype=telling.dtype)
    for row, array in enumerate(arrays):
        if len(array):
            padded[: len(array), row] = array
    return padded, lengths
    ### END SOLUTION


# %%
words = ["forget", "a", "state", "or", "keep"]
letters = "0abcdefghijklmnopqrstuvwxyz"  # id 0 is no letter, it is what gets filled in
padded, lengths = pad([[letters.index(letter) for letter in word] for word in words], 0)
print("shape", padded.shape, "lengths", lengths, "dtype", padded.dtype)
lstm_plots.draw_padding(padded, lengths, dict(enumerate(letters)))

# %% id="check_pad" tags=["question"] points=2
"""Numbers and vectors, an empty sequence among others, the dtype, and the empty list."""
padded, lengths = pad([[1, 2, 3], [4]], 0)
checks.equal(
    "pad([[1, 2, 3], [4]], 0)",
    padded,
    np.array([[1, 4], [2, 0], [3, 0]]),
    slips={
        "with the sequences along the first axis: steps come first": np.array([[1, 2, 3], [4, 0, 0]]),
        "when the padding stands in front of the sequences": np.array([[1, 0], [2, 0], [3, 4]]),
    },
)
checks.equal("its lengths", lengths, np.array([3, 1]))
rng = np.random.default_rng(7)
vectors = [rng.standard_normal((length, 2)).astype(np.float32) for length in (2, 0, 4)]
expected = np.full((4, 3, 2), -1.0, dtype=np.float32)
expected[:2, 0], expected[:, 2] = vectors[0], vectors[2]
padded, lengths = pad(vectors, -1.0)
checks.equal("pad of three sequences of vectors, one of them empty,", padded, expected)
checks.equal("their lengths", lengths, np.array([2, 0, 4]))
padded, _ = pad([[], [5, 6]], 0)
checks.equal("pad([[], [5, 6]], 0)", padded, np.array([[0, 5], [0, 6]]))
checks.raises("pad([], 0)", ValueError, lambda: pad([], 0))
checks.passed("pad", "numbers, vectors, an empty sequence, and the empty list refused")

# %% [markdown]
# **The last output that counts.** A padded batch runs through the LSTM as if the padding were input, and so the state
# of a short sequence goes on changing after its end. Whoever wants one vector per sequence, say to classify a
# sentence, must not take `outputs[-1]` but
#
# $$\text{last}_b = h_{\ell_b,\, b}, \qquad b = 0 \dots \text{batch} - 1$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $h_1 \dots h_T$ | `outputs`, step 1 at index 0 | (steps, batch, features) |
# | $\ell_b$ | `lengths[b]`, from 1 to `steps` | (batch,) |
# | $\text{last}$ | result | (batch, features) |
#
# A length under 1 has no last output: raise a `ValueError` that names it. (Left alone, Python would quietly count from
# the end and hand out the last padded step.)
#
# Torch has another way: `pack_padded_sequence` keeps the real steps only, the LSTM never sees the padding, and the
# $h$ that it returns is that of each sequence's own end. Both must agree; the cell after yours draws one unit of three
# sequences, its way through the padding dotted, and sets what packing gives, a cross, on your last output, a circle.
#
# <details><summary>Hint</summary>
#
# Index both axes at once: `outputs[rows, columns]` with two integer arrays of shape (batch,) picks one pair per
# example.
# </details>


# %% id="last_relevant" tags=["solution"]
def last_relevant(outputs, lengths):
    """The output at each sequence's own last step. outputs: (steps, batch, features), lengths: (batch,) integers.

    Returns (batch, features). Raises ValueError for a length under 1.
    """
    ### BEGIN SOLUTION
    lengths = np.asarray(lengths)
    if lengths.min() < 1:
        raise ValueError(f"every length must be at least 1, got {lengths.min()}")
    return outputs[lengths - 1, np.arange(outputs.shape[1])]
    ### END SOLUTION


# %%
rng = np.random.default_rng(8)
params, lengths = random_parameters(4, 6, rng, scale=0.8), np.array([12, 7, 3])
xs = rng.standard_normal((12, 3, 4))
for row, length in enumerate(lengths):
    xs[length:, row] = 0.0
zeros = np.zeros((3, 6))
outputs, _ = lstm_sequence(xs, zeros, zeros, params)
last = last_relevant(outputs, lengths)
with torch.no_grad():
    packed = pack_padded_sequence(torch.from_numpy(xs), torch.from_numpy(lengths), enforce_sorted=False)
    _, (h_packed, _) = torch_twin(params)(packed)
print(f"largest difference from packing: {np.abs(last - h_packed[0].numpy()).max():.0e}")
print(f"largest difference of outputs[-1] from packing: {np.abs(outputs[-1] - h_packed[0].numpy()).max():.2f}")
_, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for row, (length, marker) in enumerate(zip(lengths, "sv^", strict=True)):
    axes.plot(np.arange(1, length + 1), outputs[:length, row, 0], f"-{marker}", markersize=4, label=f"length {length}")
    axes.plot(np.arange(length, 13), outputs[length - 1 :, row, 0], ":", color="0.3")
    axes.plot(length, last[row, 0], "o", markersize=11, fillstyle="none", color="0.1")
    axes.plot(length, h_packed[0, row, 0], "x", markersize=9, color="0.1")
axes.set(xlabel="step", ylabel="output of unit 0")
axes.legend(fontsize=8)
plt.show()

# %% id="check_last_relevant" tags=["question"] points=2
"""One output per sequence, equal to what torch's packing gives, and impossible lengths refused."""
outputs = np.arange(24.0).reshape(4, 3, 2)
checks.equal(
    "last_relevant(outputs, [4, 1, 2])",
    last_relevant(outputs, np.array([4, 1, 2])),
    np.array([[18.0, 19.0], [2.0, 3.0], [10.0, 11.0]]),
    slips={
        "when the last step of the padded array is taken": outputs[-1],
        "one step too early": outputs[[2, -1, 0], [0, 1, 2]],
    },
)
rng = np.random.default_rng(9)
layer, xs = nn.LSTM(3, 4, dtype=torch.float64), torch.from_numpy(rng.standard_normal((5, 3, 3)))
lengths = torch.tensor([2, 5, 1])
with torch.no_grad():
    outputs = layer(xs)[0].numpy()
    _, (h_packed, _) = layer(pack_padded_sequence(xs, lengths, enforce_sorted=False))
checks.close("last_relevant against packing", last_relevant(outputs, lengths.numpy()), h_packed[0].numpy())
for wrong in ([5, 0, 1], [-1, 2, 3]):
    checks.raises(
        f"last_relevant with lengths {wrong}", ValueError, lambda wrong=wrong: last_relevant(outputs, np.array(wrong))
    )
checks.passed("last_relevant", "each sequence's own last output, equal to packing")

# %% [markdown]
# ## 6. Different lengths in the loss (4 points, about 18 minutes)
#
# A language model is asked at every step, so a padded batch has padded targets too. They are not to count. Let
# $z_{t,b}$ be the scores (logits) at step $t$ of sequence $b$ and $y_{t,b}$ its target:
#
# $$L = \frac{1}{\sum_b \ell_b} \sum_b \sum_{t=1}^{\ell_b} \Big( \log \sum_k e^{z_{t,b,k}} - z_{t,b,y_{t,b}} \Big)$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $z$ | `logits` | (steps, batch, classes) |
# | $y$ | `targets`, class numbers | (steps, batch) |
# | $\ell$ | `lengths`, from 0 to `steps` | (batch,) |
# | $L$ | result, in nats | a number, or a tensor without axes |
#
# It is a mean over all real steps of all sequences: every real step weighs the same. A mean of the sequences' means
# would let each step of a short sequence weigh more, and a mean over all cells of the batch would make the loss smaller
# the more padding there is.
#
# Three conditions. The function is *stable*: a logit of 1000 gives no nan. What stands in the padded targets is *never
# used*, not even as an index: -100 is common there. And it takes two kinds of arguments: numpy arrays, for which the
# result is a number, and torch tensors, for which it is a tensor that can be differentiated, with a gradient of exactly
# zero at all padded logits. A length may be 0; at least one is not.
#
# For logits that are all zero expect $\ln(\text{classes})$, whatever the lengths.
#
# <details><summary>Hint</summary>
#
# The mask is `steps[:, None] < lengths` with `steps = 0, 1, ...`: a (steps, batch) array of True and False. Index
# logits and targets with it before you do anything else: `logits[mask]` is (real steps, classes). For what is left you
# know a stable cross-entropy from the softmax notebook, and torch has `F.cross_entropy`. Numpy arrays may be turned
# into tensors (`torch.from_numpy`), and the result into a number by `.item()`.
# </details>


# %% id="masked_cross_entropy" tags=["solution"]
def masked_cross_entropy(logits, targets, lengths):
    """Mean cross-entropy in nats over the real steps of a padded batch.

    logits: (steps, batch, classes), targets: (steps, batch) class numbers, lengths: (batch,); what stands behind a
    sequence's length is not used. Numpy arrays give a number, torch tensors a tensor that can be differentiated.
    """
    ### BEGIN SOLUTION
    if isinstance(logits, np.ndarray):
        tensors = (torch.from_numpy(np.ascontiguousarray(array)) for array in (logits, targets, lengths))
        return masked_cross_entropy(*tensors).item()
    real = torch.arange(len(logits), device=logits.device)[:, None] < lengths
    return F.cross_entropy(logits[real], targets[real].long())
    ### END SOLUTION


# %% [markdown]
# **Three ways in, one gradient.** The same four sequences, of lengths 3, 5, 1 and 2, go through the same LSTM and the
# same output layer: one by one, without any padding; padded, with your mask; and packed. The drawing shows what each
# way computes. A call is one step for all rows that take part in it: padding needs few calls and wastes the hatched
# rows, one by one wastes nothing and needs many calls, packing wastes nothing and needs few calls, with fewer rows at
# each. The numbers below the columns count the rows of each call. (Batches of sequences of about equal length,
# *buckets*, make the hatched part small.)

# %%
lstm_plots.draw_three_ways([3, 5, 1, 2])

# %% [markdown]
# The next cell computes loss and gradients in these ways and prints how far they are from "one by one", the gradients
# by the largest difference over all weights. Torch's own mask, targets of -100 that `F.cross_entropy` skips, stands
# beside yours. Expect differences under 1e-15 for these; for the two wrong means expect them in the first or second
# decimal.

# %%
torch.manual_seed(20)
lengths = torch.tensor([3, 5, 1, 2])
layer, readout = nn.LSTM(5, 6, dtype=torch.float64), nn.Linear(6, 7, dtype=torch.float64)
weights = [*layer.parameters(), *readout.parameters()]
inputs = [torch.randn(length, 5, dtype=torch.float64) for length in lengths]
answers = [torch.randint(7, (length,)) for length in lengths]
padded_inputs, padded_answers = (
    torch.from_numpy(pad([sequence.numpy() for sequence in sequences], value)[0])
    for sequences, value in ((inputs, 0.0), (answers, -100))
)
guesses = readout(layer(padded_inputs)[0])  # (steps, batch, classes), for the padded ways
singly = [F.cross_entropy(readout(layer(x)[0]), y, reduction="sum") for x, y in zip(inputs, answers, strict=True)]
packed = layer(pack_sequence(inputs, enforce_sorted=False))[0]
packed_answers = pack_sequence(answers, enforce_sorted=False)
ways = {
    "one by one": sum(singly) / lengths.sum(),
    "padded, your mask": masked_cross_entropy(guesses, padded_answers, lengths),
    "padded, torch's -100": F.cross_entropy(guesses.flatten(0, 1), padded_answers.flatten(), ignore_index=-100),
    "packed": F.cross_entropy(readout(packed.data), packed_answers.data),
    "wrong: mean over padding too": F.cross_entropy(guesses.flatten(0, 1), padded_answers.flatten().clamp(min=0)),
    "wrong: mean of means": sum(one / length for one, length in zip(singly, lengths, strict=True)) / 4,
}
reference = torch.autograd.grad(ways["one by one"], weights, retain_graph=True)
for way, loss in ways.items():
    gradients = torch.autograd.grad(loss, weights, retain_graph=True)
    apart = max((one - other).abs().max().item() for one, other in zip(gradients, reference, strict=True))
    off = abs(loss.item() - ways["one by one"].item())
    print(f"{way:30s} loss {loss.item():.6f}, off by {off:.0e}; gradients off by {apart:.0e}")

# %% id="check_masked_cross_entropy" tags=["question"] points=4
"""The mean over real steps, for numpy and torch; padded targets unused, padded logits without gradient, stable."""
lengths = np.array([3, 1, 0, 2])
targets = np.array([[0, 4, -100, 1], [2, -100, -100, 3], [4, -100, -100, -100]])
rng = np.random.default_rng(11)
logits = 2 * rng.standard_normal((3, 4, 5))
losses = np.log(np.exp(logits).sum(axis=2)) - np.take_along_axis(logits, np.maximum(targets, 0)[..., None], 2)[..., 0]
real = np.arange(3)[:, None] < lengths
rows = [losses[: lengths[b], b].mean() for b in (0, 1, 3)]
loss = masked_cross_entropy(logits, targets, lengths)
checks.close(
    "masked_cross_entropy(logits, targets, lengths)",
    loss,
    losses[real].mean(),
    slips={
        "as a mean over all cells, padding included": losses.mean(),
        "when the sum over real steps is divided by all cells": losses[real].sum() / 12,
        "as a mean of the sequences' means": np.mean(rows),
        "as a sum": losses[real].sum(),
    },
)
checks.close("all logits zero: ln 5", masked_cross_entropy(np.zeros((3, 4, 5)), targets, lengths), np.log(5))
other = np.where(real, targets, 1)
checks.equal("the loss with other numbers in the padded targets", masked_cross_entropy(logits, other, lengths), loss)
large = np.zeros((1, 2, 3))
large[0, 0], large[0, 1] = [1000.0, 0.0, -1000.0], [2000.0, 1000.0, 0.0]
checks.close(
    "masked_cross_entropy of logits around 1000",
    masked_cross_entropy(large, np.array([[0, 1]]), np.array([1, 1])),
    500.0,
)
leaf = torch.tensor(logits, requires_grad=True)
by_torch = masked_cross_entropy(leaf, torch.from_numpy(targets), torch.from_numpy(lengths))
checks.close("with tensors", by_torch, torch.tensor(losses[real].mean()))
differentiable = isinstance(by_torch, torch.Tensor) and by_torch.requires_grad
checks.true(differentiable, "with tensors the loss should be a tensor that can be differentiated")
by_torch.backward()
checks.true(
    not np.any(leaf.grad.numpy()[~real]), "padded logits get a gradient; the loss must not depend on them at all"
)
expected = (np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True) - np.eye(5)[np.maximum(targets, 0)]) / 6
checks.close("the gradient at the real logits", leaf.grad.numpy()[real], expected[real])
checks.passed("masked_cross_entropy", "numpy and torch, padding without any influence, logits of 1000")

# %% [markdown]
# ## 7. Different lengths, out (2 points, about 10 minutes)
#
# When a network generates a sequence, how does it decide where to stop? There are two common ways (Goodfellow, Bengio
# and Courville 2016, section 10.2). Either *the end is a token*: it stands in the vocabulary, every training sequence
# ends with it, and writing stops when the network says it. Or *the end has an output of its own*: a number between 0
# and 1 at each step, the probability of stopping here, or a length that is predicted at the start. The first needs
# nothing new, the second also works where the outputs are no tokens, such as pen strokes or sound.
#
# Write the first, for any model. The model is a function:
#
# | name | what |
# | --- | --- |
# | `step(token, state)` | returns a pair: the next token *or* the scores of all tokens, (classes,), and the new state |
# | `state` | whatever `step` takes: you only pass it on |
# | `first` | the token that the first step is given; not part of the output, and it may be equal to `eos` |
# | `eos` | the end token: where the model says it, the output ends, and it is not part of it |
# | `limit` | most tokens in the output; with 0 the output is empty |
#
# If `step` returns scores, take the token with the highest score; on a tie, the first. Each token is given to the next
# step. After the end `step` is not called again. Without a limit a model that never says the end would run for ever.
#
# <details><summary>Hint</summary>
#
# `np.ndim(answer) == 0` is True for a token and False for scores; `np.argmax` returns the first of the largest.
# </details>


# %% id="decode" tags=["solution"]
def decode(step, state, first, eos, limit):
    """Let a model write until it says `eos`, or until there are `limit` tokens. Returns the list of tokens.

    step(token, state) -> (the next token or the scores (classes,) of all tokens, state). Neither `first` nor `eos` is
    in the list.
    """
    ### BEGIN SOLUTION
    tokens, token = [], first
    while len(tokens) < limit:
        answer, state = step(token, state)
        token = answer if np.ndim(answer) == 0 else int(np.argmax(answer))
        if token == eos:
            break
        tokens.append(token)
    return tokens
    ### END SOLUTION


# %% [markdown]
# **All of it together.** An LSTM learns to spell: it is given one token for a number from one to twelve and has to
# write its name, letter by letter, and then the end. Inputs and targets have lengths from 4 to 7, so they are padded
# by your `pad`, the loss is your `masked_cross_entropy`, and the names come out of your `decode`. Expect all twelve to
# be right after 150 updates (which take a second or two), and none of them before.

# %%
names = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
end, updates = 0, (40 if course.grading else 150)  # ids: 0 is the end, 1 to 26 the letters, 27 to 38 the numbers
spelt = [[ord(letter) - 96 for letter in name] for name in names]
given, lengths = pad([[27 + n, *ids] for n, ids in enumerate(spelt)], end)
wanted, _ = pad([[*ids, end] for ids in spelt], -100)
given, wanted, lengths = map(torch.from_numpy, (given, wanted, lengths))

torch.manual_seed(12)
table, layer, readout = nn.Embedding(39, 16), nn.LSTM(16, 32), nn.Linear(32, 27)
optimiser = torch.optim.Adam([*table.parameters(), *layer.parameters(), *readout.parameters()], lr=0.02)


def spell_step(token, state):
    """One step of the speller: the scores of end and letters, and the LSTM's state (None at the start)."""
    with torch.no_grad():
        outputs, state = layer(table(torch.tensor([[token]])), state)
        return readout(outputs[0, 0]).numpy(), state


def spell(n):
    """The name that the speller writes for names[n]."""
    return "".join(chr(96 + token) for token in decode(spell_step, None, 27 + n, end, limit=12))


print("before:", *(spell(n) or "(nothing)" for n in range(12)))
losses = []
for _ in range(updates):
    loss = masked_cross_entropy(readout(layer(table(given))[0]), wanted, lengths)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    losses.append(loss.item())
print("after: ", *(spell(n) or "(nothing)" for n in range(12)))
print(f"{sum(spell(n) == name for n, name in enumerate(names))} of 12 right, loss {losses[-1]:.3f} nats a step")
plots.curves({"loss": losses}, x_label="update", y_label="nats per real step", levels={"guessing: ln 27 =": np.log(27)})

# %% id="check_decode" tags=["question"] points=2
"""Tokens or scores, the end left out, the limit kept, no call after the end."""
calls = []


def count_up(token, state):
    """A model that says the next number, and keeps in its state how often it was asked."""
    calls.append(token)
    return token + 1, state + 1


checks.equal(
    "decode(count_up, 0, 3, 7, 10)",
    decode(count_up, 0, 3, 7, 10),
    [4, 5, 6],
    slips={"when the end token is kept": [4, 5, 6, 7], "with the first token in the list": [3, 4, 5, 6]},
)
checks.equal("the tokens that the model was given", calls, [3, 4, 5, 6])
checks.equal("decode with a limit of 2", decode(count_up, 0, 3, 7, 2), [4, 5])
checks.equal("decode with a limit of 0", decode(count_up, 0, 3, 7, 0), [])
checks.equal("decode when the first token equals the end token", decode(lambda t, s: (s, s - 1), 2, 0, 0, 9), [2, 1])


def scores_by_state(token, state):
    """A model that answers with scores: it wants 2, 0, 1 and then the end, 3; two scores are equal each time."""
    scores = np.zeros(4)
    scores[[[2, 3], [0, 2], [1, 2], [3]][min(state, 3)]] = 1.0
    return scores, state + 1


checks.equal(
    "decode of a model that gives scores",
    [int(token) for token in decode(scores_by_state, 0, 3, 3, 9)],
    [2, 0, 1],
    slips={"when the last of equal scores is taken": []},
)
checks.passed("decode", "tokens and scores, the end, the limit")

# %% [markdown]
# ## 8. States from one batch to the next (2 points, about 9 minutes)
#
# A long text does not fit into one batch of, say, 35 steps. It is cut, and the state at the end of one piece is the
# start of the next. At the very start, and where a row of the batch begins another text, there is no past: the state
# is zero. So between two batches each row is either passed on or reset:
#
# $$h^{\text{start}}_b = \begin{cases} 0 & \text{where reset}_b \\ h^{\text{end}}_b & \text{elsewhere} \end{cases}
# \qquad \text{and } c^{\text{start}}_b \text{ alike}$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $(h^{\text{end}}, c^{\text{end}})$ | `state`, a pair, or one array for cells with one state | (batch, hidden) each |
# | $\text{reset}$ | `reset`, True or False per row, or one of them for all rows | (batch,) or a bool |
# | $(h^{\text{start}}, c^{\text{start}})$ | result: a tuple for a pair, an array for an array | (batch, hidden) each |
#
# Zero means zero, whatever stood there: a row that has run into nan or infinity starts afresh too, so multiplying by 0
# will not do. The arguments stay as they were. *Both* states are passed on. What is passed on are values alone: how the
# gradient is cut at the same place is a subject of the notebook on word models.
#
# The cell after yours runs a text of 24 steps in three pieces of 8, once with the state passed on and once with every
# piece from zero, beside the run in one piece. The first lies on the last, to the last digit.
#
# <details><summary>Hint</summary>
#
# `np.where(mask, 0.0, part)` with a mask of shape (batch, 1), for each part of the state.
# `np.broadcast_to(reset, batch)` makes one bool into one per row. Beware of a mask of shape (batch,): where batch
# equals hidden it picks columns.
# </details>


# %% id="carry" tags=["solution"]
def carry(state, reset):
    """The starting state of the next batch: zeros in the rows that are reset, the old values elsewhere.

    state: (h, c) or one array, (batch, hidden) each. reset: (batch,) bools, or one bool for all rows.
    Returns new arrays of the state's shapes and dtype, also where nothing is reset.
    """
    ### BEGIN SOLUTION
    if isinstance(state, (tuple, list)):
        return tuple(carry(part, reset) for part in state)
    rows = np.broadcast_to(reset, len(state))
    return np.where(rows[:, None], np.zeros_like(state), state)
    ### END SOLUTION


# %%
rng = np.random.default_rng(13)
xs, params = rng.standard_normal((24, 2, 4)), random_parameters(4, 6, rng) | {"b_f": np.full(6, 3.0)}
zeros = np.zeros((2, 6))
whole, _ = lstm_sequence(xs, zeros, zeros, params)
runs = {"in one piece": whole[:, 0, 0]}
for label, afresh in (("passed on", False), ("from zero each time", True)):
    state, pieces = (zeros, zeros), []
    for start in range(0, 24, 8):
        outputs, state = lstm_sequence(xs[start : start + 8], *carry(state, afresh), params)
        pieces.append(outputs)
    runs[label] = np.concatenate(pieces)[:, 0, 0]
    print(f"{label:20s} largest difference from one piece {np.abs(np.concatenate(pieces) - whole).max():.1e}")
plots.curves(runs, x_label="step", y_label="output of unit 0")

# %% id="check_carry" tags=["question"] points=2
"""Rows reset and rows kept, for a pair and for one array, one bool for all, nan gone, the arguments left alone."""
h, c = np.arange(1.0, 10.0).reshape(3, 3), np.arange(-9.0, 0.0).reshape(3, 3)
reset = np.array([False, True, False])
keep = np.array([[1.0], [0.0], [1.0]])
before = h.copy()
checks.equal(
    "carry((h, c), [False, True, False])",
    carry((h, c), reset),
    (keep * h, keep * c),
    slips={
        "when columns are reset in place of rows": (keep.T * h, keep.T * c),
        "when the rows are kept that are to be reset": ((1 - keep) * h, (1 - keep) * c),
        "when c alone is reset": (h, keep * c),
        "when h alone is reset": (keep * h, c),
    },
)
checks.equal("carry of one array", carry(h, reset), keep * h)
checks.equal("carry((h, c), False)", carry((h, c), False), (h, c))
checks.equal("carry((h, c), True)", carry((h, c), True), (0 * h, 0 * c))
broken = h.copy()
broken[1] = [np.nan, np.inf, -np.inf]
checks.equal("carry where a row that is reset holds nan and infinity", carry(broken, reset), keep * h)
checks.unchanged("h", h, before)
checks.equal("carry of a float32 array", carry(h.astype(np.float32), reset), (keep * h).astype(np.float32))
checks.passed("carry", "pair and array, rows and all, nan gone")

# %% [markdown]
# **The gradient of an output that nobody uses.** A loss that reads only one output does not depend on the others: their
# gradient is exactly zero, because no path leads from them to the loss. Yet the *steps* behind them are not without
# gradient: each of them passed its state on. Below, a sequence of 8 real steps is padded to 12, and the loss reads the
# output of step 8. On the left the gradient at each output, on the right that at each input: zero after the end, not
# zero before it. Had the loss read `outputs[-1]`, the network would have been trained to carry its answer through the
# padding. So padded steps must not reach the loss, neither through a forgotten mask nor through a state that is carried
# on past the end.

# %%
torch.manual_seed(14)
layer, xs = nn.LSTM(5, 6, dtype=torch.float64), torch.randn(12, 1, 5, dtype=torch.float64, requires_grad=True)
outputs, _ = layer(xs)
outputs.retain_grad()
outputs[7].sum().backward()
print("gradient at the outputs of steps 1 to 7 and 9 to 12 exactly zero:", outputs.grad.count_nonzero().item() == 6)
print("gradient at the inputs of steps 9 to 12 exactly zero:", not xs.grad[8:].any())
_, panels = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
for axes, gradient, label in ((panels[0], outputs.grad, "output $h_t$"), (panels[1], xs.grad, "input $x_t$")):
    axes.bar(np.arange(1, 13), gradient.flatten(1).norm(dim=1), color="0.8", edgecolor="0.2", hatch="//")
    axes.axvline(8.5, color="0.3", linestyle="--", linewidth=1)
    axes.annotate("padding", (10.5, 0.9), xycoords=("data", "axes fraction"), ha="center", fontsize=9)
    axes.set(xlabel="step $t$", ylabel=f"gradient at {label}")
    axes.set_xticks(range(1, 13))
plt.show()

# %% [markdown] id="lengths_in_and_out" tags=["written"] points=2
# **Written question (2 points, about 8 minutes).** Name three ways to feed sequences of different lengths to a
# recurrent network, and two ways to let the length of its output vary. Give one advantage and one price of each of the
# five.
#
# ### BEGIN SOLUTION
# In. (1) One by one, a batch of one: nothing to pad and nothing to mask, but many small calls that use the machine
# badly. (2) Padding to the longest, with a mask in the loss (or the last relevant output): ordinary arrays and few
# calls, but work is wasted on padding, and a forgotten mask is silently wrong. (3) Packing: no wasted work and states
# that end where the sequences do, but sorting and a special object that not every operation takes. Buckets of about
# equal length count as a way too: they waste little and keep ordinary arrays, at the price of batches that are less
# random. So does one long stream that is cut into pieces with states carried: no padding at all, but texts have to be
# laid end to end, and states reset where one ends.
#
# Out. (1) An end token in the vocabulary: needs nothing new and learns the length from context, but a model that never
# says it needs a limit, and it only works where outputs are tokens. (2) An output of its own for stopping (a
# probability at each step) or a length predicted at the start: works for outputs of any kind, and a predicted length
# is known before writing; the price is a further output with a loss and a threshold or target of its own, and a length
# that is fixed at the start cannot be revised.
#
# 1 point for three ways in with an advantage and a price of each, 1 point for two ways out with the same. Half of
# either point when advantages or prices are missing.
# ### END SOLUTION

# %% [markdown]
# ## References
#
# - S. Hochreiter, J. Schmidhuber (1997), *Long short-term memory*, Neural Computation 9(8): the cell state and its
#   gates, without a forget gate yet.
# - F. A. Gers, J. Schmidhuber, F. Cummins (2000), *Learning to forget: continual prediction with LSTM*, Neural
#   Computation 12(10): the forget gate.
# - R. Jozefowicz, W. Zaremba, I. Sutskever (2015), *An empirical exploration of recurrent network architectures*, ICML:
#   variants compared, and the bias of the forget gate.
# - J. Chung, C. Gulcehre, K. Cho, Y. Bengio (2014), *Empirical evaluation of gated recurrent neural networks on
#   sequence modeling*, arXiv:1412.3555: LSTM and GRU at equal cost.
# - I. Goodfellow, Y. Bengio, A. Courville (2016), *Deep Learning*, MIT Press, section 10.2: ways to end an output.
# - The documentation of `torch.nn.LSTM` (equations, order of the gates) and of `torch.nn.utils.rnn` (packing).
