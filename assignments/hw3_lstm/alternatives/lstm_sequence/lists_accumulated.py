from itertools import accumulate

from assignments.hw3_lstm.notebook import lstm_cell, np


def lstm_sequence(xs, h0, c0, params):
    states = list(accumulate(xs, lambda state, x: lstm_cell(x, *state, params), initial=(h0, c0)))
    return [np.array([h for h, _ in states[1:]]), list(states[-1])]
