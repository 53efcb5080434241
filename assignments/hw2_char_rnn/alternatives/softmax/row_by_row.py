from assignments.hw2_char_rnn.notebook import math, np


def softmax(z):
    rows = np.reshape(z, (-1, np.shape(z)[-1]))
    out = np.empty(rows.shape)
    for i, row in enumerate(rows):
        e = [math.exp(v - max(row)) for v in row]
        out[i] = [v / sum(e) for v in e]
    return out.reshape(np.shape(z))
