"""What the grader asks of hw3: an LSTM step and sequence, shares of the gradient, counts, lengths, states."""

import numpy as np
import torch

from autograder.oracle.questions import Alternative, Case, Misconception, Question

NAMES = ("W_xu", "W_hu", "b_u", "W_xf", "W_hf", "b_f", "W_xo", "W_ho", "b_o", "W_xg", "W_hg", "b_g")


def parameters(rng, input_size, hidden_size, scale=0.6):
    """The twelve arrays of an LSTM by name, normal entries."""
    shapes = {"W_x": (input_size, hidden_size), "W_h": (hidden_size, hidden_size), "b_": (hidden_size,)}
    return {name: scale * rng.standard_normal(shapes["b_" if name[0] == "b" else name[:3]]) for name in NAMES}


def step(batch, input_size, hidden_size, *, zero=False, saturated=False):
    """Draws x, h, c and params of one step, from zero states or with gates that are fully open or shut."""

    def draw(rng):
        params = parameters(rng, input_size, hidden_size)
        if saturated:  # half of the units each way; the candidate stays where it can be told apart
            for gate in "ufo":
                params[f"b_{gate}"] = 800.0 * rng.permutation([1.0 - 2.0 * (k % 2) for k in range(hidden_size)])
        h, c = rng.uniform(-1, 1, (batch, hidden_size)), 1.5 * rng.standard_normal((batch, hidden_size))
        return {
            "x": rng.standard_normal((batch, input_size)),
            "h": 0.0 * h if zero else h,
            "c": 0.0 * c if zero else c,
            "params": params,
        }

    return draw


def sequence(steps, batch, input_size, hidden_size, *, zero=False, scale=0.6, name=""):
    """Draws xs, h0, c0 and params of a sequence; with `name` the weight that is asked about."""

    def draw(rng):
        h0, c0 = rng.uniform(-1, 1, (batch, hidden_size)), rng.standard_normal((batch, hidden_size))
        drawn = {
            "xs": rng.standard_normal((steps, batch, input_size)),
            "h0": 0.0 * h0 if zero else h0,
            "c0": 0.0 * c0 if zero else c0,
            "params": parameters(rng, input_size, hidden_size, scale),
        }
        return drawn | ({"name": name} if name else {})

    return draw


STEP = """
h_next, c_next = lstm_cell(x, h, c, params)
(h_next, c_next)
"""

lstm_cell = Question(
    "lstm_cell",
    cases=[
        Case("the next states of a batch", STEP, step(3, 5, 4), weight=3),
        Case("a batch of one", STEP, step(1, 4, 6)),
        Case("one input and one unit", STEP, step(4, 1, 1)),
        Case("from zero states", STEP, step(2, 3, 5, zero=True)),
        Case("gates fully open and fully shut", STEP, step(3, 2, 6, saturated=True)),
        Case(
            "a cell state far beyond 1",
            STEP,
            lambda rng: step(2, 3, 4)(rng) | {"c": 40.0 * rng.standard_normal((2, 4))},
        ),
        Case(
            "the same when called twice, and the arguments left as they were",
            "first = tuple(lstm_cell(x, h, c, params))\n(first, tuple(lstm_cell(x, h, c, params)), x, h, c, params)",
            step(2, 4, 3),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "gates in torch's order read as another",
            'o = sigmoid(x @ params["W_xo"] + h @ params["W_ho"] + params["b_o"])\n'
            '    g = np.tanh(x @ params["W_xg"] + h @ params["W_hg"] + params["b_g"])',
            'o = sigmoid(x @ params["W_xg"] + h @ params["W_hg"] + params["b_g"])\n'
            '    g = np.tanh(x @ params["W_xo"] + h @ params["W_ho"] + params["b_o"])',
            "The weights of the output gate and of the candidate have changed places: torch stacks i, f, g, o.",
        ),
        Misconception(
            "cell state through tanh before it is stored",
            "c_next = u * g + f * c\n    h_next = o * np.tanh(c_next)",
            "c_next = np.tanh(u * g + f * c)\n    h_next = o * c_next",
            "The cell state goes through tanh before it is stored; the tanh stands on the way to the output only.",
        ),
        Misconception(
            "forget and update swapped",
            "c_next = u * g + f * c",
            "c_next = f * g + u * c",
            "Forget and update gate have changed places: f multiplies the old cell state and u the candidate.",
        ),
        Misconception(
            "update gate left out, as in a GRU",
            "c_next = u * g + f * c",
            "c_next = (1 - f) * g + f * c",
            "The candidate is weighted by 1 - f, as in a GRU; the LSTM has a gate of its own for it, u.",
        ),
        Misconception(
            "no tanh on the way out",
            "h_next = o * np.tanh(c_next)",
            "h_next = o * c_next",
            "The output is o * c'; the cell state goes through tanh on its way to the output.",
        ),
        Misconception(
            "output of the old cell state",
            "h_next = o * np.tanh(c_next)",
            "h_next = o * np.tanh(c)",
            "The output shows the old cell state; it is computed from the new one.",
        ),
        Misconception(
            "sigmoid for the candidate",
            'g = np.tanh(x @ params["W_xg"]',
            'g = sigmoid(x @ params["W_xg"]',
            "The candidate is squashed by the logistic function; it is no gate, and tanh lets it be negative.",
        ),
        Misconception(
            "gates that read the cell state",
            'f = sigmoid(x @ params["W_xf"] + h @ params["W_hf"]',
            'f = sigmoid(x @ params["W_xf"] + c @ params["W_hf"]',
            "The forget gate reads the cell state; all four blocks read x and the output h.",
        ),
        Misconception(
            "states returned in the other order",
            "return h_next, c_next",
            "return c_next, h_next",
            "The two states come back in the other order: first the output h', then the cell state c'.",
        ),
    ],
    alternatives=[
        Alternative(
            "blocks side by side",
            """
def lstm_cell(x, h, c, params):
    both = np.concatenate([x, h], axis=1)
    W = np.hstack([np.vstack([params["W_x" + gate], params["W_h" + gate]]) for gate in "ufog"])
    a = both @ W + np.hstack([params["b_" + gate] for gate in "ufog"])
    n = h.shape[1]
    gates = sigmoid(a[:, : 3 * n])
    c_next = gates[:, :n] * np.tanh(a[:, 3 * n :]) + gates[:, n : 2 * n] * c
    return [gates[:, 2 * n :] * np.tanh(c_next), c_next]
""",
        ),
        Alternative(
            "loops over examples and units",
            """
import math


def lstm_cell(x, h, c, params):
    def logistic(a):
        return 1 / (1 + math.exp(-a)) if a > 0 else math.exp(a) / (1 + math.exp(a))

    h_next, c_next = np.empty(h.shape), np.empty(c.shape)
    for i in range(len(x)):
        for j in range(h.shape[1]):
            a = {}
            for gate in ("u", "f", "o", "g"):
                a[gate] = params["b_" + gate][j]
                a[gate] += sum(x[i, k] * params["W_x" + gate][k, j] for k in range(x.shape[1]))
                a[gate] += sum(h[i, k] * params["W_h" + gate][k, j] for k in range(h.shape[1]))
            c_next[i, j] = logistic(a["u"]) * math.tanh(a["g"]) + logistic(a["f"]) * c[i, j]
            h_next[i, j] = logistic(a["o"]) * math.tanh(c_next[i, j])
    return h_next, c_next
""",
        ),
        Alternative(
            "torch's own cell",
            """
def lstm_cell(x, h, c, params):
    cell = nn.LSTMCell(x.shape[1], h.shape[1], bias=True, dtype=torch.float64)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.from_numpy(np.hstack([params["W_x" + gate] for gate in "ufgo"]).T))
        cell.weight_hh.copy_(torch.from_numpy(np.hstack([params["W_h" + gate] for gate in "ufgo"]).T))
        cell.bias_ih.copy_(torch.from_numpy(np.hstack([params["b_" + gate] for gate in "ufgo"])))
        cell.bias_hh.zero_()
        h_next, c_next = cell(torch.from_numpy(x), (torch.from_numpy(h), torch.from_numpy(c)))
    return h_next.numpy(), c_next.numpy()
""",
        ),
    ],
)

