"""What an author writes: questions, cases, misconceptions, bars, and the pieces that several questions share."""

from autograder.oracle.bars import Bar, Measured, beyond_exact
from autograder.oracle.questions import Alternative, Case, Equivalent, Misconception, Question

__all__ = ["Alternative", "Bar", "Case", "Equivalent", "Measured", "Misconception", "Question", "beyond_exact"]
