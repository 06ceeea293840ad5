"""The fences that are put around a process from outside: it makes no call itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from shellplay.fences.base.fence import Fence

if TYPE_CHECKING:
    from shellplay.fences.base.target import Target
    from shellplay.kernel.cgroup.group import Group


class Limit(Fence, ABC):
    """A fence without a namespace that is put up and taken off from outside."""

    @abstractmethod
    def apply(self, target: Target) -> None:
        """Set the limit of a process, or change one that is set."""

    @abstractmethod
    def remove(self, target: Target) -> None:
        """Give a process the limits of the host again."""

    def clean_up(self, group: Group) -> None:
        """Undo, once its bash has ended, what else was made for it; by default nothing."""

    def removable(self, pid: int) -> bool:
        """Tell whether we might take it off a process again, were it up."""
        return True
