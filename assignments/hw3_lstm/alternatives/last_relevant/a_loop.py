from assignments.hw3_lstm.notebook import np


def last_relevant(outputs, lengths):
    found = []
    for b, length in enumerate(lengths):
        if length < 1:
            raise ValueError(f"length {length} of sequence {b}")
        found.append(outputs[int(length) - 1, b])
    return np.array(found)
