"""The kind of terminal that what runs inside is told it has."""

import os

from shellplay import settings

USUAL, DUMB = settings.USUAL.term, "dumb"


def term_inside() -> str:
    """Return the user's TERM if this machine knows it, else the nearest that is safe.

    What runs inside draws on the user's terminal: keys and colours are those of that one.
    """
    term = os.environ.get("TERM", "")
    if term in ("", USUAL, DUMB):
        return term or DUMB
    import curses

    try:
        curses.setupterm(term, 1)
    except curses.error:
        # A new terminal that calls itself one of xterm's kind is that as well.
        return USUAL if term.startswith("xterm") else DUMB
    return term
