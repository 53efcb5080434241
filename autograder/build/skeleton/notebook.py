# %% [markdown]
# # A new assignment
#
# Say in three sentences what this is about and why a student would want to know it.
#
# **After this notebook you can**
#
# - turn a sum of nats into bits per token.
#
# **You need** logarithms. Plan about 15 minutes. There are 3 points: 2 by the graded cell, 1 by a short written answer.

# %% tags=["provided"]
import math

import numpy as np

from utils import checks, plots

# %% [markdown]
# ## 1. Bits per token (2 points, about 10 minutes)
#
# A text of $N$ predicted tokens has the negative log-likelihood $L$, in nats. One bit is $\ln 2$ nats, so
#
# $$b = \frac{L}{N \ln 2}$$
#
# | symbol | in code | kind |
# | --- | --- | --- |
# | $L$ | `total_nll` | number, nats |
# | $N$ | `tokens` | integer, one at least |


# %% id="bits_per_token" tags=["solution"]
def bits_per_token(total_nll, tokens):
    """The mean negative log-likelihood in bits. Raises ValueError where tokens is not positive."""
    ### BEGIN SOLUTION
    if tokens < 1:
        raise ValueError(f"tokens must be positive, got {tokens}")
    return total_nll / tokens / math.log(2)
    ### END SOLUTION


# %% [markdown]
# Look at it before you check it: guessing among $V$ words costs $\log_2 V$ bits.

# %%
sizes = np.array([2, 10, 100, 1000, 10000])
bits = [bits_per_token(20 * math.log(size), 20) for size in sizes]
plots.curves({"guessing": (sizes, bits)}, x_label="number of words", y_label="bits per token", log_x=True)

# %% id="check_bits_per_token" tags=["question"] points=2
"""One bit is ln 2 nats, and guessing among eight words takes three bits."""
checks.close("bits_per_token(ln 2, 1)", bits_per_token(math.log(2), 1), 1.0)
checks.close("bits_per_token(5 ln 8, 5)", bits_per_token(5 * math.log(8), 5), 3.0)
checks.raises("bits_per_token(1.0, 0)", ValueError, lambda: bits_per_token(1.0, 0))
checks.passed("bits_per_token")

# %% [markdown]
# <details><summary>Hint</summary>
#
# Divide by the number of tokens first; then change the unit.
#
# </details>

# %% [markdown] id="why_bits" tags=["written"] points=1
# **Written question (1 point, about 5 minutes).** Why is a mean over tokens reported, and not the sum?
#
# ### BEGIN SOLUTION
# The sum grows with the length of the text, so it compares texts and not models. The mean is the same for a text and
# for the text twice.
#
# Rubric:
#
# - 1: the sum depends on the length
# ### END SOLUTION

# %% [markdown]
# ## Sources
#
# Shannon 1948, *A Mathematical Theory of Communication*, Bell System Technical Journal 27(3).
