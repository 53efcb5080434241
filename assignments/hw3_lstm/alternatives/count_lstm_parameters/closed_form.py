def count_lstm_parameters(input_size, hidden_size, num_layers, bias):
    if bias == "one":
        b = 1
    elif bias == "two":
        b = 2
    else:
        raise ValueError(bias or "empty")
    if not (input_size >= 1 and hidden_size >= 1 and num_layers >= 1):
        raise ValueError(str((input_size, hidden_size, num_layers)))
    matrices = input_size * hidden_size + (2 * num_layers - 1) * hidden_size**2
    return 4 * (matrices + b * num_layers * hidden_size)
