"""Reports on performed recipes."""
