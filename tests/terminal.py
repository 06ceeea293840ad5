"""The real program in a terminal: what shellplay.testing gives to every project."""

from shellplay.testing import TIMEOUT_SECONDS, Terminal, plain, start_terminal

__all__ = ["TIMEOUT_SECONDS", "Terminal", "plain", "start_terminal"]
