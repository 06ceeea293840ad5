"""A pseudo terminal: its two ends, its window size and its modes, see pty(7)."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shellplay.kernel.stub import Stub

READ_SIZE = 65536
# In asm-generic/ioctls.h, see TIOCGPTPEER(2const).
TIOCGPTPEER = 0x5441


class Pty:
    """The master of a pty, which is ours, and its slave until it is given away."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.master, slave = os.openpty()
        self._slave: int | None = slave
        self.path = os.ttyname(slave)
        os.set_blocking(self.master, False)
        # The size is set before anything runs on it: a program asks at its start.
        set_size(self.master, columns, rows)

    def slave_for(self, stub: Stub) -> int:
        """Give the slave to the process that will live on it; return its number there.

        We forget it: its end must be the end of the terminal.
        """
        assert self._slave is not None, "a terminal is given away once"
        number = stub.give(self._slave)
        self._forget_slave()
        return number

    def _forget_slave(self) -> None:
        if self._slave is not None:
            os.close(self._slave)
            self._slave = None

    def resize(self, columns: int, rows: int) -> None:
        """Set the window size; the kernel signals the foreground group (SIGWINCH)."""
        self.columns, self.rows = columns, rows
        set_size(self.master, columns, rows)

    def modes(self) -> list[object]:
        """Return the line discipline's modes, see termios(3)."""
        return list(termios.tcgetattr(self.master))

    def set_modes(self, modes: list[object]) -> None:
        """Set the line discipline's modes; on a pty the master acts for the slave."""
        termios.tcsetattr(self.master, termios.TCSANOW, modes)  # type: ignore[arg-type]

    def foreground_group(self) -> int:
        """Return the foreground process group as a host PID, 0 if there is none."""
        try:
            return os.tcgetpgrp(self.master)
        except OSError:
            return 0

    def take_back(self) -> bytes:
        """Take the keys back that were written and not read; return them.

        No process may read the terminal meanwhile.
        """
        slave = fcntl.ioctl(self.master, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        before = self.modes()
        try:
            # With the line editor of the kernel on, what ends without Enter is kept back.
            self.set_modes(_by_the_key(before))
            keys = b""
            with suppress(BlockingIOError):
                while chunk := os.read(slave, READ_SIZE):
                    keys += chunk
            return keys
        finally:
            self.set_modes(before)
            os.close(slave)


def _by_the_key(modes: list[object]) -> list[object]:
    """Return modes in which a read gets every key at once, see termios(3)."""
    *rest, local, input_speed, output_speed, keys = modes
    assert isinstance(local, int)
    assert isinstance(keys, list)
    keys = [*keys]
    keys[termios.VMIN], keys[termios.VTIME] = 1, 0
    return [*rest, local & ~(termios.ICANON | termios.ECHO), input_speed, output_speed, keys]


def set_size(fd: int, columns: int, rows: int) -> None:
    """Set a terminal's window size in characters, TIOCSWINSZ(2const)."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
