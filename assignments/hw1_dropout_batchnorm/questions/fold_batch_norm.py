"""What the grader asks of `fold_batch_norm`: one linear layer that does what a layer and its batch norm did."""

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.cases import pure


def draw_fold(inputs, features):
    def draw(rng):
        vectors = {name: rng.normal(size=features) for name in ("b", "gamma", "beta", "mean")}
        scales = {"var": rng.uniform(0.2, 3, features), "eps": float(rng.uniform(0.01, 0.3))}
        return {"W": rng.normal(size=(inputs, features))} | vectors | scales

    return draw


FOLD = "W_new, b_new = fold_batch_norm(W, b, gamma, beta, mean, var, eps)\n"

QUESTION = Question(
    cases=[
        Case("the new W", FOLD + "W_new", draw_fold(4, 3), weight=2, core=True),
        Case("the new b", FOLD + "b_new", draw_fold(3, 5), weight=2, core=True),
        Case("as many inputs as features", FOLD + "(W_new, b_new)", draw_fold(4, 4)),
        Case("one input, one feature", FOLD + "(W_new, b_new)", draw_fold(1, 1), weight=0.5),
        pure("tuple(fold_batch_norm(W, b, gamma, beta, mean, var, eps))", draw_fold(2, 3)),
    ],
    core="both the new W and the new b",
    misconceptions=[
        Misconception(
            "bias not scaled",
            "(b - running_mean) * scale + beta",
            "b - running_mean * scale + beta",
            "The old bias is not scaled: batch norm multiplies all of x @ W + b.",
        ),
        Misconception(
            "running mean forgotten",
            "(b - running_mean) * scale + beta",
            "b * scale + beta",
            "The running mean is missing from the new bias.",
        ),
        Misconception(
            "rows scaled in place of columns",
            "W * scale,",
            "W * np.resize(scale, len(W))[:, None],",
            "The rows of W are scaled: a feature is a column of W.",
        ),
        Misconception(
            "eps outside of the root",
            "np.sqrt(running_var + eps)",
            "(np.sqrt(running_var) + eps)",
            "Eps stands outside of the root: it is added to the variance.",
        ),
    ],
)
