"""A term's ends: what is kept of it, and how the next one begins."""
