"""What the grader asks of `historical_perplexity`: a sum of nats as a perplexity per word with the exponent 5.6."""

from autograder.oracle import Misconception, Question

from ._measures import measure_cases

QUESTION = Question(
    cases=measure_cases("historical_perplexity"),
    core="the measure of a total",
    misconceptions=[
        Misconception(
            "the exponent of one text",
            "5.6 * nll",
            "5.3287 * nll",
            "5.3287 symbols per word are counted on one validation text; the historical rule takes 5.6 for every text.",
        ),
        Misconception(
            "base 2 with nats",
            "math.exp(5.6 * nll / characters)",
            "2 ** (5.6 * nll / characters)",
            "2 is raised to nats, but a total in nats belongs to base e.",
        ),
        Misconception(
            "divided by 5.6",
            "5.6 * nll / characters",
            "nll / characters / 5.6",
            "The nats per character were divided by 5.6, but a word has more characters than one: multiply.",
        ),
        Misconception(
            "no exponent",
            "5.6 * nll / characters",
            "nll / characters",
            "This is the perplexity per character, the exponent 5.6 is missing.",
        ),
        Misconception(
            "count not checked",
            "if not characters > 0:",
            "if characters == 0:",
            "A negative count should be refused with a ValueError, as zero is.",
        ),
        Misconception(
            "base e with bits",
            "math.exp(5.6 * nll / characters)",
            "math.exp(5.6 * nll / characters / math.log(2))",
            "e is raised to bits, but a number of bits belongs to base 2, and one of nats to base e.",
        ),
    ],
)
