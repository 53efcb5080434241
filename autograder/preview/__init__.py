"""Previews before the deadline: what is asked for is graded on inputs of its own, and put on a page without points."""
