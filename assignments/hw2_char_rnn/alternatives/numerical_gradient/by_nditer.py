from assignments.hw2_char_rnn.notebook import np


def numerical_gradient(f, x, h):
    out = np.empty(x.shape)
    walk = np.nditer(x, flags=["multi_index"])
    for value in walk:
        keep = value.copy()
        values = []
        for side in (-1.0, 1.0):
            x[walk.multi_index] = keep + side * h
            values.append(float(f(x)))
        x[walk.multi_index] = keep
        out[walk.multi_index] = (values[1] - values[0]) / h / 2
    return out
