"""What the grader asks of `train_characters`: epochs, schedule and clipping."""

from __future__ import annotations

import numpy as np
import torch

from autograder.oracle import Case, Equivalent, Misconception, Question

from ._draws import seed_of

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


QUESTION = Question(
    cases=[
        Case(
            "the learning rate of every step, in every group",
            f"{TRAINING}\nhistory, _ = trained(config)\n(len(history), rates)",
            draw_run(),
            weight=2,
            relative=1e-6,
            core=True,
        ),
        Case(
            "bits per character of both texts",
            f"{TRAINING}\ntrained(config)[0]",
            draw_run(),
            weight=2,
            relative=1e-3,
            core=True,
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
            "the weights of the last epoch stay, also where an earlier one was better",
            f"{TRAINING}\nhistory, weights = trained(config)\n(history, weights, history[-1][1] > history[0][1])",
            draw_run(epochs=2, batch_size=5, bptt=6, flat_epochs=1, decay=60.0),
            weight=0.5,
            relative=1e-2,
            absolute=2e-3,
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
    equivalent=[
        Equivalent(r"valid_ids, (501|499|1|2)\)", "How many steps are read at a time changes nothing."),
    ],
    core="the learning rate of every step, and the measures of both texts",
    misconceptions=[
        Misconception(
            "decay per batch",
            "learning_rate(epoch, config",
            'learning_rate(1 + (epoch - 1) * len(range(0, len(source) - 1, config["bptt"])), config',
            "The rate decays with the batches; it should decay once per epoch.",
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
            "Only the first group of the optimiser gets the rate of the epoch; every group should.",
        ),
        Misconception(
            "the rate never set",
            '            group["lr"] = rate',
            '            group.setdefault("lr", rate)',
            "The optimiser keeps the rate with which it came; it should get the rate of each epoch.",
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
            "The training loss is in nats per character; it should be in bits: divide by ln 2.",
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
            "The validation number is in nats per character; it should be in bits: take the logarithm to base 2.",
        ),
        Misconception(
            "validation as perplexity",
            "math.log2(perplexity(model, valid_ids, 500))",
            "perplexity(model, valid_ids, 500)",
            "The validation number is a perplexity; its logarithm to base 2 was asked for.",
        ),
        Misconception(
            "validated on the training text",
            "perplexity(model, valid_ids, 500)",
            "perplexity(model, train_ids, 500)",
            "The second number of each pair is measured on the training text; it should be on the validation text.",
        ),
        Misconception(
            "validated before the epoch",
            '        nats = train_epoch(model, source, optimiser, config["bptt"], config["clip"])\n'
            "        train_bits = nats / math.log(2)\n"
            "        valid_bits = math.log2(perplexity(model, valid_ids, 500))\n",
            "        valid_bits = math.log2(perplexity(model, valid_ids, 500))\n"
            '        nats = train_epoch(model, source, optimiser, config["bptt"], config["clip"])\n'
            "        train_bits = nats / math.log(2)\n",
            "The validation text is measured before the epoch has trained; it should be measured after it.",
        ),
        Misconception(
            "an optimiser of its own",
            "    history = []\n",
            "    history = []\n    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)\n",
            "The model is trained by another optimiser than the one that was given.",
        ),
        Misconception(
            "not clipped",
            'config["bptt"], config["clip"])',
            'config["bptt"], math.inf)',
            "The gradients are not clipped at config['clip'].",
        ),
        Misconception(
            "decayed from the optimiser's own rate",
            'group["lr"] = rate',
            'group["lr"] *= config["decay"] if epoch > config["flat_epochs"] else 1',
            "The rate with which the optimiser came is decayed, and config['learning_rate'] is never used: set the "
            "rate of each epoch to what learning_rate gives.",
        ),
        Misconception(
            "perplexity divided by ln 2",
            "math.log2(perplexity(model, valid_ids, 500))",
            "perplexity(model, valid_ids, 500) / math.log(2)",
            "The validation perplexity is divided by ln 2 like a loss in nats: take its logarithm to base 2 instead.",
        ),
    ],
)
