"""What judges of more than one assignment compare: see `Case`."""

from __future__ import annotations

import math
from collections.abc import Sequence


def likely(counts: Sequence[int], shares: Sequence[float]) -> bool:
    """Whether each count lies within 6.5 binomial standard deviations, plus 1, of what its share makes one expect.

    A share of 0 allows none at all. How often correct answers fail is said where this is used: it is the sum of the
    exact binomial tails.
    """
    draws = sum(counts)
    return all(
        count == 0 if share == 0 else abs(count - draws * share) <= 6.5 * math.sqrt(draws * share * (1 - share)) + 1
        for count, share in zip(counts, shares, strict=True)
    )
