from assignments.hw6_lstm_vs_gru.notebook import np


def matched_hidden_size(rnn_type, parameters, vocab_size=10000, num_layers=2):
    try:
        blocks = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}[rnn_type]
    except KeyError:
        raise ValueError(f"unknown type {rnn_type}") from None
    widths = np.arange(1, 5001)
    counts = (2 * widths + 1) * vocab_size + 2 * num_layers * blocks * widths * (widths + 1)
    return widths[np.abs(counts - parameters).argmin()]
