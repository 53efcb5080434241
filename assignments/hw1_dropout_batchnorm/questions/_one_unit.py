"""Judges of `make_network` by a network with one hidden unit, where a step can be worked out from the logits."""

import numpy as np

from ._judging import MISCOUNTED, cross_entropy, misshaped, near, off, parts


def unit_rate(row):
    """The learning rate of the steps on one row: so small that the unit stays active."""
    return 1e-3 / (1 + row @ row)


def one_unit(after, before, targets, loss, row, factor):
    """What is wrong after a step on one row of a network with one hidden unit, in evaluation; None when all is right.

    before, after: logits of the row, twice the row, another active row, and of a row that leaves the unit silent.
    factor: what dropout multiplied the unit by in the step.
    With weights w into the unit and v out of it, height z and pull = v @ gradient, the step makes v @ z into
    (v - rate factor z gradient) (z - rate factor (1 + row @ other) pull). The logits show v @ z alone: v may be larger
    by any share and z smaller by it, so the share and its inverse are fitted and their product must be 1.
    """
    silent, active, rate = before[-1], before[:3] - before[-1], unit_rate(row)
    first, gradient = cross_entropy((silent + factor * active[0])[None], targets)
    gradient = gradient[0]
    if not near(loss, first):
        return "the loss of a step is not that of its logits"
    if not near((silent - after[-1]) / rate, gradient, 1e-4, 1e-5):
        return "the bias of the last layer took a wrong step"
    moved = ((active - (after[:3] - after[-1])) / rate).ravel()
    if factor == 0:
        return None if np.abs(moved).max() < 1e-4 else "a dropped unit learnt: use the same mask on the way back"
    size = np.linalg.norm(active[0])
    ray = active[0] / size
    heights, pull = active @ ray, ray @ gradient
    lean = 1 + np.stack([row, 2 * row, row + beside(row)]) @ row
    hidden = np.outer(factor * lean * pull, ray).ravel()
    last = np.outer(factor * size * heights, gradient).ravel()
    moved += rate * np.outer(factor**2 * size * lean * pull, gradient).ravel()
    design = np.stack([hidden, last], axis=1)
    shares, *_ = np.linalg.lstsq(design, moved, rcond=None)
    if not near(design @ shares, moved, 1e-4, 1e-5 * np.abs(moved).max()):
        return "a hidden unit's weights took a step that is not along the gradient"
    return None if near(shares[0] * shares[1], 1.0, 1e-3) else "hidden and last layer took steps of different rates"


def beside(row):
    """A short vector at a right angle to a row of three."""
    return 0.2 * np.array([row[1], -row[0], 0.0])


# a row along which the unit is active for certain: each input has the sign that raises it
ONE_UNIT = """import numpy as np
def active_row(network):
    ends = 1e6 * np.concatenate([np.eye(3), 2 * np.eye(3)])
    up, down = network.logits(ends, False), network.logits(-ends, False)
    rise, fall = (np.abs(far[3:] - far[:3]).max(axis=1) for far in (up, down))
    away = np.where(rise > fall, 1, -1) * u
    silent = network.logits(-1e6 * away[None], False)[0]
    for scale in (1, 3, 10, 30, 100):
        row = scale * away
        if np.abs(network.logits(row[None], False) - silent).max() > 0.3:
            break
    beside = row + 0.2 * np.array([row[1], -row[0], 0.0])
    return row, np.stack([row, 2 * row, beside, -1e6 * away])
"""


def stepped(answer, count):
    """A reason when an answer is not `count` steps of networks with one hidden unit, each network another."""
    if not parts(answer, count) or not all(parts(one, 5) for one in answer):
        return MISCOUNTED
    for row, target, before, _, after in answer:
        if wrong := misshaped(row, 3) or misshaped(before, 4, 4) or misshaped(after, 4, 4):
            return wrong
        if type(target) is not int or not 0 <= target < 4:
            return "a class was expected as the target"
    same = len({before.tobytes() for _, _, before, _, _ in answer}) < count
    return "generators in different states gave the same network" if same else None


def judge_unit(answer, inputs, solution):
    if wrong := stepped(answer, 4):
        return wrong
    for row, target, before, loss, after in answer:
        if wrong := one_unit(after, before, np.array([target]), loss, row, 1.0):
            return wrong
    return None


def judge_masked(answer, inputs, solution):
    if wrong := stepped(answer, 40):
        return wrong
    dropped = 0
    for row, target, before, loss, after in answer:
        targets = np.array([target])
        gone = near(loss, cross_entropy(before[-1:], targets)[0])
        dropped += gone
        if wrong := one_unit(after, before, targets, loss, row, 0.0 if gone else 1 / 0.6):
            return wrong
    return "the share of dropped units is wrong" if off(dropped, len(answer), 0.4) else None
