from assignments.hw6_lstm_vs_gru.notebook import t_quantile


def is_better(a, b):
    import statistics

    d = [x - y for x, y in zip(a, b, strict=True)]
    if len(d) <= 1:
        return "not shown"
    error = statistics.stdev(d) / len(d) ** 0.5
    mean = statistics.fmean(d)
    if abs(mean) <= t_quantile(len(d) - 1) * error:
        return "not shown"
    return "yes" if mean < 0 else "no"
