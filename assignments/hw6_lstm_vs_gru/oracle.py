"""What the grader asks in homework 6: cases, misconceptions and other right solutions."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch

from autograder.oracle.bars import Bar
from autograder.oracle.exported import ratio_to_exact, solution_model
from autograder.oracle.programs import EXPORTED
from autograder.oracle.questions import Alternative, Case, Misconception, Question
from utils import toy
from utils.weights import describe

learning_rate = Question(
    id="learning_rate",
    cases=[
        Case(
            "flat up to and with the last flat epoch",
            "[learning_rate(epoch, base, flat, decay) for epoch in range(1, flat + 2)]",
            lambda rng: draw_schedule(rng, int(rng.integers(4, 9))),
            weight=1.5,
        ),
        Case(
            "a factor once per epoch after that",
            "[learning_rate(epoch, base, flat, decay) for epoch in (flat + 1, flat + 2, flat + 3, flat + 30)]",
            lambda rng: draw_schedule(rng, int(rng.integers(4, 9))),
            weight=2,
        ),
        Case(
            "no flat epoch, and a single one",
            "[learning_rate(epoch, base, flat, decay) for flat in (0, 1) for epoch in (1, 2, 3, 9)]",
            lambda rng: draw_schedule(rng, 0),
        ),
        Case(
            "the two historical schedules",
            "[(learning_rate(epoch, 1, 15, 0.98), learning_rate(epoch, base, 14, 1 / 1.15)) "
            "for epoch in (1, 14, 15, 16, 39, 70)]",
            lambda rng: draw_schedule(rng, 0),
            weight=0.5,
        ),
        Case(
            "more flat epochs than epochs, and a decay of 1",
            "[learning_rate(epoch, base, flat, factor) for epoch in (1, 5, 40) "
            "for flat, factor in ((100, decay), (3, 1.0), (40, decay))]",
            lambda rng: draw_schedule(rng, 0),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "decay from the first epoch",
            "max(0, epoch - flat_epochs)",
            "(epoch - 1)",
            "The rate decays from the first epoch on, it should stay at base for the first flat_epochs.",
        ),
        Misconception(
            "decay an epoch late",
            "epoch - flat_epochs",
            "epoch - flat_epochs - 1",
            "The decay begins an epoch too late: epoch flat_epochs + 1 is the first one with a factor.",
        ),
        Misconception(
            "decay an epoch early",
            "epoch - flat_epochs",
            "epoch - flat_epochs + 1",
            "The decay begins an epoch too early: epochs count from 1, and epoch flat_epochs is still at base.",
        ),
        Misconception(
            "no floor under the exponent",
            "max(0, epoch - flat_epochs)",
            "(epoch - flat_epochs)",
            "In the flat epochs the rate is above base: the exponent is negative there and should be 0.",
        ),
        Misconception(
            "one factor in all",
            "decay ** max(0, epoch - flat_epochs)",
            "(decay if epoch > flat_epochs else 1)",
            "The factor is applied once in all, it should be applied once more in every epoch after the flat ones.",
        ),
        Misconception(
            "product for power",
            "decay ** max(0, epoch - flat_epochs)",
            "(decay * (epoch - flat_epochs) if epoch > flat_epochs else 1)",
            "The factor is multiplied by the number of epochs after the flat ones, it should be raised to that power.",
        ),
        Misconception(
            "divided by the factor",
            "base * decay **",
            "base / decay **",
            "The rate is divided by decay, so it grows: multiply by the factor.",
        ),
    ],
    alternatives=[
        Alternative(
            "two cases",
            """
def learning_rate(epoch, base, flat_epochs, decay):
    if epoch <= flat_epochs:
        return base
    return base * math.pow(decay, epoch - flat_epochs)
""",
        ),
        Alternative(
            "a loop over the epochs before",
            """
def learning_rate(epoch, base, flat_epochs, decay):
    rate = np.float64(base)
    for earlier in range(1, epoch + 1):
        if earlier > flat_epochs:
            rate = rate * decay
    return rate
""",
        ),
        Alternative(
            "the smaller of two, right where the factor is at most 1",
            """
def learning_rate(epoch, base, flat_epochs, decay):
    return min(base, base * decay ** (epoch - flat_epochs))
""",
        ),
    ],
)


def draw_schedule(rng: np.random.Generator, flat: int) -> dict:
    """A base, a factor and a number of flat epochs."""
    return {"base": float(rng.uniform(0.5, 30)), "decay": float(rng.uniform(0.6, 0.97)), "flat": flat}


HISTORY = """
import pandas

def frame(columns):
    return pandas.DataFrame({name: columns[name] for name in columns})
