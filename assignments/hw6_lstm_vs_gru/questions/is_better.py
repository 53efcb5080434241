"""What the grader asks of `is_better`: a paired comparison over seeds: yes, no or not shown."""

from __future__ import annotations

import math

import numpy as np

from autograder.oracle import Case, Equivalent, Misconception, Question


def differences(rng: np.random.Generator, n: int, t: float) -> np.ndarray:
    """n differences whose mean is t standard errors away from 0."""
    d = rng.standard_normal(n)
    d = (d - d.mean()) / d.std(ddof=1)
    return float(rng.uniform(0.05, 3)) * (d + t / math.sqrt(n))


def draw_pairs(*cases: tuple[int, float], spread: float = 1.0):
    """Pairs of perplexities by seed, a case for each (seeds, t), in an order of their own.

    spread: how far the seeds lie apart, as a multiple of what the differences vary.
    """

    def draw(rng: np.random.Generator) -> dict:
        pairs = []
        for n, t in cases:
            d = differences(rng, n, t)
            b = 110 + spread * float(d.std(ddof=1)) * rng.standard_normal(n)
            pairs.append(((b + d).tolist(), b.tolist()))
        return {"pairs": [pairs[i] for i in rng.permutation(len(pairs))]}

    return draw


ASKED = "[is_better(a, b) for a, b in pairs]"

