"""The nnp fence: execve(2) gives no program new privileges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shellplay.fences.base.restriction import Restriction
from shellplay.kernel import constants as k
from shellplay.kernel import procfs

if TYPE_CHECKING:
    from shellplay.fences.base.target import Target


class Nnp(
    Restriction, kind="nnp", man="PR_SET_NO_NEW_PRIVS(2const)", aliases=("no_new_privs",)
):
    """Keeps set-user-ID programs like su and sudo from gaining privileges.

    File capabilities do not count, either.  Every program that bash starts inherits this.
    Behind it, an ordinary user may filter system calls.
    """

    trial = "in grep NoNewPrivs /proc/self/status"

    def contents(self, pid: int) -> str:
        """Say what the attribute takes away."""
        return "setuid programs gain nothing"

    @classmethod
    def fact(cls, pid: int | str) -> str | None:
        """Return whether a process has the no_new_privs attribute."""
        status = procfs.status(pid)
        return None if status is None else "on" if status.no_new_privs else "off"

    def observed(self, pid: int | str) -> bool:
        """Return whether a process has the no_new_privs attribute."""
        return self.fact(pid) == "on"

    def apply(self, target: Target) -> None:
        """Set the attribute, prctl(2)."""
        target.caller.prctl(k.PR_SET_NO_NEW_PRIVS, 1)
