"""Libraries that this assignment does without, and what marking/forbidden.py says of one that is used."""

NUMPY_ALONE = ("torch", "scipy", "sklearn")
DIFFERENCES = ("numerical_gradient", "utils.gradients")
BY_TORCH = "this exercise asks you to do without it"
BY_TEXT = "The values are right: what is wrong stands in the text of the function, which no visible check reads."