"""


def draw_history(kind: str):
    """Columns of a history of 9 to 13 epochs whose lowest training, test and validation perplexities lie apart.

    kind: "plain", "tie" (the lowest validation perplexity stands twice), or "nan" (in the first row, around the best
    one, and in the last).
    """

    def draw(rng: np.random.Generator) -> dict:
        epochs = int(rng.integers(9, 14))
        best = int(rng.integers(2, epochs - 4))
        validation = rng.uniform(120, 200, epochs)
        validation[best] = lowest = float(rng.uniform(80, 110))
        if kind == "tie":
            validation[best + 2] = lowest
        if kind == "nan":
            validation[[0, best - 1, best + 1, epochs - 1]] = math.nan
        test = rng.uniform(120, 200, epochs)
        test[best + 1] = 70.0
        columns = {
            "epoch": np.arange(1, epochs + 1),
            "train": np.sort(rng.uniform(40, 300, epochs))[::-1].copy(),
            "validation": validation,
            "test": test,
            "learning_rate": np.full(epochs, 0.5),
            "seconds": rng.uniform(1, 2, epochs),
        }
        return {"columns": columns}

    return draw


best_epoch = Question(
    id="best_epoch",
    cases=[
        Case(
            "the lowest validation perplexity",
            f"{HISTORY}\nbest_epoch(frame(columns))",
            draw_history("plain"),
            weight=2,
        ),
        Case(
            "the first of equal epochs",
            f"{HISTORY}\nbest_epoch(frame(columns))",
            draw_history("tie"),
        ),
        Case(
            "nan is never best",
            f"{HISTORY}\nbest_epoch(frame(columns))",
            draw_history("nan"),
            weight=1.5,
        ),
        Case(
            "a part of a history, and one with another index",
            f"{HISTORY}\nwhole = frame(columns)\n"
            "[best_epoch(whole.iloc[1:]), best_epoch(whole.set_index(whole.index + 40)), "
            "best_epoch(whole.iloc[:1]), best_epoch(whole.iloc[-3:])]",
            draw_history("plain"),
        ),
        Case(
            "the history stays as it was",
            f"{HISTORY}\nwhole = frame(columns)\n(best_epoch(whole), best_epoch(whole), whole.to_dict('list'))",
            draw_history("plain"),
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "by training perplexity",
            'history["validation"]',
            'history["train"]',
            "This is the epoch of the lowest training perplexity, the validation text should decide.",
        ),
        Misconception(
            "by test perplexity",
            'history["validation"]',
            'history["test"]',
            "The test text decided, but it has no part in any choice: take the lowest validation perplexity.",
        ),
        Misconception(
            "the last of equals",
            'history["epoch"].iloc[history["validation"].argmin()]',
            'history["epoch"][::-1].iloc[history["validation"][::-1].argmin()]',
            "Of several epochs with the same lowest perplexity the last one came back, it should be the first.",
        ),
        Misconception(
            "nan counts as smallest",
            'history["validation"].argmin()',
            'history["validation"].to_numpy().argmin()',
            "An epoch with nan came back: numpy's argmin takes nan for the smallest, and min keeps one that is "
            "first: leave such epochs out.",
        ),
        Misconception(
            "the row's place from 0",
            'history["epoch"].iloc[history["validation"].argmin()]',
            'history["validation"].argmin()',
            "The place of the row came back, counted from 0, it should be the number in the column epoch.",
        ),
        Misconception(
            "the row's place from 1",
            'history["epoch"].iloc[history["validation"].argmin()]',
            'history["validation"].argmin() + 1',
            "The place of the row came back, counted from 1; in a part of a history that is not the epoch's number.",
        ),
        Misconception(
            "the index of the table plus 1",
            'history["epoch"].iloc[history["validation"].argmin()]',
            'history["validation"].idxmin() + 1',
            "This is the index of the table plus 1, which need not be the epoch's number: that is in the column epoch.",
        ),
        Misconception(
            "the highest",
            ".argmin()",
            ".argmax()",
            "This is the epoch of the highest validation perplexity; lower is better.",
        ),
    ],
    alternatives=[
        Alternative(
            "sorted, nan at the end",
            """
def best_epoch(history):
    return int(history.sort_values(["validation", "epoch"], na_position="last")["epoch"].iloc[0])
""",
        ),
        Alternative(
            "a loop over the rows",
            """
def best_epoch(history):
    best, lowest = None, float("inf")
    for epoch, value in zip(history["epoch"].tolist(), history["validation"].tolist()):
        if value < lowest:
            best, lowest = epoch, value
    return best
""",
        ),
        Alternative(
            "by idxmin",
            """
def best_epoch(history):
    finite = history.dropna(subset=["validation"])
    return finite.loc[finite["validation"].idxmin(), "epoch"]
""",
        ),
    ],
)

# A run from weights that are given, in float64: what comes out then depends on no use of the generator. The schedule is
# given too: the rate grows here, and a learning_rate that is right only for a decay up to 1 should cost nothing.
# Validation perplexity falls and turns, training perplexity falls on, and the test text is the training text, so that
# the best epoch by each of the three is another one.
STARTED = """
import copy, types
import torch

corpus = types.SimpleNamespace(train=train, valid=valid, test=test, vocabulary={str(i): i for i in range(7)})

class Started(WordLM):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.double()
        generator = torch.Generator().manual_seed(start)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.rand(parameter.shape, generator=generator, dtype=torch.float64) - 0.5)

def rate(epoch, base, flat_epochs, decay):
    return base * decay ** max(0, epoch - flat_epochs)

def started(config, corpus):
    names = getattr(run, "__globals__", {})
    given = {"WordLM": Started, "learning_rate": rate}
    real = {name: names[name] for name in given if name in names}
    names.update(given)
    try:
        return run(config, corpus)
    finally:
        names.update(real)

def shown(history):
    return [history[name].tolist() for name in ("epoch", "train", "validation", "learning_rate")]

def weights(model):
    return [parameter.detach() for parameter in model.parameters()]
