"""What the grader asks of hw4: a GRU step, its gradient, the gradient of a sequence, torch's variant, the count."""

from autograder.oracle.questions import Alternative, Case, Misconception, Question

NAMES = ("W_xz", "W_hz", "b_z", "W_xr", "W_hr", "b_r", "W_xg", "W_hg", "b_g")


def parameters(rng, input_size, hidden_size, scale=0.6, names=NAMES):
    """The arrays of a GRU by name, normal entries."""
    shapes = {"W_x": (input_size, hidden_size), "W_h": (hidden_size, hidden_size), "b_": (hidden_size,)}
    return {name: scale * rng.standard_normal(shapes["b_" if name[0] == "b" else name[:3]]) for name in names}


def step(batch, input_size, hidden_size, *, zero=False, saturated=False, names=NAMES):
    """Draws x, h, params and dh_next of one step, from a zero state or with gates that are fully open or shut."""

    def draw(rng):
        params = parameters(rng, input_size, hidden_size, names=names)
        if saturated:  # half of the units each way; the candidate stays where it can be told apart
            for gate in "zr":
                params[f"b_{gate}"] = 800.0 * rng.permutation(signs(hidden_size))
        h = rng.standard_normal((batch, hidden_size))
        return {
            "x": rng.standard_normal((batch, input_size)),
            "h": 0.0 * h if zero else h,
            "params": params,
            "dh_next": rng.standard_normal((batch, hidden_size)),
        }

    return draw


def signs(size):
    """+1 and -1 by turns."""
    return [1.0 - 2.0 * (k % 2) for k in range(size)]


def sequence(steps, batch, input_size, hidden_size, *, zero=False, scale=0.6):
    """Draws xs, targets, h0 and params of a sequence."""

    def draw(rng):
        h0 = rng.standard_normal((batch, hidden_size))
        return {
            "xs": rng.standard_normal((steps, batch, input_size)),
            "targets": rng.standard_normal((steps, batch, hidden_size)),
            "h0": 0.0 * h0 if zero else h0,
            "params": parameters(rng, input_size, hidden_size, scale),
        }

    return draw


FORWARD = """
h_next, _ = gru_cell(x, h, params)
h_next
"""

BACKWARD = """
_, cache = gru_cell(x, h, params)
dx, dh, gradients = gru_cell_backward(dh_next, cache)
"""

SEQUENCE_LEFT_ALONE = """
import copy
before = copy.deepcopy((xs, targets, h0, params))
first = {name}(xs, targets, h0, params)
second = {name}(xs, targets, h0, params)
(first, second, xs, targets, h0, params)
"""


def gradient(name, draw, ask, weight=1.0):
    """A case on gradients, with their tolerance."""
    return Case(name, ask, draw, weight, relative=1e-6, absolute=1e-9)


