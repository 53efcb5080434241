"""Networks whose arrays are drawn here, and the judges of `make_network`."""

from itertools import product

import numpy as np

from ._judging import MISCOUNTED, cross_entropy, misshaped, off, parts

# Defines made(sizes, p, norm): a network with all arrays that it learns set to drawn ones.
MADE = """
import numpy as np

def made(sizes, p=0.0, norm=False, scale=1.0):
    network = make_network(sizes, p, norm, np.random.default_rng(s))
    draws = np.random.default_rng(s + 1)
    for layer in network.layers:
        for name in sorted(layer):
            fresh = scale * draws.normal(size=layer[name].shape)
            layer[name][...] = fresh**2 + 0.5 if name == "running_var" else fresh
    return network

def arrays(network):
    return [{name: array.copy() for name, array in layer.items()} for layer in network.layers]

def awake(network):
    '''The same with hidden units that are positive for positive rows, so that each unit's mask can be told.'''
    for layer in network.layers[:-1]:
        for name, array in layer.items():
            array[...] = abs(array) + 3.0 * (name == "beta")
    return network
"""


def draw_network(rng):
    """A batch of eight rows of five inputs, targets of three classes, a rate and a seed."""
    return {
        "x": rng.normal(size=(8, 5)),
        "targets": np.concatenate([rng.permutation(3), rng.integers(0, 3, 5)]),
        "rate": float(rng.uniform(0.3, 0.9)),
        "s": int(rng.integers(1, 2**31)),
    }


LARGE = (300, 200, 150, 10)


def judge_start(answer, inputs, solution):
    """Normal weights of the right spread, zeros and ones elsewhere.

    Of 30,000 normal numbers the mean square is within 0.05 of 1 (six deviations of 0.0082), and the mean fourth power
    within 0.5 of 3 (nine of 0.057).
    """
    if not parts(answer, 3) or not all(isinstance(layer, dict) for layer in answer):
        return "three linear layers have a dict of arrays each in `layers`"
    for number, (layer, before, units) in enumerate(zip(answer, LARGE[:-1], LARGE[1:], strict=True), 1):
        last = number == len(answer)
        wanted = {"W": None, "b": 0.0}
        wanted |= {} if last else {"gamma": 1.0, "beta": 0.0, "running_mean": 0.0, "running_var": 1.0}
        if set(layer) != set(wanted):
            return f"layer {number} holds {', '.join(map(str, sorted(layer)))[:80]}; {', '.join(wanted)} were expected"
        for name, start in wanted.items():
            if wrong := misshaped(layer[name], *((before, units) if name == "W" else (units,))):
                return f"{name} of layer {number}: {wrong}"
            if start is not None and np.any(layer[name] != start):
                return f"{name} of layer {number} should start at {start:g}"
        scaled = layer["W"] * np.sqrt(before / 2)
        bound = 6 * np.sqrt(2 / scaled.size)
        if abs(np.mean(scaled**2) - 1) > bound:
            spread = float(np.std(layer["W"]))
            return f"W of layer {number} has a standard deviation of {spread:.3f}, sqrt(2 / {before}) was expected"
        if abs(np.mean(scaled**4) - 3) > 9 * np.sqrt(96 / scaled.size):
            return f"W of layer {number} is not drawn from normal numbers"
    return None


def judge_seeds(answer, inputs, solution):
    """Networks drawn from the generator that is passed."""
    if not parts(answer, 3):
        return MISCOUNTED
    for one in answer:
        if wrong := misshaped(one, 8, 3):
            return wrong
    first, again, later = answer
    if not np.array_equal(first, again):
        return "the same state of rng gave another network"
    return "a second network from the same generator is the first again" if np.array_equal(first, later) else None


ROWS, HIDDEN = 3, (2, 2)  # rows and units of the hidden layers whose masks are looked for
STEPS = 60


def forward(layers, x, factors, norm):
    """Logits for many masks at once, and what each linear layer read.

    factors: for each hidden layer (masks, batch, units), what dropout multiplies by.
    """
    h, read = np.broadcast_to(x, (len(factors[0]), *x.shape)), []
    for layer, factor in zip(layers[:-1], factors, strict=True):
        read.append(h)
        z = h @ layer["W"] + layer["b"]
        if norm:
            spread = np.sqrt(z.var(axis=1, keepdims=True) + 1e-5)
            z = layer["gamma"] * (z - z.mean(axis=1, keepdims=True)) / spread + layer["beta"]
        h = np.maximum(z, 0) * factor
    read.append(h)
    return h @ layers[-1]["W"] + layers[-1]["b"], read


