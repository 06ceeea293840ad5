"""The user's terminal: raw while a program inside has it, and its changes of size."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from shellplay.kernel.terminal_modes import restored
from shellplay.shell.pty import Pty

OUTPUT_MODES = 1


class UserTerminal:
    """Our standard input as ``keys`` and our standard output as ``screen``, two descriptors."""

    def __init__(self) -> None:
        self.keys = sys.stdin.fileno()
        self.screen = sys.stdout.fileno()

    @contextmanager
    def raw(self, *, drawn: bool = True) -> Iterator[None]:
        """Pass every key on as it is, for the block.

        With ``drawn`` every output is as it is, too; without, a line feed begins a line.
        """
        with restored(self.keys) as before:
            tty.setraw(self.keys, termios.TCSADRAIN)
            if not drawn:
                modes = termios.tcgetattr(self.keys)
                modes[OUTPUT_MODES] = before[OUTPUT_MODES]
                termios.tcsetattr(self.keys, termios.TCSADRAIN, modes)
            yield

    @contextmanager
    def size_changes(self) -> Iterator[int]:
        """Yield a descriptor that is readable after each change of the size."""
        # The handler writes to a pipe, because Python restarts a poll after it (PEP 475).
        readable, writable = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

        def changed(_: int, __: FrameType | None) -> None:
            os.write(writable, b".")

        before = signal.signal(signal.SIGWINCH, changed)
        try:
            yield readable
        finally:
            signal.signal(signal.SIGWINCH, before)
            os.close(readable)
            os.close(writable)

    def size(self) -> tuple[int, int]:
        """Return the columns and rows of the window; 0 if they are not known."""
        columns, rows = os.get_terminal_size(self.keys)
        return columns, rows

    def copy_size(self, pty: Pty) -> None:
        """Give a pty the size of the window, if it is known."""
        columns, rows = self.size()
        if columns and rows:
            pty.resize(columns, rows)

    def write(self, output: bytes) -> None:
        """Write all of the output, at the pace of the terminal."""
        view = memoryview(output)
        while view:
            try:
                view = view[os.write(self.screen, view) :]
            except BlockingIOError:
                select.select([], [self.screen], [])
