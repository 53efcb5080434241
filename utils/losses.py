"""The loss that assignments give before the one that derives it."""

from __future__ import annotations

import numpy as np


def loss_and_gradient(logits: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean cross-entropy of a batch in nats, and its gradient with respect to the logits.

    logits: (batch, classes), any size of score. targets: (batch,) whole numbers. Returns a number and an array like
    logits.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_shares = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    right = np.eye(logits.shape[1])[np.asarray(targets)]
    return float(-(log_shares * right).sum(axis=1).mean()), (np.exp(log_shares) - right) / len(logits)
