from assignments.hw2_char_rnn.notebook import np, softmax


def sample(params, h0, first, length, rng, temperature):
    if temperature <= 0:
        raise ValueError("not positive")

    def step(h, x):
        h = np.tanh(params["U"][x] + h @ params["W"] + params["b"])
        p = softmax((h @ params["V"] + params["c"]) / temperature)
        return h, int(rng.multinomial(1, p).argmax())

    out = []
    h, x = h0, first
    for _ in range(length):
        h, x = step(h, x)
        out += [x]
    return out