RUN = """
outputs, (h, c) = lstm_sequence(xs, h0, c0, params)
(outputs, h, c)
"""

lstm_sequence = Question(
    "lstm_sequence",
    cases=[
        Case("several steps", RUN, sequence(5, 3, 2, 4), weight=3),
        Case("a single step", RUN, sequence(1, 2, 4, 3)),
        Case("a batch of one, from zero states", RUN, sequence(4, 1, 3, 5, zero=True)),
        Case("many steps", RUN, sequence(40, 2, 3, 4)),
        Case(
            "two pieces with the states passed on",
            "first, (h, c) = lstm_sequence(xs[:2], h0, c0, params)\n"
            "second, (h, c) = lstm_sequence(xs[2:], h, c, params)\n"
            "(first, second, h, c)",
            sequence(5, 2, 4, 3),
        ),
        Case(
            "the same when called twice, and the arguments left as they were",
            "first, (h, c) = lstm_sequence(xs, h0, c0, params)\n"
            "second, (h, c) = lstm_sequence(xs, h0, c0, params)\n"
            "(first, second, h, c, xs, h0, c0, params)",
            sequence(3, 2, 3, 5),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "state not carried",
            "h, c = lstm_cell(x, h, c, params)",
            "h, c = lstm_cell(x, h0, c0, params)",
            "Every step starts from h0 and c0; the states of one step must go into the next.",
        ),
        Misconception(
            "cell state not carried",
            "h, c = lstm_cell(x, h, c, params)",
            "h, c = lstm_cell(x, h, c0, params)",
            "The output h goes into the next step, but the cell state starts from c0 each time.",
        ),
        Misconception(
            "cell states for outputs",
            "outputs.append(h)",
            "outputs.append(c)",
            "The outputs are the cell states c; what the rest of the network sees is h.",
        ),
        Misconception(
            "outputs of the states before",
            "        h, c = lstm_cell(x, h, c, params)\n        outputs.append(h)",
            "        outputs.append(h)\n        h, c = lstm_cell(x, h, c, params)",
            "The outputs begin with h0 and lack the last one; each step's output is the h after it.",
        ),
        Misconception(
            "batch first",
            "return np.stack(outputs), (h, c)",
            "return np.stack(outputs, axis=1), (h, c)",
            "The outputs have the batch in front; sequences are (steps, batch, hidden) here.",
        ),
        Misconception(
            "states in the other order",
            "np.stack(outputs), (h, c)",
            "np.stack(outputs), (c, h)",
            "The last states come back as (c, h); the pair is (h, c), as in torch.",
        ),
    ],
    alternatives=[
        Alternative(
            "written into place",
            """
def lstm_sequence(xs, h0, c0, params):
    outputs = np.empty((xs.shape[0], *h0.shape))
    h, c = h0.copy(), c0.copy()
    for t in range(xs.shape[0]):
        outputs[t], c = lstm_cell(xs[t], h, c, params)
        h = outputs[t]
    return outputs, (h, c)
""",
        ),
        Alternative(
            "accumulated",
            """
from itertools import accumulate


def lstm_sequence(xs, h0, c0, params):
    states = list(accumulate(xs, lambda state, x: lstm_cell(x, *state, params), initial=(h0, c0)))
    return [np.array([h for h, _ in states[1:]]), list(states[-1])]
""",
        ),
        Alternative(
            "torch's own layer",
            """
def lstm_sequence(xs, h0, c0, params):
    layer = nn.LSTM(xs.shape[2], h0.shape[1]).double()
    with torch.no_grad():
        for weight, part in zip(layer.parameters(), ("W_x", "W_h", "b_")):
            weight.copy_(torch.from_numpy(np.concatenate([params[part + gate].T for gate in "ufgo"])))
        layer.bias_hh_l0.zero_()
        outputs, (h, c) = layer(torch.from_numpy(xs), (torch.from_numpy(h0)[None], torch.from_numpy(c0)[None]))
    return outputs.numpy(), (h[0].numpy(), c[0].numpy())
""",
        ),
    ],
    builds_on=("lstm_cell",),
)

SHARES = "gradient_per_step(xs, h0, c0, params, name)"


def shares(label, draw, ask=SHARES, weight=1.0):
    """A case on gradients, with their tolerance."""
    return Case(label, ask, draw, weight, relative=1e-6, absolute=1e-9)


