"""Judges of `make_network` for networks of any size."""

import numpy as np

from ._judging import MISCOUNTED, cross_entropy, misshaped, near, off, parts


def judge_logits(answer, inputs, solution):
    if not parts(answer, 3) or not all(parts(one, 4) for one in answer):
        return MISCOUNTED
    for classes, (logits, trained, loss, unchanged) in zip((3, 6, 9), answer, strict=True):
        if wrong := misshaped(logits, 8, classes) or misshaped(trained, 8, classes):
            return wrong
        if not near(loss, cross_entropy(trained, inputs["targets"])[0]):
            return "train_step should return the mean cross-entropy of the batch in training mode before the step"
        if unchanged is not True:
            return "x or targets was changed by the call"
    return None


def judge_linear(answer, inputs, solution):
    if not parts(answer, 3):
        return MISCOUNTED
    before, loss, after = answer
    x, targets, rate = inputs["x"], inputs["targets"], inputs["rate"]
    if wrong := misshaped(before, 16, 3) or misshaped(after, 16, 3):
        return wrong
    first, gradient = cross_entropy(before[:8], targets)
    if not near(loss, first):
        return "train_step should return the mean cross-entropy before the step"
    probes = np.concatenate([x, 3 * x])
    return None if near(after, before - rate * (probes @ x.T + 1) @ gradient) else "one step changed W or b wrongly"


def judge_dropped(answer, inputs, solution):
    if not parts(answer, 2):
        return MISCOUNTED
    before, drawn = answer
    if wrong := misshaped(before, 4, 4) or misshaped(drawn, 4000, 4):
        return wrong
    gone = np.all(np.isclose(drawn, before[-1], rtol=1e-9, atol=1e-9), axis=1)
    kept = before[-1] + (before[0] - before[-1]) / 0.7
    if not np.allclose(drawn[~gone], kept, rtol=1e-7, atol=1e-9):
        return "in training the hidden units are not dropped, or those that stay are not divided by 1 - p"
    return "the share of dropped units is wrong" if off(np.sum(gone), 4000, 0.3) else None


def judge_normalised(answer, inputs, solution):
    if not parts(answer, 4):
        return MISCOUNTED
    far, before, loss, after = answer
    if wrong := misshaped(far, 1, 4) or misshaped(before, 2, 4) or misshaped(after, 2, 4):
        return wrong
    targets, rate, silent = inputs["targets"][:2], 0.1 * inputs["rate"], far[0]
    on = int(np.abs(before[1] - silent).max() > np.abs(before[0] - silent).max())
    first, gradient = cross_entropy(before, targets)
    if not near(loss, first) or not near(before[1 - on], silent):
        return "of two rows batch norm and ReLU should leave one silent, and the loss be that of the training logits"
    weights = before[on] - silent
    scale = 1 - 2 * rate * weights @ gradient[on]  # gamma and beta move alike, by rate times the pull on the unit
    wanted = silent - rate * gradient.sum(axis=0)
    if not near(after[1 - on], wanted, 1e-5):
        return "the bias of the last layer took a wrong step"
    wanted = wanted + (weights - rate * gradient[on]) * scale
    return None if near(after[on], wanted, 1e-5) else "gamma, beta or the last layer took a wrong step"


def judge_estimates(answer, inputs, solution):
    if not parts(answer, 2):
        return MISCOUNTED
    training, evaluation = answer
    if wrong := misshaped(training, 4, 4) or misshaped(evaluation, 4, 4):
        return wrong
    distances = [(np.abs(training[i] - training[j]).max(), i, j) for i in (0, 1) for j in (2, 3)]
    _, one, other = min(distances)
    silent = training[one]
    if np.abs(training - silent).max() < 1e-6:
        return "with batch norm the logits of one hidden unit do not depend on the row"
    ratio = np.sqrt(3 / 4 / (1 - 0.9**5))
    for row in ({0, 1} - {one}) | ({2, 3} - {other}):
        if not near(evaluation[row] - silent, ratio * (training[row] - silent), 1e-3, 1e-6):
            return "evaluation does not use the running estimates of batch norm with momentum 0.1"
    return None


def judge_symmetry(answer, inputs, solution):
    if not parts(answer, 3) or not all(parts(one, 2) and all(isinstance(n, float) for n in one) for one in answer):
        return MISCOUNTED
    if len({there for there, _ in answer}) < 3:
        return "generators in different states gave the same network"
    agree = [near(there, back, 1e-3, 1e-5) and abs(there) > 1e-6 for there, back in answer]
    # three networks: a ReLU that switches within the tiny step spoils at most one of them
    return None if sum(agree) >= 2 else "the steps are not along the gradient of the loss"


def judge_modes(answer, inputs, solution):
    if not parts(answer, 5):
        return MISCOUNTED
    together, again, alone, noisy, other = answer
    for one in answer:
        if wrong := misshaped(one, 8, 3):
            return wrong
    if not near(again, together, 1e-12):
        return "evaluation gave another answer the second time"
    if not near(alone, together, 1e-9):
        return "evaluation of a row depends on the other rows"
    return "training mode gave the same twice: is dropout on?" if np.array_equal(noisy, other) else None


def judge_seeds(answer, inputs, solution):
    if not parts(answer, 3):
        return MISCOUNTED
    for one in answer:
        if wrong := misshaped(one, 8, 3):
            return wrong
    first, again, later = answer
    if not np.array_equal(first, again):
        return "the same state of rng gave another network"
    return "a second network from the same generator is the first again" if np.array_equal(first, later) else None


def judge_learning(answer, inputs, solution):
    if not parts(answer, 2) or not all(parts(one, 2) and all(isinstance(n, float) for n in one) for one in answer):
        return MISCOUNTED
    for first, last in answer:
        if not 0 < last < 0.3 * first < np.inf:
            return "eight rows are not learnt by heart in 400 steps"
    return "batch norm changes nothing" if answer[0] == answer[1] else None
