# %% [markdown]
# # A word language model
#
# A language model reads a text word by word and assigns, at each position, a probability to every word that could come
# next. In this notebook you build a complete one in PyTorch, with a recurrent network (Mikolov et al. 2010): the
# vocabulary, the batches, the network, the evaluation metric, the training loop and, finally, text that the model
# generates. Everything runs on a small synthetic English in seconds on a CPU. Section 8 trains the same code at length,
# on a GPU on the Penn Treebank or on WikiText-2.
#
# **After this notebook you can**
#
# - turn a text into a vocabulary, a stream of ids and batches whose columns are contiguous text;
# - say what back-propagation through time is, cut it at the right place and show what the cut saves and costs;
# - build a recurrent language model of four types, with dropout and tied weights, and account for each parameter;
# - measure perplexity by the protocol of the literature, and compare it with baselines and published results;
# - clip gradients in two ways, train, and say where the time of a training step goes;
# - draw text from a model at a temperature, and run a long training that survives a disconnect;
# - say what has changed in language modelling since 2017, and why.
#
# **You need** Python, basic PyTorch, and the recurrent networks of the earlier notebooks. Plan about 180 minutes,
# reading included, without the long run of section 8 and the optional end of section 11. There are 30 points: 25 by the
# graded cells, 5 by four short written answers.
#
# Shapes are written with the steps first, as in torch: tokens are `(steps, batch)`, logits are `(steps, batch, vocab)`,
# a state is `(layers, batch, hidden)`, and the state of an LSTM is a pair of such tensors. The modules that are
# imported from `utils` are the course's own tools: texts, baselines, plots, the trainer and the checks. You need not
# read them, but you may.

# %% tags=["provided"]
import builtins
import contextlib
import io
import itertools
import math
import os
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from utils import checks, corpora, diagrams, plots, toy, word_lm_plots
from utils.baselines import baselines
from utils.evaluation import perplexity_by_rows
from utils.graphs import graphed
from utils.knobs import knob
from utils.training import fingerprint, fit, shrink_on_plateau
from utils.weights import describe, export_weights, read_weights, save_weights

# %% [markdown]
# ## 1. From text to ids (3 points, about 14 minutes)
#
# Most of this notebook uses a small synthetic English corpus, generated from a grammar. It has one sentence per line,
# with a space between tokens, for example "every quiet farmer near every child beside the horse sings ." Verbs agree
# with their subject across all words that stand between, and quotation marks match. A model that sees only the last two
# words cannot know that; a model with a memory can. Because the grammar is known, so is the best perplexity that any
# model can expect, about 6.4.
#
# A network reads numbers, so each word gets an id. Two entries are special: `<eos>`, the end of a line, is 0, and
# `<unk>`, which stands for every word outside the vocabulary, is 1. The other words follow by falling count. Words of
# equal count keep the order in which they first appear, so that everybody gets the same ids. Upper and lower case are
# different words. A text may contain a literal `<unk>` (the Penn Treebank does, for its rare words). It is the special
# entry, and so is a literal `<eos>`.
#
# | name | what | type |
# | --- | --- | --- |
# | `lines` | the text, words separated by white space | list of strings |
# | `max_size` | the largest number of entries, the two special ones included | int, 2 or more |
# | result | word to id | dict |
#
# For `["a b a", "c b a"]` and `max_size=4` expect `{"<eos>": 0, "<unk>": 1, "a": 2, "b": 3}`, and for the whole
# training text 132 entries.
#
# <details><summary>Hint</summary>
#
# `collections.Counter` counts and remembers the order of first appearance, and `sorted(..., reverse=True)` keeps the
# order of equal entries. Leave the special words out before you count.
# </details>


# %% id="build_vocabulary" tags=["solution"]
def build_vocabulary(lines, max_size):
    """The words of a text as a dict from word to id.

    lines: list of strings, words separated by white space.
    max_size: most entries in the dict, `<eos>` (id 0) and `<unk>` (id 1) among them.
    The words follow by falling count; words of equal count in the order in which they first appear.
    Raises ValueError when max_size is under 2.
    """
    ### BEGIN SOLUTION
    if max_size < 2:
        raise ValueError(f"max_size must leave room for <eos> and <unk>, got {max_size}")
    special = ["<eos>", "<unk>"]
    counts = Counter(word for line in lines for word in line.split() if word not in special)
    ranked = sorted(counts, key=counts.get, reverse=True)  # stable, and a Counter keeps the order of appearance
    return {word: index for index, word in enumerate(special + ranked[: max_size - 2])}
    ### END SOLUTION


# %% [markdown]
# The picture shows how often the words occur. In a large text of a natural language the count falls about as one over
# the rank (Zipf's law), which is a straight line on two logarithmic axes. Here the line is roughly straight up to rank
# 60. Then it falls faster, because this language has few words.

# %%
corpus = corpora.load("toy")
print("\n".join(corpus.train[:5]))
vocabulary = build_vocabulary(corpus.train, 10_000)
counts = Counter(word for line in corpus.train for word in line.split())
ranked = [counts[word] for word in vocabulary if word in counts]
print(f"{len(vocabulary)} entries, the first ones {list(vocabulary)[:8]}")
zipf = {"counts": (np.arange(1, len(ranked) + 1), ranked)}
plots.curves(zipf, x_label="rank", y_label="count", log=True, log_x=True)

# %% id="check_build_vocabulary" tags=["question"] points=2
"""Order, ties, the limit and the two special entries."""
checks.equal(
    "build_vocabulary(['a b a', 'c b a'], 4)",
    build_vocabulary(["a b a", "c b a"], 4),
    {"<eos>": 0, "<unk>": 1, "a": 2, "b": 3},
    slips={"when the special entries come on top of max_size": {"<eos>": 0, "<unk>": 1, "a": 2, "b": 3, "c": 4}},
)
checks.equal(
    "the order of build_vocabulary(['c a', 'b a'], 10)",
    list(build_vocabulary(["c a", "b a"], 10).items()),
    [("<eos>", 0), ("<unk>", 1), ("a", 2), ("c", 3), ("b", 4)],
    slips={"when words of the same count are sorted": [("<eos>", 0), ("<unk>", 1), ("a", 2), ("b", 3), ("c", 4)]},
)
checks.equal(
    "build_vocabulary(['<unk> <unk> z <eos>'], 10), where <unk> and <eos> stand in the text",
    build_vocabulary(["<unk> <unk> z <eos>"], 10),
    {"<eos>": 0, "<unk>": 1, "z": 2},
)
checks.equal(
    "build_vocabulary(['N n'], 10)",
    build_vocabulary(["N n"], 10),
    {"<eos>": 0, "<unk>": 1, "N": 2, "n": 3},
    slips={"when upper and lower case are one word": {"<eos>": 0, "<unk>": 1, "n": 2}},
)
checks.equal("build_vocabulary(['a'], 2)", build_vocabulary(["a"], 2), {"<eos>": 0, "<unk>": 1})
checks.raises("build_vocabulary(['a'], 1)", ValueError, lambda: build_vocabulary(["a"], 1))
checks.passed("build_vocabulary", "order, ties, limit and special entries")

# %% [markdown]
# A text becomes one long stream of ids. `<eos>` follows each line, an empty line included, because the model must also
# predict where a line ends. Expect 55,692 ids in the training text, 5,888 in the validation text and 5,562 in the test
# text. The cell after `get_batch` in section 2 prints these numbers.


# %% id="encode" tags=["solution"]
def encode(lines, vocabulary):
    """The text as one stream of ids: a LongTensor (tokens,), `<eos>` after each line, unknown words as `<unk>`."""
    ### BEGIN SOLUTION
    ids = []
    for line in lines:
        ids.extend(vocabulary.get(word, vocabulary["<unk>"]) for word in line.split())
        ids.append(vocabulary["<eos>"])
    return torch.tensor(ids, dtype=torch.long)
    ### END SOLUTION


# %% id="check_encode" tags=["question"] points=1
"""The stream of a small text, with an empty line and an unknown word."""
small = {"<eos>": 0, "<unk>": 1, "a": 2, "b": 3}
try:
    came = encode(["a b", "", "x a"], small)
except KeyError as error:
    checks.true(False, f"encode raised KeyError for {error}; a word outside the vocabulary is read as <unk>")
checks.equal(
    "encode(['a b', '', 'x a'], small)",
    came,
    torch.tensor([2, 3, 0, 0, 1, 2, 0]),
    slips={
        "without the end mark of an empty line": torch.tensor([2, 3, 0, 1, 2, 0]),
        "without end marks": torch.tensor([2, 3, 1, 2]),
        "when unknown words are left out": torch.tensor([2, 3, 0, 0, 2, 0]),
    },
)
checks.true(encode(["b"], small).dtype == torch.long, "encode should return a LongTensor (dtype torch.long)")
checks.passed("encode", "end marks and unknown words")

# %% [markdown]
# ## 2. From ids to batches (3 points, about 12 minutes)
#
# We cut the stream into `batch_size` stretches of equal length and read them side by side. **Each column is a
# contiguous stretch of text**, and a row holds one token of each stretch. The state that a column leaves behind is then
# the correct one to start with when the same column is read on. With 7 ids and 3 columns there are two rows,
#
# $$\begin{pmatrix} 0 & 2 & 4 \\ 1 & 3 & 5 \end{pmatrix}$$
#
# and id 6, which does not fill a row, is dropped.
#
# | name | what | shape |
# | --- | --- | --- |
# | `ids` | the stream | (tokens,) |
# | result | columns of text, steps = tokens // batch_size | (steps, batch_size) |
#
# <details><summary>Hint</summary>
#
# Cut the stream to a multiple of `batch_size`, give each stretch a row with `view`, then transpose. A `view` straight
# to `(steps, batch_size)` has the correct shape and the wrong text.
# </details>


# %% id="batchify" tags=["solution"]
def batchify(ids, batch_size):
    """Cut a stream into columns: ids (tokens,) -> (steps, batch_size), each column a contiguous stretch of text.

    What does not fill a whole row at the end is dropped. Raises ValueError for fewer ids than columns.
    """
    ### BEGIN SOLUTION
    if len(ids) < batch_size:
        raise ValueError(f"{len(ids)} ids cannot fill {batch_size} columns")
    steps = len(ids) // batch_size
    return ids[: steps * batch_size].view(batch_size, steps).t().contiguous()
    ### END SOLUTION


# %% id="check_batchify" tags=["question"] points=2
"""Columns are contiguous, the remainder goes, too few ids are refused."""
checks.equal(
    "batchify(ids 0 to 6, 3)",
    batchify(torch.arange(7), 3),
    torch.tensor([[0, 2, 4], [1, 3, 5]]),
    slips={
        "when the rows are contiguous in place of the columns": torch.tensor([[0, 1, 2], [3, 4, 5]]),
        "when the stretches lie in rows, (batch, steps)": torch.tensor([[0, 1], [2, 3], [4, 5]]),
    },
)
checks.equal("batchify(ids 0 to 5, 3)", batchify(torch.arange(6), 3), torch.tensor([[0, 2, 4], [1, 3, 5]]))
checks.equal("batchify(ids 0 to 3, 1)", batchify(torch.arange(4), 1), torch.arange(4).view(4, 1))
checks.raises("batchify(two ids, 3)", ValueError, lambda: batchify(torch.arange(2), 3))
checks.passed("batchify", "contiguous columns")

# %% [markdown]
# The columns are far too long to be read at once, so training takes them in **segments** of `bptt` steps. When the
# model has read the token of row $t$, it must predict the token of row $t + 1$. So the targets are the inputs moved by
# one:
#
# $$\text{data} = \text{source}[s], \dots, \text{source}[s + n - 1] \qquad
# \text{targets} = \text{source}[s + 1], \dots, \text{source}[s + n] \qquad
# n = \min(\text{bptt},\ \text{steps} - 1 - s)$$
#
# where $s$ is `start` and steps is the number of rows. The last row is a target only, and the last segment is shorter.
# Both results are `(n, batch)`.


# %% id="get_batch" tags=["solution"]
def get_batch(source, start, bptt):
    """Inputs and targets of one segment: source (steps, batch) -> data, targets, both (at most bptt, batch).

    The targets are the tokens that follow the inputs. The last segment of a source is shorter.
    """
    ### BEGIN SOLUTION
    steps = min(bptt, len(source) - 1 - start)
    return source[start : start + steps], source[start + 1 : start + 1 + steps]
    ### END SOLUTION


# %% [markdown]
# The next cell encodes the three texts and prints your columns. Read them downwards: each column should make sense.

# %%
ids = {split: encode(getattr(corpus, split), vocabulary) for split in corpora.SPLITS}
words = list(vocabulary)  # a dict keeps its order, so the place of a word in this list is its id
print({split: len(stream) for split, stream in ids.items()})
print(ids["train"][:20].tolist())
print(" ".join(words[i] for i in ids["train"][:20]))

shown = batchify(ids["train"], 5)[:9]
print("\n".join("".join(f"{words[i]:14}" for i in row) for row in shown))

