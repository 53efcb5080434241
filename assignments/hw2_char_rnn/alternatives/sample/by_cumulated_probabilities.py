from assignments.hw2_char_rnn.notebook import np, softmax


def sample(params, h0, first, length, rng, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    ids, h, x = np.zeros(length, dtype=np.int64), h0.copy(), first
    for t in range(length):
        h = np.tanh(params["U"][x] + np.dot(h, params["W"]) + params["b"])
        p = softmax((np.dot(h, params["V"]) + params["c"]) / temperature)
        x = ids[t] = min(np.searchsorted(np.cumsum(p), rng.random(), side="right"), len(p) - 1)
    return ids
