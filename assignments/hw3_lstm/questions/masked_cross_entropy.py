"""What the grader asks of `masked_cross_entropy`: a loss, and a gradient, in which padding has no part."""

import numpy as np
import torch

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.cases import pure


def masked(steps, classes, lengths, *, filler=None, scale=2.0, tensors=False, broken=False):
    """Draws logits, targets and lengths of a padded batch.

    filler: what stands in padded targets; None for class numbers that look like any other. tensors: as torch tensors.
    broken: whether padded logits are nan and infinity.
    """

    def draw(rng):
        drawn = {
            "logits": scale * rng.standard_normal((steps, len(lengths), classes)),
            "targets": rng.integers(0, classes, (steps, len(lengths))),
            "lengths": rng.permutation(lengths),
        }
        padding = np.arange(steps)[:, None] >= drawn["lengths"]
        if filler is not None:
            drawn["targets"] = np.where(padding, filler, drawn["targets"])
        if broken:
            drawn["logits"][padding] = rng.choice([np.nan, np.inf, -np.inf], (padding.sum(), classes))
        return {name: torch.from_numpy(array) for name, array in drawn.items()} if tensors else drawn

    return draw


MASKED = "masked_cross_entropy(logits, targets, lengths)"
MASKED_GRADIENT = """
import torch
leaf = logits.clone().requires_grad_()
loss = masked_cross_entropy(leaf, targets, lengths)
if getattr(loss, "requires_grad", False):
    loss.backward()
gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
padding = torch.arange(len(logits))[:, None] >= lengths
(loss, gradient, gradient[padding].count_nonzero())
"""

