def batchify(ids, batch_size):
    if batch_size > ids.numel():
        raise ValueError(batch_size)
    steps = ids.size(0) // batch_size
    return ids.narrow(0, 0, steps * batch_size).reshape(batch_size, -1).T
