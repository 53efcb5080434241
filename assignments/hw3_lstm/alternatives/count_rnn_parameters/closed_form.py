def count_rnn_parameters(rnn_type, input_size, hidden_size, num_layers, bias):
    blocks = dict(RNN=1, GRU=3, LSTM=4).get(rnn_type)
    if blocks is None:
        raise ValueError(f"no such type: {rnn_type}")
    if bias == "one":
        b = 1
    elif bias == "two":
        b = 2
    else:
        raise ValueError(bias or "empty")
    if not (input_size >= 1 and hidden_size >= 1 and num_layers >= 1):
        raise ValueError(str((input_size, hidden_size, num_layers)))
    matrices = input_size * hidden_size + (2 * num_layers - 1) * hidden_size**2
    return blocks * (matrices + b * num_layers * hidden_size)
