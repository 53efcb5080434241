from assignments.hw6_lstm_vs_gru.notebook import np


def is_better(a, b):
    from scipy import stats

    if len(a) != len(b):
        raise ValueError("as many of the one as of the other")
    differences = np.subtract(a, b)
    if len(differences) < 2 or not differences.any():
        return "not shown"
    if stats.ttest_1samp(differences, 0).pvalue >= 0.05:
        return "not shown"
    return "yes" if differences.sum() < 0 else "no"
