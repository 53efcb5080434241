"""What the grader asks of `bits_per_token`: a mean in bits, and a ValueError where there are no tokens."""

from autograder.oracle import Case, Misconception, Question


def drawn(rng):
    """A sum of nats and a number of tokens."""
    return {"total_nll": float(rng.uniform(10, 1000)), "tokens": int(rng.integers(2, 500))}


QUESTION = Question(
    cases=[
        Case("values", "bits_per_token(total_nll, tokens)", drawn, weight=2),
        Case("one token", "bits_per_token(total_nll, 1)", drawn),
        Case("ValueError where there are no tokens", "bits_per_token(total_nll, 0)", drawn, raises=ValueError),
    ],
    misconceptions=[
        Misconception(
            "nats",
            " / math.log(2)",
            "",
            "This is the mean in nats: one bit is ln 2 nats.",
        ),
        Misconception(
            "the sum",
            "total_nll / tokens / math.log(2)",
            "total_nll / math.log(2)",
            "This is the sum over all tokens: divide by their number.",
        ),
    ],
)
