"""What the grader asks in homework 5: cases, misconceptions and other right solutions."""

from __future__ import annotations

import math

import numpy as np
import torch

from autograder.course.errors import CourseError
from autograder.oracle.bars import Bar, beyond_exact
from autograder.oracle.exported import MOST_SMALL, ratio_to_exact, solution_model
from autograder.oracle.programs import EXPORTED, SUMS, refuses
from autograder.oracle.questions import Alternative, Case, Measured, Misconception, Question
from utils import corpora, toy
from utils.weights import describe, read_weights

# Bigram floors of the test texts (utils.floors: interpolated Kneser-Ney, discount 0.75): the bars of the full run.
BIGRAM = {"toy": 11.56, "ptb": 186.5, "wikitext2": 266.4}

WORDS = ["wolf", "ant", "zebra", "bee", "yak", "cow", "xerus", "dove", "ibis", "emu", "heron", "fish", "goose"]
WORDS += ["kite", "mole", "newt", "owl", "puma", "quail", "raven"]
SPECIAL = ["<eos>", "<unk>"]


def shuffled(rng: np.random.Generator, words: list[str]) -> list[str]:
    """The words in another order."""
    return [words[i] for i in rng.permutation(len(words))]


def text(rng: np.random.Generator, lines: int, words: list[str]) -> list[str]:
    """Lines of 1 to 7 words, some words far more frequent than others."""
    shares = 1 / np.arange(1, len(words) + 1)
    drawn = [rng.choice(len(words), rng.integers(1, 8), p=shares / shares.sum()) for _ in range(lines)]
    return [" ".join(words[i] for i in line) for line in drawn]


def small_vocabulary(rng: np.random.Generator, size: int) -> dict[str, int]:
    """A vocabulary of the given size, of words in some order."""
    return {word: i for i, word in enumerate(SPECIAL + shuffled(rng, WORDS)[: size - 2])}


def stream(rng: np.random.Generator, tokens: int, size: int) -> torch.Tensor:
    """A LongTensor of ids."""
    return torch.from_numpy(rng.integers(0, size, tokens))


build_vocabulary = Question(
    id="build_vocabulary",
    cases=[
        Case(
            "words by falling count, the special entries first",
            "build_vocabulary(lines, 100)",
            lambda rng: {"lines": text(rng, 60, shuffled(rng, WORDS)[:12])},
            weight=2,
        ),
        Case(
            "words of equal count keep the order in which they first appear",
            "build_vocabulary(lines, 100)",
            lambda rng: {"lines": [" ".join(shuffled(rng, WORDS)[:11]), " ".join(shuffled(rng, WORDS)[:9])]},
            weight=1.5,
        ),
        Case(
            "max_size counts the special entries",
            "[build_vocabulary(lines, size) for size in (7, 3, 2)]",
            lambda rng: {"lines": text(rng, 40, shuffled(rng, WORDS))},
            weight=1.5,
        ),
        Case(
            "<unk> and <eos> in the text are the special entries",
            "build_vocabulary(lines, 9)",
            lambda rng: {"lines": text(rng, 50, ["<unk>", "<eos>", *shuffled(rng, WORDS)[:10]])},
            weight=1.5,
        ),
        Case(
            "any white space separates words, and lines may be empty",
            "build_vocabulary(lines, 50)",
            lambda rng: {"lines": ["", *(f"\t{'   '.join(shuffled(rng, WORDS)[:5])} \t" for _ in range(3)), "  "]},
            weight=0.5,
        ),
        Case(
            "a max_size under 2 is refused", refuses("build_vocabulary(['owl'], value)", "(1, 2, 0, -3, 3)"), weight=0.5
        ),
        Case(
            "the lines stay as they were and a second call gives the same",
            "first = build_vocabulary(lines, 8)\n(first, build_vocabulary(lines, 8), lines)",
            lambda rng: {"lines": text(rng, 30, shuffled(rng, WORDS))},
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "ties by alphabet",
            "key=counts.get, reverse=True)",
            "key=lambda word: (-counts[word], word))",
            "Words of equal count stand in alphabetical order, they should stand in the order in which they "
            "first appear.",
        ),
        Misconception(
            "special entries on top of max_size",
            "ranked[: max_size - 2]",
            "ranked[:max_size]",
            "max_size words were taken and the special entries came on top, but <eos> and <unk> count within max_size.",
        ),
        Misconception(
            "rare words first",
            ", reverse=True",
            "",
            "The words stand by rising count, the most frequent ones should come first.",
        ),
        Misconception(
            "special words counted again",
            " if word not in special",
            "",
            "A literal <unk> or <eos> in the text got an entry of its own, it is the special entry that is there "
            "already.",
        ),
        Misconception(
            "special entries swapped",
            '["<eos>", "<unk>"]',
            '["<unk>", "<eos>"]',
            "<unk> got the id 0 and <eos> 1, it should be the other way round.",
        ),
        Misconception(
            "max_size not checked",
            "if max_size < 2:",
            "if max_size < 0:",
            "A max_size without room for the two special entries should be refused with a ValueError.",
        ),
    ],
    alternatives=[
        Alternative(
            "a plain dict and sorting by a pair",
            """
def build_vocabulary(lines, max_size):
    if max_size < 2:
        raise ValueError("max_size is too small: " + str(max_size))
    counts, seen = {}, {}
    for line in lines:
        for word in line.split():
            counts[word] = counts.get(word, 0) + 1
            seen.setdefault(word, len(seen))
    counts.pop("<unk>", None)
    counts.pop("<eos>", None)
    vocabulary = {"<eos>": 0, "<unk>": 1}
    for word in sorted(counts, key=lambda w: (-counts[w], seen[w])):
        if len(vocabulary) == max_size:
            break
        vocabulary[word] = len(vocabulary)
    return vocabulary
""",
        ),
        Alternative(
            "Counter.most_common over the joined text",
            """
def build_vocabulary(lines, max_size):
    if max_size < 2:
        raise ValueError(max_size)
    counts = Counter("\\n".join(lines).split())
    for special in ("<eos>", "<unk>"):
        del counts[special]
    words = ["<eos>", "<unk>"] + [word for word, _ in counts.most_common(max_size - 2)]
    return dict(zip(words, range(len(words))))
""",
        ),
    ],
)


def draw_encoding(lines: int, words: int):
    """Lines over all words and a vocabulary that has some of them."""

    def draw(rng: np.random.Generator) -> dict:
        return {"lines": text(rng, lines, shuffled(rng, WORDS)[:words]), "vocabulary": small_vocabulary(rng, 9)}

    return draw


encode = Question(
    id="encode",
    cases=[
        Case("ids of a text, with unknown words", "encode(lines, vocabulary)", draw_encoding(20, 20), weight=2),
        Case(
            "<eos> after an empty line too",
            "encode(lines, vocabulary)",
            lambda rng: {"lines": ["", *text(rng, 3, WORDS), "", "  ", *text(rng, 1, WORDS)], **vocabulary_of(rng)},
        ),
        Case("one line", "encode(lines, vocabulary)", draw_encoding(1, 5)),
        Case(
            "no lines give no ids", "encode(lines, vocabulary)", lambda rng: {"lines": [], **vocabulary_of(rng)}, 0.25
        ),
        Case(
            "<unk> and <eos> in the text are those entries",
            "encode(lines, vocabulary)",
            lambda rng: {"lines": text(rng, 6, ["<unk>", *shuffled(rng, WORDS)[:5], "<eos>"]), **vocabulary_of(rng)},
            weight=0.5,
        ),
        Case(
            "lines and vocabulary stay as they were",
            "(encode(lines, vocabulary), lines, vocabulary)",
            draw_encoding(4, 20),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "no end marks",
            '        ids.append(vocabulary["<eos>"])\n',
            "",
            "There is no <eos> after the lines: where a line ends is part of the text.",
        ),
        Misconception(
            "empty lines left out",
            "    for line in lines:",
            "    for line in filter(str.strip, lines):",
            "An empty line is a line too and gives an <eos>.",
        ),
        Misconception(
            "unknown words left out",
            'vocabulary.get(word, vocabulary["<unk>"]) for word in line.split()',
            "vocabulary[word] for word in line.split() if word in vocabulary",
            "Words outside of the vocabulary were left out, they should be encoded as <unk>.",
        ),
        Misconception(
            "end mark in front",
            '        ids.extend(vocabulary.get(word, vocabulary["<unk>"]) for word in line.split())\n'
            '        ids.append(vocabulary["<eos>"])',
            '        ids.append(vocabulary["<eos>"])\n'
            '        ids.extend(vocabulary.get(word, vocabulary["<unk>"]) for word in line.split())',
            "The <eos> stands before each line, it should stand after it.",
        ),
        Misconception(
            "32-bit ids",
            "dtype=torch.long",
            "dtype=torch.int32",
            "The ids are 32-bit integers, a LongTensor was asked for.",
        ),
    ],
    alternatives=[
        Alternative(
            "one expression over lines with their end marks",
            """
def encode(lines, vocabulary):
    unknown = vocabulary["<unk>"]
    words = (word for line in lines for word in line.split() + ["<eos>"])
    return torch.LongTensor([vocabulary[word] if word in vocabulary else unknown for word in words])
""",
        ),
        Alternative(
            "by numpy",
            """
def encode(lines, vocabulary):
    ids = []
    for line in lines:
        for word in line.split():
            if word not in vocabulary:
                word = "<unk>"
            ids += [vocabulary[word]]
        ids += [0]
    return torch.from_numpy(np.array(ids, dtype=np.int64))
""",
        ),
    ],
)


def vocabulary_of(rng: np.random.Generator) -> dict:
    """A vocabulary as a named input."""
    return {"vocabulary": small_vocabulary(rng, 12)}


