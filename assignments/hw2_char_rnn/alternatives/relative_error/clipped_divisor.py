from assignments.hw2_char_rnn.notebook import np


def relative_error(a, b):
    a, b = np.atleast_1d(np.asarray(a, dtype=float)), np.atleast_1d(np.asarray(b, dtype=float))
    return np.max(np.absolute(b - a) / np.clip(np.absolute(a) + np.absolute(b), 1e-8, None))
