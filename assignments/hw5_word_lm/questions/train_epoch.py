"""What the grader asks of `train_epoch`: steps over segments with the state carried and cut."""

from autograder.oracle import Case, Equivalent, Misconception, Question

from ._recall import RECALL, draw_recall

# Plain gradient descent that notes the norm of what it is given; with or without a closure.
WATCHED = (
    RECALL
    + """
class Watched(torch.optim.SGD):
    def __init__(self, model, **options):
        super().__init__(model.parameters(), **options)
        self.norms = []

    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        self.norms.append(float(torch.stack([g.norm() for g in gradients]).norm()))
        super().step()
        return loss

def weights_of(model):
    return {name: parameter.detach() for name, parameter in model.named_parameters()}
"""
)
ONE_EPOCH = "model = Recall()\noptimiser = Watched(model, lr=0.3)\nloss = train_epoch(model, ids, optimiser, 4, 0.2)\n"

QUESTION = Question(
    cases=[
        Case(
            "the mean loss per token",
            f"{WATCHED}{ONE_EPOCH}loss",
            draw_recall(17, 3),
            weight=1.5,
            relative=1e-5,
            core=True,
        ),
        Case(
            "the weights after an epoch",
            f"{WATCHED}{ONE_EPOCH}weights_of(model)",
            draw_recall(17, 3),
            weight=2,
            relative=1e-4,
            absolute=1e-6,
            core=True,
        ),
        Case(
            "the short last segment counts, by its tokens",
            f"{WATCHED}{ONE_EPOCH}(loss, weights_of(model))",
            draw_recall(12, 2),
            weight=1.5,
            relative=1e-4,
            absolute=1e-6,
        ),
        Case(
            "the state is carried from segment to segment, without history",
            f"{WATCHED}{ONE_EPOCH}calls = model.calls\n(loss, [call['cut'] for call in calls], "
            "float(calls[0]['state'].abs().sum()), "
            "[float((call['state'][0] - before['after']).abs().max()) for before, call in zip(calls, calls[1:])])",
            draw_recall(15, 3),
            relative=1e-4,
            core=True,
        ),
        Case(
            "a state that is a pair, cut in both parts, in a batch of one",
            f"{WATCHED}{ONE_EPOCH.replace('Recall()', 'Recall(pair=True)')}"
            "(loss, weights_of(model), [call['cut'] for call in model.calls])",
            draw_recall(10, 1),
            weight=0.5,
            relative=1e-4,
            absolute=1e-6,
        ),
        Case(
            "gradients are clipped by norm before each step",
            f"{WATCHED}model = Recall()\noptimiser = Watched(model, lr=0.3)\n"
            "loss = train_epoch(model, ids, optimiser, 5, 0.01)\n"
            "(loss, optimiser.norms)",
            draw_recall(16, 4),
            relative=1e-4,
        ),
        Case(
            "training mode, whatever mode the model came in",
            f"{WATCHED}{ONE_EPOCH.replace('Recall()', 'Recall().eval()')}"
            "(loss, [call['training'] for call in model.calls])",
            draw_recall(9, 2),
            weight=0.5,
            relative=1e-4,
        ),
        Case(
            "one segment only, and segments of one step",
            f"{WATCHED}results = []\nfor bptt in (50, 7, 1):\n    model = Recall()\n"
            "    results.append((train_epoch(model, ids, Watched(model, lr=0.1), bptt, 1.0), "
            "weights_of(model)))\nresults",
            draw_recall(8, 3),
            weight=0.5,
            relative=1e-4,
            absolute=1e-6,
        ),
        Case(
            "gradients of an earlier epoch are forgotten, and chance goes on from segment to segment",
            f"{WATCHED}model = Recall()\nfor parameter in model.parameters():\n"
            "    parameter.grad = torch.ones_like(parameter)\noptimiser = Watched(model, lr=0.3)\n"
            "loss = train_epoch(model, ids, optimiser, 4, 0.2)\nchance = [call['chance'] for call in model.calls]\n"
            "(loss, weights_of(model), len(set(chance)) == len(chance))",
            draw_recall(11, 2),
            weight=0.5,
            relative=1e-4,
            absolute=1e-6,
        ),
        Case(
            "two epochs with momentum, each from a state of zeros",
            f"{WATCHED}model = Recall()\noptimiser = Watched(model, lr=0.1, momentum=0.9)\n"
            "losses = [train_epoch(model, ids, optimiser, 4, 100.0) for _ in range(2)]\n(losses, "
            "weights_of(model), ids)",
            draw_recall(13, 2),
            weight=0.5,
            relative=1e-4,
            absolute=1e-6,
        ),
    ],
    equivalent=[
        Equivalent(
            r"two lines exchanged", "These lines do not need each other, as long as gradients are zero before backward."
        ),
        Equivalent(r"return total / tokens", "A tensor without axes is a number too."),
        Equivalent(r"data\.numel\(\)", "There is a target for each input."),
        Equivalent(r"total \+= loss \* ", "Its graph is freed by backward already."),
        Equivalent(r"model\.zero_grad", "The optimiser holds the model's parameters."),
        Equivalent(r"0, 0\.0", "A whole number that grows by floats is the same."),
    ],
    core="the mean loss per word, a step for each segment, and a state that is carried without its history",
    misconceptions=[
        Misconception(
            "clipped after the step",
            "        clip_by_norm(model.parameters(), clip)\n        optimiser.step()",
            "        optimiser.step()\n        clip_by_norm(model.parameters(), clip)",
            "The optimiser's step is taken with gradients that are not clipped: clip after backward and before "
            "the step.",
        ),
        Misconception(
            "state reset in every segment",
            "hidden = repackage_hidden(hidden)",
            "hidden = model.init_hidden(source.size(1))",
            "Each segment starts from zeros: only the gradient should be cut; the values of the state are carried on.",
        ),
        Misconception(
            "state not repackaged",
            "        hidden = repackage_hidden(hidden)\n",
            "",
            "The state still has its history, so the second backward pass runs into the first segment, whose graph is "
            "freed: repackage it before each segment.",
        ),
        Misconception(
            "gradients pile up",
            "        optimiser.zero_grad()\n",
            "",
            "The gradients of earlier segments are still in .grad: set them to zero before each backward pass.",
        ),
        Misconception(
            "mean of the segments' means",
            "        total += loss.detach() * targets.numel()  # no .item(): it would make a GPU wait\n"
            "        tokens += targets.numel()",
            "        total += loss.detach()\n        tokens += 1",
            "The segments' means were averaged, so the short last one counts as much as a long one: weigh by tokens.",
        ),
        Misconception(
            "last segment left out",
            "for start in range(0, len(source) - 1, bptt):",
            "for start in range(0, len(source) - 1 if len(source) <= bptt else len(source) - bptt, bptt):",
            "The short last segment is left out; it should be trained on too.",
        ),
        Misconception(
            "sum for the segment's loss",
            "F.cross_entropy(logits.flatten(0, 1), targets.flatten())\n        loss.backward()",
            "F.cross_entropy(logits.flatten(0, 1), targets.flatten())\n        (loss * targets.numel()).backward()",
            "The gradient is that of the summed loss; it should be that of the segment's mean.",
        ),
        Misconception(
            "mode left as it is",
            "    model.train()\n",
            "",
            "The model is not put into training mode, so a model that was just evaluated trains without dropout.",
        ),
        Misconception(
            "each entry clipped",
            "clip_by_norm(model.parameters(), clip)",
            "[parameter.grad.clamp_(-clip, clip) for parameter in model.parameters()]",
            "Each entry was clipped by its value, but the gradients are clipped by norm, all together.",
        ),
        Misconception(
            "loss of the last segment",
            "return float(total / tokens)",
            "return float(loss)",
            "The loss of the last segment came back; it should be the mean over all tokens of the epoch.",
        ),
        Misconception(
            "sum over the steps",
            "        loss.backward()\n",
            "        (loss * len(data)).backward()\n",
            "The loss is summed over the steps and averaged over the columns alone, so the gradient grows with "
            "the segment's "
            "length; it is the mean over all tokens of the segment.",
        ),
        Misconception(
            "softmax before cross_entropy",
            "F.cross_entropy(logits.flatten(0, 1), targets.flatten())\n        loss.backward()",
            "F.cross_entropy(logits.flatten(0, 1).softmax(dim=-1), targets.flatten())\n        loss.backward()",
            "The softmax is taken twice: F.cross_entropy takes the logits and computes the softmax by itself.",
        ),
    ],
    builds_on=("get_batch", "repackage_hidden", "clip_by_norm"),
)
