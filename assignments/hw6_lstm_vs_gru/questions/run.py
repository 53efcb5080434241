"""What the grader asks of `run`: a training run: its history, its weights, its seeds."""

import math

from autograder.oracle import Case, Equivalent, Misconception, Question

from ._runs import CLOSE, DROPPED, LAST, MOVED, STARTED, draw_run

QUESTION = Question(
    cases=[
        Case(
            "the history of an LSTM: a row per epoch, perplexities and rates",
            f"{STARTED}\nshown(started(config, corpus)[0])",
            draw_run("LSTM"),
            weight=2,
            **CLOSE,
            core=True,
        ),
        Case(
            "the history of a GRU of two layers, tied",
            f"{STARTED}\nshown(started(config, corpus)[0])",
            draw_run("GRU", 2, True, decay=0.7, momentum=0.8, clip=0.3, bptt=4),
            **CLOSE,
        ),
        Case(
            "the weights of the best epoch come back, not the last ones",
            f"{STARTED}\nhistory, model = started(config, corpus)\n(history['validation'].tolist(), weights(model))",
            draw_run("GRU"),
            weight=2.5,
            **CLOSE,
            core=True,
        ),
        Case(
            "the weights of the best epoch of an LSTM with momentum",
            f"{STARTED}\nhistory, model = started(config, corpus)\n(history['train'].tolist(), weights(model))",
            draw_run("LSTM", 1, False, momentum=0.85, epochs=14),
            weight=1.5,
            **CLOSE,
            core=True,
        ),
        Case(
            "an epoch that ends in nan is never best",
            f"{STARTED}\nhistory, model = started(config, corpus)\n"
            "(history['validation'].tolist(), weights(model), [bool(w.isfinite().all()) for w in weights(model)])",
            draw_run("GRU", 1, False, epochs=5, flat_epochs=2, decay=math.inf),
            **CLOSE,
        ),
        Case(
            "a perplexity that is too large for a number is nan, and never best",
            f"{STARTED}\nhistory, model = started(config, corpus)\n(shown(history), weights(model))",
            draw_run("LSTM", 1, False, epochs=4, flat_epochs=2, decay=1e9),
            **CLOSE,
        ),
        Case(
            "a single epoch",
            f"{STARTED}\nhistory, model = started(config, corpus)\n(shown(history), weights(model))",
            draw_run("RNN_TANH", 1, False, epochs=1, flat_epochs=0),
            weight=0.5,
            **CLOSE,
        ),
        Case(
            "the seconds of each epoch are measured, and the columns are those that were asked for",
            f"{STARTED}\nimport time\nbegan = time.perf_counter()\nhistory, model = started(config, corpus)\n"
            "spent = time.perf_counter() - began\n"
            "asked = ['epoch', 'train', 'validation', 'learning_rate', 'seconds']\n"
            "(history['train'].tolist(), [name for name in history.columns if name in asked], "
            "[0 < second < spent for second in history['seconds'].tolist()], history['seconds'].sum() < spent)",
            draw_run("LSTM", 1, False, epochs=6),
            weight=0.5,
            **CLOSE,
        ),
        Case(
            "the same seed gives the same run, another seed another one",
            f"{STARTED}\n"
            "results = []\n"
            "for dropout in (0.0, 0.4):\n"
            "    first, again, other = [run(config | {'dropout': dropout, 'seed': config['seed'] + more}, corpus)[0] "
            "for more in (0, 0, 1)]\n"
            "    results.append((shown(first) == shown(again), shown(first) == shown(other), len(first)))\n"
            "results",
            draw_run("GRU", 2, False, epochs=2),
            weight=1,
            core=True,
        ),
        Case(
            "dropout is on while training, on the non-recurrent connections alone",
            f"{STARTED}\n{DROPPED}",
            draw_run("GRU", 1, False, dropout=0.5, epochs=2),
            core=True,
        ),
        Case(
            "the test text is not read, and other units are dropped in each epoch",
            f"{STARTED}\n"
            "class Sealed(types.SimpleNamespace):\n"
            "    test = property(lambda self: 1 / 0)\n\n"
            "sealed = Sealed(train=train, valid=valid, vocabulary=corpus.vocabulary)\n"
            "history, _ = run(config, sealed)\n"
            "(len(history), len(set(history['train'].tolist())))",
            draw_run("GRU", 1, False, dropout=0.5, epochs=3, learning_rate=0.0),
            weight=0.5,
        ),
        Case(
            "the model goes to the device of the corpus",
            f"{STARTED}\n{MOVED}",
            draw_run("GRU", 1, False, epochs=1),
            weight=0.5,
        ),
        Case(
            "config and corpus stay as they were, and a second run gives the same",
            f"{STARTED}\nbefore = copy.deepcopy(config)\n"
            "first, second = shown(started(config, corpus)[0]), shown(started(config, corpus)[0])\n"
            "(first, second, config == before, corpus.train, corpus.valid, corpus.test, len(corpus.vocabulary))",
            draw_run("LSTM", 1, False, epochs=2),
            weight=0.5,
            **CLOSE,
        ),
    ],
    equivalent=[
        Equivalent(
            r"-> optimiser = torch\.optim\.SGD\(model\.parameters\(\), (lr|momentum)=",
            "Each epoch sets the rate before it trains.",
        ),
        Equivalent(r"two lines exchanged: rows", "Neither line needs the other."),
        Equivalent(r"two lines exchanged: torch\.manual_seed", "Nothing is drawn in between."),
        Equivalent(
            r"model\.load_state_dict\(best\)$|is not None", "A run all of whose epochs are nan is not asked about."
        ),
        Equivalent(r"validation <= lowest", "Of equal epochs either has the lowest perplexity."),
        Equivalent(r"valid, (513|511|1|2)\)", "How many steps are read at a time changes nothing."),
    ],
    core="the history, the weights of the best epoch, the seed, and dropout while training",
    misconceptions=[
        Misconception(
            "model not moved",
            "*shape).to(corpus.train.device)",
            "*shape)",
            "The model stays on the CPU: send it to the device of corpus.train, or a corpus on a GPU cannot be read.",
            unseen="On a CPU both are the same.",
        ),
        Misconception(
            "last epoch's weights kept",
            "    if best is not None:\n        model.load_state_dict(best)\n",
            "",
            LAST,
        ),
        Misconception(
            "a reference in place of a copy",
            "copy.deepcopy(model.state_dict())",
            "model.state_dict()",
            LAST,
        ),
        Misconception(
            "best epoch by training perplexity",
            "        if validation < lowest:\n            lowest, best = validation,",
            "        if train < lowest:\n            lowest, best = train,",
            "The weights are those of the lowest training perplexity; the validation text should decide.",
        ),
        Misconception(
            "best epoch by test perplexity",
            "        if validation < lowest:\n            lowest, best = validation,",
            "        tested = perplexity(model, corpus.test, 512)\n        if tested < lowest:\n"
            "            lowest, best = tested,",
            "The weights are those of the lowest test perplexity, but the test text has no part in any choice.",
        ),
        Misconception(
            "the rate never reaches the optimiser",
            '            group["lr"] = rate',
            "            pass",
            "The schedule stands in the history, but the optimiser keeps the first rate: put it into each of "
            "optimiser.param_groups.",
        ),
        Misconception(
            "epochs counted from 0",
            "learning_rate(epoch,",
            "learning_rate(epoch - 1,",
            "Epochs are counted from 0 for the schedule; they should be counted from 1.",
        ),
        Misconception(
            "the rate set after the epoch",
            '        for group in optimiser.param_groups:\n            group["lr"] = rate\n'
            '        loss = train_epoch(model, source, optimiser, config["bptt"], config["clip"])\n',
            '        loss = train_epoch(model, source, optimiser, config["bptt"], config["clip"])\n'
            '        for group in optimiser.param_groups:\n            group["lr"] = rate\n',
            "The rate of an epoch is set after it has trained, so each epoch trains at the rate of the one before.",
        ),
        Misconception(
            "a new optimiser each epoch",
            '        for group in optimiser.param_groups:\n            group["lr"] = rate',
            '        optimiser = torch.optim.SGD(model.parameters(), lr=rate, momentum=config["momentum"])',
            "Each epoch has an optimiser of its own, so momentum is forgotten in between: make one for the whole run.",
        ),
        Misconception(
            "no momentum",
            ', momentum=config["momentum"])',
            ")",
            "The optimiser has no momentum; config['momentum'] should be handed to it.",
        ),
        Misconception(
            "the loss in place of the perplexity",
            "finite_or_nan(math.exp, loss)",
            "finite_or_nan(float, loss)",
            "Under train stands the mean loss in nats; it should be its exponential, a perplexity.",
        ),
        Misconception(
            "an explosion is infinite",
            "        train = finite_or_nan(math.exp, loss)\n"
            "        validation = finite_or_nan(perplexity, model, corpus.valid, 512)",
            "        train = torch.tensor(loss).exp().item()\n"
            "        try:\n            validation = perplexity(model, corpus.valid, 512)\n"
            "        except OverflowError:\n            validation = math.inf",
            "Where a perplexity is too large for a number the history holds infinity; it should hold nan.",
        ),
        Misconception(
            "2 to the power of nats",
            "finite_or_nan(math.exp, loss)",
            "finite_or_nan(math.exp2, loss)",
            "2 is raised to a loss in nats, but nats belong to base e: the perplexity is exp of the loss.",
        ),
        Misconception(
            "training perplexity measured anew",
            "finite_or_nan(math.exp, loss)",
            "finite_or_nan(perplexity, model, corpus.train, 512)",
            "Under train stands the perplexity after the epoch; it should be the one met while training: exp of what "
            "train_epoch returns.",
        ),
        Misconception(
            "stopped at the first rise",
            "            lowest, best = validation, copy.deepcopy(model.state_dict())\n",
            "            lowest, best = validation, copy.deepcopy(model.state_dict())\n"
            "        else:\n            break\n",
            "The run ends with the first epoch that is no better; it should go on for config['epochs'] epochs and keep "
            "the best of them.",
        ),
        Misconception(
            "validated on the training text",
            "perplexity, model, corpus.valid, 512)",
            "perplexity, model, corpus.train, 512)",
            "The validation perplexity is that of the training text.",
        ),
        Misconception(
            "validated before the epoch",
            '        loss = train_epoch(model, source, optimiser, config["bptt"], config["clip"])\n'
            "        train = finite_or_nan(math.exp, loss)\n"
            "        validation = finite_or_nan(perplexity, model, corpus.valid, 512)",
            "        validation = finite_or_nan(perplexity, model, corpus.valid, 512)\n"
            '        loss = train_epoch(model, source, optimiser, config["bptt"], config["clip"])\n'
            "        train = finite_or_nan(math.exp, loss)",
            "The validation perplexity is measured before the epoch's training; it should be measured after it.",
        ),
        Misconception(
            "the seed is not set",
            '    torch.manual_seed(config["seed"])\n',
            "",
            "The same config gives another run each time: set the seed before the model is made.",
        ),
        Misconception(
            "always the same seed",
            'torch.manual_seed(config["seed"])',
            "torch.manual_seed(1)",
            "Every seed gives the same run: it is config['seed'] that should be set.",
        ),
        Misconception(
            "no dropout",
            "*shape).to(corpus.train.device)",
            "*shape[:3], 0.0, shape[4]).to(corpus.train.device)",
            "The model has no dropout; config['dropout'] should be handed to it.",
        ),
        Misconception(
            "dropout on recurrent connections",
            "*shape).to(corpus.train.device)\n",
            "*shape).to(corpus.train.device)\n"
            "    def dropped(state):\n"
            "        if isinstance(state, tuple):\n"
            "            return tuple(map(dropped, state))\n"
            '        return F.dropout(state, config["dropout"], model.training)\n\n'
            "    model.rnn.register_forward_pre_hook(lambda rnn, given: (given[0], dropped(given[1])))\n",
            "Dropout acts on the recurrent connections too, where it erases the memory: the model that is given has it "
            "in the right places.",
        ),
        Misconception(
            "text not in columns of its own",
            'batchify(corpus.train, config["batch_size"])',
            'batchify(corpus.train, config["bptt"])',
            "The training text stands in bptt columns; it should stand in batch_size columns.",
        ),
        Misconception(
            "seconds since the start",
            '    for epoch in range(1, config["epochs"] + 1):\n        started = time.perf_counter()\n',
            '    started = time.perf_counter()\n    for epoch in range(1, config["epochs"] + 1):\n',
            "The seconds are those since the start of the run; each row holds those of its own epoch.",
        ),
    ],
    builds_on=("learning_rate", "best_epoch"),
    forbids=("fit", "utils.training.fit"),
    seconds=60.0,
)
