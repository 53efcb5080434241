from assignments.hw1_dropout_batchnorm.notebook import np


def fold_batch_norm(W, b, gamma, beta, running_mean, running_var, eps):
    def both(x):
        return gamma * (x @ W + b - running_mean) / np.sqrt(running_var + eps) + beta

    offset = both(np.zeros(len(W)))
    return [both(np.eye(len(W))) - offset, offset]
