"""How a bash forks for a fence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shellplay.model import Value

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller


class ForkPlan(Value):
    """The flags of the fork, see clone(2), and what the copy calls before it goes on.

    With ``by_way_of`` the copy is the child of a copy in between, which calls that before.
    """

    flags: int
    enter: Callable[[Caller], None]
    by_way_of: Callable[[Caller], None] | None = None