gru_cell = Question(
    "gru_cell",
    cases=[
        Case("the next state of a batch", FORWARD, step(3, 5, 4), weight=3),
        Case("a batch of one", FORWARD, step(1, 4, 6)),
        Case("one input and one unit", FORWARD, step(4, 1, 1)),
        Case("from a zero state", FORWARD, step(2, 3, 5, zero=True)),
        Case("gates fully open and fully shut", FORWARD, step(3, 2, 6, saturated=True)),
        Case(
            "the same when called twice, and the arguments left as they were",
            "first, _ = gru_cell(x, h, params)\nsecond, _ = gru_cell(x, h, params)\n(first, second, x, h, params)",
            step(2, 4, 3),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "z the wrong way round",
            "h_next = z * h + (1 - z) * g",
            "h_next = (1 - z) * h + z * g",
            "The update gate is the wrong way round: z multiplies the old state here, and 1 - z the candidate.",
        ),
        Misconception(
            "reset after the product",
            '(r * h) @ params["W_hg"]',
            'r * (h @ params["W_hg"])',
            "The reset gate multiplies h before the matrix product here, (r * h) @ W_hg; after it is torch's variant.",
        ),
        Misconception(
            "no reset",
            '(r * h) @ params["W_hg"]',
            'h @ params["W_hg"]',
            "The candidate looks at h as it is; it should look at r * h, the old state dimmed by the reset gate.",
        ),
        Misconception(
            "reset and update swapped",
            "h_next = z * h + (1 - z) * g",
            'g = np.tanh(x @ params["W_xg"] + (z * h) @ params["W_hg"] + params["b_g"])\n'
            "    h_next = r * h + (1 - r) * g",
            "The two gates have changed places: r belongs into the candidate and z into the mixture.",
        ),
        Misconception(
            "sigmoid for the candidate",
            'g = np.tanh(x @ params["W_xg"] + (r * h) @ params["W_hg"] + params["b_g"])',
            'g = sigmoid(x @ params["W_xg"] + (r * h) @ params["W_hg"] + params["b_g"])',
            "The candidate is squashed by the logistic function; it is no gate, and tanh lets it be negative.",
        ),
    ],
    alternatives=[
        Alternative(
            "blocks side by side",
            """
def gru_cell(x, h, params):
    W_x = np.hstack([params["W_xz"], params["W_xr"], params["W_xg"]])
    b = np.hstack([params["b_z"], params["b_r"], params["b_g"]])
    a_z, a_r, a_g = np.split(x @ W_x + b, 3, axis=1)
    b_z, b_r = np.split(h @ np.hstack([params["W_hz"], params["W_hr"]]), 2, axis=1)
    z, r = sigmoid(a_z + b_z), sigmoid(a_r + b_r)
    g = np.tanh(a_g + np.dot(r * h, params["W_hg"]))
    return g + z * (h - g), (x, h, z, r, g, params)
""",
        ),
        Alternative(
            "loops over examples and units",
            """
import math


def gru_cell(x, h, params):
    def logistic(a):
        return 1 / (1 + math.exp(-a)) if a > 0 else math.exp(a) / (1 + math.exp(a))

    batch, hidden_size = h.shape
    z, r, g = np.empty((batch, hidden_size)), np.empty((batch, hidden_size)), np.empty((batch, hidden_size))
    for i in range(batch):
        for gate, name in ((z, "z"), (r, "r")):
            for j in range(hidden_size):
                a = params[f"b_{name}"][j]
                a += sum(x[i, k] * params[f"W_x{name}"][k, j] for k in range(x.shape[1]))
                a += sum(h[i, k] * params[f"W_h{name}"][k, j] for k in range(hidden_size))
                gate[i, j] = logistic(a)
        for j in range(hidden_size):
            a = params["b_g"][j] + sum(x[i, k] * params["W_xg"][k, j] for k in range(x.shape[1]))
            a += sum(r[i, k] * h[i, k] * params["W_hg"][k, j] for k in range(hidden_size))
            g[i, j] = math.tanh(a)
    return z * h + (1 - z) * g, (x, h, z, r, g, params)
""",
        ),
        Alternative(
            "torch inside",
            """
def gru_cell(x, h, params):
    p = {name: torch.from_numpy(array) for name, array in params.items()}
    x_, h_ = torch.from_numpy(x), torch.from_numpy(h)
    z = torch.sigmoid(torch.addmm(p["b_z"], x_, p["W_xz"]) + h_ @ p["W_hz"])
    r = torch.sigmoid(torch.addmm(p["b_r"], x_, p["W_xr"]) + h_ @ p["W_hr"])
    g = torch.tanh(torch.addmm(p["b_g"], x_, p["W_xg"]) + (r * h_) @ p["W_hg"])
    return torch.lerp(g, h_, z).numpy(), [x, h, z.numpy(), r.numpy(), g.numpy(), params]
""",
        ),
    ],
)

sigmoid_derivative = Question(
    "sigmoid_derivative",
    cases=[
        Case(
            "a grid of outputs",
            "sigmoid_derivative(s)",
            lambda rng: {"s": rng.uniform(0.02, 0.98, (3, 5))},
            weight=2,
        ),
        Case(
            "saturated at both ends, and the middle",
            "import numpy\nsigmoid_derivative(numpy.array([0.0, 1e-6, 0.5, 1.0 - 1e-6, 1.0]))",
            absolute=1e-12,
        ),
        Case(
            "the same when called twice, and the argument left as it was",
            "(sigmoid_derivative(s), sigmoid_derivative(s), s)",
            lambda rng: {"s": rng.uniform(0.1, 0.9, (2, 3, 4))},
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "derivative of tanh",
            "s * (1 - s)",
            "1 - s**2",
            "1 - s^2 is the derivative of tanh in terms of its output; the logistic function has another one.",
        ),
        Misconception(
            "the output taken for the input",
            "s * (1 - s)",
            "sigmoid(s) * (1 - sigmoid(s))",
            "The argument is the output s already; the logistic function must not be applied to it once more.",
        ),
        Misconception(
            "wrong sign",
            "s * (1 - s)",
            "s * (s - 1)",
            "The sign is wrong: the logistic function rises everywhere, so its derivative is not negative.",
        ),
        Misconception(
            "one factor only",
            "s * (1 - s)",
            "1 - s",
            "1 - s is the second factor alone; the first factor, s itself, is missing.",
        ),
    ],
    alternatives=[
        Alternative("expanded", "\ndef sigmoid_derivative(s):\n    return s - np.square(s)\n"),
        Alternative("around the middle", "\ndef sigmoid_derivative(s):\n    return 0.25 - (s - 0.5) ** 2\n"),
        Alternative("numpy calls", "\ndef sigmoid_derivative(s):\n    return np.multiply(s, np.subtract(1.0, s))\n"),
    ],
)

