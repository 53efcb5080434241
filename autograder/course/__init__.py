"""What a course on disk is: its cells, solutions, settings and errors."""
