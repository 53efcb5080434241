"""What judges of several questions compare. Random functions are judged by properties and distribution.

False alarms: every count of independent draws must lie within six standard deviations (normal tail 2e-9) of its mean;
there are at most ten such counts a question, so a right answer fails with a chance under 1e-7. Counts per row or column
are held to 7.5 deviations: exact binomial tails (90 to 200 draws, 0.2 <= p <= 0.5) under 2e-11 each, 560 of them.
"""

import numpy as np


def off(count, draws, chance, deviations=6.0):
    """Whether a count of independent draws is too far from its mean."""
    return abs(count - draws * chance) > deviations * np.sqrt(draws * chance * (1 - chance)) + 1e-9


def parts(value, count):
    """Whether a value is a list or a tuple of so many entries."""
    return isinstance(value, (list, tuple)) and len(value) == count


MISCOUNTED = "another number of results came back than was asked for"


def misshaped(value, *shape):
    """A reason when a value is no finite float64 array of this shape."""
    if not isinstance(value, np.ndarray):
        return "a numpy array was expected"
    if value.shape != shape:
        return f"shape {value.shape} came back, {shape} was expected"
    if value.dtype != np.float64:
        return f"dtype {value.dtype} came back, float64 was expected"
    return None if np.all(np.isfinite(value)) else "nan or infinity where finite numbers are expected"


def cross_entropy(logits, targets):
    """Mean cross-entropy and its gradient with respect to the logits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    probabilities = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    rows = np.arange(len(logits))
    loss = float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[rows, targets]))
    probabilities[rows, targets] -= 1
    return loss, probabilities / len(logits)


def near(value, expected, relative=1e-6, absolute=1e-9):
    """Whether numbers agree; whatever is no number does not."""
    same_kind = isinstance(value, (int, float, np.ndarray)) and np.shape(value) == np.shape(expected)
    return same_kind and bool(np.allclose(value, expected, rtol=relative, atol=absolute))
