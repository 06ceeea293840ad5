"""Show a performance to a person."""
