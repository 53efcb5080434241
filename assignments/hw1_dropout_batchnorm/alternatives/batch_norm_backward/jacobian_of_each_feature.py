from assignments.hw1_dropout_batchnorm.notebook import np


def batch_norm_backward(dy, cache):
    normalised, s, gamma, training = cache
    n, features = dy.shape
    dx = np.zeros((n, features))
    for k in range(features):
        jacobian = np.eye(n)
        if training:
            jacobian = jacobian - 1 / n - np.outer(normalised[:, k], normalised[:, k]) / n
        dx[:, k] = gamma[k] * s[k] * jacobian.T @ dy[:, k]
    return [dx, (dy * normalised).sum(0), dy.sum(0)]
