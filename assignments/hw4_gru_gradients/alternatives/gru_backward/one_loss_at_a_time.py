from assignments.hw4_gru_gradients.notebook import gru_cell, gru_cell_backward, np


def gru_backward(xs, targets, h0, params):
    caches, errors, h = [], [], h0
    for x, y in zip(xs, targets):
        h, cache = gru_cell(x, h, params)
        caches.append(cache)
        errors.append(h - y)
    total = {name: np.zeros(array.shape) for name, array in params.items()}
    for last, error in enumerate(errors):
        for cache in caches[last::-1]:
            _, error, gradients = gru_cell_backward(error, cache)
            total = {name: total[name] + gradients[name] for name in total}
    return total
