"""Inputs that several questions draw."""


def seed(rng):
    """A seed for the generator that the program makes."""
    return int(rng.integers(1, 2**31))


def draw_norm(rows, features, center=0.0, width=1.0):
    """Inputs of a batch norm: x, dy, four vectors, momentum and eps."""

    def draw(rng):
        return {
            "x": center + width * rng.normal(0.4, 1.5, (rows, features)),
            "dy": rng.normal(size=(rows, features)),
            "gamma": rng.normal(size=features),
            "beta": rng.normal(size=features),
            "mean": rng.normal(size=features),
            "var": rng.uniform(0.3, 3, features),
            "momentum": float(rng.uniform(0.15, 0.4)),
            "eps": float(rng.uniform(0.01, 0.2)),
        }

    return draw


def draw_flat(rng):
    """A batch with a constant column, and one that hardly varies."""
    inputs = draw_norm(5, 4)(rng)
    inputs["x"][:, 1] = inputs["x"][0, 1]
    inputs["x"][:, 2] = 1 + 1e-5 * inputs["x"][:, 2]
    return inputs | {"eps": 1e-5}