batchify = Question(
    id="batchify",
    cases=[
        Case(
            "columns are contiguous stretches, the remainder is dropped",
            "batchify(ids, 5)",
            lambda rng: {"ids": stream(rng, 38, 1000)},
            weight=2,
        ),
        Case(
            "ids that fill the rows exactly", "batchify(ids, 4)", lambda rng: {"ids": stream(rng, 28, 1000)}, weight=1.5
        ),
        Case(
            "a batch of one, and one row",
            "[batchify(ids, 1), batchify(ids, 7), batchify(ids, 4)]",
            lambda rng: {"ids": stream(rng, 7, 1000)},
        ),
        Case(
            "fewer ids than columns are refused",
            refuses("batchify(ids, value)", "(5, 6, 4, 40)"),
            lambda rng: {"ids": stream(rng, 5, 1000)},
            weight=0.5,
        ),
        Case(
            "the ids stay as they were",
            "(batchify(ids, 3), batchify(ids, 3), ids)",
            lambda rng: {"ids": stream(rng, 11, 1000)},
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "rows contiguous",
            ".view(batch_size, steps).t().contiguous()",
            ".view(steps, batch_size)",
            "The rows are contiguous text, but the columns should be: lay out (batch_size, steps) first, then "
            "turn it round.",
        ),
        Misconception(
            "batch first",
            ".t().contiguous()",
            "",
            "The shape is (batch_size, steps), the steps should come first: (steps, batch_size).",
        ),
        Misconception(
            "remainder kept",
            "steps = len(ids) // batch_size\n    return ids[: steps * batch_size]",
            "steps = -(-len(ids) // batch_size)\n    return F.pad(ids, (0, steps * batch_size - len(ids)))",
            "The remainder was padded to a whole row, it should be dropped.",
        ),
        Misconception(
            "remainder dropped in front",
            "ids[: steps * batch_size]",
            "ids[len(ids) - steps * batch_size :]",
            "What does not fill a row was dropped at the beginning of the text, it should be dropped at its end.",
        ),
        Misconception(
            "too few ids accepted",
            "if len(ids) < batch_size:",
            "if batch_size < 1:",
            "Fewer ids than columns give no row at all and should be refused with a ValueError.",
        ),
    ],
    alternatives=[
        Alternative(
            "a column at a time",
            """
def batchify(ids, batch_size):
    steps = len(ids) // batch_size
    if steps == 0:
        raise ValueError("too few ids")
    return torch.stack([ids[column * steps : (column + 1) * steps] for column in range(batch_size)], dim=1)
""",
        ),
        Alternative(
            "narrow and transpose, without a copy",
            """
def batchify(ids, batch_size):
    if batch_size > ids.numel():
        raise ValueError(batch_size)
    steps = ids.size(0) // batch_size
    return ids.narrow(0, 0, steps * batch_size).reshape(batch_size, -1).T
""",
        ),
    ],
)


def draw_source(rows: int, batch: int):
    """Columns of distinct ids."""

    def draw(rng: np.random.Generator) -> dict:
        return {"source": torch.from_numpy(rng.permutation(rows * batch).reshape(rows, batch))}

    return draw


get_batch = Question(
    id="get_batch",
    cases=[
        Case("a whole piece", "data, targets = get_batch(source, 4, 5)\n(data, targets)", draw_source(17, 3), weight=2),
        Case(
            "the last piece is shorter",
            "[tuple(get_batch(source, start, bptt)) for start, bptt in ((9, 5), (11, 2), (11, 35), (0, 100))]",
            draw_source(13, 4),
            weight=1.5,
        ),
        Case(
            "a batch of one, pieces of one step",
            "[tuple(get_batch(source, start, 1)) for start in range(6)]",
            draw_source(7, 1),
            weight=0.5,
        ),
        Case(
            "a piece that ends at the last row",
            "[tuple(get_batch(source, start, 4)) for start in (0, 4)]",
            draw_source(9, 2),
            weight=0.5,
        ),
        Case("the source stays as it was", "(tuple(get_batch(source, 2, 3)), source)", draw_source(8, 3), weight=0.25),
    ],
    misconceptions=[
        Misconception(
            "targets not shifted",
            "source[start + 1 : start + 1 + steps]",
            "source[start : start + steps]",
            "The targets are the inputs themselves, they should be the tokens one row later.",
        ),
        Misconception(
            "last row read as input",
            "len(source) - 1 - start",
            "len(source) - start",
            "The last row of the source is read as an input although it has no target, so inputs and targets "
            "differ in length.",
        ),
        Misconception(
            "last piece too short",
            "len(source) - 1 - start",
            "len(source) - 2 - start",
            "The last piece lacks a step: the last row of the source is a target.",
        ),
        Misconception(
            "targets two rows later",
            "source[start + 1 : start + 1 + steps]",
            "source[start + 2 : start + 2 + steps]",
            "The targets are two rows later than the inputs, they should be the very next tokens.",
        ),
    ],
    alternatives=[
        Alternative(
            "inputs and targets cut first",
            """
def get_batch(source, start, bptt):
    return source[:-1][start : start + bptt], source[1:][start : start + bptt]
""",
        ),
        Alternative(
            "by index, as a list",
            """
def get_batch(source, start, bptt):
    rows = torch.arange(start, min(start + bptt, len(source) - 1))
    return [source[rows], source[rows + 1]]
""",
        ),
    ],
)

SEEN = """
import torch

def seen(h, before):
    if isinstance(h, torch.Tensor):
        return (h, h.requires_grad, h.grad_fn is None, h.data_ptr() == before.data_ptr())
    if isinstance(h, tuple):
        return tuple(seen(part, old) for part, old in zip(h, before, strict=True))
    return type(h).__name__
"""


def draw_state(rng: np.random.Generator) -> dict:
    """Leaves to make states from."""
    return {name: torch.from_numpy(rng.standard_normal((2, 3, 4))) for name in ("a", "b", "c")}


repackage_hidden = Question(
    id="repackage_hidden",
    cases=[
        Case(
            "a tensor: same values and memory, no history",
            f"{SEEN}\nstate = a.requires_grad_() * 3\nseen(repackage_hidden(state), state)",
            draw_state,
            weight=2,
        ),
        Case(
            "a pair of tensors, as an LSTM has it",
            f"{SEEN}\nstate = (a.requires_grad_() * 3, b.requires_grad_().tanh())\n"
            "seen(repackage_hidden(state), state)",
            draw_state,
            weight=2,
        ),
        Case(
            "tuples within tuples",
            f"{SEEN}\nstate = ((a.requires_grad_() * 3, (b.requires_grad_() + 1,)), c.requires_grad_().exp())\n"
            "seen(repackage_hidden(state), state)",
            draw_state,
        ),
        Case(
            "a leaf that wants a gradient, and a tensor without history",
            f"{SEEN}\n(seen(repackage_hidden(a.requires_grad_()), a), seen(repackage_hidden(b), b))",
            draw_state,
            weight=0.5,
        ),
        Case(
            "the state that was given keeps its history",
            f"{SEEN}\na.requires_grad_()\nstate = a * a\ncut = repackage_hidden(state)\nstate.sum().backward()\n"
            "(seen(cut, state), state.requires_grad, a.grad)",
            draw_state,
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "no detach",
            "h.detach()",
            "h",
            "The state still hangs on the graph that made it, so the backward pass would run through all earlier "
            "pieces.",
        ),
        Misconception(
            "zeros",
            "h.detach()",
            "torch.zeros_like(h)",
            "A state of zeros came back: the history is to be cut off, the values stay.",
        ),
        Misconception(
            "copied",
            "h.detach()",
            "h.detach().clone()",
            "The values were copied, but the result should share the memory of the state that was given.",
        ),
        Misconception(
            "a list for a tuple",
            "tuple(repackage_hidden(part) for part in h)",
            "[repackage_hidden(part) for part in h]",
            "A list came back for a tuple, also the state of an LSTM should stay a tuple.",
        ),
        Misconception(
            "in place",
            "h.detach()",
            "h.detach_()",
            "The state that was given lost its own history, a new tensor should be returned instead.",
        ),
        Misconception(
            "only one level of tuples",
            "tuple(repackage_hidden(part) for part in h)",
            "tuple(part.detach() for part in h)",
            "Tuples within tuples are not handled: let the function call itself for each part.",
        ),
    ],
    alternatives=[
        Alternative(
            "tuples first",
            """
def repackage_hidden(h):
    if type(h) is tuple:
        return tuple(map(repackage_hidden, h))
    return h.data
""",
        ),
        Alternative(
            "a view without gradient",
            """
def repackage_hidden(h):
    if not torch.is_tensor(h):
        cut = ()
        for part in h:
            cut += (repackage_hidden(part),)
        return cut
    with torch.no_grad():
        return h.view_as(h).detach()
""",
        ),
    ],
)

TYPES = ("LSTM", "GRU", "RNN_TANH", "RNN_RELU")

# A model of a given type with every weight drawn anew, so that nothing rests on how it starts.
BUILD = """
import torch

def build(rnn_type, embedding_size, hidden_size, num_layers, dropout, tied, vocab_size=13):
    model = WordLM(rnn_type, vocab_size, embedding_size, hidden_size, num_layers, dropout, tied)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(1.6 * torch.rand(parameter.shape, generator=generator) - 0.8)
    return model

def as_pair(state):
    return state if isinstance(state, tuple) else (state,)

def apart(one, other):
    return max(float((a - b).detach().abs().max()) for a, b in zip(as_pair(one), as_pair(other), strict=True))

torch.manual_seed(seed)
"""

WEIGHTS_AND_LOGITS = """
answers = []
for rnn_type in ("LSTM", "GRU", "RNN_TANH", "RNN_RELU"):
    model = build(rnn_type, {embedding}, 7, 2, 0.4, {tied})
    if {step}:
        optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
        model(tokens, (a, b) if rnn_type == "LSTM" else a)[0].logsumexp(-1).sum().backward()
        optimiser.step()
    model.eval()
    logits, after = model(tokens, (a, b) if rnn_type == "LSTM" else a)
    answers.append((logits, after, exported(model)))
answers
"""


def draw_tokens(rng: np.random.Generator) -> dict:
    """Tokens (6, 3) of 13 words, states of 2 layers of 7, and a seed for weights."""
    drawn = {name: torch.from_numpy(rng.uniform(-1, 1, (2, 3, 7)).astype(np.float32)) for name in ("a", "b")}
    return {"tokens": stream(rng, 18, 13).view(6, 3), "seed": int(rng.integers(1 << 30)), **drawn}


def matches(came, expected: torch.Tensor) -> bool:
    """Whether an untrusted answer is a tensor of the expected shape and values."""
    if not isinstance(came, torch.Tensor) or came.shape != expected.shape or not came.is_floating_point():
        return False
    return bool((came.double() - expected.double()).abs().max() < 1e-4)


