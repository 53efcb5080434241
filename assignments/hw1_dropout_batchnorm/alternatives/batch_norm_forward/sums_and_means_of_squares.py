from assignments.hw1_dropout_batchnorm.notebook import np


def batch_norm_forward(x, gamma, beta, running_mean, running_var, momentum, eps, training):
    rows = x.shape[0]
    if training and rows < 2:
        raise ValueError(f"one row has no spread, got {rows}")
    center, spread = running_mean.copy(), running_var.copy()
    if training:
        center = np.ones(rows) @ x / rows
        spread = ((x - center) ** 2).sum(axis=0) / rows
        for kept, new in ((running_mean, center), (running_var, spread * rows / (rows - 1))):
            kept *= 1 - momentum
            kept += momentum * new
    deviation = np.sqrt(spread + eps)
    normalised = (x - center) / deviation
    return normalised * gamma + beta, (normalised, 1 / deviation, gamma, training)
