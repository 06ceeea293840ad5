"""The ipc fence: System V IPC and POSIX message queues of its own."""

from __future__ import annotations

from shellplay.fences.base.namespace import Namespace


class Ipc(Namespace, kind="ipc", man="ipc_namespaces(7)"):
    """Gives bash its own System V shared memory, semaphores and message queues.

    POSIX message queues are separate, too.  POSIX shared memory is not: it is made of files
    in /dev/shm, so it is separate behind the ``dev`` fence.
    """

    trial = "in ipcs"

    blind = True

    def contents(self, pid: int) -> str:
        """Say what is separate: /proc shows the objects of its reader only."""
        return "IPC objects of its own"
