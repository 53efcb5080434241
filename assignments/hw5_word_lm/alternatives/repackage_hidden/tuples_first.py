def repackage_hidden(h):
    if type(h) is tuple:
        return tuple(map(repackage_hidden, h))
    return h.data
