"""Training steps of hw2's character network per second: the notebook's own solution against a one-hot loop.

    python benchmarks/char_rnn.py

Hidden size 100, 25 steps, 65 characters, one thread. Both do a whole training step: forward, backward through time,
clipping, AdaGrad; that both give the same gradients is checked first. Rounds of the two alternate, so that whatever
else the machine does meets both; the best round of each counts, the ratio is that of one run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is loaded: products this small lose by more threads

import numpy as np

from autograder.course.paths import OWN
from autograder.course.solutions import namespace

CLASSES, HIDDEN, STEPS = 65, 100, 25
Arrays = dict[str, np.ndarray]


def one_hot_gradients(params: Arrays, tokens: np.ndarray, h0: np.ndarray) -> tuple[float, np.ndarray, Arrays]:
    """Loss, last state and gradients by a loop that multiplies one-hot vectors and batches nothing.

    tokens: (steps + 1,). h0: (hidden,). The way in which minimal character networks are often written.
    """
    one_hot = np.eye(len(params["c"]), dtype=params["U"].dtype)[tokens]
    inputs, targets = one_hot[:-1], one_hot[1:]
    states, probabilities, loss = [h0], [], 0.0
    for x, y in zip(inputs, targets, strict=True):
        h = np.tanh(x @ params["U"] + states[-1] @ params["W"] + params["b"])
        o = h @ params["V"] + params["c"]
        p = np.exp(o - o.max())
        p /= p.sum()
        loss -= float(np.log(p @ y))
        states.append(h)
        probabilities.append(p)
    gradients = {name: np.zeros_like(array) for name, array in params.items()}
    later = np.zeros_like(h0)
    for t in reversed(range(len(inputs))):
        do = probabilities[t] - targets[t]
        da = (params["V"] @ do + later) * (1 - states[t + 1] ** 2)
        gradients["V"] += np.outer(states[t + 1], do)
        gradients["c"] += do
        gradients["U"] += np.outer(inputs[t], da)
        gradients["W"] += np.outer(states[t], da)
        gradients["b"] += da
        later = params["W"] @ da
    return loss, states[-1], gradients


def one_hot_step(hw2: dict, run: dict, tokens: np.ndarray) -> None:
    """A training step by the one-hot loop; clipping and AdaGrad are the solution's own."""
    loss, run["h"], gradients = one_hot_gradients(run["params"], tokens, run["h"])
    hw2["adagrad_step"](run["params"], hw2["clip_by_value"](gradients, 5.0), run["memory"], 0.1)


def largest_difference(hw2: dict, tokens: np.ndarray) -> float:
    """How far the gradients of the two are apart, in float64."""
    rng = np.random.default_rng(1)
    params, h0 = hw2["random_parameters"](CLASSES, HIDDEN, rng, 0.1), rng.standard_normal(HIDDEN)
    ours = hw2["rnn_backward"](params, hw2["rnn_forward"](params, tokens, h0)[2])
    theirs = one_hot_gradients(params, tokens, h0)[2]
    return max(float(np.abs(ours[name] - theirs[name]).max()) for name in params)


def best_seconds(steps: dict[str, Callable[[], object]], rounds: int = 40, calls: int = 25) -> dict[str, float]:
    """Seconds of one call of each function: the best of several rounds, in which they take turns."""
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(rounds):
        for name, step in steps.items():
            started = time.perf_counter()
            for _ in range(calls):
                step()
            best[name] = min(best[name], (time.perf_counter() - started) / calls)
    return best


def main() -> None:
    """Print the rates of both in float64, numpy's default, and in float32, as in the full run."""
    hw2 = namespace(OWN.assignment("hw2_char_rnn"))
    text = np.random.default_rng(0).zipf(1.3, 200_000) % CLASSES
    print(f"largest difference of a gradient: {largest_difference(hw2, text[: STEPS + 1]):.1e}")
    steps: dict[str, Callable[[], object]] = {}
    for dtype in (np.float64, np.float32):
        name = np.dtype(dtype).name
        params = hw2["random_parameters"](CLASSES, HIDDEN, np.random.default_rng(0), dtype=dtype)
        run = {"params": params, "memory": {key: np.zeros_like(array) for key, array in params.items()}}
        steps[f"one-hot loop, {name}"] = partial(
            one_hot_step, hw2, run | {"h": np.zeros(HIDDEN, dtype)}, text[: STEPS + 1]
        )
        start = hw2["start_training"](CLASSES, HIDDEN, np.random.default_rng(0), STEPS, dtype)
        steps[f"notebook's step, {name}"] = partial(hw2["train_step"], start, text)
    seconds = best_seconds(steps)
    slowest = seconds["one-hot loop, float64"]
    for name, value in seconds.items():
        print(f"{name:25} {1 / value:7,.0f} steps a second, {slowest / value:4.1f} times the one-hot loop in float64")
    for name in ("float64", "float32"):
        ratio = seconds[f"one-hot loop, {name}"] / seconds[f"notebook's step, {name}"]
        print(f"ratio with both in {name}: {ratio:.1f}")


if __name__ == "__main__":
    main()