"""


def draw_run(rnn_type: str, layers: int = 1, tied: bool = False, **changes):
    """A config, and a corpus of 7 words in which validation perplexity turns upwards before the last epoch."""

    def draw(rng: np.random.Generator) -> dict:
        shares = np.array([0.42, 0.25, 0.14, 0.08, 0.05, 0.04, 0.02])
        train = torch.from_numpy(rng.choice(7, 95, p=shares))
        valid = torch.from_numpy(rng.choice(7, 50, p=shares))
        config = {
            "rnn_type": rnn_type,
            "embedding_size": 6 if tied else 5,
            "hidden_size": 6,
            "num_layers": layers,
            "dropout": 0.0,
            "tied": tied,
            "bptt": 7,
            "batch_size": 3,
            "epochs": 12,
            "learning_rate": 1.0,
            "flat_epochs": 5,
            "decay": 1.15,
            "momentum": 0.6,
            "clip": 0.8,
            "seed": int(rng.integers(1 << 20)),
        }
        drawn = {"config": config | changes, "train": train, "valid": valid, "test": train.clone()}
        return drawn | {"start": int(rng.integers(1 << 30))}

    return draw


LAST = (
    "The model carries the weights of the last epoch, it should carry those of the best one: load a copy that was "
    "taken then (state_dict() alone is no copy, its tensors go on changing)."
)
CLOSE = {"relative": 1e-4, "absolute": 1e-6}

run = Question(
    id="run",
    cases=[
        Case(
            "the history of an LSTM: a row per epoch, perplexities and rates",
            f"{STARTED}\nshown(started(config, corpus)[0])",
            draw_run("LSTM"),
            weight=2,
            **CLOSE,
        ),
        Case(
            "the history of a GRU of two layers, tied",
            f"{STARTED}\nshown(started(config, corpus)[0])",
            draw_run("GRU", 2, True, decay=0.7, momentum=0.8, clip=0.3, bptt=4),
            **CLOSE,
        ),
        Case(
            "the weights of the best epoch come back, not the last ones",
            f"{STARTED}\nhistory, model = started(config, corpus)\n(history['validation'].tolist(), weights(model))",
            draw_run("GRU"),
            weight=2.5,
            **CLOSE,
        ),
        Case(
            "the weights of the best epoch of an LSTM with momentum",
            f"{STARTED}\nhistory, model = started(config, corpus)\n(history['train'].tolist(), weights(model))",
            draw_run("LSTM", 1, False, momentum=0.85, epochs=14),
            weight=1.5,
            **CLOSE,
        ),
        Case(
            "an epoch that ends in nan is never best",
            f"{STARTED}\nhistory, model = started(config, corpus)\n"
            "(history['validation'].tolist(), weights(model), [bool(w.isfinite().all()) for w in weights(model)])",
            draw_run("GRU", 1, False, epochs=5, flat_epochs=2, decay=math.inf),
            **CLOSE,
        ),
        Case(
            "a single epoch",
            f"{STARTED}\nhistory, model = started(config, corpus)\n(shown(history), weights(model))",
            draw_run("RNN_TANH", 1, False, epochs=1, flat_epochs=0),
            weight=0.5,
            **CLOSE,
        ),
        Case(
            "seconds are measured, and the columns are those that were asked for",
            f"{STARTED}\nhistory, model = started(config, corpus)\n"
            "asked = ['epoch', 'train', 'validation', 'learning_rate', 'seconds']\n"
            "(history['train'].tolist(), [name for name in history.columns if name in asked], "
            "[second > 0 for second in history['seconds'].tolist()])",
            draw_run("LSTM", 1, False, epochs=3),
            weight=0.5,
            **CLOSE,
        ),
        Case(
            "the same seed gives the same run, another seed another one",
            f"{STARTED}\n"
            "results = []\n"
            "for dropout in (0.0, 0.4):\n"
            "    first, again, other = [run(config | {'dropout': dropout, 'seed': config['seed'] + more}, corpus)[0] "
            "for more in (0, 0, 1)]\n"
            "    results.append((shown(first) == shown(again), shown(first) == shown(other), len(first)))\n"
            "results",
            draw_run("GRU", 2, False, epochs=2),
            weight=1,
        ),
        Case(
            "dropout is on while training, on the non-recurrent connections alone",
            f"{STARTED}\n"
            "results = []\n"
            "for rnn_type in ('LSTM', 'GRU'):\n"
            "    history, model = run(config | {'rnn_type': rnn_type}, corpus)\n"
            "    dry, _ = run(config | {'rnn_type': rnn_type, 'dropout': 0.0}, corpus)\n"
            "    tokens, model = train[:12].view(4, 3), copy.deepcopy(model).train()\n"
            "    logits = [model(tokens, model.init_hidden(3))[0] for _ in range(2)]\n"
            "    with torch.no_grad():\n"
            "        for parameter in model.parameters():\n"
            "            if parameter.shape == (7, 5):\n"
            "                parameter.zero_()\n"
            "    states = [model(tokens, model.init_hidden(3))[1] for _ in range(3)]\n"
            "    firsts = [state[0] if isinstance(state, tuple) else state for state in states]\n"
            "    warm = tuple(torch.ones(1, 3, 6) for _ in range(2)) if rnn_type == 'LSTM' else torch.ones(1, 3, 6)\n"
            "    from_ones = [model(tokens, warm)[1] for _ in range(3)]\n"
            "    ends = [state[0] if isinstance(state, tuple) else state for state in from_ones]\n"
            "    results.append((len(history), history['train'].tolist() != dry['train'].tolist(), "
            "torch.equal(*logits), [torch.equal(one, firsts[0]) for one in firsts], "
            "[torch.equal(one, ends[0]) for one in ends]))\n"
            "results",
            draw_run("GRU", 1, False, dropout=0.5, epochs=2),
        ),
        Case(
            "config and corpus stay as they were, and a second run gives the same",
            f"{STARTED}\nbefore = copy.deepcopy(config)\n"
            "first, second = shown(started(config, corpus)[0]), shown(started(config, corpus)[0])\n"
            "(first, second, config == before, corpus.train, corpus.valid, corpus.test, len(corpus.vocabulary))",
            draw_run("LSTM", 1, False, epochs=2),
            weight=0.5,
            **CLOSE,
        ),
    ],
    misconceptions=[
        Misconception(
            "last epoch's weights kept",
            "    if best is not None:\n        model.load_state_dict(best)\n",
            "",
            LAST,
        ),
        Misconception(
            "a reference in place of a copy",
            "copy.deepcopy(model.state_dict())",
            "model.state_dict()",
            LAST,
        ),
        Misconception(
            "best epoch by training perplexity",
            "        if validation < lowest:\n            lowest, best = validation,",
            "        if train < lowest:\n            lowest, best = train,",
            "The weights are those of the lowest training perplexity, the validation text should decide.",
        ),
        Misconception(
            "best epoch by test perplexity",
            "        if validation < lowest:\n            lowest, best = validation,",
            "        tested = perplexity(model, corpus.test, 512)\n        if tested < lowest:\n"
            "            lowest, best = tested,",
            "The weights are those of the lowest test perplexity, but the test text has no part in any choice.",
        ),
        Misconception(
            "the rate never reaches the optimiser",
            '            group["lr"] = rate',
            "            pass",
            "The schedule stands in the history, but the optimiser keeps the first rate: put it into each of "
            "optimiser.param_groups.",
        ),
        Misconception(
            "epochs counted from 0",
            "learning_rate(epoch,",
            "learning_rate(epoch - 1,",
            "Epochs are counted from 0 for the schedule, they should be counted from 1.",
        ),
        Misconception(
            "the rate set after the epoch",
            '        for group in optimiser.param_groups:\n            group["lr"] = rate\n'
            '        loss = train_epoch(model, source, optimiser, config["bptt"], config["clip"])\n',
            '        loss = train_epoch(model, source, optimiser, config["bptt"], config["clip"])\n'
            '        for group in optimiser.param_groups:\n            group["lr"] = rate\n',
            "The rate of an epoch is set after it has trained, so each epoch trains at the rate of the one before.",
        ),
        Misconception(
            "a new optimiser each epoch",
            '        for group in optimiser.param_groups:\n            group["lr"] = rate',
            '        optimiser = torch.optim.SGD(model.parameters(), lr=rate, momentum=config["momentum"])',
            "Each epoch has an optimiser of its own, so momentum is forgotten in between: make one for the whole run.",
        ),
        Misconception(
            "no momentum",
            ', momentum=config["momentum"])',
            ")",
            "The optimiser has no momentum, config['momentum'] should be handed to it.",
        ),
        Misconception(
            "the loss in place of the perplexity",
            "math.exp(loss), perplexity(",
            "loss, perplexity(",
            "Under train stands the mean loss in nats, it should be its exponential, a perplexity.",
        ),
        Misconception(
            "training perplexity measured anew",
            "math.exp(loss), perplexity(",
            "perplexity(model, corpus.train, 512), perplexity(",
            "Under train stands the perplexity after the epoch, it should be the one met while training: exp of what "
            "train_epoch returns.",
        ),
        Misconception(
            "stopped at the first rise",
            "            lowest, best = validation, copy.deepcopy(model.state_dict())\n",
            "            lowest, best = validation, copy.deepcopy(model.state_dict())\n"
            "        else:\n            break\n",
            "The run ends with the first epoch that is no better, it should go on for config['epochs'] epochs and keep "
            "the best of them.",
        ),
        Misconception(
            "validated on the training text",
            "perplexity(model, corpus.valid, 512)",
            "perplexity(model, corpus.train, 512)",
            "The validation perplexity is that of the training text.",
        ),
        Misconception(
            "validated before the epoch",
            '        loss = train_epoch(model, source, optimiser, config["bptt"], config["clip"])\n'
            "        train, validation = math.exp(loss), perplexity(model, corpus.valid, 512)",
            "        validation = perplexity(model, corpus.valid, 512)\n"
            '        loss = train_epoch(model, source, optimiser, config["bptt"], config["clip"])\n'
            "        train = math.exp(loss)",
            "The validation perplexity is measured before the epoch's training, it should be measured after it.",
        ),
        Misconception(
            "the seed is not set",
            '    torch.manual_seed(config["seed"])\n',
            "",
            "The same config gives another run each time: set the seed before the model is made.",
        ),
        Misconception(
            "always the same seed",
            'torch.manual_seed(config["seed"])',
            "torch.manual_seed(1)",
            "Every seed gives the same run: it is config['seed'] that should be set.",
        ),
        Misconception(
            "no dropout",
            "*shape).to(corpus.train.device)",
            "*shape[:3], 0.0, shape[4]).to(corpus.train.device)",
            "The model has no dropout, config['dropout'] should be handed to it.",
        ),
        Misconception(
            "dropout on recurrent connections",
            "*shape).to(corpus.train.device)\n",
            "*shape).to(corpus.train.device)\n"
            "    def dropped(state):\n"
            "        if isinstance(state, tuple):\n"
            "            return tuple(map(dropped, state))\n"
            '        return F.dropout(state, config["dropout"], model.training)\n\n'
            "    model.rnn.register_forward_pre_hook(lambda rnn, given: (given[0], dropped(given[1])))\n",
            "Dropout acts on the recurrent connections too, where it erases the memory: the model that is given has it "
            "in the right places.",
        ),
        Misconception(
            "text not in columns of its own",
            'batchify(corpus.train, config["batch_size"])',
            'batchify(corpus.train, config["bptt"])',
            "The training text stands in bptt columns, it should stand in batch_size columns.",
        ),
    ],
    alternatives=[
        Alternative(
            "a DataFrame that grows, weights as clones, best_epoch asked each time",
            """
