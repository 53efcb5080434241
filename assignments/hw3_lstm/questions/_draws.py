"""Parameters and sequences that several questions draw."""

from autograder.oracle.draws import gate_parameters

NAMES = ("W_xi", "W_hi", "b_i", "W_xf", "W_hf", "b_f", "W_xo", "W_ho", "b_o", "W_xg", "W_hg", "b_g")


def sequence(steps, batch, input_size, hidden_size, *, zero=False, scale=0.6, name=""):
    """Draws xs, h0, c0 and params of a sequence; with `name` the weight that is asked about."""

    def draw(rng):
        h0, c0 = rng.uniform(-1, 1, (batch, hidden_size)), rng.standard_normal((batch, hidden_size))
        drawn = {
            "xs": rng.standard_normal((steps, batch, input_size)),
            "h0": 0.0 * h0 if zero else h0,
            "c0": 0.0 * c0 if zero else c0,
            "params": gate_parameters(rng, NAMES, input_size, hidden_size, scale),
        }
        return drawn | ({"name": name} if name else {})

    return draw
