"""What the course's notebooks import: corpora, baselines, the trainer, weights, checks and plots."""

__version__ = "1.0.0"