def run(config, corpus):
    torch.manual_seed(config["seed"])
    model = WordLM(
        rnn_type=config["rnn_type"],
        vocab_size=len(corpus.vocabulary),
        embedding_size=config["embedding_size"],
        hidden_size=config["hidden_size"],
        num_layers=config["num_layers"],
        dropout=config["dropout"],
        tied=config["tied"],
    )
    model.to(corpus.train.device)
    columns = batchify(corpus.train, config["batch_size"])
    sgd = torch.optim.SGD(model.parameters(), config["learning_rate"], config["momentum"], foreach=False)
    history, kept = pd.DataFrame(), {}
    for number in range(config["epochs"]):
        tick = time.monotonic()
        now = learning_rate(number + 1, config["learning_rate"], config["flat_epochs"], config["decay"])
        sgd.param_groups[0]["lr"] = now
        nats = train_epoch(model, columns, sgd, config["bptt"], config["clip"])
        row = {
            "epoch": number + 1,
            "train": float(np.exp(nats)),
            "validation": perplexity(model, corpus.valid, 35),
            "learning_rate": now,
            "seconds": max(time.monotonic() - tick, 1e-9),
        }
        history = pd.concat([history, pd.DataFrame([row])], ignore_index=True)
        if best_epoch(history) == number + 1:
            kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            tensor.copy_(kept[name])
    return history, model
""",
        ),
        Alternative(
            "a copy of the model itself, its own training loop",
            """
