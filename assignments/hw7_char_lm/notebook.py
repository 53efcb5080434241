# %% [markdown]
# # A character language model
#
# The word model of homework 5 never learns to spell. It sees each word only as an id, and any word outside its
# vocabulary becomes `<unk>`. Here the same network reads one character at a time. It has a few dozen symbols instead of
# thousands of words, it meets no unknown word, and it must find out for itself what a word is. You train it, compare it
# with a word model on the same text, and let both continue the same prompts. Between characters and words lie the
# subwords that the language models of today read: you write the algorithm that finds them, and measure what they gain.
#
# **After this notebook you can**
#
# - write a text in the character form of the Penn Treebank, and count its symbols and its words;
# - convert a total negative log-likelihood into bits per character and into a perplexity per word, and say when two
#   such numbers may be compared;
# - account for each of the 36 million parameters of a large character model;
# - train with a learning rate that decays by epochs, the state of one batch starting the next;
# - learn subwords by byte-pair encoding, and say what is gained and lost on the way from characters to words;
# - show that a network remembers for longer than its backpropagation through time (BPTT) ever reached, and find the
#   unit that does it;
# - sample text at a temperature, from the most probable symbols only, many samples at once.
#
# **You need** homework 5, whose functions are given here, and the learning rate of homework 6. Plan about 180 minutes,
# reading included, without the waiting time of the long run. There are 30 points: 24 by the graded cells, 6 by three
# written answers.
#
# The steps come first in all shapes, as in torch: tokens are `(steps, batch)`, logits `(steps, batch, symbols)`. Even
# where there is a GPU, everything before the long run of section 10 runs on the CPU, except the step that section 4
# times: a CPU is fast enough for models this small.

# %% tags=["provided"]
import itertools
import math
import os
import sys
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from utils import char_lm_plots, checks, corpora, plots, toy
from utils.baselines import baselines
from utils.char_rnn_plots import draw_units, print_columns
from utils.evaluation import perplexity_by_rows
from utils.graphs import graphed
from utils.knobs import knob
from utils.training import fingerprint, fit

# %% [markdown]
# The next cell holds what homework 5 and homework 6 asked for: vocabulary and stream, batches, the network `WordLM`,
# its perplexity, its training, sampling words, and the learning rate by epoch. `WordLM` is a model of symbols, and
# nothing in it knows whether these are words or characters. Fold the cell away, or compare it with your own solutions.

# %% tags=["provided"]
# include hw5_word_lm: build_vocabulary, encode, repackage_hidden, batchify, get_batch, WordLM, perplexity


# include hw5_word_lm: clip_by_norm, train_epoch, generate


# include hw6_lstm_vs_gru: learning_rate

# %% [markdown]
# ## 1. A text as characters (3 points, about 8 minutes)
#
# `encode` splits a line at white space, so a text of characters is a line whose "words" are single characters. The
# spaces between the real words must then become a symbol of their own. The character form of the Penn Treebank writes
# them as `_`:
#
# | in words | in characters |
# | --- | --- |
# | `the dog eats .` | `t h e _ d o g _ e a t s _ .` |
# | `no <unk> here` | `n o _ < u n k > _ h e r e` |
#
# - In the text, words stand one space apart, and each of these spaces becomes `_`. (Two spaces in a row need not be
#   handled.)
# - White space at both ends of a line is dropped, because it separates no words.
# - `<unk>` is spelled out like any other word. Capitals stay capitals.
# - `encode` adds the end mark `<eos>` after each line, as before. An empty line stays an empty line and gets one, too.
#
# From here on, a *character* is any symbol of this form, so `_` and the end mark are characters, too. End marks are
# counted among the characters and among the words.
#
# `build_vocabulary` gives ids to the characters of the **training** text. For the toy language, expect 32 different
# ones, 246,260 characters of training text where there were 55,692 words, and 4.42 characters per word. The Penn
# Treebank has 50 different ones, 5,017,482 characters of training text, and 5.40, 5.33 and 5.37 characters per word in
# the training, validation and test text. (`build_vocabulary` also keeps an id for `<unk>`, which here means "a
# character that the training text does not have". Nothing in these texts uses it.)
#
# The cell after yours also plots how often each character and each word occurs, the most frequent first. Compare how
# long the two curves are, and how evenly the counts are spread.
#
# <details><summary>Hint</summary>
#
# `str.strip`, `str.replace`, and then `" ".join` of a string, which puts a space between its characters.
#
# </details>


# %% id="characters" tags=["solution"]
def characters(lines):
    """Lines of words as lines of characters with spaces between, `_` where words meet: a list of strings.

    lines: list of strings, words one space apart; white space at the ends of a line is dropped.
    """
    ### BEGIN SOLUTION
    return [" ".join(line.strip().replace(" ", "_")) for line in lines]
    ### END SOLUTION


# %%
corpus = corpora.load("toy")
spelled = {split: characters(getattr(corpus, split)) for split in corpora.SPLITS}
print(corpus.train[0], spelled["train"][0], sep="\n")
vocabulary, word_vocabulary = build_vocabulary(spelled["train"], 1000), build_vocabulary(corpus.train, 10_000)
symbols = list(vocabulary)  # a dict keeps its order: the place of a symbol in this list is its id
ids = {split: encode(spelled[split], vocabulary) for split in corpora.SPLITS}
word_ids = {split: encode(getattr(corpus, split), word_vocabulary) for split in corpora.SPLITS}
print(f"{len(symbols) - 1} characters without <unk>: {' '.join(s for s in symbols if s != '<unk>')}")
for split in corpora.SPLITS:
    n, w = len(ids[split]), len(word_ids[split])
    print(f"{split:6} {n:8,} characters, {w:7,} words, {n / w:.4f} characters per word")
counts = {}
for name, stream in {"characters": ids["train"], "words": word_ids["train"]}.items():
    ranked = torch.bincount(stream).sort(descending=True).values
    counts[name] = (np.arange(1, int((ranked > 0).sum()) + 1), ranked[ranked > 0].numpy())
plots.curves(counts, x_label="rank of the symbol", y_label="count in the training text", log=True, log_x=True)

# %% id="check_characters" tags=["question"] points=3
"""Spaces, ends of lines, <unk> and an empty line."""
checks.equal(
    "characters(['the dog eats .'])",
    list(characters(["the dog eats ."])),
    ["t h e _ d o g _ e a t s _ ."],
    slips={
        "when the spaces between words are lost": ["t h e d o g e a t s ."],
        "when the spaces stay spaces": ["t h e   d o g   e a t s   ."],
        "when a mark stands behind the last word too": ["t h e _ d o g _ e a t s _ . _"],
    },
)
checks.equal(
    "characters([' no <unk> here '])",
    list(characters([" no <unk> here "])),
    ["n o _ < u n k > _ h e r e"],
    slips={
        "when white space at the ends of the line is marked too": ["_ n o _ < u n k > _ h e r e _"],
        "when <unk> is kept as one symbol": ["n o _ <unk> _ h e r e"],
    },
)
checks.equal("characters(['a', '', 'b c'])", list(characters(["a", "", "b c"])), ["a", "", "b _ c"])
checks.equal(
    "characters(['N of U.S.'])",
    list(characters(["N of U.S."])),
    ["N _ o f _ U . S ."],
    slips={"when capitals become small letters": ["n _ o f _ u . s ."]},
)
checks.passed("characters", "words joined by _, ends stripped, empty lines kept")

# %% [markdown]
# The two curves show two kinds of difficulty. A word model spreads its probability over many words. A character model
# chooses among few characters, but it has to be right more than four times as often to write the same sentence.
#
# ## 2. Bits, words and an old exponent (5 points, about 19 minutes)
#
# A perplexity per character of 1.5 and a perplexity per word of 7 cannot be compared as they stand. What can be
# compared is the **total** negative log-likelihood that a model assigns to a text, in nats:
# $\text{nll} = -\sum_t \ln p(x_t \mid x_1, \dots, x_{t-1})$. The text is the same, whether it is cut into $N_c$
# characters or $N_w$ words, so the total of either model can be divided by either unit.
#
# | measure | definition |
# | --- | --- |
# | bits per character | $\dfrac{\text{nll}}{N_c \ln 2}$ |
# | word perplexity, words counted | $\exp\Big(\dfrac{\text{nll}}{N_w}\Big)$ |
# | historical word perplexity | $\exp\Big(5.6\ \dfrac{\text{nll}}{N_c}\Big)$ |
#
# | symbol | in code | what |
# | --- | --- | --- |
# | nll | `nll` | the total, in **nats**, as `cross_entropy` gives it with `reduction="sum"` |
# | $N_c$ | `characters` | how many characters were predicted, end marks included |
# | $N_w$ | `words` | how many words the same text has, end marks included |
#
# All three raise a ValueError, with a message, for a count that is not positive. (In these functions `characters` is a
# number and hides your function of that name, which is not needed there. A perplexity may be too large for a float:
# whether your function then ends in the OverflowError of `math.exp` or returns infinity is up to you.)
#
# The third line is a conversion of Graves (2013), who takes 5.6 characters as the average length of a word of the Penn
# Treebank. As an example, take a model with a historical perplexity of 220.698 on its validation text, which has
# 393,042 characters and 73,760 words. (We know of no published source for this number.) The cell after the three
# functions works back to the total, prints the three measures of it, and plots how each exponent turns bits into a word
# perplexity.
#
# <details><summary>Hint</summary>
#
# `math.log` is the natural logarithm and `math.exp` its inverse. `if not characters > 0` refuses a nan as well.
#
# </details>


# %% id="bits_per_character" tags=["solution"]
def bits_per_character(nll, characters):
    """Bits per predicted character. nll: the total in nats. Raises ValueError unless the count is positive."""
    ### BEGIN SOLUTION
    if not characters > 0:
        raise ValueError(f"the number of characters must be positive, got {characters}")
    return nll / characters / math.log(2)
    ### END SOLUTION


# %% id="word_perplexity" tags=["solution"]
def word_perplexity(nll, words):
    """Perplexity per counted word. nll: the total in nats. Raises ValueError unless the count is positive."""
    ### BEGIN SOLUTION
    if not words > 0:
        raise ValueError(f"the number of words must be positive, got {words}")
    return math.exp(nll / words)
    ### END SOLUTION


# %% id="historical_perplexity" tags=["solution"]
def historical_perplexity(nll, characters):
    """Word perplexity as if every word had 5.6 characters. nll: the total in nats; a count not positive: ValueError.

    Source: Graves 2013, section 3.1.
    """
    ### BEGIN SOLUTION
    if not characters > 0:
        raise ValueError(f"the number of characters must be positive, got {characters}")
    return math.exp(5.6 * nll / characters)
    ### END SOLUTION


# %%
PTB_VALID = {"characters": 393_042, "words": 73_760}
nll = math.log(220.698) / 5.6 * PTB_VALID["characters"]
print(f"a total of {nll:,.0f} nats on the validation text of the Penn Treebank is")
print(f"  {bits_per_character(nll, PTB_VALID['characters']):8.3f} bits per character")
print(f"  {word_perplexity(nll, PTB_VALID['words']):8.1f} per word, when the words are counted")
print(f"  {historical_perplexity(nll, PTB_VALID['characters']):8.3f} per word by the exponent 5.6")
bits = np.linspace(0.5, 2.0, 31)
series = {
    f"{name}: {ratio} characters per word": (bits, [word_perplexity(b * math.log(2) * ratio, 1) for b in bits])
    for name, ratio in {"historical": 5.6, "PTB validation": 5.3287, "toy language": 4.4218}.items()
}
plots.curves(series, x_label="bits per character", y_label="word perplexity", log=True)

# %% id="check_bits_per_character" tags=["question"] points=1
"""Bits, not nats, per character; a count of zero is refused."""
checks.close(
    "bits_per_character(30 ln 2, 20)",
    bits_per_character(30 * math.log(2), 20),
    1.5,
    slips={
        "in nats per character: divide by ln 2 as well": 1.5 * math.log(2),
        "when multiplied by ln 2 in place of divided": 1.5 * math.log(2) ** 2,
        "as the perplexity per character": 2**1.5,
        "when log2 is taken of the total, which is a logarithm already": math.log2(30 * math.log(2)) / 20,
    },
)
for count in (0, -20):
    checks.raises(f"bits_per_character(1.0, {count})", ValueError, partial(bits_per_character, 1.0, count))
checks.passed("bits_per_character", "nats to bits")

# %% id="check_word_perplexity" tags=["question"] points=1
"""The exponential of nats per word."""
checks.close(
    "word_perplexity(5 ln 9, 5)",
    word_perplexity(5 * math.log(9), 5),
    9.0,
    slips={
        "with base 2 and a total in nats": 2 ** math.log(9),
        "without the exponential": math.log(9),
    },
)
for count in (0, -5):
    checks.raises(f"word_perplexity(1.0, {count})", ValueError, partial(word_perplexity, 1.0, count))
