"""The value of TERM for programs in containers (term(7))."""

import os

from shellplay import settings

DEFAULT_TERM, DUMB = settings.USUAL.term, "dumb"
# Every database of terminals has these, see terminfo(5).
KNOWN = (DEFAULT_TERM, DUMB, "linux", "screen", "vt100", "xterm")


def container_term() -> str:
    """Return the user's TERM if this machine's terminfo has it, else the nearest safe value.

    A program in a container draws on the user's terminal: its keys and colours are the ones of
    that terminal.
    """
    term = os.environ.get("TERM", "")
    if not term or term in KNOWN:
        return term or DUMB
    import curses

    try:
        curses.setupterm(term, 1)
    except curses.error:
        # A new terminal whose name begins with xterm understands xterm's sequences.
        return DEFAULT_TERM if term.startswith("xterm") else DUMB
    return term
