"""The plan of a fork: the flags and calls by which a copy of a bash goes behind a fence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shellplay.model import Value

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller


class ForkPlan(Value):
    """The flags of clone(2), and the function that applies fences to the copy.

    With ``by_way_of`` bash forks twice: the function is applied to the first copy, and the
    second copy inherits the change, see ``Tracee.forked_by_way_of``.
    """

    flags: int
    enter: Callable[[Caller], None]
    by_way_of: Callable[[Caller], None] | None = None
