"""What the grader asks of `make_network`: logits, losses, and what one step of gradient descent changes."""

import numpy as np

from autograder.oracle import Case, Misconception, Question

from ._draws import seed
from ._networks import (
    judge_dropped,
    judge_estimates,
    judge_learning,
    judge_linear,
    judge_logits,
    judge_modes,
    judge_normalised,
    judge_seeds,
    judge_symmetry,
)
from ._one_unit import ONE_UNIT, judge_masked, judge_unit


# A network shows logits and losses alone, and everybody draws other weights. Small networks are asked in situations
# in which what one step of gradient descent does to the logits can be worked out from the logits themselves.
def draw_network(rng):
    return {
        "x": rng.normal(size=(8, 5)),
        "targets": np.concatenate([rng.permutation(3), rng.integers(0, 3, 5)]),
        "s": seed(rng),
        "rate": float(rng.uniform(0.3, 0.9)),
        "u": rng.uniform(0.5, 1.5, 3),
        "rows": 1e4 * rng.normal(size=(2, 3)),
        "offset": 1e4 * rng.normal(size=3),
    }


MADE = "import numpy as np\ndef made(sizes, p=0.0, norm=False, s=s):\n" + (
    "    return make_network(sizes, p, norm, np.random.default_rng(s))\n"
)

