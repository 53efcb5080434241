from assignments.hw1_dropout_batchnorm.notebook import np


def batch_norm_backward(dy, cache):
    normalised, s, gamma, training = cache
    n = len(dy)
    dnormalised = gamma * dy
    dc = dnormalised * s
    if training:
        c = normalised / s
        ds = (dnormalised * c).sum(axis=0)
        dv = -0.5 * s**3 * ds
        dc = dc + 2 / n * c * dv
        dc = dc - dc.sum(axis=0) / n
    return dc, np.einsum("nf,nf->f", dy, normalised), np.ones(n) @ dy
