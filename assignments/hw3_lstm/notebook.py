# %% [markdown]
# # The anatomy of an LSTM
#
# A plain recurrent network rewrites its whole state at every step, and what it saw twenty steps ago is soon
# overwritten. A long short-term memory (LSTM) adds a second state for what has to last: the *cell state* is only scaled
# and added to, and the *output* is what the rest of the network sees of it. In this notebook you take the cell apart,
# find out what holds the memory and what loses it, and then measure on a memory task whether it helps.
#
# You write one step in numpy and compare it with torch's own. You unroll it over a sequence, look at what each use of
# the shared weights contributes to the gradient, and count the parameters. With that count you set an LSTM beside a
# plain network of the same size, and you watch the gates of a trained LSTM while it reads. The second half is the
# toolbox that every real program needs: sequences of different lengths on the way in, in the loss and on the way out,
# and states that go on from one batch to the next.
#
# **After this notebook you can**
#
# - compute an LSTM step from its equations, and move weights between your code and torch's;
# - unroll the network, and say what it means for the gradient that all steps share one set of weights;
# - count the parameters of LSTM, GRU and plain layers, also stacked ones, and say why torch's count is higher;
# - say what the cell state and the bias of the forget gate do for the memory of a network, from an experiment;
# - handle sequences of different lengths by padding, by packing and by a mask, and show that loss and gradients agree;
# - decode an output whose length is not known beforehand, and say what teacher forcing is;
# - say what starts at zero and what is passed on, and at which outputs, states and inputs a gradient is zero.
#
# **You need** numpy, a little torch (tensors and `backward`), and the recurrent network and the cross-entropy of the
# earlier notebooks. Plan about 178 minutes, reading included. There are 28 points: 24 by the graded cells, 4 by two
# short written answers.
#
# Rows are examples: `x` is (batch, input), a weight is (input, hidden), and a product is `x @ W + b`. Sequences have
# the steps in front, (steps, batch, ...), as in `torch.nn.LSTM`. Arrays are float64, except where a question says that
# a function keeps the dtype it is given.

# %% tags=["provided"]
import itertools
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence

from utils import checks, lstm_plots, plots, toy
from utils.knobs import knob

NAMES = ("W_xi", "W_hi", "b_i", "W_xf", "W_hf", "b_f", "W_xo", "W_ho", "b_o", "W_xg", "W_hg", "b_g")


def sigmoid(a):
    """The logistic function 1 / (1 + exp(-a)), entry by entry, without overflow for any a."""
    return 0.5 * (1 + np.tanh(0.5 * a))


def random_parameters(input_size, hidden_size, rng, scale=0.5):
    """The twelve arrays of an LSTM, normal entries. W_x*: (input, hidden), W_h*: (hidden, hidden), b_*: (hidden,)."""
    shapes = {"W_x": (input_size, hidden_size), "W_h": (hidden_size, hidden_size), "b_": (hidden_size,)}
    return {name: scale * rng.standard_normal(shapes[name[:-1]]) for name in NAMES}


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
    arrays = {}
    for part, stacked in (("W_x", weight_ih), ("W_h", weight_hh), ("b_", bias)):
        for gate, block in zip(TORCH_ORDER, stacked.detach().numpy().reshape(4, -1, *stacked.shape[1:]), strict=True):
            arrays[part + gate] = block.T
    return arrays


