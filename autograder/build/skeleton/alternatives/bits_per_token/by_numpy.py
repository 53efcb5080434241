from assignments.ASSIGNMENT.notebook import np


def bits_per_token(total_nll, tokens):
    """Bits per token, from nats in all and a count of tokens. Raises ValueError without tokens."""
    if tokens < 1:
        raise ValueError(tokens)
    return np.float64(total_nll) / (np.log(2) * tokens)