checks.passed("word_perplexity", "nats per word")

# %% id="check_historical_perplexity" tags=["question"] points=1
"""5.6 times the nats per character, then the exponential."""
checks.close(
    "historical_perplexity(963.7, 1000)",
    historical_perplexity(963.7, 1000),
    math.exp(5.39672),
    slips={
        "with base 2 and a total in nats": 2**5.39672,
        "with 5.3287, which is counted on one text, in place of 5.6": math.exp(0.9637 * 5.3287),
    },
)
for count in (0, -1):
    checks.raises(f"historical_perplexity(1.0, {count})", ValueError, partial(historical_perplexity, 1.0, count))
checks.passed("historical_perplexity", "5.6 characters to a word")

# %% [markdown] id="why_measures_differ" tags=["written"] points=2
# **Why do they differ?** The same total gives 169.9 by counted words and 220.7 by the historical rule, 1.30 times as
# much.
#
# 1. Show how the factor 1.30 follows from the numbers above. Would it be larger or smaller for a worse model, and why?
# 2. Which of the two may stand beside a word model's validation perplexity, and why?
# 3. Given the total, do the 1.390 bits per character depend on the choice between the two?
#
# ### BEGIN SOLUTION
# Both start from the same nats per character, 0.9637. The historical rule multiplies them by 5.6, a round number for
# the length of a word. On the validation text there are 393,042 / 73,760 = 5.3287 characters to a word, end marks
# counted among both, and every text has a ratio of its own. The error is in the exponent: 0.27 characters too many, at
# 0.9637 nats each, multiply the perplexity by exp(0.26) = 1.30. A worse model has more nats per character, so its
# factor is larger. A word model's perplexity is exp of nats per word *of that text*, so only the number by counted
# words may stand beside it: then both totals belong to the same text. Bits per character involve no words at all and do
# not depend on the choice.
#
# Rubric:
#
# - 0.5: the factor (the two ratios, 5.6 against 5.3287, times the nats per character, in an exponent)
# - 0.5: a larger factor of a worse model, with the reason
# - 0.5: the number that may be compared (the same total over the words of the same text)
# - 0.5: the bits, which involve no words
# ### END SOLUTION

# %% [markdown]
# ### One call for all three (3 points, about 15 minutes)
#
# `three_measures` takes a model of characters and a text **in words**, and returns all three numbers. It is short, but
# every count in it can go wrong:
#
# 1. spell the lines and encode them; with the end marks these are the $N_c$ characters;
# 2. read one end mark **in front** of them, as if a line had just ended. `perplexity` predicts every token of a stream
#    but the first, so all $N_c$ characters of the text are then predicted;
# 3. go back from the perplexity per character to the total: $\text{nll} = N_c \ln(\text{perplexity})$;
# 4. count the words $N_w$ of these lines, with an end mark for each line, empty ones too.
#
# Take the one-line text `ab c`. Its $N_c = 5$ characters are `a`, `b`, `_`, `c` and the end mark; its $N_w = 3$ words
# are `ab`, `c` and the end mark. The stream has six tokens, and each column below is one prediction:
#
# | read | **`<eos>`** | `a` | `b` | `_` | `c` |
# | --- | --- | --- | --- | --- | --- |
# | to predict | `a` | `b` | `_` | `c` | `<eos>` |
#
# Without the mark in front there would be four predictions, and the model would never be asked to predict `a`. A word
# model with a mark in front predicts `ab`, `c` and `<eos>`, which is exactly the same text.
#
# | name | what |
# | --- | --- |
# | `model` | reads the characters of `vocabulary`; may lie on a GPU |
# | `lines` | the text in words, a list of strings |
# | `bptt` | at most so many steps at a time, as in `perplexity`; the result does not depend on it |
# | result | dict with the keys `"bits_per_character"`, `"word_perplexity"`, `"historical_perplexity"` |
#
# The cell after yours runs a model that gives each of the 33 entries (32 characters and `<unk>`) the same probability.
# It needs $\log_2 33 = 5.044$ bits for every character, whatever the text. By counted words, expect a perplexity of 5.0
# million on the test text of the toy language, and of 6.4 million on the first two lines of it, whose words are longer.
# The exponent 5.6 does not see this difference and gives 319 million for both.
#
# <details><summary>Hint</summary>
#
# `torch.cat([torch.tensor([vocabulary["<eos>"]]), text])` is the stream. Move it to the device of the model's
# parameters. A line has `len(line.split())` words and one end mark.
#
# </details>


# %% id="three_measures" tags=["solution"]
def three_measures(model, vocabulary, lines, bptt):
    """Bits per character, word perplexity by counted words and historical perplexity of a text, as a dict.

    model: a model of characters, whose ids `vocabulary` gives. lines: the text in words, one string per line.
    An end mark is read before the text, so that every character of it is predicted.
    """
    ### BEGIN SOLUTION
    device = next(model.parameters()).device
    end = vocabulary["<eos>"]
    text = encode(characters(lines), vocabulary)
    stream = torch.cat([torch.tensor([end]), text]).to(device)
    nll = len(text) * math.log(perplexity(model, stream, bptt))
    words = sum(len(line.split()) + 1 for line in lines)
    return {
        "bits_per_character": bits_per_character(nll, len(text)),
        "word_perplexity": word_perplexity(nll, words),
        "historical_perplexity": historical_perplexity(nll, len(text)),
    }
    ### END SOLUTION


# %%
def show_measures(name, measured):
    """One line with the three numbers."""
    print(
        f"{name:28} {measured['bits_per_character']:6.3f} bits per character,"
        f" word perplexity {measured['word_perplexity']:12,.2f} counted,"
        f" {measured['historical_perplexity']:14,.2f} historical"
    )


class Even(nn.Module):
    """Gives each of the entries of a vocabulary the same probability."""

    def __init__(self, entries):
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(entries))

    def forward(self, tokens, hidden):
        return self.scores.expand(*tokens.shape, -1), hidden

    def init_hidden(self, batch_size):
        return torch.zeros(1, batch_size, 1)


even = Even(len(vocabulary))
show_measures("even, the test text", three_measures(even, vocabulary, corpus.test, 500))
show_measures("even, two lines of it", three_measures(even, vocabulary, corpus.test[:2], 500))

# %% id="check_three_measures" tags=["question"] points=3
"""Counts with end marks, the text's own words, and the mark in front."""
letters = {"<eos>": 0, "<unk>": 1, "_": 2, "a": 3, "b": 4, "c": 5, "d": 6, "e": 7}
short = ["ab cde", "", "", " a b "]  # 6, 0, 0 and 3 characters, 2, 0, 0 and 2 words, and four end marks
measured = three_measures(Even(8), letters, short, 4)
checks.true(isinstance(measured, dict), "three_measures should return a dict")
checks.close(
    "bits_per_character of eight even characters",
    measured.get("bits_per_character"),
    3.0,
    relative=1e-5,
    slips={
        "when the mark in front is counted as a character of the text": 3 * 14 / 13,
        "when the perplexity is taken in place of its logarithm": 8 / math.log(2),
        "when the total is in bits: use the natural logarithm of the perplexity": 3 / math.log(2),
    },
)
checks.close(
    "word_perplexity of eight even characters on 13 characters, 8 words",
    measured.get("word_perplexity"),
    8 ** (13 / 8),
    relative=1e-5,
    slips={
        "without the end marks among the words": 8 ** (13 / 4),
        "without the end marks among the characters": 8 ** (9 / 8),
        "without end marks at all": 8 ** (9 / 4),
        "when the mark in front is counted as a word too": 8 ** (13 / 9),
        "when the mark in front is counted as a character: it is read, but not predicted": 8 ** (14 / 8),
        "when the mark in front is counted as a character and as a word": 8 ** (14 / 9),
        "when an empty line is counted as a word": 8 ** (13 / 10),
        "by split(' '), which finds words where there are none; use split()": 8 ** (13 / 12),
        "when only 12 characters are counted: the first one is predicted too, after the mark": 8 ** (12 / 8),
    },
)
checks.close("historical_perplexity", measured.get("historical_perplexity"), 8**5.6, relative=1e-5)


class Tired(Even):
    """Gives the end mark the logit n after n characters, which its state counts, and all others 0."""

    def forward(self, tokens, hidden):
        at_a_time.append(len(tokens))
        count = hidden[0] + torch.arange(1, len(tokens) + 1).view(-1, 1)
        scores = super().forward(tokens, hidden)[0].clone()
        scores[:, :, 0] += count
        return scores, hidden + len(tokens)


def tired_bits(ends, *counts):
    """Bits per character where n were read before each prediction; ends: places at which the end mark comes."""
    nats = sum(math.log(math.exp(n) + 7) - n * (place in ends) for place, n in enumerate(counts, start=1))
    return nats / math.log(2) / len(counts)


at_a_time = []
checks.close(
    "bits_per_character of a model that counts what it has read",
    three_measures(Tired(8), letters, short, 4)["bits_per_character"],
    tired_bits((7, 8, 9, 13), *range(1, 14)),
    relative=1e-5,
    slips={
        "without an end mark read in front": tired_bits((6, 7, 8, 12), *range(1, 13)),
        "when each line is read by itself": tired_bits((7, 8, 9, 13), *range(1, 8), 1, 1, *range(1, 5)),
    },
)
checks.true(
    max(at_a_time) <= 4,
    f"{max(at_a_time)} steps were read at a time, bptt allows 4; a long text would not fit in memory",
)


class Opening(Even):
    """Asks what was read first: after an end mark there the symbol 3 has the logit 2, else 0, at each step."""

    def forward(self, tokens, hidden):
        first = torch.where(hidden[0] == 0, tokens[:1] + 1, hidden[0].long())
        scores = super().forward(tokens, hidden)[0].clone()
        scores[:, :, 3] += 2.0 * (first == 1)
        return scores, first.view(1, -1, 1).float()


checks.close(
    "bits_per_character of a model that asks what was read first",
    three_measures(Opening(8), letters, ["a"], 4)["bits_per_character"],
    (2 * math.log(math.exp(2) + 7) - 2) / math.log(2) / 2,
    relative=1e-5,
    slips={"when something other than the end mark is read in front": 3.0},
)
checks.passed("three_measures", "13 characters, 8 words, end marks counted on both sides")

# %% [markdown]
# ## 3. Initialisation (2 points, about 9 minutes)
#
# A network should start with nearly uniform predictions, but with enough randomness that its units do not all learn the
# same thing. The models of Zaremba et al. (2014) start with **every** parameter uniform in $[-b, b]$, biases included,
# with $b = 0.04$ for the largest model and, in their code, 0.1 for the smallest.
#
# `uniform_init(model, bound)` does this for any module:
#
# - It fills every parameter with new numbers, also the frozen ones (`requires_grad` False), which stay frozen.
# - It writes in place. The `nn.Parameter` objects and their memory stay the same, so an optimiser that holds them still
#   does, and tied weights stay tied.
# - Buffers (running estimates and the like) are not parameters and stay as they are.
# - The random numbers come from torch's own generator, so that `torch.manual_seed` decides them.
#
# The picture shows the cost of an untrained model of the toy language's characters, by its bound. With a small bound it
# is hardly more than the $\log_2 33 = 5.044$ bits of a uniform prediction. With a larger bound it grows, because a
# confident prediction without evidence is expensive. Expect 5.05 or 5.06 bits at 0.1 and about 8 at 1.
#
# <details><summary>Hint</summary>
#
# Torch's tensors have methods whose names end in an underscore and which fill them in place with random numbers. Such a
# method refuses a parameter that learns, unless gradients are switched off around it. Which method of a module goes
# through its parameters, and how often does it visit a shared one?
#
# </details>


