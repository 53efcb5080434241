"""Libraries that this assignment does without, and what is said when torch was used."""

NUMPY_ALONE = ("torch", "scipy", "sklearn")
DIFFERENCES = ("numerical_gradient", "utils.gradients")
BY_TORCH = "Torch computes this: the exercise asks for it in numpy."
