from assignments.hw3_lstm.notebook import np


def carry(state, reset):
    def one(part):
        part = part.copy()
        for row in range(len(part)):
            if reset if isinstance(reset, (bool, np.bool_)) else reset[row]:
                part[row] = 0
        return part

    if isinstance(state, tuple):
        h, c = state
        return one(h), one(c)
    return one(state)
