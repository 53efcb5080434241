from functools import reduce

from assignments.hw4_gru_gradients.notebook import gru_cell, gru_cell_backward, np


def last_step_gradients(xs, targets, h0, params):
    h, cache = reduce(lambda state, x: gru_cell(x, state[0], params), xs, (h0, None))
    gradients = gru_cell_backward(np.subtract(h, targets[-1]), cache)[-1]
    return {name: np.array(gradients[name]) for name in params}
