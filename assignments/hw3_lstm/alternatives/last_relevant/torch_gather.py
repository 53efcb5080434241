from assignments.hw3_lstm.notebook import torch


def last_relevant(outputs, lengths):
    lengths = torch.as_tensor(lengths)
    if bool((lengths < 1).any()):
        raise ValueError("a length under 1")
    index = (lengths - 1)[None, :, None].expand(1, -1, outputs.shape[2])
    return torch.from_numpy(outputs).gather(0, index)[0].numpy()
