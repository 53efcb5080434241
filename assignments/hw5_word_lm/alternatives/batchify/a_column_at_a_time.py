from assignments.hw5_word_lm.notebook import torch


def batchify(ids, batch_size):
    steps = len(ids) // batch_size
    if steps == 0:
        raise ValueError("too few ids")
    return torch.stack([ids[column * steps : (column + 1) * steps] for column in range(batch_size)], dim=1)
