from assignments.hw3_lstm.notebook import np, sigmoid


def lstm_cell(x, h, c, params):
    both = np.concatenate([x, h], axis=1)
    W = np.hstack([np.vstack([params["W_x" + gate], params["W_h" + gate]]) for gate in "ifog"])
    a = both @ W + np.hstack([params["b_" + gate] for gate in "ifog"])
    n = h.shape[1]
    gates = sigmoid(a[:, : 3 * n])
    c_next = gates[:, :n] * np.tanh(a[:, 3 * n :]) + gates[:, n : 2 * n] * c
    return [gates[:, 2 * n :] * np.tanh(c_next), c_next]
