from assignments.hw2_char_rnn.notebook import np, softmax


def rnn_backward(params, cache):
    inputs, targets, states, scores = cache
    gradients = {name: np.zeros_like(array) for name, array in params.items()}
    da = np.zeros(states.shape[1])
    for t in range(len(inputs) - 1, -1, -1):
        do = softmax(scores[t])
        do[targets[t]] -= 1
        dh = params["V"] @ do + da @ params["W"].T
        da = dh * (1 - np.square(states[t + 1]))
        gradients["V"] += np.outer(states[t + 1], do)
        gradients["c"] += do
        gradients["U"][inputs[t]] += da
        gradients["W"] += np.outer(states[t], da)
        gradients["b"] += da
    return gradients
