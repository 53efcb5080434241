from assignments.hw7_char_lm.notebook import math


def historical_perplexity(nll, characters):
    if characters <= 0:
        raise ValueError(characters)
    bits = nll / (characters * math.log(2))
    return 2 ** (5.6 * bits)
