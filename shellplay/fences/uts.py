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

    trial = "in hostname"

    blind = True

    hostname: str | None = option("the name inside", host=None, metavar="NAME", default=None)
    domainname: str | None = option(
        "the NIS domain inside", host=None, metavar="NAME", default=None
    )

    def _check(self) -> None:
        _check_name("host name", self.hostname)
        _check_name("domain name", self.domainname)

    def configure(self, caller: Caller) -> None:
        """Set the names inside, sethostname(2) and setdomainname(2)."""
        if self.hostname is not None:
            caller.sethostname(self.hostname)
        if self.domainname is not None:
            text = self.domainname.encode()
            caller.call(
                "setdomainname", text, len(text), subject=self.domainname,
                shown=[f'"{self.domainname}"', str(len(text))],
                same_as=f"domainname {self.domainname}",
            )  # fmt: skip


def _check_name(what: str, name: str | None) -> None:
    """Raise UsageError if the kernel takes no such name."""
    if name is None:
        return
    # A byte that is not UTF-8 is a surrogate, which is not printable either.
    if not name.isprintable():
        raise UsageError(f"a {what} has printable characters only")
    if not 0 < len(name.encode()) <= LONGEST:
        raise UsageError(f"a {what} has 1 to {LONGEST} bytes")
