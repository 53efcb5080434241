from assignments.hw2_char_rnn.notebook import math, np, rnn_forward


def bits_per_character(params, tokens):
    loss, _, _ = rnn_forward(params, tokens, np.zeros(params["W"].shape[0]))
    return loss / (len(tokens) - 1) / math.log(2)
