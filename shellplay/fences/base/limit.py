"""The fences that are put around a process from outside: it makes no call itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from shellplay.fences.base.fence import Fence

if TYPE_CHECKING:
    from shellplay.kernel.cgroup.group import Group


class Limit(Fence, ABC):
    """A fence without a namespace that is put up and taken off from outside."""

    @abstractmethod
    def put_up(self, pid: int, group: Group) -> None:
        """Put it around a process, or change what it says if it is there.

        ``group`` are the cgroups of its container.
        """

    @abstractmethod
    def take_off(self, pid: int, group: Group) -> None:
        """Give a process back what the host has."""

    def outlived(self, group: Group) -> None:
        """Undo, once its bash has ended, what else was made for it; by default nothing."""

    def comes_off(self, pid: int) -> bool:
        """Tell whether we might take it off a process again, were it up."""
        return True
