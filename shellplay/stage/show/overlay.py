"""Show lines above a replay, page by page, and give the screen back afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from shellplay.stage.show.keyboard import RESIZED, Keyboard
from shellplay.views.text_width import fit

# The alternate screen, see "Alternate Screen Buffer" in ctlseqs of xterm.
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
CLEAR = "\x1b[r\x1b[H\x1b[2J"
NEXT = (" ", "\r", "\n", "\x1b[6~", "\x1b[B", "j", "f")
BACK = ("b", "k", "\x1b[5~", "\x1b[A")


def show_pages(
    write: Callable[[str], None], keyboard: Keyboard, fd: int, lines: Sequence[str]
) -> None:
    """Show safe lines without colours on the alternate screen, until the viewer closes it.

    A key after the last page closes it, and so does any key that does not turn a page.
    """
    at = 0
    write(ENTER)
    try:
        while at < len(lines):
            columns, rows = os.get_terminal_size(fd)
            rowed = [row for line in lines for row in _rows(line, max(columns, 1))]
            room = max(rows - 1, 1)
            last = min(at + room, len(rowed))
            if len(rowed) <= room:
                footer = "any key: back"
            else:
                footer = f"{at + 1}-{last} of {len(rowed)}  Space next  b before  q back"
            page = "".join(f"{row}\n" for row in rowed[at:last])
            write(f"{CLEAR}{page}\x1b[7m{fit(footer, columns - 1)}\x1b[0m")
            key = keyboard.key()
            if key == RESIZED:
                at = min(at, max(len(rowed) - room, 0))
            elif key in BACK and len(rowed) > room:
                at = max(at - room, 0)
            elif key in NEXT and last < len(rowed):
                at += room
            else:
                return
    finally:
        write(LEAVE)


def _rows(line: str, columns: int) -> list[str]:
    """Return a line cut into the rows of a terminal."""
    expanded = line.expandtabs()
    return [expanded[at : at + columns] for at in range(0, len(expanded), columns)] or [""]