def same_logits(answer, inputs, solution) -> str | None:
    """The exported weights in the solution's model give the same logits and states; what cannot be mapped passes.

    Structures that `export_weights` refuses are judged by the other cases, by what they do.
    """
    if not isinstance(answer, list) or len(answer) != len(TYPES):
        return "the answer is not one result per rnn_type"
    for rnn_type, one in zip(TYPES, answer, strict=True):
        if not isinstance(one, tuple) or len(one) != 3:
            return f"{rnn_type}: logits and state should come back"
        logits, after, weights = one
        if isinstance(weights, str):
            shapes_right = isinstance(logits, torch.Tensor) and tuple(logits.shape) == (6, 3, 13)
            if not shapes_right or not logits.isfinite().all():
                return f"{rnn_type}: the logits should be finite and of shape (steps, batch, vocab)"
            if not logits.double().flatten(0, 1).std(0).max() > 1e-3:
                return f"{rnn_type}: the logits are the same whatever was read"
            continue
        try:
            shape = describe(weights)
        except ValueError as error:
            return f"{rnn_type}: the weights are no word language model's: {error}"
        if (shape["rnn_type"], shape["hidden_size"], shape["num_layers"]) != (rnn_type, 7, 2):
            return (
                f"{rnn_type}: the recurrent layers are {shape['num_layers']} of {shape['rnn_type']}, not what was asked"
            )
        state = (inputs["a"], inputs["b"]) if rnn_type == "LSTM" else inputs["a"]
        with torch.no_grad():
            expected, expected_after = solution_model(weights, solution)(inputs["tokens"], state)
        if not matches(logits, expected):
            return f"{rnn_type}: the logits are not those of embedding, recurrent layers and decoder with these weights"
        pairs = zip(after, expected_after, strict=True) if rnn_type == "LSTM" else [(after, expected_after)]
        if not all(matches(came, wanted) for came, wanted in pairs):
            return f"{rnn_type}: the state that comes back is not the recurrent layers' last one"
    return None


# Which positions of dropout act, seen with p = 1, which leaves nothing: the weights are found by their shapes.
DROPPED = """
model = build(rnn_type, 5, 7, 2, 1.0, False)
state = (a, b) if rnn_type == "LSTM" else a
bias = [parameter for parameter in model.parameters() if parameter.shape == (13,)]
logits, after = model(tokens, state)
_, other = model((tokens + 1) % 13, state)
model.eval()
logits_off, after_off = model(tokens, state)
_, other_off = model((tokens + 1) % 13, state)
results.append((
    rnn_type,
    "output", bool(logits.std(dim=(0, 1)).max() < 1e-6), bool(logits_off.std(dim=(0, 1)).max() > 1e-3),
    "embeddings", apart(as_pair(after)[0][0], as_pair(other)[0][0]) < 1e-6,
    apart(as_pair(after_off)[0][0], as_pair(other_off)[0][0]) > 1e-3,
))
"""


def share_dropped(answer, inputs, solution) -> str | None:
    """4,000 values dropped with probability 0.2: 0.2 +- 0.0063, so 0.05 away is 8 standard deviations (1e-15)."""
    if not isinstance(answer, tuple) or len(answer) != 2 or answer[0] != 4000 or not isinstance(answer[1], float):
        return "the logits have another shape"
    if not abs(answer[1] - 0.2) < 0.05:
        return f"with dropout 0.2 a share of {answer[1]:.2f} of the outputs was dropped"
    return None


WordLM = Question(
    id="WordLM",
    cases=[
        Case(
            "the number of parameters of each type, untied and tied",
            "[sum(p.numel() for p in WordLM(kind, words, size, 6, layers, 0.0, tied).parameters()) "
            "for kind in ('LSTM', 'GRU', 'RNN_TANH', 'RNN_RELU') for layers in (1, 2, 3) "
            "for size, tied in ((6, True), (6, False), (4, False))]",
            lambda rng: {"words": int(rng.integers(30, 60))},
            weight=2,
        ),
        Case(
            "logits and states of each type, computed from your weights",
            BUILD + EXPORTED + WEIGHTS_AND_LOGITS.format(embedding=5, tied=False, step=False),
            draw_tokens,
            weight=3,
            judge=same_logits,
        ),
        Case(
            "logits of tied models after a step of training",
            BUILD + EXPORTED + WEIGHTS_AND_LOGITS.format(embedding=7, tied=True, step=True),
            draw_tokens,
            judge=same_logits,
        ),
        Case(
            "tied weights are one parameter, and both sides use it",
            BUILD
            + """
results = []
for rnn_type in ("LSTM", "GRU"):
    model = build(rnn_type, 7, 7, 1, 0.0, True).eval()
    shared = [parameter for parameter in model.parameters() if parameter.shape == (13, 7)]
    first, _ = model(tokens, model.init_hidden(3))
    with torch.no_grad():
        shared[0].zero_()
    logits, after = model(tokens, model.init_hidden(3))
    _, other = model((tokens + 1) % 13, model.init_hidden(3))
    results.append((len(shared), bool(first.std(dim=(0, 1)).max() > 1e-3), bool(logits.std(dim=(0, 1)).max() < 1e-6),
                    apart(after, other) < 1e-6))
results
""",
            draw_tokens,
        ),
        Case(
            "a text read in two parts, the state carried, gives the logits of the whole",
            BUILD
            + """
results = []
for rnn_type in ("LSTM", "GRU", "RNN_TANH", "RNN_RELU"):
    model = build(rnn_type, 5, 7, 2, 0.4, False).eval()
    state = (a, b) if rnn_type == "LSTM" else a
    whole, end = model(tokens, state)
    first, middle = model(tokens[:2], state)
    second, last = model(tokens[2:], middle)
    fresh, _ = model(tokens[2:], model.init_hidden(3))
    results.append((tuple(whole.shape), apart(torch.cat([first, second]), whole) < 1e-4, apart(last, end) < 1e-4,
                    apart(second, fresh) > 1e-3))
results
""",
            draw_tokens,
            weight=1.5,
        ),
        Case(
            "columns do not see each other, and no step sees a later one",
            BUILD
            + """
results = []
for rnn_type in ("LSTM", "GRU"):
    model = build(rnn_type, 5, 7, 2, 0.4, False).eval()
    logits, _ = model(tokens, model.init_hidden(3))
    changed = tokens.clone()
    changed[3:, 1] = (changed[3:, 1] + 1) % 13
    other, _ = model(changed, model.init_hidden(3))
    moved = (logits - other).detach().abs().amax(-1) > 1e-4
    alone, _ = model(tokens[:, 2:], model.init_hidden(1))
    results.append((moved, apart(alone, logits[:, 2:]) < 1e-4))
results
""",
            draw_tokens,
            weight=0.5,
        ),
        Case(
            "init_hidden: zeros of the right shape, a pair for the LSTM, of the weights' dtype",
            """
import torch
[(WordLM(kind, 9, 4, 5, 3, 0.1, False).init_hidden(batch),
  WordLM(kind, 9, 5, 5, 1, 0.0, True).double().init_hidden(batch))
 for kind in ("LSTM", "GRU", "RNN_TANH", "RNN_RELU") for batch in (1, 2)]
""",
            weight=1,
        ),
        Case(
            "dropout acts on embeddings and output, in training mode only",
            BUILD + "results = []\nfor rnn_type in ('LSTM', 'GRU'):" + DROPPED.replace("\n", "\n    ") + "\nresults",
            draw_tokens,
            weight=1,
        ),
        Case(
            "dropout acts between the layers, not on the recurrent connections",
            BUILD
            + """
results = []
for rnn_type in ("LSTM", "GRU", "RNN_TANH"):
    state = (a, b) if rnn_type == "LSTM" else a
    above = as_pair(build(rnn_type, 5, 7, 2, 1.0, False)(tokens, state)[1])[0][1]
    moved = build(rnn_type, 5, 7, 2, 1.0, False)(tokens, tuple(
        torch.stack([1 - part[0], part[1]]) for part in state) if rnn_type == "LSTM" else torch.stack([1 - a[0], a[1]]))
    model = build(rnn_type, 5, 7, 1, 0.5, False)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.shape == (13, 5):
                parameter.zero_()
    one = (a[:1], b[:1]) if rnn_type == "LSTM" else a[:1]
    training = [model(tokens, one)[1] for _ in range(3)]
    model.eval()
    off = model(tokens, one)[1]
    results.append((apart(above, as_pair(moved[1])[0][1]) < 1e-6, [apart(state, off) < 1e-5 for state in training]))
results
""",
            draw_tokens,
            weight=0.5,
        ),
        Case(
            "dropout drops with the probability that was asked for",
            """
import torch
torch.manual_seed(seed)
model = WordLM("GRU", 13, 5, 40, 1, 0.2, False)
with torch.no_grad():
    for parameter in model.parameters():
        if parameter.shape == (13, 40):
            parameter.zero_()
            parameter[0, 0] = 1.0
logits, _ = model(torch.randint(13, (100, 40)), model.init_hidden(40))
scores = (logits[..., 0] - logits[..., 1]).flatten()
(len(scores), float(((scores - scores.mode().values).abs() < 1e-7).float().mean()))
""",
            lambda rng: {"seed": int(rng.integers(1 << 30))},
            weight=0.5,
            judge=share_dropped,
        ),
        Case(
            "evaluation mode gives the same each time, training mode does not",
            BUILD
            + """
results = []
for rnn_type in ("LSTM", "RNN_RELU"):
    model = build(rnn_type, 5, 7, 2, 0.5, False)
    state = model.init_hidden(3)
    training = apart(model(tokens, state)[0], model(tokens, state)[0]) > 1e-3
    model.eval()
    still = build(rnn_type, 5, 7, 2, 0.0, False)
    results.append((training, torch.equal(model(tokens, state)[0], model(tokens, state)[0]),
                    apart(still(tokens, state)[0], still.eval()(tokens, state)[0]) < 1e-6))
results
""",
            draw_tokens,
            weight=0.5,
        ),
        Case(
            "unknown types and tied sizes that differ are refused",
            refuses(
                "WordLM(*value)",
                "(('LTSM', 9, 4, 4, 1, 0.0, False), ('RNN', 9, 4, 4, 1, 0.0, False), ('LSTM', 9, 4, 5, 1, 0.0, True), "
                "('GRU', 9, 5, 4, 2, 0.0, True), ('GRU', 9, 5, 4, 2, 0.0, False), ('LSTM', 9, 4, 4, 1, 0.0, True))",
            ),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "tied by copy",
            "self.decoder.weight = self.embedding.weight",
            "self.decoder.weight = nn.Parameter(self.embedding.weight.detach().clone())",
            "The decoder starts as a copy of the embedding but is a parameter of its own: tied means one and the "
            "same Parameter.",
        ),
        Misconception(
            "decoder bias dropped",
            "nn.init.zeros_(self.decoder.bias)",
            "self.decoder.bias = None",
            "The decoder has no bias; each word has one of its own there.",
        ),
        Misconception(
            "state not used",
            "self.rnn(embedded, hidden)",
            "self.rnn(embedded)",
            "The state that comes in is not used, each call starts from zeros.",
        ),
        Misconception(
            "no dropout on the embeddings",
            "self.dropout(self.embedding(tokens))",
            "self.embedding(tokens)",
            "There is no dropout on the embeddings.",
        ),
        Misconception(
            "no dropout on the output",
            "self.decoder(self.dropout(outputs))",
            "self.decoder(outputs)",
            "There is no dropout on the output of the last layer.",
        ),
        Misconception(
            "no dropout between the layers",
            "between = dropout if num_layers > 1 else 0.0",
            "between = 0.0",
            "There is no dropout between the recurrent layers.",
        ),
        Misconception(
            "p taken as the keep probability",
            "self.dropout = nn.Dropout(dropout)",
            "self.dropout = nn.Dropout(1 - dropout)",
            "dropout is the probability of dropping, here it was taken as that of keeping.",
        ),
        Misconception(
            "always tanh",
            "rnn_type[4:].lower()",
            '"tanh"',
            "RNN_RELU computes a tanh: hand the nonlinearity on to nn.RNN.",
        ),
        Misconception(
            "one layer whatever was asked",
            "embedding_size, hidden_size, num_layers, dropout=between",
            "embedding_size, hidden_size, 1, dropout=0.0",
            "There is one recurrent layer whatever num_layers says.",
        ),
        Misconception(
            "a random first state",
            "new_zeros(self.num_layers, batch_size, self.hidden_size)",
            "new_ones(self.num_layers, batch_size, self.hidden_size).normal_()",
            "init_hidden gives random values, the first state is zeros.",
        ),
        Misconception(
            "state of the default dtype",
            "self.decoder.weight.new_zeros(",
            "torch.zeros(",
            "init_hidden gives float32 whatever the weights are, it should take over their dtype and device.",
        ),
        Misconception(
            "tied sizes not checked",
            "if tied and embedding_size != hidden_size:",
            "if tied and embedding_size < 0:",
            "Tied weights of two different sizes should be refused with a ValueError.",
        ),
        Misconception(
            "unknown type taken for an LSTM",
            "if rnn_type not in types:",
            "if rnn_type not in types:\n            rnn_type = 'LSTM'\n        if not rnn_type:",
            "An unknown rnn_type should be refused with a ValueError, here it builds some model.",
        ),
    ],
    alternatives=[
        Alternative(
            "other names, no nn.Linear, functional dropout",
            """
class WordLM(nn.Module):
    def __init__(self, rnn_type, vocab_size, embedding_size, hidden_size, num_layers, dropout, tied):
        super().__init__()
        kinds = {
            "LSTM": lambda: nn.LSTM(embedding_size, hidden_size, num_layers),
            "GRU": lambda: nn.GRU(embedding_size, hidden_size, num_layers),
            "RNN_TANH": lambda: nn.RNN(embedding_size, hidden_size, num_layers, nonlinearity="tanh"),
            "RNN_RELU": lambda: nn.RNN(embedding_size, hidden_size, num_layers, nonlinearity="relu"),
        }
        if rnn_type not in kinds or (tied and hidden_size != embedding_size):
            raise ValueError((rnn_type, embedding_size, hidden_size))
        self.lookup = nn.Embedding(vocab_size, embedding_size)
        self.memory = kinds[rnn_type]()
        self.memory.dropout = dropout if num_layers > 1 else 0.0
        self.p = dropout
        self.matrix = None if tied else nn.Parameter(torch.randn(vocab_size, hidden_size) * 0.05)
        self.offset = nn.Parameter(torch.zeros(vocab_size))
        nn.init.normal_(self.lookup.weight, std=0.05)

    def forward(self, tokens, hidden):
        vectors = F.dropout(self.lookup(tokens), self.p, self.training)
        states, hidden = self.memory(vectors, hidden)
        matrix = self.lookup.weight if self.matrix is None else self.matrix
        return F.linear(F.dropout(states, self.p, self.training), matrix, self.offset), hidden

    def init_hidden(self, batch_size):
        weight = next(self.parameters())
        shape = (self.memory.num_layers, batch_size, self.memory.hidden_size)
        zeros = [torch.zeros(shape, dtype=weight.dtype, device=weight.device) for _ in range(2)]
        return tuple(zeros) if isinstance(self.memory, nn.LSTM) else zeros[0]
""",
        ),
        Alternative(
            "a module for each layer, dropout by hand",
            """
class WordLM(nn.Module):
    def __init__(self, rnn_type, vocab_size, embedding_size, hidden_size, num_layers, dropout, tied):
        super().__init__()
        kinds = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN_TANH": nn.RNN, "RNN_RELU": nn.RNN}
        if rnn_type not in kinds:
            raise ValueError(rnn_type)
        if tied and hidden_size != embedding_size:
            raise ValueError((embedding_size, hidden_size))
        more = {"nonlinearity": "relu"} if rnn_type == "RNN_RELU" else {}
        sizes = [embedding_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(kinds[rnn_type](size, hidden_size, **more) for size in sizes)
        self.embed = nn.Embedding(vocab_size, embedding_size)
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(hidden_size, vocab_size)
        nn.init.uniform_(self.embed.weight, -0.1, 0.1)
        if tied:
            self.out.weight = self.embed.weight
        self.pair = rnn_type == "LSTM"

    def forward(self, tokens, hidden):
        x, after = self.embed(tokens), []
        for number, layer in enumerate(self.layers):
            own = tuple(part[number : number + 1] for part in hidden) if self.pair else hidden[number : number + 1]
            x, new = layer(self.drop(x), own)
            after.append(new)
        if self.pair:
            after = tuple(torch.cat(parts) for parts in zip(*after))
        else:
            after = torch.cat(after)
        return self.out(self.drop(x)), after

    def init_hidden(self, batch_size):
        zeros = self.out.bias.new_zeros(len(self.layers), batch_size, self.out.in_features)
        return (zeros, torch.zeros_like(zeros)) if self.pair else zeros
""",
        ),
        Alternative(
            "weights left as torch starts them",
            """
class WordLM(nn.Module):
    def __init__(self, rnn_type, vocab_size, embedding_size, hidden_size, num_layers, dropout, tied):
        super().__init__()
        if rnn_type not in ("LSTM", "GRU", "RNN_TANH", "RNN_RELU"):
            raise ValueError(rnn_type)
        if tied and hidden_size != embedding_size:
            raise ValueError((embedding_size, hidden_size))
        more = {"dropout": dropout if num_layers > 1 else 0.0}
        if rnn_type.startswith("RNN"):
            more["nonlinearity"] = rnn_type.split("_")[1].lower()
        self.words = nn.Embedding(vocab_size, embedding_size)
        self.core = getattr(nn, rnn_type.split("_")[0])(embedding_size, hidden_size, num_layers, **more)
        self.scores = nn.Linear(hidden_size, vocab_size)
        if tied:
            self.scores.weight = self.words.weight
        self.dropped = nn.Dropout(dropout)

    def forward(self, tokens, hidden):
        states, hidden = self.core(self.dropped(self.words(tokens)), hidden)
        return self.scores(self.dropped(states)), hidden

    def init_hidden(self, batch_size):
        shape = self.core.num_layers, batch_size, self.core.hidden_size
        zeros = [self.scores.weight.new_zeros(shape) for _ in range(2)]
        return tuple(zeros) if isinstance(self.core, nn.LSTM) else zeros[0]
""",
        ),
    ],
    seconds=60.0,
)


