"""The mnt fence: a mount namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shellplay.fences.base.fence import option
from shellplay.fences.base.namespace import Namespace
from shellplay.kernel import constants as k

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller


class Mnt(Namespace, kind="mnt", man="mount_namespaces(7)", aliases=("mount", "ns")):
    """Mounts: what is mounted inside is not seen outside.

    With ``propagation=slave`` what the host mounts later appears inside too.  The files are
    still the host's.
    """

    blind = True

    propagation: str = option(
        "whether later mounts of the host are seen", choices=("private", "slave"),
        default="private", metavar="private|slave",
    )  # fmt: skip

    def configure(self, caller: Caller) -> None:
        """Stop the propagation of mounts to the host."""
        # unshare(2) copies shared mounts with their peer groups: a mount inside would propagate
        # to the host.
        kind = k.MS_PRIVATE if self.propagation == "private" else k.MS_SLAVE
        caller.mount(None, "/", None, k.MS_REC | kind)
