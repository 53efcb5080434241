"""A program that both questions on numbers of parameters run."""

LSTM_OUTCOME = """
def outcome(*arguments):
    try:
        return count_lstm_parameters(*arguments)
    except ValueError:
        return "ValueError"
"""