# A small network with a memory: everything it does depends on its state and on its mode, and it notes how it is asked.
RECALL = """
import torch

class Recall(torch.nn.Module):
    def __init__(self, pair=False):
        super().__init__()
        for name, value in weights.items():
            self.register_parameter(name, torch.nn.Parameter(value.clone()))
        self.pair, self.calls = pair, []

    def forward(self, tokens, hidden):
        first = hidden[0] if self.pair else hidden
        self.calls.append({"steps": len(tokens), "batch": tokens.size(1), "training": self.training,
                           "state": first.detach().clone(), "cut": not first.requires_grad})
        h, outputs = first[0], []
        for row in tokens:
            h = torch.tanh(self.read[row] + h @ self.keep)
            outputs.append(h)
        scores = torch.stack(outputs) @ self.write * (0.4 if self.training else 1.0)
        self.calls[-1]["after"] = h.detach().clone()
        return scores, ((h.unsqueeze(0), hidden[1] + 1) if self.pair else h.unsqueeze(0))

    def init_hidden(self, batch_size):
        zeros = self.keep.new_zeros(1, batch_size, self.keep.size(0))
        return (zeros, zeros.clone()) if self.pair else zeros
"""


def draw_recall(tokens: int, batch: int = 0):
    """Weights of a `Recall` of 7 words and 5 units, and ids: a stream, or columns where a batch is given."""

    def draw(rng: np.random.Generator) -> dict:
        sizes = {"read": (7, 5), "keep": (5, 5), "write": (5, 7)}
        weights = {name: torch.from_numpy(rng.uniform(-1.2, 1.2, size)) for name, size in sizes.items()}
        ids = stream(rng, tokens * max(1, batch), 7)
        return {"weights": weights, "ids": ids.view(tokens, batch) if batch else ids}

    return draw


