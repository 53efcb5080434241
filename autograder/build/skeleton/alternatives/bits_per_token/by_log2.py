from assignments.ASSIGNMENT.notebook import math


def bits_per_token(total_nll, tokens):
    """Bits per token, from nats in all and a count of tokens. Raises ValueError without tokens."""
    if not tokens > 0:
        raise ValueError(tokens)
    return total_nll * math.log2(math.e) / tokens
