from assignments.hw3_lstm.notebook import nn


def count_rnn_parameters(rnn_type, input_size, hidden_size, num_layers, bias):
    if rnn_type not in ("LSTM", "GRU", "RNN") or bias not in ("one", "two"):
        raise ValueError(f"{rnn_type}, {bias}")
    if min(input_size, hidden_size, num_layers) <= 0:
        raise ValueError("sizes")
    layers = getattr(nn, rnn_type)(input_size, hidden_size, num_layers, device="meta")
    return sum(w.numel() for name, w in layers.named_parameters() if bias == "two" or "bias_hh" not in name)
