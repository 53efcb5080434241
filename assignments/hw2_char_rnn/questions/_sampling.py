"""Judges of `sample`: whether tokens come as often as their probabilities say."""

from __future__ import annotations

import numpy as np


def distribution(params: dict, h: np.ndarray, token: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the next token and the next state; by itself, so that judging costs no call of the solution."""
    h = np.tanh(params["U"][token] + h @ params["W"] + params["b"])
    z = (h @ params["V"] + params["c"]) / temperature
    p = np.exp(z - z.max())
    return p / p.sum(), h


def ids_of(answer: object, length: int, classes: int) -> list[int] | str:
    """The drawn ids as a list, or what is wrong with them."""
    if not isinstance(answer, list) or not all(type(k) is int for k in answer):
        return "the ids should be whole numbers, in a list or an integer array"
    if len(answer) != length:
        return f"{len(answer)} ids came back, {length} were asked"
    if any(not 0 <= k < classes for k in answer):
        return "an id lies outside of the classes"
    return answer


# A sum of independent (or martingale) terms over its standard deviation. By Bernstein's (Freedman's) inequality a sum
# of terms within [-1, 1] and variance V exceeds s sqrt(V) with a chance under exp(-s^2 / (2 + 2 s / (3 sqrt(V)))); with
# s = 7.5 and V >= 40 that is under exp(-56.25 / 2.80) = 1.9e-9. Four long samples of 7 tokens and of the rare ones
# together, and one table of 7 + 49 counts, two sides each, are 176 such events: a false alarm has a chance under 4e-7.
FAR, ENOUGH, RARE = 7.5, 40.0, 0.02


def unlikely(seen: np.ndarray, expected: np.ndarray, variance: np.ndarray) -> bool:
    """Whether some count lies further from its expectation than chance allows; rare tokens are left out."""
    counted = variance >= ENOUGH
    return bool((np.abs(seen - expected)[counted] > FAR * np.sqrt(variance[counted])).any())


def judge_stream(answer: object, inputs: dict, solution: dict) -> str | None:
    """A long sample: given what was drawn before, each token comes as often as its probabilities say."""
    params, temperature = inputs["params"], inputs["temperature"]
    classes = len(params["c"])
    ids = ids_of(answer, inputs["length"], classes)
    if isinstance(ids, str):
        return ids
    seen, expected, variance = np.zeros((3, classes + 1))  # at the end: tokens of a chance under RARE, together
    h, token = inputs["h0"], inputs["first"]
    for drawn in ids:
        p, h = distribution(params, h, token, temperature)
        rare = p[p < RARE].sum()
        seen[[drawn, -1]] += 1, p[drawn] < RARE
        expected += [*p, rare]
        variance += [*(p * (1 - p)), rare * (1 - rare)]
        if p[drawn] < 1e-12:
            return "a token was drawn that is all but impossible after the ones before it"
        token = drawn
    if unlikely(seen, expected, variance):
        return "some tokens come too often or too seldom, given those before them"
    return None


def judge_starts(answer: object, inputs: dict, solution: dict) -> str | None:
    """Many samples of two tokens: their pairs come as often as h0, first and the temperature say."""
    params, temperature = inputs["params"], inputs["temperature"]
    classes, count = len(params["c"]), inputs["count"]
    if not isinstance(answer, list) or len(answer) != count:
        return "as many samples as calls were expected"
    seen, expected = np.zeros((classes, classes)), np.zeros((classes, classes))
    for one in answer:
        ids = ids_of(one, 2, classes)
        if isinstance(ids, str):
            return ids
        seen[ids[0], ids[1]] += 1
    p, h = distribution(params, inputs["h0"], inputs["first"], temperature)
    for k in range(classes):
        expected[k] = p[k] * distribution(params, h, k, temperature)[0]
    ones = expected.sum(axis=1)
    if unlikely(seen.sum(axis=1), count * ones, count * ones * (1 - ones)):
        return "the first token drawn comes too often or too seldom, given h0 and what is fed in first"
    if unlikely(seen, count * expected, count * expected * (1 - expected)):
        return "the second token drawn comes too often or too seldom, given the first"
    return None


def judge_generator(answer: object, inputs: dict, solution: dict) -> str | None:
    """Same state, same result; a generator that moves on; arguments as they were."""
    if not isinstance(answer, list) or len(answer) != 4:
        return "three samples were expected"
    ids = [ids_of(one, inputs["length"], len(inputs["params"]["c"])) for one in answer[:3]]
    for one in ids:
        if isinstance(one, str):
            return one
    if ids[0] != ids[1]:
        return "generators in the same state should give the same sample"
    if ids[0] == ids[2]:
        return "a second call with the same generator gives the same sample: draw from rng itself, which moves on"
    return None if answer[3] is True else "an argument was changed by the call"
