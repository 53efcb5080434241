from assignments.hw3_lstm.notebook import np


def last_relevant(outputs, lengths):
    if np.any(np.asarray(lengths) <= 0):
        raise ValueError(f"lengths {lengths}")
    last = np.arange(1, len(outputs) + 1)[:, None] == np.asarray(lengths)
    return np.sum(np.where(last[:, :, None], outputs, 0.0), axis=0)
