"""The runtime that all containers of a playground share: monitor, pty reader, bridge client.

It is loaded with the first container.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel import procfs, rlimits
from shellplay.kernel.cgroup.group import clear, prefix, thaw
from shellplay.kernel.here import HERE
from shellplay.kernel.process_tree import PATIENCE_SECONDS, descendants, kill_quietly
from shellplay.kernel.shortage import user_error
from shellplay.monitor import host_command
from shellplay.monitor.client import Monitor
from shellplay.network.bridge_client import BridgeClient
from shellplay.settings import Surroundings
from shellplay.shell.pty_reader import PtyReader

if TYPE_CHECKING:
    import psutil


class Runtime:
    """Monitor, pty reader and bridge client; restarts a monitor that was killed.

    ``notice`` takes a sentence about an event that no command asked for, from a background
    thread.
    """

    def __init__(self, surroundings: Surroundings, notice: Callable[[str], None]) -> None:
        self._surroundings = surroundings
        self._notice = notice
        self._lock = threading.Lock()
        # If the monitor is killed, its orphans are reparented to this process.
        HERE.prctl(k.PR_SET_CHILD_SUBREAPER, 1)
        self.monitor = self._start_monitor()
        try:
            self.pty_reader = PtyReader()
        except BaseException:
            self.monitor.close()
            raise
        self.bridge = BridgeClient()
        self._listen()

    def revive(self) -> None:
        """Restart the monitor if it has been killed."""
        with self._lock:
            if self.monitor.gone:
                self.monitor = self._start_monitor()
                self._listen()

    def run_outside(self, line: str) -> int:
        """Run a line by the host's sh, outside every fence; return its exit status."""
        return host_command.execute(self.monitor, line, self._surroundings.output)

    def abandon(self) -> None:
        """Kill the monitor; whatever waits for it returns; see Playground."""
        self.monitor.kill()

    def close(self) -> None:
        """End every process of the playground and wait until they have ended."""
        # From here on the end of the monitor is wanted, and no event.
        self.pty_reader.close()
        self.monitor.close()
        if self.monitor.killed:
            self._kill_orphans(self.monitor)
        self._remove_scratch()
        HERE.prctl(k.PR_SET_CHILD_SUBREAPER, 0)

    def _remove_scratch(self) -> None:
        # The monitor removes the directory, but not if the monitor was killed.
        scratch = self._surroundings.scratch
        if scratch is not None:
            from shutil import rmtree

            with suppress(FileNotFoundError):
                rmtree(scratch)

    def _start_monitor(self) -> Monitor:
        monitor = Monitor(self._surroundings)
        try:
            # Every container takes descriptors of this process, so its limit is raised; what
            # runs inside keeps the limit of the user.
            given = rlimits.raise_soft_limit("nofile")
            if (rlimits.limits(monitor.pid) or {}).get("nofile") != given:
                rlimits.prlimit(monitor.pid, "nofile", given)
        except BaseException:
            monitor.close()
            raise
        return monitor

    def _listen(self) -> None:
        self.pty_reader.watch(self.monitor.events.fileno(), self._hear)

    def _hear(self) -> bool:
        # A new monitor must not start before the last orphan of this one is dead: it would
        # be taken for an orphan.
        with self._lock:
            monitor = self.monitor
            if monitor.read_events():
                return False
            self.pty_reader.unwatch(monitor.events.fileno())
            monitor.close()
            self._kill_orphans(monitor)
        if not monitor.has_started:
            # The command that has started it tells why it could not.
            return False
        self._notice("the playground process has ended, and every container with it")
        return False

    def _kill_orphans(self, monitor: Monitor) -> None:
        """Kill the processes and remove the cgroups of a monitor that was killed."""
        try:
            # A frozen process does not act on SIGKILL.
            thaw(prefix(monitor.pid))
            if left := _kill_adopted():
                self._notice(f"processes that may not be ended: {', '.join(map(str, left))}")
            clear(prefix(monitor.pid))
        except (KernelError, OSError) as error:
            self._notice(f"a process or a cgroup is left behind: {user_error(error)}")


def _kill_adopted() -> list[int]:
    """Kill the children of the killed monitor, which were reparented to this process.

    Returns the PIDs of those that have not ended in time, since they may not be killed.
    """
    # Nobody has given us a pidfd of these.  It is imported here since this happens seldom.
    import psutil

    while orphans := _adopted():
        for orphan in orphans:
            for pid in (orphan.pid, *descendants(orphan.pid)):
                kill_quietly(pid)
        _, left = psutil.wait_procs(orphans, timeout=PATIENCE_SECONDS)
        if left:
            return [each.pid for each in left]
    return []


def _adopted() -> list[psutil.Process]:
    # Descendants of the monitor have sessions of their own; the children of this process
    # share its session.
    import psutil

    session = os.getsid(0)
    children = [(each, procfs.stat(each.pid)) for each in psutil.Process().children()]
    return [each for each, stat in children if stat and stat.session != session]
