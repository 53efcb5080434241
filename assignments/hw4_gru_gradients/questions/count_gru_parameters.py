"""What the grader asks of `count_gru_parameters`: the number of parameters with one bias per block, or with two."""

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.draws import layer_sizes
from autograder.oracle.programs import outcomes

QUESTION = Question(
    cases=[
        Case(
            "one bias per block",
            "[count_gru_parameters(n, m, 'one') for n, m in ((200, 200), (7, 3), (3, 7), (n, m))]",
            layer_sizes,
            core=True,
        ),
        Case(
            "two biases per block",
            "[count_gru_parameters(n, m, 'two') for n, m in ((200, 200), (9, 4), (4, 9), (n, m))]",
            layer_sizes,
            core=True,
        ),
        Case(
            "drawn sizes",
            "[count_gru_parameters(n, m, bias) for bias in ('two', 'one')]",
            layer_sizes,
            core=True,
        ),
        Case(
            "ValueError for a size under 1, and none for 1",
            outcomes("count_gru_parameters")
            + "[outcome(n, m, 'one') for n, m in ((1, 1), (0, 3), (3, 0), (-2, 5), (5, -2), (1, 4), (4, 1), (n, m))]",
            layer_sizes,
        ),
        Case(
            "ValueError for another bias",
            outcomes("count_gru_parameters") + "[outcome(n, m, bias) for bias in ('one', 'three', 'two', '', 'One')]",
            layer_sizes,
        ),
    ],
    core="the count with one bias per block and with two",
    misconceptions=[
        Misconception(
            "four blocks",
            "return 3 * hidden_size",
            "return 4 * hidden_size",
            "This counts four blocks, as an LSTM has; a GRU has three: update, reset, candidate.",
        ),
        Misconception(
            "two blocks",
            "return 3 * hidden_size",
            "return 2 * hidden_size",
            "This counts the two gates only; the candidate has a block of the same form.",
        ),
        Misconception(
            "no biases",
            "(input_size + hidden_size + biases[bias])",
            "(input_size + hidden_size)",
            "The biases are not counted.",
        ),
        Misconception(
            "biases once for all blocks",
            "return 3 * hidden_size * (input_size + hidden_size + biases[bias])",
            "return 3 * hidden_size * (input_size + hidden_size) + hidden_size * biases[bias]",
            "The biases are counted for one block only; each of the three has its own.",
        ),
        Misconception(
            "biases always doubled",
            '{"one": 1, "two": 2}',
            '{"one": 2, "two": 2}',
            "With bias 'one' each block has a single bias vector; here two are counted, as torch does.",
        ),
        Misconception(
            "torch's second bias for the candidate only",
            "return 3 * hidden_size * (input_size + hidden_size + biases[bias])",
            "return hidden_size * (3 * (input_size + hidden_size) + 2 + biases[bias])",
            "Only the candidate's second bias is counted; four vectors would suffice, but torch stores six.",
        ),
        Misconception(
            "state's matrix from the input",
            "(input_size + hidden_size + biases[bias])",
            "(input_size + input_size + biases[bias])",
            "The matrix of the state has the shape (hidden, hidden); here it is counted with the input's size.",
        ),
        Misconception(
            "one size unchecked",
            "if input_size < 1 or hidden_size < 1:",
            "if input_size < 1:",
            "The hidden size is not checked; a size under 1 is an error for both.",
        ),
        Misconception(
            "size 1 refused",
            "if input_size < 1 or hidden_size < 1:",
            "if input_size <= 1 or hidden_size <= 1:",
            "A size of exactly 1 is refused; only sizes under 1 are errors.",
        ),
    ],
)