data, targets = get_batch(batchify(ids["train"], 5), 0, 6)
print("column 0 reads   ", " ".join(words[i] for i in data[:, 0]))
print("and must predict ", " ".join(words[i] for i in targets[:, 0]))

# %% id="check_get_batch" tags=["question"] points=1
"""Inputs, targets one row later, and the short segment at the end."""
rows = torch.arange(14).view(7, 2)
checks.equal(
    "get_batch(source, 2, 3)",
    tuple(get_batch(rows, 2, 3)),
    (rows[2:5], rows[3:6]),
    slips={
        "when the targets are the inputs themselves": (rows[2:5], rows[2:5]),
        "when the targets are flattened; they should be (steps, batch)": (rows[2:5], rows[3:6].flatten()),
    },
)
checks.equal("get_batch(source, 4, 3), the last segment", tuple(get_batch(rows, 4, 3)), (rows[4:6], rows[5:7]))
checks.passed("get_batch", "targets one row after the inputs")

# %% [markdown]
# ## 3. Where the gradient stops (4 points, about 21 minutes)
#
# The state that one segment leaves is the state that the next one starts with. But a tensor in PyTorch remembers how it
# was made. Therefore the state is *repackaged* between two segments: the same numbers in the same memory, cut off from
# their history. This is **truncated back-propagation through time**. The next cell draws it.
#
# | name | what |
# | --- | --- |
# | `h` | a state: a tensor (RNN, GRU), a pair of tensors (LSTM), or tuples of such, however nested |
# | result | the same, with `requires_grad` False everywhere |
#
# <details><summary>Hint</summary>
#
# `Tensor.detach` gives a tensor with the same memory and no history. For a tuple, let the function call itself.
# </details>

# %%
diagrams.draw_truncated()


# %% id="repackage_hidden" tags=["solution"]
def repackage_hidden(h):
    """The same state, cut off from the graph that made it. h: a tensor or a tuple of states; so is the result."""
    ### BEGIN SOLUTION
    if isinstance(h, torch.Tensor):
        return h.detach()
    return tuple(repackage_hidden(part) for part in h)
    ### END SOLUTION


# %% id="check_repackage_hidden" tags=["question"] points=1
"""Same values, same memory, no history; tuples come back as tuples."""
weight = torch.randn(2, 3, 4, requires_grad=True)
state = weight * 2
cut = repackage_hidden(state)
checks.true(not cut.requires_grad, "repackage_hidden(h): the result still hangs on its history (requires_grad is True)")
checks.close(
    "repackage_hidden(h)",
    cut,
    state.detach(),
    slips={"when a new state of zeros is made: the values must stay": torch.zeros_like(cut)},
)
checks.true(cut.data_ptr() == state.data_ptr(), "repackage_hidden(h) copied the values; it should share h's memory")
checks.true(state.requires_grad, "repackage_hidden(h) changed h itself; it should return a new tensor")
pair = repackage_hidden((state, (weight, state + 1)))
checks.true(type(pair) is tuple and type(pair[1]) is tuple, "for a tuple a tuple should come back, also inside")
checks.true(not (pair[0].requires_grad or pair[1][0].requires_grad), "each tensor of a tuple should be cut off")
checks.passed("repackage_hidden", "values kept, history cut")

# %% [markdown]
# What does the cut save, and what does it cost? The next cell runs a small GRU over 12 segments of 20 steps, once with
# the state repackaged between segments and once without. For each segment it measures how many megabytes autograd keeps
# for the backward pass and how long the backward pass takes. This is not yet training: no weight changes, and without
# the cut `torch.autograd.grad` is called with `retain_graph=True`, so it keeps what the forward pass saved. A plain
# `loss.backward()` frees it, as the last call with the cut does. At the end the cell measures how large the gradient of
# the last segment's loss is with respect to each earlier input.

# %%
SEGMENTS, STEPS = 12, 20


def measure(cut):
    """Megabytes held and milliseconds of the backward pass by segment, and the size of the last gradient by step."""
    torch.manual_seed(1)
    gru, inputs = nn.GRU(16, 16), torch.randn(SEGMENTS * STEPS, 4, 16, requires_grad=True)
    hidden, megabytes, milliseconds = torch.zeros(1, 4, 16), [], []
    before = word_lm_plots.megabytes_held()
    repetitions = 1 if course.grading else 5
    for segment in range(SEGMENTS):
        with word_lm_plots.counted():
            hidden = repackage_hidden(hidden) if cut else hidden
            outputs, hidden = gru(inputs[segment * STEPS : (segment + 1) * STEPS], hidden)
            loss = outputs[-1].pow(2).sum()
        megabytes.append(word_lm_plots.megabytes_held() - before)
        seconds = []
        for repetition in range(repetitions):  # the fastest counts: other work of the machine disturbs some
            started = time.perf_counter()
            (gradient,) = torch.autograd.grad(loss, inputs, retain_graph=not cut or repetition < repetitions - 1)
            seconds.append(time.perf_counter() - started)
        milliseconds.append(1000 * min(seconds))
    return megabytes, milliseconds, gradient.double().flatten(1).norm(dim=1)  # squares would underflow in float32


kept, kept_time, kept_gradient = measure(cut=False)
freed, freed_time, freed_gradient = measure(cut=True)
print(f"last segment, without the cut: {kept[-1]:.2f} MB held, {kept_time[-1]:.1f} ms backward")
print(f"last segment, with the cut:    {freed[-1]:.2f} MB held, {freed_time[-1]:.1f} ms backward")
print(f"inputs that the last loss reaches: {int((kept_gradient > 0).sum())} and {int((freed_gradient > 0).sum())}")
steps = np.arange(SEGMENTS * STEPS)
flows = freed_gradient > 0
plots.panels(
    [
        {"series": {"without": kept, "with": freed}, "x_label": "segment", "y_label": "MB held"},
        {"series": {"without": kept_time, "with": freed_time}, "x_label": "segment", "y_label": "ms backward"},
        {
            "series": {"without": (steps, kept_gradient), "with": (steps[flows], freed_gradient[flows])},
            "x_label": "step",
            "y_label": "gradient of the last loss",
            "log": True,
        },
    ]
)

# %% [markdown]
# Compare the two curves in the left and in the middle plot; the second question below asks you about them. The
# right-hand plot shows the price of the cut: the curve with the cut ends where the last segment begins. But look at the
# scale of the axis before you conclude that this is a loss. In this network, whose weights are still the random ones of
# the start, the gradient 50 steps back is ten orders of magnitude smaller than at the last step, and 100 steps back
# twenty. Some 180 steps back it underflows to zero even in float32, whose smallest numbers here are about $10^{-38}$:
# the set-up cell makes torch take smaller ones for zero.

# %% [markdown] id="where_bptt" tags=["written"] points=1
# **Where does back-propagation through time happen?** One training step gets a segment, repackages the state, and runs
# forward, loss, backward, clipping and the optimiser's step. Now suppose that a verb is the first target of a segment,
# and its subject stands five words earlier, in the segment before. (a) Which of these operations is back-propagation
# through time, and through which steps does it go? (b) Can the model use the subject when it predicts this verb? (c)
# Can the loss at this verb teach the weights to remember the subject? Three or four sentences.
#
# ### BEGIN SOLUTION
# (a) It happens in the one call of `loss.backward()`. The forward pass has laid the steps of the segment one behind the
# other in the graph, all with the same weights; the backward pass goes through them from the last to the first and sums
# up each step's gradient of those weights. (b) Yes: the values of the state pass from segment to segment, so what the
# state says of the subject is there. (c) No: the repackaged state has no history, so the gradient of this loss never
# reaches the steps at which the subject was read. The weights can learn it only from verbs whose subject is in the same
# segment, and this one then profits, since all steps share the weights.
#
# Rubric:
#
# - 0.5: the backward pass and the unrolled steps of one segment
# - 0.5: the cut (values pass forwards: yes; no gradient passes backwards: no)
# ### END SOLUTION

# %% [markdown] id="why_repackage" tags=["written"] points=2
# **Why `repackage_hidden`?** Suppose that the state were passed on unchanged. (a) What would happen in training, where
# each segment calls a plain `loss.backward()`? (b) What would it cost to keep the graphs, as the measurement above
# does? Use its numbers. (c) To avoid all this, each segment could start from a state of zeros. What would that lose?
#
# ### BEGIN SOLUTION
# (a) Without it the graph of each segment would hang on those of all earlier ones. After the first `backward` their
# saved tensors are freed, so the second one stops with an error ("Trying to backward through the graph a second time").
# (b) If they are kept, as in the measurement, memory and time of a step grow in proportion to the text read so far (and
# in training torch still refuses, since the optimiser has changed the weights in place meanwhile). (c) Zeros would cut
# the graph too, but throw away what the model has read: it would begin every segment without knowing the sentence that
# it is in, so the loss of the first words of each segment would be higher, it would never learn to use a context longer
# than `bptt`, and training would differ from how the perplexity is measured (state carried).
#
# Rubric:
#
# - 1: what happens without it (error, or memory and time that grow, with the reason)
# - 1: what zeros would lose (the values carry what was read; only the gradient should be cut)
# ### END SOLUTION

# %% [markdown]
# ## 4. The network (5 points, about 37 minutes)
#
# The network has three parts. An embedding looks up a vector for each word, recurrent layers read the vectors, and a
# decoder gives each word of the vocabulary a score (a *logit*) at each step. With $D$ for dropout, $L$ layers and
# $h_t^0 = D(E[x_t])$, the embedding after its dropout,
#
# $$h_t^1 = \text{rnn}^1\big(h_t^0,\ h_{t-1}^1\big) \qquad
# h_t^l = \text{rnn}^l\big(D(h_t^{l-1}),\ h_{t-1}^l\big) \ \text{ for } l = 2, \dots, L
# \qquad o_t = D(h_t^L) W^\top + b$$
#
# Dropout acts on the way up: on the embeddings, between the layers and on the output. It never acts on the way from
# $h_{t-1}^l$ to $h_t^l$, where it would erase the memory a little more at each step (Zaremba et al. 2014). When the
# weights are **tied**, $W$ and $E$ are one and the same matrix (Press and Wolf 2016), so the sizes of embedding and
# state must agree.
#
# | symbol | in code | shape |
# | --- | --- | --- |
# | $x$ | `tokens` | (steps, batch) |
# | $E$ | embedding | (vocab_size, embedding_size) |
# | $h$ | `hidden`, for the LSTM a pair | (num_layers, batch, hidden_size) |
# | $W$, $b$ | decoder | (vocab_size, hidden_size), (vocab_size,) |
# | $o$ | logits | (steps, batch, vocab_size) |
# | $D$ | dropout, which drops a value with the probability $p$, `dropout` | $0 \le p < 1$ |
#
# **Build the network from torch's own** `nn.Embedding`, `nn.RNN`, `nn.GRU`, `nn.LSTM` and `nn.Linear`. You may name the
# attributes as you like. Two later questions are graded by the weights of your trained model, and the grader reads
# these modules and no others: a loop over `nn.LSTMCell` computes the same function, but its weights cannot be handed
# in, and it trains far more slowly. The check below rehearses this.
#
# Small initial weights of embedding and decoder, say uniform in $\pm 0.1$, make a good start: the untrained model then
# knows nothing, and its loss is about $\ln V$ for $V$ words. Predict the number of parameters before you look. With $G$
# blocks of weights in a layer (1 for the plain RNN, 3 for the GRU, 4 for the LSTM), $I_l$ the input size of layer $l$,
# $H$ the size of the state, and torch's two biases per block,
#
# $$V I_1 + \sum_{l=1}^{L} G H (I_l + H + 2) + V H + V$$
#
# and $V H$ less when tied. For two layers of 200 and 10,000 words expect 4,653,200 for the LSTM, 2,653,200 tied, and
# 4,492,400 and 2,492,400 for the GRU.
#
# <details><summary>Hint</summary>
#
# To tie, assign the embedding's `nn.Parameter` itself to the decoder: `decoder.weight = embedding.weight`. A copy of
# its values is equal only until the first step of training. `nn.LSTM` takes a `dropout` argument for what goes
# *between* its layers, `nn.RNN` a `nonlinearity`. `new_zeros` of any of the weights makes zeros of the correct dtype on
# the correct device.
# </details>


