"""What the grader asks of `decode`: which tokens come back, and when the model is no longer asked."""

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.programs import numpy_numbers


def script(tokens, *, limit=20, first=7, eos=9):
    """Draws what a scripted model says. tokens: a sign for each place.

    "f": the first token, "e": the end, ".": any other.
    """

    def draw(rng):
        named = {"e": eos, "f": first}
        said = [named.get(sign) or int(rng.choice([1, 2, 4, 6, 8, 10, 11, 12])) for sign in tokens]
        return {"said": said, "first": first, "eos": eos, "limit": limit}

    return draw


# A wrong token or state makes the model say 0 from there on. The script ends in tokens, so that going on shows too.
TOKENS = """
calls = []
def step(token, state):
    calls.append(int(token))
    place, before = state
    right = place < len(said) and token == before
    answer = said[place] if right else 0
    return answer, (place + 1, answer)
results = [int(token) for token in decode(step, (0, first), first, eos, limit)]
"""
SCORES = """
import numpy
calls = []
def step(token, state):
    calls.append(int(token))
    place, before = state
    right = place < len(said) and token == before
    answer = said[place] if right else 0
    scores = numpy.linspace(-5.0, -4.0, 13)
    scores[answer] = -1.0
    scores[answer + 1 :: 2] = -1.0
    return scores, (place + 1, answer)
results = [int(token) for token in decode(step, (0, first), first, eos, limit)]
"""

QUESTION = Question(
    cases=[
        Case(
            "tokens until the end, and no call after it",
            TOKENS + "(results, calls)",
            script("....e..e.."),
            weight=3,
            core=True,
        ),
        Case(
            "scores until the end, the first of equal ones",
            SCORES + "(results, calls)",
            script("...e..e."),
            weight=3,
            core=True,
        ),
        Case("the limit comes before the end", TOKENS + "(results, len(calls) <= limit)", script("......e.", limit=4)),
        Case("the limit is just reached, with scores", SCORES + "results", script(".....e..", limit=5), weight=0.5),
        Case(
            "the end comes at once, the limit is 0 or 1, and no call after it",
            TOKENS
            + """
limits = []
for most, model in ((0, said), (1, said), (3, [eos] + said)):
    said = model
    limits.append(([int(token) for token in decode(step, (0, first), first, eos, most)], len(calls)))
(limits, results)
""",
            script("...e."),
        ),
        Case("the model writes the first token again", TOKENS + "(results, calls)", script("..f.f.e.")),
        Case(
            "the first token equals the end token", TOKENS + "(results, calls)", script("...e..", first=9), weight=0.5
        ),
        Case(
            "the same when called twice",
            TOKENS + "again = [int(token) for token in decode(step, (0, first), first, eos, limit)]\n(results, again)",
            script("..e..."),
            weight=0.5,
        ),
        Case(
            "numbers of numpy",
            numpy_numbers("first", "eos", "limit") + TOKENS + "(results, calls)",
            script("..e.."),
            weight=0.5,
        ),
        Case("tokens of a large vocabulary", TOKENS + "(results, calls)", script("..e..", eos=9_000), weight=0.5),
    ],
    equivalent=[
        Equivalent(r"!= limit", "The count goes up by one, so it meets the limit."),
        Equivalent(r"np\.ndim\(answer\) <= 0", "A number of axes is never negative."),
        Equivalent(r"else np\.argmax", "A numpy whole number is as good as Python's."),
    ],
    core="tokens, given or the best by their scores, up to the end token, and no call after it",
    misconceptions=[
        Misconception(
            "end token kept",
            "        if token == eos:\n            break\n        tokens.append(token)",
            "        tokens.append(token)\n        if token == eos:\n            break",
            "The end token is in the list; it ends the output and is not part of it.",
        ),
        Misconception(
            "first token kept",
            "    return tokens",
            "    return [first, *tokens]",
            "The list begins with the first token; it is given to the model and is not part of its output.",
        ),
        Misconception(
            "every token equal to first dropped",
            "        tokens.append(token)",
            "        tokens.append(token)\n    tokens = [token for token in tokens if token != first]",
            "Every token equal to the first one is missing; only the one that was given stays out, not those that the "
            "model writes.",
        ),
        Misconception(
            "first token fed at every step",
            "state = step(token, state)",
            "state = step(first, state)",
            "The model is given the first token at every step; each token that it says goes into the next step.",
        ),
        Misconception(
            "state not passed on",
            "answer, state = step(token, state)",
            "answer, _ = step(token, state)",
            "Every step gets the state of the start; the new state goes into the next step.",
        ),
        Misconception(
            "one token too many",
            "while len(tokens) < limit:",
            "while len(tokens) <= limit:",
            "There is one token more than the limit allows.",
        ),
        Misconception(
            "limit not kept",
            "while len(tokens) < limit:",
            "while len(tokens) < 1000:",
            "The limit is not kept; a model that never says the end would write on and on.",
        ),
        Misconception(
            "stopped before it began",
            "while len(tokens) < limit:",
            "while len(tokens) < limit and token != eos:",
            "Nothing is written where the first token equals the end token; only what the model says can end it.",
        ),
        Misconception(
            "end skipped",
            "            break",
            "            if sum(1 for _ in tokens) + 1 == limit:\n                break\n            limit -= 1\n"
            "            continue",
            "The end token is left out, but writing goes on after it; it ends there, and the model is not asked again.",
        ),
        Misconception(
            "last of equal scores",
            "int(np.argmax(answer))",
            "int(len(answer) - 1 - np.argmax(np.asarray(answer)[::-1]))",
            "Of equal scores the last is taken; the first of the largest counts.",
        ),
        Misconception(
            "smallest score",
            "int(np.argmax(answer))",
            "int(np.argmin(answer))",
            "The token with the smallest score is taken; scores are the higher the better.",
        ),
        Misconception(
            "tokens only",
            "token = answer if np.ndim(answer) == 0 else int(np.argmax(answer))",
            "token = answer",
            "Scores are taken for a token; a model may answer with either.",
        ),
        Misconception(
            "scores only",
            "token = answer if np.ndim(answer) == 0 else int(np.argmax(answer))",
            "token = int(np.argmax(answer))",
            "Tokens are taken for scores; a model may answer with either.",
        ),
    ],
)