gradient_per_step = Question(
    "gradient_per_step",
    cases=[
        shares("a weight of the candidate", sequence(4, 3, 2, 5, name="W_xg"), weight=2),
        shares("a weight of the forget gate", sequence(4, 3, 2, 5, name="W_hf"), weight=2),
        shares("a bias", sequence(5, 2, 3, 4, name="b_u")),
        shares("a single step", sequence(1, 2, 4, 3, name="W_ho")),
        shares("a batch of one, from zero states", sequence(3, 1, 3, 4, zero=True, name="W_hg")),
        shares(
            "all twelve arrays of a sequence",
            sequence(3, 2, 4, 3),
            "{name: gradient_per_step(xs, h0, c0, params, name) for name in params}",
            weight=2,
        ),
        shares(
            "the same when called twice, and the arguments left as they were",
            sequence(3, 2, 2, 3, name="W_xo"),
            f"first = {SHARES}\n(first, {SHARES}, xs, h0, c0, params)",
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "one shared array",
            "copies = [torch.tensor(params[name], requires_grad=True) for _ in xs]",
            "copies = [torch.tensor(params[name], requires_grad=True)] * len(xs)",
            "Every row holds the sum over all steps: the steps share one tensor in place of having a copy each.",
        ),
        Misconception(
            "last output only",
            "total = total + h.sum()",
            "total = h.sum()",
            "Only the last output is differentiated; the loss is the sum of the outputs of all steps.",
        ),
        Misconception(
            "gradient stops at each step",
            "w = weights | {name: copy}",
            "w = weights | {name: copy}\n        h, c = h.detach(), c.detach()",
            "Each share is that of its own step's output alone: the gradient does not come back from later steps.",
        ),
        Misconception(
            "gradient stops in the outputs",
            "c = torch.sigmoid(u) * torch.tanh(g) + torch.sigmoid(f) * c\n"
            "        h = torch.sigmoid(o) * torch.tanh(c)\n"
            "        total = total + h.sum()",
            "c = torch.sigmoid(u) * torch.tanh(g) + torch.sigmoid(f) * c\n"
            "        h = torch.sigmoid(o) * torch.tanh(c)\n"
            "        total = total + h.sum()\n"
            "        h = h.detach()",
            "The gradient comes back along the cell state only; the output h of a step goes into the next one too.",
        ),
        Misconception(
            "mean of the outputs",
            "total = total + h.sum()",
            "total = total + h.mean()",
            "The outputs are averaged over batch and units; the loss is their sum.",
        ),
        Misconception(
            "cell states differentiated",
            "total = total + h.sum()",
            "total = total + c.sum()",
            "The loss is the sum of the cell states here; it is asked of the outputs h.",
        ),
        Misconception(
            "shares from the last step to the first",
            "return np.stack([copy.grad.numpy() for copy in copies])",
            "return np.stack([copy.grad.numpy() for copy in reversed(copies)])",
            "The shares come in reverse order: the first row belongs to the first step.",
        ),
        Misconception(
            "summed over the steps",
            "return np.stack([copy.grad.numpy() for copy in copies])",
            "return np.sum([copy.grad.numpy() for copy in copies], axis=0)",
            "This is the gradient of the shared weight, the sum over the steps; asked are the shares, one per step.",
        ),
    ],
    alternatives=[
        Alternative(
            "by hand in numpy",
            """
def gradient_per_step(xs, h0, c0, params, name):
    steps, h, c = [], h0, c0
    for x in xs:
        u, f, o = (sigmoid(x @ params["W_x" + k] + h @ params["W_h" + k] + params["b_" + k]) for k in "ufo")
        g = np.tanh(x @ params["W_xg"] + h @ params["W_hg"] + params["b_g"])
        steps.append((x, h, c, u, f, o, g))
        c = u * g + f * c
        h = o * np.tanh(c)
    found, dh, dc = [], np.zeros_like(h0), np.zeros_like(c0)
    for x, h, c, u, f, o, g in reversed(steps):
        c_next = u * g + f * c
        dh = dh + 1.0
        dc = dc + dh * o * (1 - np.tanh(c_next) ** 2)
        da = {
            "u": dc * g * u * (1 - u),
            "f": dc * c * f * (1 - f),
            "o": dh * np.tanh(c_next) * o * (1 - o),
            "g": dc * u * (1 - g**2),
        }
        one = da[name[-1]]
        found.append({"W_x": x.T @ one, "W_h": h.T @ one, "b_": one.sum(axis=0)}[name[:-1]])
        dh, dc = sum(da[k] @ params["W_h" + k].T for k in "ufog"), dc * f
    return np.array(found[::-1])
""",
        ),
        Alternative(
            "one stacked leaf",
            """
def gradient_per_step(xs, h0, c0, params, name):
    leaf = torch.tensor(np.repeat(params[name][None], len(xs), axis=0), requires_grad=True)
    h, c, outputs = torch.tensor(h0), torch.tensor(c0), []
    for t, x in enumerate(torch.tensor(xs)):
        p = {key: leaf[t] if key == name else torch.tensor(array) for key, array in params.items()}
        gates = [torch.sigmoid(x @ p["W_x" + k] + h @ p["W_h" + k] + p["b_" + k]) for k in "ufo"]
        c = gates[0] * torch.tanh(x @ p["W_xg"] + h @ p["W_hg"] + p["b_g"]) + gates[1] * c
        h = gates[2] * c.tanh()
        outputs.append(h)
    return torch.autograd.grad(torch.stack(outputs).sum(), leaf)[0].numpy()
""",
        ),
        Alternative(
            "torch's cell with a copy of its weights at each step",
            """
def gradient_per_step(xs, h0, c0, params, name):
    rows = "ufgo".index(name[-1])
    cells, h, c, total = [], torch.from_numpy(h0), torch.from_numpy(c0), 0
    for x in xs:
        cell = nn.LSTMCell(xs.shape[2], h0.shape[1], dtype=torch.float64)
        with torch.no_grad():
            for weight, part in zip(cell.parameters(), ("W_x", "W_h", "b_")):
                weight.copy_(torch.from_numpy(np.concatenate([params[part + k].T for k in "ufgo"])))
            cell.bias_hh.zero_()
        h, c = cell(torch.from_numpy(x), (h, c))
        total = total + h.sum()
        cells.append(cell)
    total.backward()
    attribute = {"W_x": "weight_ih", "W_h": "weight_hh", "b_": "bias_ih"}[name[:-1]]
    n = h0.shape[1]
    return np.stack([getattr(cell, attribute).grad[rows * n : (rows + 1) * n].numpy().T for cell in cells])
""",
        ),
    ],
)


def draw_sizes(rng):
    """Numbers of inputs and of hidden units."""
    return {"n": int(rng.integers(30, 900)), "m": int(rng.integers(1000, 3000))}


LSTM_OUTCOME = """
def outcome(*arguments):
    try:
        return count_lstm_parameters(*arguments)
    except ValueError:
        return "ValueError"
"""

count_lstm_parameters = Question(
    "count_lstm_parameters",
    cases=[
        Case(
            "one layer, one bias per block",
            "[count_lstm_parameters(n, m, 1, 'one') for n, m in ((200, 200), (7, 3), (3, 7), (n, m))]",
            draw_sizes,
        ),
        Case(
            "one layer, two biases per block",
            "[count_lstm_parameters(n, m, 1, 'two') for n, m in ((200, 200), (9, 4), (4, 9), (n, m))]",
            draw_sizes,
        ),
        Case(
            "several layers",
            "[count_lstm_parameters(n, m, layers, bias) for layers in (2, 3, 7) for bias in ('two', 'one')]",
            draw_sizes,
            weight=1.5,
        ),
        Case(
            "ValueError for a size or a number of layers under 1, and none for 1",
            LSTM_OUTCOME
            + "[outcome(*sizes, 'one') for sizes in ((1, 1, 1), (0, 3, 2), (3, 0, 2), (3, 2, 0), (-2, 5, 1),"
            " (5, -2, 1), (5, 2, -1), (1, 4, 2), (4, 1, 2), (n, m, 1))]",
            draw_sizes,
        ),
        Case(
            "ValueError for another bias",
            LSTM_OUTCOME + "[outcome(n, m, 2, bias) for bias in ('one', 'three', 'two', '', 'One')]",
            draw_sizes,
        ),
    ],
    misconceptions=[
        Misconception(
            "second layer given the input size",
            "inputs = input_size if layer == 0 else hidden_size",
            "inputs = input_size",
            "Every layer is counted with input_size inputs; from the second on a layer reads hidden_size outputs.",
        ),
        Misconception(
            "first layer given the hidden size",
            "inputs = input_size if layer == 0 else hidden_size",
            "inputs = hidden_size",
            "Every layer is counted with hidden_size inputs; the first one reads input_size.",
        ),
        Misconception(
            "biases always doubled",
            '{"one": 1, "two": 2}',
            '{"one": 2, "two": 2}',
            "With bias 'one' each block has a single bias vector; here two are counted, as torch does.",
        ),
        Misconception(
            "biases missing",
            "(inputs + hidden_size + biases[bias])",
            "(inputs + hidden_size)",
            "The biases are not counted.",
        ),
        Misconception(
            "biases once for all blocks",
            "4 * hidden_size * (inputs + hidden_size + biases[bias])",
            "4 * hidden_size * (inputs + hidden_size) + hidden_size * biases[bias]",
            "The biases are counted for one block only; each of the four has its own.",
        ),
        Misconception(
            "three blocks",
            "total += 4 * hidden_size",
            "total += 3 * hidden_size",
            "This counts three blocks, the gates alone or a GRU; the LSTM's candidate is the fourth.",
        ),
        Misconception(
            "one layer only",
            "for layer in range(num_layers):",
            "for layer in range(1):",
            "Only the first layer is counted.",
        ),
        Misconception(
            "number of layers unchecked",
            "min(input_size, hidden_size, num_layers) < 1",
            "min(input_size, hidden_size) < 1",
            "The number of layers is not checked; under 1 it is an error, as a size under 1 is.",
        ),
        Misconception(
            "size 1 refused",
            "min(input_size, hidden_size, num_layers) < 1",
            "min(input_size, hidden_size, num_layers) <= 1",
            "A size of exactly 1 is refused; only sizes under 1 are errors.",
        ),
    ],
    alternatives=[
        Alternative(
            "by torch",
            """
def count_lstm_parameters(input_size, hidden_size, num_layers, bias):
    if bias not in ("one", "two"):
        raise ValueError(f"no such bias: {bias}")
    for size in (input_size, hidden_size, num_layers):
        if size < 1:
            raise ValueError(f"a size under 1: {size}")
    named = nn.LSTM(input_size, hidden_size, num_layers, device="meta").named_parameters()
    return sum(weight.numel() for name, weight in named if bias == "two" or not name.startswith("bias_hh"))
""",
        ),
        Alternative(
            "closed form",
            """
def count_lstm_parameters(input_size, hidden_size, num_layers, bias):
    if bias == "one":
        b = 1
    elif bias == "two":
        b = 2
    else:
        raise ValueError(bias or "empty")
    if not (input_size >= 1 and hidden_size >= 1 and num_layers >= 1):
        raise ValueError(str((input_size, hidden_size, num_layers)))
    matrices = input_size * hidden_size + (2 * num_layers - 1) * hidden_size**2
    return 4 * (matrices + b * num_layers * hidden_size)
""",
        ),
    ],
)

