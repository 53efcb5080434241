"""What the grader asks of `last_relevant`: the output at the last step that belongs to each sequence."""

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.cases import pure


def outputs_of(steps, features, lengths):
    """Draws outputs of a padded batch and the lengths in an order of their own."""

    def draw(rng):
        return {
            "outputs": rng.standard_normal((steps, len(lengths), features)),
            "lengths": rng.permutation(lengths),
        }

    return draw


QUESTION = Question(
    cases=[
        Case(
            "a batch of different lengths",
            "last_relevant(outputs, lengths)",
            outputs_of(6, 3, (6, 2, 4, 1)),
            2,
            core=True,
        ),
        Case("as many sequences as steps", "last_relevant(outputs, lengths)", outputs_of(4, 5, (2, 4, 1, 3))),
        Case("a batch of one", "last_relevant(outputs, lengths)", outputs_of(5, 4, (3,))),
        Case("one step", "last_relevant(outputs, lengths)", outputs_of(1, 3, (1, 1, 1, 1)), 0.5),
        Case("no sequence reaches the last step", "last_relevant(outputs, lengths)", outputs_of(7, 2, (3, 5, 2))),
        Case(
            "ValueError for a length under 1, and none for 1",
            """
def outcome(lengths):
    try:
        return last_relevant(outputs, numpy.array(lengths))
    except ValueError:
        return "ValueError"
import numpy
[outcome(lengths) for lengths in ([3, 1, 4], [2, 0, 4], [1, 1, 1], [0, 0, 0], [4, 2, -1])]
""",
            outputs_of(4, 2, (1, 2, 3)),
        ),
        pure("last_relevant(outputs, lengths)", outputs_of(3, 4, (3, 1))),
    ],
    equivalent=[
        Equivalent(r"lengths = np\.asarray|lengths = lengths|-> pass", "Lengths come as an array."),
        Equivalent(r"min\(axis=", "Lengths have one axis."),
    ],
    core="each sequence's own last output",
    misconceptions=[
        Misconception(
            "last step of the padded array",
            "outputs[lengths - 1, np.arange(outputs.shape[1])]",
            "outputs[-1]",
            "The last step of the padded array is taken; a short sequence ended before it, at its own length.",
        ),
        Misconception(
            "one step too late",
            "outputs[lengths - 1, np.arange(outputs.shape[1])]",
            "outputs[np.minimum(lengths, len(outputs) - 1), np.arange(outputs.shape[1])]",
            "The output one step behind each sequence's end is taken: step 1 has index 0, so the last has length - 1.",
        ),
        Misconception(
            "one step too early",
            "outputs[lengths - 1, np.arange(outputs.shape[1])]",
            "outputs[np.maximum(lengths - 2, 0), np.arange(outputs.shape[1])]",
            "The output one step before each sequence's end is taken.",
        ),
        Misconception(
            "one length for all",
            "outputs[lengths - 1, np.arange(outputs.shape[1])]",
            "outputs[lengths.max() - 1]",
            "Every sequence is read at the longest length; each has its own.",
        ),
        Misconception(
            "steps and batch exchanged",
            "outputs[lengths - 1, np.arange(outputs.shape[1])]",
            "np.swapaxes(outputs, 0, 1)[(lengths - 1) % outputs.shape[1], np.arange(outputs.shape[1]) % len(outputs)]",
            "Steps and batch are exchanged: the lengths index the first axis, the steps.",
        ),
        Misconception(
            "sum over the real steps",
            "outputs[lengths - 1, np.arange(outputs.shape[1])]",
            "(outputs * (np.arange(len(outputs))[:, None, None] < lengths[:, None])).sum(axis=0)",
            "The outputs of all real steps are added up; asked is the last of them alone.",
        ),
        Misconception(
            "lengths unchecked",
            "if lengths.min() < 1:",
            "if lengths.min() < -len(outputs):",
            "A length under 1 is let through, and counts from the end; there is no such step, so it is an error.",
        ),
        Misconception(
            "negative lengths refused, 0 let through",
            "if lengths.min() < 1:",
            "if lengths.min() < 0:",
            "A length of 0 is let through and gives the last padded step; an empty sequence has no last output.",
        ),
    ],
)