def run(config, corpus):
    sizes = {key: config[key] for key in ("embedding_size", "hidden_size", "num_layers", "dropout", "tied")}
    torch.manual_seed(config["seed"])
    model = WordLM(config["rnn_type"], len(corpus.vocabulary), **sizes).to(corpus.train.device)
    descent = torch.optim.SGD(model.parameters(), lr=1.0, momentum=config["momentum"])
    text = batchify(corpus.train, config["batch_size"])
    history = {"epoch": [], "train": [], "validation": [], "learning_rate": [], "seconds": []}
    best_model = model
    for epoch in range(1, config["epochs"] + 1):
        begin = time.time()
        descent.param_groups[0]["lr"] = learning_rate(
            epoch, config["learning_rate"], config["flat_epochs"], config["decay"]
        )
        model.train()
        state, nats, count = model.init_hidden(config["batch_size"]), 0.0, 0
        for piece in range(0, len(text) - 1, config["bptt"]):
            data, targets = get_batch(text, piece, config["bptt"])
            model.zero_grad()
            scores, state = model(data, repackage_hidden(state))
            loss = F.cross_entropy(scores.reshape(-1, scores.size(-1)), targets.reshape(-1))
            loss.backward()
            clip_by_norm(model.parameters(), config["clip"])
            descent.step()
            nats += loss.item() * targets.numel()
            count += targets.numel()
        history["epoch"].append(epoch)
        history["train"].append(math.exp(nats / count))
        history["validation"].append(perplexity(model, corpus.valid, 200))
        history["learning_rate"].append(descent.param_groups[0]["lr"])
        history["seconds"].append(time.time() - begin + 1e-6)
        if best_epoch(pd.DataFrame(history)) == epoch:
            best_model = copy.deepcopy(model)
    return pd.DataFrame(history), best_model
""",
        ),
        Alternative(
            "torch's LambdaLR, weights written to a file in memory",
            """
def run(config, corpus):
    import io

    def factor(done):
        return learning_rate(done + 1, config["learning_rate"], config["flat_epochs"], config["decay"])

    torch.manual_seed(config["seed"])
    sizes = {key: config[key] for key in ("embedding_size", "hidden_size", "num_layers", "dropout", "tied")}
    model = WordLM(config["rnn_type"], len(corpus.vocabulary), **sizes).to(corpus.train.device)
    descent = torch.optim.SGD(model.parameters(), lr=1.0, momentum=config["momentum"])
    schedule = torch.optim.lr_scheduler.LambdaLR(descent, factor)
    columns, rows, kept, lowest = batchify(corpus.train, config["batch_size"]), [], None, None
    for epoch in range(config["epochs"]):
        began, (rate,) = time.perf_counter(), schedule.get_last_lr()
        met = np.exp(train_epoch(model, columns, descent, config["bptt"], config["clip"]))
        found = perplexity(model, corpus.valid, config["bptt"])
        schedule.step()
        row = {"epoch": epoch + 1, "train": met, "validation": found, "learning_rate": rate}
        rows.append(row | {"seconds": time.perf_counter() - began})
        if not math.isnan(found) and (lowest is None or found < lowest):
            lowest, kept = found, io.BytesIO()
            torch.save(model.state_dict(), kept)
    if kept is not None:
        kept.seek(0)
        model.load_state_dict(torch.load(kept))
    return pd.DataFrame.from_records(rows), model
""",
        ),
    ],
    builds_on=("learning_rate", "best_epoch"),
    seconds=60.0,
)

MODELS = {"LSTM": ("LSTM", 0.0), "LSTM dropout": ("LSTM", 0.4), "GRU": ("GRU", 0.0), "GRU dropout": ("GRU", 0.4)}
FRESH = 400  # sentences drawn, about 4,500 tokens


def configs(solution) -> dict[str, dict]:
    """The configurations of the four models in the quick profile, by name."""
    return {
        name: solution["QUICK"] | {"rnn_type": rnn_type, "dropout": dropout}
        for name, (rnn_type, dropout) in MODELS.items()
    }


def text_of(solution):
    """The corpus of the quick profile."""
    return _text(solution["read_corpus"], tuple(solution["QUICK_LINES"].items()))


@cache
def _text(read_corpus, lines: tuple):
    return read_corpus("toy", dict(lines))


def as_model(answer, name: str, solution) -> torch.nn.Module | str:
    """The model that was handed in under a name, or why it is not that."""
    if isinstance(answer, str):
        return f"models[{name!r}] cannot be mapped onto the course's WordLM"
    try:
        found = describe(answer)
    except ValueError as error:
        return f"the weights of models[{name!r}] are no word language model's: {error}"
    wanted = configs(solution)[name]
    for key in ("rnn_type", "hidden_size", "embedding_size", "num_layers", "tied"):
        if found[key] != wanted[key]:
            return f"models[{name!r}] has another {key} than its configuration says"
    if found["vocab_size"] != len(text_of(solution).vocabulary):
        return f"models[{name!r}] has a vocabulary of another size than the corpus"
    return solution_model(answer, solution)


def ratio_of(name: str):
    """A measure of one model's exported weights: their perplexity over the exact one, on sentences drawn here."""

    def measure(answer, inputs, solution) -> float | str:
        model = as_model(answer, name, solution)
        if isinstance(model, str):
            return model
        return ratio_to_exact(model, text_of(solution).vocabulary, inputs["lines"], solution)

    return measure


def draw_lines(rng: np.random.Generator) -> dict:
    """Fresh sentences of the toy language, whose words all stand in the quick profile's text."""
    return {"lines": toy.sentences(FRESH, rng)}


TRAINED = ("learning_rate", "best_epoch", "run")

models = Question(
    id="models",
    cases=[
        *(
            Case(
                f"{name}: perplexity on fresh sentences of the toy language",
                f"{EXPORTED}\nexported(models[{name!r}])",
                kept=draw_lines,
                judge=Bar(
                    name,
                    ratio_of(name),
                    f"on fresh sentences the perplexity of models[{name!r}] is {{came}} times the exact one; "
                    "{bar} is the most",
                    __file__,
                ),
            )
            for name in MODELS
        ),
    ],
    builds_on=TRAINED,
    made_by="train_models",
    spoiled_by=(
        "run: last epoch's weights kept",
        "run: best epoch by training perplexity",
        "run: no dropout",
        "run: no momentum",
    ),
)


