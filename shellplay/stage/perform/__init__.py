"""Perform a recipe and compare its output."""
