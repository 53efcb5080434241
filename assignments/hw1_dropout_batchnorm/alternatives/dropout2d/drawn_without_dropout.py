from assignments.hw1_dropout_batchnorm.notebook import np


def dropout2d(x, p, training, rng):
    if not 0 <= p <= 1:
        raise ValueError(f"p = {p}")
    if not training:
        return x
    kept = rng.random(x.shape[:2] + (1, 1)) >= p
    return np.where(kept, x / (1 - p if p < 1 else 1.0), 0.0)