gru_cell_backward = Question(
    "gru_cell_backward",
    cases=[
        gradient("the gradient by x", step(3, 5, 4), BACKWARD + "dx"),
        gradient("the gradient by h", step(3, 5, 4), BACKWARD + "dh", weight=2),
        gradient(
            "the gradients of the update gate",
            step(4, 3, 5),
            BACKWARD + "[gradients[name] for name in ('W_xz', 'W_hz', 'b_z')]",
        ),
        gradient(
            "the gradients of the reset gate",
            step(4, 3, 5),
            BACKWARD + "[gradients[name] for name in ('W_xr', 'W_hr', 'b_r')]",
            weight=1.5,
        ),
        gradient(
            "the gradients of the candidate",
            step(4, 3, 5),
            BACKWARD + "[gradients[name] for name in ('W_xg', 'W_hg', 'b_g')]",
            weight=1.5,
        ),
        gradient("all of them for a batch of one", step(1, 4, 3), BACKWARD + "(dx, dh, dict(gradients))"),
        gradient("from a zero state", step(2, 5, 3, zero=True), BACKWARD + "(dx, dh, dict(gradients))"),
        gradient(
            "with gates fully open and fully shut",
            step(3, 2, 6, saturated=True),
            BACKWARD + "(dx, dh, dict(gradients))",
        ),
        gradient(
            "the same when called twice with one cache, and everything left as it was",
            step(2, 3, 4),
            BACKWARD + "again = gru_cell_backward(dh_next, cache)\n"
            "(dx, dh, dict(gradients), list(again), x, h, params, dh_next)",
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "z the wrong way round",
            "dz = dh_next * (h - g)",
            "dz = dh_next * (g - h)",
            "The gradient of z has the wrong sign: h' = z * h + (1 - z) * g grows by h - g when z grows.",
        ),
        Misconception(
            "candidate gets z",
            "dg = dh_next * (1 - z)",
            "dg = dh_next * z",
            "The candidate g stands in h' with the factor 1 - z, and so does its gradient.",
        ),
        Misconception(
            "derivative of tanh for the update gate",
            "da_z = dz * sigmoid_derivative(z)",
            "da_z = dz * (1 - z**2)",
            "The update gate is squashed by the logistic function, but goes back by the derivative of tanh.",
        ),
        Misconception(
            "derivative of tanh for the reset gate",
            "da_r = dr * sigmoid_derivative(r)",
            "da_r = dr * (1 - r**2)",
            "The reset gate is squashed by the logistic function, but goes back by the derivative of tanh.",
        ),
        Misconception(
            "derivative of the logistic function for the candidate",
            "da_g = dg * (1 - g**2)",
            "da_g = dg * g * (1 - g)",
            "The candidate is squashed by tanh, but goes back by the derivative of the logistic function.",
        ),
        Misconception(
            "1 - g for 1 - g^2",
            "da_g = dg * (1 - g**2)",
            "da_g = dg * (1 - g)",
            "The derivative of tanh in terms of its output is 1 - g^2; here the square is missing.",
        ),
        Misconception(
            "h for r * h in dW_hg",
            '("g", da_g, r * h)',
            '("g", da_g, h)',
            "The gradient of W_hg is computed with h; what is multiplied by W_hg in the forward step is r * h.",
        ),
        Misconception(
            "no factor h in dr",
            "dr = dq * h",
            "dr = dq",
            "In q = r * h the gate r is multiplied by h, so its gradient needs the factor h, which is missing.",
        ),
        Misconception(
            "product in the wrong order",
            "dr = dq * h",
            'dr = (da_g * h) @ params["W_hg"].T',
            "The order is wrong on the way to r: first da_g @ W_hg.T, back through the matrix, and then times h.",
        ),
        Misconception(
            "matrix applied to the state",
            "dr = dq * h",
            'dr = da_g * (h @ params["W_hg"].T)',
            "On the way to r the matrix W_hg.T belongs to da_g, not to h: it is (da_g @ W_hg.T) * h.",
        ),
        Misconception(
            "way back of torch's variant",
            "dr = dq * h",
            'dr = da_g * (h @ params["W_hg"])',
            "This gradient of r belongs to a reset after the matrix product; here the reset comes before it.",
        ),
        Misconception(
            "W_hg not transposed",
            'dq = da_g @ params["W_hg"].T',
            'dq = da_g @ params["W_hg"]',
            "On the way back through W_hg the matrix is transposed; being square, it raises no error without.",
        ),
        Misconception(
            "W_hz not transposed",
            'dh + da_z @ params["W_hz"].T',
            'dh + da_z @ params["W_hz"]',
            "On the way back through W_hz the matrix is transposed; being square, it raises no error without.",
        ),
        Misconception(
            "direct path forgotten",
            "dh = dh_next * z  # path 1",
            "dh = 0.0 * dh_next",
            "The direct path into dh is missing: h stands in h' = z * h + ... itself, with the factor z.",
        ),
        Misconception(
            "update path into dh forgotten",
            'dh = dh + da_z @ params["W_hz"].T  # path 2',
            "",
            "The path of h through the update gate is missing from dh.",
        ),
        Misconception(
            "reset gate path into dh forgotten",
            'dh = dh + da_r @ params["W_hr"].T  # path 3',
            "",
            "The path of h through the reset gate's own matrix W_hr is missing from dh.",
        ),
        Misconception(
            "reset state path into dh forgotten",
            "dh = dh + dq * r  # path 4",
            "",
            "The path of h through the reset state q = r * h is missing from dh.",
        ),
        Misconception(
            "path through the reset state without r",
            "dh = dh + dq * r  # path 4",
            "dh = dh + dq",
            "In q = r * h the state is multiplied by r, so the path back from q to h needs the factor r.",
        ),
        Misconception(
            "mean over the batch",
            'gradients[f"W_x{gate}"] = x.T @ da\n'
            '        gradients[f"W_h{gate}"] = state.T @ da\n'
            '        gradients[f"b_{gate}"] = da.sum(axis=0)',
            'gradients[f"W_x{gate}"] = x.T @ da / len(x)\n'
            '        gradients[f"W_h{gate}"] = state.T @ da / len(x)\n'
            '        gradients[f"b_{gate}"] = da.mean(axis=0)',
            "The gradients of the weights are means over the batch; each example adds its share, so they are sums.",
        ),
        Misconception(
            "mean over the batch in the biases",
            "da.sum(axis=0)",
            "da.mean(axis=0)",
            "The bias is added to every row of the batch, so its gradient is the sum over the rows, not their mean.",
        ),
    ],
    alternatives=[
        Alternative(
            "written out, other names, einsum",
            """
def gru_cell_backward(dh_next, cache):
    x, h, z, r, g, p = cache
    e_g = dh_next * (1 - z) * (1 - g) * (1 + g)
    e_z = dh_next * (h - g) * z * (1 - z)
    q = np.einsum("bj,ij->bi", e_g, p["W_hg"])
    e_r = q * h * r * (1 - r)
    errors = {"z": e_z, "r": e_r, "g": e_g}
    dx = sum(np.einsum("bj,ij->bi", e, p["W_x" + k]) for k, e in errors.items())
    dh = z * dh_next + r * q + np.einsum("bj,ij->bi", e_z, p["W_hz"]) + np.einsum("bj,ij->bi", e_r, p["W_hr"])
    found = {"b_" + k: np.ones(len(x)) @ e for k, e in errors.items()}
    found |= {"W_x" + k: np.einsum("bi,bj->ij", x, e) for k, e in errors.items()}
    found |= {"W_hz": h.T @ e_z, "W_hr": h.T @ e_r, "W_hg": np.einsum("bi,bj->ij", r * h, e_g)}
    return [dx, dh, found]
""",
        ),
        Alternative(
            "example by example",
            """
def gru_cell_backward(dh_next, cache):
    x, h, z, r, g, params = cache
    dx, dh = np.zeros_like(x), np.zeros_like(h)
    gradients = {name: np.zeros_like(array) for name, array in params.items()}
    for i in range(len(x)):
        d = dh_next[i]
        da = {"g": d * (1 - z[i]) * (1 - g[i] ** 2), "z": d * (h[i] - g[i]) * sigmoid_derivative(z[i])}
        dq = params["W_hg"] @ da["g"]
        da["r"] = dq * h[i] * sigmoid_derivative(r[i])
        dx[i] = sum(params["W_x" + gate] @ da[gate] for gate in "zrg")
        dh[i] = d * z[i] + dq * r[i] + params["W_hz"] @ da["z"] + params["W_hr"] @ da["r"]
        for gate, state in zip("zrg", (h[i], h[i], r[i] * h[i])):
            gradients["W_x" + gate] += np.outer(x[i], da[gate])
            gradients["W_h" + gate] += np.outer(state, da[gate])
            gradients["b_" + gate] += da[gate]
    return dx, dh, gradients
""",
        ),
        Alternative(
            "by torch's autograd",
            """
def gru_cell_backward(dh_next, cache):
    x, h, _, _, _, params = cache
    x, h = torch.tensor(x, requires_grad=True), torch.tensor(h, requires_grad=True)
    p = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    z = torch.sigmoid(x @ p["W_xz"] + h @ p["W_hz"] + p["b_z"])
    r = torch.sigmoid(x @ p["W_xr"] + h @ p["W_hr"] + p["b_r"])
    g = torch.tanh(x @ p["W_xg"] + (r * h) @ p["W_hg"] + p["b_g"])
    found = torch.autograd.grad(z * h + (1 - z) * g, [x, h, *p.values()], torch.tensor(dh_next))
    dx, dh, *rest = (array.numpy() for array in found)
    return dx, dh, dict(zip(p, rest))
""",
        ),
    ],
    builds_on=("gru_cell", "sigmoid_derivative"),
)