QUESTION = Question(
    cases=[
        Case("numpy, different lengths", MASKED, masked(5, 4, (5, 2, 4)), weight=3, core=True),
        Case("one length of 0", MASKED, masked(4, 3, (4, 0, 1, 2, 3))),
        Case("no padding at all", MASKED, masked(3, 6, (3, 3)), weight=0.5),
        Case("a batch of one, one step", MASKED, masked(1, 5, (1,)), weight=0.5),
        Case("as many sequences as steps", MASKED, masked(4, 3, (1, 4, 2, 2)), weight=0.5),
        Case("padded targets of -100", MASKED, masked(4, 5, (2, 4, 1), filler=-100)),
        Case("padded targets that are no classes at all", MASKED, masked(4, 5, (3, 1, 4), filler=10**6)),
        Case("logits in the thousands", MASKED, masked(3, 4, (3, 1), scale=5000.0), relative=1e-9, core=True),
        Case(
            "tensors: the loss and its gradient, none of it at the padding",
            MASKED_GRADIENT,
            masked(5, 3, (2, 5, 3, 0), tensors=True),
            weight=3,
            core=True,
        ),
        Case(
            "tensors with padded targets of -100, large logits",
            MASKED_GRADIENT,
            masked(3, 4, (3, 1), filler=-100, scale=2000.0, tensors=True),
        ),
        Case("nan and infinity in padded logits", MASKED, masked(4, 3, (2, 1, 4), broken=True)),
        Case(
            "tensors with nan and infinity in padded logits: a gradient of 0 there",
            MASKED_GRADIENT,
            masked(4, 3, (2, 1, 4), tensors=True, broken=True),
        ),
        pure(MASKED, masked(4, 3, (2, 4), filler=-100)),
    ],
    equivalent=[
        Equivalent(r"torch\.arange", "All tensors lie on one device, and logits have as many steps as targets."),
        Equivalent(r"return masked_cross_entropy\(\*tensors\)$", "A tensor without axes is a number too."),
        Equivalent(r"torch\.from_numpy\(array\)", "Arrays whose strides run backwards are not asked."),
        Equivalent(r"isinstance\((targets|lengths)", "All three are arrays, or none."),
    ],
    core="a mean over the real steps alone, gradients of 0 at the padding, and logits in the thousands",
    misconceptions=[
        Misconception(
            "mask read off the targets",
            "real = torch.arange(len(logits), device=logits.device)[:, None] < lengths",
            "real = targets != -100",
            "What is padding is read off the targets; the lengths say it, and padded targets may hold anything.",
        ),
        Misconception(
            "mean over padding too",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "classes = targets.long().clamp(0, logits.shape[2] - 1)\n"
            "    return F.cross_entropy(logits.flatten(0, 1), classes.flatten())",
            "The loss is averaged over the padding too; only the real steps count.",
        ),
        Misconception(
            "divided by all positions",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "return F.cross_entropy(logits[real], targets[real].long(), reduction='sum') / real.numel()",
            "The sum over the real steps is divided by the number of all positions, padding included.",
        ),
        Misconception(
            "mean of per-sequence means",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "some = [b for b in range(real.shape[1]) if real[:, b].any()]\n"
            "    means = [F.cross_entropy(logits[real[:, b], b], targets[real[:, b], b].long()) for b in some]\n"
            "    return torch.stack(means).mean()",
            "This is the mean of the sequences' means; every real step of all sequences has the same weight.",
        ),
        Misconception(
            "mean over the batch",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "return F.cross_entropy(logits[real], targets[real].long(), reduction='sum') / real.shape[1]",
            "The sum over the real steps is divided by the number of sequences; it is a mean over real steps.",
        ),
        Misconception(
            "sum",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "return F.cross_entropy(logits[real], targets[real].long(), reduction='sum')",
            "The loss is the sum over the real steps; it is asked as their mean.",
        ),
        Misconception(
            "padded logits set to zero",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "classes = targets.long().clamp(0, logits.shape[2] - 1)\n"
            "    return F.cross_entropy((logits * real[:, :, None]).flatten(0, 1), classes.flatten())",
            "The padded logits are set to zero but still counted, each with a loss of ln(classes).",
        ),
        Misconception(
            "masked after the softmax",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "classes = torch.where(real, targets, 0).long()[:, :, None]\n"
            "    losses = -logits.log_softmax(dim=2).gather(2, classes)[:, :, 0]\n"
            "    return torch.where(real, losses, 0.0).sum() / real.sum()",
            "The loss is right, but its gradient is nan where padded logits are nan: the mask comes after the softmax; "
            "leave the padding out before it.",
        ),
        Misconception(
            "padding multiplied by zero",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "classes = torch.where(real, targets, 0).long()\n"
            '    losses = F.cross_entropy(logits.flatten(0, 1), classes.flatten(), reduction="none")\n'
            "    return (losses.view_as(real) * real).sum() / real.sum()",
            "The losses of the padding are multiplied by 0, which leaves nan where padded logits are nan or infinite: "
            "leave the padding out before you compute the losses.",
        ),
        Misconception(
            "one step too many",
            "[:, None] < lengths",
            "[:, None] <= lengths",
            "One step behind the end of each sequence is counted as real.",
        ),
        Misconception(
            "not stable",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "p = logits[real].exp() / logits[real].exp().sum(dim=1, keepdim=True)\n"
            "    return -p[torch.arange(len(p)), targets[real].long()].log().mean()",
            "Large logits give nan or infinity: the softmax is computed without a shift, or its logarithm afterwards.",
        ),
        Misconception(
            "in bits",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "return F.cross_entropy(logits[real], targets[real].long()) / np.log(2)",
            "The loss is in bits, with the logarithm to base 2; it is asked in nats.",
        ),
        Misconception(
            "cut off from the gradient",
            "return F.cross_entropy(logits[real], targets[real].long())",
            "return F.cross_entropy(logits.detach()[real], targets[real].long())",
            "With tensors the loss cannot be differentiated.",
        ),
        Misconception(
            "mean of per-step means",
            "    return F.cross_entropy(logits[real], targets[real].long())",
            "    means = [F.cross_entropy(logits[t, row], targets[t, row].long()) for t, row in enumerate(real) "
            "if row.any()]\n"
            "    return torch.stack(means).mean()",
            "Each step's mean counts alike; a late step, at which few sequences are left, then weighs as much as "
            "an early one.",
        ),
    ],
)
