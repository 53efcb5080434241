"""The grader, graded: hand-ins made, bars calibrated, the demo, what the host offers."""
