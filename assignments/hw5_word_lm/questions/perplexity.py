"""What the grader asks of `perplexity`: one stream with the state carried, whatever the segments."""

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.programs import refuses

from ._recall import RECALL, draw_recall

CUT_APART = (
    "Each segment is predicted by itself, so its first token is not predicted at all: the target of a segment's last "
    "token is the first token of the next segment."
)

LOOP = """\
        for start in range(0, len(ids) - 1, bptt):
            data = stream[:-1][start : start + bptt]
            targets = ids[1:][start : start + bptt]
            logits, hidden = model(data, hidden)
            nll += F.cross_entropy(logits.flatten(0, 1), targets, reduction="sum").item()
    model.train(was_training)
    return torch.tensor(nll / (len(ids) - 1), dtype=torch.float64).exp().item()  # math.exp raises where this is inf"""

LAST = LOOP[LOOP.index("nll +=") :]

QUESTION = Question(
    cases=[
        Case(
            "exact on fixed weights, the last segment shorter",
            f"{RECALL}\nperplexity(Recall().eval(), ids, 6)",
            draw_recall(45),
            weight=2,
            relative=1e-5,
            core=True,
        ),
        Case(
            "the same whatever the length of the pieces",
            f"{RECALL}\n[perplexity(Recall().eval(), ids, bptt) for bptt in (1, 4, 22, 23, 24, 500)]",
            draw_recall(24),
            weight=2,
            relative=1e-5,
            core=True,
        ),
        Case(
            "evaluation mode for a model that comes in training mode",
            f"{RECALL}\nmodel = Recall().train()\nvalue = perplexity(model, ids, 7)\n"
            "(value, model.calls[0]['training'])",
            draw_recall(20),
            weight=1.5,
            relative=1e-5,
            core=True,
        ),
        Case(
            "the old mode is restored",
            f"{RECALL}\nresults = []\nfor mode in (True, False):\n    model = Recall().train(mode)\n"
            "    results.append((perplexity(model, ids, 5), model.training))\nresults",
            draw_recall(12),
            relative=1e-5,
        ),
        Case(
            "no graph is made while measuring, and gradients are on again afterwards",
            f"{RECALL}\nmodel = Recall().eval()\nvalue = perplexity(model, ids, 5)\n"
            "(value, any(call['recorded'] for call in model.calls), torch.is_grad_enabled())",
            draw_recall(14),
            weight=0.5,
            relative=1e-5,
        ),
        Case("two ids", f"{RECALL}\nperplexity(Recall().eval(), ids, 5)", draw_recall(2), 0.5, relative=1e-5),
        Case(
            "a state that is a pair",
            f"{RECALL}\nperplexity(Recall(pair=True).eval(), ids, 6)",
            draw_recall(20),
            weight=0.5,
            relative=1e-5,
        ),
        Case(
            "one stream, from a state of zeros, at most bptt steps at a time",
            f"{RECALL}\nmodel = Recall().eval()\nvalue = perplexity(model, ids, 6)\n"
            "(value, float(model.calls[0]['state'].abs().sum()), [call['batch'] for call in model.calls[:1]], "
            "max(call['steps'] for call in model.calls) <= 6, sum(call['steps'] for call in model.calls) >= "
            "len(ids) - 1)",
            draw_recall(33),
            weight=0.5,
            relative=1e-5,
        ),
        Case(
            "fewer than two ids are refused",
            RECALL + refuses("perplexity(Recall(), ids[:value], 4)", "(0, 1, 2)"),
            draw_recall(5),
            weight=0.5,
        ),
        Case(
            "ids and weights stay as they were and a second call gives the same",
            f"{RECALL}\nmodel = Recall().eval()\nfirst = perplexity(model, ids, 9)\n"
            "(first, perplexity(model, ids, 9), ids, [p.detach() for p in model.parameters()])",
            draw_recall(15),
            weight=0.25,
            relative=1e-5,
        ),
    ],
    equivalent=[
        Equivalent(r"two lines exchanged", "These lines do not need each other."),
        Equivalent(r"reduction='sum'\)$", "A sum in a tensor is the same."),
        Equivalent(r"logits\.flatten\(1\)", "With one column the batch's axis has one entry."),
        Equivalent(r"len\(stream\)", "The stream is the ids."),
        Equivalent(r"torch\.tensor\(nll / \(len\(ids\) - 1\)", "float32 is exact enough, and so is a tensor."),
    ],
    core="the mean over predicted words in evaluation mode, with the state carried",
    misconceptions=[
        Misconception(
            "state reset in every segment",
            "            logits, hidden = model(data, hidden)",
            "            logits, _ = model(data, hidden)",
            "The state starts from zeros in every segment; it should be carried through the whole text.",
        ),
        Misconception(
            "dropout on in evaluation",
            "model.eval()",
            "model.train()",
            "The model was asked in training mode, so its dropout was on: call model.eval() first.",
        ),
        Misconception(
            "mode not restored",
            "    model.train(was_training)\n",
            "",
            "The model is left in evaluation mode whatever mode it came in.",
        ),
        Misconception(
            "left in training mode",
            "model.train(was_training)",
            "model.train()",
            "The model is left in training mode whatever mode it came in.",
        ),
        Misconception(
            "mean of the segments' perplexities",
            LAST,
            "nll += math.exp(F.cross_entropy(logits.flatten(0, 1), targets).item())\n"
            "    model.train(was_training)\n    return nll / math.ceil((len(ids) - 1) / bptt)",
            "This is the mean of the segments' perplexities: sum the nats of all tokens, then take one exponential.",
        ),
        Misconception(
            "mean of the segments' means",
            LAST,
            "nll += F.cross_entropy(logits.flatten(0, 1), targets).item()\n"
            "    model.train(was_training)\n    return math.exp(nll / math.ceil((len(ids) - 1) / bptt))",
            "The segments' means were averaged, so a short last segment counts as much as a long one: sum over "
            "tokens instead.",
        ),
        Misconception(
            "exp of a base-2 loss",
            "torch.tensor(nll / (len(ids) - 1)",
            "torch.tensor(nll / math.log(2) / (len(ids) - 1)",
            "The loss in bits went into exp: with nats it is exp, with bits it is a power of 2.",
        ),
        Misconception(
            "a power of 2 of nats",
            "torch.tensor(nll / (len(ids) - 1)",
            "torch.tensor(nll * math.log(2) / (len(ids) - 1)",
            "2 was raised to the power of nats: cross_entropy gives nats, which go into exp.",
        ),
        Misconception(
            "divided by all tokens",
            "nll / (len(ids) - 1)",
            "nll / len(ids)",
            "The sum is divided by the number of tokens, but the first one is not predicted: divide by one less.",
        ),
        Misconception(
            "targets not shifted",
            "targets = ids[1:][start : start + bptt]",
            "targets = ids[:-1][start : start + bptt]",
            "The model is asked for the token that it has just read; the target is the next one.",
        ),
        Misconception(
            "segments cut apart",
            LOOP,
            LOOP.replace("stream[:-1][start : start + bptt]", "stream[start : start + bptt][:-1]")
            .replace(
                "ids[1:][start : start + bptt]", "ids[start : start + bptt][1:]\n            if not len(data): continue"
            )
            .replace("(len(ids) - 1))", "sum(min(bptt, len(ids) - n) - 1 for n in range(0, len(ids) - 1, bptt)))"),
            CUT_APART,
        ),
        Misconception(
            "segments of one token more, cut apart",
            LOOP,
            LOOP.replace(", bptt):", ", bptt + 1):").replace(
                "(len(ids) - 1))", "sum(min(bptt, len(ids) - 1 - n) for n in range(0, len(ids) - 1, bptt + 1)))"
            ),
            CUT_APART,
        ),
    ],
)
