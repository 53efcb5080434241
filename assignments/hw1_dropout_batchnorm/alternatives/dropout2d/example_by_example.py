def dropout2d(x, p, training, rng):
    if not (p >= 0 and p <= 1):
        raise ValueError(f"p = {p}")
    y = x.copy()
    if not training:
        return y
    for example in y:
        for channel in example:
            if rng.random() < p:
                channel[...] = 0
            else:
                channel /= 1 - p
    return y