QUESTION = Question(
    cases=[
        Case(
            "shapes, and the loss that a step returns",
            MADE + "results, x_old, t_old = [], x.copy(), targets.copy()\n"
            "for sizes, norm in (((5, 3), False), ([5, 4, 6], False), ((5, 7, 4, 2, 9), True)):\n"
            "    trained = made(sizes, norm=norm).logits(x, True)\n    network = made(sizes, norm=norm)\n"
            "    logits, loss = network.logits(x[:8], False), network.train_step(x, targets, rate)\n"
            "    same = np.array_equal(x, x_old) and np.array_equal(targets, t_old)\n"
            "    results.append((logits, trained, loss, bool(same)))\nresults",
            draw_network,
            judge=judge_logits,
        ),
        Case(
            "without a hidden layer, one exact step",
            MADE + "network, probes = made((5, 3), 0.5, True), np.concatenate([x, 3 * x])\n"
            "(network.logits(probes, False), network.train_step(x, targets, rate), network.logits(probes, False))",
            draw_network,
            judge=judge_linear,
        ),
        Case(
            "one hidden unit, one exact step",
            ONE_UNIT + "results = []\nfor extra in range(4):\n"
            "    network = make_network((3, 1, 4), 0.0, False, np.random.default_rng(s + extra))\n"
            "    row, probes = active_row(network)\n    before = network.logits(probes, False)\n"
            "    target = int(before[0].argmin())\n"
            "    loss = network.train_step(row[None], np.array([target]), 1e-3 / (1 + row @ row))\n"
            "    results.append((row, target, before, loss, network.logits(probes, False)))\nresults",
            draw_network,
            weight=2,
            judge=judge_unit,
        ),
        Case(
            "one hidden unit with batch norm, one exact step",
            ONE_UNIT + "network = make_network((3, 1, 4), 0.0, True, np.random.default_rng(s))\n"
            "far = active_row(network)[1][-1]\nsilent = network.logits(far[None], False)\n"
            "pair = offset + 0.01 * np.stack([far, -far])\nbefore = network.logits(pair, True)\n"
            "loss = network.train_step(pair, targets[:2], 0.1 * rate)\n"
            "(silent, before, loss, network.logits(pair, True))",
            draw_network,
            weight=2,
            judge=judge_normalised,
        ),
        Case(
            "hidden units are dropped in training, each by itself",
            ONE_UNIT + "network = make_network((3, 1, 4), 0.3, False, np.random.default_rng(s))\n"
            "row, probes = active_row(network)\n"
            "(network.logits(probes, False), network.logits(np.tile(row, (4000, 1)), True))",
            draw_network,
            judge=judge_dropped,
        ),
        Case(
            "the way back uses the same mask",
            ONE_UNIT + "results = []\nfor extra in range(40):\n"
            "    network = make_network((3, 1, 4), 0.4, False, np.random.default_rng(s + extra))\n"
            "    row, probes = active_row(network)\n    before = network.logits(probes, False)\n"
            "    target = int(before[0].argmin())\n"
            "    loss = network.train_step(row[None], np.array([target]), 1e-3 / (1 + row @ row))\n"
            "    results.append((row, target, before, loss, network.logits(probes, False)))\nresults",
            draw_network,
            judge=judge_masked,
        ),
        *(
            Case(
                f"three hidden layers {words} batch norm: steps along the gradient",
                MADE + "from math import log\n"
                "def loss_of(network):\n    z = network.logits(x[b], True)\n    z = z - z.max(axis=1, keepdims=True)\n"
                "    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(b)), targets[b]]))\n"
                "def effect(a, c, s):\n    global b\n    b, results = c, []\n"
                "    for rate in (1e-7, -1e-7):\n"
                f"        network = made((5, 12, 11, 9, 3), norm={norm}, s=s)\n"
                "        for _ in range(3):\n            network.train_step(x, targets, 0.02)\n"
                "        network.train_step(x[a], targets[a], rate)\n        results.append(loss_of(network))\n"
                "    return (results[0] - results[1]) / 2e-7\n"
                "one, two = np.arange(4), np.arange(4, 8)\n"
                "[(effect(one, two, s + k), effect(two, one, s + k)) for k in range(3)]",
                draw_network,
                weight=1.5,
                judge=judge_symmetry,
            )
            for words, norm in (("without", False), ("with", True))
        ),
        Case(
            "evaluation uses the running estimates",
            MADE + "wide = 100 * np.concatenate([rows, -rows])[[0, 2, 1, 3]]\n"
            "training, network = made((3, 1, 4), norm=True).logits(wide, True), made((3, 1, 4), norm=True)\n"
            "for _ in range(5):\n    network.train_step(wide, targets[:4], 0.0)\n"
            "(training, network.logits(wide, False))",
            draw_network,
            judge=judge_estimates,
        ),
        Case(
            "evaluation is steady and takes row by row, training is not",
            MADE + "network = made((5, 16, 12, 3), 0.5, True)\nnetwork.train_step(x, targets, 0.1)\n"
            "together, again = network.logits(x, False), network.logits(x, False)\n"
            "alone = np.concatenate([network.logits(x[i : i + 1], False) for i in range(8)])\n"
            "(together, again, alone, network.logits(x, True), network.logits(x, True))",
            draw_network,
            judge=judge_modes,
        ),
        Case(
            "drawn from the generator that is passed",
            "import numpy as np\nrng = np.random.default_rng(s)\n"
            "first, later = (make_network((5, 6, 3), 0.2, True, rng).logits(x, False) for _ in range(2))\n"
            "(first, make_network((5, 6, 3), 0.2, True, np.random.default_rng(s)).logits(x, False), later)",
            draw_network,
            weight=0.5,
            judge=judge_seeds,
        ),
        Case(
            "eight rows are learnt by heart",
            MADE + "results = []\nfor norm in (False, True):\n    network = made((5, 30, 20, 3), norm=norm)\n"
            "    losses = [float(network.train_step(x, targets, 0.2)) for _ in range(400)]\n"
            "    results.append([losses[0], losses[-1]])\nresults",
            draw_network,
            judge=judge_learning,
        ),
    ],
    misconceptions=[
        Misconception(
            "dropout in evaluation",
            "dropout_p, training, rng)",
            "dropout_p, True, rng)",
            "Units are dropped in evaluation too.",
        ),
        Misconception(
            "batch statistics in evaluation",
            "0.1, 1e-5, training)",
            "0.1, 1e-5, training or len(z) > 1)",
            "Batch norm uses the batch's statistics in evaluation: hand on the mode.",
        ),
        Misconception(
            "a new mask on the way back",
            'd = d @ above["W"].T * mask',
            'd = d @ above["W"].T * (mask > 0) * dropout(np.ones_like(mask), dropout_p, True, rng)',
            "The way back draws a new mask: it needs the one of the way forward.",
        ),
        Misconception(
            "ReLU forgotten on the way back",
            'd = d @ above["W"].T * mask',
            'd = d @ above["W"].T',
            "The gradient is not stopped where ReLU or dropout gave zero.",
        ),
        Misconception(
            "no ReLU",
            "(z > 0) * dropout(",
            "dropout(",
            "Hidden layers have no ReLU, so the whole network is linear.",
        ),
        Misconception(
            "uphill",
            "layer[name] -= learning_rate",
            "layer[name] += learning_rate",
            "The step goes up the gradient.",
        ),
        Misconception(
            "gamma and beta not learnt",
            "for name in layer:",
            'for name in ("W", "b"):',
            "Gamma and beta are not changed by a step: they are parameters like the others.",
        ),
        Misconception(
            "biases not learnt",
            "for name in layer:",
            'for name in layer.keys() - {"b"}:',
            "The biases are not changed by a step.",
        ),
        Misconception(
            "only the last layer learns",
            "for layer, gradient in zip(layers, gradients, strict=True):",
            "for layer, gradient in [(layers[-1], gradients[-1])]:",
            "Only the last layer changes in a step.",
        ),
        Misconception(
            "loss after the step",
            "            return loss\n",
            "            return loss_and_gradient(forward(x, True)[0], targets)[0]\n",
            "The loss is that after the step: it should be the one before.",
        ),
        Misconception(
            "sum of the losses",
            "loss, d = loss_and_gradient(scores, targets)",
            "loss, d = loss_and_gradient(scores, targets)\n            loss, d = loss * len(x), d * len(x)",
            "Loss and gradient are sums over the batch: they should be means.",
        ),
        Misconception(
            "batch norm left out on the way back",
            'd, gradient["gamma"], gradient["beta"] = batch_norm_backward(d, norm)',
            '_, gradient["gamma"], gradient["beta"] = batch_norm_backward(d, norm)',
            "The way back passes by batch norm as if it were not there.",
        ),
    ],
    builds_on=("dropout", "batch_norm_forward", "batch_norm_backward"),
    seconds=20,
)
