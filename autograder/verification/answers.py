"""Written answers as students give them, for the demo and the pictures: short, right in part, some left empty."""

from __future__ import annotations

# question -> an answer for each of some students
WRITTEN: dict[str, tuple[str, ...]] = {
    "where_unchanged": (
        "The term $z \\odot dh'$: when $z$ is close to 1 the gradient goes straight from $h'$ to $h$, without a matrix "
        "between. The other paths then get a factor $1 - z$ near 0. A plain network multiplies by $W_h^\\top$ and by "
        "$1 - h'^2$ in every step. The price is that the unit cannot store anything new meanwhile.",
        "If the update gate is 1 then $h' = h$, so the gradient is just copied. In a tanh network it gets smaller each "
        "step because tanh' is less than 1.",
        "When $z = 1$ everything is passed on, because the new state is the old one.",
    ),
    "why_six_biases": (
        "Four biases would do: in the r and z blocks only the sum of both biases matters. In the candidate $b_{hn}$ is "
        "multiplied by r, so it cannot be merged with $b_{in}$. The variant of section 1 needs three.",
        "Three would be enough since the two biases of a block are always added.",
        "",
    ),
    "lstm_or_gru": (
        "The picture says about 242 units for the GRU. An LSTM has 4 blocks of $2n^2$ weights and a GRU 3, so with the "
        "same number the GRU is $\\sqrt{4/3}$ times as wide. The LSTM has a separate cell and an output gate. I would "
        "train both with equal parameters and a few seeds and compare them on the validation data.",
        "",
        "I would take the GRU because it is simpler and has fewer parameters. It can be 4/3 as wide.",
    ),
    "where_bptt": (
        "In loss.backward(), through the steps of this segment only. The model can still use the subject, because the "
        "state is carried over. But this loss cannot teach it to remember, since repackage_hidden cut the graph.",
        "In backward(). It goes back to the start of the text, so it can learn to remember the subject.",
    ),
    "why_repackage": (
        "The second backward() would go into the graph of the first segment, which is freed already: an error. If "
        "all graphs are kept, time and memory grow with each segment. With zeros the model forgets everything at the "
        "border.",
        "Without it the graph gets longer and longer and memory runs out.",
    ),
    "why_tying": (
        "There are fewer parameters, so it overfits less. And each word's vector is trained both when the word is read "
        "and when it is predicted.",
        "",
    ),
    "why_test_set": (
        "The learning rate and the best epoch were chosen with the validation text, so its perplexity is too good.",
        "The validation text was used to stop training, so the model is a bit adapted to it.",
    ),
}


def written(question: str, student: int) -> str:
    """What the n-th student answers, counted from 0; nothing where the question is not known here."""
    answers = WRITTEN.get(question, ("",))
    return answers[student % len(answers)]
