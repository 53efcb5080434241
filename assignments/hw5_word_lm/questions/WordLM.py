"""What the grader asks of `WordLM`: logits and states of each type of layer, tied weights, dropout."""

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.programs import EXPORTED, refuses

from ._word_models import (
    BUILD,
    DROPPED,
    NOT_RECURRENT,
    SHARES,
    WEIGHTS_AND_LOGITS,
    draw_tokens,
    same_logits,
    shares_dropped,
)

QUESTION = Question(
    cases=[
        Case(
            "the number of parameters of each type, untied and tied",
            "[sum(p.numel() for p in WordLM(kind, words, size, 6, layers, 0.0, tied).parameters()) "
            "for kind in ('LSTM', 'GRU', 'RNN_TANH', 'RNN_RELU') for layers in (1, 2, 3) "
            "for size, tied in ((6, True), (6, False), (4, False))]",
            lambda rng: {"words": int(rng.integers(30, 60))},
            weight=2,
            core=True,
        ),
        Case(
            "logits and states of each type, computed from your weights",
            BUILD + EXPORTED + WEIGHTS_AND_LOGITS.format(embedding=5, tied=False, step=False),
            draw_tokens,
            weight=3,
            judge=same_logits(5),
            core=True,
        ),
        Case(
            "logits of tied models after a step of training",
            BUILD + EXPORTED + WEIGHTS_AND_LOGITS.format(embedding=7, tied=True, step=True),
            draw_tokens,
            judge=same_logits(7),
        ),
        Case(
            "tied weights are one parameter, and both sides use it",
            BUILD
            + """
results = []
for rnn_type in ("LSTM", "GRU"):
    model = build(rnn_type, 7, 7, 1, 0.0, True).eval()
    shared = [parameter for parameter in model.parameters() if parameter.shape == (13, 7)]
    first, _ = model(tokens, model.init_hidden(3))
    with torch.no_grad():
        shared[0].zero_()
    logits, after = model(tokens, model.init_hidden(3))
    _, other = model((tokens + 1) % 13, model.init_hidden(3))
    results.append((len(shared), bool(first.std(dim=(0, 1)).max() > 1e-3), bool(logits.std(dim=(0, 1)).max() < 1e-6),
                    apart(after, other) < 1e-6))
results
""",
            draw_tokens,
            core=True,
        ),
        Case(
            "a text read in two parts, the state carried, gives the logits of the whole",
            BUILD
            + """
results = []
for rnn_type in ("LSTM", "GRU", "RNN_TANH", "RNN_RELU"):
    model = build(rnn_type, 5, 7, 2, 0.4, False).eval()
    state = (a, b) if rnn_type == "LSTM" else a
    whole, end = model(tokens, state)
    first, middle = model(tokens[:2], state)
    second, last = model(tokens[2:], middle)
    fresh, _ = model(tokens[2:], model.init_hidden(3))
    results.append((tuple(whole.shape), apart(torch.cat([first, second]), whole) < 1e-4, apart(last, end) < 1e-4,
                    apart(second, fresh) > 1e-3))
results
""",
            draw_tokens,
            weight=1.5,
            core=True,
        ),
        Case(
            "columns do not see each other, and no step sees a later one",
            BUILD
            + """
results = []
for rnn_type in ("LSTM", "GRU"):
    model = build(rnn_type, 5, 7, 2, 0.4, False).eval()
    logits, _ = model(tokens, model.init_hidden(3))
    changed = tokens.clone()
    changed[3:, 1] = (changed[3:, 1] + 1) % 13
    other, _ = model(changed, model.init_hidden(3))
    moved = (logits - other).detach().abs().amax(-1) > 1e-4
    alone, _ = model(tokens[:, 2:], model.init_hidden(1))
    results.append((moved, apart(alone, logits[:, 2:]) < 1e-4))
results
""",
            draw_tokens,
            weight=0.5,
        ),
        Case(
            "init_hidden: zeros of the right shape, a pair for the LSTM, of the weights' dtype",
            """
import torch
[(WordLM(kind, 9, 4, 5, 3, 0.1, False).init_hidden(batch),
  WordLM(kind, 9, 5, 5, 1, 0.0, True).double().init_hidden(batch))
 for kind in ("LSTM", "GRU", "RNN_TANH", "RNN_RELU") for batch in (1, 2)]
""",
            weight=1,
        ),
        Case(
            "init_hidden: on the device of the weights",
            """
states = [WordLM(kind, 9, 4, 5, 3, 0.1, False).to("meta").init_hidden(2) for kind in ("LSTM", "GRU")]
[part.device.type for state in states for part in (state if isinstance(state, tuple) else (state,))]
""",
            weight=0.5,
        ),
        Case(
            "dropout acts on embeddings and output, in training mode only",
            BUILD + "results = []\nfor rnn_type in ('LSTM', 'GRU'):" + DROPPED.replace("\n", "\n    ") + "\nresults",
            draw_tokens,
            weight=1,
            core=True,
        ),
        Case(
            "dropout acts between the layers, not on the recurrent connections",
            BUILD + NOT_RECURRENT,
            draw_tokens,
            weight=0.5,
        ),
        Case(
            "dropout drops with the probability that was asked for, value by value",
            SHARES,
            lambda rng: {"seed": int(rng.integers(1 << 30))},
            weight=0.5,
            judge=shares_dropped,
        ),
        Case(
            "evaluation mode gives the same each time, training mode does not",
            BUILD
            + """
results = []
for rnn_type in ("LSTM", "RNN_RELU"):
    model = build(rnn_type, 5, 7, 2, 0.5, False)
    state = model.init_hidden(3)
    training = apart(model(tokens, state)[0], model(tokens, state)[0]) > 1e-3
    model.eval()
    still = build(rnn_type, 5, 7, 2, 0.0, False)
    results.append((training, torch.equal(model(tokens, state)[0], model(tokens, state)[0]),
                    apart(still(tokens, state)[0], still.eval()(tokens, state)[0]) < 1e-6))
results
""",
            draw_tokens,
            weight=0.5,
        ),
        Case(
            "unknown types and tied sizes that differ are refused",
            refuses(
                "WordLM(*value)",
                "(('LTSM', 9, 4, 4, 1, 0.0, False), ('RNN', 9, 4, 4, 1, 0.0, False), ('LSTM', 9, 4, 5, 1, 0.0, True), "
                "('GRU', 9, 5, 4, 2, 0.0, True), ('GRU', 9, 5, 4, 2, 0.0, False), ('LSTM', 9, 4, 4, 1, 0.0, True))",
            ),
            weight=0.5,
        ),
    ],
    equivalent=[
        Equivalent(r"nn\.init\.|self\.decoder\.bias$", "How the weights start is left free."),
        Equivalent(r"between", "With one layer there is nothing between layers, and torch warns at most."),
        Equivalent(r"two lines exchanged", "These lines make parts that do not need each other."),
        Equivalent(r"zeros\.clone\(\), zeros|\(zeros, zeros\)", "Nothing changes a state in place."),
        Equivalent(r"startswith\('RNN_RELU'\)", "tanh is what torch takes by itself."),
    ],
    core="the right logits, a state that is carried, tied weights that are one parameter, and dropout in training only",
    misconceptions=[
        Misconception(
            "tied by copy",
            "self.decoder.weight = self.embedding.weight",
            "self.decoder.weight = nn.Parameter(self.embedding.weight.detach().clone())",
            "The decoder starts as a copy of the embedding but is a parameter of its own: tied means one and the "
            "same Parameter.",
        ),
        Misconception(
            "tied through .data",
            "self.decoder.weight = self.embedding.weight",
            "self.decoder.weight.data = self.embedding.weight.data",
            "The decoder shares the embedding's values through .data but stays a Parameter of its own, which is "
            "counted and trained a second time: assign the Parameter itself.",
        ),
        Misconception(
            "decoder bias dropped",
            "nn.init.zeros_(self.decoder.bias)",
            "self.decoder.bias = None",
            "The decoder has no bias; each word has one of its own there.",
        ),
        Misconception(
            "state not used",
            "self.rnn(embedded, hidden)",
            "self.rnn(embedded)",
            "The state that comes in is not used, each call starts from zeros.",
        ),
        Misconception(
            "no dropout on the embeddings",
            "self.dropout(self.embedding(tokens))",
            "self.embedding(tokens)",
            "There is no dropout on the embeddings.",
        ),
        Misconception(
            "no dropout on the output",
            "self.decoder(self.dropout(outputs))",
            "self.decoder(outputs)",
            "There is no dropout on the output of the last layer.",
        ),
        Misconception(
            "no dropout between the layers",
            "between = dropout if num_layers > 1 else 0.0",
            "between = 0.0",
            "There is no dropout between the recurrent layers.",
        ),
        Misconception(
            "p taken as the keep probability",
            "self.dropout = nn.Dropout(dropout)",
            "self.dropout = nn.Dropout(1 - dropout)",
            "dropout is the probability of dropping; here it was taken as that of keeping.",
        ),
        Misconception(
            "always tanh",
            "rnn_type[4:].lower()",
            '"tanh"',
            "RNN_RELU computes a tanh: hand the nonlinearity on to nn.RNN.",
        ),
        Misconception(
            "one layer whatever was asked",
            "embedding_size, hidden_size, num_layers, dropout=between",
            "embedding_size, hidden_size, 1, dropout=0.0",
            "There is one recurrent layer whatever num_layers says.",
        ),
        Misconception(
            "a random first state",
            "new_zeros(self.num_layers, batch_size, self.hidden_size)",
            "new_ones(self.num_layers, batch_size, self.hidden_size).normal_()",
            "init_hidden gives random values; the first state is zeros.",
        ),
        Misconception(
            "state of the default dtype",
            "self.decoder.weight.new_zeros(",
            "torch.zeros(",
            "init_hidden gives float32 whatever the weights are; it should take over their dtype and device.",
        ),
        Misconception(
            "tied sizes not checked",
            "if tied and embedding_size != hidden_size:",
            "if tied and embedding_size < 0:",
            "Tied weights of two different sizes should be refused with a ValueError.",
        ),
        Misconception(
            "unknown type taken for an LSTM",
            "if rnn_type not in types:",
            "if rnn_type not in types:\n            rnn_type = 'LSTM'\n        if not rnn_type:",
            "An unknown rnn_type should be refused with a ValueError, here it builds some model.",
        ),
        Misconception(
            "cell state not carried",
            "        outputs, hidden = self.rnn(embedded, hidden)",
            "        if isinstance(hidden, tuple):\n            hidden = (hidden[0], hidden[0])\n"
            "        outputs, hidden = self.rnn(embedded, hidden)",
            "The LSTM's cell state starts as a copy of h; the c that was carried is not used.",
        ),
        Misconception(
            "dropout in evaluation mode too",
            "self.dropout = nn.Dropout(dropout)",
            "self.dropout = lambda values: F.dropout(values, dropout)",
            "Dropout stays on in evaluation mode: F.dropout must be told training=self.training, or use nn.Dropout, "
            "which knows the mode.",
        ),
        Misconception(
            "dropout on the recurrent connections",
            "outputs, hidden = self.rnn(embedded, hidden)",
            "kept = [self.dropout(part) for part in (hidden if isinstance(hidden, tuple) else (hidden,))]\n"
            "        outputs, hidden = self.rnn(embedded, tuple(kept) if len(kept) > 1 else kept[0])",
            "Dropout acts on the state that comes in, where it erases the memory; it belongs on the embeddings, on the "
            "output and between the layers.",
        ),
        Misconception(
            "the state that came in returned",
            "outputs, hidden = self.rnn(embedded, hidden)",
            "outputs, _ = self.rnn(embedded, hidden)",
            "The state that comes back is the one that came in; it should be the one after the last step.",
        ),
    ],
    seconds=60.0,
)
