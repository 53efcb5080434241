from assignments.hw4_gru_gradients.notebook import gru_cell, np


def gru_loss(xs, targets, h0, params):
    if len(xs) == 0:
        return np.float64(0)
    h = gru_cell(xs[0], h0, params)[0]
    return np.linalg.norm(h - targets[0]) ** 2 / 2 + gru_loss(xs[1:], targets[1:], h, params)
