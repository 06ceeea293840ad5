"""A live bash on a terminal: start it, type into it, read and restore its state."""
