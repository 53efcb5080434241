from assignments.hw2_char_rnn.notebook import np, softmax


def rnn_backward(params, cache):
    inputs, targets, states, scores = cache
    x, y = np.eye(len(params["U"]))[inputs], np.eye(len(params["U"]))[targets]
    do = softmax(scores) - y
    da = np.zeros_like(states[1:])
    for t in reversed(range(len(y))):
        dh = do[t] @ params["V"].T
        if t + 1 < len(y):
            dh = dh + da[t + 1] @ params["W"].T
        da[t] = dh * (1.0 - states[t + 1] * states[t + 1])
    ones = np.ones(len(y))
    return {"U": x.T @ da, "W": states[:-1].T @ da, "V": states[1:].T @ do, "b": ones @ da, "c": ones @ do}