gru_loss = Question(
    "gru_loss",
    cases=[
        Case(
            "the loss of several steps",
            "gru_loss(xs, targets, h0, params)",
            sequence(5, 3, 2, 4),
            weight=3,
        ),
        Case("a single step", "gru_loss(xs, targets, h0, params)", sequence(1, 2, 4, 3)),
        Case("a batch of one, from a zero state", "gru_loss(xs, targets, h0, params)", sequence(3, 1, 2, 5, zero=True)),
        Case(
            "the same when called twice, and the arguments left as they were",
            "first = gru_loss(xs, targets, h0, params)\n"
            "(first, gru_loss(xs, targets, h0, params), xs, targets, h0, params)",
            sequence(4, 2, 3, 2),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "no half",
            "loss += 0.5 * np.sum((h - y) ** 2)",
            "loss += np.sum((h - y) ** 2)",
            "The loss is twice as large as asked: the factor 1/2 is missing.",
        ),
        Misconception(
            "mean over the batch",
            "loss += 0.5 * np.sum((h - y) ** 2)",
            "loss += 0.5 * np.sum((h - y) ** 2) / len(y)",
            "The loss is a mean over the batch; it is asked as a sum over steps, batch and units.",
        ),
        Misconception(
            "mean over batch and units",
            "loss += 0.5 * np.sum((h - y) ** 2)",
            "loss += 0.5 * np.mean((h - y) ** 2)",
            "The loss of a step is a mean over batch and units; it is asked as a sum.",
        ),
        Misconception(
            "mean over the steps",
            "return loss",
            "return loss / len(xs)",
            "The loss is a mean over the steps; it is asked as their sum.",
        ),
        Misconception(
            "last step only",
            "loss += 0.5 * np.sum((h - y) ** 2)",
            "loss = 0.5 * np.sum((h - y) ** 2)",
            "Only the last step's loss is returned; every step has a target and adds its share.",
        ),
        Misconception(
            "state not carried",
            "h, _ = gru_cell(x, h, params)",
            "h, _ = gru_cell(x, h0, params)",
            "Every step starts from h0; the state of one step must go into the next.",
        ),
        Misconception(
            "targets of the state before",
            "h, _ = gru_cell(x, h, params)\n        loss += 0.5 * np.sum((h - y) ** 2)",
            "loss += 0.5 * np.sum((h - y) ** 2)\n        h, _ = gru_cell(x, h, params)",
            "Each target is compared with the state before its step; it belongs to the state after it.",
        ),
    ],
    alternatives=[
        Alternative(
            "all states first",
            """
def gru_loss(xs, targets, h0, params):
    states = [h0]
    for t in range(xs.shape[0]):
        states.append(gru_cell(xs[t], states[t], params)[0])
    difference = np.stack(states[1:]) - targets
    return float(np.vdot(difference, difference)) / 2
""",
        ),
        Alternative(
            "norms and recursion",
            """
def gru_loss(xs, targets, h0, params):
    if len(xs) == 0:
        return np.float64(0)
    h = gru_cell(xs[0], h0, params)[0]
    return np.linalg.norm(h - targets[0]) ** 2 / 2 + gru_loss(xs[1:], targets[1:], h, params)
""",
        ),
    ],
    builds_on=("gru_cell",),
)

