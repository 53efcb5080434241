from assignments.hw7_char_lm.notebook import math


def word_perplexity(nll, words):
    if words <= 0:
        raise ValueError(f"{words} words")
    return 2 ** (nll / math.log(2) / words)
