from assignments.hw3_lstm.notebook import np, torch


def pad(sequences, value):
    from torch.nn.utils.rnn import pad_sequence

    if len(sequences) == 0:
        raise ValueError("nothing to pad")
    arrays = [np.asarray(sequence) for sequence in sequences]
    like = max(arrays, key=len)
    tensors = [torch.tensor(array.astype(like.dtype).reshape(-1, *like.shape[1:])) for array in arrays]
    padded = pad_sequence(tensors, padding_value=value)
    return padded.numpy(), np.array([len(array) for array in arrays])