def recomputed(split: str):
    """A judge of a column of the table: each number against that of the weights, on the grader's own corpus."""

    def judge(answer, inputs, solution) -> str | None:
        if not isinstance(answer, tuple) or len(answer) != 2 or not all(isinstance(part, dict) for part in answer):
            return "table should be a DataFrame with a row per model and the columns train, validation and test"
        told, weights = answer
        if set(told) != set(MODELS) or set(weights) != set(MODELS):
            return "table and models should have the four names LSTM, LSTM dropout, GRU and GRU dropout"
        ids = getattr(text_of(solution), {"validation": "valid"}.get(split, split))
        for name, value in told.items():
            model = as_model(weights[name], name, solution)
            if isinstance(model, str):
                return model
            if (
                not isinstance(value, (int, float))
                or not abs(value / solution["perplexity"](model, ids, 512) - 1) < 1e-3
            ):
                return f"the {split} perplexity of {name!r} in the table is not what the model gives"
        return None

    return judge


table = Question(
    id="table",
    cases=[
        Case(
            f"the column {split}, recomputed from models",
            f"{EXPORTED}\n(table[{split!r}].to_dict(), {{str(name): exported(models[name]) for name in models}})",
            judge=recomputed(split),
        )
        for split in ("train", "validation", "test")
    ],
    builds_on=(*TRAINED, "models"),
)


def size(rnn_type: str, width: int, words: int, layers: int) -> int:
    """Parameters of an untied WordLM whose embedding is as wide as its layers, to draw ties from."""
    blocks = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}[rnn_type]
    return 2 * words * width + words + layers * blocks * width * (2 * width + 2)


TYPES = ("LSTM", "GRU", "RNN_TANH", "RNN_RELU")


