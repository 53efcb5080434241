"""An epoch of hw5's LSTM with all that kept small language models from overfitting before 2018 (docs/record.md)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from autograder.runs.fused_loss import LinearCrossEntropy
from autograder.runs.recipes import Recipe

Hidden = tuple[torch.Tensor, torch.Tensor]


def train_epoch(model: Any, recipe: Recipe, source: torch.Tensor, optimiser: torch.optim.Optimizer) -> float:
    """Train a WordLM once through source (steps, batch); returns the mean cross-entropy per token, in nats.

    A segment's learning rate goes with its length, so that no token counts more than another (Merity et al. 2017).
    """
    fused = source.device.type == "cpu" and recipe.precision == "bfloat16"
    rates = [group["lr"] for group in optimiser.param_groups]
    hidden, start, rows = model.init_hidden(source.size(1)), 0, len(source) - 1
    total = torch.zeros((), device=source.device)
    model.train()
    while start < rows:
        steps = min(_length(recipe), rows - start)
        tokens, targets = source[start : start + steps], source[start + 1 : start + 1 + steps].flatten()
        hidden = hidden[0].detach(), hidden[1].detach()
        outputs, raw, hidden = states(model, recipe, tokens, hidden)
        x, weight, bias = outputs.flatten(0, 1), model.decoder.weight, model.decoder.bias
        if fused:
            loss = LinearCrossEntropy.apply(x, weight, bias, targets)
        else:
            loss = F.cross_entropy(F.linear(x, weight, bias), targets)
        cost = loss + recipe.activation_cost * outputs.square().mean()
        if recipe.temporal_cost and steps > 1:
            cost = cost + recipe.temporal_cost * (raw[1:] - raw[:-1]).square().mean()
        if recipe.similarity_cost:
            cost = cost + recipe.similarity_cost * away_from_targets(x, weight, targets)
        optimiser.zero_grad()
        cost.backward()
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * steps / recipe.bptt
        optimiser.step()
        total += loss.detach() * steps
        start += steps
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        group["lr"] = rate
    return float(total) / rows


def states(
    model: Any, recipe: Recipe, tokens: torch.Tensor, hidden: Hidden
) -> tuple[torch.Tensor, torch.Tensor, Hidden]:
    """What an LSTM of hw5 computes before its decoder, with the recipe's dropout.

    tokens (steps, batch), hidden as the model's init_hidden gives it. Returns the last layer's outputs (steps, batch,
    hidden size) with units dropped and as they were, and the next hidden.
    """
    kept = F.dropout(torch.ones_like(model.decoder.bias), recipe.dropout_words)
    x = _dropped(model.embedding(tokens) * kept[tokens][..., None], recipe.dropout_inputs)
    after = []
    for layer, (from_input, from_state, *biases) in enumerate(model.rnn.all_weights):
        weights = [from_input, F.dropout(from_state, recipe.dropout_weights), *biases]
        h, c = (state[layer : layer + 1] for state in hidden)
        raw, *new = torch.lstm(x, (h, c), weights, True, 1, 0.0, True, False, False)
        x = _dropped(raw, recipe.dropout_outputs if layer == model.num_layers - 1 else recipe.dropout_between)
        after.append(new)
    h, c = (torch.cat(parts) for parts in zip(*after, strict=True))
    return x, raw, (h, c)


def _dropped(x: torch.Tensor, probability: float) -> torch.Tensor:
    """x (steps, batch, size) without some units, the same in all steps (Gal and Ghahramani 2016)."""
    return x * F.dropout(torch.ones_like(x[:1]), probability)


def away_from_targets(x: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Half the variance, over the vocabulary, of x @ weight.T less the logits that the targets' own vectors would give.

    x (n, size), weight (words, size), targets (n,). Over T squared it is, for a large T, the divergence of
    softmax(x @ weight.T / T) from softmax(weight[targets] @ weight.T / T), which Inan et al. (2016) add to the loss.
    """
    fixed = weight.detach()
    mean = fixed.mean(dim=0)
    covariance = fixed.t() @ fixed / len(fixed) - mean.outer(mean)
    away = x - fixed[targets]
    return 0.5 * ((away @ covariance) * away).sum(dim=1).mean()


def _length(recipe: Recipe) -> int:
    """How many steps the next segment has, so that backpropagation is cut at other places in each epoch."""
    if not recipe.spread:
        return recipe.bptt
    about = recipe.bptt if torch.rand(()) < 0.95 else recipe.bptt / 2
    return max(5, round(float(torch.normal(torch.tensor(float(about)), recipe.spread))))
