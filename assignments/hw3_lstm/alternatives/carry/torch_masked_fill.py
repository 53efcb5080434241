from assignments.hw3_lstm.notebook import np, torch


def carry(state, reset):
    if not isinstance(state, np.ndarray):
        return tuple(map(carry, state, [reset] * len(state)))
    mask = torch.as_tensor(np.asarray(reset)).reshape(-1, 1)
    return torch.from_numpy(state).masked_fill(mask, 0).numpy()
