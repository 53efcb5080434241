"""A training run watched from outside, and configurations to draw for it."""

from __future__ import annotations

import numpy as np
import torch

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
    return [history[name].astype(float).tolist() for name in ("epoch", "train", "validation", "learning_rate")]

def weights(model):
    return [parameter.detach() for parameter in model.parameters()]
"""

# Whether dropout acts while a run trains, and whether it leaves the state alone: `config` has dropout.
DROPPED = """
results = []
for rnn_type in ('LSTM', 'GRU'):
    history, model = run(config | {'rnn_type': rnn_type}, corpus)
    dry, _ = run(config | {'rnn_type': rnn_type, 'dropout': 0.0}, corpus)
    tokens, model = train[:12].view(4, 3), copy.deepcopy(model).train()
    logits = [model(tokens, model.init_hidden(3))[0] for _ in range(2)]
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.shape == (7, 5):
                parameter.zero_()
    states = [model(tokens, model.init_hidden(3))[1] for _ in range(3)]
    firsts = [state[0] if isinstance(state, tuple) else state for state in states]
    warm = tuple(torch.ones(1, 3, 6) for _ in range(2)) if rnn_type == 'LSTM' else torch.ones(1, 3, 6)
    from_ones = [model(tokens, warm)[1] for _ in range(3)]
    ends = [state[0] if isinstance(state, tuple) else state for state in from_ones]
    results.append((len(history), history['train'].tolist() != dry['train'].tolist(),
                    torch.equal(*logits), [torch.equal(one, firsts[0]) for one in firsts],
                    [torch.equal(one, ends[0]) for one in ends]))
results
"""


# Whether the model is sent anywhere: on a CPU it stays where it is, but the call can be seen.
MOVED = """
class Noting(Started):
    sent = []

    def to(self, *arguments, **options):
        self.sent.append([str(one) for one in (*arguments, *options.values())])
        return super().to(*arguments, **options)

Started = Noting
history, _ = started(config, corpus)
(len(history), ['cpu'] in Noting.sent)
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
    "The model carries the weights of the last epoch; it should carry those of the best one: load a copy that was "
    "taken then (state_dict() alone is no copy: its tensors go on changing)."
)
CLOSE = {"relative": 1e-4, "absolute": 1e-6}
