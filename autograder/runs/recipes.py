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
    cosine: the learning rate falls to 0 along half a cosine instead.
    dropout_...: probability of dropping, in all steps of a segment, a word wherever it stands, a unit of the
        embeddings, one between the layers, one of the outputs, a weight from state to gates. For an LSTM of words, and
        so are the next two.
    ..._cost: what is added to the loss, times the mean square of the outputs, of their changes from step to step, and
        half the variance of the logits' distance from those of the next word's own vector.
    spread: standard deviation of a segment's length, in steps; one in twenty is about half as long.
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
    cosine: bool = False
    dropout_words: float = 0.0
    dropout_inputs: float = 0.0
    dropout_between: float = 0.0
    dropout_outputs: float = 0.0
    dropout_weights: float = 0.0
    activation_cost: float = 0.0
    temporal_cost: float = 0.0
    similarity_cost: float = 0.0
    spread: float = 0.0

    @property
    def regularised(self) -> bool:
        """Whether it needs an epoch of its own (regularised.py)."""
        return bool(self.spread) or any(
            value and (name.startswith("dropout_") or name.endswith("_cost")) for name, value in asdict(self).items()
        )

    def changes(self) -> dict:
        """What differs from the defaults: a checkpoint is known by it, also when recipes have learnt a new field."""
        return {name: value for name, value in asdict(self).items() if value != asdict(Recipe())[name]}
