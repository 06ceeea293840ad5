"""The fences that are put around a process from outside: it makes no call itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shellplay.fences.fence import Fence

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller


@dataclass(frozen=True)
class Limit(Fence, ABC):
    """A fence without a namespace that is put up and taken off from outside."""

    def go_up(self, caller: Caller) -> None:
        """Put it around a process that is stopped, or was started for it."""
        self.put_up(caller.pid)

    @abstractmethod
    def put_up(self, pid: int) -> None:
        """Put it around a process."""

    @abstractmethod
    def take_off(self, pid: int) -> None:
        """Give a process back what the host has."""

    def comes_off(self, pid: int) -> bool:
        """Tell whether we might take it off a process again, were it up."""
        return True
