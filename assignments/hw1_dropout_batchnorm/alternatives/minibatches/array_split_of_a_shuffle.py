from assignments.hw1_dropout_batchnorm.notebook import np


def minibatches(rows, batch_size, rng):
    if batch_size < 1:
        raise ValueError(f"batch_size {batch_size}")
    order = np.arange(rows)
    rng.shuffle(order)
    return np.array_split(order, range(batch_size, rows, batch_size)) if rows else []
