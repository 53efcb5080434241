"""What the grader asks of `gradient_per_step`: the share of each step in the gradient of one array."""

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.cases import pure

from ._draws import sequence

SHARES = "gradient_per_step(xs, h0, c0, params, name)"


def shares(label, draw, ask=SHARES, weight=1.0, core=False):
    """A case on gradients, with their tolerance."""
    return Case(label, ask, draw, weight, relative=1e-6, absolute=1e-9, core=core)


QUESTION = Question(
    cases=[
        shares("a weight of the candidate", sequence(4, 3, 2, 5, name="W_xg"), weight=2, core=True),
        shares("a weight of the forget gate", sequence(4, 3, 2, 5, name="W_hf"), weight=2, core=True),
        shares("a bias", sequence(5, 2, 3, 4, name="b_i")),
        shares("a single step", sequence(1, 2, 4, 3, name="W_ho")),
        shares("a batch of one, from zero states", sequence(3, 1, 3, 4, zero=True, name="W_hg")),
        shares(
            "all twelve arrays of a sequence",
            sequence(3, 2, 4, 3),
            "{name: gradient_per_step(xs, h0, c0, params, name) for name in params}",
            weight=2,
            core=True,
        ),
        pure(SHARES, sequence(3, 2, 2, 3, name="W_xo"), relative=1e-6),
    ],
    equivalent=[
        Equivalent(
            r"torch\.from_numpy\(c0\), -?[\d.]+\)", "A constant added to what is differentiated has no gradient."
        ),
        Equivalent(r"torch\.tensor\(weights\[name\]", "Only the array of that name is replaced, by its own copies."),
    ],
    core="each step's share of the gradient",
    misconceptions=[
        Misconception(
            "one shared array",
            "copies = [torch.tensor(params[name], requires_grad=True) for _ in xs]",
            "copies = [torch.tensor(params[name], requires_grad=True)] * len(xs)",
            "Every row holds the sum over all steps: the steps share one tensor in place of having a copy each.",
        ),
        Misconception(
            "last output only",
            "total = total + h.sum()",
            "total = h.sum()",
            "Only the last output is differentiated; the loss is the sum of the outputs of all steps.",
        ),
        Misconception(
            "gradient stops at each step",
            "w = weights | {name: copy}",
            "w = weights | {name: copy}\n        h, c = h.detach(), c.detach()",
            "Each share is that of its own step's output alone: the gradient does not come back from later steps.",
        ),
        Misconception(
            "gradient stops in the outputs",
            "c = torch.sigmoid(i) * torch.tanh(g) + torch.sigmoid(f) * c\n"
            "        h = torch.sigmoid(o) * torch.tanh(c)\n"
            "        total = total + h.sum()",
            "c = torch.sigmoid(i) * torch.tanh(g) + torch.sigmoid(f) * c\n"
            "        h = torch.sigmoid(o) * torch.tanh(c)\n"
            "        total = total + h.sum()\n"
            "        h = h.detach()",
            "The gradient comes back along the cell state only; the output h of a step goes into the next one too.",
        ),
        Misconception(
            "mean of the outputs",
            "total = total + h.sum()",
            "total = total + h.mean()",
            "The outputs are averaged over batch and units; the loss is their sum.",
        ),
        Misconception(
            "cell states differentiated",
            "total = total + h.sum()",
            "total = total + c.sum()",
            "The loss is the sum of the cell states here; it is asked of the outputs h.",
        ),
        Misconception(
            "shares from the last step to the first",
            "return np.stack([copy.grad.numpy() for copy in copies])",
            "return np.stack([copy.grad.numpy() for copy in reversed(copies)])",
            "The shares come in reverse order: the first row belongs to the first step.",
        ),
        Misconception(
            "summed over the steps",
            "return np.stack([copy.grad.numpy() for copy in copies])",
            "return np.sum([copy.grad.numpy() for copy in copies], axis=0)",
            "This is the gradient of the shared weight, the sum over the steps; asked are the shares, one per step.",
        ),
        Misconception(
            "each output by the shared array",
            "        total = total + h.sum()\n    total.backward()\n"
            "    return np.stack([copy.grad.numpy() for copy in copies])",
            "        shares = torch.autograd.grad(h.sum(), copies, retain_graph=True, allow_unused=True)\n"
            "        total = (total or []) + [sum(share for share in shares if share is not None)]\n"
            "    return np.stack([share.numpy() for share in total])",
            "What comes back is the gradient of each step's output by the one array; it should be that of the "
            "whole loss "
            "by each step's use of it.",
        ),
    ],
)
