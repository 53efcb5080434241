from assignments.hw5_word_lm.notebook import math


def clip_by_norm(parameters, bound):
    parameters = [p for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(p.grad.double().pow(2).sum().item() for p in parameters))
    if norm > bound:
        for p in parameters:
            p.grad = p.grad * (bound / norm)
