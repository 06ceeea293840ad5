"""Turns each fence into one that does nothing, and counts which recipes notice it."""