# %% id="WordLM" tags=["solution"]
class WordLM(nn.Module):
    """Embedding, recurrent layers, decoder.

    rnn_type: "RNN_TANH", "RNN_RELU", "GRU" or "LSTM".
    dropout: probability of dropping on the embeddings, between the layers and on the output.
    tied: whether decoder and embedding share one matrix.
    Raises ValueError for an unknown rnn_type, and for tied sizes that differ.
    """

    def __init__(self, rnn_type, vocab_size, embedding_size, hidden_size, num_layers, dropout, tied):
        super().__init__()
        ### BEGIN SOLUTION
        types = {"RNN_TANH": nn.RNN, "RNN_RELU": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
        if rnn_type not in types:
            raise ValueError(f"rnn_type must be one of {', '.join(types)}, got {rnn_type!r}")
        if tied and embedding_size != hidden_size:
            raise ValueError(f"tied weights need embedding_size == hidden_size, got {embedding_size} and {hidden_size}")
        self.rnn_type, self.hidden_size, self.num_layers = rnn_type, hidden_size, num_layers
        self.dropout = nn.Dropout(dropout)
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        options = {"nonlinearity": rnn_type[4:].lower()} if rnn_type.startswith("RNN") else {}
        between = dropout if num_layers > 1 else 0.0  # torch warns when there is no 'between'
        self.rnn = types[rnn_type](embedding_size, hidden_size, num_layers, dropout=between, **options)
        self.decoder = nn.Linear(hidden_size, vocab_size)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        if tied:
            self.decoder.weight = self.embedding.weight
        ### END SOLUTION

    def forward(self, tokens, hidden):
        """tokens (steps, batch), hidden as init_hidden gives it -> logits (steps, batch, vocab), the next hidden."""
        ### BEGIN SOLUTION
        embedded = self.dropout(self.embedding(tokens))
        outputs, hidden = self.rnn(embedded, hidden)
        return self.decoder(self.dropout(outputs)), hidden
        ### END SOLUTION

    def init_hidden(self, batch_size):
        """Zeros of the weights' dtype and device: (layers, batch, hidden), a pair of them for the LSTM."""
        ### BEGIN SOLUTION
        zeros = self.decoder.weight.new_zeros(self.num_layers, batch_size, self.hidden_size)
        return (zeros, zeros.clone()) if self.rnn_type == "LSTM" else zeros
        ### END SOLUTION


# %%
for rnn_type in ("LSTM", "GRU", "RNN_TANH"):
    for tied in (False, True):
        parameters = sum(p.numel() for p in WordLM(rnn_type, 10_000, 200, 200, 2, 0.2, tied).parameters())
        print(f"{rnn_type:8} {'tied' if tied else '':4} {parameters:9,} parameters")
untrained = WordLM("LSTM", len(vocabulary), 64, 64, 1, 0.0, True)
data, targets = get_batch(batchify(ids["train"], 20), 0, 20)
logits, _ = untrained(data, untrained.init_hidden(20))
loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
print(f"untrained: loss {loss:.2f}, ln {len(vocabulary)} = {math.log(len(vocabulary)):.2f}")

# %% id="check_WordLM" tags=["question"] points=4
"""Parameters, shapes, the state, tying, dropout, weights that can be handed in, and the two ValueErrors."""
for rnn_type, tied, expected in [
    ("LSTM", False, 12_180),
    ("GRU", False, 10_560),
    ("RNN_TANH", False, 7_320),
    ("RNN_RELU", False, 7_320),
    ("LSTM", True, 9_870),
    ("GRU", True, 8_190),
]:
    built = WordLM(rnn_type, 150, 20 if tied else 17, 20, 2, 0.0, tied)
    checks.equal(
        f"the number of parameters of WordLM({rnn_type!r}, 150, {20 if tied else 17}, 20, 2, 0.0, {tied})",
        sum(p.numel() for p in built.parameters()),
        expected,
        slips={
            "without the decoder's bias": expected - 150,
            "when the decoder has a matrix of its own beside the embedding's": expected + 150 * 20,
        },
    )
    tokens, start = torch.randint(150, (6, 3)), built.init_hidden(3)
    for part in start if rnn_type == "LSTM" else [start]:
        checks.equal(
            f"init_hidden(3) of {rnn_type}",
            part,
            torch.zeros(2, 3, 20),
            slips={"with the batch first": torch.zeros(3, 2, 20)},
        )
    logits, end = built(tokens, start)
    checks.equal(f"shape of the logits of {rnn_type}", tuple(logits.shape), (6, 3, 150))
    checks.true(
        logits.logsumexp(-1).abs().max() > 1e-3,
        f"the logits of {rnn_type} are log-probabilities; the decoder's scores were asked for, without a softmax",
    )
    first, middle = built(tokens[:2], start)
    second, _ = built(tokens[2:], middle)
    checks.close(
        f"{rnn_type}: logits of 6 steps read as 2 and 4, the state carried",
        torch.cat([first, second]),
        logits,
        relative=1e-4,
        absolute=1e-5,
        slips={
            "when the state that comes in is not used, or comes back as it was": torch.cat(
                [first, built(tokens[2:], start)[0]]
            )
        },
    )
moved = WordLM("LSTM", 9, 4, 5, 1, 0.0, False).double()
checks.true(
    moved.init_hidden(2)[0].dtype == torch.float64,
    "init_hidden should have the dtype of the weights, float64 after .double()",
)
checks.true(
    moved.to("meta").init_hidden(2)[0].device.type == "meta",
    "init_hidden should be on the device of the weights, whichever that is",
)
dropping = WordLM("GRU", 150, 17, 20, 2, 0.5, False)
start = dropping.init_hidden(3)
checks.true(
    not torch.equal(dropping(tokens, start)[0], dropping(tokens, start)[0]),
    "in training mode with dropout 0.5 the same call twice should give different logits: is anything dropped?",
)
ones, narrow = torch.ones(1, 3, 20), WordLM("GRU", 150, 17, 20, 1, 0.25, False)
ends = [narrow(tokens, ones)[1] for _ in range(2)]
checks.true(not torch.equal(*ends), "the states should differ when embeddings are dropped: is there dropout on them?")
with torch.no_grad():
    for weights in narrow.parameters():
        weights.copy_(torch.eye(*weights.shape) if weights.shape == (150, 20) else torch.zeros_like(weights))
    share = (narrow(tokens, ones)[0][:, :, :20] != 0).double().mean().item()  # each state is half of the one before
    for weights in dropping.parameters():
        if weights.shape == (150, 17):
            weights.zero_()
checks.true(share < 1, "no output is dropped: is there dropout between the recurrent layers and the decoder?")
checks.true(
    abs(share - 0.75) < 0.12,
    f"with dropout 0.25, {share:.2f} of the outputs were kept; 0.75 was expected",
)
ends = [dropping(tokens, start)[1] for _ in range(2)]
checks.true(
    not torch.equal(ends[0][1], ends[1][1]),
    "the second layer's states should differ when the first layer's are dropped: is there dropout between the layers?",
)
rectified = WordLM("RNN_RELU", 150, 17, 20, 1, 0.0, False)
with torch.no_grad():
    for weights in rectified.parameters():
        weights.fill_(1.0)
    checks.true(
        rectified(tokens, rectified.init_hidden(3))[1].max() > 1,
        "the states of RNN_RELU should grow past 1 with large weights: is its nonlinearity 'relu'?",
    )
dropping.eval()
checks.true(
    torch.equal(dropping(tokens, start)[0], dropping(tokens, start)[0]),
    "in evaluation mode the same call twice should give the same logits: is dropout still on?",
)
checks.raises("WordLM('LTSM', ...)", ValueError, lambda: WordLM("LTSM", 9, 4, 4, 1, 0.0, False))
checks.raises("tied with sizes 4 and 5", ValueError, lambda: WordLM("LSTM", 9, 4, 5, 1, 0.0, True))
for rnn_type, tied in itertools.product(("LSTM", "GRU", "RNN_TANH", "RNN_RELU"), (False, True)):
    reason, shape = "", {}
    try:
        shape = describe(export_weights(WordLM(rnn_type, 9, 5, 5, 2, 0.0, tied)))
    except ValueError as error:
        reason = str(error)
    checks.true(not reason, f"{rnn_type}: everything else is fine, but these weights cannot be handed in: {reason}")
    checks.equal(f"the type that the grader reads from a {rnn_type}", shape["rnn_type"], rnn_type)
checks.passed("WordLM", "four types, parameters, state, tying, dropout; the weights can be handed in")

# %% [markdown] id="why_tying" tags=["written"] points=1
# **Why does tying help?** With 10,000 words and two layers of 200 the tied LSTM has 2.0 million parameters fewer, and
# trained in the same way it reaches a *lower* test perplexity: 110.4 against 117.6 after six epochs of the recipe in
# section 8. Give two reasons.
#
# ### BEGIN SOLUTION
# Both matrices hold a vector of meaning for each word, one to read it and one to predict it; words that are used
# alike should be alike in both, so one matrix can serve. First, there are fewer parameters (2.65 instead of 4.65
# million), so there is less to overfit with a million words of text. Second, each vector learns from twice the
# evidence: a word's output vector gets a gradient at every step, so also rare words' input vectors, which alone would
# be touched only when the word is read, get trained.
#
# Rubric:
#
# - 0.5: fewer parameters, so less overfitting
# - 0.5: the shared evidence (input and output vectors mean alike; rare words' vectors are trained at each step through
#   the output)
# ### END SOLUTION

# %% [markdown]
# ## 5. Perplexity (3 points, about 14 minutes)
#
# A language model is good if it finds a text probable that it has not seen. For a stream of $N$ tokens $w_1 \dots w_N$,
#
# $$\text{perplexity} = \exp\Big(-\frac{1}{N - 1} \sum_{t=2}^{N} \ln p(w_t \mid w_1, \dots, w_{t-1})\Big)$$
#
# A perplexity of $k$ means that the model is as uncertain as when choosing among $k$ equally probable words. We use the
# common protocol for the Penn Treebank, whose split and 10,000 words are those of Mikolov et al. (2011), and which
# Zaremba et al. (2014) follow in the code to their paper:
#
# - the text is **one** stream, in a batch of one, and every token but the first is predicted;
# - the state starts at zero and is carried through to the end;
# - the model is in evaluation mode, and afterwards its previous mode is restored;
# - the nats of all tokens are summed, with one exponential at the end. Averaging the per-segment means would give a
#   short last segment the same weight as a full one, and a mean of perplexities would not be a perplexity at all.
#
# `bptt` only says how many steps are read at a time, to bound the memory. The result does not depend on it. Nothing is
# learnt here, so compute under `torch.no_grad()`: otherwise the carried state would hold the graph of the whole text.
# The result is a float.
#
# Expect the same number for each length of the segments. If embedding and decoder start within $\pm 0.1$, the untrained
# model is as uncertain as among all 132 words: we got 130 to 135 (20 models). If you left them as torch starts them, a
# tied model is sure of itself without reason, and its perplexity is higher (219 to 315, five seeds).
#
# <details><summary>Hint</summary>
#
# `F.cross_entropy(logits.flatten(0, 1), targets, reduction="sum")` is the sum of nats of one segment. Remember
# `model.training` before you call `model.eval()`, and give it to `model.train(...)` at the end.
# </details>


# %% id="perplexity" tags=["solution"]
def perplexity(model, ids, bptt):
    """Perplexity of a text, read as one stream: every token but the first is predicted, the state carried from zero.

    ids: LongTensor (tokens,). bptt: how many steps are read at a time, which does not change the result.
    The model is evaluated in evaluation mode; afterwards its previous mode is restored.
    Raises ValueError for fewer than two ids.
    """
    ### BEGIN SOLUTION
    if len(ids) < 2:
        raise ValueError(f"a perplexity needs at least two ids, got {len(ids)}")
    was_training = model.training
    model.eval()
    stream = ids.view(-1, 1)
    hidden = model.init_hidden(1)
    nll = 0.0
    with torch.no_grad():
        for start in range(0, len(ids) - 1, bptt):
            data = stream[:-1][start : start + bptt]
            targets = ids[1:][start : start + bptt]
            logits, hidden = model(data, hidden)
            nll += F.cross_entropy(logits.flatten(0, 1), targets, reduction="sum").item()
    model.train(was_training)
    return torch.tensor(nll / (len(ids) - 1), dtype=torch.float64).exp().item()  # math.exp raises where this is inf
    ### END SOLUTION


# %%
for bptt in (7, 35, 1000):
    print(f"untrained, {bptt:4} steps at a time: {perplexity(untrained, ids['valid'], bptt):.2f}")

# %% id="check_perplexity" tags=["question"] points=3
"""A model with known answers: exact values, any segment, both modes, too short a text."""


class Remembers(nn.Module):
    """Sure of each token to a degree that depends on how many it has read; in training mode of none at all."""

    def __init__(self):
        super().__init__()
        self.scale, self.recorded = nn.Parameter(torch.tensor(0.1)), False

    def forward(self, tokens, hidden):
        self.recorded = self.recorded or torch.is_grad_enabled()
        read = hidden[0] + torch.arange(1, len(tokens) + 1).view(-1, 1)
        scores = F.one_hot((tokens + 1) % 5, 5) * (self.scale * read * (not self.training)).unsqueeze(-1)
        return scores, read[-1:].unsqueeze(0)

    def init_hidden(self, batch_size):
        return torch.zeros(1, 1, batch_size)


remembers, stream = Remembers(), torch.tensor([0, 1, 2, 3, 4, 0, 1, 2])
sure = [math.exp(0.1 * step) for step in range(1, 8)]
nats = sum(math.log((s + 4) / s) for s in sure)
exact = math.exp(nats / 7)
for bptt in (1, 3, 7, 50):
    came = perplexity(remembers, stream, bptt)
    checks.true(
        not getattr(came, "requires_grad", False),
        "perplexity() returned a tensor that still holds its graph: compute under torch.no_grad()",
    )
    means = [np.mean([math.log((s + 4) / s) for s in sure[first : first + bptt]]) for first in range(0, 7, bptt)]
    checks.close(
        f"perplexity of a known model, {bptt} steps at a time",
        came,
        exact,
        relative=1e-5,
        slips={
            "in training mode": 5.0,
            "when the state starts at zero in each segment": math.exp(
                sum(math.log((sure[t % bptt] + 4) / sure[t % bptt]) for t in range(7)) / 7
            ),
            "when the sum is divided by the number of all tokens, the first included": math.exp(nats / 8),
            "when 2 is raised to the power of nats": 2 ** (nats / 7),
            "when the means of the segments are averaged, so that a short one counts too much": math.exp(
                np.mean(means)
            ),
            "when the perplexities of the segments are averaged": np.mean(np.exp(means)).item(),
        }
        if bptt < 7
        else {"in training mode": 5.0},
    )
checks.true(remembers.training, "perplexity() left a model in evaluation mode that came in training mode")
checks.true(not remembers.recorded, "perplexity() builds graphs: ask the model under torch.no_grad()")
remembers.eval()
perplexity(remembers, stream, 3)
checks.true(not remembers.training, "perplexity() left a model in training mode that came in evaluation mode")
checks.true(torch.is_grad_enabled(), "perplexity() switched gradients off for good: use `with torch.no_grad():`")
checks.raises("perplexity of one id", ValueError, lambda: perplexity(remembers, stream[:1], 3))
checks.passed("perplexity", f"{exact:.4f} whatever the segment")

# %% [markdown]
# ## 6. When the gradient explodes (2 points, about 9 minutes)
#
# Through many steps a gradient can grow as well as shrink, and a single step along a huge gradient can undo many
# earlier steps. There are two remedies. **Clipping by norm** (Pascanu et al. 2013) keeps the direction and shortens the
# step. It uses the norm over *all* gradients together,
#
# $$\lVert g \rVert = \sqrt{\sum_{\text{parameters}} \sum_i g_i^2} \qquad
# g \leftarrow g \cdot \min\Big(1, \frac{\text{bound}}{\lVert g \rVert}\Big)$$
#
# and leaves gradients of zero as they are. **Clipping by value** moves each entry by itself into the bounds,
# $g_i \leftarrow \min(\max(g_i, -\text{bound}), \text{bound})$, which changes the direction.
#
# `parameters` is any iterable, also one that can be gone through only once, such as `model.parameters()`. A parameter
# whose `.grad` is None is skipped; if that is true of all, nothing happens. The result is in `.grad`, and the return
# value does not matter. Section 7 shows what the two do to a training run.


# %% tags=["provided"]
def with_gradients(*gradients):
    """Parameters that hold the given gradients; None for one without."""
    made = [nn.Parameter(torch.zeros(1 if g is None else len(g))) for g in gradients]
    for parameter, gradient in zip(made, gradients, strict=True):
        parameter.grad = None if gradient is None else torch.tensor(gradient)
    return made


# %% id="clip_by_norm" tags=["solution"]
def clip_by_norm(parameters, bound):
    """Scale all gradients by bound / norm when their common norm is above bound; the result is in `.grad`."""
    ### BEGIN SOLUTION
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (bound / norm).clamp(max=1.0)  # no `if`: it would make a GPU wait
    for gradient in gradients:
        gradient.mul_(factor)
    ### END SOLUTION


# %% id="check_clip_by_norm" tags=["question"] points=1
"""One norm over all gradients; small ones stay; missing ones are skipped."""
clipped = with_gradients([3.0, 0.0], None, [0.0, 4.0])
try:
    clip_by_norm(iter(clipped), 1.0)
except (AttributeError, TypeError) as error:
    checks.true("NoneType" not in str(error), "clip_by_norm fails where a .grad is None; skip such a parameter")
    raise
checks.close(
    "gradients (3, 0) and (0, 4) clipped to a norm of 1",
    [clipped[0].grad, clipped[2].grad],
    [torch.tensor([0.6, 0.0]), torch.tensor([0.0, 0.8])],
    relative=1e-5,
    slips={
        "when each tensor is clipped by itself, by its own norm or by value": [
            torch.tensor([1.0, 0.0]),
            torch.tensor([0.0, 1.0]),
        ],
        "when nothing is clipped; was the iterator used up before?": [
            torch.tensor([3.0, 0.0]),
            torch.tensor([0.0, 4.0]),
        ],
    },
)
checks.true(clipped[1].grad is None, "a parameter without a gradient should be left alone")
clipped = with_gradients([0.3, 0.4])
clip_by_norm(clipped, 1.0)
checks.close("a gradient of norm 0.5, bound 1", clipped[0].grad, torch.tensor([0.3, 0.4]), relative=1e-5)
clipped = with_gradients([0.0, 0.0])
clip_by_norm(clipped, 1.0)
checks.close("a gradient of zero", clipped[0].grad, torch.zeros(2))
clip_by_norm(with_gradients(None), 1.0)
checks.passed("clip_by_norm", "one norm over all")


# %% id="clip_by_value" tags=["solution"]
def clip_by_value(parameters, bound):
    """Move every entry of every gradient into [-bound, bound]; the result is in `.grad`."""
    ### BEGIN SOLUTION
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.clamp_(-bound, bound)
    ### END SOLUTION


# %% id="check_clip_by_value" tags=["question"] points=1
"""Each entry for itself, on both sides."""
clipped = with_gradients([3.0, -0.2], None, [-4.0, 0.5])
try:
    clip_by_value(iter(clipped), 0.5)
except (AttributeError, TypeError) as error:
    checks.true("NoneType" not in str(error), "clip_by_value fails where a .grad is None; skip such a parameter")
    raise
checks.close(
    "gradients (3, -0.2) and (-4, 0.5) clipped to 0.5",
    [clipped[0].grad, clipped[2].grad],
    [torch.tensor([0.5, -0.2]), torch.tensor([-0.5, 0.5])],
    slips={
        "when only the upper side is cut": [torch.tensor([0.5, -0.2]), torch.tensor([-4.0, 0.5])],
        "when the gradients stay as they are; does the result reach .grad?": [
            torch.tensor([3.0, -0.2]),
            torch.tensor([-4.0, 0.5]),
        ],
    },
)
checks.passed("clip_by_value", "entries between the bounds")

# %% [markdown]
# ## 7. Training (5 points, about 29 minutes)
#
# All parts are there. One epoch goes once through the source in segments of `bptt` steps. For each segment
#
# 1. get the inputs and the targets,
# 2. repackage the state that the segment before left (the first segment starts from `init_hidden`),
# 3. run the model, and take the **mean** cross-entropy of the segment as its loss,
# 4. set the old gradients to zero (`optimiser.zero_grad()`, or they would add up) and run the backward pass
#    (`loss.backward()`),
# 5. clip by norm, *then* let the optimiser take its step (`optimiser.step()`).
#
# The result is the mean loss per token over the epoch, in nats, so a short last segment of $n$ tokens counts $n$ times
# its mean.
#
# | name | what | type |
# | --- | --- | --- |
# | `source` | columns of text | LongTensor (steps, batch) |
# | `optimiser` | anything with torch's interface | torch.optim.Optimizer |
# | `bptt`, `clip` | steps per segment, bound of the norm | int, float |
# | result | mean loss per token | float |
#
# <details><summary>Hint</summary>
#
# The segments start at `range(0, len(source) - 1, bptt)`. Add up `loss.detach() * targets.numel()`, divide once at the
# end and return `float(...)` of that. Calling `.item()` in each step would make a GPU wait for the CPU.
# </details>


# %% id="train_epoch" tags=["solution"]
def train_epoch(model, source, optimiser, bptt, clip):
    """Train once through source (steps, batch) in segments of bptt steps; returns the mean loss per token, in nats.

    Training mode; the state is carried from segment to segment and repackaged; each segment's loss is its mean
    cross-entropy; gradients are clipped by norm at clip before each step.
    """
    ### BEGIN SOLUTION
    model.train()
    hidden = model.init_hidden(source.size(1))
    total, tokens = 0.0, 0
    for start in range(0, len(source) - 1, bptt):
        data, targets = get_batch(source, start, bptt)
        hidden = repackage_hidden(hidden)
        optimiser.zero_grad()
        logits, hidden = model(data, hidden)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        loss.backward()
        clip_by_norm(model.parameters(), clip)
        optimiser.step()
        total += loss.detach() * targets.numel()  # no .item(): it would make a GPU wait
        tokens += targets.numel()
    return float(total / tokens)
    ### END SOLUTION


# %% id="check_train_epoch" tags=["question"] points=3
"""The loss of a text in three segments, the last one short; modes, both kinds of state, clipping and learning."""


def one_epoch(trained, *arguments):
    """train_epoch, where a state that still has its history is told in a sentence."""
    try:
        return train_epoch(trained, *arguments)
    except RuntimeError as error:
        checks.true(
            "second time" not in str(error),
            f"the backward pass of a {trained.__class__.__name__} runs into the segment before: give the state to "
            "repackage_hidden before each segment (for an LSTM both parts of the pair)",
        )
        raise


torch.manual_seed(5)
ours, text = WordLM("GRU", 9, 6, 6, 1, 0.0, False), torch.randint(9, (8, 2))
with torch.no_grad():
    logits, _ = ours(text[:-1], ours.init_hidden(2))  # all seven steps at once: what the state must carry is carried
    by_step = F.cross_entropy(logits.flatten(0, 1), text[1:].flatten(), reduction="none").view(7, 2).mean(dim=1)
start = [parameter.detach().clone() for parameter in ours.parameters()]
ours.eval()
came = one_epoch(ours, text, torch.optim.SGD(ours.parameters(), lr=0.0), 3, 1.0)
checks.true(ours.training, "train_epoch should put the model into training mode")
checks.true(
    not getattr(came, "requires_grad", False),
    "train_epoch returned a tensor that still holds its graph: take float(...) of the mean loss",
)
with torch.no_grad():
    from_zeros = sum(
        F.cross_entropy(
            ours(text[:-1][s : s + 3], ours.init_hidden(2))[0].flatten(0, 1), text[1:][s : s + 3].flatten()
        ).item()
        * min(3, 7 - s)
        for s in (0, 3, 6)
    )
checks.close(
    "train_epoch(model, source of 8 rows, optimiser of rate 0, 3, 1.0)",
    came,
    by_step.mean().item(),
    relative=1e-5,
    slips={
        "when a softmax is taken before F.cross_entropy, which takes it by itself": F.cross_entropy(
            logits.flatten(0, 1).softmax(-1), text[1:].flatten()
        ).item(),
        "when the short last segment counts as much as a whole one": (
            (by_step[:3].mean() + by_step[3:6].mean() + by_step[6]) / 3
        ).item(),
        "when the short last segment is left out": by_step[:6].mean().item(),
        "when each segment starts from a state of zeros; carry the state on": from_zeros / 7,
        "when the loss of the last segment is returned for that of the epoch": by_step[6].item(),
    },
)
pair = WordLM("LSTM", 9, 6, 6, 1, 0.0, False)
one_epoch(pair, text, torch.optim.SGD(pair.parameters(), lr=0.0), 3, 1.0)
noted = []


class Noting(torch.optim.SGD):
    """Gradient descent that notes all gradients at each step and then stays where it is."""

    def step(self, closure=None):
        loss = closure() if closure else None
        noted.append(torch.cat([p.grad.flatten() for p in self.param_groups[0]["params"]]))
        return loss


for parameter in ours.parameters():
    parameter.grad = None
for _ in range(2):
    one_epoch(ours, text, Noting(ours.parameters(), lr=1.0), 3, 1e9)
logits, middle = ours(text[:3], ours.init_hidden(2))
alone = torch.autograd.grad(F.cross_entropy(logits.flatten(0, 1), text[1:4].flatten()), list(ours.parameters()))
alone = torch.cat([gradient.flatten() for gradient in alone])
logits, _ = ours(text[3:6], middle.detach())
second = torch.autograd.grad(F.cross_entropy(logits.flatten(0, 1), text[4:7].flatten()), list(ours.parameters()))
second = torch.cat([gradient.flatten() for gradient in second])
size = alone.norm().item()
checks.close(
    "the gradients' norm at the first step",
    noted[0].norm().item(),
    size,
    relative=1e-4,
    slips={
        "when the loss is a sum over the segment, where its mean is asked": 6 * size,
        "when the loss is a sum over the steps and a mean over the columns": 3 * size,
    },
)
checks.close(
    "the gradients' norm at the second step",
    noted[1].norm().item(),
    second.norm().item(),
    relative=1e-4,
    slips={"when old gradients are not set to zero; they add up": (alone + second).norm().item()},
)
checks.close(
    "the gradients' norm at the first step of a second epoch, with nothing clipped or learnt",
    noted[3].norm().item(),
    size,
    relative=1e-4,
    slips={"when old gradients are not set to zero; they add up": (noted[2] + alone).norm().item()},
)
one_epoch(ours, text, Noting(ours.parameters(), lr=1.0), 3, 0.02 * size)
checks.close(
    "the gradients at the first step, with clip at a fiftieth of their norm",
    noted[6],
    0.02 * alone,
    relative=1e-3,
    absolute=1e-6,
    slips={
        "when they are not clipped before the optimiser's step": alone,
        "when each entry is clipped by its value; clip_by_norm was asked for": alone.clamp(-0.02 * size, 0.02 * size),
    },
)
one_epoch(ours, text, torch.optim.SGD(ours.parameters(), lr=1.0), 3, 0.001)
moved = torch.cat([(new - old).flatten() for new, old in zip(ours.parameters(), start, strict=True)]).norm().item()
checks.true(moved > 1e-4, "the weights hardly moved: is the optimiser's step taken, and after the backward pass?")
learns = torch.optim.SGD(ours.parameters(), lr=1.0)
losses = [one_epoch(ours, text, learns, 3, 1.0) for _ in range(30)]
checks.true(losses[-1] < losses[0] - 0.5, f"over 30 epochs the loss went from {losses[0]:.2f} to {losses[-1]:.2f} only")
checks.passed("train_epoch", f"mean loss {came:.4f} of three segments, {losses[-1]:.2f} after 30 epochs")

# %% [markdown]
# **What is clipping for?** With a training loop you can see it. The next cell trains a plain RNN (RNN_TANH) of 32 units
# on 100 segments of 20 steps, each from a state of zeros, by gradient descent at a deliberately large rate of 10. It
# does so without clipping, with clipping by norm at 0.25 and with clipping by value at 0.002, from three seeds each. On
# the right is the norm of the gradients before anything clips them.

# %%
source = batchify(ids["train"], 20)


class ClipsByValue(torch.optim.SGD):
    """Gradient descent that clips each entry of the gradients to 0.002 before its step."""

    def step(self, closure=None):
        loss = closure() if closure else None  # a closure computes the gradients that are to be clipped
        for group in self.param_groups:
            clip_by_value(group["params"], 0.002)
        super().step()
        return loss


def short_run(make_optimiser, bound, seed, segments=10 if course.grading else 100):
    """Losses of the first segments of a training run, and the norms of their gradients before clipping."""
    torch.manual_seed(seed)
    trained = WordLM("RNN_TANH", len(vocabulary), 32, 32, 1, 0.0, True)
    descent = make_optimiser(trained.parameters(), lr=10)
    with word_lm_plots.noted_norms(trained) as norms:
        losses = [train_epoch(trained, source[s : s + 21], descent, 20, bound) for s in range(0, 20 * segments, 20)]
    return losses, norms


ways = {
    "not clipped": (torch.optim.SGD, math.inf),
    "by norm, 0.25": (torch.optim.SGD, 0.25),
    "by value, 0.002": (ClipsByValue, math.inf),
}
seeds = range(1 if course.grading else 3)
runs = {name: [short_run(*way, seed) for seed in seeds] for name, way in ways.items()}
for name, by_seed in runs.items():
    print(f"{name:16} mean loss of the last 20 segments", [f"{np.mean(losses[-20:]):.2f}" for losses, _ in by_seed])
word_lm_plots.clipped_runs(
    {name: [losses for losses, _ in by_seed] for name, by_seed in runs.items()},
    {name: [norms for _, norms in by_seed] for name, by_seed in runs.items()},
    bound=0.25,
    level=("knows nothing", math.log(len(vocabulary))),
)

# %% [markdown]
# Without clipping the loss rises far above that of a model that knows nothing, and it does not recover. We tried this
# with four correct networks, one of which keeps torch's starting weights, and ten seeds each: 40 of 40 runs end above
# that level. With either kind of clipping all 80 end below it, by norm at 2.8 to 2.9 (3.3 to 3.7 with torch's starting
# weights) and by value at 2.5 to 2.6 (2.8 to 3.0). Some of them rise for a few segments too, but they come back. The
# right-hand plot shows the vicious circle: one long step leads to weights at which the gradient is larger still.
#
# The norm lies above its bound nearly all the time, so nearly every step has the same length here, 10 times 0.25. The
# steps of clipping by value are shorter (a bound of 0.002 on 6,468 entries keeps the norm under 0.161), so nothing here
# says that one kind is better than the other.
#
# **Now we train.** Before any long run, check that the model can **overfit a tiny batch**: on one small text, read
# again and again, the loss must fall to nearly nothing. If it does not, no amount of data will help. Expect it to go
# from about 4.7 to below 0.5 in 30 epochs.
#
# Then an LSTM of 64 units, tied, reads the toy language for eight epochs, which takes a few seconds on a CPU. The
# optimiser is Adam (Kingma and Ba 2015), at a rate that falls linearly from 0.01 to 0.00125.
#
# <details><summary>What Adam does</summary>
#
# Like the AdaGrad of homework 2 it divides each weight's step by the size of that weight's gradients, but it takes a
# running mean of their squares, which forgets old ones, and it follows a running mean of the gradients instead of the
# latest gradient. So in most steps a weight moves by about the learning rate or less, whatever the scale of its
# gradients.
# </details>
#
# A perplexity means little by itself. The cell compares yours with models without a memory on the same text: all words
# equally probable ("uniform"; it is 131 and not 132, because this text has no `<unk>`), the words' frequencies
# ("unigram"), and counts of pairs and triples of words ("bigram", "trigram"). "exact" is the perplexity of the grammar
# itself.
#
# <details><summary>How the counts are smoothed</summary>
#
# A new text has triples that do not occur in the training text, so the counts are smoothed in the way of Kneser and Ney
# (1995). Every count is lowered by a constant, and the probability that this frees goes to the shorter context, where a
# word counts by how many different words it has followed, not by how often it stands there.
# </details>
#
# Expect a test perplexity of about 7.1: far below the trigram's 11.2, and 1.10 to 1.14 times the exact 6.4 (12 seeds).
# A network whose embedding starts as torch starts it comes to 1.17 to 1.21 times. The trigram gains next to nothing
# over the bigram here, because what matters stands further back. The grader draws fresh sentences from the grammar,
# takes the weights of `model`, and wants a perplexity at most 1.25 times the exact one.

# %% id="train_model"
torch.manual_seed(0)
tiny_batch = batchify(ids["train"][:200], 4)
tiny = WordLM("LSTM", len(vocabulary), 64, 64, 1, 0.0, True)
optimiser = torch.optim.Adam(tiny.parameters(), lr=0.05)
losses = [train_epoch(tiny, tiny_batch, optimiser, 25, 1.0) for _ in range(10 if course.grading else 30)]
print(f"loss {losses[0]:.2f} in the first epoch, {losses[-1]:.2f} in the last")


def train_toy(trained, epochs, rate=0.01):
    """Train by Adam at a rate that falls to 1/epochs of its start; returns the perplexities by epoch."""
    optimiser = torch.optim.Adam(trained.parameters())
    history = {"train": [], "validation": []}
    for epoch in range(epochs):
        for group in optimiser.param_groups:
            group["lr"] = rate * (1 - epoch / epochs)
        history["train"].append(math.exp(train_epoch(trained, source, optimiser, 20, 1.0)))
        history["validation"].append(perplexity(trained, ids["valid"], 500))
        print(f"epoch {epoch + 1}: train {history['train'][-1]:6.2f}, validation {history['validation'][-1]:6.2f}")
    return history


torch.manual_seed(7)
model = WordLM("LSTM", len(vocabulary), 64, 64, 1, 0.0, True)
history = train_toy(model, 8)

reached = perplexity(model, ids["test"], 500)
compared = baselines(corpus.train, corpus.test) | {"exact": toy.exact_perplexity(corpus.test)}
plots.curves(history, x_label="epoch", y_label="perplexity", log=True)
plots.bars_against_baselines({"your model": reached}, compared, x_label="perplexity on the test text")

# %% id="check_model" tags=["question"] points=2
"""The trained model comes near the exact perplexity of the toy language."""
ratio = reached / compared["exact"]
checks.true(
    ratio <= 1.25,
    f"the test perplexity of model is {reached:.2f}, {ratio:.2f} times the exact one; at most 1.25 times was expected",
)
checks.passed(
    "model", f"test perplexity {reached:.2f}, exact {compared['exact']:.2f}, trigram {compared['trigram']:.2f}"
)

# %% [markdown]
# **What has the embedding learnt?** Nobody told the model that "dog" and "cat" are singular nouns for animals. The next
# cell takes the rows of the tied embedding, 64 numbers for each word, and draws the nouns and the verbs in the two
# directions in which they differ most (principal components). Marker and filling show what the grammar knows: the class
# of the noun, or of the verb's subject, and the number. Then it trains a twin whose weights are not tied and asks in
# both models: of the 120 words that the grammar sorts into kinds (such as "noun, animal, many"), for how many is the
# nearest neighbour, by the cosine, a word of the same kind?

# %%
torch.manual_seed(7)
untied = WordLM("LSTM", len(vocabulary), 64, 64, 1, 0.0, False)
train_toy(untied, 0 if course.grading else 8)
embeddings = {
    "tied": export_weights(model)["embedding.weight"],
    "not tied, input": export_weights(untied)["embedding.weight"],
    "not tied, decoder": export_weights(untied)["decoder.weight"],
}
word_lm_plots.embedding_map(embeddings["tied"], vocabulary)
for word in ("dog", "children", "sings", "some"):
    print(f"{word:9} is near", ", ".join(word_lm_plots.neighbours(embeddings["tied"], vocabulary, word)))
for name, vectors in embeddings.items():
    print(f"{name:18} {word_lm_plots.same_kind(vectors, vocabulary):.0%} have a nearest neighbour of their own kind")
print(f"test perplexity: tied {reached:.2f}, not tied {perplexity(untied, ids['test'], 500):.2f}")

# %% [markdown]
# In ten models with small starting weights, all of the 120 words of the tied embedding had a nearest neighbour of their
# own kind. Without tying it was 75% to 86% of the rows of the input embedding and 92% to 97% of the rows of the
# decoder. With torch's starting weights, which are larger, it was 83% to 87% tied and 42% to 48% and 88% to 97% not
# tied (four models). Chance would give 3%. Compare this with your answer in section 4.
#
# The perplexity shows no clear difference here, 7.0 to 7.2 tied and not tied, because this language has few words and
# each occurs often. (With torch's starting weights it was 7.6 to 7.7 tied, 7.1 to 7.2 not tied.)

# %% [markdown]
# ## 8. The full run (2 points, about 13 minutes of your own time)
#
# The same functions now train at length. On a CPU (profile `quick`) that means five epochs over the toy language. On a
# GPU (profile `full`) it is the Penn Treebank with the recipe of pytorch/examples' word_language_model: two layers of
# 200, tied, dropout 0.2, segments of 35 steps, batches of 20, plain gradient descent at a rate of 20, which is divided
# by 4 after each epoch without an improvement, gradients clipped by norm at 0.25, at most 40 epochs. To train on
# WikiText-2, run `%env COURSE_CORPUS=wikitext2` in a cell of your own above the next one.
#
# `fit` from `utils.training` does the rest. After each epoch it writes a checkpoint and keeps the weights of the best
# epoch so far, and when it is called again it continues from the checkpoint. It refuses a folder whose checkpoint was
# made with other settings, or with another `WordLM` or `train_epoch` than yours is now: delete that folder if you want
# to start again. On a GPU the validation text is read as ten columns side by side while you train, because one column
# would take as long as the epoch. The test perplexity at the end follows the protocol of section 5.
#
# <details><summary><b>How long the full profile takes, and how to stop early</b></summary>
#
# On an H100 an epoch of the Penn Treebank takes about 8 seconds, and a little over 2 seconds with `graphed`, which
# section 10 explains; 40 epochs take a few minutes. On a T4 we have not measured it. `fit` says after the first epoch
# how long the rest will take. On one thread of a CPU (`COURSE_PROFILE=full` in the environment) an epoch takes two to
# three minutes, so 40 epochs take almost two hours; the course trained its own runs so. To stop early, interrupt the
# cell and run these lines in a cell of your own, here for ten epochs, of which those in the checkpoint are already
# done:
#
# ```
# run_history, run_model, run_vocabulary, run_test = full_run(settings | {"epochs": 10}, run_folder)
# save_weights(weights_file, run_model, corpus=settings["corpus"], epochs=len(run_history))
# handed_in = weights_file.read_bytes()
# ```
# </details>
#
# <details><summary><b>Where a long run is kept</b></summary>
#
# It goes into the folder `runs` beside this notebook. On Colab that folder is gone with the session. To keep it, run
# this in a cell of your own before the training:
#
# ```
# from google.colab import drive
# drive.mount("/content/drive")
# %env COURSE_RUNS=/content/drive/MyDrive/hw5
# ```
#
# After a disconnect run that cell again, then the notebook from the top: it continues with what was kept.
# </details>
#
# <details><summary><b>Precision</b></summary>
#
# The environment variable `COURSE_PRECISION` sets the precision of training; validation and test are always computed in
# full float32. Where there is a GPU, the set-up line at the top names it. `high` lets matrix products round their
# factors to TF32 (10 bits after the point instead of 23); it is the default on an NVIDIA GPU of 2020 (Ampere) or newer,
# and `highest` is the default elsewhere. `bfloat16` (7 bits) needs such a GPU too. `float16` is for older ones such as
# the T4 that Colab often lends; it comes with loss scaling, because its smallest numbers are too large for many
# gradients. Lower precision does not always pay: on an H100 the loop without `graphed` became slower by it (126,000
# tokens a second in float32, 98,000 with TF32, 110,000 with bfloat16), because it waits for Python and not for
# arithmetic. On one CPU thread `medium`, bfloat16 inside the products, brought a step of 136 ms to 103 ms. Choose
# before the first epoch: a folder of checkpoints belongs to one precision.
# </details>
#
# **What you hand in.** At the end `word_lm.safetensors` lies beside this notebook. Hand it in together with the
# notebook (on Colab, fetch it from the folder symbol at the left). The grader does not train again: it reads your
# weights, computes the test perplexity itself and gives the point when it is below that of a bigram. The file is data,
# not code, and may have up to 48 MB. With WikiText-2's 33,278 words that means tied weights. Before the first epoch the
# cell writes the untrained model in the same way, so a network that cannot be handed in fails now and not in two hours.
#
# In the quick profile the run is stopped after two epochs and called again, as after a disconnect: watch it continue
# with the third. It is still improving when it ends. Expect a test perplexity between 7.8 and 9.1, which is the range
# of four implementations of ours with three to six seeds each. They draw different random numbers, and one of them
# leaves the initial weights to torch.

# %%
QUICK = {
    "corpus": "toy",
    "embedding_size": 64,
    "hidden_size": 64,
    "epochs": 5,
}
FULL = {
    "corpus": os.environ.get("COURSE_CORPUS", "ptb"),
    "embedding_size": 200,
    "hidden_size": 200,
    "epochs": 40,
}
SHARED = {"rnn_type": "LSTM", "num_layers": 2, "dropout": 0.2, "tied": True}
SHARED |= {"batch_size": 20, "bptt": 35, "clip": 0.25, "rate": 20.0, "shrink": 4.0}


def full_run(settings, folder):
    """Train, continuing from the folder's checkpoint; returns history, best model, vocabulary and test perplexity."""
    text = corpora.load(settings["corpus"])
    known = build_vocabulary(text.train, 100_000)
    streams = {split: encode(getattr(text, split), known).to(course.device) for split in corpora.SPLITS}
    shape = [settings[name] for name in ("embedding_size", "hidden_size", "num_layers", "dropout", "tied")]
    torch.manual_seed(1)
    trained = WordLM(settings["rnn_type"], len(known), *shape).to(course.device)
    with tempfile.TemporaryDirectory() as place:  # what cannot be handed in is refused here, before the long run
        save_weights(Path(place) / "untrained.safetensors", trained)
    sgd = torch.optim.SGD(trained.parameters(), lr=settings["rate"], fused=True)
    columns = batchify(streams["train"], settings["batch_size"])

    def train():
        with graphed(trained, settings["bptt"], settings["batch_size"]):
            return train_epoch(trained, columns, sgd, settings["bptt"], settings["clip"])

    def validate():
        if course.device.type == "cuda":  # in ten columns: there a batch of one would take as long as the epoch
            return perplexity_by_rows(trained, streams["valid"], 10, 512)
        return perplexity(trained, streams["valid"], 512)

    history = fit(
        trained,
        sgd,
        train=train,
        validate=validate,
        epochs=settings["epochs"],
        rate=shrink_on_plateau(settings["rate"], settings["shrink"]),
        folder=folder,
        config={name: value for name, value in settings.items() if name != "epochs"}
        | {"code": fingerprint(WordLM, train_epoch)},
    )
    return history, trained, known, perplexity(trained, streams["test"], 512)


weights_file = course.folder / "word_lm.safetensors"
settings = SHARED | (FULL if course.profile == "full" else QUICK)
run_folder = course.runs() / f"word_lm_{settings['corpus']}_{course.profile}"
if course.grading and weights_file.exists():
    print("word_lm.safetensors was handed in: it is marked as it is, and nothing is trained")
else:
    if course.profile == "quick":
        shutil.rmtree(run_folder, ignore_errors=True)
        full_run(settings | {"epochs": 2}, run_folder)
        print("stopped, and started again")
    run_history, run_model, run_vocabulary, run_test = full_run(settings, run_folder)
    save_weights(weights_file, run_model, corpus=settings["corpus"], epochs=len(run_history))
    print(f"test perplexity on {settings['corpus']}: {run_test:.2f}; weights in {weights_file.name}")
    word_lm_plots.run_curves(run_history["train"].tolist(), run_history["validation"].tolist())
handed_in = weights_file.read_bytes()

# %% id="check_full_run" tags=["question"] points=1
"""The weights file can be read and belongs to a corpus that the grader knows."""
metadata, weights = read_weights(handed_in)
checks.true(
    metadata.get("corpus") in ("toy", "ptb", "wikitext2"),
    f"the file says that its corpus is {metadata.get('corpus')!r}; the grader knows toy, ptb and wikitext2",
)
shape = describe(weights)
checks.passed(
    "full_run",
    f"{shape['rnn_type']} of {shape['num_layers']} x {shape['hidden_size']} for {metadata['corpus']}, ready to hand in",
)

# %% [markdown]
# **Where does a model stand?** These are test perplexities on the Penn Treebank, with two layers of 200 unless said
# otherwise. Section 11 continues the table after 2017.
#
# | model | perplexity | source |
# | --- | --- | --- |
# | all words equally probable | 10000 | the size of the vocabulary |
# | unigram | 639.3 | `utils.baselines` |
# | bigram, Kneser-Ney | 186.5 | `utils.baselines` |
# | trigram, Kneser-Ney | 154.3 | `utils.baselines` |
# | 5-gram, Kneser-Ney | 141.2 | Mikolov et al. 2011 |
# | LSTM without dropout | 114.5 | Zaremba et al. 2014, table 1 |
# | LSTM not tied, this recipe, 6 epochs | 117.6 | pytorch/examples, word_language_model, README of March 2017 (*) |
# | LSTM tied, this recipe, 6 epochs | 110.4 | the same (*) |
# | LSTM tied, this recipe, 40 epochs | 87.17 | the same (*) |
# | the same, by the solution of this notebook | 87.35 | the course's repository, `results/ptb_tied_lstm` |
# | ten more epochs, then the mean of the weights of all their steps | 86.55 | there, `ptb_tied_lstm_averaged` |
# | LSTM tied, one dropout mask for all steps, a loss that rewards similar words too | 82.7 | Inan et al. 2016 |
# | the same size, with these two and more against overfitting | 79.10 | the course's repository, `docs/record.md` |
# | LSTM of 2 x 1500 with dropout | 78.4 | Zaremba et al. 2014, table 1 |
# | AWD-LSTM, 24 million parameters | 57.3 | Merity et al. 2017 |
#
# (*) The program of 2017 evaluates in a batch of ten and divides by one step too many. The division alone makes these
# numbers 0.05 to 0.07 too low. Such details differ between papers more often than their tables admit.
#
# On WikiText-2 the bigram reaches 266.4 and the trigram 235.5. Two people who ran this recipe there report 100.3 (issue
# 281 of pytorch/examples) and 99.9 (issue 470 of IntelLabs/distiller): the same command, half a percent apart, so do
# not read much into the first decimal.
#
# The next cell draws the course's own run on the Penn Treebank, epoch by epoch, and yours beside it if you trained
# there.

# %%
trained_on_ptb = settings["corpus"] == "ptb"
word_lm_plots.ptb_run({"your validation": run_history["validation"].tolist()} if trained_on_ptb else None)

# %% [markdown]
# The curves are perplexities of the training and the validation text; the n-grams' lines are those of the test text.
# Look at epoch 17. For 16 epochs the rate was 20, and the gains in validation perplexity shrank from 45 to 1 and less.
# Epoch 16 was the first without a gain. That divided the rate by 4, and the next epoch took the perplexity from 105.8
# to 98.0. At the end training stands at 54.7, with dropout on, and validation at 91.9.

# %% [markdown] id="why_test_set" tags=["written"] points=1
# **Why a test text besides the validation text?** The model is not trained on the validation text either. Why not
# simply report the perplexity on that?
#
# ### BEGIN SOLUTION
# The validation text has been used to choose: which epoch's weights to keep, when to lower the learning rate, which
# size, dropout and recipe to take. Among many choices the one that happens to suit this particular text wins, so the
# best validation perplexity is too good by chance, and the more so the more was tried. A text that had no part in any
# choice, and is looked at once at the end, gives a fair estimate of how the model does on new text.
#
# Rubric:
#
# - 0.5: naming what is chosen by the validation text
# - 0.5: the consequence (its best value is too optimistic, an unused text is not)
# ### END SOLUTION

# %% [markdown]
# ## 9. Let it speak (3 points, about 24 minutes)
#
# A model that gives each word a probability can also draw a word, read it, draw the next one, and so on. With a
# *temperature* $T$,
#
# $$p(w) = \frac{e^{o_w / T}}{\sum_v e^{o_v / T}}$$
#
# $T = 1$ is the model's own distribution. A small $T$ favours the most probable words, and a large one makes all words
# more alike. The next cell shows what your toy model expects after "the teacher near the dogs". Turn the slider where
# there is one.

# %%
expected_next = word_lm_plots.logits_after(model, encode(["the teacher near the dogs"], vocabulary)[:-1])
knob(
    lambda axes, temperature: word_lm_plots.next_words(axes, expected_next, words, temperature),
    "temperature",
    {f"{temperature:g}": temperature for temperature in (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 4.0)},
    ["0.5", "1", "2"],
)
for temperature in (0.5, 1.0, 2.0):
    one, many = word_lm_plots.verbs_by_number(expected_next, words, temperature)
    print(f"T = {temperature}: singular verbs {one:.2f}, plural verbs {many:.2f}")

# %% [markdown]
# The printed lines add up the verbs: those that agree with the subject, "teacher", and those that agree with the
# nearest noun, "dogs". People make this second error too; linguists call it agreement attraction. In six of ten models
# of ours the subject's verbs had the greater share at $T = 1$, and also in six of ten at $T = 0.5$.
#
# Write `generate`, which draws words from any model with the interface of `WordLM`.
#
# | name | what |
# | --- | --- |
# | `prompt` | a string that the model reads first; unknown words as `<unk>`, an empty one as `<eos>` |
# | `length` | how many words to draw, 0 or more; `<eos>` and `<unk>` may be among them, and nothing ends early |
# | `temperature` | positive, else ValueError |
# | `rng` | a `torch.Generator`, from which all randomness comes |
# | result | list of `length` words, without the prompt |
#
# As in `perplexity`, the model is evaluated in evaluation mode and without building graphs, and its previous mode is
# restored. The state carries what was read, so no word is read twice.
#
# **Devices.** A model of section 8 may be on a GPU. The ids that it reads must be on the device of its weights. A
# `torch.Generator` has a device too, and `torch.multinomial` raises an error when the probabilities are on another one.
# So move the probabilities to where the generator is, `.to(rng.device)`. With a generator on the CPU, the same seed
# then draws the same random numbers wherever the model is.
#
# <details><summary>Hint</summary>
#
# Read the whole prompt in one call; the last row of the logits belongs to the first word to draw. From then on read
# only the word just drawn. `torch.multinomial(probabilities.to(rng.device), 1, generator=rng)` draws an id.
# `next(model.parameters()).device` is where the model is.
# </details>


# %% id="generate" tags=["solution"]
def generate(model, vocabulary, prompt, length, temperature, rng):
    """Draw `length` words that follow the prompt, as a list of strings without the prompt.

    prompt: a string; unknown words are read as `<unk>`, an empty prompt as `<eos>`.
    temperature: the logits are divided by it. rng: a torch.Generator; the same state gives the same words.
    The model is evaluated in evaluation mode, on its device; afterwards its previous mode is restored.
    Raises ValueError for a temperature that is not positive.
    """
    ### BEGIN SOLUTION
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    words = {index: word for word, index in vocabulary.items()}
    device = next(model.parameters()).device
    read = [vocabulary.get(word, vocabulary["<unk>"]) for word in prompt.split()] or [vocabulary["<eos>"]]
    was_training = model.training
    model.eval()
    drawn, hidden = [], model.init_hidden(1)
    with torch.no_grad():
        for _ in range(length):
            logits, hidden = model(torch.tensor(read, device=device).view(-1, 1), hidden)
            probabilities = F.softmax(logits[-1, 0] / temperature, dim=-1)
            read = [int(torch.multinomial(probabilities.to(rng.device), 1, generator=rng))]
            drawn.append(words[read[0]])
    model.train(was_training)
    return drawn
    ### END SOLUTION


# %% [markdown]
# Let both models speak: the toy model and, if you trained on real text in section 8, that one too.

# %%
speakers = [("toy", model, vocabulary, "the teacher near the dogs")]
if settings["corpus"] != "toy":
    speakers.append((settings["corpus"], run_model, run_vocabulary, "the company said"))
for name, speaker, known, prompt in speakers:
    for seed, temperature in enumerate((0.5, 1.0, 1.5)):
        drawn = generate(speaker, known, prompt, 40, temperature, torch.Generator().manual_seed(seed))
        print(f"{name}, T = {temperature}:", " ".join([prompt, *drawn]).replace("<eos>", "\n   "), "\n")
if settings["corpus"] != "toy":
    vectors = export_weights(run_model)["embedding.weight"]
    for word in ("monday", "million", "company", "she", "february", "river"):
        if word in run_vocabulary:
            print(f"{word:9} is near", ", ".join(word_lm_plots.neighbours(vectors, run_vocabulary, word)))


# %% tags=["provided"]
class Alphabet(nn.Module):
    """For the checks: gives the entry after the one that it read last a large logit, all others 0."""

    def __init__(self, sharpness=6.0):
        super().__init__()
        self.weight = nn.Parameter(torch.eye(6).roll(1, 1) * sharpness)

    def forward(self, tokens, hidden):
        return self.weight[tokens], hidden

    def init_hidden(self, batch_size):
        return torch.zeros(1, batch_size, 1)


LETTERS = {"<eos>": 0, "<unk>": 1, "a": 2, "b": 3, "c": 4, "d": 5}

# %% id="check_generate" tags=["question"] points=2
"""A model that almost surely says the next letter: what comes out, and how the temperature changes it."""


class Counting(Alphabet):
    """Gives the entry with the number of tokens read so far, which is its state; in training mode always 1."""

    def forward(self, tokens, hidden):
        self.recorded = torch.is_grad_enabled()
        count = (hidden[0, :, 0] + torch.arange(1, len(tokens) + 1).view(-1, 1)).long() % 6
        return 60.0 * F.one_hot(torch.ones_like(count) if self.training else count, 6), hidden + len(tokens)


class Elsewhere(Alphabet):
    """Its weights are on torch's device without memory, "meta", and it notes where the words are that it reads."""

    def __init__(self):
        super().__init__()
        self.to("meta")

    def forward(self, tokens, hidden):
        self.place = tokens.device.type
        return torch.zeros(*tokens.shape, 6), hidden


alphabet = Alphabet()
checks.equal(
    "generate(a model that says the alphabet, ..., 'd a', 5, 0.1, rng)",
    generate(alphabet, LETTERS, "d a", 5, 0.1, torch.Generator().manual_seed(1)),
    ["b", "c", "d", "<eos>", "<unk>"],
    slips={
        "when an end mark is read after the prompt": ["<unk>", "a", "b", "c", "d"],
        "when the prompt is among the result": ["d", "a", "b", "c", "d"],
    },
)
for prompt, expected in [("", ["<unk>", "a"]), ("x", ["a", "b"])]:
    checks.equal(
        f"generate(a model that says the alphabet, ..., {prompt!r}, 2, 0.1, rng)",
        generate(alphabet, LETTERS, prompt, 2, 0.1, torch.Generator().manual_seed(1)),
        expected,
    )
hot = generate(alphabet, LETTERS, "a", 300, 20.0, torch.Generator().manual_seed(1))
checks.true(set(hot) == set(LETTERS), "at a temperature of 20 all six entries should turn up among 300 words")
follows = [LETTERS[other] == (LETTERS[one] + 1) % 6 for one, other in itertools.pairwise(hot)]
share = sum(follows) / len(follows)
checks.true(
    share < 0.5,
    f"at a temperature of 20 the next letter should come in about 0.21 of the draws, not {share:.2f}: draw by the "
    "probabilities, and divide the logits by the temperature before the softmax",
)
counting = Counting()
checks.equal(
    "generate(a model that counts what it has read, ..., 'd a', 4, 1.0, rng)",
    generate(counting, LETTERS, "d a", 4, 1.0, torch.Generator().manual_seed(1)),
    ["a", "b", "c", "d"],
    slips={
        "in training mode": ["<unk>"] * 4,
        "when the state is not carried": ["a", "<unk>", "<unk>", "<unk>"],
        "when only the last word of the prompt is read": ["<unk>", "a", "b", "c"],
        "when the last word of the prompt is read twice": ["b", "c", "d", "<eos>"],
        "when the whole text is read again after each word, though the state holds it": ["a", "d", "b", "a"],
    },
)
checks.true(not counting.recorded, "generate builds graphs: ask the model under torch.no_grad()")
again = generate(alphabet, LETTERS, "a", 300, 20.0, torch.Generator().manual_seed(1))
checks.true(hot == again, "the same state of rng should give the same words")
checks.true(alphabet.training, "generate left a model in evaluation mode that came in training mode")
elsewhere = Elsewhere()
generate(elsewhere, LETTERS, "a b", 2, 1.0, torch.Generator())
checks.true(
    elsewhere.place == "meta",
    f"the words should be on the device of the model's weights, they were on {elsewhere.place!r}",
)
for temperature in (0.0, -1.0):
    checks.raises(
        f"generate with temperature {temperature}",
        ValueError,
        lambda cold=temperature: generate(alphabet, LETTERS, "a", 1, cold, torch.Generator()),
    )
checks.passed("generate", "prompt, temperature, generator and device")

# %% [markdown]
# **What does the temperature do to the grammar?** Reading 40 words does not tell. The grammar can parse, so we can
# count: the next cell draws 2,000 words from the toy model at each of six temperatures and asks for each whole sentence
# whether the grammar allows it.

# %%
texts = {}
for temperature in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0):
    rng = torch.Generator().manual_seed(3)
    drawn = generate(model, vocabulary, "", 100 if course.grading else 2000, temperature, rng)
    lines = " ".join(drawn).split(" <eos> ")
    texts[temperature] = lines[:-1] or lines  # the last sentence is not finished