RNN_OUTCOME = LSTM_OUTCOME.replace("count_lstm_parameters", "count_rnn_parameters")

count_rnn_parameters = Question(
    "count_rnn_parameters",
    cases=[
        Case(
            "one layer of each type",
            "[count_rnn_parameters(kind, *sizes, 1, bias) for kind in ('LSTM', 'GRU', 'RNN') for bias in ('one', 'two')"
            " for sizes in ((200, 200), (7, 3), (3, 7), (n, m))]",
            draw_sizes,
        ),
        Case(
            "several layers of each type",
            "[count_rnn_parameters(kind, n, m, layers, bias) for kind in ('LSTM', 'GRU', 'RNN')"
            " for layers in (2, 5) for bias in ('two', 'one')]",
            draw_sizes,
        ),
        Case(
            "ValueError for another type or bias",
            RNN_OUTCOME
            + "[outcome(kind, n, m, 2, bias) for kind, bias in (('GRU', 'one'), ('CNN', 'one'), ('', 'two'),"
            " ('LSTM', 'three'), ('RNN', 'two'), ('GRU', ''), ('RNN', 'none'))]",
            draw_sizes,
        ),
        Case(
            "ValueError for a size or a number of layers under 1, and none for 1",
            RNN_OUTCOME + "[outcome(kind, *sizes, 'two') for kind in ('LSTM', 'GRU', 'RNN') for sizes in"
            " ((1, 1, 1), (0, 3, 2), (3, 0, 2), (3, 2, 0), (-2, 5, 1), (5, -2, 1), (5, 2, -1), (n, m, 2), (4, 1, 2))]",
            draw_sizes,
        ),
    ],
    misconceptions=[
        Misconception(
            "GRU with four blocks",
            '"GRU": 3',
            '"GRU": 4',
            "The GRU is counted with four blocks; it has two gates and a candidate, three in all.",
        ),
        Misconception(
            "GRU without its candidate",
            '"GRU": 3',
            '"GRU": 2',
            "The GRU is counted with its two gates alone; the candidate is a block of the same form.",
        ),
        Misconception(
            "LSTM without its candidate",
            '"LSTM": 4',
            '"LSTM": 3',
            "The LSTM is counted with its three gates alone; the candidate is a block of the same form.",
        ),
        Misconception(
            "second layer given the input size",
            "(hidden_size + hidden_size + biases[bias])",
            "(input_size + hidden_size + biases[bias])",
            "Further layers are counted with input_size inputs; they read the hidden_size outputs of the one below.",
        ),
        Misconception(
            "one layer too many",
            "(num_layers - 1) * further",
            "num_layers * further",
            "One layer too many is counted: the first one is among num_layers.",
        ),
        Misconception(
            "biases always doubled",
            '{"one": 1, "two": 2}',
            '{"one": 2, "two": 2}',
            "With bias 'one' each block has a single bias vector; here two are counted, as torch does.",
        ),
        Misconception(
            "unknown type taken for a plain layer",
            "    if rnn_type not in blocks:\n"
            "        raise ValueError(f\"rnn_type must be one of {', '.join(blocks)}, got {rnn_type!r}\")\n",
            "    blocks = {rnn_type: 1} | blocks\n",
            "A type that is not known is counted as a plain layer; it is an error that names the type.",
        ),
        Misconception(
            "number of layers unchecked",
            "input_size < 1 or hidden_size < 1 or num_layers < 1",
            "input_size < 1 or hidden_size < 1",
            "The number of layers is not checked; under 1 it is an error, as a size under 1 is.",
        ),
    ],
    alternatives=[
        Alternative(
            "from the LSTM's count",
            """
def count_rnn_parameters(rnn_type, input_size, hidden_size, num_layers, bias):
    quarters = dict(RNN=1, GRU=3, LSTM=4).get(rnn_type)
    if quarters is None:
        raise ValueError(f"no such type: {rnn_type}")
    return quarters * count_lstm_parameters(input_size, hidden_size, num_layers, bias) // 4
""",
        ),
        Alternative(
            "by torch",
            """
def count_rnn_parameters(rnn_type, input_size, hidden_size, num_layers, bias):
    if rnn_type not in ("LSTM", "GRU", "RNN") or bias not in ("one", "two"):
        raise ValueError(f"{rnn_type}, {bias}")
    if min(input_size, hidden_size, num_layers) <= 0:
        raise ValueError("sizes")
    layers = getattr(nn, rnn_type)(input_size, hidden_size, num_layers, device="meta")
    return sum(w.numel() for name, w in layers.named_parameters() if bias == "two" or "bias_hh" not in name)
""",
        ),
        Alternative(
            "layer by layer",
            """
def count_rnn_parameters(rnn_type, input_size, hidden_size, num_layers, bias):
    if rnn_type == "LSTM":
        blocks = ["update", "forget", "output", "candidate"]
    elif rnn_type == "GRU":
        blocks = ["update", "reset", "candidate"]
    elif rnn_type == "RNN":
        blocks = ["state"]
    else:
        raise ValueError(f"type {rnn_type!r}")
    if bias not in {"one", "two"}:
        raise ValueError(f"bias {bias!r}")
    if any(size < 1 for size in (input_size, hidden_size, num_layers)):
        raise ValueError("a size under 1")
    total, inputs = 0, input_size
    for _ in range(num_layers):
        for _ in blocks:
            total += (inputs + hidden_size) * hidden_size + hidden_size
            if bias == "two":
                total += hidden_size
        inputs = hidden_size
    return total
""",
        ),
    ],
)


