"""The fences that this process applies to another one, which makes no call itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from shellplay.fences.base.fence import Fence
from shellplay.fences.base.target import MadeBy, Stage
from shellplay.model import How

if TYPE_CHECKING:
    from shellplay.fences.base.target import Target
    from shellplay.kernel.procfs import Status


class Limit(Fence, ABC):
    """A fence without a namespace that this process applies and removes."""

    stage = Stage.LIMIT
    made_by = MadeBy.HOST
    in_parked = True

    def liftable(self, pid: int) -> bool:
        """Tell whether this process might lift it from another one again."""
        return True

    def removable(self, status: Status) -> bool:
        """Tell whether this process might lift it again."""
        return self.liftable(status.pid)

    def how_at_start(self, pid: int, *, peelable: bool) -> How:
        """Say whether it can be lifted from a program that runs."""
        return How.OUTSIDE if self.liftable(pid) else How.RESPAWNED

    @abstractmethod
    def apply(self, target: Target) -> None:
        """Set the limit of a process, or change one that is set."""

    @abstractmethod
    def remove(self, target: Target) -> None:
        """Give a process the limits of the host again."""

    def enter_cgroup(self, target: Target) -> None:
        """Move a process into the cgroup that is going to limit it, and does not yet."""
