"""Parameters, sequences and sizes that several questions draw."""

NAMES = ("W_xu", "W_hu", "b_u", "W_xf", "W_hf", "b_f", "W_xo", "W_ho", "b_o", "W_xg", "W_hg", "b_g")


def parameters(rng, input_size, hidden_size, scale=0.6):
    """The twelve arrays of an LSTM by name, normal entries."""
    shapes = {"W_x": (input_size, hidden_size), "W_h": (hidden_size, hidden_size), "b_": (hidden_size,)}
    return {name: scale * rng.standard_normal(shapes["b_" if name[0] == "b" else name[:3]]) for name in NAMES}


def sequence(steps, batch, input_size, hidden_size, *, zero=False, scale=0.6, name=""):
    """Draws xs, h0, c0 and params of a sequence; with `name` the weight that is asked about."""

    def draw(rng):
        h0, c0 = rng.uniform(-1, 1, (batch, hidden_size)), rng.standard_normal((batch, hidden_size))
        drawn = {
            "xs": rng.standard_normal((steps, batch, input_size)),
            "h0": 0.0 * h0 if zero else h0,
            "c0": 0.0 * c0 if zero else c0,
            "params": parameters(rng, input_size, hidden_size, scale),
        }
        return drawn | ({"name": name} if name else {})

    return draw


def draw_sizes(rng):
    """Numbers of inputs and of hidden units."""
    return {"n": int(rng.integers(30, 900)), "m": int(rng.integers(1000, 3000))}
