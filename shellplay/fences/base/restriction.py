"""The fences that a process applies to itself and that no process ever removes."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING

from shellplay.fences.base.fence import Fence
from shellplay.fences.base.target import MadeBy, Stage

if TYPE_CHECKING:
    from shellplay.kernel.procfs import Status


class Restriction(Fence, ABC):
    """A fence without a namespace: a process gives something up, for itself and for all
    that it will start.

    No privilege brings it back, so the bash forks, and the original keeps what it had.  A
    process that has given something up may lack what other fences need: these are applied
    before.
    """

    one_way = True
    boundary = True
    stage = Stage.RESTRICTION
    made_by = MadeBy.BASH

    def stays_below_restrictions(self, status: Status) -> bool:
        """Tell whether a process has given up already what this one takes."""
        return not self.permitted(status)
