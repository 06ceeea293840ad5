"""The orphans of one container among the children of the monitor."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress

from shellplay.kernel import procfs
from shellplay.kernel.process_tree import runs


class Strays:
    """Finds orphans that ``belongs`` knows by their PID, also while they fork and end.

    ``monitor`` is the PID of the process that inherits them.
    """

    def __init__(self, monitor: int, belongs: Callable[[int], bool]) -> None:
        self._monitor = monitor
        self._belongs = belongs
        self._others = {pid for pid in procfs.children(monitor) if not belongs(pid)}

    def find(self) -> list[int]:
        """Return the PIDs of the orphans, which are stopped, and of new ones that have ended.

        Of one that has ended the container cannot be told, but it may have forked another.
        """
        children = procfs.children(self._monitor)
        self._others.intersection_update(children)
        new = [pid for pid in children if pid not in self._others]
        # Stopped first, the newest at once: it would have ended after the look.
        for pid in reversed(new):
            _send(pid, signal.SIGSTOP)
        found = []
        for pid in new:
            if self._belongs(pid) or not runs(pid):
                found.append(pid)
            else:
                # The kernel, too, continues an orphan that was stopped.
                _send(pid, signal.SIGCONT)
                self._others.add(pid)
        return found


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
