"""The instructor's side: building notebooks, asking kernels, marking answers, verifying the grader."""
