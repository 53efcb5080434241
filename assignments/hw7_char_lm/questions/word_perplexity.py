"""What the grader asks of `word_perplexity`: a sum of nats as a perplexity per word."""

from autograder.oracle import Misconception, Question

from ._measures import measure_cases

QUESTION = Question(
    cases=measure_cases("word_perplexity"),
    core="the measure of a total",
    misconceptions=[
        Misconception(
            "base 2 with nats",
            "math.exp(nll / words)",
            "2 ** (nll / words)",
            "2 is raised to nats per word, but a total in nats belongs to base e.",
        ),
        Misconception(
            "5.6 characters to a word",
            "math.exp(nll / words)",
            "math.exp(5.6 * nll / words)",
            "The exponent 5.6 has no part in this measure: the words themselves are counted.",
        ),
        Misconception(
            "bits per word",
            "math.exp(nll / words)",
            "nll / words / math.log(2)",
            "These are bits per word; the perplexity is the exponential of nats per word.",
        ),
        Misconception(
            "count not checked",
            "if not words > 0:",
            "if words == 0:",
            "A negative count should be refused with a ValueError, as zero is.",
        ),
    ],
)
