"""Values in, text out: nothing here reads the system."""
