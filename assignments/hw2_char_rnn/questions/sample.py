"""What the grader asks of `sample`: tokens drawn by the network's probabilities from the generator that is passed."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.programs import numpy_numbers

from ._draws import parameters
from ._libraries import NUMPY_ALONE
from ._sampling import distribution, judge_generator, judge_starts, judge_stream


def to_sample(temperature: float, length: int = 2000, scale: float = 1.0):
    """A draw of a network whose state matters, and of where the sample starts."""

    def draw(rng: np.random.Generator) -> dict:
        return {
            "params": parameters(rng, 7, 4, scale),
            "h0": 2 * rng.standard_normal(4),
            "first": int(rng.integers(7)),
            "length": length,
            "count": 1500,
            "temperature": temperature,
            "seed": int(rng.integers(2**31)),
        }

    return draw


def start_matters(rng: np.random.Generator) -> dict:
    """As `to_sample`, drawn again until the first token's probabilities with h0 are far from those with zeros."""
    while True:
        drawn = to_sample(1.0)(rng)
        params, h0, first = drawn["params"], drawn["h0"], drawn["first"]
        with_h0, without = (distribution(params, h, first, 1.0)[0] for h in (h0, 0 * h0))
        if np.abs(with_h0 - without).max() > 0.3:
            return drawn


SAMPLE_START = "import numpy\nrng = numpy.random.default_rng(seed)\n"
SAMPLE_STREAM = SAMPLE_START + "[int(k) for k in sample(params, h0, first, length, rng, temperature)]"
SAMPLE_PAIRS = SAMPLE_START + "[[int(k) for k in sample(params, h0, first, 2, rng, temperature)] for _ in range(count)]"

QUESTION = Question(
    cases=[
        Case(
            "frequencies in a long sample", SAMPLE_STREAM, to_sample(1.0, 9000), weight=2, judge=judge_stream, core=True
        ),
        Case("frequencies of the first two tokens", SAMPLE_PAIRS, start_matters, 2, judge=judge_starts, core=True),
        Case("a temperature under 1", SAMPLE_STREAM, to_sample(0.5), judge=judge_stream, core=True),
        Case("a temperature above 1", SAMPLE_STREAM, to_sample(3.0, scale=2.0), judge=judge_stream, core=True),
        Case("a temperature next to 0: the most probable token each time", SAMPLE_STREAM, to_sample(1e-9, 12)),
        Case("a very high temperature: all tokens alike", SAMPLE_STREAM, to_sample(1e9), judge=judge_stream),
        Case(
            "the generator moves on, and nothing else does",
            """
import numpy
def draw(rng):
    return [int(k) for k in sample(params, h0, first, length, rng, temperature)]
before = {name: array.copy() for name, array in params.items()}, h0.copy()
rng = numpy.random.default_rng(seed)
one, other, later = draw(rng), draw(numpy.random.default_rng(seed)), draw(rng)
same = all(bool((before[0][name] == params[name]).all()) for name in params)
[one, other, later, same and bool((before[1] == h0).all())]
""",
            to_sample(2.0, 80, scale=0.3),
            judge=judge_generator,
        ),
        Case(
            "temperatures that are not positive, and none or one token asked",
            """
import numpy
results = []
for wrong in (0.0, -0.5, -1e9, 0.7):
    try:
        results.append(len(sample(params, h0, first, 1, numpy.random.default_rng(seed), wrong)))
    except ValueError:
        results.append("ValueError")
results + [len(sample(params, h0, first, 0, numpy.random.default_rng(seed), 1.0))]
""",
            to_sample(1.0),
        ),
        Case(
            "numbers of numpy",
            numpy_numbers("first", "length", "temperature")
            + "[int(k) for k in sample(params, h0, first, length, numpy.random.default_rng(seed), temperature)]",
            to_sample(1e-9, 7),
            weight=0.5,
        ),
    ],
    equivalent=[
        Equivalent(r"token = rng\.choice", "A numpy whole number is as good as Python's."),
        Equivalent(
            r"temperature >= 0", "At 0 the probabilities are nan, which rng.choice refuses with the same error."
        ),
    ],
    core="tokens drawn with the network's probabilities at the temperature that is asked for",
    misconceptions=[
        Misconception(
            "argmax",
            "int(rng.choice(len(scores), p=softmax(scores / temperature)))",
            "int(np.argmax(softmax(scores / temperature)))",
            "The most probable token is taken each time: draw by the probabilities.",
        ),
        Misconception(
            "temperature multiplied",
            "scores / temperature",
            "scores * temperature",
            "The scores are multiplied by the temperature: they are divided by it.",
        ),
        Misconception(
            "temperature without effect",
            "softmax(scores / temperature)",
            "softmax(scores)",
            "The probabilities are divided by the temperature, which changes nothing: it is the scores that are "
            "divided by it.",
        ),
        Misconception(
            "temperature on the probabilities",
            "softmax(scores / temperature)",
            "softmax(softmax(scores) / temperature)",
            "The temperature divides probabilities: it divides the scores, before the softmax.",
        ),
        Misconception(
            "first among the results",
            "h, token, drawn = h0, first, []\n    for _ in range(length):",
            "h, token, drawn = h0, first, [first][:length]\n    for _ in range(length - 1):",
            "What is fed in first stands among the results: only drawn tokens do.",
        ),
        Misconception(
            "not fed back",
            "token = int(rng.choice(len(scores), p=softmax(scores / temperature)))\n        drawn.append(token)",
            "drawn.append(int(rng.choice(len(scores), p=softmax(scores / temperature))))",
            "What was drawn is not fed in at the next step.",
        ),
        Misconception(
            "starting state ignored",
            "h, token, drawn = h0, first, []",
            "h, token, drawn = 0 * h0, first, []",
            "The state starts from zero: h0 is the state before the first step.",
        ),
        Misconception(
            "state not carried",
            '        h = np.tanh(params["U"][token] + h @ params["W"] + params["b"])\n        scores = h @',
            '        scores = np.tanh(params["U"][token] + h0 @ params["W"] + params["b"]) @',
            "Each step starts again from h0: carry the state on.",
        ),
        Misconception(
            "own generator",
            "rng.choice(",
            "np.random.default_rng(0).choice(",
            "The function draws from a generator of its own: draw from rng.",
        ),
        Misconception(
            "any temperature",
            "if not temperature > 0:",
            "if temperature == 0:",
            "A negative temperature is not refused: any that is not positive is a ValueError.",
        ),
    ],
    builds_on=("softmax",),
    forbids=NUMPY_ALONE,
)