def ragged(lengths, *trailing, dtype="float64"):
    """Draws sequences of the given lengths, in an order of their own, and the number to fill in."""

    def draw(rng):
        sequences = [(7 * rng.standard_normal((length, *trailing))).astype(dtype) for length in lengths]
        return {"sequences": [sequences[k] for k in rng.permutation(len(lengths))], "value": int(rng.integers(50, 99))}

    return draw


PADDED = """
padded, lengths = pad(sequences, value)
(padded, lengths)
"""

pad = Question(
    "pad",
    cases=[
        Case("sequences of whole numbers", PADDED, ragged((5, 2, 3, 1), dtype="int64"), weight=2),
        Case("sequences of vectors", PADDED, ragged((2, 4, 3), 5), weight=1.5),
        Case("float32, with two further axes", PADDED, ragged((3, 1), 2, 4, dtype="float32")),
        Case(
            "lists of numbers",
            "sequences = [array.tolist() for array in sequences]\n" + PADDED,
            ragged((3, 6, 1, 4, 2), dtype="int64"),
        ),
        Case("a single sequence", PADDED, ragged((4,), 3)),
        Case(
            "an empty sequence of vectors among others",
            "import numpy\nsequences = [*sequences[:1], numpy.zeros((0, 3)), *sequences[1:]]\n" + PADDED,
            ragged((2, 5), 3),
            weight=0.5,
        ),
        Case(
            "an empty list in front of whole numbers, whose dtype counts",
            "sequences = [[], *[array.tolist() for array in sequences]]\n" + PADDED,
            ragged((3, 1, 2), dtype="int64"),
            weight=0.5,
        ),
        Case(
            "ValueError for an empty list, and none for others",
            """
def outcome(sequences):
    try:
        padded, lengths = pad(sequences, value)
        return padded, lengths
    except ValueError:
        return "ValueError"
(outcome(sequences), outcome([]))
""",
            ragged((2, 1), dtype="int64"),
            weight=0.5,
        ),
        Case(
            "the same when called twice, and the sequences left as they were",
            "import copy\nbefore = copy.deepcopy(sequences)\n"
            "(tuple(pad(sequences, value)), tuple(pad(sequences, value)), sequences, before)",
            ragged((3, 1, 4), 2),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "padding in front",
            "padded[: len(array), row] = array",
            "padded[len(padded) - len(array) :, row] = array",
            "The padding stands in front of the sequences; they begin at step 0 and are filled up at the end.",
        ),
        Misconception(
            "batch first",
            "return padded, lengths",
            "return np.swapaxes(padded, 0, 1), lengths",
            "The sequences lie along the first axis; the steps come first, (steps, batch, ...).",
        ),
        Misconception(
            "always filled with zeros",
            "value, dtype=telling.dtype)",
            "0, dtype=telling.dtype)",
            "The padding is always 0; it should be `value`.",
        ),
        Misconception(
            "dtype of an empty sequence",
            "telling = next((array for array in arrays if len(array)), arrays[0])",
            "telling = arrays[0]",
            "The dtype is the first sequence's even where it is empty; an empty sequence's dtype counts for nothing.",
        ),
        Misconception(
            "always floats",
            "value, dtype=telling.dtype)",
            "value, dtype=float)",
            "The batch is always float64; it has the sequences' dtype, and whole numbers stay whole.",
        ),
        Misconception(
            "cut to the shortest",
            "    return padded, lengths",
            "    return padded[: lengths.min()], lengths",
            "The batch is as long as the shortest sequence; nothing is cut off, the short ones are filled up.",
        ),
        Misconception(
            "lengths of the padded sequences",
            "return padded, lengths",
            "return padded, np.full(len(arrays), len(padded))",
            "The lengths are those after padding; asked are the true lengths.",
        ),
        Misconception(
            "sorted by length",
            "    lengths = np.array(",
            "    arrays.sort(key=len, reverse=True)\n    lengths = np.array(",
            "The sequences are sorted by length; they keep the order of the list.",
        ),
        Misconception(
            "empty list let through",
            '        raise ValueError("there must be at least one sequence to pad, got an empty list")',
            "        return np.zeros((0, 0)), np.zeros(0, dtype=int)",
            "An empty list gives an empty batch; it is an error, since the shape of the batch is not known.",
        ),
    ],
    alternatives=[
        Alternative(
            "concatenated",
            """
def pad(sequences, value):
    if not sequences:
        raise ValueError("no sequences")
    lengths = np.array(list(map(len, sequences)), dtype=np.int32)
    full = [np.asarray(s) for s in sequences if len(s)]
    like = full[0] if full else np.asarray(sequences[0])
    columns = []
    for sequence in sequences:
        real = np.asarray(sequence, dtype=like.dtype).reshape(len(sequence), *like.shape[1:])
        rest = np.full((max(lengths) - len(sequence), *like.shape[1:]), value, dtype=like.dtype)
        columns.append(np.concatenate([real, rest]))
    return np.stack(columns, axis=1), lengths
""",
        ),
        Alternative(
            "entry by entry",
            """
def pad(sequences, value):
    if len(sequences) < 1:
        raise ValueError(f"got {sequences}")
    lengths = np.asarray([len(sequence) for sequence in sequences])
    example = np.asarray(sequences[int(lengths.argmax())])
    padded = np.empty((len(example), len(sequences)) + example.shape[1:], example.dtype)
    for t in range(len(example)):
        for b, sequence in enumerate(sequences):
            padded[t, b] = sequence[t] if t < lengths[b] else value
    return [padded, lengths]
""",
        ),
        Alternative(
            "torch's pad_sequence",
            """
def pad(sequences, value):
    from torch.nn.utils.rnn import pad_sequence

    if len(sequences) == 0:
        raise ValueError("nothing to pad")
    arrays = [np.asarray(sequence) for sequence in sequences]
    like = max(arrays, key=len)
    tensors = [torch.tensor(array.astype(like.dtype).reshape(-1, *like.shape[1:])) for array in arrays]
    padded = pad_sequence(tensors, padding_value=value)
    return padded.numpy(), np.array([len(array) for array in arrays])
""",
        ),
    ],
)


def outputs_of(steps, features, lengths):
    """Draws outputs of a padded batch and the lengths in an order of their own."""

    def draw(rng):
        return {
            "outputs": rng.standard_normal((steps, len(lengths), features)),
            "lengths": rng.permutation(lengths),
        }

    return draw