# t_{n-1}: 12.71, 4.30, 3.18, 2.78, 2.26 for n = 2, 3, 4, 5, 10. The values of t lie well on one side of it, and between
# it and what slips would take: 1.96, the one-sided quantile, n degrees of freedom, a standard deviation by n.
QUESTION = Question(
    cases=[
        Case(
            "a clear difference either way, and none",
            ASKED,
            draw_pairs((5, -9.0), (5, 9.0), (6, 0.3), (8, -12.0), (4, 8.0), (10, -0.5)),
            weight=2,
            core=True,
        ),
        Case(
            "the interval is that of t with n - 1 degrees of freedom, two-sided",
            ASKED,
            draw_pairs(
                *((2, -1.5), (2, 3.0), (2, -5.2), (2, 7.5), (2, -11.0), (2, 15.0)),
                *((3, 1.2), (3, -3.9), (3, 3.9), (3, -5.0), (4, -2.95), (4, 3.5), (5, 2.6), (5, -3.1)),
            ),
            weight=2,
            core=True,
        ),
        Case(
            "more seeds",
            ASKED,
            draw_pairs(
                *((10, 1.0), (10, -1.88), (10, 2.1), (10, -2.19), (10, 2.245), (10, -2.5)),
                *((20, 2.03), (20, 2.2), (40, -2.2), (30, 0.5), (400, 2.005), (400, -2.005), (400, 1.93)),
            ),
        ),
        Case(
            "the differences are paired by seed",
            ASKED,
            # (400, 132): shown if variances are added, where 111 would do; not if deviations are, where 157 would
            draw_pairs((5, -6.0), (6, 6.0), (7, 1.0), (4, -7.0), (400, 132.0), spread=40.0),
            weight=2,
            core=True,
        ),
        Case(
            "fewer than two seeds show nothing",
            "[is_better([], []), is_better([a], [b]), is_better([b], [a]), is_better([a, a], [b, b])]",
            lambda rng: {"a": float(rng.uniform(80, 90)), "b": float(rng.uniform(100, 110))},
        ),
        Case(
            "a constant difference counts as shown unless it is 0",
            "[is_better([s - gap for s in seeds], seeds), is_better([s + gap for s in seeds], seeds), "
            "is_better(seeds, list(seeds))]",
            lambda rng: {"seeds": [float(s) for s in rng.integers(80, 120, 4)], "gap": float(rng.integers(1, 9)) / 4},
        ),
        Case(
            "unequal lengths are refused",
            """
def outcome(a, b):
    try:
        return is_better(a, b)
    except ValueError:
        return "ValueError"

unequal = [(long, long[1:]), (long[:1], long), ([], long[:1]), (long, long[:1])]
[outcome(*pair) for pair in [*unequal, (long[:2], [s + 1 for s in long[:2]])]]
""",
            lambda rng: {"long": [float(s) for s in rng.integers(80, 120, 5)]},
            weight=0.75,
        ),
        Case(
            "arrays will do, and the arguments stay as they were",
            "(is_better(a, b), is_better(b, a), is_better(tuple(a), list(b)), a, b)",
            lambda rng: {
                "a": (base := 100 + rng.standard_normal(5)),
                "b": base + differences(rng, 5, 8.0),
            },
            weight=0.5,
        ),
    ],
    equivalent=[
        Equivalent(r"n < 2|n < 1|n < 0", "One difference has the deviation nan, which shows nothing either."),
        Equivalent(r"two lines exchanged: if mean", "The two cannot both hold."),
        Equivalent(r"mean\(axis=", "The differences have one axis."),
        Equivalent(r"differences = ", "numpy takes lists, and whole numbers divide as floats do."),
        Equivalent(r"n = len\(b\)", "They are equally long."),
    ],
    core="an interval of Student's t over differences that are paired by seed",
    misconceptions=[
        Misconception(
            "higher is better",
            'if mean + half < 0:\n        return "yes"\n    if mean - half > 0:\n        return "no"',
            'if mean + half < 0:\n        return "no"\n    if mean - half > 0:\n        return "yes"',
            "Yes and no are the wrong way round: a lower perplexity is better.",
        ),
        Misconception(
            "means compared",
            "t_quantile(n - 1) * differences.std(ddof=1) / math.sqrt(n)",
            "0.0",
            "The means alone are compared: without an interval a difference of chance counts as shown.",
        ),
        Misconception(
            "1.96 for t",
            "t_quantile(n - 1)",
            "1.96",
            "1.96 stands where t with n - 1 degrees of freedom should: with few seeds the interval is too narrow.",
        ),
        Misconception(
            "n degrees of freedom",
            "t_quantile(n - 1)",
            "t_quantile(n)",
            "t is taken with n degrees of freedom; it should be n - 1.",
        ),
        Misconception(
            "one-sided",
            "t_quantile(n - 1)",
            "float(stdtrit(n - 1, 0.95))",
            "The interval is that of a one-sided 95%; the two-sided one takes the 97.5% quantile.",
        ),
        Misconception(
            "standard deviation by n",
            "std(ddof=1)",
            "std()",
            "The standard deviation divides by n; it should divide by n - 1.",
        ),
        Misconception(
            "corrected twice",
            "math.sqrt(n)",
            "math.sqrt(n - 1)",
            "The root is of n - 1; `ddof=1` has corrected the spread already, and the root should be of n.",
        ),
        Misconception(
            "no root of n",
            " / math.sqrt(n)",
            "",
            "The interval is that of a single difference; that of the mean is narrower by the root of n.",
        ),
        Misconception(
            "not paired",
            "differences.std(ddof=1)",
            "math.sqrt(np.var(a, ddof=1) + np.var(b, ddof=1))",
            "The spreads of the two are added as if they were not paired: take the spread of the differences.",
        ),
        Misconception(
            "two independent samples",
            "t_quantile(n - 1) * differences.std(ddof=1)",
            "t_quantile(2 * n - 2) * math.sqrt(np.var(a, ddof=1) + np.var(b, ddof=1))",
            "The interval is that of two independent samples, with 2n - 2 degrees of freedom, but the two are paired "
            "by seed: take the spread of the n differences.",
        ),
        Misconception(
            "two intervals that overlap",
            "differences.std(ddof=1)",
            "(np.std(a, ddof=1) + np.std(b, ddof=1))",
            "Each model has an interval of its own here, and their overlap decides; there should be one interval, that "
            "of the differences by seed.",
        ),
        Misconception(
            "the wrong end of the interval",
            'if mean + half < 0:\n        return "yes"\n    if mean - half > 0:',
            'if mean - half < 0:\n        return "yes"\n    if mean + half > 0:',
            "The wrong end of the interval is compared with 0: it lies below 0 only if its upper end does, and above 0 "
            "only if its lower end does.",
        ),
        Misconception(
            "variance for standard deviation",
            "differences.std(ddof=1)",
            "differences.var(ddof=1)",
            "The variance of the differences stands where their standard deviation should: take its square root.",
        ),
        Misconception(
            "one seed is proof",
            '    if n < 2:\n        return "not shown"\n',
            '    if n == 0:\n        return "not shown"\n    if n == 1:\n'
            '        return "yes" if a[0] < b[0] else "no"\n',
            "One seed counts as proof: with fewer than two nothing is known about the spread, so nothing is shown.",
        ),
        Misconception(
            "lengths not checked",
            "if len(a) != len(b):",
            "a, b = a[: len(b)], b[: len(a)]\n    if len(a) != len(b):",
            "Unequal numbers of seeds should be refused with a ValueError: they cannot be paired.",
        ),
        Misconception(
            "a constant difference is not shown",
            "    if mean + half < 0:",
            '    if half < 1e-12:\n        return "not shown"\n    if mean + half < 0:',
            "A constant difference has an interval of a single point, which does not hold 0, so it counts as shown.",
        ),
        Misconception(
            "not shown taken for no",
            '        return "no"\n    return "not shown"',
            '        return "no"\n    return "no"',
            "That 0 lies in the interval does not mean no: it means that nothing is shown.",
        ),
    ],
)
