from assignments.hw5_word_lm.notebook import WordLM
from assignments.hw6_lstm_vs_gru.notebook import torch


def matched_hidden_size(rnn_type, parameters, vocab_size=10000, num_layers=2):
    def count(width):
        with torch.device("meta"):
            model = WordLM(rnn_type, vocab_size, width, width, num_layers, 0.0, False)
        return sum(parameter.numel() for parameter in model.parameters())

    low, high = 1, 2
    while count(high) < parameters:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= parameters else (low, middle)
    return low if abs(count(low) - parameters) <= abs(count(high) - parameters) else high
