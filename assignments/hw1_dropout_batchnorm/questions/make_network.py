"""What the grader asks of `make_network`: logits, losses, and what one step of gradient descent does to each array."""

from autograder.oracle import Case, Equivalent, Misconception, Question

from ._libraries import NUMPY_ALONE
from ._networks import (
    HIDDEN,
    LARGE,
    MADE,
    ROWS,
    STEPS,
    draw_network,
    judge_learning,
    judge_masks,
    judge_seeds,
    judge_start,
)

# two steps on halves of the batch: the loss before each, and every array after them
STEPPED = """
losses = [network.train_step(x[rows], targets[rows], rate) for rows in (slice(0, 5), slice(3, 8))]
(losses, arrays(network))
"""

QUESTION = Question(
    cases=[
        Case(
            "the layers, and how they start",
            f"import numpy as np\nnetwork = make_network({LARGE}, 0.1, True, np.random.default_rng(s))\n"
            f"network.logits(np.zeros((1, {LARGE[0]})), False)  # what the skeleton gives earns nothing by itself\n"
            "[dict(layer) for layer in network.layers]",
            draw_network,
            judge=judge_start,
        ),
        Case(
            "logits in evaluation, row by row as well, whatever the dropout",
            MADE + "results = []\nfor sizes in ((5, 3), [5, 4, 6], (5, 7, 4, 2, 9)):\n"
            "    for norm in (False, True):\n        network = made(sizes, 0.6, norm)\n"
            "        alone = [network.logits(x[i : i + 1], False) for i in range(8)]\n"
            "        results.append((network.logits(x, False), np.concatenate(alone)))\nresults",
            draw_network,
            weight=2,
            core=True,
        ),
        Case(
            "without a hidden layer: the loss, and every array after two steps",
            MADE + "network = made((5, 3), 0.5, True)" + STEPPED,
            draw_network,
        ),
        Case(
            "three hidden layers without batch norm: the loss, and every array after two steps",
            MADE + "network = made((5, 12, 11, 9, 3), scale=0.6)" + STEPPED,
            draw_network,
            weight=3,
            relative=1e-6,
            core=True,
        ),
        Case(
            "three hidden layers with batch norm: the loss, and every array after two steps",
            MADE + "network = made((5, 12, 11, 9, 3), norm=True)" + STEPPED,
            draw_network,
            weight=3,
            relative=1e-5,
            absolute=1e-8,
            core=True,
        ),
        Case(
            "training logits by the batch's statistics, which move the running estimates",
            MADE + "network = made((5, 6, 4, 3), norm=True)\n(network.logits(x, True), arrays(network))",
            draw_network,
        ),
        *(
            Case(
                f"dropout in training {words} batch norm: one mask explains the loss and the step",
                MADE
                + f"network, results = awake(made((5, *{HIDDEN}, 3), 0.5, {norm}, 0.3)), []\nstart = arrays(network)\n"
                f"for _ in range({STEPS}):\n"
                f"    loss = float(network.train_step(abs(x[:{ROWS}]), targets[:{ROWS}], rate))\n"
                "    results.append((start, loss, arrays(network)))\n"
                "    for layer, old in zip(network.layers, start):\n"
                "        for name in old:\n            layer[name][...] = old[name]\nresults",
                draw_network,
                weight=1.5,
                judge=judge_masks(norm),
                core=not norm,
            )
            for norm, words in ((False, "without"), (True, "with"))
        ),
        Case(
            "the arguments are left as they were",
            MADE + "network = made((5, 4, 3), 0.3, True)\n"
            "network.logits(x, True)\nfloat(network.train_step(x, targets, 0.0) > 0)",
            draw_network,
            weight=0.5,
            pure=True,
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
            "import numpy as np\nresults = []\nfor norm in (False, True):\n"
            "    network = make_network((5, 30, 20, 3), 0.0, norm, np.random.default_rng(s))\n"
            "    losses = [float(network.train_step(x, targets, 0.2)) for _ in range(400)]\n"
            "    results.append([losses[0], losses[-1]])\nresults",
            draw_network,
            judge=judge_learning,
        ),
    ],
    equivalent=[
        Equivalent(r"two lines exchanged: layer \|= ", "In which order arrays get their names is left free."),
        Equivalent(r"layer\[name\] = layer\[name\] - ", "A step may put new arrays into the dicts of `layers`."),
        Equivalent(r"two lines exchanged: self\.dropout_p", "The attributes do not depend on each other."),
        Equivalent(r"two lines exchanged: if batch_norm", "A dict may get its further names in the list as well."),
        Equivalent(r"layer = layer \| ", "A dict that is in no list yet may as well be a new one."),
        Equivalent(r"number != len", "No layer comes after the last."),
        Equivalent(r"z >= 0", "At exactly 0 the factor multiplies a 0."),
    ],
    core="evaluation without dropout by the running estimates, and the right step of every array in every layer",
    misconceptions=[
        Misconception(
            "dropout in evaluation",
            "dropout_p, training, self.rng)",
            "dropout_p, True, self.rng)",
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
            'd = d @ above["W"].T * (mask > 0) * dropout(np.ones_like(mask), self.dropout_p, True, self.rng)',
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
            "for name in gradient:",
            'for name in ("W", "b"):',
            "Gamma and beta are not changed by a step: they are parameters like the others.",
        ),
        Misconception(
            "biases not learnt",
            "for name in gradient:",
            'for name in gradient.keys() - {"b"}:',
            "The biases are not changed by a step.",
        ),
        Misconception(
            "only the last layer learns",
            "for layer, gradient in zip(self.layers, self.backward(d, cache), strict=True):",
            "for layer, gradient in [(self.layers[-1], self.backward(d, cache)[-1])]:",
            "Only the last layer changes in a step.",
        ),
        Misconception(
            "changed before the gradient has passed",
            "for layer, gradient in zip(self.layers, self.backward(d, cache), strict=True):",
            "for place in reversed(range(len(self.layers))):\n"
            "            layer, gradient = self.layers[place], self.backward(d, cache)[place]",
            "Each layer is changed before the gradient goes through it: the gradients of all layers belong to the "
            "weights that the forward pass used.",
        ),
        Misconception(
            "loss after the step",
            "        return loss\n",
            "        return loss_and_gradient(self.forward(x, True)[0], targets)[0]\n",
            "The loss is that after the step: it should be the one before.",
        ),
        Misconception(
            "sum of the losses",
            "loss, d = loss_and_gradient(scores, targets)",
            "loss, d = loss_and_gradient(scores, targets)\n        loss, d = loss * len(x), d * len(x)",
            "Loss and gradient are sums over the batch: they should be means.",
        ),
        Misconception(
            "batch norm left out on the way back",
            'd, gradient["gamma"], gradient["beta"] = batch_norm_backward(d, norm)',
            '_, gradient["gamma"], gradient["beta"] = batch_norm_backward(d, norm)',
            "The way back passes by batch norm as if it were not there.",
        ),
        Misconception(
            "the units after the layer",
            "np.sqrt(2 / inputs)",
            "np.sqrt(2 / units)",
            "The starting weights are scaled by the number of units after the layer; it is the number before it "
            "that counts.",
        ),
        Misconception(
            "mean for the gradient of the biases",
            'gradients.insert(0, gradient | {"W": inputs.T @ d, "b": d.sum(axis=0)})',
            'gradients.insert(0, gradient | {"W": inputs.T @ d, "b": d.mean(axis=0)})',
            "The gradient of a hidden layer's biases is averaged over the batch; the loss is a mean already, so "
            "it is a sum.",
        ),
    ],
    builds_on=("dropout", "batch_norm_forward", "batch_norm_backward"),
    forbids=NUMPY_ALONE,
    seconds=20,
)
