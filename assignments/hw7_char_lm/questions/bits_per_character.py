"""What the grader asks of `bits_per_character`: a sum of nats as bits per character."""

from autograder.oracle import Misconception, Question

from ._measures import measure_cases

QUESTION = Question(
    cases=measure_cases("bits_per_character"),
    core="the measure of a total",
    misconceptions=[
        Misconception(
            "left in nats",
            " / math.log(2)",
            "",
            "The result is in nats per character, bits are nats divided by ln 2.",
        ),
        Misconception(
            "multiplied by ln 2",
            "/ math.log(2)",
            "* math.log(2)",
            "The nats were multiplied by ln 2; they should be divided by it.",
        ),
        Misconception(
            "perplexity per character",
            "return nll / characters / math.log(2)",
            "return math.exp(nll / characters)",
            "This is the perplexity per character; its logarithm to base 2 was asked for.",
        ),
        Misconception(
            "a logarithm of the total",
            "nll / characters / math.log(2)",
            "math.log2(nll) / characters if nll > 0 else 0.0",
            "The logarithm to base 2 was taken of the total, which is a sum of logarithms already: divide it by ln 2.",
        ),
        Misconception(
            "count not checked",
            "if not characters > 0:",
            "if characters == 0:",
            "A negative count should be refused with a ValueError, as zero is.",
        ),
    ],
)
