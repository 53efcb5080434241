from assignments.hw1_dropout_batchnorm.notebook import np


def minibatches(rows, batch_size, rng):
    if batch_size < 1:
        raise ValueError(str(batch_size))
    left = list(np.argsort(rng.random(rows)))
    batches = []
    while left:
        batches.append(np.array(left[:batch_size]))
        left = left[batch_size:]
    return batches