gru_backward = Question(
    "gru_backward",
    cases=[
        gradient("several steps", sequence(5, 3, 2, 4), "dict(gru_backward(xs, targets, h0, params))", weight=3),
        gradient("a single step", sequence(1, 2, 4, 3), "dict(gru_backward(xs, targets, h0, params))"),
        gradient("two steps", sequence(2, 4, 3, 2), "dict(gru_backward(xs, targets, h0, params))"),
        gradient(
            "a batch of one, from a zero state",
            sequence(4, 1, 3, 5, zero=True),
            "dict(gru_backward(xs, targets, h0, params))",
        ),
        gradient("many steps", sequence(30, 2, 3, 5), "dict(gru_backward(xs, targets, h0, params))"),
        gradient(
            "the same when called twice, and the arguments left as they were",
            sequence(3, 2, 4, 3),
            "first = dict(gru_backward(xs, targets, h0, params))\n"
            "(first, dict(gru_backward(xs, targets, h0, params)), xs, targets, h0, params)",
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "last step only",
            "for t in reversed(range(len(xs))):",
            "for t in [len(xs) - 1]:",
            "This is the gradient of the last step alone; the weights are used at every step, and every use adds.",
        ),
        Misconception(
            "nothing carried back",
            "states[t + 1] - targets[t] + dh",
            "states[t + 1] - targets[t]",
            "What a later step sends back to the state is not added: each step only sees its own loss.",
        ),
        Misconception(
            "last loss only",
            "states[t + 1] - targets[t] + dh",
            "(states[t + 1] - targets[t] if t == len(xs) - 1 else dh)",
            "Only the last step's loss goes back; every step's own difference h_t - y_t has to join on the way.",
        ),
        Misconception(
            "gradients replaced",
            "total[name] += gradients[name]",
            "total[name] = gradients[name]",
            "The gradients of each step replace those of the step before; they add up.",
        ),
        Misconception(
            "mean over the batch",
            "states[t + 1] - targets[t] + dh",
            "(states[t + 1] - targets[t]) / len(h0) + dh",
            "These are means over the batch; the loss is a sum over the examples, and so is its gradient.",
        ),
        Misconception(
            "mean over the steps",
            "total[name] += gradients[name]",
            "total[name] += gradients[name] / len(xs)",
            "These are means over the steps; the loss is a sum over the steps, and so is its gradient.",
        ),
        Misconception(
            "steps in forward order",
            "for t in reversed(range(len(xs))):",
            "for t in range(len(xs)):",
            "The backward loop runs from the first step to the last; a gradient comes from the end.",
        ),
        Misconception(
            "difference doubled",
            "states[t + 1] - targets[t] + dh",
            "2 * (states[t + 1] - targets[t]) + dh",
            "The differences go back twice as large: with the half in the loss its derivative is h_t - y_t.",
        ),
        Misconception(
            "wrong sign",
            "states[t + 1] - targets[t] + dh",
            "targets[t] - states[t + 1] + dh",
            "All gradients have the wrong sign: the derivative of the loss by h_t is h_t - y_t.",
        ),
        Misconception(
            "difference of the state before",
            "states[t + 1] - targets[t] + dh",
            "states[t] - targets[t] + dh",
            "The differences are taken with the state before each step; the target belongs to the state after it.",
        ),
    ],
    alternatives=[
        Alternative(
            "by recursion",
            """
def gru_backward(xs, targets, h0, params):
    def back(t, h):
        if t == len(xs):
            return 0.0, {name: 0.0 for name in params}
        h_next, cache = gru_cell(xs[t], h, params)
        later, found = back(t + 1, h_next)
        _, dh, gradients = gru_cell_backward(later + (h_next - targets[t]), cache)
        return dh, {name: found[name] + gradients[name] for name in params}

    return back(0, h0)[1]
""",
        ),
        Alternative(
            "one loss at a time",
            """
def gru_backward(xs, targets, h0, params):
    caches, errors, h = [], [], h0
    for x, y in zip(xs, targets):
        h, cache = gru_cell(x, h, params)
        caches.append(cache)
        errors.append(h - y)
    total = {name: np.zeros(array.shape) for name, array in params.items()}
    for last, error in enumerate(errors):
        for cache in caches[last::-1]:
            _, error, gradients = gru_cell_backward(error, cache)
            total = {name: total[name] + gradients[name] for name in total}
    return total
""",
        ),
        Alternative(
            "torch chains the steps",
            """
def gru_backward(xs, targets, h0, params):
    weights = [torch.tensor(params[name], requires_grad=True) for name in NAMES]
    h, loss = torch.tensor(h0), 0.0
    for x, y in zip(xs, targets):
        h = TorchStep.apply(torch.tensor(x), h, *weights)
        loss = loss + ((h - torch.tensor(y)) ** 2).sum() / 2
    return dict(zip(NAMES, (array.numpy() for array in torch.autograd.grad(loss, weights))))
""",
        ),
    ],
    builds_on=("gru_cell", "gru_cell_backward"),
)

