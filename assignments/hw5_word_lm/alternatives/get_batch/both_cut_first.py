def get_batch(source, start, bptt):
    return source[:-1][start : start + bptt], source[1:][start : start + bptt]
