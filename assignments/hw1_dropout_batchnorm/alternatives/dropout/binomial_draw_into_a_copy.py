from assignments.hw1_dropout_batchnorm.notebook import np


def dropout(x, p, training, rng):
    if not (p >= 0 and p <= 1):
        raise ValueError("p must lie between 0 and 1")
    y = np.array(x)
    if training:
        gone = rng.binomial(1, p, size=x.shape).astype(bool)
        y[gone] = 0
        y[~gone] /= max(1 - p, 1e-300)
    return y
