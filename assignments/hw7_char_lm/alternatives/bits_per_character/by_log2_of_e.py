from assignments.hw7_char_lm.notebook import math


def bits_per_character(nll, characters):
    if characters <= 0:
        raise ValueError(characters)
    return (nll * math.log2(math.e)) / characters