for temperature, (share, length) in word_lm_plots.sentences_by_temperature(texts).items():
    print(f"T = {temperature:4}: {share:4.0%} of {len(texts[temperature])} sentences, {length:4.1f} words on average")

# %% [markdown]
# We drew twice from each of ten trained models with small starting weights. At $T = 1$, 53% to 69% of the sentences
# were grammatical; at 1.5 it was 27% to 46%, at 2 it was 5% to 20%. At 0.75 the share is a little higher than at 1, 61%
# to 77%. But at 0.25 it falls again, to about 20% to 60%. (With torch's starting weights it fell in only one of four
# models.) The right-hand plot shows one reason: at 0.25 the sentences are longer, 1.5 to 2.4 times as long as at 1.
# They also hold 2.4 to 3.9 quotation marks, single and double, against 0.3 to 0.6 (five models; no plot shows it). In
# one of our models the most probable word after "the child" is "says", inside a quotation too, and each further mark
# and verb is one more chance of an error. A low temperature makes probable words more probable and improbable ones
# less; it does not make the sentence better.
#
# <details><summary><b>Real English: samples of a model of the Penn Treebank</b></summary>
#
# The samples below come from a repetition of the course's run on the Penn Treebank (section 8), stopped after 14 of its
# 40 epochs, at a validation perplexity of 97.3. `N` stands for a number, `<unk>` for a rare word, and a new line for an
# `<eos>`.
#
# ```
# T = 0.5: the company said
#     <unk> <unk> & co. a <unk> mass. maker of <unk> <unk> <unk> and <unk> <unk> which is <unk> <unk> on the <unk>
#     <unk> of <unk> <unk> <unk> <unk> <unk> <unk> <unk> is <unk> by a <unk> of the <unk>
# T = 1.0: the company said
#     <unk> technology co. plans to transfer its involvement in canada to introduce itself from a u.s. publishing
#     <unk> for the hundred wells gordon viable spree to N
#     but concerns about kidder 's mainstay and acknowledging that the <unk>
# T = 1.0: a group of researchers who said my company
#     no minimal permanently and he was found in a have substantial <unk>
#     he said release all men are dead daily games hopefully as long as for col. roman
#     the network <unk> the <unk>
# T = 1.5: the company said
#     calif. sagged sharply in review from cleaning up ratings for downtown southern singapore nestle redmond
#     which zones with boston cemetery railway specializes by viable spree wires still known known concerns
#     offered nearby underwriters murray pittsburgh acknowledging that said michael
# ```
#
# At 0.5 the most probable word wins nearly every time, and in this text that is often `<unk>`. At 1.0 stretches of five
# to ten words read like a newspaper ("plans to transfer its involvement in canada"), but no sentence holds together. At
# 1.5 it is a list of words. The toy model's sentences are far better, because its language is small: 132 words in place
# of 10,000. What the model of real text has learnt is easier to see in its embedding. These are the words whose rows
# lie nearest, by the cosine:
#
# ```
# monday    is near tuesday, wednesday, friday, thursday, yesterday
# million   is near billion, trillion, apiece, thousand, hourly
# company   is near firm, corporation, chain, group, shipyard
# she       is near he, i, they, mr., nobody
# february  is near june, april, january, july, march
# bought    is near purchased, owns, arranged, sold, borrowed
# ```
# </details>

