def count_rnn_parameters(rnn_type, input_size, hidden_size, num_layers, bias):
    if rnn_type == "LSTM":
        blocks = ["input", "forget", "output", "candidate"]
    elif rnn_type == "GRU":
        blocks = ["update", "reset", "candidate"]
    elif rnn_type == "RNN":
        blocks = ["state"]
    else:
        raise ValueError(f"type {rnn_type!r}")
    if bias not in {"one", "two"}:
        raise ValueError(f"bias {bias!r}")
    if any(size < 1 for size in (input_size, hidden_size, num_layers)):
        raise ValueError("a size under 1")
    total, inputs = 0, input_size
    for _ in range(num_layers):
        for _ in blocks:
            total += (inputs + hidden_size) * hidden_size + hidden_size
            if bias == "two":
                total += hidden_size
        inputs = hidden_size
    return total
