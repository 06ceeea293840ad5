"""The ipc fence: System V IPC and POSIX message queues of its own."""

from __future__ import annotations

from dataclasses import dataclass

from shellplay.fences.fence import Fence


@dataclass(frozen=True)
class Ipc(Fence, kind="ipc", man="ipc_namespaces(7)"):
    """Shared memory, semaphores and message queues of the host."""