# %% [markdown]
# To try things out, a loop is handier. `query_sentences` asks by `input` for a line of the form `<n> first words`,
# prints these words and `n` more on one line, and asks again, until a blank line or the end of the input. The words are
# drawn, with new randomness for each line and each call, at a temperature that you choose; 1 is the natural choice.
# What is typed stands after the `>`:
#
# ```
# > 3 the dog
# the dog sleeps . <eos>
# > two dogs
# please begin with a whole number of words, 1 or more: 3 the dog
# > 3 the hippopotamus
# not in the vocabulary: hippopotamus
# >
# ```
#
# Nothing else that is typed ends the loop. An unknown word, a number under 1 or none, or no words get a clear error
# message. Its wording and the prompt are yours. The number has digits only, so `+3` is none; `<unk>` is in the
# vocabulary and may be typed. The model's previous mode is restored.
#
# <details><summary>Hint</summary>
#
# Call `input` in a `try`: it raises EOFError at the end of the input. `str.isdecimal` says whether a word is a whole
# number without a sign. `generate` takes care of the mode.
# </details>


# %% id="query_sentences" tags=["solution"]
def query_sentences(model, vocabulary):
    """Ask for '<n> first words' by input() and print these and n more words, until a blank line or the end of input.

    An unknown word, a number under 1 or none, or no words, gets a clear error message; then it asks again.
    The model is evaluated in evaluation mode; afterwards its previous mode is restored.
    """
    ### BEGIN SOLUTION
    rng = torch.Generator().manual_seed(torch.seed() % 2**63)
    while True:
        try:
            typed = input("> ").split()
        except EOFError:
            return
        if not typed:
            return
        count, *first = typed
        unknown = [word for word in first if word not in vocabulary]
        if not count.isdecimal() or int(count) < 1:
            print("please begin with a whole number of words, 1 or more: 3 the dog")
        elif not first:
            print("please give one or more first words after the number: 3 the dog")
        elif unknown:
            print(f"not in the vocabulary: {' '.join(unknown)}")
        else:
            print(" ".join(first + generate(model, vocabulary, " ".join(first), int(count), 1.0, rng)))
    ### END SOLUTION


