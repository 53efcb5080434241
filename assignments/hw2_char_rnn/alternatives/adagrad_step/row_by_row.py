from assignments.hw2_char_rnn.notebook import np


def adagrad_step(params, gradients, memory, learning_rate):
    for name in params:
        rows = (np.atleast_2d(array[name]) for array in (params, gradients, memory))
        for p, g, m in zip(*rows, strict=True):
            m += g * g
            p -= learning_rate * g / np.sqrt(m + 1e-8)
