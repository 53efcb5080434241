"""Long runs by the solutions' own code, their tables and pictures."""