# %% [markdown]
# The next cell feeds your loop from a list instead of the keyboard, so that the notebook runs through by itself. To
# talk to your models, open a cell of your own and call `query_sentences(model, vocabulary)` or, after a full run,
# `query_sentences(run_model, run_vocabulary)`.


# %%
def typed(*lines):
    """Run query_sentences(model, vocabulary) as if the lines were typed in."""
    waiting, real = iter(lines), builtins.input

    def feed(prompt=""):
        line = next(waiting, None)
        if line is None:
            raise EOFError
        print(f"{prompt}{line}")
        return line

    builtins.input = feed
    try:
        query_sentences(model, vocabulary)
    finally:
        builtins.input = real


typed("8 the dog", "5 does the", "three cats", "4 the hippopotamus", "2", "")

# %% id="check_query_sentences" tags=["question"] points=1
"""A dialogue with a model that says the alphabet: the lines that come out, and what is said to bad requests."""


def dialogue(asked, *lines):
    """What is printed after each call of `input`, as a list of strings, one for each call."""
    waiting, real, printed, answers, prompts = list(lines), builtins.input, io.StringIO(), [], []

    def feed(prompt=""):
        prompts.append(prompt)
        answers.append((printed.getvalue() + ("" if prompt == prompts[0] else f"\n{prompt}")).strip())
        printed.seek(0)
        printed.truncate()
        if not waiting:
            raise EOFError
        return waiting.pop(0)

    builtins.input = feed
    try:
        with contextlib.redirect_stdout(printed):
            query_sentences(asked, LETTERS)
    except EOFError:
        checks.true(False, "at the end of the input, where input() raises EOFError, the loop should end quietly")
    finally:
        builtins.input = real
    return [*answers[1:], printed.getvalue().strip()]


