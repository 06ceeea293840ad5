"""The fences that a process puts around itself and that no process ever takes off."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from shellplay.fences.base.fence import Fence

if TYPE_CHECKING:
    from shellplay.fences.base.target import Target


class Restriction(Fence, ABC):
    """A fence without a namespace: a process gives something up, for itself and for all
    that it will start.

    No privilege brings it back, so the bash forks, and the original keeps what it had.
    Whoever has given something up may lack what other fences need: they go up below.
    """

    one_way = True

    @abstractmethod
    def apply(self, target: Target) -> None:
        """Have the process give something up for good; it has not done so before."""
