from assignments.hw3_lstm.notebook import count_lstm_parameters


def count_rnn_parameters(rnn_type, input_size, hidden_size, num_layers, bias):
    quarters = dict(RNN=1, GRU=3, LSTM=4).get(rnn_type)
    if quarters is None:
        raise ValueError(f"no such type: {rnn_type}")
    return quarters * count_lstm_parameters(input_size, hidden_size, num_layers, bias) // 4
