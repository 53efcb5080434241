"""Where strangers' code runs: isolation and warm kernels."""
