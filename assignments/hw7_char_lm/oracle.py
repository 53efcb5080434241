"""What the grader asks in homework 7: cases, misconceptions and other right solutions."""

from __future__ import annotations

import math

import numpy as np
import torch

from autograder.oracle.bars import Bar, beyond_exact
from autograder.oracle.exported import MOST_SMALL, solution_model
from autograder.oracle.programs import EXPORTED, SUMS, refuses
from autograder.oracle.questions import Alternative, Case, Misconception, Question
from utils import toy
from utils.corpora import load
from utils.weights import describe

WORDS = ["wolf", "ant", "zebra", "bee", "yak", "cow's", "N", "dove", "ibis", "emu", "u.s.", "fish", "42", "kite", "owl"]


def lines_of(rng: np.random.Generator, lines: int, words: list[str] | None = None) -> list[str]:
    """Lines of 1 to 7 words, one space apart."""
    words = words or WORDS
    return [" ".join(rng.choice(words, rng.integers(1, 8))) for _ in range(lines)]


def seed_of(rng: np.random.Generator) -> int:
    """A seed for torch."""
    return int(rng.integers(1 << 30))


characters = Question(
    id="characters",
    cases=[
        Case(
            "words are joined by _, characters stand one space apart",
            "list(characters(lines))",
            lambda rng: {"lines": lines_of(rng, 12)},
            weight=2,
        ),
        Case(
            "white space at both ends of a line goes",
            "list(characters(lines))",
            lambda rng: {"lines": [f" {a} " for a in lines_of(rng, 3)] + [f"\t {a}\n" for a in lines_of(rng, 2)]},
            weight=1.5,
        ),
        Case(
            "<unk> is spelled out",
            "list(characters(lines))",
            lambda rng: {"lines": lines_of(rng, 8, ["<unk>", "<unk>", *WORDS[:3]])},
            weight=1.5,
        ),
        Case(
            "an empty line stays an empty line",
            "list(characters(lines))",
            lambda rng: {"lines": ["", *lines_of(rng, 2), "", " ", *lines_of(rng, 1)]},
        ),
        Case(
            "no lines, and one word of one letter",
            "[list(characters([])), list(characters(lines))]",
            lambda rng: {"lines": [str(rng.choice(list("abcdefg")))]},
            weight=0.5,
        ),
        Case(
            "the lines stay as they were and a second call gives the same",
            "first = list(characters(lines))\n(first, list(characters(lines)), lines)",
            lambda rng: {"lines": [f" {a} " for a in lines_of(rng, 4)]},
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "spaces lost",
            '.replace(" ", "_")',
            '.replace(" ", "")',
            "The spaces between words are lost: each of them should become the symbol _.",
        ),
        Misconception(
            "ends marked too",
            "line.strip().replace",
            "line.replace",
            "White space at the ends of a line became _ or stayed, it should go before spaces are replaced.",
        ),
        Misconception(
            "<unk> as one symbol",
            '[" ".join(line.strip().replace(" ", "_")) for line in lines]',
            '[" ".join(line.strip().replace(" ", "_")).replace("< u n k >", "<unk>") for line in lines]',
            "<unk> is kept as one symbol, in the character form it is spelled out.",
        ),
        Misconception(
            "empty lines left out",
            "for line in lines]",
            "for line in lines if line.strip()]",
            "Empty lines were left out, but each of them has an end mark to predict.",
        ),
        Misconception(
            "end mark written here",
            '.replace(" ", "_")) for',
            '.replace(" ", "_")) + " <eos>" for',
            "An <eos> stands at the end of each line, but `encode` adds it already.",
        ),
        Misconception(
            "no spaces between characters",
            '" ".join(line.strip().replace(" ", "_"))',
            'line.strip().replace(" ", "_")',
            "The characters stand without spaces between them, so `encode` would take a whole line for one symbol.",
        ),
    ],
    alternatives=[
        Alternative(
            "a loop over characters",
            """
def characters(lines):
    spelled = []
    for line in lines:
        found = []
        for character in line.strip():
            found.append("_" if character == " " else character)
        spelled.append(" ".join(found))
    return spelled
""",
        ),
        Alternative(
            "split into words, join twice, as a tuple",
            """
def characters(lines):
    return tuple(" ".join("_".join(line.split())) for line in lines)
""",
        ),
        Alternative(
            "word by word",
            """
def characters(lines):
    return [" _ ".join(" ".join(word) for word in line.split()) for line in lines]
""",
        ),
    ],
)


def draw_total(rng: np.random.Generator) -> dict:
    """A total in nats, and a count."""
    return {"nll": float(rng.uniform(300, 900)), "count": int(rng.integers(250, 700))}


def measure_cases(name: str) -> list[Case]:
    """Cases that the three measures share: value, other sizes, the count's ValueError."""
    return [
        Case("the measure of a total", f"{name}(nll, count)", draw_total, weight=3),
        Case(
            "small totals, a total of zero, one symbol",
            f"[float({name}(nll / 100, 1)), float({name}(0.0, count)), float({name}(nll / 1e6, count))]",
            draw_total,
        ),
        Case(
            "a long text",
            f"{name}(nll * 1e4, count * 10_000)",
            draw_total,
            weight=0.5,
        ),
        Case(
            "a count that is not positive is refused",
            f"known = float({name}(nll, count))\n"
            + refuses(f"{name}(nll / 1000, value)", "(0, -1, -40, 1)").replace("\n[outcome", "\n[known] + [outcome"),
            draw_total,
        ),
    ]


bits_per_character = Question(
    id="bits_per_character",
    cases=measure_cases("bits_per_character"),
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
            "The nats were multiplied by ln 2, they should be divided by it.",
        ),
        Misconception(
            "perplexity per character",
            "return nll / characters / math.log(2)",
            "return math.exp(nll / characters)",
            "This is the perplexity per character, its logarithm to base 2 was asked for.",
        ),
        Misconception(
            "count not checked",
            "if not characters > 0:",
            "if characters == 0:",
            "A negative count should be refused with a ValueError, as zero is.",
        ),
    ],
    alternatives=[
        Alternative(
            "log2 of e",
            """
def bits_per_character(nll, characters):
    if characters <= 0:
        raise ValueError(characters)
    return (nll * math.log2(math.e)) / characters
""",
        ),
        Alternative(
            "by numpy, the count checked last",
            """
def bits_per_character(nll, characters):
    if not (characters >= 1):
        raise ValueError("no characters")
    return np.float64(nll) / (characters * np.log(2.0))
""",
        ),
    ],
)

word_perplexity = Question(
    id="word_perplexity",
    cases=measure_cases("word_perplexity"),
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
            "These are bits per word, the perplexity is the exponential of nats per word.",
        ),
        Misconception(
            "count not checked",
            "if not words > 0:",
            "if words == 0:",
            "A negative count should be refused with a ValueError, as zero is.",
        ),
    ],
    alternatives=[
        Alternative(
            "through bits",
            """
def word_perplexity(nll, words):
    if words <= 0:
        raise ValueError(f"{words} words")
    return 2 ** (nll / math.log(2) / words)
""",
        ),
        Alternative(
            "by torch",
            """
def word_perplexity(nll, words):
    if words < 1:
        raise ValueError(words)
    return torch.tensor(nll / words, dtype=torch.float64).exp().item()
""",
        ),
    ],
)

