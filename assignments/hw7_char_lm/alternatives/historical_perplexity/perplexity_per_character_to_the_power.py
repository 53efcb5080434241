from assignments.hw7_char_lm.notebook import np


def historical_perplexity(nll, characters):
    if not characters > 0:
        raise ValueError("characters")
    return np.exp(nll / characters) ** 5.6
