"""Disable each fence, and check that the recipes that claim it fail."""