speller = Alphabet(60.0)  # sure enough that chance plays no part
answers = dialogue(speller, "3 a", "2 d a", "0 a", "a b", "2 zebra", "2", "-2 a", "1 c", "", "1 a")
checks.true(len(answers) == 9, f"the loop should end on the blank line, after 9 lines; it read {len(answers)}")
for place, line, expected in [(0, "3 a", "a b c d"), (1, "2 d a", "d a b c"), (7, "1 c", "c d")]:
    ends = [f" {text}".endswith(f" {expected}") for text in answers[place].splitlines()]
    checks.true(any(ends), f"for '{line}' the line '{expected}' should be printed, but {answers[place]!r} was")
for place, line in [(2, "0 a"), (3, "a b"), (4, "2 zebra"), (5, "2"), (6, "-2 a")]:
    checks.true(answers[place], f"for '{line}' nothing was printed; say what is wrong in an error message")
    continued = answers[place] in ("a", "b") or answers[place].endswith(" a b")
    checks.true(not continued, f"for '{line}' came {answers[place]!r}; say what is wrong in an error message")
checks.true(speller.training, "query_sentences left a model in evaluation mode that came in training mode")
checks.true(dialogue(speller) == [""], "at the end of the input (EOFError) the loop should end quietly")
one, other, _ = dialogue(Alphabet(0.0), "40 a", "40 a", "")  # all six entries alike
checks.true(len(set(one.split())) > 2, "words should be drawn by their probabilities, but always the same one came")
checks.true(one != other, "two lines gave the same 40 words: go on with one generator from line to line")
checks.passed("query_sentences", "three sentences, five error messages, both ends")

