"""Cases on gradients."""

from autograder.oracle import Case


def gradient(name, draw, ask, weight=1.0, core=False):
    """A case on gradients, with their tolerance."""
    return Case(name, ask, draw, weight, relative=1e-6, absolute=1e-9, core=core)
