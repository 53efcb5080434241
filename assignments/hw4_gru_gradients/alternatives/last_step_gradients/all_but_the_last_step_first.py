from assignments.hw4_gru_gradients.notebook import gru_cell, gru_cell_backward


def last_step_gradients(xs, targets, h0, params):
    *before, x = xs
    h = h0
    for earlier in before:
        h = gru_cell(earlier, h, params)[0]
    h_next, cache = gru_cell(x, h, params)
    return gru_cell_backward(h_next - targets[len(xs) - 1], cache)[2]
