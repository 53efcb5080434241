"""What the derivation of a gradient does without: libraries that find it, and differences of the loss."""

NUMPY_ALONE = ("torch", "scipy", "sklearn", "utils.gradients")
