"""Floating-point companions of the exact derivations: constants, and later the referee's engines."""