def draw_counts(rng: np.random.Generator) -> dict:
    """Numbers of parameters of models of each type, moved a little, with words and layers."""
    rows = []
    for rnn_type in TYPES:
        for layers in (1, 2, 3):
            words, width = int(rng.integers(20, 300)), int(rng.integers(5, 60))
            gap = size(rnn_type, width + 1, words, layers) - size(rnn_type, width, words, layers)
            near = size(rnn_type, width, words, layers) + int(rng.integers(-gap // 3, gap // 3))
            upper = size(rnn_type, width, words, layers) + gap // 2 + int(rng.integers(1, gap // 4))
            rows += [(rnn_type, near, words, layers), (rnn_type, upper, words, layers)]
    return {"rows": rows}


def draw_ties(rng: np.random.Generator) -> dict:
    """Numbers midway between those of two neighbouring widths, and those beside it."""
    rows = []
    for rnn_type in TYPES:
        words, width, layers = int(rng.integers(20, 90)), int(rng.integers(2, 30)), int(rng.integers(1, 4))
        middle = (size(rnn_type, width, words, layers) + size(rnn_type, width + 1, words, layers)) // 2
        rows += [(rnn_type, middle + more, words, layers) for more in (-1, 0, 1)]
    return {"rows": rows}


matched_hidden_size = Question(
    id="matched_hidden_size",
    cases=[
        Case(
            "the nearest width for each type, with words and layers",
            "[matched_hidden_size(*row) for row in rows]",
            draw_counts,
            weight=2,
        ),
        Case(
            "the size of the literature: 10,000 words and two layers unless said otherwise",
            "[matched_hidden_size(kind, parameters + more) for kind in ('LSTM', 'GRU', 'RNN_TANH', 'RNN_RELU') "
            "for parameters in (4653200, 4492400, 4170800, 1000000)]",
            lambda rng: {"more": int(rng.integers(-3000, 3000))},
            weight=1.5,
        ),
        Case("the smaller width at a tie", "[matched_hidden_size(*row) for row in rows]", draw_ties),
        Case(
            "at least 1",
            "[matched_hidden_size(kind, parameters, words, 2) for kind in ('LSTM', 'GRU', 'RNN_TANH') "
            "for parameters in (-10, 0, 1, words, 2 * words, 60 * words)]",
            lambda rng: {"words": int(rng.integers(30, 300))},
            weight=0.5,
        ),
        Case(
            "a type that WordLM does not know is refused",
            """
def outcome(kind):
    try:
        width = matched_hidden_size(kind, parameters, 50, 1)
    except ValueError:
        return "ValueError"
    return width

[outcome(kind) for kind in ("LTSM", "RNN", "gru", "", "GRU", "LSTM")]
""",
            lambda rng: {"parameters": int(rng.integers(2000, 9000))},
            weight=0.75,
        ),
    ],
    misconceptions=[
        Misconception(
            "recurrent layers only",
            "return vocab_size * width + recurrent + vocab_size * width + vocab_size",
            "return recurrent",
            "Only the recurrent layers are counted: embedding and decoder grow with the width too.",
        ),
        Misconception(
            "tied",
            "return vocab_size * width + recurrent + vocab_size * width + vocab_size",
            "return vocab_size * width + recurrent + vocab_size",
            "Embedding and decoder are counted as one matrix, but the model is untied.",
        ),
        Misconception(
            "the nearest width, not the nearest number",
            "    width = 1\n    while count(width + 1) <= parameters:\n        width += 1\n"
            "    return width if parameters - count(width) <= count(width + 1) - parameters else width + 1",
            "    a = 2 * num_layers * blocks[rnn_type]\n    b = 2 * vocab_size + a\n"
            "    inside = b * b - 4 * a * (vocab_size - parameters)\n"
            "    return max(1, round((math.sqrt(max(0, inside)) - b) / (2 * a)))",
            "The width at which the numbers are equal was rounded, but N grows faster than the width: compare the "
            "numbers of both neighbours.",
        ),
        Misconception(
            "no decoder bias",
            " + vocab_size * width + vocab_size",
            " + vocab_size * width",
            "The decoder's bias, one number per word, is not counted.",
        ),
        Misconception(
            "one bias per block",
            "(2 * width + 2)",
            "(2 * width + 1)",
            "There is one bias per block in the count, torch has two.",
        ),
        Misconception(
            "one layer",
            "num_layers * blocks[rnn_type]",
            "blocks[rnn_type]",
            "One recurrent layer is counted whatever num_layers says.",
        ),
        Misconception(
            "four blocks for every type",
            "num_layers * blocks[rnn_type]",
            "num_layers * 4",
            "Every type is counted like an LSTM, with four blocks: a GRU has three and a plain RNN one.",
        ),
        Misconception(
            "rounded down",
            "return width if parameters - count(width) <= count(width + 1) - parameters else width + 1",
            "return width",
            "The largest width that does not exceed the number came back, it should be the nearest one.",
        ),
        Misconception(
            "the larger at a tie",
            "parameters - count(width) <= count(width + 1) - parameters",
            "parameters - count(width) < count(width + 1) - parameters",
            "At a tie the larger width came back, it should be the smaller one.",
        ),
        Misconception(
            "width 0",
            "    width = 1\n",
            "    width = 0\n",
            "A width of 0 came back, it should be at least 1.",
        ),
        Misconception(
            "unknown type taken for an LSTM",
            "if rnn_type not in blocks:",
            "rnn_type = rnn_type if rnn_type in blocks else 'LSTM'\n    if not rnn_type:",
            "A type that WordLM does not know should be refused with a ValueError.",
        ),
    ],
    alternatives=[
        Alternative(
            "the root of a quadratic and its neighbours",
            """
def matched_hidden_size(rnn_type, parameters, vocab_size=10000, num_layers=2):
    gates = {"LSTM": 4, "GRU": 3}.get(rnn_type, 1)
    if rnn_type not in ("LSTM", "GRU", "RNN_TANH", "RNN_RELU"):
        raise ValueError(rnn_type)
    a, b, c = 2 * num_layers * gates, 2 * vocab_size + 2 * num_layers * gates, vocab_size - parameters
    root = (-b + math.sqrt(max(0, b * b - 4 * a * c))) / (2 * a)
    around = [width for width in range(int(root) - 2, int(root) + 4) if width >= 1] or [1]
    return min(around, key=lambda width: (abs(a * width * width + b * width + c), width))
""",
        ),
        Alternative(
            "by counting models themselves",
            """
def matched_hidden_size(rnn_type, parameters, vocab_size=10000, num_layers=2):
    def count(width):
        with torch.device("meta"):
            model = WordLM(rnn_type, vocab_size, width, width, num_layers, 0.0, False)
        return sum(parameter.numel() for parameter in model.parameters())

    low, high = 1, 2
    while count(high) < parameters:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= parameters else (low, middle)
    return low if abs(count(low) - parameters) <= abs(count(high) - parameters) else high
""",
        ),
        Alternative(
            "the best of all widths up to a bound",
            """
def matched_hidden_size(rnn_type, parameters, vocab_size=10000, num_layers=2):
    try:
        blocks = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}[rnn_type]
    except KeyError:
        raise ValueError(f"unknown type {rnn_type}") from None
    widths = np.arange(1, 5001)
    counts = (2 * widths + 1) * vocab_size + 2 * num_layers * blocks * widths * (widths + 1)
    return widths[np.abs(counts - parameters).argmin()]
""",
        ),
    ],
)


def differences(rng: np.random.Generator, n: int, t: float) -> np.ndarray:
    """n differences whose mean is t standard errors away from 0."""
    d = rng.standard_normal(n)
    d = (d - d.mean()) / d.std(ddof=1)
    return float(rng.uniform(0.05, 3)) * (d + t / math.sqrt(n))


def draw_pairs(*cases: tuple[int, float], spread: float = 1.0):
    """Pairs of perplexities by seed, a case for each (seeds, t), in an order of their own.

    spread: how far the seeds lie apart, as a multiple of what the differences vary.
    """

    def draw(rng: np.random.Generator) -> dict:
        pairs = []
        for n, t in cases:
            d = differences(rng, n, t)
            b = 110 + spread * float(d.std(ddof=1)) * rng.standard_normal(n)
            pairs.append(((b + d).tolist(), b.tolist()))
        return {"pairs": [pairs[i] for i in rng.permutation(len(pairs))]}

    return draw


ASKED = "[is_better(a, b) for a, b in pairs]"

# t_{n-1}: 12.71, 4.30, 3.18, 2.78, 2.26 for n = 2, 3, 4, 5, 10. The values of t lie well on one side of it, and between
# it and what slips would take: 1.96, the one-sided quantile, n degrees of freedom, a standard deviation by n.
is_better = Question(
    id="is_better",
    cases=[
        Case(
            "a clear difference either way, and none",
            ASKED,
            draw_pairs((5, -9.0), (5, 9.0), (6, 0.3), (8, -12.0), (4, 8.0), (10, -0.5)),
            weight=2,
        ),
        Case(
            "the interval is that of t with n - 1 degrees of freedom, two-sided",
            ASKED,
            draw_pairs(
                *((2, -1.5), (2, 3.0), (2, -5.2), (2, 7.5), (2, -11.0), (2, 15.0)),
                *((3, 1.2), (3, -3.9), (3, 3.9), (3, -5.0), (4, -2.95), (4, 3.5), (5, 2.6), (5, -3.1)),
            ),
            weight=2,
        ),
        Case(
            "more seeds",
            ASKED,
            draw_pairs(
                *((10, 1.0), (10, -1.88), (10, 2.1), (10, -2.19), (10, 2.245), (10, -2.5)),
                *((20, 2.03), (20, 2.2), (40, -2.2), (30, 0.5)),
            ),
        ),
        Case(
            "the differences are paired by seed",
            ASKED,
            draw_pairs((5, -6.0), (6, 6.0), (7, 1.0), (4, -7.0), spread=40.0),
            weight=2,
        ),
        Case(
            "fewer than two seeds show nothing",
            "[is_better([], []), is_better([a], [b]), is_better([b], [a]), is_better([a, a], [b, b])]",
            lambda rng: {"a": float(rng.uniform(80, 90)), "b": float(rng.uniform(100, 110))},
        ),
        Case(
            "a constant difference counts as shown unless it is 0",
            "[is_better([s - gap for s in seeds], seeds), is_better([s + gap for s in seeds], seeds), "
            "is_better(seeds, list(seeds))]",
            lambda rng: {"seeds": [float(s) for s in rng.integers(80, 120, 4)], "gap": float(rng.integers(1, 9)) / 4},
        ),
        Case(
            "unequal lengths are refused",
            """
def outcome(a, b):
    try:
        return is_better(a, b)
    except ValueError:
        return "ValueError"

[outcome(*pair) for pair in [(long, long[1:]), (long[:1], long), ([], long[:1]), (long[:2], [s + 1 for s in long[:2]])]]
""",
            lambda rng: {"long": [float(s) for s in rng.integers(80, 120, 5)]},
            weight=0.75,
        ),
        Case(
            "arrays will do, and the arguments stay as they were",
            "(is_better(a, b), is_better(b, a), is_better(tuple(a), list(b)), a, b)",
            lambda rng: {
                "a": (base := 100 + rng.standard_normal(5)),
                "b": base + differences(rng, 5, 8.0),
            },
            weight=0.5,
        ),
    ],
    misconceptions=[
        Misconception(
            "higher is better",
            'if mean + half < 0:\n        return "yes"\n    if mean - half > 0:\n        return "no"',
            'if mean + half < 0:\n        return "no"\n    if mean - half > 0:\n        return "yes"',
            "Yes and no are the wrong way round: a lower perplexity is better.",
        ),
        Misconception(
            "means compared",
            "t_quantile(n - 1) * differences.std(ddof=1) / math.sqrt(n)",
            "0.0",
            "The means alone are compared: without an interval a difference of chance counts as shown.",
        ),
        Misconception(
            "1.96 for t",
            "t_quantile(n - 1)",
            "1.96",
            "1.96 stands where t with n - 1 degrees of freedom should: with few seeds the interval is too narrow.",
        ),
        Misconception(
            "n degrees of freedom",
            "t_quantile(n - 1)",
            "t_quantile(n)",
            "t is taken with n degrees of freedom, it should be n - 1.",
        ),
        Misconception(
            "one-sided",
            "t_quantile(n - 1)",
            "float(stdtrit(n - 1, 0.95))",
            "The interval is that of a one-sided 95%, the two-sided one takes the 97.5% quantile.",
        ),
        Misconception(
            "standard deviation by n",
            "std(ddof=1)",
            "std()",
            "The standard deviation divides by n, it should divide by n - 1.",
        ),
        Misconception(
            "no root of n",
            " / math.sqrt(n)",
            "",
            "The interval is that of a single difference, that of the mean is narrower by the root of n.",
        ),
        Misconception(
            "not paired",
            "differences.std(ddof=1)",
            "math.sqrt(np.var(a, ddof=1) + np.var(b, ddof=1))",
            "The spreads of the two are added as if they were not paired: take the spread of the differences.",
        ),
        Misconception(
            "one seed is proof",
            '    if n < 2:\n        return "not shown"\n',
            '    if n == 0:\n        return "not shown"\n    if n == 1:\n'
            '        return "yes" if a[0] < b[0] else "no"\n',
            "One seed counts as proof: with fewer than two nothing is known about the spread, so nothing is shown.",
        ),
        Misconception(
            "lengths not checked",
            "if len(a) != len(b):",
            "a, b = a[: len(b)], b[: len(a)]\n    if len(a) != len(b):",
            "Unequal numbers of seeds should be refused with a ValueError, they cannot be paired.",
        ),
        Misconception(
            "a constant difference is not shown",
            "    if mean + half < 0:",
            '    if half < 1e-12:\n        return "not shown"\n    if mean + half < 0:',
            "A constant difference has an interval of a single point, which does not hold 0, so it counts as shown.",
        ),
        Misconception(
            "not shown taken for no",
            '        return "no"\n    return "not shown"',
            '        return "no"\n    return "no"',
            "That 0 lies in the interval does not mean no: it means that nothing is shown.",
        ),
    ],
    alternatives=[
        Alternative(
            "scipy's paired interval",
            """
def is_better(a, b):
    from scipy import stats

    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)}")
    d = [float(x) - float(y) for x, y in zip(a, b)]
    if len(d) < 2:
        return "not shown"
    if min(d) == max(d):
        return "not shown" if d[0] == 0 else ("yes" if d[0] < 0 else "no")
    low, high = stats.ttest_rel(a, b).confidence_interval(0.95)
    return "yes" if high < 0 else "no" if low > 0 else "not shown"
""",
        ),
        Alternative(
            "by the statistic itself",
            """
def is_better(a, b):
    import statistics

    d = [x - y for x, y in zip(a, b, strict=True)]
    if len(d) <= 1:
        return "not shown"
    error = statistics.stdev(d) / len(d) ** 0.5
    mean = statistics.fmean(d)
    if abs(mean) <= t_quantile(len(d) - 1) * error:
        return "not shown"
    return "yes" if mean < 0 else "no"
""",
        ),
        Alternative(
            "by the p value of the differences",
            """
def is_better(a, b):
    from scipy import stats

    if len(a) != len(b):
        raise ValueError("as many of the one as of the other")
    differences = np.subtract(a, b)
    if len(differences) < 2 or not differences.any():
        return "not shown"
    if stats.ttest_1samp(differences, 0).pvalue >= 0.05:
        return "not shown"
    return "yes" if differences.sum() < 0 else "no"
""",
        ),
    ],
)

QUESTIONS = [learning_rate, best_epoch, run, models, table, matched_hidden_size, is_better]