# %% [markdown]
# ## 10. Where the time goes (about 3 minutes)
#
# Before you make anything faster, find out what is slow. The next cell takes apart one training step at the size of the
# literature: two layers of 200, 10,000 words, 35 steps in a batch of 20. It runs on the device that trains. GPU calls
# return before the work is done, so `mark` waits for the GPU before it reads the clock.

# %%
torch.manual_seed(0)
large = WordLM("LSTM", 10_000, 200, 200, 2, 0.2, True).to(course.device)
optimiser = torch.optim.SGD(large.parameters(), lr=1.0)
segment = torch.randint(10_000, (36, 20)).to(course.device)
seconds = dict.fromkeys(["forward", "loss", "backward", "clip", "step"], 0.0)


def mark():
    """The time at which everything that was asked for so far is done."""
    if course.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


for repetition in range(2 if course.grading else 6):
    data, targets = get_batch(segment, 0, 35)
    optimiser.zero_grad()
    marks = [mark()]
    logits, _ = large(data, large.init_hidden(20))
    marks.append(mark())
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    marks.append(mark())
    loss.backward()
    marks.append(mark())
    clip_by_norm(large.parameters(), 0.25)
    marks.append(mark())
    optimiser.step()
    marks.append(mark())
    if repetition:  # the first one also pays for warming up
        for name, before, after in zip(seconds, marks[:-1], marks[1:], strict=True):
            seconds[name] += after - before
repetitions = max(1, repetition)
plots.block_diagram(
    {name: total / repetitions for name, total in seconds.items()},
    notes={
        "forward": "logits (35, 20, 10000)",
        "loss": "softmax, one number",
        "backward": "2.65 million gradients",
        "clip": "one norm",
        "step": "2.65 million weights",
    },
)
spent = sum(seconds.values()) / repetitions
print(f"{1000 * spent:.0f} ms a step on {course.device}, {35 * 20 / spent:,.0f} tokens a second")

# %% [markdown]
# Forward and backward take most of it on a CPU, and there the arithmetic decides. 75.8% of the multiplications are the
# decoder's product with a 200 x 10,000 matrix and not the recurrent layers. (The backward pass does the work of the
# forward pass twice, once for the inputs and once for the weights.) That is why large vocabularies are expensive, and
# one reason why the last homework reads characters.
#
# <details><summary><b>On a GPU it is the waiting</b></summary>
#
# Python starts every operation on a GPU by a *kernel launch* that takes some microseconds. A small LSTM is hundreds of
# small operations, one after the other, and the GPU has finished each one before Python has launched the next. A **CUDA
# graph** records all launches of a forward and a backward pass once, for tensors of fixed shape at fixed places in
# memory. From then on a single launch replays them all. `graphed(model, bptt, batch_size)` in section 8 does this for
# the model's two passes over a whole segment. Loss, clipping and step run as before, and so does your `train_epoch`,
# which does not change and does not notice. We measured an LSTM of 2 x 200 on an H100: 126,000 tokens a second without
# it, 410,000 with it. On a CPU `graphed` does nothing.
# </details>
#
# ## 11. After 2017 (about 4 minutes)
#
# The table of section 8 ends in 2017. Word-level language models of the Penn Treebank went on like this; all numbers
# are test perplexities.
#
# | model | perplexity | with dynamic evaluation | source |
# | --- | --- | --- | --- |
# | AWD-LSTM, 24 million parameters | 57.3 | 51.1 | Merity et al. 2017; Krause et al. 2017 |
# | AWD-LSTM whose output is a weighted mean of several softmaxes, 22 million | 54.44 | 47.69 | Yang et al. 2018 |
# | Transformer-XL, 24 million | 54.5 | | Dai et al. 2019 |
# | Mogrifier LSTM, 24 million | 50.1 | 44.9 | Melis et al. 2020 |
# | GPT-2, 1.5 billion, never trained on this text | 35.76 | | Radford et al. 2019 |
#
# Three protocols stand side by side here. Only the first column, without GPT-2, can be compared with section 8.
# *Dynamic evaluation* goes on training on the test text, on each part after it has been predicted, so it sees more than
# the training text. GPT-2 was trained on 40 GB of other text and reads parts of words. Its number is computed on a text
# put back into ordinary spelling, and converted to words; it is no entry in the same competition.
#
# **Why did recurrent models lose?** A recurrent network must compute its steps one after the other and press all it has
# read into one state of fixed size. Attention (Vaswani et al. 2017) computes all positions of a segment in parallel
# while it trains, and it looks up earlier words by their content at any distance within its context, so it makes use of
# far more data and hardware. **Why are they back?** To generate a token a transformer reads the stored keys and values
# of all earlier ones, while a recurrent model needs constant memory and time. Since 2023, models such as Mamba (Gu and
# Dao 2023), xLSTM (Beck et al. 2024) and minGRU (Feng et al. 2024) have kept such a state; Mamba and minGRU are built
# so that training is parallel over the steps.
#
# **Try it (not graded, and not in the minutes).** Your `train_epoch` and `perplexity` know nothing of a model but
# `init_hidden(batch_size)` and `forward(tokens, hidden)`. The next cell fits one layer of causal self-attention into
# this contract. Its state is the embeddings of the last 20 words. Each position computes a query, and every word within
# reach a key and a value. Query times key, plus a learnt number for the distance, says how much of the value is read.
# No word sees a later one. With 42,264 parameters it is as large as your LSTM with 41,860, and it is trained on the
# same text for the same eight epochs, by Adam at 0.003.


# %%
class AttentionLM(nn.Module):
    """One layer of causal self-attention in the contract of WordLM; its state is the embeddings of the last words."""

    def __init__(self, vocab_size, size, heads, context):
        super().__init__()
        self.heads, self.context = heads, context
        self.embedding = nn.Embedding(vocab_size, size)
        self.norm, self.project = nn.LayerNorm(size), nn.Linear(size, 3 * size)
        self.by_distance = nn.Parameter(torch.zeros(heads, context + 1))
        self.mix = nn.Linear(size, size)
        self.think = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size))
        self.last_norm, self.bias = nn.LayerNorm(size), nn.Parameter(torch.zeros(vocab_size))
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)

    def init_hidden(self, batch_size):
        """Nothing read yet: (0, batch, size)."""
        return self.bias.new_zeros(0, batch_size, self.embedding.embedding_dim)

    def forward(self, tokens, hidden):
        """tokens (steps, batch), hidden (words read, batch, size) -> logits (steps, batch, vocab), the next hidden."""
        new = self.embedding(tokens)
        seen = torch.cat([hidden, new])
        steps, total, batch = len(new), len(seen), new.size(1)
        places = torch.arange(total, device=tokens.device)
        distance = places[-steps:].view(-1, 1) - places  # of each new word to each word seen
        parts = self.project(self.norm(seen)).view(total, batch, 3, self.heads, -1)
        queries, keys, values = parts.permute(2, 1, 3, 0, 4)  # each (batch, heads, total, size of a head)
        scores = queries[:, :, -steps:] @ keys.transpose(-1, -2) / math.sqrt(keys.size(-1))
        scores = scores + self.by_distance[:, distance.clamp(0, self.context)]
        scores = scores.masked_fill((distance < 0) | (distance > self.context), -math.inf)
        read = (scores.softmax(dim=-1) @ values).permute(2, 0, 1, 3).reshape(new.shape)
        outputs = new + self.mix(read)
        outputs = outputs + self.think(outputs)
        logits = F.linear(self.last_norm(outputs), self.embedding.weight, self.bias)
        return logits, seen[-self.context :]


torch.manual_seed(0)
attention = AttentionLM(len(vocabulary), 64, 4, 20)
print(f"{sum(p.numel() for p in attention.parameters()):,} parameters")
with_attention = train_toy(attention, 0 if course.grading else 8, rate=0.003)
plots.curves(
    {"LSTM": history["validation"], "attention": with_attention["validation"]},
    x_label="epoch",
    y_label="validation perplexity",
    levels={"exact": toy.exact_perplexity(corpus.valid)},
    log=True,
)
print(f"test perplexity: LSTM {reached:.2f}, attention {perplexity(attention, ids['test'], 500):.2f}")

# %% [markdown]
# Nothing else had to change. Over three seeds one layer of attention reached a test perplexity of 7.4 to 7.6, where the
# LSTM is at about 7.1: on this text, at this size, the LSTM is ahead. Each has the better of two rates that we tried,
# 0.01 and 0.003. On a CPU an epoch of attention took more than twice as long as one of the LSTM. Its advantages need
# what is missing here: a GPU that computes all positions at once, much more text, and contexts of thousands of words.

# %% [markdown]
# ## References
#
# - F. Jelinek, R. Mercer, L. Bahl, J. Baker: Perplexity, a measure of the difficulty of speech recognition tasks.
#   Journal of the Acoustical Society of America, 1977.
# - P. Werbos: Backpropagation through time, what it does and how to do it. Proceedings of the IEEE, 1990.
# - R. Kneser, H. Ney: Improved backing-off for m-gram language modeling. ICASSP 1995.
# - T. Mikolov, M. Karafiát, L. Burget, J. Černocký, S. Khudanpur: Recurrent neural network based language model.
#   Interspeech 2010.
# - T. Mikolov, A. Deoras, S. Kombrink, L. Burget, J. Černocký: Empirical evaluation and combination of advanced
#   language modeling techniques. Interspeech 2011.
# - R. Pascanu, T. Mikolov, Y. Bengio: On the difficulty of training recurrent neural networks. ICML 2013.
# - W. Zaremba, I. Sutskever, O. Vinyals: Recurrent neural network regularization. arXiv 1409.2329, 2014.
# - D. Kingma, J. Ba: Adam, a method for stochastic optimization. ICLR 2015.
# - O. Press, L. Wolf: Using the output embedding to improve language models. arXiv 1608.05859, 2016.
# - H. Inan, K. Khosravi, R. Socher: Tying word vectors and word classifiers. arXiv 1611.01462, 2016.
# - S. Merity, C. Xiong, J. Bradbury, R. Socher: Pointer sentinel mixture models (WikiText-2). arXiv 1609.07843, 2016.
# - S. Merity, N. Keskar, R. Socher: Regularizing and optimizing LSTM language models (AWD-LSTM).
#   arXiv 1708.02182, 2017.
# - B. Krause, E. Kahembwe, I. Murray, S. Renals: Dynamic evaluation of neural sequence models. arXiv 1709.07432, 2017.
# - A. Vaswani et al.: Attention is all you need. NeurIPS 2017.
# - Z. Yang, Z. Dai, R. Salakhutdinov, W. Cohen: Breaking the softmax bottleneck. ICLR 2018, arXiv 1711.03953.
# - Z. Dai, Z. Yang, Y. Yang, J. Carbonell, Q. Le, R. Salakhutdinov: Transformer-XL. ACL 2019, arXiv 1901.02860.
# - A. Radford et al.: Language models are unsupervised multitask learners (GPT-2). OpenAI, 2019, table 3.
# - G. Melis, T. Kočiský, P. Blunsom: Mogrifier LSTM. ICLR 2020, arXiv 1909.01792.
# - A. Gu, T. Dao: Mamba, linear-time sequence modeling with selective state spaces. arXiv 2312.00752, 2023.
# - M. Beck et al.: xLSTM, extended long short-term memory. arXiv 2405.04517, 2024.
# - L. Feng, F. Tung, M. O. Ahmed, Y. Bengio, H. Hajimirsadeghi: Were RNNs all we needed? arXiv 2410.01201, 2024.
# - The example word_language_model in pytorch/examples, for the recipe of section 8.
