"""What the grader asks of `networks`: the three trained networks of the experiment, on digits drawn here."""

import numpy as np

from autograder.oracle import Case, Question

from ._judging import misshaped

# Measured with one thread, mean and standard deviation (training, test, gap): plain, 60 seeds, 0.997 +- 0.004, 0.806 +-
# 0.016, 0.191 +- 0.016; dropout, 24 seeds, 0.851 +- 0.007, 0.892 +- 0.014, -0.040 +- 0.015; batch norm, 24 seeds, 0.995
# +- 0.008, 0.779 +- 0.016. The lowest plain training accuracy was 0.973, the smallest plain gap 0.164. The grader's
# thousand images add 0.007 at most. Every bar is five deviations or more away.
BARS = {  # name: (least training accuracy, least test accuracy, least gap, largest gap)
    "plain": (0.95, 0.65, 0.1, 1.0),
    "dropout": (0.7, 0.8, -1.0, 0.12),
    "batch_norm": (0.85, 0.65, -1.0, 1.0),
}

# Held-out digits may be looked up in the data set, which everybody has; what lies between two of them may not. A
# network with ReLU is continuous and piecewise linear, so its slopes along a line add up to what changes between the
# ends. Measured on 15 networks, from three seeds of the solution and by both other right ones, six draws of lines each:
# the slopes leave 0.024 of the change unexplained at most, and the middle one of three near places lies 4e-12 of their
# distance off a line (median). Labels of the nearest image leave 0.95 or more, also with a network added to them; when
# they are smoothed over the images, near places are 1e-4 off.
LINES, PLACES, NEAR = 12, 32, 1e-4
UNEXPLAINED, BENT = 0.15, 1e-7


def draw_images(rng):
    """A thousand of the held-out digits, with a little noise, and places in threes on lines between them."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.data))  # the notebook's split
    held_out = digits.data[order[300:]] / 16
    chosen = rng.permutation(len(held_out))[:1000]
    test = held_out[chosen] + 0.01 * rng.normal(size=(1000, 64))
    places = (np.arange(PLACES) + rng.random((LINES, PLACES))) / PLACES * (1 - 2 * NEAR)
    places = places[..., None] + NEAR * np.arange(3)
    starts, ends = test[:LINES], test[LINES : 2 * LINES]
    between = starts[:, None, None] + places[..., None] * (ends - starts)[:, None, None]
    return {"test": np.concatenate([test, between.reshape(-1, 64)]), "chosen": chosen}


def no_network(logits):
    """Why the logits of what `draw_images` gives are no trained network's; None when they can be."""
    change = logits[LINES : 2 * LINES] - logits[:LINES]
    first, second, third = np.moveaxis(logits[1000:].reshape(LINES, PLACES, 3, 10), 2, 0)
    explained = (third - first).mean(axis=1) / (2 * NEAR)
    if not np.linalg.norm(explained - change) < UNEXPLAINED * np.linalg.norm(change):
        return "between two images the logits jump, where those of a network change little by little"
    off = np.linalg.norm(first - 2 * second + third, axis=-1)
    if not np.mean(off < BENT * np.linalg.norm(third - first, axis=-1)) > 0.5:
        return "between two images the logits are not piecewise linear, as those of a network with ReLU are"
    return None


def judge_of(name):
    """The judge of one network: accuracies are counted here, from its logits."""

    def judge(answer, inputs, solution):
        if not isinstance(answer, tuple) or len(answer) != 2:
            return "two arrays of logits were expected"
        (_, given), (_, truths) = solution["digit_images"]()
        results = []
        for logits, labels in zip(answer, (given, truths[inputs["chosen"]]), strict=True):
            between = 0 if labels is given else 3 * LINES * PLACES
            if wrong := misshaped(logits, len(labels) + between, 10):
                return wrong
            results.append(float(np.mean(logits[: len(labels)].argmax(axis=1) == labels)))
        training, test = results
        least_training, least_test, least_gap, largest_gap = BARS[name]
        measured = f"training accuracy {training:.3f}, test accuracy {test:.3f}"
        if training < least_training:
            return f"{measured}: at least {least_training} was expected in training"
        if test < least_test:
            return f"{measured}: at least {least_test} was expected on the test images"
        if training - test < least_gap:
            return f"{measured}: the plain network should overfit by {least_gap} or more"
        if training - test > largest_gap:
            return f"{measured}: the gap should be {largest_gap} at most"
        return no_network(answer[1])

    return judge


QUESTION = Question(
    cases=[
        Case(
            words,
            f"images = digit_images()[0][0]\nnetwork = networks[{name!r}]\n"
            "(network.logits(images, False), network.logits(test, False))",
            draw_images,
            judge=judge_of(name),
        )
        for name, words in (
            ("plain", "the plain network overfits"),
            ("dropout", "the network with dropout overfits less and is right more often"),
            ("batch_norm", "the network with batch norm learns at a rate of 2"),
        )
    ],
    builds_on=("minibatches", "dropout", "batch_norm_forward", "batch_norm_backward", "make_network"),
    made_by="train_networks",
)
