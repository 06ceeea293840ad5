"""Build a container around one live bash, one fence at a time."""

__version__ = "0.1.0"
