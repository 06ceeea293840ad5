"""^C for the foreground group, typed again where no program can have received it.

Between its fork and its exec(3) a job is a copy of bash: it takes the signal as bash does,
and forgets it with the exec.  And bash itself, in front until the job is, takes it and then
waits for the job all the same.  What had become a program when ^C was typed has had it, and
is not sent another: it may be cleaning up.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from shellplay.errors import TimedOut
from shellplay.kernel import procfs
from shellplay.kernel.process_tree import descendants
from shellplay.model import Value
from shellplay.shell.shell import Shell
from shellplay.shell.terminal import Terminal

INTERRUPT = b"\x03"
FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.02, 1.0


class Front(Value):
    """The foreground group: copies of bash, or bash, and programs, by PID."""

    copies: frozenset[int]
    programs: frozenset[int]


class Interruption:
    """^C for one line of bash: typed when asked, and again as long as it was lost."""

    def __init__(self, terminal: Terminal, shell: Shell) -> None:
        self._terminal = terminal
        self._shell = shell
        self._before = Front(frozenset(), frozenset())
        self._pause = FIRST_LOOK_SECONDS

    def send(self) -> None:
        """Type ^C."""
        self._before = self._front()
        self._pause = FIRST_LOOK_SECONDS
        self._terminal.type(INTERRUPT)

    def wait(self, until: Callable[[], bool], *, timeout: float | None) -> None:
        """Read until ``until()`` is true; raise TimedOut or ShellGone.

        Looks now and then whether the ^C that was sent was lost.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            # Where programs only were in front they have it, and nothing can be lost.
            looks = self._before.copies and (left is None or left > self._pause)
            patience = self._pause if looks else left
            try:
                self._terminal.wait(until, timeout=patience, alive=self._shell.pidfd)
                return
            except TimedOut:
                if not looks:
                    raise
            self._pause = min(2 * self._pause, LONGEST_LOOK_SECONDS)
            if self._lost():
                self.send()

    def _lost(self) -> bool:
        new = self._front().programs - self._before.programs
        # Beside a program that has had it, bash may well go on with another one.
        return bool(new if not self._before.programs else new & self._before.copies)

    def _front(self) -> Front:
        group, bash = self._terminal.foreground_group(), self._shell.pid
        stats = [procfs.stat(pid) for pid in (bash, *descendants(bash))]
        front = [each for each in stats if each and each.group == group]
        programs = {each.pid for each in front if each.executed and each.pid != bash}
        return Front(frozenset(each.pid for each in front) - programs, frozenset(programs))
