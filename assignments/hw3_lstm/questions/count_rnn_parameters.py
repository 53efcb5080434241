"""What the grader asks of `count_rnn_parameters`: the number of parameters of each type of layer, stacked."""

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.draws import layer_sizes
from autograder.oracle.programs import outcomes

QUESTION = Question(
    cases=[
        Case(
            "one layer of each type",
            "[count_rnn_parameters(kind, *sizes, 1, bias) for kind in ('LSTM', 'GRU', 'RNN') for bias in ('one', 'two')"
            " for sizes in ((200, 200), (7, 3), (3, 7), (n, m))]",
            layer_sizes,
            core=True,
        ),
        Case(
            "several layers of each type",
            "[count_rnn_parameters(kind, n, m, layers, bias) for kind in ('LSTM', 'GRU', 'RNN')"
            " for layers in (2, 3, 7) for bias in ('two', 'one')]",
            layer_sizes,
            weight=1.5,
            core=True,
        ),
        Case(
            "ValueError for another type or bias",
            outcomes("count_rnn_parameters")
            + "[outcome(kind, n, m, 2, bias) for kind, bias in (('GRU', 'one'), ('CNN', 'one'), ('', 'two'),"
            " ('LSTM', 'three'), ('RNN', 'two'), ('GRU', ''), ('RNN', 'none'), ('LSTM', 'One'))]",
            layer_sizes,
        ),
        Case(
            "ValueError for a size or a number of layers under 1, and none for 1",
            outcomes("count_rnn_parameters")
            + "[outcome(kind, *sizes, 'two') for kind in ('LSTM', 'GRU', 'RNN') for sizes in"
            " ((1, 1, 1), (0, 3, 2), (3, 0, 2), (3, 2, 0), (-2, 5, 1), (5, -2, 1),"
            " (5, 2, -1), (n, m, 2), (1, 4, 2), (4, 1, 2))]",
            layer_sizes,
        ),
    ],
    core="the count for each type, with one layer and with several",
    misconceptions=[
        Misconception(
            "GRU with four blocks",
            '"GRU": 3',
            '"GRU": 4',
            "The GRU is counted with four blocks; it has two gates and a candidate, three in all.",
        ),
        Misconception(
            "GRU without its candidate",
            '"GRU": 3',
            '"GRU": 2',
            "The GRU is counted with its two gates alone; the candidate is a block of the same form.",
        ),
        Misconception(
            "LSTM without its candidate",
            '"LSTM": 4',
            '"LSTM": 3',
            "The LSTM is counted with its three gates alone; the candidate is a block of the same form.",
        ),
        Misconception(
            "second layer given the input size",
            "(hidden_size + hidden_size + biases[bias])",
            "(input_size + hidden_size + biases[bias])",
            "Further layers are counted with input_size inputs; they read the hidden_size outputs of the one below.",
        ),
        Misconception(
            "first layer given the hidden size",
            "first = hidden_size * (input_size",
            "first = hidden_size * (hidden_size",
            "Every layer is counted with hidden_size inputs; the first one reads input_size.",
        ),
        Misconception(
            "one layer only",
            "first + (num_layers - 1) * further",
            "first",
            "Only the first layer is counted.",
        ),
        Misconception(
            "one layer too many",
            "(num_layers - 1) * further",
            "num_layers * further",
            "One layer too many is counted: the first one is among num_layers.",
        ),
        Misconception(
            "biases always doubled",
            '{"one": 1, "two": 2}',
            '{"one": 2, "two": 2}',
            "With bias 'one' each block has a single bias vector; here two are counted, as torch does.",
        ),
        Misconception(
            "biases never doubled",
            '{"one": 1, "two": 2}',
            '{"one": 1, "two": 1}',
            "With bias 'two' each block has two bias vectors, one beside each matrix; here a single one is counted.",
        ),
        Misconception(
            "biases missing",
            "biases[bias])\n    further = hidden_size * (hidden_size + hidden_size + biases[bias])",
            "0)\n    further = hidden_size * (hidden_size + hidden_size)",
            "The biases are not counted.",
        ),
        Misconception(
            "biases once for all blocks",
            "biases[bias])\n    further = hidden_size * (hidden_size + hidden_size + biases[bias])\n"
            "    return blocks[rnn_type] * (first + (num_layers - 1) * further)",
            "0)\n    further = hidden_size * (hidden_size + hidden_size)\n"
            "    return blocks[rnn_type] * (first + (num_layers - 1) * further)"
            " + num_layers * hidden_size * biases[bias]",
            "The biases are counted for one block only; each block has its own.",
        ),
        Misconception(
            "unknown type taken for a plain layer",
            "    if rnn_type not in blocks:\n"
            "        raise ValueError(f\"rnn_type must be one of {', '.join(blocks)}, got {rnn_type!r}\")\n",
            "    blocks = {rnn_type: 1} | blocks\n",
            "A type that is not known is counted as a plain layer; it is an error that names the type.",
        ),
        Misconception(
            "number of layers unchecked",
            "input_size < 1 or hidden_size < 1 or num_layers < 1",
            "input_size < 1 or hidden_size < 1",
            "The number of layers is not checked; under 1 it is an error, as a size under 1 is.",
        ),
        Misconception(
            "size 1 refused",
            "input_size < 1 or hidden_size < 1 or num_layers < 1",
            "input_size <= 1 or hidden_size <= 1 or num_layers <= 1",
            "A size of exactly 1 is refused; only sizes under 1 are errors.",
        ),
    ],
)
