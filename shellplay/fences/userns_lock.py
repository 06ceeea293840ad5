"""The userns-lock fence: no process inside makes a user namespace, user_namespaces(7)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Self

from shellplay.fences.base import seccomp_profile
from shellplay.fences.base.seccomp_filter import SeccompFilter
from shellplay.kernel import constants as k
from shellplay.kernel import seccomp
from shellplay.kernel.procfs import Status
from shellplay.kernel.seccomp import Action, Condition, Rule, Rules

if TYPE_CHECKING:
    from shellplay.fences.base.target import Target

ALLOW = Action("allow")
ASKS_FOR_ONE = Condition(0, "MASKED_EQ", k.CLONE_NEWUSER, k.CLONE_NEWUSER)
RULES = (
    Rule(("unshare", "clone"), Action("errno", errno.EPERM), (ASKS_FOR_ONE,)),
    # The flags of clone3 are in memory, which no filter reads.  After ENOSYS libc calls clone.
    Rule(("clone3",), Action("errno", errno.ENOSYS)),
)


class UsernsLock(
    SeccompFilter,
    kind="userns-lock",
    man="user_namespaces(7)",
    aliases=("userns_lock", "disable-userns"),
):
    """Denies new user namespaces: root of a new one reaches more of the kernel.

    In a user namespace of its own, any user has all capabilities.  So it reaches parts of
    the kernel that are meant for root only.  This fence is a filter on unshare(2) and
    clone(2), not the sysctl user.max_user_namespaces: that one needs a user namespace
    around it, and so it would take away what root may do on the host.
    """

    trial = "in unshare -Ur true"

    def contents(self, pid: int) -> str:
        """Say what the filter denies."""
        return "no new user namespace"

    @classmethod
    def program(cls) -> bytes:
        """Return the filter; raise Refused if there is no libseccomp."""
        # Without the other processors a 32-bit program could make the call, or would be killed.
        return seccomp.compiled(Rules(ALLOW, RULES, seccomp_profile.architectures()))

    def prepared(self, status: Status) -> tuple[Self, tuple[str, ...]]:
        """Return the fence; raise Refused if there is no libseccomp."""
        self.program()
        return self, ()

    def apply(self, target: Target) -> None:
        """Install the filter; no process can remove it."""
        target.caller.seccomp(self.program())
