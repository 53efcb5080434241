from assignments.hw2_char_rnn.notebook import np, rnn_forward


def bits_per_character(params, tokens):
    state, bits, count, start = np.zeros(len(params["b"])), 0.0, 0, 0
    while start < len(tokens) - 1:
        piece = tokens[start : start + 26]
        loss, state, _ = rnn_forward(params, piece, state)
        bits += loss / np.log(2)
        count += len(piece) - 1
        start += 25
    return float(bits / count)