# %% id="uniform_init" tags=["solution"]
def uniform_init(model, bound):
    """Draw every parameter of a module anew, uniform in [-bound, bound], in place, by torch's generator."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-bound, bound)
    ### END SOLUTION


# %%
bounds, untrained_bits = (0.01, 0.04, 0.1, 0.3, 1.0, 2.0), []
for bound in bounds:
    torch.manual_seed(1)
    untrained = WordLM("LSTM", len(vocabulary), 32, 128, 1, 0.0, False)
    uniform_init(untrained, bound)
    untrained_bits.append(math.log2(perplexity(untrained, ids["valid"][:5000], 500)))
    print(f"bound {bound:4}: {untrained_bits[-1]:7.3f} bits per character")
plots.curves(
    {"untrained": (bounds, untrained_bits)},
    x_label="bound of the uniform start",
    y_label="bits per character",
    log=True,
    log_x=True,
    levels={"uniform": math.log2(len(vocabulary))},
)

# %% id="check_uniform_init" tags=["question"] points=2
"""Range, biases, frozen parameters, buffers, tying and the generator."""
torch.manual_seed(2)
layers = nn.ModuleDict(
    {"embedding": nn.Embedding(40, 30), "norm": nn.BatchNorm1d(30), "rnn": nn.GRU(30, 30), "decoder": nn.Linear(30, 40)}
)
layers["decoder"].weight = layers["embedding"].weight
layers["rnn"].bias_hh_l0.requires_grad_(False)
layers["norm"].running_mean.fill_(7.0)
held = list(layers.parameters())
places = [parameter.data_ptr() for parameter in held]
uniform_init(layers, 0.04)
for name, parameter in layers.named_parameters():
    drawn = parameter.detach()
    checks.true(
        0.03 < drawn.abs().max() <= 0.04 and drawn.min() < -0.02 and drawn.max() > 0.02,
        f"{name} goes from {drawn.min():.3f} to {drawn.max():.3f} after uniform_init(model, 0.04); every parameter, "
        "biases too, should fill [-0.04, 0.04], in place",
    )
checks.true(
    all(a is b for a, b in zip(held, layers.parameters(), strict=True)),
    "the parameters are other objects than before; draw them in place",
)
checks.true(
    places == [parameter.data_ptr() for parameter in layers.parameters()],
    "the values lie in other memory than before; write them into the tensors that are there",
)
checks.true(layers["decoder"].weight is layers["embedding"].weight, "tied weights are no longer tied")
checks.true(not layers["rnn"].bias_hh_l0.requires_grad, "a frozen parameter should stay frozen")
checks.true(bool((layers["norm"].running_mean == 7.0).all()), "a buffer was changed; it is no parameter")
rnn = layers["rnn"]
checks.true(
    not torch.equal(rnn.weight_ih_l0, rnn.weight_hh_l0),
    "two parameters of one shape got the same numbers; draw each of them anew",
)
again = []
for seed in (3, 3, 4):
    torch.manual_seed(seed)
    uniform_init(layers, 0.04)
    again.append(layers["rnn"].weight_hh_l0.detach().clone())
checks.true(torch.equal(again[0], again[1]), "the same torch.manual_seed should give the same start")
checks.true(not torch.equal(again[0], again[2]), "another torch.manual_seed should give another start")
checks.passed("uniform_init", f"{len(held)} parameters in [-0.04, 0.04], buffers and tying kept")

# %% [markdown]
# ## 4. Two configurations (no points, about 9 minutes)
#
# The next cell holds two configurations, each a dict with the keys of homework 6 and one more, `"start"`, the bound of
# `uniform_init`. `"large"` has the architecture, the start and the schedule of the large model of Zaremba et al.
# (2014), applied to characters, with batches of 100 instead of their 20 and segments of 50 steps instead of their 35.
# `"baseline"` is a small model with the same schedule. Dropout is the probability of *dropping*, as in torch. The
# learning rate stays at 1 for 14 epochs and is then divided by 1.15 after each **epoch**, so it is 0.870 in epoch 15
# and 0.0032 in epoch 55.
#
# How does one get to 36 million parameters? Account for them on paper before you run the cell after the next. There are
# $V = 50$ symbols, the embedding and the state are $H = 1500$ wide, there are two layers and no tied weights, and torch
# keeps two biases for each of the four gates. Write down the embedding, one layer and the decoder as formulas in $V$
# and $H$. Which of the three terms would grow if the model read 10,000 words instead, and to what size?
#
# <details><summary>Solution</summary>
#
# The embedding has $V H = 75{,}000$ parameters. A layer has $4 H (H + H + 2) = 18{,}012{,}000$, since each of its four
# gates reads the input and the state, both $H$ wide, and has two biases. The decoder has $V H + V = 75{,}050$. With two
# layers that makes 36,174,050, almost all of them recurrent. With 10,000 words, embedding and decoder would bring
# 30 million more, 66 million in all. (The entry for `<unk>` that `build_vocabulary` keeps adds 3,001.)
#
# </details>

# %% tags=["provided"]
BOTH = {"rnn_type": "LSTM", "num_layers": 2, "tied": False, "bptt": 50, "batch_size": 100, "epochs": 55}
BOTH |= {"learning_rate": 1.0, "flat_epochs": 14, "decay": 1 / 1.15, "momentum": 0.0, "clip": 10.0, "seed": 1}
CONFIGURATIONS = {
    "baseline": BOTH | {"embedding_size": 200, "hidden_size": 200, "dropout": 0.0, "start": 0.1},
    "large": BOTH | {"embedding_size": 1500, "hidden_size": 1500, "dropout": 0.65, "start": 0.04},
}
SHAPE = ("embedding_size", "hidden_size", "num_layers", "dropout", "tied")
SCHEDULE = ("learning_rate", "flat_epochs", "decay")


def make_model(config, entries):
    """The WordLM that a configuration describes, for a vocabulary of so many entries."""
    return WordLM(config["rnn_type"], entries, *(config[name] for name in SHAPE))


@contextmanager
def progress(optimiser, steps, label):
    """A bar that moves with each step of an optimiser; under grading nothing is shown."""
    with tqdm(total=steps, desc=label, file=sys.stdout, leave=False, mininterval=1, disable=course.grading) as bar:
        hook = optimiser.register_step_post_hook(lambda *_: bar.update())
        yield
        hook.remove()


# %%
parameters = {}
for size, config in CONFIGURATIONS.items():
    with torch.device("meta"):  # shapes without memory
        untied = make_model(config, 50)
    parts = {name: sum(p.numel() for p in part.parameters()) for name, part in untied.named_children()}
    parameters[size] = sum(parts.values())
    told = ", ".join(f"{name} {count:,}" for name, count in parts.items() if count)
    print(f"{size:9} {parameters[size]:11,} parameters for 50 symbols: {told}")
checks.equal("parameters of the large model, 50 symbols", parameters["large"], 36_174_050)
schedule = [learning_rate(epoch, *(config[name] for name in SCHEDULE)) for epoch in range(1, config["epochs"] + 1)]
told = {epoch: round(schedule[epoch - 1], 4) for epoch in (1, 14, 15, 16, 55)}
print(f"learning rate by epoch: {told}")
plots.curves({"learning rate": schedule}, x_label="epoch", y_label="learning rate", log=True)

# %% [markdown]
# What does a step of the large model cost? The next cell builds it once and times one training step on random symbols,
# after a first step for warming up. On a GPU it takes the whole batch of 100, on a CPU a batch of 4. On one idle core
# of a server's CPU we measured 0.8 s for the batch of 4, which is 250 symbols a second. At that rate one epoch over the
# Penn Treebank would take five and a half hours, an estimate from a batch of 4. Under grading this cell does nothing.

# %%
if not course.grading:
    config = CONFIGURATIONS["large"]
    columns = config["batch_size"] if course.device.type == "cuda" else 4
    giant = make_model(config, 50).to(course.device)
    uniform_init(giant, config["start"])
    segment = torch.randint(50, (config["bptt"] + 1, columns), device=course.device)
    descent = torch.optim.SGD(giant.parameters(), lr=config["learning_rate"])
    for _ in range(2):
        started = time.perf_counter()
        train_epoch(
            giant, segment, descent, config["bptt"], config["clip"]
        )  # ends in float(...), which waits for a GPU
        spent = time.perf_counter() - started
    tokens = config["bptt"] * columns
    print(f"one step of {config['bptt']} x {columns} symbols: {spent:.2f} s, {tokens / spent:,.0f} symbols a second")
    del giant, descent

# %% [markdown]
# ## 5. A schedule by epochs (2 points, about 11 minutes)
#
# `train_epoch` goes through a text once. The loop around it is yours. It counts epochs **from 1**:
#
# 1. Cut the training stream into `config["batch_size"]` columns, once.
# 2. Before each epoch, set the rate that `learning_rate` gives (homework 6) in **every** group of
#    `optimiser.param_groups`, whatever its value was.
# 3. Train for the epoch with `config["bptt"]` and `config["clip"]`, and note the mean loss, in bits per character.
# 4. **After** it, measure the validation stream with `perplexity`, as one stream, and note its bits per character. How
#    many steps `perplexity` reads at a time is up to you, since the result does not depend on it.
#
# The model keeps the weights of the **last** epoch, even if an earlier epoch was better. (Homework 6 kept the best; the
# long run of section 10 does so again.)
#
# | name | what | type |
# | --- | --- | --- |
# | `optimiser` | holds the model's parameters | torch.optim.Optimizer |
# | `train_ids`, `valid_ids` | streams of symbols | LongTensor (tokens,) |
# | `config` | epochs, batch_size, bptt, clip, learning_rate, flat_epochs, decay, and more that is not needed | dict |
# | result | per epoch, in order | list of pairs (train bits, validation bits) |
#
# The rate belongs to the epoch. If it decayed per *batch*, it would be gone within the first epoch: one epoch of the
# Penn Treebank has 1,004 batches, and 1.15 to the power of 1,004 is more than $10^{60}$.
#
# <details><summary>Hint</summary>
#
# The learning rate of a group is its entry `"lr"`. `learning_rate(epoch, base, flat_epochs, decay)` is given.
#
# </details>


# %% id="train_characters" tags=["solution"]
def train_characters(model, optimiser, train_ids, valid_ids, config):
    """Train for config["epochs"] epochs; returns a list of (train, validation) in bits per character, one per epoch.

    The learning rate of each epoch is that of `learning_rate`, set in every group of the optimiser. The model is left
    with the weights of the last epoch, even if an earlier epoch was better.
    """
    ### BEGIN SOLUTION
    source = batchify(train_ids, config["batch_size"])
    history = []
    for epoch in range(1, config["epochs"] + 1):
        rate = learning_rate(epoch, config["learning_rate"], config["flat_epochs"], config["decay"])
        for group in optimiser.param_groups:
            group["lr"] = rate
        nats = train_epoch(model, source, optimiser, config["bptt"], config["clip"])
        train_bits = nats / math.log(2)
        valid_bits = math.log2(perplexity(model, valid_ids, 500))
        history.append((train_bits, valid_bits))
    return history
    ### END SOLUTION


# %% id="check_train_characters" tags=["question"] points=2
"""The rate of every step, the segments, and both numbers in bits."""


class Noting(torch.optim.SGD):
    """Gradient descent that notes rates and norms of gradients at each step and then stays where it is."""

    def step(self, closure=None):
        loss = closure() if closure else None
        seen.append(tuple(group["lr"] for group in self.param_groups))
        norms.append(math.hypot(*(p.grad.norm().item() for group in self.param_groups for p in group["params"])))
        return loss


torch.manual_seed(6)
still, seen, norms = WordLM("GRU", 9, 6, 6, 1, 0.0, False), [], []
halves = list(still.parameters())
noting = Noting([{"params": halves[:2]}, {"params": halves[2:], "lr": 7.0}], lr=0.3)
texts = torch.randint(9, (61,)), torch.randint(9, (40,))
plan = {"epochs": 4, "batch_size": 3, "bptt": 5, "clip": 0.01, "learning_rate": 0.8, "flat_epochs": 2, "decay": 0.5}
came = train_characters(still, noting, *texts, plan)
checks.true(len(came) == 4, f"after 4 epochs the list should have 4 pairs, it has {len(came)}")
checks.true(all(len(pair) == 2 for pair in came), "each entry should be a pair: train bits, validation bits")
checks.equal("steps taken in 4 epochs of 4 segments", len(seen), 16)
checks.true(
    max(norms) < 0.011,
    f"gradients of norm {max(norms):.3g} reached the optimiser: they should be clipped at config['clip'], 0.01",
)
by_epoch = [seen[4 * epoch][0] for epoch in range(4)]
checks.close(
    "the learning rates of epochs 1 to 4",
    by_epoch,
    [0.8, 0.8, 0.4, 0.2],
    slips={
        "when epochs are counted from 0": [0.8, 0.8, 0.8, 0.4],
        "when the rate decays after each batch": [0.8, 0.1, 0.8 / 2**7, 0.8 / 2**11],
        "when the optimiser's own rate is left as it is": [0.3] * 4,
        "when the optimiser's own rate is multiplied; set what learning_rate gives": [0.3, 0.3, 0.15, 0.075],
        "when the rate is set after the epoch has trained": [0.3, 0.8, 0.8, 0.4],
    },
)
checks.true(all(one == other for one, other in seen), "every group of the optimiser should get the rate of the epoch")
unmoved = math.log2(perplexity(still, texts[1], 50))
checks.close(
    "validation bits of a model that stays where it is",
    [float(valid) for _, valid in came],
    [unmoved] * 4,
    relative=1e-5,
    slips={
        "in nats": [unmoved * math.log(2)] * 4,
        "when the perplexity itself is noted": [2**unmoved] * 4,
    },
)
nats = train_epoch(still, batchify(texts[0], 3), noting, 5, 1.0)
checks.close(
    "train bits of a model that stays where it is",
    [float(train) for train, _ in came],
    [nats / math.log(2)] * 4,
    relative=1e-4,
    slips={"in nats": [nats] * 4, "as a logarithm of the loss, which is one already": [math.log2(nats)] * 4},
)
moving = WordLM("GRU", 9, 6, 6, 1, 0.0, False)
came = train_characters(moving, torch.optim.SGD(moving.parameters(), lr=0.3), *texts, plan | {"epochs": 1, "clip": 9.0})
after = math.log2(perplexity(moving, texts[1], 50))
checks.close(
    "validation bits of one epoch, as the model is after it",
    float(came[0][1]),
    after,
    relative=1e-5,
)
checks.passed("train_characters", "rates 0.8, 0.8, 0.4, 0.2 and bits for both texts")

# %% [markdown]
# Inside an epoch, **the state that one batch leaves starts the next one**, detached from its history. Only the first
# batch starts at zero. A hook on the model shows it. For each batch, the cell prints the size of the state that comes
# in, and whether a gradient would flow back through it. The cell state $c$ may grow beyond 1, since each step adds to
# it; $h$, which is the output gate times $\tanh c$, stays between -1 and 1.

# %%
torch.manual_seed(0)
spied, incoming = WordLM("LSTM", len(vocabulary), 32, 128, 1, 0.0, False), []
uniform_init(spied, 0.1)
hook = spied.register_forward_pre_hook(lambda module, given: incoming.append(given[1]))
train_epoch(spied, batchify(ids["train"], 20)[:301], torch.optim.Adam(spied.parameters(), 0.01), 50, 1.0)
hook.remove()
for batch, (h, c) in enumerate(incoming, 1):
    sizes = ", ".join(f"{name} {part.pow(2).mean().sqrt():.3f}" for name, part in (("h", h), ("c", c)))
    print(f"batch {batch}: root mean square of {sizes}, requires_grad {h.requires_grad}")

# %% [markdown]
# ## 6. Train it and compare it with a word model (2 points, about 10 minutes)
#
# The text is the toy language, the model an LSTM of 128 units, and the optimiser Adam (Kingma and Ba 2015; homework 5).
# The rate follows the same kind of schedule: 0.01 for five epochs, then multiplied by 0.35 before each of the last
# three. The eight epochs take ten to twenty seconds on one idle CPU core. A word model of 64 units is trained on the
# same text in two or three seconds.
#
# Both models then predict the same text, every character or every word of it. The exact total of the language is known:
# `toy.log_probability` gives the logarithm of the probability of a line, which is the same in words and in characters
# because either form can be made from the other. On the test text it is **0.607 bits per character**, or a word
# perplexity of 6.39. With your `uniform_init`, expect about 0.715 bits per character and a word perplexity of 8.9 by
# counted words (ten seeds: 0.69 to 0.73, and 8.3 to 9.3), and about 7.5 for the word model.

# %% id="train_both"
SMALL = {"rnn_type": "LSTM", "embedding_size": 32, "hidden_size": 128, "num_layers": 1, "dropout": 0.0, "tied": False}
SMALL |= {"batch_size": 20, "bptt": 50, "clip": 1.0, "epochs": 8, "learning_rate": 0.01, "flat_epochs": 5}
SMALL |= {"decay": 0.35, "seed": 7}
WORDS = SMALL | {"embedding_size": 64, "hidden_size": 64, "bptt": 20, "flat_epochs": 2, "decay": 0.4}
WORDS |= {"epochs": 1 if course.grading else 5}

torch.manual_seed(SMALL["seed"])
model = make_model(SMALL, len(vocabulary))
uniform_init(model, 0.1)
started = time.perf_counter()
adam, segments = torch.optim.Adam(model.parameters()), math.ceil((len(ids["train"]) // 20 - 1) / SMALL["bptt"])
with progress(adam, SMALL["epochs"] * segments, "characters"):
    history = train_characters(model, adam, ids["train"], ids["valid"], SMALL)
for epoch, (train_bits, valid_bits) in enumerate(history, 1):
    print(f"epoch {epoch}: train {train_bits:.4f}, validation {valid_bits:.4f} bits per character")
print(f"{time.perf_counter() - started:.0f} s")

torch.manual_seed(WORDS["seed"])
word_model = make_model(WORDS, len(word_vocabulary))
uniform_init(word_model, 0.1)
train_characters(word_model, torch.optim.Adam(word_model.parameters()), word_ids["train"], word_ids["valid"], WORDS)

exact_nll = -sum(toy.log_probability(line) for line in corpus.test)
symbols_in_test, words_in_test = len(ids["test"]), len(word_ids["test"])
exact = bits_per_character(exact_nll, symbols_in_test)
plots.curves(
    {"train": [pair[0] for pair in history], "validation": [pair[1] for pair in history]},
    x_label="epoch",
    y_label="bits per character",
    levels={"exact": exact},
)

# %% [markdown]
# The table converts every total into both units: a word model, too, has bits per character. The baselines of homework
# 5, models that count words, stand beside the two networks.

# %%
on_test = three_measures(model, vocabulary, corpus.test, 500)
after_mark = torch.cat([word_ids["test"].new_zeros(1), word_ids["test"]])
word_nll = words_in_test * math.log(perplexity(word_model, after_mark, 500))
totals = {"characters, LSTM of 128": on_test["bits_per_character"] * symbols_in_test * math.log(2)}
totals |= {"words, LSTM of 64": word_nll, "exact": exact_nll}
for name, baseline in baselines(corpus.train, corpus.test).items():
    totals[f"words, {name}"] = words_in_test * math.log(baseline)
trained = {"characters, LSTM of 128": model, "words, LSTM of 64": word_model}
print(f"{'':26}{'bits per character':>20}{'word perplexity':>18}{'historical':>14}{'parameters':>13}")
for name, total in sorted(totals.items(), key=lambda item: item[1]):
    count = f"{sum(p.numel() for p in trained[name].parameters()):,}" if name in trained else ""
    print(
        f"{name:26}{bits_per_character(total, symbols_in_test):20.4f}{word_perplexity(total, words_in_test):18.2f}"
        f"{historical_perplexity(total, symbols_in_test):14.2f}{count:>13}"
    )
learned = {name: word_perplexity(total, words_in_test) for name, total in totals.items() if name in trained}
others = {name: word_perplexity(total, words_in_test) for name, total in totals.items() if name not in trained}
plots.bars_against_baselines(learned, others, x_label="word perplexity on the test text, words counted")

# %% [markdown]
# The character model has seen nothing but letters, and still does better than a trigram model that was told what a word
# is. The word model is ahead on this small language, which has 130 words and no new ones. By the historical exponent
# the character model would seem to have a word perplexity of about 16: the words of the toy language are short, and the
# exponent belongs to another text.
#
# The grader samples fresh sentences, takes the weights of your `model`, computes its bits per character itself, and
# accepts at most 1.32 times the exact ones. That is just enough for the bigram over words, which needs 1.319 times the
# exact bits on the test text; the trigram needs 1.302 times. Your model should be well below. (On the test text, the
# ten seeds above end between 1.14 and 1.20 times the exact bits; on fresh sentences, twelve seeds end between 1.17 and
# 1.24 times.)

# %% id="check_model" tags=["question"] points=2
"""The trained model comes near the exact bits per character of the toy language."""
ratio = on_test["bits_per_character"] / exact
checks.true(
    ratio <= 1.32,
    f"on the test text model needs {on_test['bits_per_character']:.3f} bits per character, {ratio:.2f} times the "
    "exact ones; at most 1.32 times was expected",
)
checks.passed("model", f"{on_test['bits_per_character']:.3f} bits per character, {ratio:.2f} times the exact ones")

# %% [markdown]
# Where do the two models spend their bits? The picture shows one sentence of the test text and what each model needed
# for it. The area of a bar is its cost in bits, and the number over a word is the word's total, with the space behind
# it, where it rounds to at least 0.1. The word model has one bar per word, the character model one per character. (The
# number over the full stop includes the end mark.)


# %%
def bits_of(asked, stream):
    """What each entry of a stream but the first costs a model, in bits; the state is carried from zero."""
    asked.eval()
    with torch.no_grad():
        logits, _ = asked(stream[:-1].view(-1, 1), asked.init_hidden(1))
    return F.cross_entropy(logits[:, 0], stream[1:], reduction="none") / math.log(2)


shown = next(line for line in corpus.test if '"' in line and 60 < len(line) < 120)
by_word = bits_of(word_model, encode(["", shown], word_vocabulary)).tolist()
by_letter = bits_of(model, encode(["", *characters([shown])], vocabulary)).tolist()
text, stretches = shown.replace(" ", "_") + "\n", []
for word in [*shown.split(), "\n"]:
    begin = stretches[-1][1] if stretches else 0
    stretches.append((begin, begin + len(word) + (text[begin + len(word) : begin + len(word) + 1] == "_")))
costs = {"word model": [(*stretch, bits) for stretch, bits in zip(stretches, by_word, strict=True)]}
costs["character model"] = [(place, place + 1, bits) for place, bits in enumerate(by_letter)]
char_lm_plots.draw_costs_in_words(text, [*stretches[:-2], (stretches[-2][0], len(text))], costs)
print(f"word model {sum(by_word):.1f} bits, character model {sum(by_letter):.1f} bits for {len(text)} characters")
over_text = bits_of(model, torch.cat([ids["test"].new_zeros(1), ids["test"]]))
after_end = torch.tensor([symbols[i] in ("_", "<eos>") for i in [0, *ids["test"].tolist()]])  # then a word begins
first = after_end[:-1]
second = torch.cat([torch.tensor([False]), first[:-1]]) & ~first
for name, which in {"first": first, "second": second, "later": ~first & ~second}.items():
    share, of_text = over_text[which].sum() / over_text.sum(), which.float().mean()
    print(f"{name:6} characters of words: {of_text:.0%} of the test text, {share:.0%} of the character model's bits")

# %% [markdown]
# The character model, too, chooses words: expect 77% of its bits on the first characters of words, which are 21% of the
# text, and 10% on everything from the third character on, which is 59% of it (three seeds: the same to within a
# percent). Once a word has begun, spelling it is nearly free. What costs is the number of steps.
#
# ## 7. Between letters and words (4 points, about 30 minutes)
#
# Characters and words are two ends, and nearly every large language model of today reads something between them:
# **subwords**. Byte-pair encoding finds them. Gage (1994) invented it to compress data; Sennrich, Haddow and Birch
# (2016) made it the input of translation models. It starts from characters and repeats one step: find the pair of
# neighbouring symbols that is the most frequent in the text, and merge it into one symbol wherever it occurs.
#
# Take four words with their counts: `low` 5, `lower` 2, `newest` 6, `widest` 3.
#
# | merge | pair | why |
# | --- | --- | --- |
# | 1 | `e` `s` | occurs in `newest` and `widest`, 6 + 3 = 9 times; `s` `t` does so too, but is met later |
# | 2 | `es` `t` | 9 times |
# | 3 | `l` `o` | 5 + 2 = 7 times, as often as `o` `w`, which is met later |
# | 4 | `lo` `w` | 7 times |
#
# With these four merges, `lowest`, a word that the text does not have, is split into `low` and `est`.
#
# **Splitting** comes first. `bpe_split(word, merges)` starts from the characters of a word and applies the merges in
# the order of the list. A merge of the pair $(a, b)$ goes through the word from left to right, replaces each $a$ that
# is followed by $b$ by the one symbol $ab$, and uses no symbol twice: with the pair `a` `a`, the word `aaa` becomes
# `aa` `a`, and `aaaa` becomes `aa` `aa`. Any word can be split, whether it was in the text or not.
#
# | name | what | type |
# | --- | --- | --- |
# | `word` | one or more characters | string |
# | `merges` | the pairs, first merge first | list of pairs of strings |
# | result | the symbols, which joined give the word again | list of strings |
#
# <details><summary>Hint</summary>
#
# Do not search for the joined string in the word: in `c a b`, the pair `ca` `b` has nothing to merge as long as `c` and
# `a` are two symbols. Walk through the list of symbols with an index, and look at the symbol there and the next one.
#
# </details>


# %% id="bpe_split" tags=["solution"]
def bpe_split(word, merges):
    """The symbols of a word, a list of strings: its characters, with the merges applied one after the other.

    merges: list of pairs of strings, in the order in which they were learned.
    """
    ### BEGIN SOLUTION
    symbols = list(word)
    for first, second in merges:
        for place in range(len(symbols)):  # past the end of what is left of the list, a slice is empty
            if symbols[place : place + 2] == [first, second]:
                symbols[place : place + 2] = [first + second]
    return symbols
    ### END SOLUTION


# %%
example = [("e", "s"), ("es", "t"), ("l", "o"), ("lo", "w")]
for count in range(len(example) + 1):
    print(f"{count} merges: " + "   ".join(" ".join(bpe_split(word, example[:count])) for word in ("newest", "lowest")))

# %% id="check_bpe_split" tags=["question"] points=2
"""The order of the merges, every place in a word, from left to right, and a word without any pair."""
checks.equal(
    "bpe_split('lowest', the four merges of the example)",
    list(bpe_split("lowest", [("e", "s"), ("es", "t"), ("l", "o"), ("lo", "w")])),
    ["low", "est"],
    slips={
        "when the first merge alone is applied": ["l", "o", "w", "es", "t"],
        "when the merges are not applied in the order of the list": ["lo", "w", "es", "t"],
    },
)
checks.equal(
    "bpe_split('abc', [('b', 'c'), ('a', 'b')])",
    list(bpe_split("abc", [("b", "c"), ("a", "b")])),
    ["a", "bc"],
    slips={"when the merges are not applied in their order": ["ab", "c"]},
)
checks.equal(
    "bpe_split('bcabc', [('a', 'b'), ('b', 'c'), ('ab', 'c')])",
    list(bpe_split("bcabc", [("a", "b"), ("b", "c"), ("ab", "c")])),
    ["bc", "abc"],
    slips={
        "when the longest merge goes first": ["bc", "ab", "c"],
    },
)
checks.equal(
    "bpe_split('xabyab', [('a', 'b')])",
    list(bpe_split("xabyab", [("a", "b")])),
    ["x", "ab", "y", "ab"],
    slips={"when only the first place in a word is merged": ["x", "ab", "y", "a", "b"]},
)
checks.equal(
    "bpe_split('cabcab', [('ca', 'b'), ('a', 'b')])",
    list(bpe_split("cabcab", [("ca", "b"), ("a", "b")])),
    ["c", "ab", "c", "ab"],
    slips={"when letters are joined that are not yet the two symbols of the pair": ["cab", "cab"]},
)
for word, parts in {"aaa": ["aa", "a"], "aaaa": ["aa", "aa"], "aaaaa": ["aa", "aa", "a"]}.items():
    checks.equal(
        f"bpe_split({word!r}, [('a', 'a')])",
        list(bpe_split(word, [("a", "a")])),
        parts,
        slips={
            "from right to left": parts[::-1],
            "when a merged symbol takes part in the same merge again": [word],
            "when only the first place in a word is merged": ["aa", *word[2:]],
            "when a symbol is used twice": ["aa"] * (len(word) - 1),
        },
    )
checks.equal("bpe_split('x', [('a', 'b')])", list(bpe_split("x", [("a", "b")])), ["x"])
checks.equal("bpe_split('abc', [])", list(bpe_split("abc", [])), ["a", "b", "c"])
checks.passed("bpe_split", "merges in their order, from left to right, at every place")

# %% [markdown]
# **Learning** the merges is the other half. `bpe_merges(words, count)` returns the first `count` pairs. All words start
# as their characters, and `count` times:
#
# 1. Count each pair of neighbouring symbols over all words. Each place of a word at which the pair occurs adds the
#    **count of the word**. Places may overlap: in `aaa`, the pair `a` `a` occurs at two places. No pair goes from one
#    word into the next.
# 2. Take the pair with the largest sum. Of equal ones, take the pair that is met first when the words are read in the
#    order of the dict, each from left to right, as they are split **now**.
# 3. Merge it in all words, as in `bpe_split`.
#
# When no word has two symbols left, there is no pair, and the list stays shorter than `count`. So an empty dict, or
# words of one character, give an empty list, and so does a `count` of 0. Two seconds for the 299 merges of the cell
# after yours are fast enough.
#
# | name | what | type |
# | --- | --- | --- |
# | `words` | how often each word occurs in the text, a positive whole number | dict from string to int |
# | `count` | how many merges are wanted | int |
# | result | the pairs in the order in which they were merged | list of pairs (tuples) of strings |
#
# <details><summary>Hint</summary>
#
# `itertools.pairwise` gives the pairs of a list. A dict, and so a `Counter`, keeps the order in which its keys came,
# and `max` returns the first of equal ones. You need not merge a second time: what does your `bpe_split` return for a
# list of symbols in place of a string, with a single merge?
#
# </details>


# %% id="bpe_merges" tags=["solution"]
def bpe_merges(words, count):
    """The first `count` merges of byte-pair encoding, a list of pairs of strings; fewer where no pair is left.

    words: dict from word to how often it occurs in the text. Of equally frequent pairs the first one met is taken.
    """
    ### BEGIN SOLUTION
    splits = {word: list(word) for word in words}
    merges = []
    for _ in range(count):
        pairs = Counter()
        for word, symbols in splits.items():
            for pair in itertools.pairwise(symbols):
                pairs[pair] += words[word]
        if not pairs:
            break
        best = max(pairs, key=pairs.get)  # the first of equal ones
        merges.append(best)
        splits = {word: bpe_split(symbols, [best]) for word, symbols in splits.items()}
    return merges
    ### END SOLUTION


# %% [markdown]
# Try it on the toy language. Every word but the last of a line keeps the `_` that follows it, so that its symbols say
# where a word ends. Before the first merge the text is then exactly the text of characters. Expect `e` `_` as the first
# pair, and no pair left after 299 merges: then every word is one symbol, and the text is the text of words. (One word
# has two symbols: the question mark is `?` at the end of a line and `?_` elsewhere.) Watch the pieces of a word merge,
# and see what becomes of `bookseller`, a word that was never in the text: what are its pieces after all merges, and
# which other words may they come from?


# %%
def with_marks(line):
    """The words of a line, each but the last one with the mark `_` behind it."""
    words = line.split()
    return [f"{word}_" for word in words[:-1]] + words[-1:]


word_counts = Counter(word for line in corpus.train for word in with_marks(line))
merges = bpe_merges(dict(word_counts), 1000)
print(f"{len(merges)} merges; the first ten: " + ", ".join(" ".join(pair) for pair in merges[:10]))
for count in (0, 10, 30, 100, len(merges)):
    parts = [" ".join(bpe_split(word, merges[:count])) for word in ("children_", "follows_", "bookseller_")]
    print(f"{count:4}  {parts[0]:17} {parts[1]:15} {parts[2]}")

# %% id="check_bpe_merges" tags=["question"] points=2
"""Counts weighted by the words' own, ties, overlapping places, new counts after each merge, and nothing left."""


