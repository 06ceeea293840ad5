"""The real program in a terminal: what shellplay.testing gives to every project."""

from shellplay.testing import PATIENCE, Terminal, plain, start_terminal

__all__ = ["PATIENCE", "Terminal", "plain", "start_terminal"]
