"""Parameters, steps and sequences of a GRU that several questions draw."""

from autograder.oracle.draws import gate_parameters, saturating

NAMES = ("W_xz", "W_hz", "b_z", "W_xr", "W_hr", "b_r", "W_xg", "W_hg", "b_g")


def step(batch, input_size, hidden_size, *, zero=False, saturated=False, names=NAMES):
    """Draws x, h, params and dh_next of one step, from a zero state or with gates that are fully open or shut."""

    def draw(rng):
        params = gate_parameters(rng, names, input_size, hidden_size)
        if saturated:  # half of the units each way; the candidate stays where it can be told apart
            for gate in "zr":
                params[f"b_{gate}"] = saturating(rng, hidden_size)
        h = rng.standard_normal((batch, hidden_size))
        return {
            "x": rng.standard_normal((batch, input_size)),
            "h": 0.0 * h if zero else h,
            "params": params,
            "dh_next": rng.standard_normal((batch, hidden_size)),
        }

    return draw


def sequence(steps, batch, input_size, hidden_size, *, zero=False, scale=0.6):
    """Draws xs, targets, h0 and params of a sequence."""

    def draw(rng):
        h0 = rng.standard_normal((batch, hidden_size))
        return {
            "xs": rng.standard_normal((steps, batch, input_size)),
            "targets": rng.standard_normal((steps, batch, hidden_size)),
            "h0": 0.0 * h0 if zero else h0,
            "params": gate_parameters(rng, NAMES, input_size, hidden_size, scale),
        }

    return draw
