"""The ipc fence: System V IPC and POSIX message queues of its own."""

from __future__ import annotations

from shellplay.fences.base.namespace import Namespace


class Ipc(Namespace, kind="ipc", man="ipc_namespaces(7)"):
    """Shared memory, semaphores and message queues of the host."""

    blind = True
