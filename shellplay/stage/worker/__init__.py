"""Perform recipes in worker processes."""
