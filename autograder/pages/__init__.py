"""What people read: feedback, reports on a class and its students, the rubric in the formgrader."""
