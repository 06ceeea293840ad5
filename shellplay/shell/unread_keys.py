"""The keys of a line that no program has read: bash returns them before it draws its prompt.

At its prompt bash would take them for itself, and they are for the prompt of the user.  So the
prompt command reads them up to our reply, and prints them between two marks.  A program inside
may print such marks, too.  So nothing comes back but the end of what was typed.
"""

from __future__ import annotations

# A pty keeps less than this, see pty(7).
MOST = 8192
RETURN, NEWLINE = b"\r", b"\n"
ERASE, KILL = b"\x7f\b", b"\x15"
ARM = "__shellplay_returns=1; "


class UnreadKeys:
    """The keys that are typed while one line runs, and those of them that come back.

    ``word`` ends our reply.  ``wanted`` is true if the user's prompt gets what comes back, and
    false if bash itself gets it, since the user types into bash now.
    """

    def __init__(self, word: str) -> None:
        self._reply = b"\0%b\0" % word.encode()
        self.armed = self.asked = self.wanted = False
        self._typed = b""
        self._returned = b""

    def arm(self) -> None:
        """Begin a line: bash was told to return what is unread at its end."""
        self.armed = self.wanted = True
        self.asked = False
        self._typed = self._returned = b""

    def note(self, keys: bytes) -> None:
        """Remember keys that are typed."""
        if self.armed and not self.asked:
            self._typed = (self._typed + keys)[-MOST:]

    def ask(self, unsent: bytes) -> bytes:
        """Return our reply to bash; ``unsent`` are keys that the pty has no room for yet."""
        self.note(unsent)
        self.asked = True
        return self._reply

    def came(self, reported: bytes) -> bytes:
        """End the line; return the keys that bash gets again, from what it has reported."""
        self.armed = self.asked = False
        keys = unread(self._typed, reported.replace(b"\r\n", NEWLINE))
        if not self.wanted:
            return keys
        self._returned = keys
        return b""

    def take(self) -> bytes:
        """Return and forget the keys for the user's prompt."""
        self.wanted = False
        keys, self._returned = self._returned, b""
        return keys


def unread(typed: bytes, reported: bytes) -> bytes:
    """Return the end of what was typed that bash has reported; empty if it is not that."""
    as_it_came = typed.replace(RETURN, NEWLINE)
    if as_it_came.endswith(reported):
        return typed[len(typed) - len(reported) :]
    # In canonical mode the kernel has edited the line, see termios(3).
    edited = bytearray()
    for key in as_it_came:
        if key in ERASE:
            del edited[max(len(edited) - 1, edited.rfind(NEWLINE) + 1) :]
        elif key in KILL:
            del edited[edited.rfind(NEWLINE) + 1 :]
        else:
            edited.append(key)
    return reported.replace(NEWLINE, RETURN) if edited.endswith(reported) else b""
