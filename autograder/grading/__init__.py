"""A class is graded: the driver, its workers, the writer of marks, the door for nbgrader."""