perplexity = Question(
    id="perplexity",
    cases=[
        Case(
            "exact on fixed weights, the last piece shorter",
            f"{RECALL}\nperplexity(Recall().eval(), ids, 6)",
            draw_recall(45),
            weight=2,
            relative=1e-5,
        ),
        Case(
            "the same whatever the length of the pieces",
            f"{RECALL}\n[perplexity(Recall().eval(), ids, bptt) for bptt in (1, 4, 22, 23, 24, 500)]",
            draw_recall(24),
            weight=2,
            relative=1e-5,
        ),
        Case(
            "evaluation mode for a model that comes in training mode",
            f"{RECALL}\nmodel = Recall().train()\nvalue = perplexity(model, ids, 7)\n"
            "(value, model.calls[0]['training'])",
            draw_recall(20),
            weight=1.5,
            relative=1e-5,
        ),
        Case(
            "the old mode is restored",
            f"{RECALL}\nresults = []\nfor mode in (True, False):\n    model = Recall().train(mode)\n"
            "    results.append((perplexity(model, ids, 5), model.training))\nresults",
            draw_recall(12),
            relative=1e-5,
        ),
        Case("two ids", f"{RECALL}\nperplexity(Recall().eval(), ids, 5)", draw_recall(2), 0.5, relative=1e-5),
        Case(
            "a state that is a pair",
            f"{RECALL}\nperplexity(Recall(pair=True).eval(), ids, 6)",
            draw_recall(20),
            weight=0.5,
            relative=1e-5,
        ),
        Case(
            "one stream, from a state of zeros, at most bptt steps at a time",
            f"{RECALL}\nmodel = Recall().eval()\nvalue = perplexity(model, ids, 6)\n"
            "(value, float(model.calls[0]['state'].abs().sum()), [call['batch'] for call in model.calls[:1]], "
            "max(call['steps'] for call in model.calls) <= 6, sum(call['steps'] for call in model.calls) >= "
            "len(ids) - 1)",
            draw_recall(33),
            weight=0.5,
            relative=1e-5,
        ),
        Case(
            "fewer than two ids are refused",
            RECALL + refuses("perplexity(Recall(), ids[:value], 4)", "(0, 1, 2)"),
            draw_recall(5),
            weight=0.5,
        ),
        Case(
            "ids and weights stay as they were and a second call gives the same",
            f"{RECALL}\nmodel = Recall().eval()\nfirst = perplexity(model, ids, 9)\n"
            "(first, perplexity(model, ids, 9), ids, [p.detach() for p in model.parameters()])",
            draw_recall(15),
            weight=0.25,
            relative=1e-5,
        ),
    ],
    misconceptions=[
        Misconception(
            "state reset in every piece",
            "            logits, hidden = model(data, hidden)",
            "            logits, _ = model(data, hidden)",
            "The state starts from zeros in every piece, it should be carried through the whole text.",
        ),
        Misconception(
            "dropout on in evaluation",
            "model.eval()",
            "model.train()",
            "The model was asked in training mode, so its dropout was on: call model.eval() first.",
        ),
        Misconception(
            "mode not restored",
            "    model.train(was_training)\n",
            "",
            "The model is left in evaluation mode whatever mode it came in.",
        ),
        Misconception(
            "left in training mode",
            "model.train(was_training)",
            "model.train()",
            "The model is left in training mode whatever mode it came in.",
        ),
        Misconception(
            "mean of the pieces' perplexities",
            'nll += F.cross_entropy(logits.flatten(0, 1), targets, reduction="sum").item()\n'
            "    model.train(was_training)\n    return math.exp(nll / (len(ids) - 1))",
            "nll += math.exp(F.cross_entropy(logits.flatten(0, 1), targets).item())\n"
            "    model.train(was_training)\n    return nll / math.ceil((len(ids) - 1) / bptt)",
            "This is the mean of the pieces' perplexities: sum the nats of all tokens first and take one exponential.",
        ),
        Misconception(
            "mean of the pieces' means",
            'nll += F.cross_entropy(logits.flatten(0, 1), targets, reduction="sum").item()\n'
            "    model.train(was_training)\n    return math.exp(nll / (len(ids) - 1))",
            "nll += F.cross_entropy(logits.flatten(0, 1), targets).item()\n"
            "    model.train(was_training)\n    return math.exp(nll / math.ceil((len(ids) - 1) / bptt))",
            "The pieces' means were averaged, so a short last piece counts as much as a long one: sum over "
            "tokens instead.",
        ),
        Misconception(
            "exp of a base-2 loss",
            "math.exp(nll / (len(ids) - 1))",
            "math.exp(nll / math.log(2) / (len(ids) - 1))",
            "The loss in bits went into exp: with nats it is exp, with bits it is a power of 2.",
        ),
        Misconception(
            "divided by all tokens",
            "nll / (len(ids) - 1)",
            "nll / len(ids)",
            "The sum is divided by the number of tokens, but the first one is not predicted: divide by one less.",
        ),
        Misconception(
            "targets not shifted",
            "targets = ids[1:][start : start + bptt]",
            "targets = ids[:-1][start : start + bptt]",
            "The model is asked for the token that it has just read, the target is the next one.",
        ),
    ],
    alternatives=[
        Alternative(
            "token by token with log-softmax",
            """
def perplexity(model, ids, bptt):
    if ids.numel() < 2:
        raise ValueError("too short")
    mode = model.training
    model.train(False)
    hidden, logs = model.init_hidden(1), []
    with torch.inference_mode():
        for now, following in zip(ids[:-1].tolist(), ids[1:].tolist()):
            scores, hidden = model(torch.full((1, 1), now, device=ids.device), hidden)
            logs.append(torch.log_softmax(scores[0, 0].double(), -1)[following].item())
    model.train(mode)
    return float(np.exp(-np.mean(logs)))
""",
        ),
        Alternative(
            "by batchify and get_batch, in a try block",
            """
def perplexity(model, ids, bptt):
    if len(ids) <= 1:
        raise ValueError(f"need two ids, got {len(ids)}")
    source, mode = ids[:, None], model.training
    total = torch.zeros((), dtype=torch.float64)
    state = model.init_hidden(1)
    try:
        model.eval()
        with torch.no_grad():
            start = 0
            while start < len(source) - 1:
                data, targets = source[start : start + bptt][: len(source) - 1 - start], source[start + 1 :][:bptt]
                scores, state = model(data, state)
                normal = scores.logsumexp(-1) - scores.gather(-1, targets[..., None]).squeeze(-1)
                total += normal.sum().double()
                start += bptt
    finally:
        model.train(mode)
    return torch.exp(total / (len(source) - 1)).item()
""",
        ),
    ],
)

# Parameters that hold given gradients ("none" for one without), and the gradients as plain data again.
HELD = """
import torch

def holding(gradients):
    made = []
    for gradient in gradients:
        none = isinstance(gradient, str)
        made.append(torch.nn.Parameter(torch.ones(2, dtype=torch.float64) if none else torch.ones_like(gradient)))
        made[-1].grad = None if none else gradient.clone()
    return made

def held(parameters):
    return [(p.detach(), p.grad) for p in parameters]
"""


def draw_gradients(scale: float, *, missing: bool = False, dtype=np.float64):
    """Gradients of three shapes whose common norm is `scale`; with `missing`, parameters without one among them."""

    def draw(rng: np.random.Generator) -> dict:
        drawn = [rng.standard_normal(shape) for shape in ((3, 4), (5,), (2, 1, 3))]
        norm = math.sqrt(sum(float((g**2).sum()) for g in drawn))
        tensors: list = [torch.from_numpy((scale * g / norm).astype(dtype)) for g in drawn]
        return {"gradients": ["none", tensors[0], "none", *tensors[1:]] if missing else tensors}

    return draw


def clipping(call: str) -> str:
    """A program that holds the gradients, makes the call and gives them back."""
    return f"{HELD}\nmade = holding(gradients)\n{call}\nheld(made)"


clip_by_norm = Question(
    id="clip_by_norm",
    cases=[
        Case("a norm above the bound", clipping("clip_by_norm(made, 0.7)"), draw_gradients(6.0), 2, relative=1e-5),
        Case(
            "a norm below the bound stays, one above does not",
            f"{HELD}\nsmall, large = holding(gradients), holding(gradients)\n"
            "clip_by_norm(small, 5.0)\nclip_by_norm(large, 4.0)\n(held(small), held(large))",
            draw_gradients(4.2),
            weight=1.5,
            relative=1e-5,
        ),
        Case(
            "an iterable that can be gone through once",
            clipping("clip_by_norm(iter(made), 1.3)"),
            draw_gradients(9.0),
            relative=1e-5,
        ),
        Case(
            "parameters without a gradient are skipped",
            clipping("clip_by_norm((p for p in made), 0.25)"),
            draw_gradients(3.0, missing=True),
            relative=1e-5,
        ),
        Case(
            "small and large gradients in float32",
            clipping("clip_by_norm(made, 10.0)"),
            draw_gradients(1e6, dtype=np.float32),
            weight=0.5,
            relative=1e-4,
        ),
        Case(
            "zero gradients stay zero, and no gradient at all is no error",
            f"{HELD}\nmade, none = holding([0 * g for g in gradients]), holding(['none', 'none'])\n"
            "large = holding(gradients)\n"
            "clip_by_norm(made, 1.0)\nclip_by_norm(none, 1.0)\nclip_by_norm([], 1.0)\nclip_by_norm(large, 1.0)\n"
            "(held(made), held(none), held(large))",
            draw_gradients(2.0),
            weight=0.5,
            relative=1e-5,
        ),
    ],
    misconceptions=[
        Misconception(
            "norm of each tensor by itself",
            "    for gradient in gradients:\n        gradient.mul_(factor)",
            "    for gradient in gradients:\n        gradient.mul_((bound / gradient.norm()).clamp(max=1.0))",
            "Each tensor was clipped by a norm of its own: there is one norm over all gradients.",
        ),
        Misconception(
            "always scaled to the bound",
            ".clamp(max=1.0)",
            "",
            "Gradients whose norm is below the bound were scaled up to it, they should stay as they are.",
        ),
        Misconception(
            "no square root",
            "torch.stack([gradient.norm() for gradient in gradients]).norm()",
            "torch.stack([gradient.pow(2).sum() for gradient in gradients]).sum()",
            "The sum of squares was taken for the norm: its square root is missing.",
        ),
        Misconception(
            "norms added up",
            "for gradient in gradients]).norm()",
            "for gradient in gradients]).sum()",
            "The norms of the tensors were added up, but it is their squares that add up.",
        ),
        Misconception(
            "iterable gone through twice",
            "    for gradient in gradients:\n        gradient.mul_(factor)",
            "    for parameter in parameters:\n        if parameter.grad is not None:\n"
            "            parameter.grad.mul_(factor)",
            "The parameters are gone through twice, which a generator such as model.parameters() does not allow: "
            "make a list first.",
        ),
        Misconception(
            "clipped by value",
            "gradient.mul_(factor)",
            "gradient.clamp_(-bound, bound)",
            "Each entry was clipped by its value, here the whole gradient should be made shorter.",
        ),
    ],
    alternatives=[
        Alternative(
            "torch's own",
            """
def clip_by_norm(parameters, bound):
    return torch.nn.utils.clip_grad_norm_(list(parameters), bound)
""",
        ),
        Alternative(
            "a Python sum and new gradients",
            """
def clip_by_norm(parameters, bound):
    parameters = [p for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(p.grad.double().pow(2).sum().item() for p in parameters))
    if norm > bound:
        for p in parameters:
            p.grad = p.grad * (bound / norm)
""",
        ),
    ],
)

clip_by_value = Question(
    id="clip_by_value",
    cases=[
        Case("entries beyond the bound on both sides", clipping("clip_by_value(made, 0.4)"), draw_gradients(3.0), 2),
        Case(
            "entries within a wide bound stay, those beyond a narrow one do not",
            f"{HELD}\nsmall, large = holding(gradients), holding(gradients)\n"
            "clip_by_value(small, 6.0)\nclip_by_value(large, 0.5)\n(held(small), held(large))",
            draw_gradients(5.0),
            weight=0.5,
        ),
        Case(
            "an iterable that can be gone through once", clipping("clip_by_value(iter(made), 0.3)"), draw_gradients(4.0)
        ),
        Case(
            "parameters without a gradient are skipped",
            clipping("clip_by_value((p for p in made), 0.2)"),
            draw_gradients(2.0, missing=True),
        ),
    ],
    misconceptions=[
        Misconception(
            "upper side only",
            "clamp_(-bound, bound)",
            "clamp_(max=bound)",
            "Only large positive entries were cut, those below -bound should be cut too.",
        ),
        Misconception(
            "weights clipped",
            "parameter.grad.clamp_(-bound, bound)",
            "parameter.data.clamp_(-bound, bound)",
            "The weights were clipped, it should be their gradients.",
        ),
        Misconception(
            "clipped by norm",
            "parameter.grad.clamp_(-bound, bound)",
            "parameter.grad.mul_((bound / parameter.grad.norm()).clamp(max=1.0))",
            "The gradients were shortened by their norm, here each entry should be cut for itself.",
        ),
        Misconception(
            "large entries set to zero",
            "parameter.grad.clamp_(-bound, bound)",
            "parameter.grad.mul_(parameter.grad.abs() <= bound)",
            "Entries beyond the bound were set to zero, they should be moved to the bound.",
        ),
    ],
    alternatives=[
        Alternative(
            "torch's own",
            """
def clip_by_value(parameters, bound):
    torch.nn.utils.clip_grad_value_(list(parameters), bound)
""",
        ),
        Alternative(
            "minimum and maximum into a new gradient",
            """
def clip_by_value(parameters, bound):
    for p in parameters:
        if p.grad is None:
            continue
        p.grad = torch.minimum(torch.maximum(p.grad, torch.full_like(p.grad, -bound)), torch.full_like(p.grad, bound))
""",
        ),
    ],
)

