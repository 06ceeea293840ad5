"""The uts fence: a UTS namespace, with a host name of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shellplay.errors import UsageError
from shellplay.fences.base.fence import option
from shellplay.fences.base.namespace import Namespace

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller

LONGEST = 64


class Uts(Namespace, kind="uts", man="uts_namespaces(7)", aliases=("hostname", "host")):
    """Gives bash a host name of its own; a change inside stays inside.

    Without ``hostname`` the name is a copy of the host's.  The NIS domain name is
    separate, too.
    """

    blind = True

    hostname: str | None = option("the name inside", metavar="NAME", default=None)

    def _check(self) -> None:
        if self.hostname is None:
            return
        # A byte that is not UTF-8 is a surrogate, which is not printable either.
        if not self.hostname.isprintable():
            raise UsageError("a host name has printable characters only")
        if not 0 < len(self.hostname.encode()) <= LONGEST:
            raise UsageError(f"a host name has 1 to {LONGEST} bytes")

    def configure(self, caller: Caller) -> None:
        """Set the host name inside, sethostname(2)."""
        if self.hostname is not None:
            caller.sethostname(self.hostname)
