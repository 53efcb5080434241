from assignments.hw7_char_lm.notebook import torch


def word_perplexity(nll, words):
    if words < 1:
        raise ValueError(words)
    return torch.tensor(nll / words, dtype=torch.float64).exp().item()
