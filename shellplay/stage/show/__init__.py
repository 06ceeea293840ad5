"""Show a performance to a viewer, who can pause it, jump in it and use its bash."""