# %% [markdown]
# ## 1. One step (3 points, about 15 minutes)
#
# The LSTM (Hochreiter and Schmidhuber 1997; the forget gate is by Gers, Schmidhuber and Cummins 2000) has three
# *gates*. Their values lie between 0 and 1 and say, unit by unit, how much of something passes. A *candidate* $g$ with
# values between -1 and 1 is what could be written:
#
# $$i = \sigma(x W_{xi} + h W_{hi} + b_i) \qquad f = \sigma(x W_{xf} + h W_{hf} + b_f)$$
# $$o = \sigma(x W_{xo} + h W_{ho} + b_o) \qquad g = \tanh(x W_{xg} + h W_{hg} + b_g)$$
# $$c' = i \odot g + f \odot c \qquad h' = o \odot \tanh(c')$$
#
# The *input gate* $i$ decides what is written, the *forget gate* $f$ decides what is kept, and the *output gate* $o$
# decides what is shown. (Some courses call $i$ the update gate and write $\Gamma_u$.) Here $\sigma$ is the logistic
# function (`sigmoid` above) and $\odot$ is the product entry by entry. Each $W_{x\cdot}$ reads the input, as $U$ did in
# the character network. Each $W_{h\cdot}$ reads the output of the step before, as $W$ did.
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
# Follow the line along the top. From $c$ to $c'$ there is one multiplication and one addition, but no matrix and no
# squashing function. The step stores $c'$ itself; the tanh stands only on the way to the output.
#
# You can predict two results without a computer. When all parameters are zero, the gates are 1/2 and the candidate is
# 0, so $c' = c / 2$ and $h' = \tanh(c / 2) / 2$. When $b_f$ moves from far below zero to far above it, $c'$ moves from
# $i \odot g$ to $i \odot g + c$. The cell after yours prints the first result and draws the second; the check follows.
#
# <details><summary>Hint</summary>
#
# Write six lines for the six equations. A small inner function `block(gate)` that returns
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
axes.set(xlabel="bias $b_f$ of the forget gate", ylabel="value, unit 0")
axes.legend(fontsize=8)
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
        "with a sigmoid in place of the tanh for the candidate g": np.array(
            [[0.9681304989, 0.0896701450], [-0.8036529247, 0.7462032638]]
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
# **From your weights to torch's.** `torch.nn.LSTMCell` and `torch.nn.LSTM` compute the same equations. The first judged
# your code in the check; the second will do so in question 2. They store the numbers differently:
#
# - All four blocks lie in one array, one below the other, in the order $i, f, g, o$. The candidate is *third* and the
#   output gate is *last*, while the equations above name $o$ before $g$.
# - Each matrix is transposed: `weight_ih` is (4 hidden, input) and `weight_hh` is (4 hidden, hidden).
# - There are two bias vectors, `bias_ih` and `bias_hh`, (4 hidden,) each. An LSTM only ever adds them, so your $b$
#   may go into the first and zeros into the second.
#
# | rows of torch's arrays | block |
# | --- | --- |
# | `0 : hidden` | $i$ |
# | `hidden : 2 * hidden` | $f$ |
# | `2 * hidden : 3 * hidden` | $g$ |
# | `3 * hidden : 4 * hidden` | $o$ |
#
# The cell with the imports also provides two functions, one for each direction: `torch_twin` and `by_name`. All four
# blocks have the same shapes, so a wrong order raises no error and only gives wrong numbers. The next cell tries all 24
# orders and prints how far each is off. The correct one agrees to about 1e-16; the other 23 are off by 0.36 to 0.96.
# Always compare numbers when you move weights.

# %%
rng = np.random.default_rng(2)
x, h, c = rng.standard_normal((3, 5)), rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
params = random_parameters(5, 4, rng)
h_next, _ = lstm_cell(x, h, c, params)
gaps = {}
for order in map("".join, itertools.permutations("ifgo")):
    with torch.no_grad():
        by_torch, _ = torch_twin(params, nn.LSTMCell, order)(torch.from_numpy(x), tuple(map(torch.from_numpy, (h, c))))
    gaps[order] = np.abs(h_next - by_torch.numpy()).max()
print(f"order i, f, g, o: largest difference {gaps.pop('ifgo'):.0e}")
print(f"the other 23 orders: from {min(gaps.values()):.2f} to {max(gaps.values()):.2f}")

# %% [markdown]
# ## 2. A sequence (2 points, about 14 minutes)
#
# Over a sequence the network applies the step again and again, with the same parameters, and both states go into the
# next step:
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
# `outputs, (h, c)`, and `outputs[-1]` equals `h`. In the drawing $\theta$ stands for all twelve arrays. There is one
# set of weights, and every step reads it. $\theta^{(t)}$ is the same $\theta$ at its $t$-th use.
#
# <details><summary>Hint</summary>
#
# Write a loop over `xs` with `h, c = lstm_cell(x, h, c, params)` in it, and call `np.stack` at the end.
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
# How long does the cell remember? Two runs see the same 40 inputs and differ only in $c_0$. The picture shows what is
# left of that difference in the cell state, for four biases of the forget gate. A straight line on this scale is a
# constant factor per step. All $W_{h\cdot}$ are zero here. This isolates the line along the top of the drawing: the
# gates read the inputs only, and the difference is multiplied by the forget gate at each step and by nothing else. It
# is a part of an LSTM, not yet a whole one. After 10 steps expect about 0.0015 of the difference with $b_f = 0$ and 52%
# with $b_f = 3$; with $b_f = 6$ expect 86% after 40 steps. With $b_f = -3$ rounding has swallowed it before step 15.

# %%
rng = np.random.default_rng(3)
seen, whole_cell = rng.standard_normal((40, 8, 5)), random_parameters(5, 6, rng, scale=0.3)
first_c = rng.standard_normal((8, 6))
top_line = whole_cell | {name: np.zeros((6, 6)) for name in NAMES if name.startswith("W_h")}


def left_of_c0(params):
    """What is left after 0 to 40 steps of a difference in the first cell state, as a share of that difference."""
    zeros, left = np.zeros_like(first_c), [1.0]
    one, other = (zeros, first_c), (zeros, zeros)
    for x in seen:
        (_, one), (_, other) = (lstm_sequence(x[None], *state, params) for state in (one, other))
        left.append(np.sqrt(np.mean((one[1] - other[1]) ** 2) / np.mean(first_c**2)))
    return np.array(left)


series = {}
for bias in (-3, 0, 3, 6):
    left = left_of_c0(top_line | {"b_f": np.full(6, float(bias))})
    series[f"$b_f = {bias}$"] = (np.arange(41)[left > 1e-14], left[left > 1e-14])
    print(f"b_f = {bias:2d}: {left[10]:.2g} of the difference is left after 10 steps, {left[40]:.2g} after 40")
plots.curves(series, x_label="step", y_label="share of the difference left", log=True)

# %% [markdown]
# Now the whole cell. The solid line below is the same measurement with the recurrent weights $W_{h\cdot}$ switched on,
# and the dashed line is the top line alone. In Jupyter and on Colab a slider under the pictures sets the bias. For each
# of the two lines, find the smallest whole-numbered bias with which half of the difference (dotted) or more is left
# after 20 steps.


# %%
def draw_memory(axes, bias):
    """What is left of a difference in c_0 with all weights, and along the top line alone, for one forget bias."""
    forget = {"b_f": np.full(6, float(bias))}
    axes.plot(left_of_c0(whole_cell | forget), "-", color="0.1", label="whole cell")
    axes.plot(left_of_c0(top_line | forget), "--", color="0.45", label="top line alone")
    axes.axhline(0.5, color="0.6", linestyle=":", linewidth=1)
    axes.set(title=f"$b_f = {bias}$", xlabel="step", ylabel="share left", yscale="log", ylim=(1e-4, 90))
    axes.legend(fontsize=8, loc="upper right")


knob(draw_memory, "bias of the forget gate", {str(bias): bias for bias in range(-3, 7)}, ["0", "3", "4"])

# %% [markdown]
# The answer is 3 for the whole cell (0.64 of the difference is left) and 4 for the top line alone (0.60; with 3 it is
# 0.27). With 4 and more the solid line rises above 1 here: the outputs feed the gates and the candidate, and these
# weights amplify the difference. Because small biases forget so fast, the forget gate's bias is often set to 1 or more
# at the start of a training (Jozefowicz, Zaremba and Sutskever 2015).

# %% [markdown]
# ## 3. What each step gives to the gradient (5 points, about 25 minutes)
#
# All steps use one array, so each step contributes a share of its gradient. To see the shares, unroll the network for
# real: give each step its own *copy* of one of the twelve arrays, with equal values, and differentiate with respect to
# every copy. From here on $W$ is this one array, `params[name]`. With the sum of all outputs as the loss $L$,
#
# $$L = \sum_{t=1}^{T} \sum_{\text{batch, units}} h_t, \qquad G_t = \frac{\partial L}{\partial W^{(t)}}, \qquad
# \frac{\partial L}{\partial W} = \sum_{t=1}^{T} G_t .$$
#
# The last equation is the chain rule for a variable that is used more than once. It is back-propagation through time in
# one line. $G_t$ holds everything that the use at step $t$ does to the loss, at step $t$ and at all later ones.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $W$ | `params[name]`, one of the twelve | (input, hidden), (hidden, hidden) or (hidden,) |
# | $G_1 \dots G_T$ | result | (steps, *shape of the weight) |
#
# Let torch compute the derivatives here. The steps still share the other eleven arrays. Numpy arrays go in and a numpy
# array comes out. Some of the first shares are known beforehand. With $h_0 = 0$ the share $G_1$ of each of the four
# $W_{h\cdot}$ is zero, because $h_0$ multiplies it. With $c_0 = 0$ the share $G_1$ of $W_{xf}$, $W_{hf}$ and $b_f$ is
# zero too, because there is nothing to forget yet.
#
# <details><summary>Hint</summary>
#
# Use `torch.from_numpy` for everything, and for the copies a list with one
# `torch.tensor(params[name], requires_grad=True)` per step. Then write the loop of question 2 with `torch.sigmoid` and
# `torch.tanh` (your `lstm_cell` calls numpy, through which torch cannot differentiate). The step at index `k`, which is
# step $k + 1$, takes `weights | {name: copies[k]}`. Add up `h.sum()`, call `backward()` once on the total, and stack
# the `.grad` of the copies as numpy arrays.
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


# %% id="check_gradient_per_step" tags=["question"] points=5
"""The shares add up to torch's gradient of the shared array; one share by differences; those known to be zero are."""
rng = np.random.default_rng(6)
xs, h0, c0 = rng.standard_normal((4, 2, 3)), rng.standard_normal((2, 5)), rng.standard_normal((2, 5))
params = random_parameters(3, 5, rng)


def shared_gradients(last_only=False, cut=False):
    """torch's gradients of the twelve shared arrays; of the last output only, or with the states cut between steps."""
    twin, total = torch_twin(params, nn.LSTMCell), 0.0
    state = torch.from_numpy(h0), torch.from_numpy(c0)
    for x in torch.from_numpy(xs):
        state = twin(x, tuple(part.detach() for part in state) if cut else state)
        total = state[0].sum() + (0.0 if last_only else total)
    total.backward()
    return by_name(twin.weight_ih.grad, twin.weight_hh.grad, twin.bias_ih.grad)


shared, of_last, of_cut = shared_gradients(), shared_gradients(last_only=True), shared_gradients(cut=True)
for name in NAMES:
    shares = gradient_per_step(xs, h0, c0, params, name)
    wanted, came = (4, *params[name].shape), type(shares).__name__
    checks.true(isinstance(shares, np.ndarray), f"{name}: the type {came} came back, a numpy array was expected")
    checks.true(np.shape(shares) == wanted, f"{name}: shape {np.shape(shares)} came back, {wanted} was expected")
    checks.close(
        f"the sum over the shares of {name}",
        np.sum(shares, axis=0),
        shared[name],
        relative=1e-6,
        slips={
            "when each step holds the sum of all shares": 4 * shared[name],
            "when the loss is the last output only": of_last[name],
            "when the states are detached between the steps": of_cut[name],
        },
    )

# the third step's own use of W_xg, by differences: an entry is moved for this step alone
shares = gradient_per_step(xs, h0, c0, params, "W_xg")


def total_with(moved):
    """The sum of all outputs when the third step uses `moved` in place of W_xg."""
    _, (h, c) = lstm_sequence(xs[:2], h0, c0, params)
    third, (h, c) = lstm_sequence(xs[2:3], h, c, params | {"W_xg": moved})
    return third.sum() + lstm_sequence(xs[3:], h, c, params)[0].sum()


tiny = np.zeros_like(params["W_xg"])
tiny[1, 3] = 1e-5
numeric = (total_with(params["W_xg"] + tiny) - total_with(params["W_xg"] - tiny)) / 2e-5
checks.close("entry [1, 3] of the third share of W_xg, against differences,", shares[2, 1, 3], numeric, relative=1e-6)
for name in ("W_hi", "W_hf", "W_ho", "W_hg", "W_xf", "b_f"):
    first = gradient_per_step(xs, np.zeros_like(h0), np.zeros_like(c0), params, name)[0]
    checks.equal(f"the first share of {name} from zero states", first, np.zeros_like(params[name]))
checks.passed("gradient_per_step", "the shares of all twelve arrays add up to torch's gradients")

# %% [markdown]
# The picture shows the size of each share of the candidate's matrix $W_{xg}$ over 20 steps, as a mean over 20 draws of
# weights and inputs. If the cell keeps what an early use has written, all later outputs see it: with $b_f = 3$ expect
# the first shares to be about 8 times the last ones (8 to 11 times in five other sets of 20 draws). With $b_f = -3$ the
# cell keeps almost nothing, and all shares are of about one size. At $t = 20$ the line of $b_f = 3$ is the lowest. Its
# cell state has grown: $|c_{20}|$ is 1.5 in the mean, against 0.3 with $b_f = 0$. There the tanh on the way to the
# output is flat: its derivative is 0.39 in the mean, against 0.89. For one of the draws the cell also prints an entry
# of the sum beside the gradient that torch computes for the shared array.

# %%
draws = 2 if course.grading else 20
h0, c0, series = np.zeros((8, 6)), np.zeros((8, 6)), {}
for bias in (-3, 0, 3):
    rng, sizes = np.random.default_rng(5), []
    for _ in range(draws):
        xs, params = rng.standard_normal((20, 8, 5)), random_parameters(5, 6, rng, scale=0.3)
        params["b_f"] = np.full(6, float(bias))
        shares = gradient_per_step(xs, h0, c0, params, "W_xg")
        sizes.append(np.linalg.norm(shares.reshape(20, -1), axis=1))
    size = series[f"$b_f = {bias}$"] = np.mean(sizes, axis=0)
    twin = torch_twin(params)
    twin(torch.from_numpy(xs))[0].sum().backward()
    shared = by_name(twin.weight_ih_l0.grad, twin.weight_hh_l0.grad, twin.bias_ih_l0.grad)["W_xg"]
    print(
        f"b_f = {bias:2d}: first shares {size[:3].mean() / size[-3:].mean():.1f} times the last (means of three);"
        f" entry [0, 0] of the sum {shares.sum(axis=0)[0, 0]:.6f}, of torch's shared gradient {shared[0, 0]:.6f}"
    )
plots.curves(series, x_label="step $t$", y_label="mean size of the share $G_t$ of $W_{xg}$")

# %% [markdown]
# ## 4. Counting (2 points, about 10 minutes)
#
# To compare two networks fairly you have to know what each of them costs. An LSTM has four *blocks* (input, forget,
# output, candidate). Each block has a matrix from the input, a matrix from the output of the step before, and a bias. A
# *GRU*, the subject of the next notebook, has two gates and a candidate, three blocks of the same form. A plain layer
# ("RNN" in torch) has one block and no gates.
#
# | `rnn_type` | blocks | 200 inputs, 200 units, one bias | two biases |
# | --- | --- | --- | --- |
# | `"LSTM"` | 4 | 320,800 | 321,600 |
# | `"GRU"` | 3 | 240,600 | 241,200 |
# | `"RNN"` | 1 | 80,200 | 80,400 |
#
# A second layer takes the outputs of the first as its inputs. From the second layer on the input of a layer therefore
# has `hidden_size` entries, whatever the first one had.
#
# | array, per block | first layer | each further layer |
# | --- | --- | --- |
# | $W_{x\cdot}$ | `input_size * hidden_size` | `hidden_size * hidden_size` |
# | $W_{h\cdot}$ | `hidden_size * hidden_size` | `hidden_size * hidden_size` |
# | biases, `bias="one"` (textbook) | `hidden_size` | `hidden_size` |
# | biases, `bias="two"` (torch) | `2 * hidden_size` | `2 * hidden_size` |
#
# Torch keeps two bias vectors per block, one beside each matrix. In an LSTM and in a plain layer only their sum
# matters. In torch's GRU this holds for the two gates but not for the candidate, whose `bias_hh` is multiplied by the
# reset gate together with $h W_h$. Raise a `ValueError` that names the value for any other `rnn_type` or `bias`, and
# for a size or a number of layers under 1.
#
# The cell after the check prints the count beside the time of a training step on your machine, and looks for the
# widths at which the three cost as many parameters as an LSTM of 200 units. Expect 242 for the GRU and 475 for the
# plain layer. Times need not follow the counts. On a CPU torch may run an LSTM as one fused kernel, a single routine
# for the whole layer that it does not have for the GRU, so a GRU can take longer although it has fewer parameters.
#
# <details><summary>Hint</summary>
#
# What does one unit of one block own? One layer is `blocks * hidden_size * (inputs + hidden_size + biases)`. Add this
# up over the layers; only `inputs` differs.
# </details>


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


# %% id="check_count_rnn_parameters" tags=["question"] points=2
"""Three types of layers against the textbook and torch, stacked ones too, and impossible requests are refused."""
checks.equal(
    "count_rnn_parameters('LSTM', 200, 200, 1, 'one')",
    count_rnn_parameters("LSTM", 200, 200, 1, "one"),
    320_800,
    slips={
        "with two biases per block": 321_600,
        "without biases": 320_000,
        "with the biases of one block only": 320_200,
        "with three blocks": 240_600,
    },
)
checks.equal(
    "count_rnn_parameters('LSTM', 50, 200, 2, 'one')",
    count_rnn_parameters("LSTM", 50, 200, 2, "one"),
    521_600,
    slips={
        "when the second layer, too, has input_size inputs": 401_600,
        "when the first layer, too, has hidden_size inputs": 641_600,
        "when only the first layer is counted": 200_800,
        "with one layer too many": 842_400,
    },
)
for kind, one in (("GRU", 240_600), ("RNN", 80_200)):
    checks.equal(
        f"count_rnn_parameters({kind!r}, 200, 200, 1, 'one')", count_rnn_parameters(kind, 200, 200, 1, "one"), one
    )
for kind, sizes in itertools.product(("LSTM", "GRU", "RNN"), ((9, 4, 3), (1, 1, 1))):
    torch_count = sum(weight.numel() for weight in getattr(nn, kind)(*sizes, device="meta").parameters())
    checks.equal(f"count_rnn_parameters{(kind, *sizes, 'two')}", count_rnn_parameters(kind, *sizes, "two"), torch_count)
for wrong in (
    ("CNN", 5, 5, 1, "one"),
    ("GRU", 5, 5, 1, "none"),
    ("RNN", 5, 5, 0, "one"),
    ("LSTM", 0, 5, 1, "two"),
    ("GRU", 5, 0, 1, "one"),
):
    checks.raises(f"count_rnn_parameters{wrong}", ValueError, lambda wrong=wrong: count_rnn_parameters(*wrong))
checks.passed("count_rnn_parameters", "three types, by the textbook and by torch")

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
    print(f"{kind:4s} {counts[kind]:8,d} parameters, {times[kind]:5.1f} ms; same budget: {width} units")
_, panels = plt.subplots(1, 2, figsize=(8, 2.4), layout="constrained", sharey=True)
for axes, values, label in (
    (panels[0], {kind: count / 1000 for kind, count in counts.items()}, "thousand parameters"),
    (panels[1], times, "ms, forward and backward, 35 steps of 20 rows"),
):
    axes.barh(list(values), list(values.values()), color="0.8", edgecolor="0.2", hatch="//")
    axes.set(xlabel=label)
    axes.invert_yaxis()
plt.show()

# %% [markdown]
# ## 5. What a cell state is good for (2 points, about 30 minutes)
#
# Does all this machinery let a network do anything that a plain one does not do? Here is a task that asks for memory
# and nothing else. The first step shows one of 8 tokens, one-hot, with a 1 in a ninth entry that says "this one". Then
# come $T$ steps of normal noise in the same 8 entries, with 0 in the ninth. After the last step the network has to say
# which token it was. Guessing is correct in 1 of 8 sequences.
#
# Three networks are trained on it, for four distances $T$ and with three seeds each: a plain network, and two LSTMs
# whose forget gates start with bias 0 and bias 3 and which are equal otherwise. Your count makes the comparison fair:
# it finds the width at which the plain network has about as many parameters as the LSTM. All of them get the same
# training: 300 updates of Adam with batches of 64 new sequences, learning rate 0.01, and gradients clipped at norm 1.
# Training and test use the same distance. The cell takes about half a minute.

# %%
tokens, units = 8, 16
distances, seeds, updates = ((5, 10), 1, 2) if course.grading else ((5, 10, 20, 40), 3, 300)
budget = count_rnn_parameters("LSTM", tokens + 1, units, 1, "two")
width = min(range(8, 65), key=lambda n: abs(count_rnn_parameters("RNN", tokens + 1, n, 1, "two") - budget))


def recall_batch(distance, batch):
    """Sequences (distance + 1, batch, tokens + 1) that show a token and then noise, and the tokens (batch,)."""
    shown, xs = torch.randint(tokens, (batch,)), torch.randn(distance + 1, batch, tokens + 1)
    xs[0], xs[1:, :, tokens] = F.one_hot(shown, tokens + 1), 0.0
    xs[0, :, tokens] = 1.0
    return xs, shown


def recall_accuracy(kind, width, distance, seed, forget_bias=None, rate=0.01):
    """Trains one network to recall the first token. Returns its share of correct answers on 1,000 new sequences."""
    torch.manual_seed(seed)
    layer, readout = getattr(nn, kind)(tokens + 1, width), nn.Linear(width, tokens)
    if forget_bias is not None:
        with torch.no_grad():  # torch adds its two biases, so one of them is set and the other is zero
            layer.bias_ih_l0[width : 2 * width], layer.bias_hh_l0[width : 2 * width] = forget_bias, 0.0
    weights = [*layer.parameters(), *readout.parameters()]
    optimiser = torch.optim.Adam(weights, lr=rate)
    for _ in range(updates):
        xs, shown = recall_batch(distance, 64)
        loss = F.cross_entropy(readout(layer(xs)[0][-1]), shown)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
    with torch.no_grad():
        xs, shown = recall_batch(distance, 1000)
        return (readout(layer(xs)[0][-1]).argmax(dim=1) == shown).float().mean().item()


networks = {
    f"plain network, {width} units": ("RNN", width, None),
    f"LSTM, {units} units, $b_f = 0$": ("LSTM", units, 0.0),
    f"LSTM, {units} units, $b_f = 3$": ("LSTM", units, 3.0),
}
print(f"parameters: LSTM {budget:,d}, plain {count_rnn_parameters('RNN', tokens + 1, width, 1, 'two'):,d}")
accuracy = {}
for name, (kind, wide, bias) in networks.items():
    accuracy[name] = [[recall_accuracy(kind, wide, T, seed, bias) for seed in range(seeds)] for T in distances]
    means = ", ".join(f"{np.mean(one):.2f} (T = {T})" for T, one in zip(distances, accuracy[name], strict=True))
    print(f"{name.replace('$', ''):26s} mean accuracy {means}")
lstm_plots.draw_recall(accuracy, distances, 1 / tokens)

# %% [markdown] id="why_a_cell_state" tags=["written"] points=2
# **Written question (2 points).** In the figure a line joins the means over the seeds, and a small mark is one seed.
# The figure holds for one learning rate, so here are further runs at $T = 20$: accuracies after 300 updates with the
# seeds 0, 1 and 2, from `recall_accuracy`.
#
# | learning rate | plain network, 36 units | LSTM, $b_f = 3$ |
# | --- | --- | --- |
# | 0.001 | 0.12, 0.12, 0.13 | 0.25, 0.35, 0.34 |
# | 0.003 | 0.12, 0.12, 0.12 | 0.81, 0.84, 0.89 |
# | 0.03 | 0.45, 0.40, 0.37 | 1.00, 0.97, 0.76 |
#
# 1. What does the LSTM with $b_f = 3$ learn here that the plain network does not, and for which distances does your
#    figure show it? Give the accuracies. May you conclude that a plain network *cannot* remember a token over 20 steps?
# 2. Which term of which equation makes this possible? A plain network computes $h' = \tanh(x W_x + h W_h + b)$. Compare
#    two factors: the one by which a small change of $c_0$ reaches $c_T$ along the top line of the LSTM, and the one by
#    which a small change of $h_0$ reaches $h_T$ in the plain network.
# 3. The LSTM with $b_f = 0$ has the same equations, and yet at $T = 10$ even the plain network beats it. Why does it
#    not learn what the other LSTM learns? Support your answer with the accuracies of the figure at $T = 10$ and
#    $T = 20$, and with the share of $c_0$ that the forget gates let through over 10 and over 20 steps when the
#    training starts.
#
# ### BEGIN SOLUTION
# (1) After 300 updates the LSTM with $b_f = 3$ recalls the token in nearly all sequences at distances of 5, 10 and 20.
# The plain network with about as many parameters does so at 5, less well and with a wide spread at 10, and it is at
# guessing, 1/8, at 20. At 40 the LSTM is above guessing for most seeds but far from perfect. (In our ten seeds the
# plain network reached 0.43 to 0.99 at 10 and at most 0.15 at 20. The LSTM reached 1.00 at 10, at 20 it reached 1.00 in
# nine seeds and 0.79 in one, and at 40 it reached 0.11 to 0.85.) So the advantage is shown at 20 steps, and in the mean
# at 10 and 40. It is shown for what the networks *learn* in this training: with the rate 0.03 the plain network is well
# above guessing at 20 (0.37 to 0.45), so the runs do not prove that it cannot hold the token.
#
# (2) The term $f \odot c$ in $c' = i \odot g + f \odot c$. Along the top line $\partial c_T / \partial c_0$ is the
# product of the $T$ forget gates, entry by entry, without a matrix and without a squashing function. With gates near 1
# that product stays near 1, and so do the memory and the gradient that has to find it. In the plain network the factor
# is a product of $T$ matrices, $W_h$ times the diagonal of $1 - h_t^2$ at each step. Every step mixes all units, the
# derivative of the tanh is at most 1, and nothing keeps the product near 1: as a rule it shrinks or grows
# exponentially. Besides, the input gate can keep noise out, while a plain network adds $x W_x$ at every step.
#
# (3) The equations allow gates near 1, but the training has to find them. With $b_f = 0$ the forget gates start near
# $\sigma(0) = 0.5$, so that about $0.5^{10} \approx 0.001$ of a token is left after 10 steps and about $10^{-6}$ after
# 20. The gradient that would open the gates is small for the same reason. With $b_f = 3$ they start near
# $\sigma(3) = 0.953$: about 0.62 is left after 10 steps and 0.38 after 20 (and 0.14 after 40, which fits the drop
# there). The accuracies agree: with $b_f = 0$ the mean is 0.12 at 10 and 0.13 at 20, which is guessing, and with
# $b_f = 3$ it is 1.00 at both. The bias does not fix the gate; it only sets where learning starts. The plain network
# reaches 0.91 at 10, so a cell state alone is no advantage. (Why the plain network is better there is not asked. At the
# start the gradient at the first input is about equally small in both, 5e-4 in the plain network and 4e-4 in this LSTM,
# against 0.065 with $b_f = 3$: $T = 10$, a random linear readout, means over ten seeds.)
#
# Rubric:
#
# - 0.5: (1) the figure read with its distances and no "cannot"
# - 0.5: (2) the product of forget gates against a product of matrices and tanh derivatives
# - 0.5: (3) the bias sets the gates at the start
# - 0.5: (3) with accuracies and the share that is let through, both of them
#
# The numbers of the student's own figure count.
# ### END SOLUTION

# %% [markdown]
# **A trained cell at work.** Now watch the gates of an LSTM while it reads. The toy language of the character notebook
# has a rule that needs memory: a quotation that was opened has to be closed, so a sentence inside a quotation ends in
# `"`, and a sentence outside does not. A small LSTM of 16 units learns to predict the next *word* of that language. We
# take words so that whole sentences fit into one picture. We choose the text so that half of the sentences hold a
# quotation in `"`, and we leave out the sentences with single quotation marks. The training takes some seconds.
#
# After that your own `lstm_cell` reads freshly drawn text with torch's weights, which `by_name` takes apart. On the
# first 2,000 words we look for the unit whose cell state follows best whether a quotation is open. On the next 2,000
# words, which had no part in the choice, we measure the correlation again. Expect about 0.75. With six other seeds of
# the training it was 0.56 to 0.84 in size (its sign says nothing), so a unit does follow the quotation, but not
# only that.

# %%
count, updates = (300, 5) if course.grading else (15_000, 800)
rng = np.random.default_rng(3)


def quoted_text(count):
    """The words of a text: from `count` sentences those with a quotation in double marks, and as many without any."""
    lines = [line for line in toy.sentences(count, rng) if "'" not in line]
    quoted = [line for line in lines if '"' in line]
    both = quoted + [line for line in lines if '"' not in line][: len(quoted)]
    rng.shuffle(both)
    return " <eos> ".join(both).split()


train_words, new_words = quoted_text(count), quoted_text(4_000)
vocabulary = sorted({*train_words, *new_words})
ids = {word: n for n, word in enumerate(vocabulary)}
stream = torch.tensor([ids[word] for word in train_words])
stream = stream[: len(stream) // 32 * 32].view(32, -1).T  # (steps, 32 rows)


def train_reader(seed):
    """An embedding, an LSTM and an output layer, trained to predict the next word of the stream."""
    torch.manual_seed(seed)
    table, layer, readout = nn.Embedding(len(ids), 16), nn.LSTM(16, 16), nn.Linear(16, len(ids))
    weights = [*table.parameters(), *layer.parameters(), *readout.parameters()]
    optimiser, start, state = torch.optim.Adam(weights, lr=0.01), 0, None
    for _ in range(updates):
        if start + 2 > len(stream):
            start, state = 0, None
        piece = stream[start : start + 33]
        outputs, state = layer(table(piece[:-1]), state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(readout(outputs).flatten(0, 1), piece[1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        start += 32
    return table, layer, loss.item()


def read(words, table, layer):
    """Forget gates and cell states (words, units) while your lstm_cell reads words."""
    params = by_name(layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0 + layer.bias_hh_l0)
    embedded = table.weight.detach().numpy()
    h, c, forget, cells = np.zeros((1, 16)), np.zeros((1, 16)), [], []
    for word in words:
        x = embedded[[ids[word]]]
        forget.append(sigmoid(x @ params["W_xf"] + h @ params["W_hf"] + params["b_f"])[0])
        h, c = lstm_cell(x, h, c, params)
        cells.append(c[0])
    return np.array(forget), np.array(cells)


def quotation_open(words):
    """Whether a quotation is open after each word, as 0 or 1."""
    return np.cumsum([word == '"' for word in words]) % 2


def correlations(cells, opened):
    """The correlation of each unit's cell state with `opened`."""
    return np.array([np.corrcoef(unit, opened)[0, 1] for unit in cells.T])


table, layer, loss = train_reader(seed=1)
first, second = new_words[:2000], new_words[2000:4000]
on_first = correlations(read(first, table, layer)[1], quotation_open(first))
unit = int(np.argmax(np.abs(on_first)))
forget, cells = read(second, table, layer)
on_second = correlations(cells, quotation_open(second))
print(f"{len(train_words):,d} words to train on, {len(ids)} different ones, loss {loss:.2f} nats a word at the end")
print(f"unit {unit}: correlation {on_first[unit]:.2f} on the words it was chosen on, {on_second[unit]:.2f} on new ones")

# %% [markdown]
# The heat map shows the forget gates over a stretch of the second 2,000 words, with a row for each unit. The units
# whose gates are open widest over this stretch stand at the top; those at the bottom forget at nearly every word. The
# line below is the cell state of the unit that was chosen, whose row carries an arrow. A bar marks where a quotation is
# open. Before you read on, look at what this cell state does around the quotation marks, and at which words its forget
# gate shuts.

# %%
start = lstm_plots.stretch_with_quotation(second, 26)
shown = slice(start, start + 26)
lstm_plots.draw_gates(second[shown], forget[shown], cells[shown], quotation_open(second)[shown], unit)

# %% [markdown]
# In our picture the cell state rises before the quotation opens, at the verb and the comma, after which a quotation
# mark always follows in this language. It stays high through the quotation and drops to about zero only at `<eos>`,
# where the forget gate shuts. Look at the gate once more. It also nearly shuts where the state *rises*: at "thinks"
# it is 0.23, and at "says" 0.12. The old value, which the noun before has made negative, is thrown away, and the
# input gate writes a new, positive one. So this unit clears its memory twice in such a sentence, at `<eos>` and at
# the verb. It holds a little more than "a quotation is open", which is why the correlation is not 1. One unit over
# one stretch is an example, not a law: other units take part, and another seed trains another unit.

# %% [markdown]
# ## 6. Inputs of different lengths (2 points and 2 points, about 22 minutes)
#
# The rest of this notebook is the toolbox around the cell. Sentences do not all have the same number of words, but an
# array has one length along each axis. The common solution is *padding*: short sequences are filled up at the end until
# all are as long as the longest, and the true lengths are kept beside the array.
#
# | name | what | shape or type |
# | --- | --- | --- |
# | `sequences` | each of shape `(length, ...)`, alike in the axes after the first | list of arrays or lists |
# | `value` | what is filled in | number |
# | `padded` | the batch, sequences along the *second* axis; `steps` is the largest length | (steps, batch, ...) |
# | `lengths` | the true lengths, in the order of the list | (batch,), an array of integers |
#
# `padded` has the dtype that all sequences share: integers stay integers, and float32 stays float32. A sequence may
# be empty. Its dtype and its further axes are ignored, because numpy turns `[]` into an array of floats. If all
# sequences are empty, `padded` has no steps. An empty *list of sequences* is a `ValueError`, because a batch of
# nothing has no shape. For `[[1, 2, 3], [4]]` and `value=0` expect `[[1, 4], [2, 0], [3, 0]]` and `[3, 1]`.
#
# The cell after yours pads five words. The rows of the picture are sequences, so it shows the transposed array. The
# padding is hatched, and a thick frame marks the last real entry of each sequence.
#
# <details><summary>Hint</summary>
#
# Make the array with `np.full((steps, batch, *rest), value, dtype=...)`, then set `padded[:length, row] = sequence` for
# each sequence. Take `rest` and the dtype from a sequence that is not empty, if there is one.
# </details>


# %% id="pad" tags=["solution"]
def pad(sequences, value):
    """Sequences of different lengths as one array, filled up at the end with `value`.

    sequences: list of arrays or lists, each of shape (length, ...); the axes after the first are the same for all; a
    sequence may be empty.
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
padded, lengths = pad([[], []], 0)
checks.equal("the first two axes of pad([[], []], 0)", padded.shape[:2], (0, 2))
checks.equal("its lengths", lengths, np.array([0, 0]))
checks.raises("pad([], 0)", ValueError, lambda: pad([], 0))
checks.passed("pad", "numbers, vectors, an empty sequence, and the empty list refused")

# %% [markdown]
# **The last output that counts.** The LSTM runs through a padded batch as if the padding were input, so the state of a
# short sequence goes on changing after its end. If you want one vector per sequence, for example to classify a
# sentence, do not take `outputs[-1]`. Take
#
# $$\text{last}_b = h_{\ell_b,\, b}, \qquad b = 0 \dots \text{batch} - 1$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $h_1 \dots h_T$ | `outputs`, step 1 at index 0 | (steps, batch, features) |
# | $\ell_b$ | `lengths[b]`, from 1 to `steps` | (batch,) |
# | $\text{last}$ | result | (batch, features) |
#
# A sequence of length 0 has no last output: raise a `ValueError` that names the value for any length under 1. (A length
# of 0 gives the index -1, and numpy would silently return the output at the last step of the array.) You need not check
# for lengths above `steps`; numpy refuses such an index by itself.
#
# Torch has another way. `pack_padded_sequence` keeps only the real steps, so the LSTM never sees the padding, and the
# $h$ that it returns is that of each sequence's own end. Both ways must agree. The cell after the check draws one
# unit for three sequences. The path through the padding is dotted, a circle is your last output, and a cross is what
# packing gives.
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


# %% id="check_last_relevant" tags=["question"] points=2
"""One output per sequence, equal to what torch's packing gives, and impossible lengths refused."""
outputs = np.arange(24.0).reshape(4, 3, 2)
checks.equal(
    "last_relevant(outputs, [3, 1, 2])",
    last_relevant(outputs, np.array([3, 1, 2])),
    np.array([[12.0, 13.0], [2.0, 3.0], [10.0, 11.0]]),
    slips={
        "when the last step of the padded array is taken": outputs[-1],
        "one step too early": outputs[[1, -1, 0], [0, 1, 2]],
        "one step too late: step 1 has index 0, so the last step has index length - 1": outputs[[3, 1, 2], [0, 1, 2]],
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

# %% [markdown]
# **Where the gradient is zero.** Let a loss read the output of one step only, here step 8 of a sequence that is padded
# from 8 steps to 12. Which gradients are zero? Keep two things apart.
#
# - *The tensor that torch returns*, `outputs`, collects a copy of every $h_t$. Only the loss reads it. Its gradient is
#   zero everywhere except at step 8: no path leads from its other entries to the loss.
# - *The state $h_t$ inside the network* also enters the next step. For $t < 8$ a path leads from $h_t$ through the
#   steps after it to the loss, so its gradient is not zero. This is how the early steps learn. For $t > 8$ there is
#   no path.
#
# The left picture shows both gradients. The bars belong to the returned tensor, the line to the states of the same
# network, unrolled step by step with `nn.LSTMCell`. The right picture shows the gradient at each input: it is zero in
# the padding and not zero before it. The scale is logarithmic, and where nothing is drawn the gradient is exactly zero.
# If the loss read `outputs[-1]`, the network would be trained to carry its answer through the padding. So padded steps
# must not reach the loss.

# %%
torch.manual_seed(14)
layer, xs = nn.LSTM(5, 6, dtype=torch.float64), torch.randn(12, 1, 5, dtype=torch.float64, requires_grad=True)
outputs, _ = layer(xs)
outputs.retain_grad()
outputs[7].sum().backward()

cell = nn.LSTMCell(5, 6, dtype=torch.float64)
cell.load_state_dict({name.removesuffix("_l0"): weight for name, weight in layer.state_dict().items()})
state, inside = None, []
for x in xs.detach():
    state = cell(x, state)
    state[0].retain_grad()
    inside.append(state[0])
inside[7].sum().backward()
in_states = [0.0 if h.grad is None else h.grad.norm().item() for h in inside]
print("gradient at the returned outputs zero except at step 8:", outputs.grad.count_nonzero().item() == 6)
print("smallest gradient at the states of steps 1 to 8, as a norm:", f"{min(in_states[:8]):.1e}")
print("gradient at states and inputs of steps 9 to 12 zero:", not any(in_states[8:]) and not xs.grad[8:].any().item())
_, panels = plt.subplots(1, 2, figsize=(7.5, 2.9), layout="constrained")
for axes, gradient, label in ((panels[0], outputs.grad, "returned outputs"), (panels[1], xs.grad, "inputs $x_t$")):
    axes.bar(np.arange(1, 13), gradient.flatten(1).norm(dim=1), color="0.8", edgecolor="0.2", hatch="//", label=label)
    axes.axvline(8.5, color="0.3", linestyle="--", linewidth=1)
    axes.annotate("padding", (10.5, 0.5), xycoords=("data", "axes fraction"), ha="center", fontsize=9)
    axes.set(xlabel="step $t$", ylabel="norm of the gradient", yscale="log", xlim=(0.2, 12.8), ylim=(5e-4, 20))
    axes.set_xticks(range(1, 13))
panels[0].plot(np.arange(1, 9), in_states[:8], "-o", color="0.1", markersize=5, label="state $h_t$ inside")
for axes in panels:
    axes.legend(fontsize=8, loc="upper left")
plt.show()

# %% [markdown]
# ## 7. Different lengths in the loss (4 points, about 27 minutes)
#
# A language model predicts at every step, so a padded batch has padded targets too. They must not count. Let
# $z_{t,b}$ be the scores (logits) at step $t$ of sequence $b$ and $y_{t,b}$ its target:
#
# $$L = \frac{1}{\sum_b \ell_b} \sum_b \sum_{t=1}^{\ell_b} \Big( \ln \sum_k e^{z_{t,b,k}} - z_{t,b,y_{t,b}} \Big)$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $z$ | `logits` | (steps, batch, classes) |
# | $y$ | `targets`, class numbers | (steps, batch) |
# | $\ell$ | `lengths`, from 0 to `steps`, integers | (batch,) |
# | $L$ | result, in nats | a number, or a tensor without axes |
#
# This is a mean over all real steps of all sequences, so every real step weighs the same. A mean of the sequences'
# means would give each step of a short sequence more weight. A mean over all positions, padding included, would
# depend on how much padding there is.
#
# The function has to meet three conditions.
#
# - It is *stable*: a logit of 1000 gives no nan.
# - It *never uses* what stands in the padding. Padded targets may be -100 or larger than any class, and must not even
#   serve as an index; padded logits may be nan or infinite.
# - It takes two kinds of arguments: `logits`, `targets` and `lengths` are either all numpy arrays or all torch tensors.
#   For arrays the result is a number. For tensors it is a tensor with the dtype of the logits that can be
#   differentiated, with a gradient of exactly zero at all padded logits, even where they are nan or infinite.
#
# Lengths may be 0, but not all of them. For logits that are all zero expect $\ln(\text{classes})$, whatever the
# lengths.
#
# <details><summary>Hint</summary>
#
# The mask is `steps[:, None] < lengths` with `steps = 0, 1, ...`: a (steps, batch) array of True and False. Index
# logits and targets with it before you do anything else: `logits[mask]` is (real steps, classes). For what is left you
# know a stable cross-entropy from the character notebook (hw2), and torch has `F.cross_entropy`. You may turn numpy
# arrays into tensors (`torch.from_numpy`) and the result into a number (`.item()`).
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


# %% id="check_masked_cross_entropy" tags=["question"] points=4
"""The mean over real steps, for numpy and torch; padded targets unused, padded logits without gradient, stable."""
lengths = np.array([3, 1, 0, 2])
targets = np.array([[0, 4, 1, 1], [2, 3, 0, 3], [4, 2, 2, 0]])
rng = np.random.default_rng(11)
logits = 2 * rng.standard_normal((3, 4, 5))
every_class = -torch.from_numpy(logits).log_softmax(dim=2).numpy()
losses = np.take_along_axis(every_class, targets[..., None], axis=2)[..., 0]
real = np.arange(3)[:, None] < lengths
rows = [losses[: lengths[b], b].mean() for b in (0, 1, 3)]
loss = masked_cross_entropy(logits, targets, lengths)
checks.close(
    "masked_cross_entropy(logits, targets, lengths)",
    loss,
    losses[real].mean(),
    slips={
        "when the padded targets are used too, as a mean over all positions": losses.mean(),
        "when the sum over real steps is divided by the number of all positions": losses[real].sum() / 12,
        "as a mean of the sequences' means": np.mean(rows),
        "as a sum": losses[real].sum(),
    },
)
checks.close("all logits zero: ln 5", masked_cross_entropy(np.zeros((3, 4, 5)), targets, lengths), np.log(5))
for filler in (3, -100, 1_000_000):
    try:
        other = masked_cross_entropy(logits, np.where(real, targets, filler), lengths)
    except (IndexError, RuntimeError) as error:
        checks.true(False, f"padded targets of {filler}: the padded targets were used, as an index ({error})")
    checks.equal(f"the loss with padded targets of {filler}, which must not be used,", other, loss)
broken = logits.copy()
broken[~real] = [np.nan, np.inf, -np.inf, 0.0, 1.0]
other = masked_cross_entropy(broken, targets, lengths)
checks.close("the loss with nan and infinity in padded logits", other, losses[real].mean())
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
expected = (np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True) - np.eye(5)[targets]) / 6
checks.close("the gradient at the real logits", leaf.grad.numpy()[real], expected[real])
leaf = torch.tensor(broken, requires_grad=True)
masked_cross_entropy(leaf, torch.from_numpy(targets), torch.from_numpy(lengths)).backward()
checks.true(
    not np.any(leaf.grad.numpy()[~real]),
    "the gradient at the padded logits is not 0 where they are nan or infinite: leave the padding out before the "
    "softmax, not after it",
)
checks.close("the gradient at the real logits beside nan and infinity", leaf.grad.numpy()[real], expected[real])
checks.passed("masked_cross_entropy", "numpy and torch, padding without any influence, logits of 1000")

# %% [markdown]
# **Three ways in, one gradient.** The same four sequences, of lengths 3, 5, 1 and 2, go through the same LSTM and the
# same output layer in three ways: one by one, without any padding; padded, with your mask; and packed. The drawing
# shows what each way computes. A call is one step for all rows that take part in it, and the numbers below the columns
# count the rows per call. Packing sorts the sequences by length, the longest first, so that the rows of each call lie
# together. The hatched rows are computed and then thrown away. If a batch holds sequences of about
# equal length (a *bucket*), the hatched part is small.

# %%
lstm_plots.draw_three_ways([3, 5, 1, 2])

# %% [markdown]
# The next cell computes loss and gradients in these ways and prints how far they are from "one by one"; for the
# gradients it prints the largest difference over all weights. Torch's own mask stands beside yours: `F.cross_entropy`
# skips targets of -100. Expect differences under 1e-12 for these. For the two wrong means expect them in the first or
# second decimal.

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

# %% [markdown]
# ## 8. Outputs of unknown length (2 points, about 13 minutes)
#
# When a network generates a sequence, how does it decide where to stop? Goodfellow, Bengio and Courville (2016, section
# 10.2.3) list three ways. In the first, *the end is a token*: it stands in the vocabulary, every training sequence
# ends with it, and the network stops when it writes that token. In the second, the network has *an extra output* at
# each step, the probability of stopping here. In the third, it *predicts the length* at the start. Here you write the
# first.
#
# Write it for any model. The model is a function:
#
# | name | what |
# | --- | --- |
# | `step(token, state)` | returns a pair: the next token *or* the scores of all tokens, (classes,), and the new state |
# | `state` | whatever `step` takes: you only pass it on |
# | `first` | given to the first step, not written by it; it may equal `eos`, and the model may write it later |
# | `eos` | the end token: when the model writes it, the output ends, and it is not part of the output |
# | `limit` | the largest number of tokens in the output; with 0 the output is empty |
#
# If `step` returns scores, take the token with the highest score; on a tie, the first. Give each token to the next
# step. Do not call `step` again after the end, nor when the limit is reached. Without a limit a model that never writes
# the end token would run for ever.
#
# <details><summary>Hint</summary>
#
# `np.ndim(answer) == 0` is True for a token and False for scores; `np.argmax` returns the first of the largest.
# </details>


# %% id="decode" tags=["solution"]
def decode(step, state, first, eos, limit):
    """Let a model write until it says `eos`, or until there are `limit` tokens. Returns the list of tokens.

    step(token, state) -> (the next token or the scores (classes,) of all tokens, state). The list does not start with
    `first`, which was given, and `eos` is not in it.
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


# %% id="check_decode" tags=["question"] points=2
"""Tokens or scores, the end left out, the limit kept, no call after the end or the limit."""
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
for limit in (2, 0):
    calls.clear()
    checks.equal(f"decode with a limit of {limit}", decode(count_up, 0, 3, 7, limit), [4, 5][:limit])
    checks.equal(f"the tokens that the model was given with a limit of {limit}", calls, [3, 4][:limit])
checks.equal(
    "decode of a model that writes 5, 3, 5 and the end, where `first` is 3,",
    decode(lambda token, place: ([5, 3, 5, 0][place], place + 1), 0, 3, 0, 9),
    [5, 3, 5],
    slips={"when every token equal to `first` is dropped": [5, 5]},
)
checks.equal("decode when the first token equals the end token", decode(lambda t, s: (s, s - 1), 2, 0, 0, 9), [2, 1])


def scores_by_state(token, state):
    """A model that answers with scores: it wants 2, 0, 1 and then the end, 3; before the end two scores are equal."""
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
# **All of it together.** An LSTM learns to spell. It is given one token for a number from one to twelve and has to
# write the number's name, letter by letter, and then the end. Inputs and targets have lengths from 4 to 7, so your
# `pad` pads them, your `masked_cross_entropy` is the loss, and your `decode` writes the names.
#
# Look at the inputs in training: at each step the network is given the *correct* previous letter, whatever it would
# have written itself. This is called *teacher forcing* (Williams and Zipser 1989). In decoding there is no teacher. The
# network is given its own previous letter, so after a mistake it meets prefixes that it never saw in training. Here it
# memorises twelve spellings; there are no others to test it on. Expect all twelve names to be correct after 150 updates
# (which take a second or two), and none of them before.

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

# %% [markdown]
# ## 9. States from one batch to the next (2 points, about 12 minutes)
#
# A long text does not fit into one batch of, say, 35 steps. We cut it into segments, and the state at the end of one
# segment is the start of the next. At the very start, and where a row of the batch begins another text, there is no
# past, so the state is zero. Between two batches each row is therefore either passed on or reset:
#
# $$h^{\text{start}}_b = \begin{cases} 0 & \text{where reset}_b \\ h^{\text{end}}_b & \text{elsewhere} \end{cases}
# \qquad \text{and } c^{\text{start}}_b \text{ likewise}$$
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $(h^{\text{end}}, c^{\text{end}})$ | `state`, a pair, or one array for cells with one state | (batch, hidden) each |
# | $\text{reset}$ | `reset`, True or False per row (array or list), or one bool for all rows | (batch,) or a bool |
# | $(h^{\text{start}}, c^{\text{start}})$ | result: a tuple for a pair, an array for an array | (batch, hidden) each |
#
# A reset row must become exactly zero even if it held nan or infinity, so do not multiply by 0 (`0 * nan` is nan). The
# result keeps the dtype of the state: float32 stays float32. It consists of new arrays, also where nothing is reset,
# and the arguments stay as they were. Pass on *both* states. Only values are passed on; how the gradient is cut at the
# same place is a subject of the notebook on word models.
#
# The cell after the check runs a sequence of 24 steps in three segments of 8, first with the state passed on, then with
# every segment from zero, and compares both with the run in one piece. The dashed verticals stand at steps 8 and 16,
# where a segment ends. With the state passed on the outputs equal those of the run in one piece to the last digit, so
# the two lines coincide. From zero, the line leaves the other two at step 9, the first step after a reset.
#
# <details><summary>Hint</summary>
#
# Use `np.where(mask, np.zeros_like(part), part)` with a mask of shape (batch, 1) for each part of the state.
# `np.broadcast_to(reset, batch)` makes one bool into one per row. Beware of a mask of shape (batch,): if batch equals
# hidden, it picks columns.
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
checks.equal("carry with a list for reset", carry(h, [False, True, False]), keep * h)
checks.equal("carry((h, c), False)", carry((h, c), False), (h, c))
checks.equal("carry((h, c), True)", carry((h, c), True), (0 * h, 0 * c))
broken = h.copy()
broken[1] = [np.nan, np.inf, -np.inf]
checks.equal("carry where a row that is reset holds nan and infinity", carry(broken, reset), keep * h)
checks.unchanged("h", h, before)
for name, old, new in zip("hc", (h, c), carry((h, c), False), strict=True):
    checks.true(not np.shares_memory(old, new), f"the new {name} shares memory with the old one; it should be a copy")
checks.equal("carry of a float32 array", carry(h.astype(np.float32), reset), (keep * h).astype(np.float32))
checks.passed("carry", "pair and array, rows and all, nan gone")

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
_, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for (label, values), style, width in zip(runs.items(), ("-", "--o", ":^"), (4, 1.2, 1.2), strict=True):
    colour = "0.75" if style == "-" else "0.1"
    axes.plot(np.arange(1, 25), values, style, color=colour, linewidth=width, markersize=4, label=label)
for end in (8, 16):
    axes.axvline(end, color="0.4", linestyle="--", linewidth=1)
axes.set(xlabel="step", ylabel="output, unit 0")
axes.set_xticks(range(0, 25, 4))
axes.legend(fontsize=8)
plt.show()

# %% [markdown] id="lengths_in_and_out" tags=["written"] points=2
# **Written question (2 points, about 10 minutes).** Of the ways met in this notebook, choose three to feed sequences of
# different lengths to a recurrent network, and two to let the length of its output vary. The points are given for the
# reasons: for each of the five, describe a case in which you would choose it, and say why.
#
# ### BEGIN SOLUTION
# In. (1) One by one, in batches of one: for a single request, or where the code must stay simple, because there is
# nothing to pad and nothing to mask. (2) Padding to the longest, with a mask in the loss (or the last relevant output):
# the usual choice, because ordinary arrays and few large calls use the machine well. (3) Packing: where lengths differ
# much, because nothing is computed on padding and the last state is that of each sequence's own end. Buckets of about
# equal length count as a way too: for large data sets, because they waste little and keep ordinary arrays. So does one
# long stream that is cut into segments with the states carried: for language models of running text, because it needs
# no padding at all.
#
# Out. (1) An end token in the vocabulary: for text, because it needs nothing new and the network learns the length from
# the context. (2) An output for the probability of stopping at each step: where the outputs are no tokens, such as pen
# strokes or sound, because it works for outputs of any kind. (3) A length that is predicted at the start: where the
# length has to be known before writing begins. Any two of these count.
#
# Rubric:
#
# - 0.5: two ways in, each with a reason that fits
# - 0.5: a third way in, with a reason that fits
# - 0.5: a way out, with a reason that fits
# - 0.5: a second way out, with a reason that fits
# ### END SOLUTION

# %% [markdown]
# ## References
#
# - S. Hochreiter, J. Schmidhuber (1997), *Long short-term memory*, Neural Computation 9(8): the cell state and its
#   gates, without a forget gate yet.
# - F. A. Gers, J. Schmidhuber, F. Cummins (2000), *Learning to forget: continual prediction with LSTM*, Neural
#   Computation 12(10): the forget gate.
# - R. Jozefowicz, W. Zaremba, I. Sutskever (2015), *An empirical exploration of recurrent network architectures*, ICML:
#   variants compared, and why the bias of the forget gate should start at 1 or more.
# - R. J. Williams, D. Zipser (1989), *A learning algorithm for continually running fully recurrent neural networks*,
#   Neural Computation 1(2): teacher forcing.
# - I. Goodfellow, Y. Bengio, A. Courville (2016), *Deep Learning*, MIT Press, section 10.2.3: ways to end an output.
# - The documentation of `torch.nn.LSTM` (equations, order of the gates) and of `torch.nn.utils.rnn` (packing).
