"""The mnt fence: a mount namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shellplay.fences.base.fence import option
from shellplay.fences.base.namespace import Namespace
from shellplay.kernel import constants as k
from shellplay.kernel import mountinfo

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller


class Mnt(Namespace, kind="mnt", man="mount_namespaces(7)", aliases=("mount", "ns")):
    """Gives bash mounts of its own: a mount made inside stays inside.

    The files are still those of the host.  With ``propagation=slave``, a later mount of the
    host appears inside, too.
    """

    trial = "in mount -t tmpfs tmpfs /mnt"

    blind = True

    propagation: str = option(
        "whether a later mount of the host appears inside", host=None,
        choices=("private", "slave"), default="private", metavar="private|slave",
    )  # fmt: skip

    def configure(self, caller: Caller) -> None:
        """Stop the propagation of mounts to the host."""
        # unshare(2) copies shared mounts with their peer groups: a mount inside would propagate
        # to the host.
        kind = k.MS_PRIVATE if self.propagation == "private" else k.MS_SLAVE
        caller.mount(None, "/", None, k.MS_REC | kind)

    def contents(self, pid: int) -> str:
        """Say how many mounts there are, and whether /proc is another one than the host's."""
        mounts = mountinfo.mounts(pid) or []
        ours, theirs = mountinfo.mounts_at(pid, "/proc"), mountinfo.mounts_at("self", "/proc")
        is_new = bool(ours and theirs) and ours[0].device != theirs[0].device
        return f"{len(mounts)} mounts of its own" + ", /proc is new" * is_new