# Plain gradient descent that notes the norm of what it is given; with or without a closure.
WATCHED = (
    RECALL
    + """
class Watched(torch.optim.SGD):
    def __init__(self, model, **options):
        super().__init__(model.parameters(), **options)
        self.norms = []

    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        self.norms.append(float(torch.stack([g.norm() for g in gradients]).norm()))
        super().step()
        return loss

def weights_of(model):
    return {name: parameter.detach() for name, parameter in model.named_parameters()}
"""
)
ONE_EPOCH = "model = Recall()\noptimiser = Watched(model, lr=0.3)\nloss = train_epoch(model, ids, optimiser, 4, 0.2)\n"

train_epoch = Question(
    id="train_epoch",
    cases=[
        Case(
            "the mean loss per token",
            f"{WATCHED}{ONE_EPOCH}loss",
            draw_recall(17, 3),
            weight=1.5,
            relative=1e-5,
        ),
        Case(
            "the weights after an epoch",
            f"{WATCHED}{ONE_EPOCH}weights_of(model)",
            draw_recall(17, 3),
            weight=2,
            relative=1e-4,
            absolute=1e-6,
        ),
        Case(
            "the short last piece counts, by its tokens",
            f"{WATCHED}{ONE_EPOCH}(loss, weights_of(model))",
            draw_recall(12, 2),
            weight=1.5,
            relative=1e-4,
            absolute=1e-6,
        ),
        Case(
            "the state is carried from piece to piece, without history",
            f"{WATCHED}{ONE_EPOCH}calls = model.calls\n(loss, [call['cut'] for call in calls], "
            "float(calls[0]['state'].abs().sum()), "
            "[float((call['state'][0] - before['after']).abs().max()) for before, call in zip(calls, calls[1:])])",
            draw_recall(15, 3),
            relative=1e-4,
        ),
        Case(
            "a state that is a pair, in a batch of one",
            f"{WATCHED}{ONE_EPOCH.replace('Recall()', 'Recall(pair=True)')}(loss, weights_of(model))",
            draw_recall(10, 1),
            weight=0.5,
            relative=1e-4,
            absolute=1e-6,
        ),
        Case(
            "gradients are clipped by norm before each step",
            f"{WATCHED}model = Recall()\noptimiser = Watched(model, lr=0.3)\n"
            "loss = train_epoch(model, ids, optimiser, 5, 0.01)\n"
            "(loss, optimiser.norms)",
            draw_recall(16, 4),
            relative=1e-4,
        ),
        Case(
            "training mode, whatever mode the model came in",
            f"{WATCHED}{ONE_EPOCH.replace('Recall()', 'Recall().eval()')}"
            "(loss, [call['training'] for call in model.calls])",
            draw_recall(9, 2),
            weight=0.5,
            relative=1e-4,
        ),
        Case(
            "one piece only, and pieces of one step",
            f"{WATCHED}results = []\nfor bptt in (50, 7, 1):\n    model = Recall()\n"
            "    results.append((train_epoch(model, ids, Watched(model, lr=0.1), bptt, 1.0), "
            "weights_of(model)))\nresults",
            draw_recall(8, 3),
            weight=0.5,
            relative=1e-4,
            absolute=1e-6,
        ),
        Case(
            "two epochs with momentum, each from a state of zeros",
            f"{WATCHED}model = Recall()\noptimiser = Watched(model, lr=0.1, momentum=0.9)\n"
            "losses = [train_epoch(model, ids, optimiser, 4, 100.0) for _ in range(2)]\n(losses, "
            "weights_of(model), ids)",
            draw_recall(13, 2),
            weight=0.5,
            relative=1e-4,
            absolute=1e-6,
        ),
    ],
    misconceptions=[
        Misconception(
            "clipped after the step",
            "        clip_by_norm(model.parameters(), clip)\n        optimiser.step()",
            "        optimiser.step()\n        clip_by_norm(model.parameters(), clip)",
            "The optimiser's step is taken with gradients that are not clipped: clip after backward and before "
            "the step.",
        ),
        Misconception(
            "state reset in every piece",
            "hidden = repackage_hidden(hidden)",
            "hidden = model.init_hidden(source.size(1))",
            "Each piece starts from zeros: only the gradient should be cut, the values of the state are carried on.",
        ),
        Misconception(
            "gradients pile up",
            "        optimiser.zero_grad()\n",
            "",
            "The gradients of earlier pieces are still in .grad: set them to zero before each backward pass.",
        ),
        Misconception(
            "mean of the pieces' means",
            "        total += loss.detach() * targets.numel()  # no .item(): it would make a GPU wait\n"
            "        tokens += targets.numel()",
            "        total += loss.detach()\n        tokens += 1",
            "The pieces' means were averaged, so the short last piece counts as much as a long one: weigh by tokens.",
        ),
        Misconception(
            "last piece left out",
            "for start in range(0, len(source) - 1, bptt):",
            "for start in range(0, len(source) - 1 if len(source) <= bptt else len(source) - bptt, bptt):",
            "The short last piece is left out, it should be trained on too.",
        ),
        Misconception(
            "sum for the piece's loss",
            "F.cross_entropy(logits.flatten(0, 1), targets.flatten())\n        loss.backward()",
            "F.cross_entropy(logits.flatten(0, 1), targets.flatten())\n        (loss * targets.numel()).backward()",
            "The gradient is that of the summed loss, it should be that of the piece's mean.",
        ),
        Misconception(
            "mode left as it is",
            "    model.train()\n",
            "",
            "The model is not put into training mode, so a model that was just evaluated trains without dropout.",
        ),
    ],
    alternatives=[
        Alternative(
            "with a closure, nothing of the student's own functions",
            """
def train_epoch(model, source, optimiser, bptt, clip):
    model.train(True)
    state = model.init_hidden(source.shape[1])
    sums = []
    for start in range(0, source.shape[0] - 1, bptt):
        data, targets = source[:-1][start : start + bptt], source[1:][start : start + bptt]
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        kept = {}

        def closure():
            model.zero_grad(set_to_none=True)
            scores, kept["state"] = model(data, state)
            loss = nn.functional.nll_loss(torch.log_softmax(scores, -1).transpose(1, 2), targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            return loss

        loss = optimiser.step(closure)
        state = kept["state"]
        sums.append((loss.item() * len(data), len(data)))
    return sum(s for s, _ in sums) / sum(n for _, n in sums)
""",
        ),
        Alternative(
            "state cut after the step, losses as summed nats",
            """
def train_epoch(model, source, optimiser, bptt, clip):
    model.train()
    hidden, start, nll = model.init_hidden(source.size(1)), 0, 0.0
    while start < len(source) - 1:
        data, targets = get_batch(source, start, bptt)
        optimiser.zero_grad(set_to_none=False)
        logits, hidden = model(data, hidden)
        loss = F.cross_entropy(logits.reshape(-1, logits.size(-1)), targets.reshape(-1), reduction="sum")
        (loss / targets.numel()).backward()
        clip_by_norm(list(model.parameters()), clip)
        optimiser.step()
        hidden = repackage_hidden(hidden)
        nll += loss.item()
        start += len(data)
    return nll / ((len(source) - 1) * source.size(1))
""",
        ),
    ],
    builds_on=("get_batch", "repackage_hidden", "clip_by_norm"),
)

TRAINED = (
    "build_vocabulary",
    "encode",
    "batchify",
    "get_batch",
    "repackage_hidden",
    "WordLM",
    "perplexity",
    "clip_by_norm",
    "train_epoch",
)


def ratio_of_weights(answer, inputs, solution) -> float | str:
    """Perplexity of the exported weights, in the solution's model, on sentences drawn here, over the exact one."""
    if isinstance(answer, str):
        return "the model cannot be mapped onto the course's: build it from nn.Embedding, one nn.LSTM and a decoder"
    try:
        trained = solution_model(answer, solution, MOST_SMALL)
    except ValueError as error:
        return f"the weights are no word language model's that could be used: {error}"
    vocabulary = solution["build_vocabulary"](corpora.load("toy").train, 10_000)
    if describe(answer)["vocab_size"] != len(vocabulary):
        return "the model's vocabulary is not that of the toy language's training text"
    return ratio_to_exact(trained, vocabulary, inputs["lines"], solution)


model = Question(
    id="model",
    cases=[
        Case(
            "perplexity on fresh sentences of the toy language",
            f"{EXPORTED}\nexported(model)",
            kept=lambda rng: {"lines": toy.sentences(500, rng)},
            judge=Bar(
                "perplexity over the exact one",
                ratio_of_weights,
                "the perplexity on fresh sentences is {came} times the exact one; {bar} is the most",
                __file__,
            ),
        )
    ],
    builds_on=TRAINED,
    made_by="train_model",
    spoiled_by=("batchify: rows contiguous", "get_batch: targets not shifted"),
)

# Gives the same scores at every step.
FLAT = """
import torch

class Flat(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = torch.nn.Parameter(scores.clone())

    def forward(self, tokens, hidden):
        return self.scores.expand(*tokens.shape, -1), hidden

    def init_hidden(self, batch_size):
        return torch.zeros(1, batch_size, 1)
"""


def draw_prompt(rng: np.random.Generator) -> dict:
    """A vocabulary of 11, a prompt of known words, one with an unknown word, and a seed."""
    vocabulary = small_vocabulary(rng, 11)
    known = shuffled(rng, list(vocabulary)[2:])[:4]
    return {
        "vocabulary": vocabulary,
        "prompt": " ".join(known),
        "unknown": " ".join([known[0], "hippopotamus", known[1]]),
        "seed": int(rng.integers(1 << 30)),
    }