last_step_gradients = Question(
    "last_step_gradients",
    cases=[
        gradient("several steps", sequence(4, 3, 2, 5), "dict(last_step_gradients(xs, targets, h0, params))", weight=3),
        gradient(
            "a single step", sequence(1, 2, 3, 4), "dict(last_step_gradients(xs, targets, h0, params))", weight=0.5
        ),
        gradient(
            "a batch of one, from a zero state",
            sequence(3, 1, 4, 2, zero=True),
            "dict(last_step_gradients(xs, targets, h0, params))",
        ),
        gradient(
            "the same when called twice, and the arguments left as they were",
            sequence(2, 2, 3, 4),
            "first = dict(last_step_gradients(xs, targets, h0, params))\n"
            "(first, dict(last_step_gradients(xs, targets, h0, params)), xs, targets, h0, params)",
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "earlier steps left out",
            "h, cache = gru_cell(x, h, params)",
            "h, cache = gru_cell(x, h0, params)",
            "The last step starts from h0; it starts from the state that the earlier steps have left.",
        ),
        Misconception(
            "first step for the last",
            "for x in xs:",
            "for x in xs[:1]:",
            "This is the first step's input with the last step's target; the earlier steps come before the last one.",
        ),
        Misconception(
            "through all steps",
            "    _, _, gradients = gru_cell_backward(h - targets[-1], cache)\n    return gradients",
            "    return gru_backward(xs, targets, h0, params)",
            "These are the gradients through all steps; here the state before the last step is held fixed.",
        ),
        Misconception(
            "last loss through all steps",
            "    h = h0\n"
            "    for x in xs:\n"
            "        h, cache = gru_cell(x, h, params)\n"
            "    _, _, gradients = gru_cell_backward(h - targets[-1], cache)\n"
            "    return gradients",
            "    h, caches, total = h0, [], {}\n"
            "    for x in xs:\n"
            "        h, cache = gru_cell(x, h, params)\n"
            "        caches.append(cache)\n"
            "    dh = h - targets[-1]\n"
            "    for cache in reversed(caches):\n"
            "        _, dh, gradients = gru_cell_backward(dh, cache)\n"
            "        total = {name: total.get(name, 0.0) + gradients[name] for name in gradients}\n"
            "    return total",
            "The loss is the last step's, but it goes back through all steps; the state before the last is held fixed.",
        ),
        Misconception(
            "first target",
            "targets[-1]",
            "targets[0]",
            "The last state is compared with the first target; it belongs to the last one.",
        ),
        Misconception(
            "mean over the batch",
            "h - targets[-1]",
            "(h - targets[-1]) / len(h0)",
            "These are means over the batch; the loss is a sum over the examples, and so is its gradient.",
        ),
    ],
    alternatives=[
        Alternative(
            "the last step by itself",
            """
def last_step_gradients(xs, targets, h0, params):
    *before, x = xs
    h = h0
    for earlier in before:
        h = gru_cell(earlier, h, params)[0]
    h_next, cache = gru_cell(x, h, params)
    return gru_cell_backward(h_next - targets[len(xs) - 1], cache)[2]
""",
        ),
        Alternative(
            "by reduce",
            """
from functools import reduce


def last_step_gradients(xs, targets, h0, params):
    h, cache = reduce(lambda state, x: gru_cell(x, state[0], params), xs, (h0, None))
    gradients = gru_cell_backward(np.subtract(h, targets[-1]), cache)[-1]
    return {name: np.array(gradients[name]) for name in params}
""",
        ),
    ],
    builds_on=("gru_cell", "gru_cell_backward"),
)

