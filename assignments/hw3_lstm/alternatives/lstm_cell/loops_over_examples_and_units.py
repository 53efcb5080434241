import math

from assignments.hw3_lstm.notebook import np


def lstm_cell(x, h, c, params):
    def logistic(a):
        return 1 / (1 + math.exp(-a)) if a > 0 else math.exp(a) / (1 + math.exp(a))

    h_next, c_next = np.empty(h.shape), np.empty(c.shape)
    for i in range(len(x)):
        for j in range(h.shape[1]):
            a = {}
            for gate in ("i", "f", "o", "g"):
                a[gate] = params["b_" + gate][j]
                a[gate] += sum(x[i, k] * params["W_x" + gate][k, j] for k in range(x.shape[1]))
                a[gate] += sum(h[i, k] * params["W_h" + gate][k, j] for k in range(h.shape[1]))
            c_next[i, j] = logistic(a["i"]) * math.tanh(a["g"]) + logistic(a["f"]) * c[i, j]
            h_next[i, j] = logistic(a["o"]) * math.tanh(c_next[i, j])
    return h_next, c_next