def merged(words, count):
    """The pairs that come back, as tuples."""
    try:
        pairs = list(bpe_merges(words, count))
    except (ValueError, IndexError, KeyError, StopIteration) as error:
        raise checks.CheckFailed(
            f"bpe_merges({words}, {count}) ended in {type(error).__name__}: {error}; where no pair is left, the list "
            "should end"
        ) from None
    checks.true(
        all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs),
        "bpe_merges should return a list of pairs of symbols, such as ('e', 's')",
    )
    return [tuple(pair) for pair in pairs]


checks.equal(
    "bpe_merges({'xy': 3, 'abab': 2}, 1)",
    merged({"xy": 3, "abab": 2}, 1),
    [("a", "b")],
    slips={"when a pair counts once per word, however often it occurs there": [("x", "y")]},
)
sennrich = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
checks.equal(
    "bpe_merges({'low': 5, 'lower': 2, 'newest': 6, 'widest': 3}, 4)",
    merged(sennrich, 4),
    [("e", "s"), ("es", "t"), ("l", "o"), ("lo", "w")],
    slips={
        "when each word counts once": [("l", "o"), ("lo", "w"), ("e", "s"), ("es", "t")],
        "when another of equally frequent pairs is taken than the first one met": [
            ("s", "t"),
            ("e", "st"),
            ("o", "w"),
            ("l", "ow"),
        ],
        "when pairs are not counted anew after a merge": [("e", "s"), ("s", "t"), ("w", "e"), ("l", "o")],
        "when the characters are counted in every round, not the symbols of now": [("e", "s")] * 4,
    },
)
checks.equal(
    "bpe_merges({'ba': 2, 'ab': 2}, 1)",
    merged({"ba": 2, "ab": 2}, 1),
    [("b", "a")],
    slips={"when another of equally frequent pairs is taken than the first one met": [("a", "b")]},
)
checks.equal(
    "bpe_merges({'ab': 1, 'cb': 1, 'ad': 1}, 2)",
    merged({"ab": 1, "cb": 1, "ad": 1}, 2),
    [("a", "b"), ("c", "b")],
    slips={
        "when a pair may go from one word into the next": [("a", "b"), ("ab", "c")],
        "when pairs also go from one word into the next": [("b", "c"), ("b", "c")],
        "when it stops before pairs that occur only once": [],
    },
)
checks.equal(
    "bpe_merges({'bcab': 2, 'ca': 1, 'xab': 1}, 1)",
    merged({"bcab": 2, "ca": 1, "xab": 1}, 1),
    [("c", "a")],
    slips={"when another of equally frequent pairs is taken than the first one met": [("a", "b")]},
)
checks.equal(
    "bpe_merges({'xy': 3, 'aaa': 2}, 1)",
    merged({"xy": 3, "aaa": 2}, 1),
    [("a", "a")],
    slips={"when overlapping places are counted once: 'aaa' has the pair 'a' 'a' at two places": [("x", "y")]},
)
checks.equal(
    "bpe_merges({'bc': 3, 'ab': 3, 'd': 9}, 5), where only two pairs are left to merge",
    merged({"bc": 3, "ab": 3, "d": 9}, 5),
    [("b", "c"), ("a", "b")],
)
checks.equal("bpe_merges({}, 3)", merged({}, 3), [])
checks.equal("bpe_merges(words, 0)", merged(sennrich, 0), [])
checks.passed("bpe_merges", "weighted counts, the first of equal pairs, new counts after each merge")