last_relevant = Question(
    "last_relevant",
    cases=[
        Case("a batch of different lengths", "last_relevant(outputs, lengths)", outputs_of(6, 3, (6, 2, 4, 1)), 2),
        Case("as many sequences as steps", "last_relevant(outputs, lengths)", outputs_of(4, 5, (2, 4, 1, 3))),
        Case("a batch of one", "last_relevant(outputs, lengths)", outputs_of(5, 4, (3,))),
        Case("one step", "last_relevant(outputs, lengths)", outputs_of(1, 3, (1, 1, 1, 1)), 0.5),
        Case("no sequence reaches the last step", "last_relevant(outputs, lengths)", outputs_of(7, 2, (3, 5, 2))),
        Case(
            "ValueError for a length under 1, and none for 1",
            """
def outcome(lengths):
    try:
        return last_relevant(outputs, numpy.array(lengths))
    except ValueError:
        return "ValueError"
import numpy
[outcome(lengths) for lengths in ([3, 1, 4], [2, 0, 4], [1, 1, 1], [0, 0, 0], [4, 2, -1])]
""",
            outputs_of(4, 2, (1, 2, 3)),
        ),
        Case(
            "the same when called twice, and the arguments left as they were",
            "(last_relevant(outputs, lengths), last_relevant(outputs, lengths), outputs, lengths)",
            outputs_of(3, 4, (3, 1)),
            0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "last step of the padded array",
            "outputs[lengths - 1, np.arange(outputs.shape[1])]",
            "outputs[-1]",
            "The last step of the padded array is taken; a short sequence ended before it, at its own length.",
        ),
        Misconception(
            "one step too late",
            "outputs[lengths - 1, np.arange(outputs.shape[1])]",
            "outputs[np.minimum(lengths, len(outputs) - 1), np.arange(outputs.shape[1])]",
            "The output one step behind each sequence's end is taken: step 1 has index 0, so the last has length - 1.",
        ),
        Misconception(
            "one step too early",
            "outputs[lengths - 1, np.arange(outputs.shape[1])]",
            "outputs[np.maximum(lengths - 2, 0), np.arange(outputs.shape[1])]",
            "The output one step before each sequence's end is taken.",
        ),
        Misconception(
            "one length for all",
            "outputs[lengths - 1, np.arange(outputs.shape[1])]",
            "outputs[lengths.max() - 1]",
            "Every sequence is read at the longest length; each has its own.",
        ),
        Misconception(
            "steps and batch exchanged",
            "outputs[lengths - 1, np.arange(outputs.shape[1])]",
            "np.swapaxes(outputs, 0, 1)[(lengths - 1) % outputs.shape[1], np.arange(outputs.shape[1]) % len(outputs)]",
            "Steps and batch are exchanged: the lengths index the first axis, the steps.",
        ),
        Misconception(
            "sum over the real steps",
            "outputs[lengths - 1, np.arange(outputs.shape[1])]",
            "(outputs * (np.arange(len(outputs))[:, None, None] < lengths[:, None])).sum(axis=0)",
            "The outputs of all real steps are added up; asked is the last of them alone.",
        ),
        Misconception(
            "lengths unchecked",
            "if lengths.min() < 1:",
            "if lengths.min() < -len(outputs):",
            "A length under 1 is let through, and counts from the end; there is no such step, so it is an error.",
        ),
        Misconception(
            "negative lengths refused, 0 let through",
            "if lengths.min() < 1:",
            "if lengths.min() < 0:",
            "A length of 0 is let through and gives the last padded step; an empty sequence has no last output.",
        ),
    ],
    alternatives=[
        Alternative(
            "a loop",
            """
def last_relevant(outputs, lengths):
    found = []
    for b, length in enumerate(lengths):
        if length < 1:
            raise ValueError(f"length {length} of sequence {b}")
        found.append(outputs[int(length) - 1, b])
    return np.array(found)
""",
        ),
        Alternative(
            "by a mask",
            """
def last_relevant(outputs, lengths):
    if np.any(np.asarray(lengths) <= 0):
        raise ValueError(f"lengths {lengths}")
    last = np.arange(1, len(outputs) + 1)[:, None] == np.asarray(lengths)
    return np.sum(np.where(last[:, :, None], outputs, 0.0), axis=0)
""",
        ),
        Alternative(
            "torch's gather",
            """
def last_relevant(outputs, lengths):
    lengths = torch.as_tensor(lengths)
    if bool((lengths < 1).any()):
        raise ValueError("a length under 1")
    index = (lengths - 1)[None, :, None].expand(1, -1, outputs.shape[2])
    return torch.from_numpy(outputs).gather(0, index)[0].numpy()
""",
        ),
    ],
)


def masked(steps, classes, lengths, *, filler=None, scale=2.0, tensors=False):
    """Draws logits, targets and lengths of a padded batch.

    filler: what stands in padded targets; None for class numbers that look like any other. tensors: as torch tensors.
    """

    def draw(rng):
        drawn = {
            "logits": scale * rng.standard_normal((steps, len(lengths), classes)),
            "targets": rng.integers(0, classes, (steps, len(lengths))),
            "lengths": rng.permutation(lengths),
        }
        if filler is not None:
            padding = np.arange(steps)[:, None] >= drawn["lengths"]
            drawn["targets"] = np.where(padding, filler, drawn["targets"])
        return {name: torch.from_numpy(array) for name, array in drawn.items()} if tensors else drawn

    return draw


MASKED = "masked_cross_entropy(logits, targets, lengths)"
MASKED_GRADIENT = """
import torch
leaf = logits.clone().requires_grad_()
loss = masked_cross_entropy(leaf, targets, lengths)
if getattr(loss, "requires_grad", False):
    loss.backward()
gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
padding = torch.arange(len(logits))[:, None] >= lengths
(loss, gradient, gradient[padding].count_nonzero())
"""