def judge_masks(norm):
    """A judge of steps with dropout: one mask explains both the loss of a step and what it changes.

    Without batch norm it is also counted how often units were dropped over STEPS steps: all together, each by itself,
    and in pairs, within 6, 6.5 and 7 deviations.
    """

    def judge(answer, inputs, solution):
        if not parts(answer, STEPS) or not all(parts(one, 3) for one in answer):
            return MISCOUNTED
        if wrong := unlike(answer, norm):
            return wrong
        x, targets, rate, p = np.abs(inputs["x"][:ROWS]), inputs["targets"][:ROWS], inputs["rate"], 0.5
        masks = np.array(list(product((0.0, 1.0), repeat=ROWS * sum(HIDDEN))))
        first = masks[:, : ROWS * HIDDEN[0]].reshape(-1, ROWS, HIDDEN[0]) / (1 - p)
        second = masks[:, ROWS * HIDDEN[0] :].reshape(-1, ROWS, HIDDEN[1]) / (1 - p)
        found = []
        for layers, loss, after in answer:
            logits, _ = forward(layers, x, (first, second), norm)
            shifted = logits - logits.max(axis=2, keepdims=True)
            scores = shifted[:, np.arange(ROWS), targets] - np.log(np.exp(shifted).sum(axis=2))
            likely = np.flatnonzero(np.abs(-scores.mean(axis=1) - loss) < 1e-8)
            if not len(likely):
                return "no mask of the hidden units explains the loss: dropout acts on each hidden layer, after ReLU"
            for mask in likely[:20]:  # what batch norm makes alike, one loss does not tell apart
                step = step_of(layers, x, targets, (first[mask][None], second[mask][None]), norm)
                if explains(step, layers, after, rate):
                    break
            else:
                return "the step is not that of the mask which the loss was made with"
            if norm or len(likely) == 1:  # else the loss does not tell which one it was
                found.append(int(mask))
        if len(set(found)) < 10:
            return "every step drops the same units: each draws anew"
        return None if norm or len(found) < STEPS // 2 else judge_counts(first[found] > 0, second[found] > 0, p)

    return judge


def unlike(answer, norm):
    """A reason when what came back is not the arrays of the network's layers before and after each step."""
    sizes = (5, *HIDDEN, 3)
    for before, loss, after in answer:
        for layers in (before, after):
            if not parts(layers, 3) or not all(isinstance(layer, dict) for layer in layers):
                return "three linear layers have a dict of arrays each in `layers`"
            for place, layer in enumerate(layers):
                learnt = ("W", "b", "gamma", "beta") if norm and place < 2 else ("W", "b")
                for name in learnt:
                    shape = sizes[place : place + 2] if name == "W" else sizes[place + 1 : place + 2]
                    if wrong := misshaped(layer.get(name), *shape):
                        return f"{name} of layer {place + 1}: {wrong}"
        if not isinstance(loss, float):
            return "the loss is not a number"
    return None


def step_of(layers, x, targets, factors, norm):
    """The gradient of each array of each layer for one mask, by the chain rule."""
    logits, read = forward(layers, x, factors, norm)
    d, gradients = cross_entropy(logits[0], targets)[1], []
    for place in range(len(layers) - 1, -1, -1):
        layer, h = layers[place], read[place][0]
        if place < len(layers) - 1:
            z = h @ layer["W"] + layer["b"]
            spread = np.sqrt(z.var(axis=0) + 1e-5)
            normal = (z - z.mean(axis=0)) / spread
            height = layer["gamma"] * normal + layer["beta"] if norm else z
            d = d * factors[place][0] * (height > 0)
            own = {"gamma": (d * normal).sum(axis=0), "beta": d.sum(axis=0)} if norm else {}
            if norm:
                d = layer["gamma"] / spread * (d - d.mean(axis=0) - normal * (d * normal).mean(axis=0))
        else:
            own = {}
        gradients.insert(0, own | {"W": h.T @ d, "b": d.sum(axis=0)})
        d = d @ layer["W"].T
    return gradients


def explains(step, layers, after, rate):
    """Whether a step moved every array by the rate times its gradient."""
    return all(
        np.allclose(new[name], old[name] - rate * gradient[name], rtol=1e-6, atol=1e-8)
        for old, new, gradient in zip(layers, after, step, strict=True)
        for name in gradient
    )


def judge_counts(first, second, p):
    """Whether units were kept each by itself, with probability 1 - p. first, second: (STEPS, ROWS, units) each.

    Where a row keeps no unit of the second hidden layer, its units of the first one cannot be told.
    """
    told = [(first, second.any(axis=2)), (second, np.ones(second.shape[:2], bool))]
    kept, draws = (sum(int(n) for n in ns) for ns in zip(*((k[t].sum(), k[t].size) for k, t in told), strict=True))
    if off(kept, draws, 1 - p):
        return f"hidden units are dropped with probability {1 - kept / draws:.2f}, {p:g} was asked for"
    for masks, known in told:
        for row in range(ROWS):
            mine = masks[known[:, row], row]
            if any(off(count, len(mine), 1 - p, 6.5) for count in mine.sum(axis=0)):
                return "some hidden units are dropped more often than others"
            if off(np.sum(mine[:, 0] == mine[:, 1]), len(mine), p * p + (1 - p) * (1 - p), 6.5):
                return "the units of a layer are dropped together: each is drawn by itself"
            both = known[:, row] & known[:, row - 1]
            alike = masks[both, row] == masks[both, row - 1]
            if off(np.sum(alike), alike.size, p * p + (1 - p) * (1 - p), 7):
                return "the rows of a batch lose the same units: each row draws its own"
    return None


def judge_learning(answer, inputs, solution):
    """Eight rows are learnt by heart, by a plain network and by one with batch norm."""
    if not parts(answer, 2) or not all(parts(one, 2) and all(isinstance(n, float) for n in one) for one in answer):
        return MISCOUNTED
    for first, last in answer:
        if not 0 < last < 0.3 * first < np.inf:
            return "eight rows are not learnt by heart in 400 steps"
    return "batch norm changes nothing" if answer[0] == answer[1] else None