# %% [markdown]
# What do the merges gain? The experiment changes their number and holds equal what can be held equal. Each model is an
# LSTM of 64 units. It reads the same training text three times, with the same number of updates: a segment covers about
# 60 characters of the text, however many symbols these are. A model with more merges therefore takes fewer steps for
# the same text, and has a larger embedding and decoder (28,000 parameters in all without merges, 38,000 with all of
# them). The cell trains two seeds each and takes about half a minute on one idle CPU core.
#
# We divide the total of each model by the number of **characters** of the test text, so that all bits may be compared.
# (A model of subwords can write `dog_` also as `d` `o` `g` `_`, which would add a little to the probability of the
# word. The total counts only the split that `bpe_split` gives, so our total is an upper bound, and a tight one.)

# %%
SUBWORDS = SMALL | {"hidden_size": 64, "epochs": 3, "flat_epochs": 2}
texts, settings, seeds = (corpus.train, corpus.valid[:20], corpus.test), (0, 10, 30, 100, len(merges)), (1, 2)
if course.grading:
    texts, settings, seeds = (corpus.train[:300], corpus.valid[:20], corpus.test[:100]), (0, len(merges)), (1,)
n_characters = [len(encode(characters(lines), vocabulary)) for lines in texts]  # of training, validation, test text
rows = []
for count in settings:
    splits = {
        word: " ".join(bpe_split(word, merges[:count])) for lines in texts for w in lines for word in with_marks(w)
    }
    split_texts = [[" ".join(splits[word] for word in with_marks(w)) for w in lines] for lines in texts]
    entries = build_vocabulary(split_texts[0], 1000)
    train_ids, valid_ids, test_ids = (encode(["", *lines], entries) for lines in split_texts)
    train_ids = train_ids[1:]  # an end mark in front is read before the two texts that are measured
    per_symbol, bits = n_characters[0] / len(train_ids), []
    plan = SUBWORDS | {"bptt": round(60 / per_symbol)}
    for seed in seeds:
        torch.manual_seed(seed)
        subword_model = make_model(plan, len(entries))
        uniform_init(subword_model, 0.1)
        adam = torch.optim.Adam(subword_model.parameters())
        train_characters(subword_model, adam, train_ids, valid_ids, plan)
        total = (len(test_ids) - 1) * math.log(perplexity(subword_model, test_ids, 500))
        bits.append(bits_per_character(total, n_characters[-1]))
    rows.append((count, len(train_ids) / sum(len(with_marks(line)) + 1 for line in texts[0]), bits))
    print(f"{count:4} merges: {len(entries) - 1:4} symbols, {rows[-1][1]:.2f} of them per word, bits per character "
          + ", ".join(f"{b:.3f}" for b in bits))  # fmt: skip
