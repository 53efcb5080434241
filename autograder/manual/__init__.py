"""Marking by hand, question by question: answers of a class, their marks in nbgrader's gradebook, a served page."""
