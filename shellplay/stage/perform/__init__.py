"""Perform a recipe step by step, and compare its output with the expected lines."""
