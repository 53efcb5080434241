from assignments.hw3_lstm.notebook import np


def pad(sequences, value):
    if len(sequences) < 1:
        raise ValueError(f"got {sequences}")
    lengths = np.asarray([len(sequence) for sequence in sequences])
    example = np.asarray(sequences[int(lengths.argmax())])
    padded = np.empty((len(example), len(sequences)) + example.shape[1:], example.dtype)
    for t in range(len(example)):
        for b, sequence in enumerate(sequences):
            padded[t, b] = sequence[t] if t < lengths[b] else value
    return [padded, lengths]
