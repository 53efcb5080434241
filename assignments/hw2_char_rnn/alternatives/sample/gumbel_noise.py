from assignments.hw2_char_rnn.notebook import np


def sample(params, h0, first, length, rng, temperature):
    if temperature <= 0:
        raise ValueError(f"{temperature} is not positive")
    result = [first]
    h = h0
    while len(result) <= length:
        h = np.tanh(params["U"][result[-1]] + params["W"].T @ h + params["b"])
        o = params["V"].T @ h + params["c"]
        result.append(int(np.argmax(o / temperature + rng.gumbel(size=o.shape))))
    return result[1:]