def draw_scores(rng: np.random.Generator) -> dict:
    """A vocabulary of 6 with a score each, and a seed."""
    scores = torch.from_numpy(rng.permutation(np.array([-1.0, -0.6, -0.2, 0.2, 0.6, 1.0])).astype(np.float32))
    return {"vocabulary": small_vocabulary(rng, 6), "scores": scores, "seed": int(rng.integers(1 << 30))}


DRAWS = 3000
TIMES = "The logits are multiplied by the temperature, they should be divided by it."
AFTER = (
    "The probabilities are divided by the temperature, which changes nothing: it is the logits that are divided by it."
)


def likely(counts: list[int], scores: torch.Tensor) -> bool:
    """Whether each count lies within 6.5 binomial standard deviations, plus 1, of what the scores make one expect.

    By the exact binomial tails right answers fail with a chance of 4e-9, both cases together.
    """
    shares = torch.softmax(scores, 0).tolist()
    return all(
        abs(count - DRAWS * share) <= 6.5 * math.sqrt(DRAWS * share * (1 - share)) + 1
        for count, share in zip(counts, shares, strict=True)
    )


def drawn_by_temperature(temperature: float):
    """A judge of DRAWS words drawn from the scores at a temperature."""

    def judge(answer, inputs, solution) -> str | None:
        words = list(inputs["vocabulary"])
        if not isinstance(answer, list) or len(answer) != DRAWS:
            return "a list of as many words as were asked for should come back"
        if not all(isinstance(word, str) and word in inputs["vocabulary"] for word in answer):
            return "something came back that is no word of the vocabulary"
        counts = [answer.count(word) for word in words]
        scores = inputs["scores"].double()
        if likely(counts, scores / temperature):
            return None
        for slip, sentence in ((scores * temperature, TIMES), (scores, AFTER)):
            if likely(counts, slip):
                return sentence
        return "the words are not drawn with the probabilities of this temperature; any entry may be drawn"

    return judge


generate = Question(
    id="generate",
    cases=[
        Case(
            "the whole prompt is read, then each word that was drawn",
            f"{SUMS}\n"
            "[generate(Sums(), vocabulary, text, 12, 1.0, seeded(seed)) for text in (prompt, prompt.split()[0])]",
            draw_prompt,
            weight=2,
        ),
        Case(
            "an unknown word is read as <unk>, an empty prompt as <eos>",
            f"{SUMS}\n"
            "[generate(Sums(), vocabulary, text, 9, 1.0, seeded(seed)) for text in (unknown, 'hippopotamus', '')]",
            draw_prompt,
        ),
        Case(
            "evaluation mode, and the old mode restored",
            f"{SUMS}\nresults = []\nfor mode in (True, False):\n    asked = Sums().train(mode)\n"
            "    words = generate(asked, vocabulary, prompt, 6, 1.0, seeded(seed))\n"
            "    results.append((words, any(asked.modes), asked.training))\nresults",
            draw_prompt,
        ),
        Case(
            "drawn with the probabilities of a low temperature",
            f"{FLAT}\ngenerate(Flat(), vocabulary, '', {DRAWS}, 0.6, torch.Generator().manual_seed(seed))",
            draw_scores,
            weight=1.5,
            judge=drawn_by_temperature(0.6),
        ),
        Case(
            "drawn with the probabilities of a high temperature",
            f"{FLAT}\ngenerate(Flat(), vocabulary, 'owl', {DRAWS}, 2.5, torch.Generator().manual_seed(seed))",
            draw_scores,
            judge=drawn_by_temperature(2.5),
        ),
        Case(
            "all chance comes from rng, which is advanced",
            f"""{FLAT}
def drawn(rng):
    return generate(Flat(), vocabulary, '', 60, 1.0, rng)

torch.manual_seed(seed)
rng = torch.Generator().manual_seed(seed)
first, following = drawn(rng), drawn(rng)
torch.manual_seed(seed + 1)
again = drawn(torch.Generator().manual_seed(seed))
other = drawn(torch.Generator().manual_seed(seed + 1))
(len(first), set(first) <= set(vocabulary), first == again, first == following, first == other)
""",
            draw_scores,
        ),
        Case(
            "one word, and none",
            f"{SUMS}\n[generate(Sums(), vocabulary, prompt, length, 1.0, seeded(seed)) for length in (1, 0, 2)]",
            draw_prompt,
            weight=0.5,
        ),
        Case(
            "a temperature that is not positive is refused",
            SUMS + refuses("generate(Sums(), vocabulary, prompt, 2, value, seeded(seed))", "(0.0, -1.0, 0, 0.5)"),
            draw_prompt,
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "always the most probable word",
            "int(torch.multinomial(probabilities.to(rng.device), 1, generator=rng))",
            "int(probabilities.argmax())",
            "Always the most probable word comes: it should be drawn, by its probability.",
        ),
        Misconception(
            "temperature multiplied",
            "logits[-1, 0] / temperature",
            "logits[-1, 0] * temperature",
            TIMES,
        ),
        Misconception(
            "temperature after the softmax",
            "F.softmax(logits[-1, 0] / temperature, dim=-1)",
            "F.softmax(logits[-1, 0], dim=-1) / temperature",
            AFTER,
        ),
        Misconception(
            "end mark after the prompt",
            'for word in prompt.split()] or [vocabulary["<eos>"]]',
            'for word in prompt.split()] + [vocabulary["<eos>"]]',
            "An <eos> is read after the prompt, so the model begins a new sentence instead of going on.",
        ),
        Misconception(
            "prompt among the result",
            "    drawn, hidden = [], model.init_hidden(1)",
            "    drawn, hidden = prompt.split(), model.init_hidden(1)",
            "The prompt stands in the result, which should hold the new words only.",
        ),
        Misconception(
            "state not carried",
            "            logits, hidden = model(",
            "            logits, _ = model(",
            "The state is not carried on from word to word, so the prompt is forgotten after the first draw.",
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
            "another generator",
            ", generator=rng",
            "",
            "The words are drawn by torch's global generator, all chance should come from rng.",
        ),
        Misconception(
            "special entries never drawn",
            "            read = [int(",
            "            probabilities[:2] = 0\n            read = [int(",
            "<eos> and <unk> are never drawn, but any entry of the vocabulary may be.",
        ),
        Misconception(
            "temperature not checked",
            "if not temperature > 0:",
            "if temperature is None:",
            "A temperature that is not positive should be refused with a ValueError.",
        ),
    ],
    alternatives=[
        Alternative(
            "word by word, by the cumulative distribution",
            """
def generate(model, vocabulary, prompt, length, temperature, rng):
    if temperature <= 0:
        raise ValueError(f"temperature {temperature}")
    words, mode = list(vocabulary), model.training
    state, scores = model.init_hidden(1), None
    weight = next(iter(model.parameters()))
    model.eval()
    result = []
    with torch.no_grad():
        for word in prompt.split() or ["<eos>"]:
            token = vocabulary[word] if word in vocabulary else vocabulary["<unk>"]
            scores, state = model(torch.tensor([[token]], device=weight.device), state)
        while len(result) < length:
            steps = torch.softmax(scores.flatten().double().cpu() / temperature, 0).cumsum(0)
            point = torch.rand(1, generator=rng, dtype=torch.float64) * steps[-1]
            token = min(int(torch.searchsorted(steps, point, right=True)), len(words) - 1)
            result.append(words[token])
            scores, state = model(torch.tensor([[token]], device=weight.device), state)
    model.train(mode)
    return result
""",
        ),
        Alternative(
            "the largest of logits plus Gumbel noise, the whole text read anew each time",
            """
def generate(model, vocabulary, prompt, length, temperature, rng):
    if not temperature > 0:
        raise ValueError(temperature)
    names = {number: word for word, number in vocabulary.items()}
    mode = model.training
    model.eval()
    ids = [vocabulary.get(word, 1) for word in prompt.split()]
    if not ids:
        ids = [0]
    asked = len(ids)
    for _ in range(length):
        with torch.no_grad():
            scores = model(torch.tensor(ids)[:, None], model.init_hidden(1))[0][-1, 0]
        noise = -torch.log(-torch.log(torch.rand(len(names), generator=rng, dtype=torch.float64)))
        ids.append(int((scores.double() / temperature + noise).argmax()))
    model.train(mode)
    return [names[number] for number in ids[asked:]]
""",
        ),
    ],
)

# Sure of the word after the one that it read last.
DIALOGUE = """
import builtins, contextlib, io
import torch

class Following(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = torch.nn.Parameter(200.0 * torch.eye(len(vocabulary)).roll(1, 1))
        self.modes = []

    def forward(self, tokens, hidden):
        self.modes.append(self.training)
        return self.scores.roll(3 * self.training, 1)[tokens], hidden

    def init_hidden(self, batch_size):
        return torch.zeros(1, batch_size, 1)

def dialogue(model, typed):
    '''What was printed or asked in answer to each line, how many lines were left, and how the loop ended.'''
    waiting, printed, answers, prompts, real = list(typed), io.StringIO(), [], [], builtins.input
    ended = "quietly"

    def feed(prompt=""):
        prompts.append(str(prompt))
        answers.append(printed.getvalue() + ("" if prompt == prompts[0] else f"\\n{prompt}"))
        printed.seek(0)
        printed.truncate()
        if waiting:
            return waiting.pop(0)
        if len(prompts) > len(typed) + 5:
            raise SystemExit("the loop does not end")
        raise EOFError

    builtins.input = feed
    try:
        with contextlib.redirect_stdout(printed):
            query_sentences(model, vocabulary)
    except EOFError:
        ended = "EOFError"
    finally:
        builtins.input = real
    return [*answers[1:], printed.getvalue()], len(waiting), ended
"""
ONLY_NEW = "Only the new words are printed, the first words should stand in front of them."
IN_ALL = "The number counts the first words too, it should be that of the new words."
NOT_ONE_LINE = "The words stand on lines of their own, they should be on one line."
NOT_REFUSED = "An unknown word is silently read as <unk>, it should be refused in clear words."
ZERO = "A number of 0 is accepted, it should be refused in clear words."
TOO_EARLY = "The loop ends on a line that cannot be used, it should say what is wrong and ask again."
NO_END = "At the end of the input an EOFError comes through, the loop should end quietly there."
ASKS_ON = "A blank line does not end the loop."


def draw_dialogue(lines: list[str]):
    """A vocabulary of 15 and lines to type, with {0}, {1} and so on for its words."""

    def draw(rng: np.random.Generator) -> dict:
        vocabulary = small_vocabulary(rng, 15)
        words = shuffled(rng, list(vocabulary)[2:])
        return {"vocabulary": vocabulary, "typed": [line.format(*words) for line in lines]}

    return draw


