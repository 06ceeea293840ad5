"""Record a session as a recipe."""
