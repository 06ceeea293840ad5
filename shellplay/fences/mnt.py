"""The mnt fence: a mount namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shellplay.fences.base.fence import option
from shellplay.fences.base.namespace import Namespace
from shellplay.kernel import constants as k

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller


class Mnt(Namespace, kind="mnt", man="mount_namespaces(7)", aliases=("mount", "ns")):
    """Gives bash mounts of its own: a mount made inside stays inside.

    The files are still those of the host.  With ``propagation=slave``, a later mount of the
    host appears inside, too.
    """

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
