"""Which hand-ins are alike."""
