"""What the grader asks of `gru_cell_backward`: one step back, every gradient of it."""

from autograder.oracle import Equivalent, Misconception, Question
from autograder.oracle.cases import pure, reordered
from autograder.oracle.programs import SLOPE

from ._cases import gradient
from ._draws import step
from ._libraries import NUMPY_ALONE

BACKWARD = """
_, cache = gru_cell(x, h, params)
dx, dh, gradients = gru_cell_backward(dh_next, cache)
"""

BY_DIFFERENCES = (
    SLOPE
    + """
own_step = gru_cell

def gru_cell(x, h, params):
    return own_step(x, h, params)[0], (x, h, params)

def gru_cell_backward(dh_next, cache):
    x, h, params = cache
    def pulled():
        return (own_step(x, h, params)[0] * dh_next).sum()
    return slope(pulled, x), slope(pulled, h), {name: slope(pulled, array) for name, array in params.items()}
"""
)

QUESTION = Question(
    cases=[
        gradient("the gradient by x", step(3, 5, 4), BACKWARD + "dx", core=True),
        gradient("the gradient by h", step(3, 5, 4), BACKWARD + "dh", weight=2, core=True),
        gradient(
            "the gradients of the update gate",
            step(4, 3, 5),
            BACKWARD + "[gradients[name] for name in ('W_xz', 'W_hz', 'b_z')]",
        ),
        gradient(
            "the gradients of the reset gate",
            step(4, 3, 5),
            BACKWARD + "[gradients[name] for name in ('W_xr', 'W_hr', 'b_r')]",
            weight=1.5,
        ),
        gradient(
            "the gradients of the candidate",
            step(4, 3, 5),
            BACKWARD + "[gradients[name] for name in ('W_xg', 'W_hg', 'b_g')]",
            weight=1.5,
        ),
        gradient("all of them for a batch of one", step(1, 4, 3), BACKWARD + "(dx, dh, dict(gradients))"),
        gradient("from a zero state", step(2, 5, 3, zero=True), BACKWARD + "(dx, dh, dict(gradients))"),
        gradient(
            "with gates fully open and fully shut",
            step(3, 2, 6, saturated=True),
            BACKWARD + "(dx, dh, dict(gradients))",
        ),
        pure(
            "(lambda dx, dh, gradients: (dx, dh, dict(gradients)))(*gru_cell_backward(dh_next, cache))",
            step(2, 3, 4),
            setup="_, cache = gru_cell(x, h, params)\n",
            relative=1e-6,
        ),
        gradient(
            "back without going forward again",
            step(2, 4, 3),
            """
_, cache = gru_cell(x, h, params)
calls, forward = [], gru_cell
gru_cell_backward.__globals__["gru_cell"] = lambda *given: calls.append(1) or forward(*given)
try:
    dx, dh, gradients = gru_cell_backward(dh_next, cache)
finally:
    gru_cell_backward.__globals__["gru_cell"] = forward
(dx, dh, dict(gradients), "forward again" if len(calls) > 1 else "once at most")
""",
            weight=0.5,
        ),
        gradient(
            "two steps forward, then both back, each with its own cache",
            step(2, 3, 4),
            "_, one = gru_cell(x, h, params)\n_, other = gru_cell(2 * x, dh_next, params)\n"
            "[(dx, dh, dict(gradients)) for dx, dh, gradients in "
            "(gru_cell_backward(dh_next, one), gru_cell_backward(h, other))]",
            weight=0.5,
        ),
        gradient(
            "the entries of params in another order",
            reordered(step(2, 4, 4)),
            BACKWARD + "(dx, dh, dict(gradients))",
            weight=0.5,
        ),
    ],
    equivalent=[
        Equivalent(r"two lines exchanged: dh = dh \+", "The paths into dh are added, in any order."),
        Equivalent(
            r"entries exchanged|two lines exchanged: gradients",
            "In which order the gates and their arrays come is left free.",
        ),
    ],
    core="the gradients by x and by h",
    misconceptions=[
        Misconception(
            "z the wrong way round",
            "dz = dh_next * (h - g)",
            "dz = dh_next * (g - h)",
            "The gradient of z has the wrong sign: h' = z * h + (1 - z) * g grows by h - g when z grows.",
        ),
        Misconception(
            "z used in one place",
            "dz = dh_next * (h - g)",
            "dz = dh_next * h",
            "The gate z stands twice in h' = z * h + (1 - z) * g; what it receives from 1 - z is missing.",
        ),
        Misconception(
            "1 - z without its sign",
            "dz = dh_next * (h - g)",
            "dz = dh_next * (h + g)",
            "When z grows, 1 - z falls: what z receives from its second place, 1 - z, has the wrong sign.",
        ),
        Misconception(
            "candidate gets z",
            "dg = dh_next * (1 - z)",
            "dg = dh_next * z",
            "The candidate g stands in h' with the factor 1 - z, and so does its gradient.",
        ),
        Misconception(
            "derivative of tanh for the update gate",
            "da_z = dz * sigmoid_derivative(z)",
            "da_z = dz * (1 - z**2)",
            "The update gate is squashed by the logistic function, but goes back by the derivative of tanh.",
        ),
        Misconception(
            "derivative of tanh for the reset gate",
            "da_r = dr * sigmoid_derivative(r)",
            "da_r = dr * (1 - r**2)",
            "The reset gate is squashed by the logistic function, but goes back by the derivative of tanh.",
        ),
        Misconception(
            "derivative of the logistic function for the candidate",
            "da_g = dg * (1 - g**2)",
            "da_g = dg * g * (1 - g)",
            "The candidate is squashed by tanh, but goes back by the derivative of the logistic function.",
        ),
        Misconception(
            "1 - g for 1 - g^2",
            "da_g = dg * (1 - g**2)",
            "da_g = dg * (1 - g)",
            "The derivative of tanh in terms of its output is 1 - g^2; here the square is missing.",
        ),
        Misconception(
            "h for r * h in dW_hg",
            '("g", da_g, r * h)',
            '("g", da_g, h)',
            "The gradient of W_hg is computed with h; what is multiplied by W_hg in the forward step is r * h.",
        ),
        Misconception(
            "no factor h in dr",
            "dr = dq * h",
            "dr = dq",
            "In q = r * h the gate r is multiplied by h, so its gradient needs the factor h, which is missing.",
        ),
        Misconception(
            "product in the wrong order",
            "dr = dq * h",
            'dr = (da_g * h) @ params["W_hg"].T',
            "The order is wrong on the way to r: first da_g @ W_hg.T, back through the matrix, and then times h.",
        ),
        Misconception(
            "matrix applied to the state",
            "dr = dq * h",
            'dr = da_g * (h @ params["W_hg"].T)',
            "On the way to r the matrix W_hg.T belongs to da_g, not to h: it is (da_g @ W_hg.T) * h.",
        ),
        Misconception(
            "torch's variant differentiated",
            'dq = da_g @ params["W_hg"].T\n'
            "    dr = dq * h\n"
            "    da_r = dr * sigmoid_derivative(r)\n"
            '    dx = da_z @ params["W_xz"].T + da_r @ params["W_xr"].T + da_g @ params["W_xg"].T\n'
            "    dh = dh_next * z  # path 1\n"
            '    dh = dh + da_z @ params["W_hz"].T  # path 2\n'
            '    dh = dh + da_r @ params["W_hr"].T  # path 3\n'
            "    dh = dh + dq * r  # path 4\n"
            "    gradients = {}\n"
            '    for gate, da, state in (("z", da_z, h), ("r", da_r, h), ("g", da_g, r * h)):\n'
            '        gradients[f"W_x{gate}"] = x.T @ da\n'
            '        gradients[f"W_h{gate}"] = state.T @ da\n',
            'dq = da_g * r @ params["W_hg"].T\n'
            '    da_r = da_g * (h @ params["W_hg"]) * sigmoid_derivative(r)\n'
            '    dx = da_z @ params["W_xz"].T + da_r @ params["W_xr"].T + da_g @ params["W_xg"].T\n'
            '    dh = dh_next * z + da_z @ params["W_hz"].T + da_r @ params["W_hr"].T + dq\n'
            "    gradients = {}\n"
            '    for gate, da in (("z", da_z), ("r", da_r), ("g", da_g)):\n'
            '        gradients[f"W_x{gate}"] = x.T @ da\n'
            '        gradients[f"W_h{gate}"] = h.T @ (da_g * r if gate == "g" else da)\n',
            "These are the gradients of torch's variant, which resets after the matrix product; here it comes before.",
        ),
        Misconception(
            "way back of torch's variant",
            "dr = dq * h",
            'dr = da_g * (h @ params["W_hg"])',
            "This gradient of r belongs to a reset after the matrix product; here the reset comes before it.",
        ),
        Misconception(
            "W_hg not transposed",
            'dq = da_g @ params["W_hg"].T',
            'dq = da_g @ params["W_hg"]',
            "On the way back through W_hg the matrix is transposed; being square, it raises no error without.",
        ),
        Misconception(
            "W_hz not transposed",
            'dh + da_z @ params["W_hz"].T',
            'dh + da_z @ params["W_hz"]',
            "On the way back through W_hz the matrix is transposed; being square, it raises no error without.",
        ),
        Misconception(
            "direct path forgotten",
            "dh = dh_next * z  # path 1",
            "dh = 0.0 * dh_next",
            "The direct path into dh is missing: h stands in h' = z * h + ... itself, with the factor z.",
        ),
        Misconception(
            "update path into dh forgotten",
            'dh = dh + da_z @ params["W_hz"].T  # path 2',
            "",
            "The path of h through the update gate is missing from dh.",
        ),
        Misconception(
            "reset gate path into dh forgotten",
            'dh = dh + da_r @ params["W_hr"].T  # path 3',
            "",
            "The path of h through the reset gate's own matrix W_hr is missing from dh.",
        ),
        Misconception(
            "reset state path into dh forgotten",
            "dh = dh + dq * r  # path 4",
            "",
            "The path of h through the reset state q = r * h is missing from dh.",
        ),
        Misconception(
            "path through the reset state without r",
            "dh = dh + dq * r  # path 4",
            "dh = dh + dq",
            "In q = r * h the state is multiplied by r, so the path back from q to h needs the factor r.",
        ),
        Misconception(
            "mean over the batch",
            'gradients[f"W_x{gate}"] = x.T @ da\n'
            '        gradients[f"W_h{gate}"] = state.T @ da\n'
            '        gradients[f"b_{gate}"] = da.sum(axis=0)',
            'gradients[f"W_x{gate}"] = x.T @ da / len(x)\n'
            '        gradients[f"W_h{gate}"] = state.T @ da / len(x)\n'
            '        gradients[f"b_{gate}"] = da.mean(axis=0)',
            "The gradients of the weights are means over the batch; each example adds its share, so they are sums.",
        ),
        Misconception(
            "mean over the batch in the biases",
            "da.sum(axis=0)",
            "da.mean(axis=0)",
            "The bias is added to every row of the batch, so its gradient is the sum over the rows, not their mean.",
        ),
    ],
    builds_on=("gru_cell", "sigmoid_derivative"),
    by_differences=BY_DIFFERENCES,
    forbids=NUMPY_ALONE,
)
