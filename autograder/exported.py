"""Models from the weights that a hand-in exports (`utils.weights.export_weights`): the solution's own, with them in."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from utils.weights import describe


def solution_model(weights: dict, solution: Mapping) -> torch.nn.Module:
    """The solution's own WordLM with exported weights, in their dtype and in evaluation mode.

    Raises ValueError for weights that are no model's.
    """
    model = solution["WordLM"](dropout=0.0, **describe(weights))
    model.to(torch.from_numpy(weights["embedding.weight"]).dtype)
    tensors = {name: torch.from_numpy(array) for name, array in weights.items() if name != "rnn_type"}
    tensors.setdefault("decoder.weight", tensors["embedding.weight"])  # tied
    model.load_state_dict(tensors)
    return model.eval()
