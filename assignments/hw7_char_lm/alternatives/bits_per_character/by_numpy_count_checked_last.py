from assignments.hw7_char_lm.notebook import np


def bits_per_character(nll, characters):
    if not (characters >= 1):
        raise ValueError("no characters")
    return np.float64(nll) / (characters * np.log(2.0))
