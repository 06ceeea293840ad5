"""The modes of the user's terminal, which the monitor restores if the REPL is killed."""

from __future__ import annotations

import os
import select
import termios
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    # As termios.tcgetattr returns them.
    Modes = list[int | list[bytes | int]]

# tty.setraw switches these off; a shell at its prompt has them on.
LINE_EDITING = termios.ICANON | termios.ISIG
LOCAL = 3


class KeptModes:
    """The modes of a terminal, see termios(3); the object owns the ``descriptor``.

    ``farewell`` is what the terminal is sent with them.
    """

    def __init__(self, descriptor: int, modes: Modes, farewell: bytes) -> None:
        self._descriptor = descriptor
        self._modes = modes
        self._farewell = farewell

    def restore(self) -> None:
        """Set the modes if the terminal is still raw; if it is not, a shell has set its own."""
        # The call fails if the terminal was hung up: then its modes do not matter.
        with suppress(termios.error):
            now = termios.tcgetattr(self._descriptor)
            if not now[LOCAL] & LINE_EDITING:
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._modes)
                self._say_farewell()

    def _say_farewell(self) -> None:
        # A stopped terminal takes nothing, and the monitor must not wait for it.
        _, writable, _ = select.select([], [self._descriptor], [], 0)
        if writable:
            with suppress(OSError):
                os.write(self._descriptor, self._farewell)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)
