"""What the process that workers are forked from loads: the grader, and what solutions import (see cores.py)."""

import gc

gc.disable()  # it would look through all of this again and again: an eighth of the time

import matplotlib.pyplot  # noqa: E402, F401
import torch  # noqa: E402, F401

import autograder.grading.worker  # noqa: E402, F401

gc.enable()
gc.freeze()  # workers share these pages as long as the collector does not write into them
