"""What the grader asks of `last_step_gradients`: the gradients with the state before the last step held fixed."""

from autograder.oracle import Misconception, Question
from autograder.oracle.cases import pure, reordered

from ._cases import gradient
from ._draws import sequence
from ._libraries import NUMPY_ALONE

QUESTION = Question(
    cases=[
        gradient(
            "several steps",
            sequence(4, 3, 2, 5),
            "dict(last_step_gradients(xs, targets, h0, params))",
            weight=3,
            core=True,
        ),
        gradient(
            "a single step", sequence(1, 2, 3, 4), "dict(last_step_gradients(xs, targets, h0, params))", weight=0.5
        ),
        gradient(
            "a batch of one, from a zero state",
            sequence(3, 1, 4, 2, zero=True),
            "dict(last_step_gradients(xs, targets, h0, params))",
        ),
        pure("dict(last_step_gradients(xs, targets, h0, params))", sequence(2, 2, 3, 4), relative=1e-6),
        gradient(
            "the entries of params in another order",
            reordered(sequence(3, 2, 4, 4)),
            "dict(last_step_gradients(xs, targets, h0, params))",
            weight=0.5,
        ),
    ],
    core="the gradient through the last step alone",
    misconceptions=[
        Misconception(
            "earlier steps left out",
            "h, cache = gru_cell(x, h, params)",
            "h, cache = gru_cell(x, h0, params)",
            "The last step starts from h0; it starts from the state that the earlier steps have left.",
        ),
        Misconception(
            "first step for the last",
            "for x in xs:",
            "for x in xs[:1]:",
            "This is the first step's input with the last step's target; the earlier steps come before the last one.",
        ),
        Misconception(
            "through all steps",
            "    _, _, gradients = gru_cell_backward(h - targets[-1], cache)\n    return gradients",
            "    return gru_backward(xs, targets, h0, params)",
            "These are the gradients through all steps; here the state before the last step is held fixed.",
        ),
        Misconception(
            "last loss through all steps",
            "    h = h0\n"
            "    for x in xs:\n"
            "        h, cache = gru_cell(x, h, params)\n"
            "    _, _, gradients = gru_cell_backward(h - targets[-1], cache)\n"
            "    return gradients",
            "    h, caches, total = h0, [], {}\n"
            "    for x in xs:\n"
            "        h, cache = gru_cell(x, h, params)\n"
            "        caches.append(cache)\n"
            "    dh = h - targets[-1]\n"
            "    for cache in reversed(caches):\n"
            "        _, dh, gradients = gru_cell_backward(dh, cache)\n"
            "        total = {name: total.get(name, 0.0) + gradients[name] for name in gradients}\n"
            "    return total",
            "The loss is the last step's, but it goes back through all steps; the state before the last is held fixed.",
        ),
        Misconception(
            "the target for the state",
            "gru_cell_backward(h - targets[-1], cache)",
            "gru_cell_backward(targets[-1], cache)",
            "What goes back is the target itself; the loss's gradient by the last state is the difference h_T - y_T.",
        ),
        Misconception(
            "the state without its target",
            "gru_cell_backward(h - targets[-1], cache)",
            "gru_cell_backward(h, cache)",
            "What goes back is the last state itself; the loss's gradient by it is the difference h_T - y_T.",
        ),
        Misconception(
            "first target",
            "targets[-1]",
            "targets[0]",
            "The last state is compared with the first target; it belongs to the last one.",
        ),
        Misconception(
            "mean over the batch",
            "h - targets[-1]",
            "(h - targets[-1]) / len(h0)",
            "These are means over the batch; the loss is a sum over the examples, and so is its gradient.",
        ),
    ],
    builds_on=("gru_cell", "gru_cell_backward"),
    forbids=NUMPY_ALONE,
)
