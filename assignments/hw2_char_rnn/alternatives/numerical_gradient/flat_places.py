from assignments.hw2_char_rnn.notebook import np


def numerical_gradient(f, x, h):
    result = []
    for flat in range(x.size):
        place = np.unravel_index(flat, x.shape)
        keep = x[place]
        x[place] = keep + h
        up = f(x)
        x[place] = keep - h
        down = f(x)
        x[place] = keep
        result.append((up - down) / (2 * h))
    return np.array(result).reshape(x.shape)
