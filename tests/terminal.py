"""The names of shellplay.testing that drive the real program in a terminal."""

from shellplay.testing import TIMEOUT_SECONDS, Terminal, plain, start_terminal

__all__ = ["TIMEOUT_SECONDS", "Terminal", "plain", "start_terminal"]
