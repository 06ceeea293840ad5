"""The mnt fence: a table of mounts of its own."""

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

    propagation: str = option(
        "whether later mounts of the host are seen", choices=("private", "slave"),
        default="private", metavar="private|slave",
    )  # fmt: skip

    def configure(self, caller: Caller) -> None:
        """Cut the new table of mounts off from that of the host."""
        # unshare(2) copies the host's shared mounts: without this, a mount inside would
        # show outside.
        kind = k.MS_PRIVATE if self.propagation == "private" else k.MS_SLAVE
        caller.mount(None, "/", None, k.MS_REC | kind)
