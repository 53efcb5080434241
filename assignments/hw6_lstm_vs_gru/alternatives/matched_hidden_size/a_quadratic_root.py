from assignments.hw6_lstm_vs_gru.notebook import math


def matched_hidden_size(rnn_type, parameters, vocab_size=10000, num_layers=2):
    gates = {"LSTM": 4, "GRU": 3}.get(rnn_type, 1)
    if rnn_type not in ("LSTM", "GRU", "RNN_TANH", "RNN_RELU"):
        raise ValueError(rnn_type)
    a, b, c = 2 * num_layers * gates, 2 * vocab_size + 2 * num_layers * gates, vocab_size - parameters
    root = (-b + math.sqrt(max(0, b * b - 4 * a * c))) / (2 * a)
    around = [width for width in range(int(root) - 2, int(root) + 4) if width >= 1] or [1]
    return min(around, key=lambda width: (abs(a * width * width + b * width + c), width))
