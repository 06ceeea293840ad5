"""The process that a fence is applied to, when it is applied, and which process calls."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Self

from shellplay.model import Value

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller
    from shellplay.kernel.cgroup.group import Group


class Stage(Enum):
    """When a fence is applied to a new process; a restriction may deny what others need."""

    NAMESPACE = 1
    MOUNT = 2
    LIMIT = 3
    RESTRICTION = 4


class MadeBy(Enum):
    """Which process makes the system calls of a fence.

    It is the bash itself, a broker in its namespaces, or this process.
    """

    BASH = 1
    BROKER = 2
    HOST = 3


class OpenNamespace(Value):
    """An existing namespace, held open: our descriptor of it, and the file it came from."""

    fd: int
    of: str


class Target(Value):
    """The process that a fence is applied to, or removed from.

    ``caller`` makes the system calls, see ``MadeBy``.  ``group`` holds the cgroups of the
    container, ``terminal`` is the path of its terminal on the host.  ``join`` is an existing
    namespace to join; None stands for a new one.
    """

    pid: int
    caller: Caller
    group: Group
    terminal: str
    join: OpenNamespace | None = None

    def moved_to(self, caller: Caller) -> Self:
        """Return the same target with another process, which makes its calls itself."""
        return self.changed(pid=caller.pid, caller=caller)
