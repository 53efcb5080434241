def is_better(a, b):
    from scipy import stats

    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)}")
    d = [float(x) - float(y) for x, y in zip(a, b)]
    if len(d) < 2:
        return "not shown"
    if min(d) == max(d):
        return "not shown" if d[0] == 0 else ("yes" if d[0] < 0 else "no")
    low, high = stats.ttest_rel(a, b).confidence_interval(0.95)
    return "yes" if high < 0 else "no" if low > 0 else "not shown"
