"""What the grader asks of `count_lstm_parameters`: the number of parameters with one bias per gate, or with two."""

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.draws import layer_sizes
from autograder.oracle.programs import outcomes

QUESTION = Question(
    cases=[
        Case(
            "one layer, one bias per block",
            "[count_lstm_parameters(n, m, 1, 'one') for n, m in ((200, 200), (7, 3), (3, 7), (n, m))]",
            layer_sizes,
            core=True,
        ),
        Case(
            "one layer, two biases per block",
            "[count_lstm_parameters(n, m, 1, 'two') for n, m in ((200, 200), (9, 4), (4, 9), (n, m))]",
            layer_sizes,
            core=True,
        ),
        Case(
            "several layers",
            "[count_lstm_parameters(n, m, layers, bias) for layers in (2, 3, 7) for bias in ('two', 'one')]",
            layer_sizes,
            weight=1.5,
            core=True,
        ),
        Case(
            "ValueError for a size or a number of layers under 1, and none for 1",
            outcomes("count_lstm_parameters")
            + "[outcome(*sizes, 'one') for sizes in ((1, 1, 1), (0, 3, 2), (3, 0, 2), (3, 2, 0), (-2, 5, 1),"
            " (5, -2, 1), (5, 2, -1), (1, 4, 2), (4, 1, 2), (n, m, 1))]",
            layer_sizes,
        ),
        Case(
            "ValueError for another bias",
            outcomes("count_lstm_parameters")
            + "[outcome(n, m, 2, bias) for bias in ('one', 'three', 'two', '', 'One')]",
            layer_sizes,
        ),
    ],
    equivalent=[
        Equivalent(r"layer <= 0|total == 0", "Both hold in the first layer alone."),
        Equivalent(r"min\(", "The smallest is the same in any order."),
    ],
    core="the count for one layer and for several, with one bias per block and with two",
    misconceptions=[
        Misconception(
            "second layer given the input size",
            "inputs = input_size if layer == 0 else hidden_size",
            "inputs = input_size",
            "Every layer is counted with input_size inputs; from the second on a layer reads hidden_size outputs.",
        ),
        Misconception(
            "first layer given the hidden size",
            "inputs = input_size if layer == 0 else hidden_size",
            "inputs = hidden_size",
            "Every layer is counted with hidden_size inputs; the first one reads input_size.",
        ),
        Misconception(
            "biases always doubled",
            '{"one": 1, "two": 2}',
            '{"one": 2, "two": 2}',
            "With bias 'one' each block has a single bias vector; here two are counted, as torch does.",
        ),
        Misconception(
            "biases missing",
            "(inputs + hidden_size + biases[bias])",
            "(inputs + hidden_size)",
            "The biases are not counted.",
        ),
        Misconception(
            "biases once for all blocks",
            "4 * hidden_size * (inputs + hidden_size + biases[bias])",
            "4 * hidden_size * (inputs + hidden_size) + hidden_size * biases[bias]",
            "The biases are counted for one block only; each of the four has its own.",
        ),
        Misconception(
            "three blocks",
            "total += 4 * hidden_size",
            "total += 3 * hidden_size",
            "This counts three blocks, the gates alone or a GRU; the LSTM's candidate is the fourth.",
        ),
        Misconception(
            "one layer only",
            "for layer in range(num_layers):",
            "for layer in range(1):",
            "Only the first layer is counted.",
        ),
        Misconception(
            "number of layers unchecked",
            "min(input_size, hidden_size, num_layers) < 1",
            "min(input_size, hidden_size) < 1",
            "The number of layers is not checked; under 1 it is an error, as a size under 1 is.",
        ),
        Misconception(
            "size 1 refused",
            "min(input_size, hidden_size, num_layers) < 1",
            "min(input_size, hidden_size, num_layers) <= 1",
            "A size of exactly 1 is refused; only sizes under 1 are errors.",
        ),
    ],
)
