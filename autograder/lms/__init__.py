"""Marks and pages for Canvas and Moodle."""