TEN = (*NAMES, "b_hg")
VARIANT = "gru_cell_torch(x, h, params)"

gru_cell_torch = Question(
    "gru_cell_torch",
    cases=[
        Case("the next state of a batch", VARIANT, step(3, 5, 4, names=TEN), weight=3),
        Case("a batch of one", VARIANT, step(1, 4, 6, names=TEN)),
        Case("from a zero state, where only the biases speak for h", VARIANT, step(2, 3, 5, zero=True, names=TEN)),
        Case("gates fully open and fully shut", VARIANT, step(3, 2, 6, saturated=True, names=TEN)),
        Case(
            "the same when called twice, and the arguments left as they were",
            f"first = {VARIANT}\n(first, {VARIANT}, x, h, params)",
            step(2, 4, 3, names=TEN),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "reset before the product",
            'params["b_g"] + r * (h @ params["W_hg"] + params["b_hg"])',
            'params["b_g"] + (r * h) @ params["W_hg"] + params["b_hg"]',
            "This is the course's own order, (r * h) @ W_hg; torch multiplies by r after the matrix product.",
        ),
        Misconception(
            "second bias outside the reset",
            'r * (h @ params["W_hg"] + params["b_hg"])',
            'r * (h @ params["W_hg"]) + params["b_hg"]',
            "The second bias b_hg is added outside of the reset; torch adds it before r multiplies.",
        ),
        Misconception(
            "second bias forgotten",
            'r * (h @ params["W_hg"] + params["b_hg"])',
            'r * (h @ params["W_hg"])',
            "The second bias of the candidate, b_hg, is missing.",
        ),
        Misconception(
            "first bias inside the reset too",
            'params["b_g"] + r * (h @ params["W_hg"] + params["b_hg"])',
            'r * (h @ params["W_hg"] + params["b_g"] + params["b_hg"])',
            "The bias b_g of the input's product is inside the reset too; only b_hg belongs there.",
        ),
        Misconception(
            "z the wrong way round",
            "return z * h + (1 - z) * g",
            "return (1 - z) * h + z * g",
            "The update gate is the wrong way round: in torch, too, z multiplies the old state.",
        ),
    ],
    alternatives=[
        Alternative(
            "torch's functions",
            """
def gru_cell_torch(x, h, params):
    linear = nn.functional.linear
    p = {name: torch.from_numpy(array.T) for name, array in params.items()}
    x, h = torch.from_numpy(x), torch.from_numpy(h)
    z = torch.sigmoid(linear(x, p["W_xz"]) + linear(h, p["W_hz"], p["b_z"]))
    r = torch.sigmoid(linear(x, p["W_xr"]) + linear(h, p["W_hr"], p["b_r"]))
    g = torch.tanh(linear(x, p["W_xg"], p["b_g"]) + r * linear(h, p["W_hg"], p["b_hg"]))
    return (g + z * (h - g)).numpy()
""",
        ),
        Alternative(
            "one product with the state",
            """
def gru_cell_torch(x, h, params):
    zero = np.zeros_like(params["b_hg"])
    b_x = np.concatenate([params["b_z"], params["b_r"], params["b_g"]])
    b_h = np.concatenate([zero, zero, params["b_hg"]])
    from_x = x @ np.concatenate([params["W_x" + gate] for gate in "zrg"], axis=1) + b_x
    from_h = h @ np.concatenate([params["W_h" + gate] for gate in "zrg"], axis=1) + b_h
    n = h.shape[1]
    z, r = np.split(sigmoid(from_x[:, : 2 * n] + from_h[:, : 2 * n]), 2, axis=1)
    g = np.tanh(from_x[:, 2 * n :] + r * from_h[:, 2 * n :])
    return h * z + g - g * z
""",
        ),
        Alternative(
            "the course's step unit by unit",
            """
def gru_cell_torch(x, h, params):
    z = sigmoid(x @ params["W_xz"] + h @ params["W_hz"] + params["b_z"])
    r = sigmoid(x @ params["W_xr"] + h @ params["W_hr"] + params["b_r"])
    h_next = np.empty_like(h)
    for j in range(h.shape[1]):
        reset = r[:, j] * (h @ params["W_hg"][:, j] + params["b_hg"][j])
        g = np.tanh(x @ params["W_xg"][:, j] + params["b_g"][j] + reset)
        h_next[:, j] = z[:, j] * h[:, j] + (1 - z[:, j]) * g
    return h_next
""",
        ),
    ],
)


