"""What the grader asks of `bits_per_character`: a mean over all predicted tokens, the state carried."""

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.cases import pure, reordered

from ._draws import network
from ._libraries import NUMPY_ALONE

BITS = "bits_per_character(params, tokens)"

QUESTION = Question(
    cases=[
        Case("a short text", BITS, network(5, 4, 30), weight=2, core=True),
        Case("two tokens", BITS, network(4, 3, 1)),
        Case("a long text, the state carried", BITS, network(5, 6, 3300, scale=0.8), weight=2, core=True),
        Case(
            "a text of 1001 tokens and one of 1002",
            f"[{BITS}, bits_per_character(params, tokens[:-1])]",
            network(3, 4, 1001),
        ),
        Case("a text of 25,000 tokens", BITS, network(3, 2, 25_000), weight=0.5),
        Case("tokens in a list", "bits_per_character(params, tokens.tolist())", network(6, 3, 12)),
        pure(BITS, network(4, 5, 60)),
        Case("the entries of params in another order", BITS, reordered(network(4, 4, 9)), weight=0.5),
    ],
    core="the mean over all predicted characters, with the state carried",
    misconceptions=[
        Misconception(
            "nats",
            "((len(tokens) - 1) * np.log(2))",
            "(len(tokens) - 1)",
            "The result is in nats: divide by ln 2 for bits.",
        ),
        Misconception(
            "the first counted too",
            "((len(tokens) - 1) * np.log(2))",
            "(len(tokens) * np.log(2))",
            "The sum is divided by the number of tokens: the first one is not predicted, so it does not count.",
        ),
        Misconception(
            "state dropped between pieces",
            "loss, h, _ =",
            "loss, _, _ =",
            "The state starts from zero again in each piece: carry it from piece to piece.",
        ),
        Misconception(
            "gaps between pieces",
            "tokens[start : start + 1001], h)",
            "tokens[start : start + 1000], h)",
            "The token between two pieces is never predicted: a piece starts with the last token of the one before.",
        ),
        Misconception(
            "mean of the pieces' means",
            "        total += loss\n    return total / ((len(tokens) - 1) * np.log(2))",
            "        total += loss / (len(tokens[start : start + 1001]) - 1)\n"
            "    return total / (len(range(0, len(tokens) - 1, 1000)) * np.log(2))",
            "This is the mean of the pieces' means, in which a short last piece counts as much as a whole one: add up "
            "the losses of all pieces and divide once by the number of predicted tokens.",
        ),
        Misconception(
            "mean per piece",
            "total += loss",
            "total += loss / len(tokens)",
            "The sum is divided by the number of tokens twice.",
        ),
    ],
    builds_on=("rnn_forward",),
    forbids=NUMPY_ALONE,
)