char_lm_plots.draw_merges(rows, exact)

# %% [markdown]
# On this language each further group of merges helps, down to the word model at the right end. Expect about 0.83 bits
# per character without a merge, 0.73 with 100 and 0.66 with all of them. (The cell trains seeds 1 and 2. We also
# trained a third: together 0.82 to 0.84, 0.725 to 0.731, 0.660 to 0.663.) `bookseller`, which the training text does
# not have, still takes five symbols after all merges, `book` `s` `e` `ll` `er_`, and none of them is `<unk>`. Why then
# stop before words? The toy language has only 130 words, and the training text shows each of them often. English has no
# last word: however much text you count, new ones turn up, and many of them occur in it only once. A word model needs
# an embedding for each, learns little about the rare ones, and still meets unknown words. So the models of today stop
# in between, after some tens of thousands of merges. Frequent words are then one symbol, rare ones a few, and none is
# unknown. GPT-2, for instance, has a vocabulary of 50,257 entries, from merges that start at bytes (Radford et al.
# 2019).

# %% [markdown]
# ## 8. Memory longer than the training saw (2 points, about 20 minutes)
#
# In characters the distances are longer: what was 10 words back is 44 symbols back, and the gradient goes back through
# at most `bptt` steps. Does the network remember nothing that is farther away? First, how much does the carried state
# help? We cut the validation text into segments of 50 symbols, and the model reads each segment twice: with the state
# that the segment before left, and from a state of zeros. The curves are the mean number of bits by the position in the
# segment.

# %%
length = 50
segments = (len(ids["valid"]) - 1) // length
data, targets = ids["valid"][: segments * length], ids["valid"][1 : segments * length + 1]
model.eval()
with torch.no_grad():
    whole, _ = model(data.view(-1, 1), model.init_hidden(1))
    carried_bits = F.cross_entropy(whole[:, 0], targets, reduction="none").view(segments, length).mean(0) / math.log(2)
    apart, _ = model(data.view(segments, length).t(), model.init_hidden(segments))
    nats = F.cross_entropy(apart.flatten(0, 1), targets.view(segments, length).t().flatten(), reduction="none")
    reset_bits = nats.view(length, segments).mean(1) / math.log(2)
print(f"carried {carried_bits.mean():.3f}, from zeros {reset_bits.mean():.3f} bits per character")
print(f"from zeros, positions 1 to 5: {', '.join(f'{b:.2f}' for b in reset_bits[:5])}")
plots.curves(
    {"state carried": carried_bits.tolist(), "from zeros": reset_bits.tolist()},
    x_label="position in the segment",
    y_label="bits per character",
)

# %% [markdown]
# Starting from zeros costs 0.26 bits per character on average, but nearly all of this within the first twelve symbols:
# the model must first find out which word it is in. Farther on the two curves meet, so on average this model gains
# little from what lies farther back. It opens quotation marks and forgets them. The picture of section 6 shows one: its
# closing mark costs the character model about 3.5 bits, a probability of 0.09, and the word model 1.2 bits. On average
# the character model gives the mark that closes a quotation a probability of 0.13, near or far. (We measured this
# outside the notebook, on 330 quotations in 1,500 fresh sentences, with the seed of this notebook.)
#
# Still, an average over all symbols says little about memory, since most symbols can be predicted from those just
# before. We need a text in which something far away decides the next symbol, and nothing near does. Here is one: a line
# opens with a single or a double mark, chosen at random; random letters follow, a or b; then the **same** mark closes
# the line. Only the opening mark says which one must come.
#
# A GRU of 24 units is trained on lines with about 3 letters, in segments of only **10 steps**. Most of its loss cannot
# be avoided, since the letters are random. The cell prints the smallest possible loss beside it: the entropy of the
# lines in nats per symbol, which a model reaches that knows the rule by which they are made.


# %%
def marked_lines(count, stay, rng):
    """Lines of an opening mark, letters, the same mark; after a letter comes another one with probability `stay`."""
    lines = []
    for _ in range(count):
        mark = "\"'"[rng.integers(2)]
        lines.append(" ".join([mark, *("ab"[k] for k in rng.integers(2, size=rng.geometric(1 - stay))), mark]))
    return lines


BACK = 10
rng = np.random.default_rng(1)
train_lines, test_lines = marked_lines(3000, 0.7, rng), marked_lines(300 if course.grading else 2000, 0.97, rng)
marks = build_vocabulary(train_lines, 9)
torch.manual_seed(1)
keeper = WordLM("GRU", len(marks), 8, 24, 1, 0.0, False)
descent = torch.optim.Adam(keeper.parameters(), lr=0.02)
marked = batchify(encode(train_lines, marks), 8)
losses = [train_epoch(keeper, marked, descent, BACK, 1.0) for _ in range(1 if course.grading else 5)]
longest = max(len(line.split()) - 1 for line in train_lines)
print(f"training: segments of {BACK} steps, the farthest mark {longest} symbols back")
per_line = 1 / (1 - 0.7)  # letters per line, on average; mark and letters are choices between two, ln 2 nats each
lowest = ((1 + per_line) * math.log(2) - (per_line - 1) * math.log(0.7) - math.log(0.3)) / (per_line + 3)
print(f"loss by epoch {', '.join(f'{loss:.3f}' for loss in losses)} nats; the best possible is {lowest:.3f}")
print(f"one line of the test text: {test_lines[0]}")

# %% [markdown]
# Now we test it on lines with 33 letters on average, far more than 10. When a closing mark is due, how much probability
# does the model give to the right one, as a share of both marks? We measure this twice: with the state carried from the
# start of the text, and with a state that is reset to zero 10 symbols earlier. Where the opening mark is exactly 10
# symbols back, it is then the first symbol that the model reads, from a state that it met in training only at the start
# of each of the eight columns. The picture shows this distance as a point of its own.

# %%
stream = encode(test_lines, marks)
closing = torch.nonzero(stream == marks["<eos>"]).flatten() - 1  # where the closing marks stand
distance = torch.tensor([len(line.split()) - 1 for line in test_lines])
closing, distance = closing[closing >= BACK], distance[closing >= BACK]
keeper.eval()
with torch.no_grad():
    carried = keeper(stream.view(-1, 1), keeper.init_hidden(1))[0][closing - 1, 0]
    windows = torch.stack([stream[place - BACK : place] for place in closing.tolist()], dim=1)
    from_zeros = keeper(windows, keeper.init_hidden(len(closing)))[0][-1]
both = torch.tensor([marks['"'], marks["'"]])
right = (stream[closing] == both[1]).long().view(-1, 1)
edges = [2, 5, 8, 10, 11, 16, 24, 36, 54, 80, 400]  # the distance 10 is a group of its own
groups = [(distance >= low) & (distance < high) for low, high in itertools.pairwise(edges)]
middles, by_distance = [float(distance[group].float().mean()) for group in groups], {}
for name, scores in {"state carried": carried, f"from zeros, {BACK} steps before": from_zeros}.items():
    chance = F.softmax(scores[:, both], dim=-1).gather(1, right).flatten()
    by_distance[name] = (middles, [float(chance[group].mean()) for group in groups])
print(f"marks 80 or more symbols back: the right one gets {by_distance['state carried'][1][-1]:.3f}")
plots.curves(
    by_distance,
    x_label="symbols since the opening mark",
    y_label="probability of the right mark",
    log_x=True,
    levels={"guess": 0.5},
)

# %% [markdown]
# Where is the mark kept? Karpathy et al. (2015) found single units of a large character model that hold a quotation
# mark, and drew them over a text. Our state has only 24 units, so let us look. On the first 100 lines of the test text
# we correlate the value of each unit with the mark that is open (+1 for a double, -1 for a single one) and choose the
# unit whose correlation is the largest in absolute value. A correlation near -1 is as good as one near +1: such a unit
# is negative while a double mark is open. On the **next** 100 lines, which took no part in the choice, we ask how often
# the sign of this unit alone tells which mark is open. The picture shows the unit over two of these lines, and below it
# the unit whose correlation is closest to zero; the hatched stretch is where the double mark is open. Expect the sign
# to be right at 99% of the symbols or more (eight seeds: 99.4% to 100%).


# %%
def states_over(lines):
    """The state after each symbol, (symbols, units), and which mark is open: 1 for ", -1 for ', 0 for none."""
    states, hidden, opened = [], keeper.init_hidden(1), []
    with torch.no_grad():
        for symbol in encode(lines, marks):
            _, hidden = keeper(symbol.view(1, 1), hidden)
            states.append(hidden[0, 0])
    for line in lines:
        sign = 1.0 if line[0] == '"' else -1.0
        opened += [sign] * (len(line.split()) - 1) + [0.0, 0.0]  # closed by the second mark, then the end of the line
    return torch.stack(states), torch.tensor(opened)


many = 20 if course.grading else 100
states, opened = states_over(test_lines[:many])
inside = opened != 0
correlation = torch.corrcoef(torch.cat([opened[inside].view(1, -1), states[inside].t()]))[0, 1:].nan_to_num()
best, worst = int(correlation.abs().argmax()), int(correlation.abs().argmin())
states, opened = states_over(test_lines[many : 2 * many])
inside = opened != 0
told = (states[inside, best] * correlation[best]).sign() == opened[inside]
print(f"unit {best}: correlation {correlation[best]:.3f} on the first lines")
print(f"on the next ones its sign tells the open mark at {told.float().mean():.1%} of {len(told):,} symbols")
pairs_of_lines = itertools.pairwise(test_lines[100:200])
two = next((a, b) for a, b in pairs_of_lines if a[0] != b[0] and 40 < len((a + b).split()) + 2 <= 64)
states, opened = states_over(two)
letters = [letter for line in two for letter in [*line.split(), "\n"]]
titles = {f"unit {one}, correlation {correlation[one]:+.2f} with the mark": states[:, one] for one in (best, worst)}
draw_units(letters, {title: values.numpy() for title, values in titles.items()}, (opened == 1).numpy())

# %% [markdown] id="long_memory" tags=["written"] points=2
# Remembering a hundred symbols, trained through ten: the gradient has never gone back over such a distance. In
# training, too, the state is carried from segment to segment, and some marks are up to 29 symbols back.
#
# 1. **How can text show a memory longer than the BPTT length?** How could this network learn it from segments of 10
#    steps?
# 2. Why is one of the two curves near a half from 11 symbols on?
# 3. Suppose a character model is trained in segments of 50 symbols on real English. Name something that you would look
#    for in its samples, which would show that it remembers for longer than that.
# 4. What else could explain what you find there, so that it would show nothing?
#
# ### BEGIN SOLUTION
# Truncation cuts the gradient, not the values. Many lines are short enough that the mark opens and closes within one
# segment; from these the gradient teaches the weights to write the mark into the state and to leave it alone until it
# closes. The same weights then keep it for as long as it takes, because holding for one more step is the same operation
# whether it is the fifth step or the hundredth, and the state is carried from segment to segment. One unit at +1 or -1
# is enough for it. Marks more than 10 symbols back are held in training, too, but no gradient reaches back to them.
# Read from zeros 10 symbols before, the network has never seen an opening mark that is 11 or more symbols back, so it
# can only guess between two.
#
# In sampled text one looks for a dependency with both ends farther apart than 50 symbols and nothing in between that
# gives it away: a bracket or quotation that is closed after 60 characters or more, by the right kind of mark; lines
# that break at a certain length; a verb that agrees with a subject several words back (Karpathy et al. 2015 found
# single units that do the first two). It shows nothing if chance or the neighbourhood explains it as well: marks that
# are nearly always of one kind, a name repeated because it is frequent. So one compares with the frequency without the
# far end, or with the same model reading from zeros.
#
# Rubric:
#
# - 1: the mechanism (values are carried, only the gradient is cut; learned at short distances, the same step holds at
#   long ones; zeros cannot know)
# - 0.5: a dependency of more than 50 symbols
# - 0.5: another explanation and a comparison that would rule it out
# ### END SOLUTION

