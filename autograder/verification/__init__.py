"""The grader, graded: submissions made, bars calibrated, the demo, what the host offers."""