masked_cross_entropy = Question(
    "masked_cross_entropy",
    cases=[
        Case("numpy, different lengths", MASKED, masked(5, 4, (5, 2, 4)), weight=3),
        Case("one length of 0", MASKED, masked(4, 3, (4, 0, 1, 2, 3))),
        Case("no padding at all", MASKED, masked(3, 6, (3, 3)), weight=0.5),
        Case("a batch of one, one step", MASKED, masked(1, 5, (1,)), weight=0.5),
        Case("as many sequences as steps", MASKED, masked(4, 3, (1, 4, 2, 2)), weight=0.5),
        Case("padded targets of -100", MASKED, masked(4, 5, (2, 4, 1), filler=-100)),
        Case("padded targets that are no classes at all", MASKED, masked(4, 5, (3, 1, 4), filler=10**6)),
        Case("logits in the thousands", MASKED, masked(3, 4, (3, 1), scale=5000.0), relative=1e-9),
        Case(
            "tensors: the loss and its gradient, none of it at the padding",
            MASKED_GRADIENT,
            masked(5, 3, (2, 5, 3, 0), tensors=True),
            weight=3,
        ),
        Case(
            "tensors with padded targets of -100, large logits",
            MASKED_GRADIENT,
            masked(3, 4, (3, 1), filler=-100, scale=2000.0, tensors=True),
        ),
        Case(
            "the same when called twice, and the arguments left as they were",
            f"first = {MASKED}\n(first, {MASKED}, logits, targets, lengths)",
            masked(4, 3, (2, 4), filler=-100),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "mask read off the targets",
            "real = torch.arange(len(logits), device=logits.device)[:, None] < lengths",
            "real = targets != -100",
            "What is padding is read off the targets; the lengths say it, and padded targets may hold anything.",
        ),
        Misconception(
            "mean over padding too",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "classes = targets.long().clamp(0, logits.shape[2] - 1)\n"
            "    return F.cross_entropy(logits.flatten(0, 1), classes.flatten())",
            "The loss is averaged over the padding too; only the real steps count.",
        ),
        Misconception(
            "divided by all cells",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "return F.cross_entropy(logits[real], targets[real].long(), reduction='sum') / real.numel()",
            "The sum over the real steps is divided by the number of all cells, padding included.",
        ),
        Misconception(
            "mean of per-sequence means",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "some = [b for b in range(real.shape[1]) if real[:, b].any()]\n"
            "    means = [F.cross_entropy(logits[real[:, b], b], targets[real[:, b], b].long()) for b in some]\n"
            "    return torch.stack(means).mean()",
            "This is the mean of the sequences' means; every real step of all sequences has the same weight.",
        ),
        Misconception(
            "mean over the batch",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "return F.cross_entropy(logits[real], targets[real].long(), reduction='sum') / real.shape[1]",
            "The sum over the real steps is divided by the number of sequences; it is a mean over real steps.",
        ),
        Misconception(
            "sum",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "return F.cross_entropy(logits[real], targets[real].long(), reduction='sum')",
            "The loss is the sum over the real steps; it is asked as their mean.",
        ),
        Misconception(
            "padded logits set to zero",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "classes = targets.long().clamp(0, logits.shape[2] - 1)\n"
            "    return F.cross_entropy((logits * real[:, :, None]).flatten(0, 1), classes.flatten())",
            "The padded logits are set to zero but still counted, each with a loss of ln(classes).",
        ),
        Misconception(
            "one step too many",
            "[:, None] < lengths",
            "[:, None] <= lengths",
            "One step behind the end of each sequence is counted as real.",
        ),
        Misconception(
            "not stable",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "p = logits[real].exp() / logits[real].exp().sum(dim=1, keepdim=True)\n"
            "    return -p[torch.arange(len(p)), targets[real].long()].log().mean()",
            "Large logits give nan or infinity: the softmax is computed without a shift, or its logarithm afterwards.",
        ),
        Misconception(
            "in bits",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "return F.cross_entropy(logits[real], targets[real].long()) / np.log(2)",
            "The loss is in bits, with the logarithm to base 2; it is asked in nats.",
        ),
        Misconception(
            "cut off from the gradient",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "return F.cross_entropy(logits.detach()[real], targets[real].long())",
            "With tensors the loss cannot be differentiated.",
        ),
    ],
    alternatives=[
        Alternative(
            "torch's ignore_index",
            """
def masked_cross_entropy(logits, targets, lengths):
    as_numpy = not torch.is_tensor(logits)
    logits, targets, lengths = (torch.as_tensor(each) for each in (logits, targets, lengths))
    padding = torch.arange(logits.shape[0]).unsqueeze(1) >= lengths.unsqueeze(0)
    kept = targets.long().masked_fill(padding, -1)
    loss = nn.CrossEntropyLoss(ignore_index=-1)(logits.reshape(-1, logits.shape[-1]), kept.reshape(-1))
    return float(loss) if as_numpy else loss
""",
        ),
        Alternative(
            "sequence by sequence",
            """
def masked_cross_entropy(logits, targets, lengths):
    total, count = 0.0, 0
    for b in range(logits.shape[1]):
        for t in range(int(lengths[b])):
            scores, target = logits[t, b], int(targets[t, b])
            if isinstance(scores, torch.Tensor):
                total = total + torch.logsumexp(scores, 0) - scores[target]
            else:
                top = scores.max()
                total = total + np.log(np.exp(scores - top).sum()) + top - scores[target]
            count += 1
    return total / count
""",
        ),
        Alternative(
            "numpy for numpy",
            """
def masked_cross_entropy(logits, targets, lengths):
    if isinstance(logits, np.ndarray):
        t, b = np.nonzero(np.arange(len(logits))[:, None] < lengths)
        z = logits[t, b]
        z = z - z.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), targets[t, b]])
    real = torch.arange(len(logits))[:, None] < lengths
    log_p = torch.log_softmax(logits, dim=2).gather(2, torch.where(real, targets, 0)[..., None])[..., 0]
    return -torch.where(real, log_p, torch.zeros_like(log_p)).sum() / lengths.sum()
""",
        ),
    ],
)


def script(tokens, *, limit=20, first=7, eos=9):
    """Draws what a scripted model says: `tokens` names the places, "." a token other than the end, "e" the end."""

    def draw(rng):
        said = [eos if sign == "e" else int(rng.choice([1, 2, 3, 4, 5, 6, 8])) for sign in tokens]
        return {"said": said, "first": first, "eos": eos, "limit": limit}

    return draw


# A wrong token or state makes the model say 0 from there on. The script ends in tokens, so that going on shows too.
TOKENS = """
calls = []
def step(token, state):
    calls.append(int(token))
    place, before = state
    right = place < len(said) and token == before
    answer = said[place] if right else 0
    return answer, (place + 1, answer)
found = [int(token) for token in decode(step, (0, first), first, eos, limit)]
"""
SCORES = """
import numpy
calls = []
def step(token, state):
    calls.append(int(token))
    place, before = state
    right = place < len(said) and token == before
    answer = said[place] if right else 0
    scores = numpy.linspace(-5.0, -4.0, 11)
    scores[answer] = -1.0
    scores[answer + 1 :: 2] = -1.0
    return scores, (place + 1, answer)
found = [int(token) for token in decode(step, (0, first), first, eos, limit)]
"""

decode = Question(
    "decode",
    cases=[
        Case("tokens until the end, and no call after it", TOKENS + "(found, calls)", script("....e..e.."), weight=3),
        Case("scores until the end, the first of equal ones", SCORES + "(found, calls)", script("...e..e."), weight=3),
        Case("the limit comes before the end", TOKENS + "found", script("......e.", limit=4)),
        Case("the limit is just reached, with scores", SCORES + "found", script(".....e..", limit=5), weight=0.5),
        Case(
            "the end comes at once, the limit is 0 or 1",
            TOKENS
            + """
limits = []
for most, model in ((0, said), (1, said), (3, [eos] + said)):
    said = model
    limits.append([int(token) for token in decode(step, (0, first), first, eos, most)])
(limits, found)
""",
            script("...e."),
        ),
        Case("the first token equals the end token", TOKENS + "(found, calls)", script("...e..", first=9), weight=0.5),
        Case(
            "the same when called twice",
            TOKENS + "again = [int(token) for token in decode(step, (0, first), first, eos, limit)]\n(found, again)",
            script("..e..."),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "end token kept",
            "        if token == eos:\n            break\n        tokens.append(token)",
            "        tokens.append(token)\n        if token == eos:\n            break",
            "The end token is in the list; it ends the output and is not part of it.",
        ),
        Misconception(
            "first token kept",
            "    return tokens",
            "    return [first, *tokens]",
            "The list begins with the first token; it is given to the model and is not part of its output.",
        ),
        Misconception(
            "first token fed at every step",
            "state = step(token, state)",
            "state = step(first, state)",
            "The model is given the first token at every step; each token that it says goes into the next step.",
        ),
        Misconception(
            "state not passed on",
            "answer, state = step(token, state)",
            "answer, _ = step(token, state)",
            "Every step gets the state of the start; the new state goes into the next step.",
        ),
        Misconception(
            "one token too many",
            "while len(tokens) < limit:",
            "while len(tokens) <= limit:",
            "There is one token more than the limit allows.",
        ),
        Misconception(
            "limit not kept",
            "while len(tokens) < limit:",
            "while len(tokens) < 1000:",
            "The limit is not kept; a model that never says the end would write on and on.",
        ),
        Misconception(
            "stopped before it began",
            "while len(tokens) < limit:",
            "while len(tokens) < limit and token != eos:",
            "Nothing is written where the first token equals the end token; only what the model says can end it.",
        ),
        Misconception(
            "end skipped",
            "            break",
            "            if sum(1 for _ in tokens) + 1 == limit:\n                break\n            limit -= 1\n"
            "            continue",
            "The end token is left out, but writing goes on after it; it ends there, and the model is not asked again.",
        ),
        Misconception(
            "last of equal scores",
            "int(np.argmax(answer))",
            "int(len(answer) - 1 - np.argmax(np.asarray(answer)[::-1]))",
            "Of equal scores the last is taken; the first of the largest counts.",
        ),
        Misconception(
            "smallest score",
            "int(np.argmax(answer))",
            "int(np.argmin(answer))",
            "The token with the smallest score is taken; scores are the higher the better.",
        ),
        Misconception(
            "tokens only",
            "token = answer if np.ndim(answer) == 0 else int(np.argmax(answer))",
            "token = answer",
            "Scores are taken for a token; a model may answer with either.",
        ),
        Misconception(
            "scores only",
            "token = answer if np.ndim(answer) == 0 else int(np.argmax(answer))",
            "token = int(np.argmax(answer))",
            "Tokens are taken for scores; a model may answer with either.",
        ),
    ],
    alternatives=[
        Alternative(
            "a for loop",
            """
def decode(step, state, first, eos, limit):
    written = []
    previous = first
    for _ in range(limit):
        said, state = step(previous, state)
        said = np.asarray(said)
        previous = int(said) if said.ndim == 0 else int(said.argmax())
        if previous == eos:
            return written
        written += [previous]
    return written
""",
        ),
        Alternative(
            "a generator",
            """
def decode(step, state, first, eos, limit):
    def tokens(token, state):
        while True:
            answer, state = step(token, state)
            try:
                scores = list(answer)
                token = scores.index(max(scores))
            except TypeError:
                token = answer
            if token == eos:
                return
            yield token

    from itertools import islice

    return list(islice(tokens(first, state), limit))
""",
        ),
        Alternative(
            "by recursion",
            """
def decode(step, state, first, eos, limit):
    if limit == 0:
        return []
    answer, state = step(first, state)
    token = max(range(len(answer)), key=lambda k: answer[k]) if hasattr(answer, "__len__") else answer
    return [] if token == eos else [token] + decode(step, state, token, eos, limit - 1)
""",
        ),
    ],
)