historical_perplexity = Question(
    id="historical_perplexity",
    cases=measure_cases("historical_perplexity"),
    misconceptions=[
        Misconception(
            "the exponent of one text",
            "5.6 * nll",
            "5.3287 * nll",
            "5.3287 symbols per word are counted on one validation text, the historical rule takes 5.6 for every text.",
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
    ],
    alternatives=[
        Alternative(
            "2 to the power of 5.6 times the bits",
            """
def historical_perplexity(nll, characters):
    if characters <= 0:
        raise ValueError(characters)
    bits = nll / (characters * math.log(2))
    return 2 ** (5.6 * bits)
""",
        ),
        Alternative(
            "the perplexity per character to the power of 5.6",
            """
def historical_perplexity(nll, characters):
    if not characters > 0:
        raise ValueError("characters")
    return np.exp(nll / characters) ** 5.6
""",
        ),
    ],
)

# Scores of a table by the symbol read last, sharpened by how many were read; flat and shifted when training.
READER = """
import torch

class Reader(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Parameter(table.clone())

    def forward(self, tokens, hidden):
        count = hidden[0, :, 0] + torch.arange(1, len(tokens) + 1).view(-1, 1)
        scores = self.table[tokens] * (0.2 + (count % 7).unsqueeze(-1) / 7) * (0.3 if self.training else 1.0)
        return scores, count[-1].view(1, -1, 1).to(self.table.dtype)

    def init_hidden(self, batch_size):
        return torch.zeros(1, batch_size, 1, dtype=self.table.dtype)

def numbers(measured):
    return {name: float(measured[name]) for name in ("bits_per_character", "word_perplexity", "historical_perplexity")}
"""
# Enough for every symbol of WORDS and <unk>.
ALPHABET = ["<eos>", "<unk>", "_", *sorted(set("".join([*WORDS, "<unk>"])))]


def draw_text(lines: int, extra: tuple[str, ...] = ()):
    """Lines in words, a vocabulary of their symbols in some order after the special ones, and a table of scores."""

    def draw(rng: np.random.Generator) -> dict:
        order = ALPHABET[:2] + [ALPHABET[2:][i] for i in rng.permutation(len(ALPHABET) - 2)]
        drawn = [*lines_of(rng, lines), *extra]
        return {
            "lines": [drawn[i] for i in rng.permutation(len(drawn))],
            "vocabulary": {symbol: i for i, symbol in enumerate(order)},
            "table": torch.from_numpy(rng.uniform(-1.5, 1.5, (len(order), len(order))).astype(np.float32)),
        }

    return draw


three_measures = Question(
    id="three_measures",
    cases=[
        Case(
            "the three numbers of a text",
            f"{READER}\nnumbers(three_measures(Reader().eval(), vocabulary, lines, 11))",
            draw_text(9),
            weight=3,
            relative=2e-4,
        ),
        Case(
            "empty lines, white space at the ends, <unk>",
            f"{READER}\nnumbers(three_measures(Reader().eval(), vocabulary, lines, 1000))",
            draw_text(4, ("", " owl <unk> ant ", "", "<unk>")),
            weight=1.5,
            relative=2e-4,
        ),
        Case(
            "one line of one word: the first symbol is predicted too",
            f"{READER}\nnumbers(three_measures(Reader().eval(), vocabulary, lines, 5))",
            lambda rng: {**draw_text(0)(rng), "lines": [str(rng.choice(["ant", "owl", "yak", "bee"]))]},
            relative=2e-4,
        ),
        Case(
            "the same whatever is read at a time",
            f"{READER}\n[numbers(three_measures(Reader().eval(), vocabulary, lines, n)) for n in (1, 7, 300)]",
            draw_text(5),
            weight=0.5,
            relative=2e-4,
        ),
        Case(
            "evaluation mode, and the old mode restored",
            f"{READER}\nresults = []\nfor mode in (True, False):\n    asked = Reader().train(mode)\n"
            "    results.append((numbers(three_measures(asked, vocabulary, lines, 13)), asked.training))\nresults",
            draw_text(6),
            weight=0.5,
            relative=2e-4,
        ),
        Case(
            "the lines and the vocabulary stay as they were",
            f"{READER}\n(numbers(three_measures(Reader().eval(), vocabulary, lines, 50)), lines, vocabulary)",
            draw_text(3),
            weight=0.25,
            relative=2e-4,
        ),
    ],
    misconceptions=[
        Misconception(
            "end marks not counted among the words",
            "sum(len(line.split()) + 1 for line in lines)",
            "sum(len(line.split()) for line in lines)",
            "The end marks are not counted among the words: each line has one, and it is predicted like a word.",
        ),
        Misconception(
            "end marks not counted among the symbols",
            "bits_per_character(nll, len(text))",
            "bits_per_character(nll, len(text) - len(lines))",
            "The end marks are not counted among the symbols although they are predicted.",
        ),
        Misconception(
            "split at each space",
            "len(line.split()) + 1",
            'len(line.split(" ")) + 1',
            "split(' ') finds words where there are none, as in an empty line or at a space at the end: use split().",
        ),
        Misconception(
            "an empty line counted as a word",
            "len(line.split()) + 1 for line in lines",
            'len(line.split("_")) + 1 for line in characters(lines)',
            "An empty line is counted as a word, it has nothing but its end mark.",
        ),
        Misconception(
            "the mark in front counted",
            "nll = len(text) * math.log",
            "nll = len(stream) * math.log",
            "The total counts one symbol too many: the mark in front is read, but not predicted.",
        ),
        Misconception(
            "the words of another text",
            "words = sum(len(line.split()) + 1 for line in lines)",
            "words = len(text) / 5.3975",
            "The words were not counted on this text: the number of symbols per word differs from text to text.",
        ),
        Misconception(
            "no mark in front",
            "torch.cat([torch.tensor([end]), text])",
            "text",
            "No end mark is read before the text, so its first symbol is not predicted.",
        ),
        Misconception(
            "perplexity taken for a total",
            "len(text) * math.log(perplexity(model, stream, bptt))",
            "len(text) * perplexity(model, stream, bptt)",
            "The perplexity was multiplied by the number of symbols, its natural logarithm should be.",
        ),
        Misconception(
            "a total in bits",
            "math.log(perplexity(",
            "math.log2(perplexity(",
            "The total is in bits, all three measures want it in nats.",
        ),
        Misconception(
            "a line's state not carried",
            "nll = len(text) * math.log(perplexity(model, stream, bptt))",
            "each = [torch.cat([torch.tensor([end]), encode([line], vocabulary)]) for line in characters(lines)]\n"
            "    nll = sum((len(one) - 1) * math.log(perplexity(model, one, bptt)) for one in each)",
            "Each line is read for itself, the text should be one stream with the state carried.",
        ),
    ],
    alternatives=[
        Alternative(
            "counts from the texts, formulas written out",
            """
def three_measures(model, vocabulary, lines, bptt):
    spelled = characters([""] + list(lines))  # an empty line in front is nothing but its end mark
    stream = encode(spelled, vocabulary)
    count, word_count = len(stream) - 1, 0
    for line in lines:
        word_count += len(line.split() + ["<eos>"])
    stream = stream.to(next(model.parameters()).device)
    nats = math.log(perplexity(model, stream, bptt))
    return dict(
        historical_perplexity=math.exp(5.6 * nats),
        word_perplexity=math.exp(nats * count / word_count),
        bits_per_character=nats / math.log(2),
    )
""",
        ),
        Alternative(
            "the model read directly, all at once",
            """
def three_measures(model, vocabulary, lines, bptt):
    end = vocabulary["<eos>"]
    text = encode(characters(lines), vocabulary).tolist()
    mode = model.training
    model.eval()
    with torch.no_grad():
        scores, _ = model(torch.tensor([[end] + text[:-1]]).t(), model.init_hidden(1))
        nll = F.cross_entropy(scores[:, 0].double(), torch.tensor(text), reduction="sum").item()
    model.train(mode)
    words = len((" <eos> ".join(line.strip() for line in lines) + " <eos>").split())
    return {
        "bits_per_character": bits_per_character(nll, len(text)),
        "word_perplexity": word_perplexity(nll, words),
        "historical_perplexity": historical_perplexity(nll, len(text)),
    }
""",
        ),
        Alternative(
            "a loop of its own over the stream, and a further entry",
            """
def three_measures(model, vocabulary, lines, bptt):
    ids = encode(["", *characters(lines)], vocabulary)
    mode = model.training
    model.eval()
    state, nll = model.init_hidden(1), 0.0
    with torch.no_grad():
        for start in range(0, len(ids) - 1, bptt):
            targets = ids[start + 1 : start + 1 + bptt]
            scores, state = model(ids[start : start + len(targets)].view(-1, 1), state)
            nll -= F.log_softmax(scores[:, 0], dim=-1).gather(1, targets.view(-1, 1)).sum().item()
    model.train(mode)
    return {
        "nll": nll,
        "bits_per_character": bits_per_character(nll, len(ids) - 1),
        "word_perplexity": word_perplexity(nll, len(" <eos> ".join([*lines, ""]).split())),
        "historical_perplexity": historical_perplexity(nll, len(ids) - 1),
    }
""",
        ),
    ],
    builds_on=("characters", "bits_per_character", "word_perplexity", "historical_perplexity"),
)

# Embedding and decoder tied, a norm with running estimates, a frozen bias, a parameter of the module itself.
MIXED = """
import torch

class Mixed(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(61, 23)
        self.norm = torch.nn.BatchNorm1d(23)
        self.rnn = torch.nn.LSTM(23, 23, num_layers=2)
        self.decoder = torch.nn.Linear(23, 61)
        self.decoder.weight = self.embedding.weight
        self.gain = torch.nn.Parameter(torch.full((311,), 5.0))
        self.rnn.bias_hh_l0.requires_grad_(False)
        self.gain.requires_grad_(False)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                parameter.data.fill_(4.0)
        self.norm.running_mean.fill_(3.0)
        self.register_buffer("mask", torch.arange(12.0))

torch.manual_seed(seed)
model = Mixed()
"""


def uniform(values: np.ndarray, bound: float) -> bool:
    """Whether values look as drawn uniformly in [-bound, bound].

    By the inequality of Dvoretzky, Kiefer and Wolfowitz with Massart's constant, the distribution function of n right
    draws is farther than 3.3 / sqrt(n) off with a chance under 2 exp(-2 * 3.3^2) = 7e-10, some 60 times a question.
    """
    values = np.sort(values.astype(np.float64).ravel())
    if not np.all(np.isfinite(values)) or np.abs(values).max() > bound * (1 + 1e-6):
        return False
    expected = (values / bound + 1) / 2
    steps = np.arange(len(values) + 1) / len(values)
    off = max(np.abs(expected - steps[:-1]).max(), np.abs(expected - steps[1:]).max())
    return bool(off <= 3.3 / math.sqrt(len(values)))


SIZES = {
    "embedding.weight": (61, 23),
    "norm.weight": (23,),
    "norm.bias": (23,),
    "decoder.bias": (61,),
    "gain": (311,),
    **{f"rnn.weight_{kind}_l{layer}": (92, 23) for kind in ("ih", "hh") for layer in (0, 1)},
    **{f"rnn.bias_{kind}_l{layer}": (92,) for kind in ("ih", "hh") for layer in (0, 1)},
}


def parameters_of(answer, dtype: torch.dtype = torch.float32) -> dict[str, np.ndarray] | None:
    """The answer as the parameters of MIXED, or None when it is anything else."""
    if not isinstance(answer, dict) or set(answer) - {"decoder.weight"} != set(SIZES):  # there when no longer tied
        return None
    for name, shape in SIZES.items():
        if not isinstance(answer[name], torch.Tensor) or tuple(answer[name].shape) != shape:
            return None
        if answer[name].dtype != dtype:
            return None
    return {name: answer[name].numpy() for name in SIZES}


MATRICES = tuple(name for name, shape in SIZES.items() if len(shape) == 2)
VECTORS = tuple(name for name, shape in SIZES.items() if len(shape) == 1)
FROZEN = ("gain", "rnn.bias_hh_l0")


ONE_SIDED = "The values are drawn from 0 to bound, they should go from -bound to bound."
MATRICES_LEFT = (
    "Matrices keep their old values: each should be drawn in place, a new tensor under the loop's name changes nothing."
)
VECTORS_LEFT = "The biases keep their old values, they should be drawn like the matrices."
FROZEN_LEFT = "Frozen parameters keep their old values, they should be drawn too and stay frozen."
NEW_OBJECTS = (
    "New parameters take the place of the old ones: draw in place, so that tied weights stay tied and an optimiser "
    "still holds what it should move."
)
BUFFERS_DRAWN = "Buffers are drawn too, they are no parameters and should stay as they are."
SEEDED = "The generator is seeded in the function, so every call gives the same start."


def drawn_uniformly(names: tuple[str, ...], dtype: torch.dtype = torch.float32):
    """A judge of the parameters of the given names."""

    def judge(answer, inputs, solution) -> str | None:
        found = parameters_of(answer, dtype)
        if found is None:
            return "the parameters have changed their names, shapes or dtype"
        for name in names:
            if name in MATRICES and np.all(found[name] == 4.0):  # as it was
                return MATRICES_LEFT
            if name == "gain" and np.all(found[name] == 5.0):
                return FROZEN_LEFT
            if name == "norm.weight" and np.all(found[name] == 1.0):
                return VECTORS_LEFT
            if np.abs(found[name]).max() > inputs["bound"] * (1 + 1e-6):
                return f"{name} reaches beyond [-bound, bound]"
            if len(found[name]) > 30 and found[name].min() >= 0:
                return ONE_SIDED
            if not uniform(found[name], inputs["bound"]):
                return f"{name} is not drawn uniformly in [-bound, bound]"
        return None

    return judge


def drawn_apart(answer, inputs, solution) -> str | None:
    """Parameters of one shape are drawn independently of each other.

    |r| sqrt(n) of n = 2116 independent pairs is above 6 with a chance of about 2e-9.
    """
    found = parameters_of(answer)
    if found is None:
        return "the parameters have changed their names, shapes or dtype"
    same = [
        found[f"rnn.weight_{kind}_l{layer}"].ravel().astype(np.float64) for kind in ("ih", "hh") for layer in (0, 1)
    ]
    if not all(np.isfinite(array).all() and array.std() > 0 for array in same):
        return "the weights are not drawn at all"
    for i, one in enumerate(same):
        for other in same[:i]:
            if abs(np.corrcoef(one, other)[0, 1]) * math.sqrt(one.size) > 6:
                return "weights of one shape are not drawn independently of each other"
    return None


def in_place(answer, inputs, solution) -> str | None:
    """The old parameter objects in their old memory, with new values; frozen ones frozen, tied ones tied."""
    if not isinstance(answer, tuple) or len(answer) != 5:
        return "the parameters cannot be read"
    wrong = drawn_uniformly(MATRICES)(answer[0], inputs, solution)
    if wrong:
        return wrong
    for came, reason in zip(
        answer[1:],
        (
            NEW_OBJECTS,
            "the values lie in other memory than before",
            "tied weights are no longer tied",
            "what was frozen should stay frozen, and nothing else should be",
        ),
        strict=True,
    ):
        if came is not True:
            return reason
    return None


def buffers_kept(answer, inputs, solution) -> str | None:
    """Buffers as they were, parameters drawn."""
    if not isinstance(answer, tuple) or len(answer) != 2:
        return "the parameters cannot be read"
    if answer[1] is not True:
        return BUFFERS_DRAWN
    return drawn_uniformly(MATRICES)(answer[0], inputs, solution)


def by_the_generator(answer, inputs, solution) -> str | None:
    """The same seed gives the same start; a second call without one, and another seed, give another."""
    if not isinstance(answer, tuple) or len(answer) != 4:
        return "the parameters cannot be read"
    for one in answer:
        wrong = drawn_uniformly(MATRICES)(one, inputs, solution)
        if wrong:
            return wrong
    first, second, again, other = (one["rnn.weight_hh_l1"] for one in answer)
    if not torch.equal(first, again):
        return "the same torch.manual_seed does not give the same start"
    if torch.equal(first, second):
        return SEEDED
    return "another torch.manual_seed does not give another start" if torch.equal(first, other) else None


def draw_bound(rng: np.random.Generator) -> dict:
    """A bound and a seed."""
    return {"bound": float(rng.uniform(0.02, 0.5)), "seed": seed_of(rng)}


READ = "{name: parameter.detach() for name, parameter in model.named_parameters()}"

uniform_init = Question(
    id="uniform_init",
    cases=[
        Case(
            "matrices are drawn uniformly in [-bound, bound]",
            f"{MIXED}\nuniform_init(model, bound)\n{READ}",
            draw_bound,
            weight=2,
            judge=drawn_uniformly(MATRICES),
        ),
        Case(
            "biases and other vectors are drawn too",
            f"{MIXED}\nuniform_init(model, bound)\n{READ}",
            draw_bound,
            weight=1.5,
            judge=drawn_uniformly(tuple(name for name in VECTORS if name not in FROZEN)),
        ),
        Case(
            "frozen parameters are drawn too",
            f"{MIXED}\nuniform_init(model, bound)\n{READ}",
            draw_bound,
            judge=drawn_uniformly(FROZEN),
        ),
        Case(
            "in place: the same objects and memory, tied stays tied, frozen stays frozen",
            f"""{MIXED}
before = [(parameter, parameter.data_ptr(), parameter.requires_grad) for parameter in model.parameters()]
uniform_init(model, bound)
after = list(model.parameters())
pairs = list(zip(before, after))
({READ}, len(after) == len(before) and all(old[0] is new for old, new in pairs),
 all(old[1] == new.data_ptr() for old, new in pairs), model.decoder.weight is model.embedding.weight,
 all(old[2] == new.requires_grad for old, new in pairs))
""",
            draw_bound,
            weight=1.5,
            judge=in_place,
        ),
        Case(
            "buffers stay as they were",
            f"""{MIXED}
before = [buffer.clone() for buffer in model.buffers()]
uniform_init(model, bound)
({READ}, all(torch.equal(old, new) for old, new in zip(before, model.buffers())))
""",
            draw_bound,
            judge=buffers_kept,
        ),
        Case(
            "the chance comes from torch's generator",
            f"""{MIXED}
drawn = []
for number in (seed, None, seed, seed + 1):
    if number is not None:
        torch.manual_seed(number)
    uniform_init(model, bound)
    drawn.append({{name: parameter.detach().clone() for name, parameter in model.named_parameters()}})
tuple(drawn)
""",
            draw_bound,
            judge=by_the_generator,
        ),
        Case(
            "parameters are drawn independently of each other",
            f"{MIXED}\nuniform_init(model, bound)\n{READ}",
            draw_bound,
            weight=0.5,
            judge=drawn_apart,
        ),
        Case(
            "float64 stays float64",
            f"{MIXED}\nmodel = model.double()\nuniform_init(model, bound)\n{READ}",
            draw_bound,
            weight=0.5,
            judge=drawn_uniformly(MATRICES, torch.float64),
        ),
    ],
    misconceptions=[
        Misconception(
            "embeddings only",
            "for parameter in model.parameters():",
            "for parameter in [part.weight for part in model.modules() if isinstance(part, nn.Embedding)]:",
            "Only the embeddings are drawn, every parameter of the module should be.",
        ),
        Misconception(
            "biases left out",
            "            parameter.uniform_(-bound, bound)",
            "            if parameter.dim() > 1:\n                parameter.uniform_(-bound, bound)",
            VECTORS_LEFT,
        ),
        Misconception(
            "frozen ones left out",
            "            parameter.uniform_(-bound, bound)",
            "            if parameter.requires_grad:\n                parameter.uniform_(-bound, bound)",
            FROZEN_LEFT,
        ),
        Misconception(
            "one-sided",
            "uniform_(-bound, bound)",
            "uniform_(0, bound)",
            ONE_SIDED,
        ),
        Misconception(
            "a normal distribution",
            "uniform_(-bound, bound)",
            "normal_(0, bound)",
            "The values follow a normal distribution, a uniform one was asked for.",
        ),
        Misconception(
            "a new tensor under the loop's name",
            "parameter.uniform_(-bound, bound)",
            "parameter = torch.empty_like(parameter).uniform_(-bound, bound)",
            MATRICES_LEFT,
        ),
        Misconception(
            "buffers drawn too",
            "in model.parameters():",
            "in [*model.parameters(), *(b for b in model.buffers() if b.is_floating_point())]:",
            BUFFERS_DRAWN,
        ),
        Misconception(
            "new parameters, no longer tied",
            "        for parameter in model.parameters():\n            parameter.uniform_(-bound, bound)",
            "        for module in model.modules():\n"
            "            for name, old in list(module._parameters.items()):\n"
            "                fresh = torch.empty_like(old).uniform_(-bound, bound)\n"
            "                setattr(module, name, nn.Parameter(fresh, requires_grad=old.requires_grad))",
            NEW_OBJECTS,
        ),
        Misconception(
            "seeded in the function",
            "    with torch.no_grad():\n",
            "    torch.manual_seed(0)\n    with torch.no_grad():\n",
            SEEDED,
        ),
    ],
    alternatives=[
        Alternative(
            "nn.init for each parameter",
            """
def uniform_init(model, bound):
    for _, parameter in model.named_parameters():
        nn.init.uniform_(parameter, a=-bound, b=bound)
    return model
""",
        ),
        Alternative(
            "rand scaled and copied",
            """
def uniform_init(model, bound):
    for parameter in model.parameters():
        fresh = (2 * torch.rand(parameter.shape, dtype=parameter.dtype) - 1) * bound
        parameter.data.copy_(fresh)
""",
        ),
        Alternative(
            "apply on every module, its own parameters only",
            """
def uniform_init(model, bound):
    done = set()

    @torch.no_grad()
    def draw(module):
        for parameter in module.parameters(recurse=False):
            if parameter not in done:
                parameter.copy_(torch.empty_like(parameter).uniform_(-bound, bound))
                done.add(parameter)

    model.apply(draw)
""",
        ),
    ],
)

ENTRIES = """
def entries(size, *names):
    config = configuration(size)
    return {name: config[name] if isinstance(config[name], str) else float(config[name]) for name in names}

SIZES = ("baseline", "large")
"""

configuration = Question(
    id="configuration",
    cases=[
        Case(
            "type, sizes and layers",
            f"{ENTRIES}\n[entries(size, 'rnn_type', 'embedding_size', 'hidden_size', 'num_layers', 'tied') "
            "for size in SIZES]",
            weight=2,
        ),
        Case("dropout", f"{ENTRIES}\n[entries(size, 'dropout') for size in SIZES]", weight=1.5),
        Case(
            "learning rate, flat epochs, decay, epochs and momentum",
            f"{ENTRIES}\n[entries(size, 'learning_rate', 'flat_epochs', 'decay', 'epochs', 'momentum') "
            "for size in SIZES]",
            weight=2,
            relative=1e-4,
        ),
        Case(
            "batch, clip and the steps of a piece",
            f"{ENTRIES}\n[(entries(size, 'batch_size', 'clip'), 35 <= configuration(size)['bptt'] <= 50, "
            "configuration(size)['bptt'] % 1 == 0, configuration(size)['seed'] % 1 == 0) for size in SIZES]",
            weight=1.5,
        ),
        Case(
            "another size is refused",
            f"{ENTRIES}\nknown = entries('large', 'hidden_size')\n"
            + refuses("configuration(value)", "('medium', '', 'Large', 'baseline')").replace(
                "\n[outcome", "\n[known] + [outcome"
            ),
            weight=0.5,
        ),
        Case(
            "each call gives a dict of its own",
            f"{ENTRIES}\nfirst = configuration('large')\nfirst['hidden_size'], first['decay'] = 3, 7\n"
            "[entries(size, 'hidden_size', 'decay') for size in SIZES]",
            weight=0.5,
            relative=1e-4,
        ),
    ],
    misconceptions=[
        Misconception(
            "keep probability",
            "0.65 if size",
            "0.35 if size",
            "Dropout is 0.35: 0.65 is the probability of dropping, not of keeping.",
        ),
        Misconception(
            "the rate grows",
            "1 / 1.15",
            "1.15",
            "The decay is above 1, so the rate would grow: it is divided by 1.15 after each epoch.",
        ),
        Misconception(
            "homework 6's schedule",
            '"flat_epochs": 14,\n        "decay": 1 / 1.15,',
            '"flat_epochs": 15,\n        "decay": 0.98,',
            "This is homework 6's schedule, here it is 14 flat epochs and a factor of 1/1.15.",
        ),
        Misconception(
            "the clip of another model",
            '"clip": 10.0',
            '"clip": 5.0',
            "The bound of the gradient's norm is 10 for these models.",
        ),
        Misconception(
            "tied",
            '"tied": False',
            '"tied": True',
            "The weights are tied, both models are untied.",
        ),
        Misconception(
            "dropout in both",
            '0.65 if size == "large" else 0.0',
            "0.65",
            "The baseline has dropout too, it should have none.",
        ),
        Misconception(
            "the embedding stays small",
            '"embedding_size": units[size]',
            '"embedding_size": 200',
            "The large model's embedding is 1500 wide, like its state.",
        ),
        Misconception(
            "any size",
            "raise ValueError(f\"size must be one of {', '.join(units)}, got {size!r}\")",
            'size = "large"',
            "A size that is neither baseline nor large should be refused with a ValueError.",
        ),
    ],
    alternatives=[
        Alternative(
            "two dicts that share the schedule, 35 steps",
            """
def configuration(size):
    shared = dict(rnn_type="LSTM", num_layers=2, tied=False, bptt=35, batch_size=100, epochs=55, clip=10, seed=0)
    shared.update(learning_rate=1, flat_epochs=14, decay=1.15**-1, momentum=0)
    if size == "baseline":
        return {**shared, "embedding_size": 200, "hidden_size": 200, "dropout": 0}
    if size == "large":
        return {**shared, "embedding_size": 1500, "hidden_size": 1500, "dropout": 0.65, "init": 0.04}
    raise ValueError("unknown size: " + repr(size))
""",
        ),
        Alternative(
            "a match on the size",
            """
def configuration(size):
    match size:
        case "baseline":
            width, drop = 200, 0.0
        case "large":
            width, drop = 1500, 0.65
        case _:
            raise ValueError(size)
    keys = "rnn_type embedding_size hidden_size num_layers dropout tied bptt batch_size epochs".split()
    config = dict(zip(keys, ("LSTM", width, width, 2, drop, False, 40, 100, 55)))
    config |= {"learning_rate": 1.0, "flat_epochs": 14, "decay": 0.869565}
    return config | {"momentum": 0.0, "clip": 10.0, "seed": 3}
""",
        ),
    ],
)

# A small network with weights drawn here, and gradient descent that notes the rates of its groups at each step.
TRAINING = """
import torch

class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(9, 6)
        self.rnn = torch.nn.GRU(6, 7)
        self.decoder = torch.nn.Linear(7, 9)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(1.2 * torch.rand(parameter.shape, generator=generator) - 0.6)

    def forward(self, tokens, hidden):
        outputs, hidden = self.rnn(self.embedding(tokens), hidden)
        return self.decoder(outputs), hidden

    def init_hidden(self, batch_size):
        return torch.zeros(1, batch_size, 7)

class Noting(torch.optim.SGD):
    def step(self, closure=None):
        rates.append([float(group["lr"]) for group in self.param_groups])
        return super().step(closure)

def trained(config, own_rate=0.5):
    model = Small()
    held = list(model.parameters())
    optimiser = Noting([{"params": held[:3]}, {"params": held[3:], "lr": 9.0}], lr=own_rate)
    history = train_characters(model, optimiser, train_ids, valid_ids, config)
    weights = [parameter.detach().clone() for parameter in held]
    return [(float(train), float(valid)) for train, valid in history], weights

rates = []
"""


def draw_run(**fixed):
    """Two streams of nine symbols and a configuration; `fixed` overrides its entries."""

    def draw(rng: np.random.Generator) -> dict:
        config = {
            "rnn_type": "GRU",
            "epochs": 5,
            "batch_size": 3,
            "bptt": 4,
            "clip": float(rng.uniform(0.05, 0.2)),
            "learning_rate": float(rng.uniform(0.5, 1.5)),
            "flat_epochs": 2,
            "decay": float(rng.uniform(0.4, 0.7)),
            "momentum": 0.0,
            "seed": 1,
        }
        return {
            "train_ids": torch.from_numpy(rng.integers(0, 9, 77)),
            "valid_ids": torch.from_numpy(rng.integers(0, 9, 43)),
            "seed": seed_of(rng),
            "config": config | fixed,
        }

    return draw


train_characters = Question(
    id="train_characters",
    cases=[
        Case(
            "the learning rate of every step, in every group",
            f"{TRAINING}\nhistory, _ = trained(config)\n(len(history), rates)",
            draw_run(),
            weight=2,
            relative=1e-6,
        ),
        Case(
            "bits per character of both texts",
            f"{TRAINING}\ntrained(config)[0]",
            draw_run(),
            weight=2,
            relative=1e-3,
        ),
        Case(
            "the weights afterwards: pieces, batches and clipping as configured",
            f"{TRAINING}\ntrained(config)[1]",
            draw_run(epochs=2, batch_size=5, bptt=6),
            weight=1.5,
            relative=1e-2,
            absolute=2e-4,
        ),
        Case(
            "one epoch, and a rate that decays from the second on",
            f"{TRAINING}\none = trained(config | {{'epochs': 1}})[0]\nthree = trained(config | {{'epochs': 3}})[0]\n"
            "(one, three, rates)",
            draw_run(flat_epochs=1),
            relative=1e-3,
        ),
        Case(
            "the texts and the configuration stay as they were",
            f"{TRAINING}\nhistory, _ = trained(config)\n(history, train_ids, valid_ids, config)",
            draw_run(epochs=2),
            weight=0.5,
            relative=1e-3,
        ),
    ],
    misconceptions=[
        Misconception(
            "decay per batch",
            "learning_rate(epoch, config",
            'learning_rate(1 + (epoch - 1) * len(range(0, len(source) - 1, config["bptt"])), config',
            "The rate decays with the batches, it should decay once per epoch.",
        ),
        Misconception(
            "epochs from 0",
            'range(1, config["epochs"] + 1)',
            'range(config["epochs"])',
            "Epochs are counted from 0, so the rate stays at its first value for one epoch too long.",
        ),
        Misconception(
            "only the first group",
            "for group in optimiser.param_groups:",
            "for group in optimiser.param_groups[:1]:",
            "Only the first group of the optimiser gets the rate of the epoch, every group should.",
        ),
        Misconception(
            "the rate never set",
            '            group["lr"] = rate',
            '            group.setdefault("lr", rate)',
            "The optimiser keeps the rate with which it came, it should get the rate of each epoch.",
        ),
        Misconception(
            "the rate set after the epoch",
            '        for group in optimiser.param_groups:\n            group["lr"] = rate\n'
            '        nats = train_epoch(model, source, optimiser, config["bptt"], config["clip"])\n',
            '        nats = train_epoch(model, source, optimiser, config["bptt"], config["clip"])\n'
            '        for group in optimiser.param_groups:\n            group["lr"] = rate\n',
            "The rate of an epoch is set after it has trained, so each epoch trains at the rate of the one before.",
        ),
        Misconception(
            "decayed on top of decayed",
            'group["lr"] = rate',
            'group["lr"] *= rate / config["learning_rate"]',
            "The rate of the epoch before is multiplied again: set it to what learning_rate gives.",
        ),
        Misconception(
            "train loss in nats",
            "nats / math.log(2)",
            "nats",
            "The training loss is in nats per character, it should be in bits: divide by ln 2.",
        ),
        Misconception(
            "a logarithm of the loss",
            "nats / math.log(2)",
            "math.log2(nats)",
            "The logarithm of the training loss was taken, but it is one already: divide it by ln 2.",
        ),
        Misconception(
            "validation in nats",
            "math.log2(perplexity",
            "math.log(perplexity",
            "The validation number is in nats per character, it should be in bits: take the logarithm to base 2.",
        ),
        Misconception(
            "validation as perplexity",
            "math.log2(perplexity(model, valid_ids, 500))",
            "perplexity(model, valid_ids, 500)",
            "The validation number is a perplexity, its logarithm to base 2 was asked for.",
        ),
        Misconception(
            "validated on the training text",
            "perplexity(model, valid_ids, 500)",
            "perplexity(model, train_ids, 500)",
            "The second number of each pair is measured on the training text, it should be on the validation text.",
        ),
        Misconception(
            "not clipped",
            'config["bptt"], config["clip"])',
            'config["bptt"], math.inf)',
            "The gradients are not clipped at config['clip'].",
        ),
    ],
    alternatives=[
        Alternative(
            "torch's LambdaLR",
            """
def train_characters(model, optimiser, train_ids, valid_ids, config):
    for group in optimiser.param_groups:
        group["lr"] = group["initial_lr"] = 1.0
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda done: learning_rate(done + 1, config["learning_rate"], config["flat_epochs"], config["decay"]),
    )
    columns, pairs = batchify(train_ids, config["batch_size"]), []
    for _ in range(config["epochs"]):
        loss = train_epoch(model, columns, optimiser, config["bptt"], config["clip"])
        scheduler.step()
        pairs.append([loss * math.log2(math.e), math.log(perplexity(model, valid_ids, 64), 2)])
    return pairs
""",
        ),
        Alternative(
            "a generator of epochs, the schedule written out",
            """
def train_characters(model, optimiser, train_ids, valid_ids, config):
    def one(epoch):
        falling = max(0, epoch - config["flat_epochs"])
        for group in optimiser.param_groups:
            group.update(lr=config["learning_rate"] * config["decay"] ** falling)
        source = batchify(train_ids, config["batch_size"])
        loss = train_epoch(model, source, optimiser, config["bptt"], config["clip"])
        found = perplexity(model, valid_ids, 1000)
        return bits_per_character(loss, 1), bits_per_character(math.log(found), 1)

    return [one(epoch) for epoch in range(1, 1 + config["epochs"])]
""",
        ),
    ],
)

TRAINED = (
    "characters",
    "bits_per_character",
    "word_perplexity",
    "historical_perplexity",
    "three_measures",
    "uniform_init",
    "train_characters",
)


def ratio_to_exact(answer, inputs, solution) -> float | str:
    """Bits per character of the exported weights, in the given model, on sentences drawn here, over the exact ones."""
    if isinstance(answer, str):
        return "the model cannot be mapped onto the course's: build it as a WordLM, which is given"
    try:
        trained = solution_model(answer, solution, MOST_SMALL)
    except ValueError as error:
        return f"the weights are no character model's that could be used: {error}"
    vocabulary = solution["build_vocabulary"](solution["characters"](load("toy").train), 1000)
    if describe(answer)["vocab_size"] != len(vocabulary):
        return "the model's vocabulary is not that of the characters of the toy language's training text"
    lines = inputs["lines"]
    reached = solution["three_measures"](trained, vocabulary, lines, 500)["bits_per_character"]
    symbols = len(solution["encode"](solution["characters"](lines), vocabulary))
    nll, exact = reached * symbols * math.log(2), -sum(toy.log_probability(line) for line in lines)
    return beyond_exact(nll, exact, symbols, "bits per character") or nll / exact


model = Question(
    id="model",
    cases=[
        Case(
            "bits per character on fresh sentences of the toy language",
            f"{EXPORTED}\nexported(model)",
            kept=lambda rng: {"lines": toy.sentences(500, rng)},
            judge=Bar(
                "bits per character over the exact ones",
                ratio_to_exact,
                "the bits per character on fresh sentences are {came} times the exact ones; {bar} is the most",
                __file__,
            ),
        )
    ],
    builds_on=TRAINED,
    made_by="train_both",
    spoiled_by=("train_characters: decay per batch", "train_characters: decayed on top of decayed"),
)

# Gives one of several rows of scores, by the symbol read last.
TABLE = """
import torch

class Table(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = torch.nn.Parameter(scores.clone())

    def forward(self, tokens, hidden):
        return self.scores[tokens], hidden

    def init_hidden(self, batch_size):
        return torch.zeros(1, batch_size, 1)

def seeded(seed):
    return torch.Generator().manual_seed(seed)
"""
ROWS, WIDE = 12, 1000  # drawn by one temperature
COLUMNS = 4000  # drawn to see whether columns are independent
SYMBOLS = 6


def draw_prompts(steps: int, batch: int):
    """A prompt of 11 symbols and a seed."""
    return lambda rng: {"prompt": torch.from_numpy(rng.integers(0, 11, (steps, batch))), "seed": seed_of(rng)}


def draw_scores(rng: np.random.Generator) -> dict:
    """Six well-spaced scores, the same whatever was read, and a seed."""
    row = torch.from_numpy(rng.permutation(np.array([-1.0, -0.6, -0.2, 0.2, 0.6, 1.0])).astype(np.float32))
    return {"scores": row.repeat(SYMBOLS, 1), "seed": seed_of(rng)}


def draw_table(rng: np.random.Generator) -> dict:
    """Scores that depend on the symbol read last, and a seed."""
    rows = [rng.permutation(np.array([-1.0, -0.6, -0.2, 0.2, 0.6, 1.0])) for _ in range(SYMBOLS)]
    return {"scores": torch.from_numpy(np.array(rows, dtype=np.float32)), "seed": seed_of(rng)}


TIMES = "The scores are multiplied by the temperature, they should be divided by it."
AFTER = (
    "The probabilities are divided by the temperature, which changes nothing: it is the scores that are divided by it."
)
NOT_RENORMALISED = (
    "The shares of the top_k symbols are those of a softmax over all symbols, they should add up to 1 among themselves."
)
GREEDY = "Always the most probable symbol comes: it should be drawn, by its probability."
ONE_DRAW = "One draw serves all columns, each column should draw for itself."
ONE_STEP = "One draw serves all steps, each step should draw anew."
ALL_SYMBOLS = "top_k has no effect, only the top_k most probable symbols should be drawn."
SMALLEST = "The symbols with the smallest scores are drawn from, they should be those with the largest."


def shares_of(scores: torch.Tensor, temperature: float, top_k: int | None) -> list[float]:
    """The probabilities of the symbols."""
    scores = scores.double() / temperature
    if top_k is not None:
        scores = scores.masked_fill(scores < scores.topk(min(top_k, len(scores))).values[-1], -math.inf)
    return torch.softmax(scores, 0).tolist()


def likely(row: torch.Tensor, shares: list[float]) -> bool:
    """Whether each symbol turns up within 6.5 binomial standard deviations, plus 1, of what its share makes one expect.

    By the exact tails right answers fail with a chance of 2e-9 in the cases of one temperature each, together, and of
    2e-7 in that of independent columns, where the groups are smaller. A share of 0 allows none at all.
    """
    counts, draws = torch.bincount(row, minlength=SYMBOLS).tolist(), len(row)
    return all(
        count == 0 if share == 0 else abs(count - draws * share) <= 6.5 * math.sqrt(draws * share * (1 - share)) + 1
        for count, share in zip(counts, shares, strict=True)
    )


def rows_of(answer, shape: tuple[int, int]) -> str | None:
    """Whether an untrusted answer is a LongTensor of the shape with ids in range; a reason if not."""
    if not isinstance(answer, torch.Tensor) or answer.dtype != torch.int64:
        return "a LongTensor should come back"
    if tuple(answer.shape) != shape:
        return f"shape {tuple(answer.shape)} came back, (length, batch) {shape} was expected"
    if answer.min() < 0 or answer.max() >= SYMBOLS:
        return "something came back that is no id of the vocabulary"
    return None


def drawn_with(temperature: float, top_k: int | None):
    """A judge of ROWS x WIDE symbols drawn at a temperature from the top_k symbols."""

    def judge(answer, inputs, solution) -> str | None:
        wrong = rows_of(answer, (ROWS, WIDE))
        if wrong:
            return wrong
        scores = inputs["scores"][0]
        if likely(answer.flatten(), shares_of(scores, temperature, top_k)):
            return ONE_STEP if bool((answer == answer[:1]).all()) else None
        if bool((answer == answer[:, :1]).all()):
            return GREEDY if bool((answer == scores.argmax()).all()) else ONE_DRAW
        slips = [
            (shares_of(scores, 1 / temperature, top_k), TIMES),
            (shares_of(scores, 1.0, top_k), AFTER),
            (shares_of(scores, temperature, None), ALL_SYMBOLS),
            (shares_of(-scores, temperature, top_k), SMALLEST),
        ]
        for shares, sentence in slips:
            if likely(answer.flatten(), shares):
                return sentence
        if top_k is not None and _left_over(answer, shares_of(scores, temperature, None), top_k):
            return NOT_RENORMALISED
        return "the symbols are not drawn with the probabilities of this temperature and top_k"

    return judge


def _left_over(answer: torch.Tensor, shares: list[float], top_k: int) -> bool:
    """Whether all of the top_k symbols but one have the shares of a softmax over all symbols."""
    kept = sorted(range(len(shares)), key=lambda i: -shares[i])[:top_k]
    counts = torch.bincount(answer.flatten(), minlength=SYMBOLS).tolist()
    draws = answer.numel()
    if sum(counts[i] for i in kept) != draws:
        return False
    right = [abs(counts[i] - draws * shares[i]) <= 6.5 * math.sqrt(draws * shares[i]) + 1 for i in kept]
    return sum(right) == top_k - 1


def columns_apart(answer, inputs, solution) -> str | None:
    """Each column goes on from the symbol that it read itself, and neighbours draw independently of each other."""
    wrong = rows_of(answer, (3, COLUMNS))
    if wrong:
        return wrong
    shares = [shares_of(row, 1.0, None) for row in inputs["scores"]]
    before = torch.arange(COLUMNS) % SYMBOLS
    for row in answer:
        for symbol in range(SYMBOLS):
            chosen = row[before == symbol]
            if len(chosen) >= 500 and not likely(chosen, shares[symbol]):
                return "each column should go on from the symbol that it read itself, and draw for itself"
        before = row
    pairs = answer[0, 0::2] * SYMBOLS + answer[0, 1::2]
    counts = torch.bincount(pairs, minlength=SYMBOLS**2)
    read = [(i % SYMBOLS, (i + 1) % SYMBOLS) for i in range(0, COLUMNS, 2)]
    table = torch.tensor(shares, dtype=torch.float64)
    expected = sum(read.count(pair) * torch.outer(table[pair[0]], table[pair[1]]) for pair in set(read)).flatten()
    if bool(((counts - expected).abs() > 6.5 * expected.sqrt() + 3).any()):
        return "columns are not drawn independently of each other"
    return None


sample_text = Question(
    id="sample_text",
    cases=[
        Case(
            "each column reads its whole prompt, then what it drew",
            f"{SUMS}\nsample_text(Sums(), prompt, 12, 1.0, None, seeded(seed))",
            draw_prompts(5, 3),
            weight=2,
        ),
        Case(
            "a batch of one, a prompt of one step",
            f"{SUMS}\n[sample_text(Sums(), part, 9, 1.0, 4, seeded(seed)) "
            "for part in (prompt[:, :1], prompt[:1], prompt[:1, 1:2])]",
            draw_prompts(4, 2),
        ),
        Case(
            "drawn with the probabilities of a temperature",
            f"{TABLE}\nsample_text(Table(), torch.zeros(1, {WIDE}, dtype=torch.long), {ROWS}, 0.6, None, seeded(seed))",
            draw_scores,
            weight=1.5,
            judge=drawn_with(0.6, None),
        ),
        Case(
            "a high temperature, and top_k above the number of symbols",
            f"{TABLE}\nsample_text(Table(), torch.zeros(1, {WIDE}, dtype=torch.long), {ROWS}, 2.5, 50, seeded(seed))",
            draw_scores,
            judge=drawn_with(2.5, 50),
        ),
        Case(
            "top_k symbols only, their shares renormalised",
            f"{TABLE}\nsample_text(Table(), torch.zeros(1, {WIDE}, dtype=torch.long), {ROWS}, 0.8, 3, seeded(seed))",
            draw_scores,
            weight=1.5,
            judge=drawn_with(0.8, 3),
        ),
        Case(
            "top_k 1 is the most probable symbol",
            f"{TABLE}\nsample_text(Table(), prompt, 7, 3.0, 1, seeded(seed))",
            lambda rng: {**draw_table(rng), "prompt": torch.arange(SYMBOLS).view(1, -1)},
            weight=0.5,
        ),
        Case(
            "columns are drawn independently of each other",
            f"{TABLE}\nstart = (torch.arange({COLUMNS}) % {SYMBOLS}).view(1, -1)\n"
            "sample_text(Table(), start, 3, 1.0, None, seeded(seed))",
            draw_table,
            judge=columns_apart,
        ),
        Case(
            "evaluation mode, and the old mode restored",
            f"{SUMS}\nresults = []\nfor mode in (True, False):\n    asked = Sums().train(mode)\n"
            "    drawn = sample_text(asked, prompt, 6, 1.0, None, seeded(seed))\n"
            "    results.append((drawn, any(asked.modes), asked.training))\nresults",
            draw_prompts(3, 4),
        ),
        Case(
            "all chance comes from rng, which is advanced",
            f"""{TABLE}
def drawn(rng):
    return sample_text(Table(), torch.zeros(1, 9, dtype=torch.long), 20, 1.0, 5, rng)

torch.manual_seed(seed)
rng = seeded(seed)
first, following = drawn(rng), drawn(rng)
torch.manual_seed(seed + 1)
again, other = drawn(seeded(seed)), drawn(seeded(seed + 1))
(tuple(first.shape), torch.equal(first, again), torch.equal(first, following), torch.equal(first, other),
 len(first.unique()) > 2)
""",
            draw_scores,
        ),
        Case(
            "one symbol, and none; the prompt stays as it was",
            f"{SUMS}\n[sample_text(Sums(), prompt, n, 1.0, None, seeded(seed)) for n in (1, 0, 2)] + [prompt]",
            draw_prompts(2, 5),
            weight=0.5,
        ),
        Case(
            "a temperature that is not positive, or a top_k under 1, is refused",
            f"{SUMS}\nknown = sample_text(Sums(), prompt, 3, 1.0, None, seeded(seed))"
            + refuses(
                "sample_text(Sums(), prompt, 2, *value, seeded(seed))",
                "((0.0, None), (-1.0, 3), (0, None), (1.0, 0), (1.0, -2), (0.5, 1))",
            ).replace("\n[outcome", "\n[known] + [outcome"),
            draw_prompts(3, 2),
            weight=0.5,
        ),
        Case(
            "large scores",
            f"{SUMS}\nsample_text(Sums(1e4), prompt, 8, 0.01, 6, seeded(seed))",
            draw_prompts(2, 3),
            weight=0.25,
        ),
    ],
    misconceptions=[
        Misconception(
            "always the most probable symbol",
            "torch.multinomial(shares, 1, generator=rng)",
            "shares.argmax(dim=-1, keepdim=True)",
            GREEDY,
        ),
        Misconception("temperature multiplied", "logits[-1] / temperature", "logits[-1] * temperature", TIMES),
        Misconception(
            "temperature after the softmax",
            "(logits[-1] / temperature).topk(min(top_k or entries, entries))\n"
            "            shares = F.softmax(scores, dim=-1)",
            "logits[-1].topk(min(top_k or entries, entries))\n"
            "            shares = (F.softmax(scores, dim=-1) / temperature)",
            AFTER,
        ),
        Misconception(
            "top_k without renormalising",
            "            shares = F.softmax(scores, dim=-1).to(rng.device)\n"
            "            choice = torch.multinomial(shares, 1, generator=rng)",
            "            shares = F.softmax(logits[-1] / temperature, dim=-1).gather(1, candidates).to(rng.device)\n"
            "            below = shares.cumsum(dim=-1) < torch.rand(len(shares), 1, generator=rng)\n"
            "            choice = below.sum(dim=-1, keepdim=True).clamp(max=shares.size(-1) - 1)",
            NOT_RENORMALISED,
        ),
        Misconception(
            "the smallest scores",
            "topk(min(top_k or entries, entries))",
            "topk(min(top_k or entries, entries), largest=False)",
            SMALLEST,
        ),
        Misconception(
            "top_k ignored",
            "min(top_k or entries, entries)",
            "entries",
            ALL_SYMBOLS,
        ),
        Misconception(
            "top_k above the vocabulary",
            "min(top_k or entries, entries)",
            "top_k or entries",
            "A top_k above the number of symbols should mean all of them.",
        ),
        Misconception(
            "one draw for all columns",
            "choice = torch.multinomial(shares, 1, generator=rng).to(device)",
            "choice = torch.multinomial(shares[:1], 1, generator=rng).to(device).expand(len(shares), 1)",
            ONE_DRAW,
        ),
        Misconception(
            "state not carried",
            "            logits, hidden = model(",
            "            logits, _ = model(",
            "The state is not carried on from step to step, so the prompt is forgotten after the first draw.",
        ),
        Misconception(
            "only the end of the prompt",
            "read, hidden = prompt.to(device)",
            "read, hidden = prompt[-1:].to(device)",
            "Only the last step of the prompt is read, the whole prompt should be.",
        ),
        Misconception(
            "the end of the prompt read twice",
            "    with torch.no_grad():\n        for _ in range(length):\n",
            "    with torch.no_grad():\n        _, hidden = model(read, hidden)\n        read = read[-1:]\n"
            "        for _ in range(length):\n",
            "The last step of the prompt is read twice: draw the first symbol from the scores that it already gave.",
        ),
        Misconception(
            "prompt among the result",
            "drawn = [read[:0]]",
            "drawn = [read]",
            "The prompt stands in the result, which should hold the drawn symbols only.",
        ),
        Misconception(
            "dropout on while drawing",
            "model.eval()",
            "model.train()",
            "The model is asked in training mode: dropout should be off while text is drawn.",
        ),
        Misconception(
            "mode not restored",
            "    model.train(was_training)\n",
            "",
            "The model is left in evaluation mode whatever mode it came in.",
        ),
        Misconception(
            "batch first",
            "return torch.cat(drawn)",
            "return torch.cat(drawn).t()",
            "The shape is (batch, length), the steps should come first.",
        ),
        Misconception(
            "torch's own generator",
            ", generator=rng",
            "",
            "The symbols do not come from rng, so the same state of rng gives other symbols.",
        ),
        Misconception(
            "a generator seeded in the function",
            "    device = next(",
            "    rng = torch.Generator().manual_seed(0)\n    device = next(",
            "The generator is seeded in the function, so every call gives the same text whatever rng is given.",
        ),
        Misconception(
            "temperature not checked",
            "if not temperature > 0:",
            "if temperature == 0:",
            "A negative temperature should be refused with a ValueError, as zero is.",
        ),
        Misconception(
            "top_k not checked",
            "top_k is not None and top_k < 1",
            "top_k is not None and top_k < 0",
            "A top_k of 0 leaves nothing to draw from and should be refused with a ValueError.",
        ),
    ],
    alternatives=[
        Alternative(
            "a column at a time, by numpy's order of scores and the cumulative sum",
            """
def sample_text(model, prompt, length, temperature, top_k, rng):
    if temperature <= 0 or (top_k is not None and top_k <= 0):
        raise ValueError(f"temperature {temperature}, top_k {top_k}")
    mode = model.training
    model.eval()
    result = torch.empty(length, prompt.shape[1], dtype=torch.long)
    with torch.no_grad():
        tokens, state = prompt, model.init_hidden(prompt.shape[1])
        for step in range(length):
            scores, state = model(tokens, state)
            p = torch.softmax(scores[-1].double() / temperature, dim=-1).numpy()
            if top_k is not None:
                order = np.argsort(-p, axis=-1)[:, top_k:]
                np.put_along_axis(p, order, 0.0, axis=-1)
            p = p / p.sum(axis=-1, keepdims=True)
            u = torch.rand(len(p), generator=rng, dtype=torch.float64).numpy()
            for column in range(len(p)):
                allowed = np.flatnonzero(p[column] > 0)
                place = np.searchsorted(np.cumsum(p[column][allowed]), u[column], side="right")
                result[step, column] = int(allowed[min(place, len(allowed) - 1)])
            tokens = result[step : step + 1]
    model.train(mode)
    return result
""",
        ),
        Alternative(
            "the largest of logits plus Gumbel noise, the rest masked",
            """
def sample_text(model, prompt, length, temperature, top_k, rng):
    if not temperature > 0:
        raise ValueError(temperature)
    if top_k is not None and top_k < 1:
        raise ValueError(top_k)
    mode, text = model.training, prompt.clone()
    model.eval()
    for _ in range(length):
        with torch.no_grad():
            scores = model(text, model.init_hidden(text.size(1)))[0][-1].double()
        if top_k is not None and top_k < scores.size(1):
            bar = scores.sort(dim=1, descending=True).values[:, top_k - 1 : top_k]
            scores = torch.where(scores >= bar, scores, torch.tensor(-math.inf, dtype=scores.dtype))
        noise = -torch.log(-torch.log(torch.rand(scores.shape, generator=rng, dtype=torch.float64)))
        text = torch.cat([text, (scores / temperature + noise).argmax(dim=1)[None]])
    model.train(mode)
    return text[len(prompt) :]
""",
        ),
        Alternative(
            "the prompt a step at a time, an exponential race",
            """
def sample_text(model, prompt, length, temperature, top_k, rng):
    if temperature <= 0:
        raise ValueError(f"temperature {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k}")
    mode, state, text = model.training, model.init_hidden(prompt.shape[1]), []
    model.eval()
    try:
        with torch.no_grad():
            for row in prompt:
                scores, state = model(row[None], state)
            for _ in range(length):
                ranked, order = (scores[-1].double() / temperature).sort(dim=1, descending=True)
                shares = ranked[:, :top_k].softmax(dim=1)
                race = shares / torch.empty_like(shares).exponential_(generator=rng)
                text.append(order.gather(1, race.argmax(dim=1, keepdim=True))[:, 0])
                scores, state = model(text[-1][None], state)
    finally:
        model.train(mode)
    return torch.stack(text) if text else torch.empty(0, prompt.shape[1], dtype=torch.long)
""",
        ),
    ],
)

QUESTIONS = [
    characters,
    bits_per_character,
    word_perplexity,
    historical_perplexity,
    three_measures,
    uniform_init,
    configuration,
    train_characters,
    model,
    sample_text,
]
