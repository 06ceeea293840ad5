"""Type ^C for the foreground group, and again if no program can have received SIGINT.

Between fork(2) and execve(2) a job is a copy of bash.  Its handler takes SIGINT, and the
exec forgets it.  Bash itself, before the job is in the foreground, takes SIGINT and still
waits for the job.  In both cases the job goes on, so ^C must be typed again.  A process that
was a program already has received SIGINT.  It gets no second one: it may be cleaning up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from shellplay.errors import TimedOut
from shellplay.kernel import procfs
from shellplay.kernel.process_tree import descendants
from shellplay.model import Value
from shellplay.shell.shell import Shell
from shellplay.shell.terminal import Terminal

INTERRUPT = b"\x03"
FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.02, 1.0


class Wait(Protocol):
    """Waits as `Terminal.wait`."""

    def __call__(
        self, until: Callable[[], bool], *, timeout: float | None, alive: int | None
    ) -> None:
        """Read until ``until()`` is true."""


class ForegroundGroup(Value):
    """The PIDs of the foreground group: bash and its copies, and programs."""

    copies: frozenset[int]
    programs: frozenset[int]


class Interrupt:
    """^C for one line of bash: ``send`` types it; ``wait`` types it again if it was lost.

    ``wait`` is that of the terminal, or of the user's keyboard with it.
    """

    def __init__(self, terminal: Terminal, shell: Shell, wait: Wait | None = None) -> None:
        self._terminal = terminal
        self._wait = wait or terminal.wait
        self._shell = shell
        self._before = ForegroundGroup(frozenset(), frozenset())
        self._pause = FIRST_LOOK_SECONDS

    def send(self) -> None:
        """Type ^C."""
        self._before = self._foreground_group()
        self._pause = FIRST_LOOK_SECONDS
        self._terminal.type(INTERRUPT)

    def wait(self, until: Callable[[], bool], *, timeout: float | None) -> None:
        """Read until ``until()`` is true, and type a lost ^C again.

        ``timeout`` is in seconds, None for no limit.  Raises TimedOut or ShellGone.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            # If the foreground group was programs only, all of them have received SIGINT.
            may_be_lost = self._before.copies and (left is None or left > self._pause)
            patience = self._pause if may_be_lost else left
            try:
                self._wait(until, timeout=patience, alive=self._shell.pidfd)
                return
            except TimedOut:
                if not may_be_lost:
                    raise
            self._pause = min(2 * self._pause, LONGEST_LOOK_SECONDS)
            if self._lost():
                self.send()

    def _lost(self) -> bool:
        new = self._foreground_group().programs - self._before.programs
        # If a program has received SIGINT, bash may start another program as usual.  Then only
        # a copy of bash that has become a program is a sign of a lost ^C.
        return bool(new if not self._before.programs else new & self._before.copies)

    def _foreground_group(self) -> ForegroundGroup:
        group, bash = self._terminal.foreground_group(), self._shell.pid
        stats = [procfs.stat(pid) for pid in (bash, *descendants(bash))]
        front = [each for each in stats if each and each.group == group]
        programs = {each.pid for each in front if each.executed and each.pid != bash}
        return ForegroundGroup(
            frozenset(each.pid for each in front) - programs, frozenset(programs)
        )