def draw_sizes(rng):
    """Numbers of inputs and of hidden units."""
    return {"n": int(rng.integers(30, 900)), "m": int(rng.integers(1000, 3000))}


COUNT_OUTCOMES = """
def outcome(*arguments):
    try:
        return count_gru_parameters(*arguments)
    except ValueError:
        return "ValueError"
"""

count_gru_parameters = Question(
    "count_gru_parameters",
    cases=[
        Case(
            "one bias per block",
            "[count_gru_parameters(n, m, 'one') for n, m in ((200, 200), (7, 3), (3, 7), (n, m))]",
            draw_sizes,
        ),
        Case(
            "two biases per block",
            "[count_gru_parameters(n, m, 'two') for n, m in ((200, 200), (9, 4), (4, 9), (n, m))]",
            draw_sizes,
        ),
        Case(
            "drawn sizes",
            "[count_gru_parameters(n, m, bias) for bias in ('two', 'one')]",
            draw_sizes,
        ),
        Case(
            "ValueError for a size under 1, and none for 1",
            COUNT_OUTCOMES
            + "[outcome(n, m, 'one') for n, m in ((1, 1), (0, 3), (3, 0), (-2, 5), (5, -2), (1, 4), (4, 1), (n, m))]",
            draw_sizes,
        ),
        Case(
            "ValueError for another bias",
            COUNT_OUTCOMES + "[outcome(n, m, bias) for bias in ('one', 'three', 'two', '', 'One')]",
            draw_sizes,
        ),
    ],
    misconceptions=[
        Misconception(
            "four blocks",
            "return 3 * hidden_size",
            "return 4 * hidden_size",
            "This counts four blocks, as an LSTM has; a GRU has three: update, reset, candidate.",
        ),
        Misconception(
            "two blocks",
            "return 3 * hidden_size",
            "return 2 * hidden_size",
            "This counts the two gates only; the candidate has a block of the same form.",
        ),
        Misconception(
            "no biases",
            "(input_size + hidden_size + biases[bias])",
            "(input_size + hidden_size)",
            "The biases are not counted.",
        ),
        Misconception(
            "biases once for all blocks",
            "return 3 * hidden_size * (input_size + hidden_size + biases[bias])",
            "return 3 * hidden_size * (input_size + hidden_size) + hidden_size * biases[bias]",
            "The biases are counted for one block only; each of the three has its own.",
        ),
        Misconception(
            "biases always doubled",
            '{"one": 1, "two": 2}',
            '{"one": 2, "two": 2}',
            "With bias 'one' each block has a single bias vector; here two are counted, as torch does.",
        ),
        Misconception(
            "torch's second bias for the candidate only",
            "return 3 * hidden_size * (input_size + hidden_size + biases[bias])",
            "return hidden_size * (3 * (input_size + hidden_size) + 2 + biases[bias])",
            "Only the candidate's second bias is counted; four vectors would suffice, but torch stores six.",
        ),
        Misconception(
            "state's matrix from the input",
            "(input_size + hidden_size + biases[bias])",
            "(input_size + input_size + biases[bias])",
            "The matrix of the state has the shape (hidden, hidden); here it is counted with the input's size.",
        ),
        Misconception(
            "one size unchecked",
            "if input_size < 1 or hidden_size < 1:",
            "if input_size < 1:",
            "The hidden size is not checked; a size under 1 is an error for both.",
        ),
        Misconception(
            "size 1 refused",
            "if input_size < 1 or hidden_size < 1:",
            "if input_size <= 1 or hidden_size <= 1:",
            "A size of exactly 1 is refused; only sizes under 1 are errors.",
        ),
    ],
    alternatives=[
        Alternative(
            "by torch",
            """
def count_gru_parameters(input_size, hidden_size, bias):
    if min(input_size, hidden_size) < 1:
        raise ValueError(f"a size under 1: {input_size}, {hidden_size}")
    if bias not in ("one", "two"):
        raise ValueError(f"no such bias: {bias}")
    cell = nn.GRUCell(input_size, hidden_size, device="meta")
    weights = [cell.weight_ih, cell.weight_hh, cell.bias_ih] + ([cell.bias_hh] if bias == "two" else [])
    return sum(weight.numel() for weight in weights)
""",
        ),
        Alternative(
            "shape by shape",
            """
def count_gru_parameters(input_size, hidden_size, bias):
    if bias == "one":
        vectors = ["b"]
    elif bias == "two":
        vectors = ["b_ih", "b_hh"]
    else:
        raise ValueError(f"bias was {bias}")
    if not (input_size >= 1 and hidden_size >= 1):
        raise ValueError(f"sizes were {(input_size, hidden_size)}")
    total = 0
    for _ in ("update", "reset", "candidate"):
        total += input_size * hidden_size + hidden_size**2
        for _ in vectors:
            total += hidden_size
    return total
""",
        ),
    ],
)

QUESTIONS = [
    gru_cell,
    sigmoid_derivative,
    gru_cell_backward,
    gru_loss,
    gru_backward,
    last_step_gradients,
    gru_cell_torch,
    count_gru_parameters,
]
