import math

from assignments.hw4_gru_gradients.notebook import np


def gru_cell(x, h, params):
    def logistic(a):
        return 1 / (1 + math.exp(-a)) if a > 0 else math.exp(a) / (1 + math.exp(a))

    batch, hidden_size = h.shape
    z, r, g = np.empty((batch, hidden_size)), np.empty((batch, hidden_size)), np.empty((batch, hidden_size))
    for i in range(batch):
        for gate, name in ((z, "z"), (r, "r")):
            for j in range(hidden_size):
                a = params[f"b_{name}"][j]
                a += sum(x[i, k] * params[f"W_x{name}"][k, j] for k in range(x.shape[1]))
                a += sum(h[i, k] * params[f"W_h{name}"][k, j] for k in range(hidden_size))
                gate[i, j] = logistic(a)
        for j in range(hidden_size):
            a = params["b_g"][j] + sum(x[i, k] * params["W_xg"][k, j] for k in range(x.shape[1]))
            a += sum(r[i, k] * h[i, k] * params["W_hg"][k, j] for k in range(hidden_size))
            g[i, j] = math.tanh(a)
    return z * h + (1 - z) * g, (x, h, z, r, g, params)