def answered(answer, inputs, lines: int) -> str | None:
    """Whether the first `lines` lines that were typed got what is due: a sentence, or clear words."""
    shown = answer[0] if isinstance(answer, tuple) and len(answer) == 3 else None
    if not isinstance(shown, list) or not all(isinstance(part, str) for part in shown):
        return "the dialogue cannot be read"
    if len(shown) < lines:
        return TOO_EARLY
    vocabulary = list(inputs["vocabulary"])
    for typed, said in zip(inputs["typed"][:lines], shown, strict=False):
        count, *first = typed.split()
        good = count.isdecimal() and int(count) > 0 and first and all(word in vocabulary for word in first)
        wrong = _sentence(said, first, int(count), vocabulary) if good else _clear_words(said, count, first, vocabulary)
        if wrong:
            return wrong
    return None


def _sentence(said: str, first: list[str], count: int, vocabulary: list[str]) -> str | None:
    """Whether the first words and `count` more stand on one line of what was printed."""
    start = vocabulary.index(first[-1])
    more = [vocabulary[(start + i + 1) % len(vocabulary)] for i in range(count)]
    sentence = " ".join(first + more)
    printed = [line.strip() for line in said.splitlines()]
    if any(line == sentence or line.endswith(f" {sentence}") for line in printed):
        return None
    if said.split() == first + more:
        return NOT_ONE_LINE
    if " ".join(more) in printed:
        return ONLY_NEW
    if " ".join(first + more[: max(0, count - len(first))]) in printed:
        return IN_ALL
    return "for a number and known words, these and as many more words should be printed on one line"


def _clear_words(said: str, count: str, first: list[str], vocabulary: list[str]) -> str | None:
    """Whether a line that cannot be used was answered in words, and not by a sentence."""
    if first and said.split() == first:
        return ZERO
    if sum(letter.isalpha() for letter in said) < 3:
        return "a line that cannot be used should be answered in clear words"
    if count.isdecimal() and first:
        for line in map(str.split, said.splitlines()):
            more = line[len(first) :]
            if line[: len(first)] == first and len(more) == int(count) and set(more) <= set(vocabulary):
                return NOT_REFUSED
    return None


def judge_lines(lines: int):
    """A judge of a dialogue of so many lines."""

    def judge(answer, inputs, solution) -> str | None:
        wrong = answered(answer, inputs, lines)
        return wrong or (None if answer[1] == 0 and isinstance(answer[2], str) else "the dialogue cannot be read")

    return judge


def judge_end(lines: int, left: int):
    """A judge of a dialogue that should end quietly after some lines, with others not read."""

    def judge(answer, inputs, solution) -> str | None:
        wrong = answered(answer, inputs, lines)
        if wrong:
            return wrong
        if answer[1] != left:
            return ASKS_ON
        return None if answer[2] == "quietly" else NO_END

    return judge


def judge_modes(answer, inputs, solution) -> str | None:
    """Evaluation mode during the dialogue, the old mode after it."""
    if not isinstance(answer, list) or len(answer) != 2:
        return "the dialogue cannot be read"
    for mode, one in zip((True, False), answer, strict=True):
        if not isinstance(one, tuple) or len(one) != 3:
            return "the dialogue cannot be read"
        wrong = answered(one[0], inputs, 1)
        if wrong or one[1] is not False:
            return wrong or "the model was asked in training mode"
        if one[2] is not mode:
            return "the model is not left in the mode in which it came"
    return None


TALK = f"{DIALOGUE}\ndialogue(Following(), typed)"

query_sentences = Question(
    id="query_sentences",
    cases=[
        Case(
            "the first words and n more on one line",
            TALK,
            draw_dialogue(["3 {0}", "1 {1} {2}", "12 {3} {4} {5}", "  2   {6}  "]),
            weight=2,
            judge=judge_lines(4),
        ),
        Case(
            "an unknown word is refused in clear words",
            TALK,
            draw_dialogue(["3 hippopotamus", "2 {0}", "2 {1} hippopotamus {2}", "1 {3}"]),
            judge=judge_lines(4),
        ),
        Case(
            "a number under 1 or none, or no words, is refused in clear words",
            TALK,
            draw_dialogue(["0 {0}", "-2 {1}", "{2} {3}", "2 {4}", "4", "2.5 {5}", "1 {6}"]),
            judge=judge_lines(7),
        ),
        Case(
            "a blank line ends the loop",
            f"{DIALOGUE}\n[dialogue(Following(), [*typed, blank, typed[0]]) for blank in ('', '   ')][index]",
            lambda rng: {**draw_dialogue(["2 {0}"])(rng), "index": int(rng.integers(2))},
            weight=0.5,
            judge=judge_end(1, 1),
        ),
        Case(
            "the end of the input ends the loop",
            TALK,
            draw_dialogue(["1 {0}", "x", "2 {1}"]),
            weight=0.5,
            judge=judge_end(3, 0),
        ),
        Case(
            "evaluation mode, and the old mode restored",
            f"{DIALOGUE}\nresults = []\nfor mode in (True, False):\n    asked = Following().train(mode)\n"
            "    talk = dialogue(asked, [*typed, ''] if mode else typed)\n"
            "    results.append((talk, any(asked.modes), asked.training))\nresults",
            draw_dialogue(["4 {0}"]),
            weight=0.5,
            judge=judge_modes,
        ),
    ],
    misconceptions=[
        Misconception(
            "first words not printed",
            '" ".join(first + generate(',
            '" ".join(generate(',
            ONLY_NEW,
        ),
        Misconception(
            "n words in all",
            '" ".join(first), int(count), 1.0',
            '" ".join(first), int(count) - len(first), 1.0',
            IN_ALL,
        ),
        Misconception(
            "unknown words read as <unk>",
            "if word not in vocabulary]",
            "if not word]",
            NOT_REFUSED,
        ),
        Misconception(
            "ends on a line that cannot be used",
            "        if not count.isdecimal() or int(count) < 1:\n",
            "        if not count.isdecimal() or int(count) < 1:\n            return\n        elif not count:\n",
            TOO_EARLY,
        ),
        Misconception(
            "end of the input not handled",
            "        except EOFError:\n            return",
            "        except EOFError:\n            raise",
            NO_END,
        ),
        Misconception(
            "zero words accepted",
            " or int(count) < 1",
            "",
            ZERO,
        ),
        Misconception(
            "asks on after a blank line",
            "        if not typed:\n            return",
            "        if not typed:\n            continue",
            ASKS_ON,
        ),
        Misconception(
            "a word to a line",
            'print(" ".join(first + generate(model, vocabulary, " ".join(first), int(count), 1.0, rng)))',
            'print("\\n".join(first + generate(model, vocabulary, " ".join(first), int(count), 1.0, rng)))',
            NOT_ONE_LINE,
        ),
    ],
    alternatives=[
        Alternative(
            "try int, messages in the next prompt",
            """
def query_sentences(model, vocabulary):
    rng, message = torch.Generator(), ""
    rng.seed()
    while True:
        try:
            line = input(message + "\\nnumber and first words? ")
        except EOFError:
            break
        if line.strip() == "":
            break
        words, message = line.split(), ""
        try:
            number = int(words[0])
        except ValueError:
            message = "The line should begin with a number."
            continue
        if number <= 0 or len(words) == 1:
            message = "A positive number and at least one word, please."
            continue
        if not all(word in vocabulary for word in words[1:]):
            message = "There is a word that I do not know."
            continue
        print("->", *words[1:], *generate(model, vocabulary, " ".join(words[1:]), number, 1, rng))
""",
        ),
        Alternative(
            "errors as exceptions, the model read directly",
            """
def query_sentences(model, vocabulary):
    names, mode = list(vocabulary), model.training
    model.eval()
    for line in iter(lambda: ask_line().strip(), ""):
        try:
            number, *words = line.split()
            if not number.isdigit() or number.strip("0") == "" or not words:
                raise ValueError("a number of at least 1 and a first word are needed")
            unknown = set(words) - set(vocabulary)
            if unknown:
                raise ValueError(f"unknown: {unknown}")
        except ValueError as error:
            print("Sorry,", error)
            continue
        tokens = torch.tensor([[vocabulary[word]] for word in words])
        state = model.init_hidden(1)
        with torch.no_grad():
            for _ in range(int(number)):
                scores, state = model(tokens, state)
                tokens = torch.distributions.Categorical(logits=scores[-1]).sample()[None]
                words.append(names[tokens.item()])
        print(" ".join(words))
    model.train(mode)


def ask_line():
    try:
        return input()
    except EOFError:
        return ""
""",
        ),
    ],
    builds_on=("generate",),
)


def beats_the_bigram(answer, inputs, solution) -> str | Measured:
    """The test perplexity of the weights handed in, on the corpus that they name, by the solution's own functions.

    The vocabulary is that of all training words, whatever the file says: with a smaller one more words would be <unk>,
    which is easily predicted. Raises CourseError where this machine lacks the corpus.
    """
    try:
        metadata, weights = read_weights(answer)
    except ValueError as error:
        return f"word_lm.safetensors cannot be used: {error}"
    name = metadata.get("corpus")
    if name not in BIGRAM:
        return f"word_lm.safetensors should name its corpus: one of {', '.join(BIGRAM)}"
    try:
        corpus = corpora.load(name)
    except corpora.CorpusError as error:
        raise CourseError(
            f"hw5_word_lm: the weights handed in cannot be marked without their corpus: {error}"
        ) from None
    vocabulary = solution["build_vocabulary"](corpus.train, 100_000)
    if describe(weights)["vocab_size"] != len(vocabulary):
        return f"the vocabulary of the weights is not that of all training words of {name}, {len(vocabulary)} entries"
    ids = solution["encode"](corpus.test, vocabulary)
    reached, tokens = solution["perplexity"](solution_model(weights, solution), ids, 512), len(ids) - 1
    if name == "toy" and (wrong := beyond_exact(tokens * math.log(reached), toy.exact_nll(corpus.test), tokens)):
        return wrong
    reason = f"test perplexity {reached:.1f} on {name}; a bigram reaches {BIGRAM[name]}, which is to be beaten"
    return Measured(None if reached < BIGRAM[name] else reason, f"test perplexity on {name}", reached)


full_run = Question(
    id="full_run",
    cases=[
        Case(
            "test perplexity of the weights handed in, below that of a bigram",
            "import pathlib\npathlib.Path('word_lm.safetensors').read_bytes()",
            judge=beats_the_bigram,
        )
    ],
    builds_on=TRAINED,
    hands_in="word_lm.safetensors",
)

QUESTIONS = [
    build_vocabulary,
    encode,
    batchify,
    get_batch,
    repackage_hidden,
    WordLM,
    perplexity,
    clip_by_norm,
    clip_by_value,
    train_epoch,
    model,
    generate,
    query_sentences,
    full_run,
]