def states(batch, hidden_size, *, dtype="float64", broken=False, kept=0):
    """Draws h, c and reset: at least one row of each kind where there are two rows or more.

    broken: nan and infinity in the rows that are reset.
    """

    def draw(rng):
        h, c = (rng.standard_normal((batch, hidden_size)).astype(dtype) for _ in range(2))
        reset = rng.permutation([k % 2 == kept for k in range(batch)])
        if broken:
            h[reset], c[reset] = np.nan, np.inf
            c[reset, 0] = -np.inf
        return {"h": h, "c": c, "reset": reset}

    return draw


carry = Question(
    "carry",
    cases=[
        Case("a pair", "carry((h, c), reset)", states(5, 3), weight=2),
        Case("one array", "carry(h, reset)", states(4, 6), weight=1.5),
        Case("as many units as rows", "(carry((h, c), reset), carry(h, reset))", states(3, 3)),
        Case(
            "one bool for all rows",
            "(carry((h, c), True), carry((h, c), False), carry(h, True), carry(h, False))",
            states(3, 4),
        ),
        Case("a batch of one", "(carry((h, c), reset), carry(c, ~reset))", states(1, 4), weight=0.5),
        Case("zeros whatever stood there", "(carry((h, c), reset), carry(c, reset))", states(5, 4, broken=True)),
        Case("float32 stays float32", "(carry((h, c), reset), carry(h, reset))", states(4, 2, dtype="float32"), 0.5),
        Case(
            "the same when called twice, and the arguments left as they were",
            "before = h.copy(), c.copy(), reset.copy()\n"
            "(carry((h, c), reset), carry((h, c), reset), carry(h, reset), h, c, reset, before)",
            states(4, 5),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "the other way round",
            "np.where(rows[:, None], np.zeros_like(state), state)",
            "np.where(rows[:, None], state, np.zeros_like(state))",
            "The rows that should be reset are kept, and the others are set to zero.",
        ),
        Misconception(
            "multiplied by zero",
            "return np.where(rows[:, None], np.zeros_like(state), state)",
            'with np.errstate(invalid="ignore"):\n        return state * ~rows[:, None]',
            "The rows are multiplied by 0, which leaves nan and infinity behind; zero means zero whatever stood there.",
        ),
        Misconception(
            "cell state not reset",
            "return tuple(carry(part, reset) for part in state)",
            "return carry(state[0], reset), state[1].copy()",
            "Only h is reset; the cell state still holds the past of the other text.",
        ),
        Misconception(
            "output not reset",
            "return tuple(carry(part, reset) for part in state)",
            "return state[0].copy(), carry(state[1], reset)",
            "Only the cell state is reset; h still holds the past of the other text.",
        ),
        Misconception(
            "everything reset",
            "rows = np.broadcast_to(reset, len(state))",
            "rows = np.full(len(state), np.any(reset))",
            "All rows are set to zero as soon as one is to be reset.",
        ),
        Misconception(
            "everything kept",
            "rows = np.broadcast_to(reset, len(state))",
            "rows = np.full(len(state), np.all(reset))",
            "All rows are kept unless all are to be reset.",
        ),
        Misconception(
            "columns in place of rows",
            "rows = np.broadcast_to(reset, len(state))\n"
            "    return np.where(rows[:, None], np.zeros_like(state), state)",
            "if np.ndim(reset) and len(reset) != state.shape[1]:\n        reset = np.asarray(reset)[:, None]\n"
            "    return np.where(reset, np.zeros_like(state), state)",
            "Where there are as many units as rows, columns are set to zero: the mask needs the shape (batch, 1).",
        ),
        Misconception(
            "in place",
            "return np.where(rows[:, None], np.zeros_like(state), state)",
            "state[rows] = 0.0\n    return state",
            "The states that were given are changed; the result should be a new one.",
        ),
        Misconception(
            "always float64",
            "np.where(rows[:, None], np.zeros_like(state), state)",
            "np.where(rows[:, None], np.zeros(state.shape), state)",
            "A float32 state comes back as float64: the zeros should have the state's dtype.",
        ),
    ],
    alternatives=[
        Alternative(
            "a copy, row by row",
            """
def carry(state, reset):
    def one(part):
        part = part.copy()
        for row in range(len(part)):
            if reset if isinstance(reset, (bool, np.bool_)) else reset[row]:
                part[row] = 0
        return part

    if isinstance(state, tuple):
        h, c = state
        return one(h), one(c)
    return one(state)
""",
        ),
        Alternative(
            "a mask made by indexing",
            """
def carry(state, reset):
    parts = state if isinstance(state, tuple) else (state,)
    rows = np.zeros(len(parts[0]), dtype=bool)
    rows[...] = reset
    started = []
    for part in parts:
        start = np.array(part)
        start[rows, :] = 0.0
        started.append(start)
    return tuple(started) if isinstance(state, tuple) else started[0]
""",
        ),
        Alternative(
            "torch's masked_fill",
            """
def carry(state, reset):
    if not isinstance(state, np.ndarray):
        return tuple(map(carry, state, [reset] * len(state)))
    mask = torch.as_tensor(np.asarray(reset)).reshape(-1, 1)
    return torch.from_numpy(state).masked_fill(mask, 0).numpy()
""",
        ),
    ],
)

QUESTIONS = [
    lstm_cell,
    lstm_sequence,
    gradient_per_step,
    count_lstm_parameters,
    count_rnn_parameters,
    pad,
    last_relevant,
    masked_cross_entropy,
    decode,
    carry,
]