# %% [markdown]
# ## 9. Sampling text (7 points, about 40 minutes)
#
# Sampling from a character model is like sampling words, with two additions. Many samples are made at once, one per
# column of a batch. And since one unlikely letter can spoil a whole word, one often samples from the $k$ most probable
# symbols only (top-$k$ sampling, Fan et al. 2018). With scores $o$, temperature $T$ and the set $K$ of the $k$ symbols
# with the largest scores,
#
# $$p(x) = \frac{e^{o_x / T}}{\sum_{y \in K} e^{o_y / T}} \quad (x \in K), \qquad p(x) = 0 \quad \text{otherwise.}$$
#
# The sum goes over $K$ alone, so that the remaining probabilities add up to 1 again. Scores may be large: a softmax of
# torch does not overflow where the formula as it is written would.
#
# | name | what | shape |
# | --- | --- | --- |
# | `prompt` | ids to read first, one prompt per column, at least one step | LongTensor (steps, batch) |
# | `length` | how many symbols to sample; 0 samples none | int |
# | `temperature` | positive, else a ValueError with a message | number |
# | `top_k` | None for all symbols; more than there are means all; under 1 is a ValueError | int or None |
# | `rng` | a `torch.Generator`, from which all random numbers come | |
# | result | the sampled ids, without the prompt | LongTensor (length, batch) |
#
# Each column reads its own prompt, keeps its own state, has its own set $K$ and is sampled for itself. The model is run
# in evaluation mode, without gradients, and is afterwards in the mode in which it came. Its parameters may lie on a GPU
# while `rng` lies on the CPU. Move the prompt to the device of the parameters, where the result lies too, and move the
# probabilities to `rng.device` before you sample, as in homework 5.
#
# <details><summary>Hint</summary>
#
# `Tensor.topk` gives the `k` largest scores of each column and their ids; a softmax over these scores alone adds up to
# one. `torch.multinomial` samples a place in each row of a matrix, and `Tensor.gather` looks up what is at that place.
# The first symbol is sampled from the scores that reading the prompt gave, so no symbol is read twice, and the last one
# is not read at all.
#
# </details>


# %% id="sample_text" tags=["solution"]
def sample_text(model, prompt, length, temperature, top_k, rng):
    """Sample `length` symbols after each column of a prompt: LongTensor (length, batch), the prompt not among them.

    prompt: LongTensor (steps, batch). top_k: only so many of the most probable symbols are sampled from, None for all.
    rng: a torch.Generator; the same state gives the same symbols.
    The model is run in evaluation mode; afterwards it is in the mode in which it came.
    Raises ValueError for a temperature that is not positive and for a top_k under 1.
    """
    ### BEGIN SOLUTION
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k must be at least 1, or None, got {top_k}")
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    read, hidden = prompt.to(device), model.init_hidden(prompt.size(1))
    drawn = [read[:0]]  # so that a length of 0 gives a tensor too
    with torch.no_grad():
        for _ in range(length):
            logits, hidden = model(read, hidden)
            entries = logits.size(-1)
            scores, candidates = (logits[-1] / temperature).topk(min(top_k or entries, entries))
            shares = F.softmax(scores, dim=-1).to(rng.device)
            choice = torch.multinomial(shares, 1, generator=rng).to(device)
            read = candidates.gather(1, choice).t()
            drawn.append(read)
    model.train(was_training)
    return torch.cat(drawn)
    ### END SOLUTION


# %%
def as_prompts(texts, known):
    """Beginnings of lines, in words, as a prompt (steps, batch): an end mark, then the symbols; of equal length."""
    return torch.stack([encode(["", line], known)[:-1] for line in characters(texts)], dim=1)


def as_text(column, known):
    """Sampled ids of one column as text in words."""
    names = list(known)
    return "".join(names[i] for i in column.tolist()).replace("_", " ").replace("<eos>", "\n")


beginning = "every teacher near"
drawn = {}
for temperature, top_k in ((0.5, None), (1.0, None), (1.0, 3), (1.5, None), (1.5, 3)):
    rng = torch.Generator().manual_seed(3)
    column = sample_text(model, as_prompts([beginning], vocabulary), 130, temperature, top_k, rng)[:, 0]
    drawn[f"T = {temperature}, top_k = {top_k}"] = beginning + as_text(column, vocabulary)
print_columns(dict(list(drawn.items())[:3]), 36)
print()
print_columns(dict(list(drawn.items())[3:]), 36)

# %% id="check_sample_text" tags=["question"] points=5
"""Shapes, prompts, state, temperature, top_k, modes, the generator and the ValueErrors."""


class Adding(nn.Module):
    """Nearly sure of the symbol whose id is the sum of all ids read so far (each plus 1), modulo 7."""

    def __init__(self):
        super().__init__()
        self.sharpness = nn.Parameter(torch.tensor(1000.0))  # more than exp can take

    def forward(self, tokens, hidden):
        graphs.append(torch.is_grad_enabled())
        total = hidden[0, :, 0] + (tokens + 1).cumsum(0)
        scores = F.one_hot((total.long() + self.training) % 7, 7) * self.sharpness
        return scores, total[-1].view(1, -1, 1).float()

    def init_hidden(self, batch_size):
        return torch.zeros(1, batch_size, 1)


class Fixed(Even):
    """Gives the same scores at every step: the logarithms of 1, 2, 4 and 8."""

    def __init__(self):
        super().__init__(4)
        self.scores.data = torch.tensor([1.0, 2.0, 4.0, 8.0]).log()


def seeded(seed):
    """A generator with its seed set."""
    return torch.Generator().manual_seed(seed)


def sampled(where, *arguments):
    """What sample_text returns; another error than a ValueError of its own becomes a sentence that says where."""
    try:
        return sample_text(*arguments)
    except NotImplementedError:
        raise
    except Exception as error:
        first = str(error).partition("\n")[0]
        raise checks.CheckFailed(f"sample_text {where} ended in {type(error).__name__}: {first}") from None


graphs, adding, prompts = [], Adding(), torch.tensor([[3, 0], [1, 5], [2, 2]])
came = sampled("with scores of up to 1000", adding, prompts, 4, 1.0, None, seeded(1))
checks.true(isinstance(came, torch.Tensor) and came.dtype == torch.long, "sample_text should return a LongTensor")
checks.equal("shape of sample_text(model, prompt (3, 2), 4, ...)", tuple(came.shape), (4, 2))
checks.equal(
    "symbols after two prompts, by a model that adds up what it reads",
    came,
    torch.tensor([[2, 3], [5, 0], [4, 1], [2, 3]]),
    slips={
        "in training mode": torch.tensor([[3, 4], [0, 2], [1, 5], [3, 4]]),
        "when only the last step of the prompt is read": torch.tensor([[3, 3], [0, 0], [1, 1], [3, 3]]),
        "when the last step of the prompt is read twice": torch.tensor([[5, 6], [4, 6], [2, 6], [5, 6]]),
        "when the state is not carried from step to step": torch.tensor([[2, 3], [3, 4], [4, 5], [5, 6]]),
        "when each step of the prompt is read from zeros": torch.tensor([[3, 3], [4, 4], [2, 2], [5, 5]]),
        "when the state that the prompt left is thrown away": torch.tensor([[2, 3], [3, 4], [0, 2], [1, 5]]),
        "when a place among the sorted scores is taken for a symbol": torch.zeros(4, 2, dtype=torch.long),
    },
)
checks.true(not any(graphs), "gradients are recorded while the model reads: run it under torch.no_grad()")
checks.true(adding.training, "sample_text left a model in evaluation mode that came in training mode")
checks.equal(
    "the most probable symbols after two prompts, with top_k 1",
    sampled("with top_k 1", adding.eval(), prompts, 4, 1.0, 1, seeded(1)),
    torch.tensor([[2, 3], [5, 0], [4, 1], [2, 3]]),
    slips={"when the top_k of the first column serves all columns": torch.tensor([[2, 2], [5, 5], [4, 4], [2, 2]])},
)
checks.true(not adding.training, "sample_text left a model in training mode that came in evaluation mode")
came = sampled("with length 0", adding, prompts, 0, 1.0, None, seeded(1))
checks.equal("shape for length 0", tuple(came.shape), (0, 2))
start = torch.zeros(1, 4000, dtype=torch.long)
plain = [1 / 15, 2 / 15, 4 / 15, 8 / 15]
slips_at = {
    (1.0, None): {"when always the most probable symbol comes": [0.0, 0.0, 0.0, 1.0]},
    (0.5, None): {
        "when the scores are multiplied by the temperature, not divided": [0.138, 0.195, 0.276, 0.391],
        "when the temperature does not reach the scores before the softmax": plain,
    },
    (1.0, 2): {
        "when top_k changes nothing": plain,
        "when the other scores become 0 in place of -inf": [1 / 14, 1 / 14, 4 / 14, 8 / 14],
        "when the smallest scores are kept": [1 / 3, 2 / 3, 0.0, 0.0],
    },
}
for temperature, top_k, expected in (
    (1.0, None, plain),
    (0.5, None, [1 / 85, 4 / 85, 16 / 85, 64 / 85]),
    (1.0, 2, [0, 0, 1 / 3, 2 / 3]),
    (2.0, 3, [0, 2**0.5 / (2**0.5 + 2 + 8**0.5), 2 / (2**0.5 + 2 + 8**0.5), 8**0.5 / (2**0.5 + 2 + 8**0.5)]),
    (1.0, 9, plain),
):
    row = sampled(f"with top_k {top_k}, of 4 symbols", Fixed(), start, 1, temperature, top_k, seeded(2))[0]
    share = torch.bincount(row, minlength=4) / 4000
    checks.close(
        f"shares of four symbols at temperature {temperature}, top_k {top_k}",
        share,
        torch.tensor(expected, dtype=torch.float32),
        absolute=0.05,
        slips={words: torch.tensor(shares) for words, shares in slips_at.get((temperature, top_k), {}).items()},
    )
same = [sample_text(Fixed(), start[:, :30], 5, 1.0, None, seeded(s)) for s in (4, 4, 5)]
checks.true(torch.equal(same[0], same[1]), "the same state of rng should give the same symbols")
checks.true(not torch.equal(same[0], same[2]), "another state of rng should give other symbols")
for temperature, top_k in ((0.0, None), (-1.0, 3), (1.0, 0)):
    checks.raises(
        f"sample_text with temperature {temperature}, top_k {top_k}",
        ValueError,
        lambda: sample_text(adding, prompts, 1, temperature, top_k, seeded(1)),  # noqa: B023
    )
checks.passed("sample_text", "two prompts, temperature, top_k and generator")

# %% [markdown]
# A wrong letter makes a word that does not exist, so a character model needs some care in sampling. A widely used way
# is top-$p$ or *nucleus* sampling (Holtzman et al. 2020): sample from the smallest set of most probable symbols that
# together have at least the probability $p$. Top-$k$ keeps the same number of candidates everywhere; top-$p$ keeps few
# where the model is sure and many where it is not. `nucleus` below chooses the set. `Nucleus` wraps a model and sets
# the scores of all other symbols to $-\infty$, so your `sample_text` can sample from it as it is.
#
# The first picture counts the candidates of top-$p$ at each position of a line: the bar over a symbol says from how
# many symbols it would have been sampled.


# %%
def nucleus(scores, p):
    """The smallest set of most probable symbols that holds the probability p, as booleans of the shape of scores."""
    ranked, order = F.softmax(scores, dim=-1).sort(dim=-1, descending=True)
    before = ranked.cumsum(dim=-1) - ranked  # the probability of all that are more probable
    return torch.zeros_like(before, dtype=torch.bool).scatter(-1, order, before < p)


class Nucleus(nn.Module):
    """Wraps a model: the scores of all symbols outside the nucleus, at a temperature, are set to -inf."""

    def __init__(self, asked, p, temperature):
        super().__init__()
        self.asked, self.p, self.temperature = asked, p, temperature

    def forward(self, tokens, hidden):
        scores, hidden = self.asked(tokens, hidden)
        return scores.masked_fill(~nucleus(scores / self.temperature, self.p), -math.inf), hidden

    def init_hidden(self, batch_size):
        return self.asked.init_hidden(batch_size)


line = next(line for line in corpus.test if " that " in line and 50 < len(line) < 64)
spelled_line = encode(["", *characters([line])], vocabulary)
with torch.no_grad():
    scores, _ = model.eval()(spelled_line[:-1].view(-1, 1), model.init_hidden(1))
candidates = nucleus(scores[:, 0], 0.9).sum(dim=-1).tolist()
print(f"top-p of 0.9 keeps {min(candidates)} to {max(candidates)} symbols, {np.mean(candidates):.1f} on average")
char_lm_plots.draw_counts(line.replace(" ", "_") + "\n", candidates, "candidates", 3, "top-k of 3")

# %% [markdown]
# Temperature, top-$k$ and top-$p$ act on the same numbers. After `the dog that `, the next cell plots the 16 most
# probable symbols at three temperatures. Symbols in the nucleus of 0.9 are hatched, and the dotted line is to the right
# of the best three. In JupyterLab or on Colab a slider moves the temperature.

# %%
with torch.no_grad():
    _, state = model.eval()(as_prompts(["the dog that "], vocabulary), model.init_hidden(1))
    after, _ = model(encode(["_"], vocabulary)[:1].view(1, 1), state)
ranked = after[-1, 0].sort(descending=True)


