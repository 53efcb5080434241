"""What describes a training run, as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Recipe:
    """What describes a run. The defaults are pytorch/examples' tied run of March 2017 (87.17 on PTB's test text).

    characters: the corpus is read by characters, as in hw7, and every parameter starts uniform in [-0.1, 0.1].
    optimiser: "SGD"; "ASGD", whose weights are averaged over all steps for validation and at the end; or "AdamW", which
        has `momentum` as its first beta.
    start: the name of another run under runs/, whose best weights this one begins with.
    flat_epochs: 0 divides the learning rate by `shrink` after each epoch without a better validation perplexity; any
        other number keeps it for so many epochs and then multiplies it by `decay` once per epoch.
    precision: of training, one of utils.precision's; on a CPU "bfloat16" is for the decoder alone
        (fused_loss.py), and the rest is trained at "medium".
    """

    corpus: str = "ptb"
    characters: bool = False
    rnn_type: str = "LSTM"
    embedding_size: int = 200
    hidden_size: int = 200
    num_layers: int = 2
    dropout: float = 0.2
    tied: bool = True
    batch_size: int = 20
    bptt: int = 35
    clip: float = 0.25
    optimiser: str = "SGD"
    learning_rate: float = 20.0
    shrink: float = 4.0
    flat_epochs: int = 0
    decay: float = 0.5
    momentum: float = 0.0
    weight_decay: float = 0.0
    epochs: int = 40
    max_vocabulary: int = 100_000
    precision: str = "highest"
    seed: int = 1
    start: str = ""

    def changes(self) -> dict:
        """What differs from the defaults: a checkpoint is known by it, also when recipes have learnt a new field."""
        return {name: value for name, value in asdict(self).items() if value != asdict(Recipe())[name]}
