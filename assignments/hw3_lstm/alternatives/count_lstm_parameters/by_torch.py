from assignments.hw3_lstm.notebook import nn


def count_lstm_parameters(input_size, hidden_size, num_layers, bias):
    if bias not in ("one", "two"):
        raise ValueError(f"no such bias: {bias}")
    for size in (input_size, hidden_size, num_layers):
        if size < 1:
            raise ValueError(f"a size under 1: {size}")
    named = nn.LSTM(input_size, hidden_size, num_layers, device="meta").named_parameters()
    return sum(weight.numel() for name, weight in named if bias == "two" or not name.startswith("bias_hh"))
