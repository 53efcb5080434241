from assignments.hw2_char_rnn.notebook import np


def clip_by_value(gradients, bound):
    for name in gradients:
        gradients[name][...] = np.minimum(np.maximum(gradients[name], -bound), bound)
    return gradients
