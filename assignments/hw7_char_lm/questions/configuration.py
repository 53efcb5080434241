"""What the grader asks of `configuration`: the entries of the two recipes."""

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.programs import refuses

ENTRIES = """
def entries(size, *names):
    config = configuration(size)
    return {name: config[name] if isinstance(config[name], str) else float(config[name]) for name in names}

SIZES = ("baseline", "large")
"""

QUESTION = Question(
    cases=[
        Case(
            "type, sizes and layers",
            f"{ENTRIES}\n[entries(size, 'rnn_type', 'embedding_size', 'hidden_size', 'num_layers', 'tied') "
            "for size in SIZES]",
            weight=2,
            core=True,
        ),
        Case("dropout", f"{ENTRIES}\n[entries(size, 'dropout') for size in SIZES]", weight=1.5),
        Case(
            "learning rate, flat epochs, decay, epochs and momentum",
            f"{ENTRIES}\n[entries(size, 'learning_rate', 'flat_epochs', 'decay', 'epochs', 'momentum') "
            "for size in SIZES]",
            weight=2,
            relative=1e-4,
            core=True,
        ),
        Case(
            "batch, clip and the steps of a piece",
            f"{ENTRIES}\n[(entries(size, 'batch_size', 'clip'), 35 <= configuration(size)['bptt'] <= 50, "
            "configuration(size)['bptt'] % 1 == 0, configuration(size)['seed'] % 1 == 0) for size in SIZES]",
            weight=1.5,
        ),
        Case(
            "another size is refused",
            f"{ENTRIES}\nknown = entries('large', 'hidden_size')\n"
            + refuses("configuration(value)", "('medium', '', 'Large', 'baseline')").replace(
                "\n[outcome", "\n[known] + [outcome"
            ),
            weight=0.5,
        ),
        Case(
            "each call gives a dict of its own",
            f"{ENTRIES}\nfirst = configuration('large')\nfirst['hidden_size'], first['decay'] = 3, 7\n"
            "[entries(size, 'hidden_size', 'decay') for size in SIZES]",
            weight=0.5,
            relative=1e-4,
        ),
    ],
    equivalent=[
        Equivalent(r"another (number|comparison)", "The numbers are equal, or the sizes told apart in another way."),
    ],
    core="sizes and learning rates as in the table",
    misconceptions=[
        Misconception(
            "keep probability",
            "0.65 if size",
            "0.35 if size",
            "Dropout is 0.35: 0.65 is the probability of dropping, not of keeping.",
        ),
        Misconception(
            "the rate grows",
            "1 / 1.15",
            "1.15",
            "The decay is above 1, so the rate would grow: it is divided by 1.15 after each epoch.",
        ),
        Misconception(
            "homework 6's schedule",
            '"flat_epochs": 14,\n        "decay": 1 / 1.15,',
            '"flat_epochs": 15,\n        "decay": 0.98,',
            "This is homework 6's schedule, here it is 14 flat epochs and a factor of 1/1.15.",
        ),
        Misconception(
            "the clip of another model",
            '"clip": 10.0',
            '"clip": 5.0',
            "The bound of the gradient's norm is 10 for these models.",
        ),
        Misconception(
            "tied",
            '"tied": False',
            '"tied": True',
            "The weights are tied, both models are untied.",
        ),
        Misconception(
            "dropout in both",
            '0.65 if size == "large" else 0.0',
            "0.65",
            "The baseline has dropout too, it should have none.",
        ),
        Misconception(
            "the embedding stays small",
            '"embedding_size": units[size]',
            '"embedding_size": 200',
            "The large model's embedding is 1500 wide, like its state.",
        ),
        Misconception(
            "any size",
            "raise ValueError(f\"size must be one of {', '.join(units)}, got {size!r}\")",
            'size = "large"',
            "A size that is neither baseline nor large should be refused with a ValueError.",
        ),
    ],
)
