"""How words of a command line become arguments."""
