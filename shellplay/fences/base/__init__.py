"""What fences have in common: their families and their options."""
