"""Evidence that a bash has run nothing since its last stop, so its state is the same."""

from __future__ import annotations

from shellplay.kernel import procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shellplay.shell.terminal import Terminal


class Stillness:
    """Counters of a bash that is stopped by ptrace(2), to be compared later.

    The kernel counts a switch each time a process begins to sleep or stops.  After the stop
    bash restarts its call and sleeps: one switch.  A key, a signal or another tracer wakes
    bash, and its next sleep is one switch more.  With an unread key bash does not sleep
    after the stop, but then the kernel counts one more read.
    """

    def __init__(self, pid: int, terminal: Terminal) -> None:
        self._pid = pid
        self._terminal = terminal
        self._typed = terminal.typed
        self._reads = procfs.reads(pid)
        status = procfs.status(pid)
        # The handler of a pending signal runs before bash sleeps.
        still = status is not None and not status.pending
        self._switches = status.switches + 1 if status is not None and still else None

    def again(self, terminal: Terminal) -> Stillness:
        """Return new evidence from now on; we must have stopped the bash again.

        ``terminal`` is the one that it has now.
        """
        return Stillness(self._pid, terminal)

    def holds(self) -> bool:
        """Tell whether the bash sleeps and has slept since the stop."""
        return self._has_state("S", self._switches)

    def held_until_stop(self) -> bool:
        """Tell whether the bash slept until the present stop."""
        return self._has_state("t", None if self._switches is None else self._switches + 1)

    def _has_state(self, state: str, switches: int | None) -> bool:
        status = procfs.status(self._pid)
        return (
            status is not None
            and (status.state, status.switches, status.pending) == (state, switches, 0)
            and self._reads is not None
            and procfs.reads(self._pid) == self._reads
            and self._terminal.typed == self._typed
        )
