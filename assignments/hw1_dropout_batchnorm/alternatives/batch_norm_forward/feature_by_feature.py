from assignments.hw1_dropout_batchnorm.notebook import np


def batch_norm_forward(x, gamma, beta, running_mean, running_var, momentum, eps, training):
    n, features = x.shape
    if training and n < 2:
        raise ValueError(f"{n} rows")
    y, normalised, roots = np.empty_like(x), np.empty_like(x), np.empty(features)
    for k in range(features):
        m, v = running_mean[k], running_var[k]
        if training:
            m = sum(x[:, k]) / n
            v = sum((value - m) ** 2 for value in x[:, k]) / n
            running_mean[k] = (1 - momentum) * running_mean[k] + momentum * m
            running_var[k] = (1 - momentum) * running_var[k] + momentum * v * n / (n - 1)
        roots[k] = (v + eps) ** 0.5
        normalised[:, k] = (x[:, k] - m) / roots[k]
        y[:, k] = gamma[k] * normalised[:, k] + beta[k]
    return y, (normalised, 1 / roots, gamma.copy(), training)
