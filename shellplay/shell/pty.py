"""A pseudoterminal: its two ends, its window size and its modes, pty(7)."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shellplay.kernel.stub import Stub

READ_SIZE = 65536
# In asm-generic/ioctls.h, see TIOCGPTPEER(2const).
TIOCGPTPEER = 0x5441
# The place of c_lflag in the list of tcgetattr(3).
LOCAL_MODES = 3


class Pty:
    """A pty: we keep the master, and have the slave until a stub gets it.

    ``columns`` and ``rows`` are in characters.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.master, slave = os.openpty()
        self._slave: int | None = slave
        self.path = os.ttyname(slave)
        os.set_blocking(self.master, False)
        # Set before any program starts on the pty: a program reads the size at its start.
        set_size(self.master, columns, rows)

    def replace(self, master: int, slave: int, path: str) -> None:
        """Take the ends of another pty, and close those that no program has been on.

        ``path`` is that of the slave in the container.
        """
        self._forget_slave()
        os.close(self.master)
        self.master, self._slave, self.path = master, slave, path
        os.set_blocking(self.master, False)
        set_size(self.master, self.columns, self.rows)

    @property
    def device(self) -> int:
        """The device number of the slave."""
        with self._peer() as slave:
            return os.fstat(slave).st_rdev

    def give_to(self, owner: int) -> None:
        """Make a UID the owner of the slave, so that it may open that by its path."""
        assert self._slave is not None, "it was given away"
        os.fchown(self._slave, owner, -1)

    def slave_for(self, stub: Stub) -> int:
        """Duplicate the slave into a stub, and close ours; return the number in the stub."""
        with self.slave() as ours:
            return stub.give(ours)

    @contextmanager
    def slave(self) -> Iterator[int]:
        """Yield our descriptor of the slave, and close it after the block.

        The pty hangs up when the last descriptor of the slave is closed, so we must not keep
        one.
        """
        assert self._slave is not None, "a terminal is given away once"
        try:
            yield self._slave
        finally:
            self._forget_slave()

    def _forget_slave(self) -> None:
        if self._slave is not None:
            os.close(self._slave)
            self._slave = None

    def read_output(self) -> bytes | None:
        """Read the present output; empty if there is none, None after a hangup."""
        try:
            return os.read(self.master, READ_SIZE)
        except BlockingIOError:
            return b""
        except OSError as error:
            # EIO is the end of a pty, see pty(7).
            if error.errno != errno.EIO:
                raise
            return None

    def resize(self, columns: int, rows: int) -> None:
        """Set the window size; the kernel signals the foreground group (SIGWINCH)."""
        self.columns, self.rows = columns, rows
        set_size(self.master, columns, rows)

    def modes(self) -> list[object]:
        """Return the modes of the line discipline, tcgetattr(3)."""
        return list(termios.tcgetattr(self.master))

    def set_modes(self, modes: list[object]) -> None:
        """Set the modes of the line discipline, tcsetattr(3); the master sets them for both."""
        termios.tcsetattr(self.master, termios.TCSANOW, modes)  # type: ignore[arg-type]

    def foreground_group(self) -> int:
        """Return the foreground process group, a PID of the host; 0 if there is none."""
        try:
            return os.tcgetpgrp(self.master)
        except OSError:
            return 0

    def discard_unread_keys(self) -> None:
        """Remove the keys that no process has read yet, and let output flow again."""
        with self._peer() as slave:
            termios.tcflush(slave, termios.TCIFLUSH)
            termios.tcflow(slave, termios.TCOON)

    def take_unread_keys(self) -> bytes:
        """Remove and return the keys that no process has read yet.

        No process may read the terminal meanwhile.
        """
        with self._peer() as slave:
            unread = bytearray(4)
            fcntl.ioctl(slave, termios.FIONREAD, unread)
            before = self.modes()
            if not any(unread) and not _is_canonical(before):
                return b""
            try:
                # In canonical mode a read returns no keys before Enter.
                self.set_modes(_without_canonical_mode(before))
                keys = b""
                with suppress(BlockingIOError):
                    while chunk := os.read(slave, READ_SIZE):
                        keys += chunk
                return keys
            finally:
                self.set_modes(before)

    @contextmanager
    def _peer(self) -> Iterator[int]:
        """Open the slave for the block, without a path."""
        slave = fcntl.ioctl(self.master, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            yield slave
        finally:
            os.close(slave)


def _is_canonical(modes: list[object]) -> bool:
    local = modes[LOCAL_MODES]
    return isinstance(local, int) and bool(local & termios.ICANON)


def _without_canonical_mode(modes: list[object]) -> list[object]:
    """Return modes without canonical mode and echo, with MIN 1 and TIME 0, termios(3)."""
    *rest, local, input_speed, output_speed, keys = modes
    assert isinstance(local, int)
    assert isinstance(keys, list)
    keys = [*keys]
    keys[termios.VMIN], keys[termios.VTIME] = 1, 0
    return [*rest, local & ~(termios.ICANON | termios.ECHO), input_speed, output_speed, keys]


def set_size(fd: int, columns: int, rows: int) -> None:
    """Set the window size of a terminal in characters, TIOCSWINSZ(2const)."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