def draw_at(axes, temperature):
    """The 16 most probable symbols at a temperature."""
    shares, kept = F.softmax(ranked.values / temperature, dim=-1), nucleus(ranked.values / temperature, 0.9)
    names = [symbols[i] for i in ranked.indices[:16].tolist()]
    char_lm_plots.draw_next(axes, names, shares[:16].tolist(), kept[:16].tolist(), 3, f"T = {temperature}")


stops = {f"{temperature}": temperature for temperature in (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)}
knob(draw_at, "temperature", stops, ["0.25", "0.5", "1.0"])

# %% [markdown]
# How often do words come out that do not exist? We sample at several temperatures, from all symbols, from the best
# three, and from the nucleus of 0.9, and look each word up in the training text. (A word cut off at the end of a sample
# is left out.)

# %%
known = {word for line in corpus.train for word in line.split()}
columns, steps = (20, 100) if course.grading else (40, 250)
start = torch.zeros(1, columns, dtype=torch.long)  # an end mark: a line begins
temperatures, real = (0.5, 0.75, 1.0, 1.25, 1.5), {}
for name, top_k, p in (("all symbols", None, None), ("the best three", 3, None), ("top-p of 0.9", None, 0.9)):
    shares = []
    for temperature in temperatures:
        asked = Nucleus(model, p, temperature) if p else model
        samples = sample_text(asked, start, steps, temperature, top_k, torch.Generator().manual_seed(5))
        texts = [as_text(column, vocabulary) for column in samples.t()]
        words = [word for text in texts for part in text.split(" ")[:-1] for word in part.split()]
        shares.append(sum(word in known for word in words) / len(words))
    real[name] = (temperatures, shares)
    print(f"{name:14}: " + ", ".join(f"{s:.1%} at {t}" for t, s in zip(temperatures, shares, strict=True)))
plots.curves(real, x_label="temperature", y_label="share of words that exist")

# %% [markdown]
# At a temperature of 1.5, expect that about 8% of the words sampled from all symbols do not exist, 3% of those from the
# best three, and at most 1.5% of those from the nucleus (three trained models, three samples of each: 7% to 9%, 2% to
# 4% and 0.2% to 1.4%). Yet the nucleus is not the smaller set everywhere: behind a `_`, where a new word begins, it
# holds about eight symbols, and top-$k$ would always take one of three.
#
# Now both models continue the same prompts, side by side. The word model reads a word that it does not know as `<unk>`;
# the character model reads every letter of it. Both are sampled at temperature 0.7. (For the word model, `<eos>` in
# front of the prompt says that a line begins; `as_prompts` puts it in front for the character model. Nothing tells the
# character model that the last word of a prompt is complete, so it may continue that word.)

# %%
for beginning in ("the dog that the", "every hippopotamus", 'a sailor says , "'):
    rng = torch.Generator().manual_seed(8)
    by_words = generate(word_model, word_vocabulary, f"<eos> {beginning}", 16, 0.7, rng)
    by_characters = sample_text(model, as_prompts([beginning], vocabulary), 72, 0.7, None, rng)[:, 0]
    print_columns(
        {
            "word model": f"{beginning} {' '.join(by_words)}".replace("<eos> ", "\n").replace("<eos>", ""),
            "character model": beginning + as_text(by_characters, vocabulary),
        },
        52,
    )
    print()

# %% [markdown] id="cost_of_characters" tags=["written"] points=2
# **What do characters buy, and what do they cost?** Give two of each, and back each one with something that you saw in
# this notebook: a number (the ratio of the numbers of steps, for example), a table (such as the one of section 6), a
# plot or a text. Then say in a sentence what subwords change about one of the costs.
#
# ### BEGIN SOLUTION
# They buy: an open vocabulary, since any word can be read and written ("hippopotamus" is no `<unk>`, and there is
# none on the whole); a small softmax and embedding (33 entries in place of 132 here, 50 in place of 10,000 on the Penn
# Treebank, where almost all of the 36 million parameters are recurrent), so a step costs little in the output layer;
# shared spelling, since forms like dog and dogs have their letters in common.
#
# They cost: more steps for the same text (4.42 symbols to a word), so training takes longer (ten seconds and more
# against two or three) and a dependency of ten words is 44 steps long, more than gradient and memory like; words that
# do not exist (the share of real words falls with the temperature); at this size a higher word perplexity on the same
# text (about 8.9 against 7.5), since spelling must be learned as well.
#
# Subwords keep the open vocabulary and lower the costs: with 100 merges a word is 1.75 symbols instead of 4.42, and the
# bits per character fall from merge to merge, because less of the model's work goes into spelling.
#
# Rubric:
#
# - 0.5: one gain that the notebook backs
# - 0.5: a second gain that the notebook backs
# - 0.5: one cost that the notebook backs
# - 0.5: a second cost that the notebook backs
#
# A claim without anything seen earns nothing. Without the sentence on subwords one of the costs earns nothing.
# ### END SOLUTION

# %% [markdown]
# ## 10. The long run (no points, about 5 minutes)
#
# The last cell trains a model of characters at length and lets it speak. In profile `full`, which a GPU switches on, it
# reads the Penn Treebank; in profile `quick`, a rehearsal with a much smaller model reads the toy language for two
# epochs, so that you see all of it work. `COURSE_SIZE` chooses the model. The default is `baseline`. Run this in a cell
# of your own before the last one for the large model:
#
# ```
# %env COURSE_SIZE=large
# ```
#
# | | `baseline` | `large` |
# | --- | --- | --- |
# | sizes and start | as in section 4 | as in section 4 |
# | optimiser | AdamW, weight decay 0.01, clipped at 1 | gradient descent, as in section 4 |
# | rate | 0.004 for four epochs, then times 0.6 per epoch | as in section 4 |
# | ends after | 12 epochs | 55 epochs, or before the epoch that would exceed an hour |
# | validation, test text | 1.542, 1.495 bits per character | not measured |
#
# In a trial of ours, gradient descent at a rate of 1 needed four epochs to bring the baseline to 2.01 bits per
# character on the first 60,000 symbols of the validation text. So the long run replaces it by AdamW (Loshchilov and
# Hutter 2019), Adam with a weight decay that does not pass through its running means. The twelve epochs of the course's
# own run took 62 minutes on one CPU thread; their numbers above are word perplexities of 297 and 260 by counted words.
# On a GPU the course has measured neither model, and the large one is meant for a GPU alone. `fit` says after the first
# epoch how long the rest will take. For comparison: the three-layer AWD-LSTM, far larger than our baseline and much
# more carefully regularised, reaches 1.175 bits per character on the test text (Merity et al. 2018).
#
# `fit` writes a checkpoint after each epoch and goes on from there when the cell is run again; homework 5 says, where
# it trains at length, how `COURSE_RUNS` keeps it on Colab and how `COURSE_PRECISION` chooses the precision. `graphed`
# lets an NVIDIA GPU replay each segment as a CUDA graph. While it trains, the model is validated quickly: on a GPU on
# 100 stretches of the validation text side by side, on a CPU on its first 60,000 symbols. The three measures at the end
# are exact. Unlike `train_characters`, `fit` leaves the weights of the best epoch.

# %%
ADAMW = {"optimiser": "AdamW", "learning_rate": 0.004, "flat_epochs": 4, "decay": 0.6, "clip": 1.0, "epochs": 12}
LONG = {"baseline": CONFIGURATIONS["baseline"] | ADAMW | {"weight_decay": 0.01}}
LONG["large"] = CONFIGURATIONS["large"] | {"optimiser": "SGD", "weight_decay": 0.0}
CODE = (characters, uniform_init, WordLM, batchify, get_batch, repackage_hidden, clip_by_norm, train_epoch)


def long_run(name, config, folder, seconds=None):
    """Train by a configuration on a corpus's characters, going on where the folder stands; model and vocabulary."""
    text, device = corpora.load(name), course.device
    known = build_vocabulary(characters(text.train), 1000)
    train_ids, valid_ids = (encode(characters(lines), known).to(device) for lines in (text.train, text.valid))
    torch.manual_seed(config["seed"])
    trained = make_model(config, len(known)).to(device)
    uniform_init(trained, config["start"])
    optimiser = getattr(torch.optim, config["optimiser"])(
        trained.parameters(), lr=config["learning_rate"], weight_decay=config["weight_decay"]
    )
    columns = batchify(train_ids, config["batch_size"])

    def train():
        with graphed(trained, config["bptt"], config["batch_size"]):
            return train_epoch(trained, columns, optimiser, config["bptt"], config["clip"])

    def validate():
        if device.type == "cuda":
            return perplexity_by_rows(trained, valid_ids, 100, 500)
        return perplexity(trained, valid_ids[:60_000], 2000)

    fit(
        trained,
        optimiser,
        train,
        validate,
        epochs=config["epochs"],
        rate=lambda history: learning_rate(len(history) + 1, *(config[key] for key in SCHEDULE)),
        folder=folder,
        config={key: value for key, value in config.items() if key != "epochs"} | {"code": fingerprint(*CODE)},
        seconds=seconds,
        seed=config["seed"],
    )
    for split in ("valid", "test"):
        show_measures(f"{name}, {split}", three_measures(trained, known, getattr(text, split), 2000))
    return trained, known


def speak(trained, known, prompts, length):
    """Print how a model goes on from each prompt at three temperatures."""
    for prompt in prompts:
        drawn = {}
        for temperature in (0.5, 0.8, 1.1):
            rng = torch.Generator().manual_seed(1)
            column = sample_text(trained, as_prompts([prompt], known), length, temperature, None, rng)[:, 0]
            drawn[f"T = {temperature}"] = prompt + as_text(column, known)
        print_columns(drawn, 36)
        print()


if course.profile == "full":
    size = os.environ.get("COURSE_SIZE", "baseline")
    checks.true(size in LONG, f"COURSE_SIZE should be one of {', '.join(LONG)}, it is {size!r}")
    limit = 3600 if size == "large" else None
    long_trained, long_known = long_run("ptb", LONG[size], course.runs() / f"{size}_ptb", limit)
    speak(long_trained, long_known, ("the president of", "shares of the company", "analysts said that"), 200)
else:
    rehearsal = LONG["baseline"] | {"embedding_size": 16, "hidden_size": 64, "num_layers": 1, "batch_size": 20}
    rehearsal |= {"epochs": 2, "learning_rate": 0.01}
    if course.grading:
        rehearsal |= {"hidden_size": 16, "epochs": 1, "batch_size": 200}
    long_trained, long_known = long_run("toy", rehearsal, None)
    speak(long_trained, long_known, ("the dog that", "a sailor says"), 60 if course.grading else 120)

# %% [markdown]
# Read the samples of your long run with section 8 in mind. Are the words words? Is `<unk>` spelled correctly, and does
# an apostrophe stand where English has one (`'s`, `n't`)? Does a name come back a line later, does a verb agree with
# its subject, and over which distance? Does a long stretch repeat itself? (This form of the Penn Treebank has `N` in
# place of most numbers, and no brackets.)
#
# ## References
#
# - P. Gage: A new algorithm for data compression. The C Users Journal, 1994 (byte-pair encoding).
# - A. Graves: Generating sequences with recurrent neural networks. arXiv 1308.0850, 2013 (the exponent 5.6).
# - A. Holtzman, J. Buys, L. Du, M. Forbes, Y. Choi: The curious case of neural text degeneration. ICLR 2020 (top-p).
# - W. Zaremba, I. Sutskever, O. Vinyals: Recurrent neural network regularization. arXiv 1409.2329, 2014 (the large
#   model, its start, its schedule).
# - D. Kingma, J. Ba: Adam, a method for stochastic optimization. ICLR 2015.
# - A. Karpathy, J. Johnson, L. Fei-Fei: Visualizing and understanding recurrent networks. arXiv 1506.02078, 2015
#   (units that remember quotation marks and the length of a line).
# - I. Loshchilov, F. Hutter: Decoupled weight decay regularization. ICLR 2019 (AdamW).
# - R. Sennrich, B. Haddow, A. Birch: Neural machine translation of rare words with subword units. ACL 2016.
# - S. Merity, N. Keskar, R. Socher: An analysis of neural language modeling at multiple scales. arXiv 1803.08240, 2018.
# - A. Fan, M. Lewis, Y. Dauphin: Hierarchical neural story generation. ACL 2018 (top-k sampling).
# - A. Radford, J. Wu, R. Child, D. Luan, D. Amodei, I. Sutskever: Language models are unsupervised multitask learners.
#   OpenAI, 2019 (GPT-2 and its vocabulary).
# - M. Marcus, B. Santorini, M. Marcinkiewicz: Building a large annotated corpus of English: the Penn Treebank.
#   Computational Linguistics, 1993.
