"""What the grader asks of `count_parameters`: linear layers and batch norms, tied and frozen ones."""

from autograder.oracle import Case, Misconception, Question


def draw_sizes(rng):
    return {"a": int(rng.integers(3, 9)), "b": int(rng.integers(10, 20)), "c": int(rng.integers(21, 30))}


TORCH = "import torch\nfrom torch import nn\n"

QUESTION = Question(
    cases=[
        Case(
            "layers inside layers",
            TORCH + "count_parameters(nn.Sequential(nn.Linear(a, b), nn.Sequential(nn.ReLU(), nn.GRU(b, c, 2))))",
            draw_sizes,
            core=True,
        ),
        Case(
            "buffers do not count",
            TORCH + "count_parameters(nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b), nn.Dropout(0.5)))",
            draw_sizes,
        ),
        Case(
            "frozen parameters do not count",
            TORCH + "m = nn.Sequential(nn.Linear(a, b), nn.Linear(b, c))\nm[0].bias.requires_grad = False\n"
            "m[1].weight.requires_grad = False\ncount_parameters(m)",
            draw_sizes,
        ),
        Case(
            "shared parameters and shared modules count once",
            TORCH + "e, d = nn.Embedding(c, b), nn.Linear(b, c)\nd.weight = e.weight\nl = nn.Linear(b, b)\n"
            "count_parameters(nn.ModuleDict({'e': e, 'd': d, 'l': l, 'again': l}))",
            draw_sizes,
        ),
        Case(
            "layers that are equal and not the same count each",
            TORCH + "count_parameters(nn.Sequential(nn.BatchNorm1d(b), nn.Linear(b, a), nn.BatchNorm1d(b)))",
            draw_sizes,
            weight=0.5,
        ),
        Case(
            "bare parameters, and a model without any",
            TORCH + "class Bare(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.scale = nn.Parameter(torch.ones(a, b, 2))\n"
            "        self.one = nn.Parameter(torch.tensor(1.0))\n"
            "        self.plain = torch.ones(5)\n"
            "m = Bare()\n[count_parameters(m), count_parameters(nn.ReLU()), m.training]",
            draw_sizes,
        ),
    ],
    core="the parameters of layers inside layers",
    misconceptions=[
        Misconception(
            "buffers counted",
            "for parameter in model.parameters() if parameter.requires_grad",
            "for parameter in [*(p for p in model.parameters() if p.requires_grad), *model.buffers()]",
            "Buffers such as the running estimates are counted: gradient descent does not change them.",
        ),
        Misconception(
            "frozen counted",
            " if parameter.requires_grad",
            "",
            "Frozen parameters are counted: only those with requires_grad are learnt.",
        ),
        Misconception(
            "shared counted twice",
            "for parameter in model.parameters()",
            "for _, parameter in model.named_parameters(remove_duplicate=False)",
            "A tensor that is used twice is counted twice: it is learnt once.",
        ),
        Misconception(
            "tensors counted",
            "parameter.numel()",
            "1",
            "The tensors are counted, not the numbers in them.",
        ),
    ],
)
