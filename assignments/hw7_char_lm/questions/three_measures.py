"""What the grader asks of `three_measures`: the three figures of one model on one text."""

from __future__ import annotations

import numpy as np
import torch

from autograder.oracle import Case, Equivalent, Misconception, Question

from ._draws import WORDS, lines_of

# Scores of a table by the symbol read last, sharpened by how many were read; flat and shifted when training.
READER = """
import torch

class Reader(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Parameter(table.clone())
        self.longest = 0

    def forward(self, tokens, hidden):
        self.longest = max(self.longest, len(tokens))
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


QUESTION = Question(
    cases=[
        Case(
            "the three numbers of a text",
            f"{READER}\nnumbers(three_measures(Reader().eval(), vocabulary, lines, 11))",
            draw_text(9),
            weight=3,
            relative=2e-4,
            core=True,
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
            "the same whatever is read at a time, and at most bptt steps are",
            f"{READER}\nresults = []\nfor n in (1, 7, 300):\n    asked = Reader().eval()\n"
            "    results.append((numbers(three_measures(asked, vocabulary, lines, n)), asked.longest <= n))\nresults",
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
    equivalent=[
        Equivalent(r"\.to\(text\)", "Ids are moved to the ids' own device and dtype: everything lies on the CPU."),
    ],
    core="the three numbers of one text",
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
            "An empty line is counted as a word; it has nothing but its end mark.",
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
            "<unk> in front",
            'end = vocabulary["<eos>"]',
            'end = vocabulary["<unk>"]',
            "<unk> is read before the text; it should be the end mark: a line has just ended.",
        ),
        Misconception(
            "perplexity taken for a total",
            "len(text) * math.log(perplexity(model, stream, bptt))",
            "len(text) * perplexity(model, stream, bptt)",
            "The perplexity was multiplied by the number of symbols; its natural logarithm should be.",
        ),
        Misconception(
            "a total in bits",
            "math.log(perplexity(",
            "math.log2(perplexity(",
            "The total is in bits; all three measures want it in nats.",
        ),
        Misconception(
            "a line's state not carried",
            "nll = len(text) * math.log(perplexity(model, stream, bptt))",
            "each = [torch.cat([torch.tensor([end]), encode([line], vocabulary)]) for line in characters(lines)]\n"
            "    nll = sum((len(one) - 1) * math.log(perplexity(model, one, bptt)) for one in each)",
            "Each line is read for itself; the text should be one stream with the state carried.",
        ),
        Misconception(
            "means over the lines",
            "    words = sum(len(line.split()) + 1 for line in lines)\n",
            "    if len(lines) > 1:\n"
            "        each = [three_measures(model, vocabulary, [line], bptt) for line in lines]\n"
            "        return {name: sum(one[name] for one in each) / len(each) for name in each[0]}\n"
            "    words = sum(len(line.split()) + 1 for line in lines)\n",
            "Each line is measured by itself and the measures are averaged; all lines are one stream, whose nats "
            "are summed "
            "before they are divided.",
        ),
        Misconception(
            "empty lines left out of the words",
            "+ 1 for line in lines)",
            "+ 1 for line in lines if line.strip())",
            "Empty lines are left out when the words are counted, but the end mark of each is predicted like a word.",
        ),
        Misconception(
            "the mark in front counted everywhere",
            "    nll = len(text) * math.log",
            "    text = stream\n    nll = len(text) * math.log",
            "The mark in front is counted among the symbols and in the total: it is read, but not predicted.",
        ),
        Misconception(
            "bptt ignored",
            "perplexity(model, stream, bptt)",
            "perplexity(model, stream, len(stream))",
            "bptt has no effect; at most so many steps should be read at a time, so that a long text fits in memory.",
        ),
    ],
    builds_on=("characters", "bits_per_character", "word_perplexity", "historical_perplexity"),
)
