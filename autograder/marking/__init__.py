"""From answers to verdicts: answers as data, their comparison, reasons, follow-through; single edits."""
