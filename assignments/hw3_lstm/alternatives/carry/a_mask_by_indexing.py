from assignments.hw3_lstm.notebook import np


def carry(state, reset):
    parts = state if isinstance(state, tuple) else (state,)
    rows = np.zeros(len(parts[0]), dtype=bool)
    rows[...] = reset
    started = []
    for part in parts:
        start = np.array(part)
        start[rows, :] = 0.0
        started.append(start)
    return tuple(started) if isinstance(state, tuple) else started[0]
