"""The argument types: each parses and completes one kind of argument."""
