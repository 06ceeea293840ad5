"""The dev fence: a /dev with nothing in it but what every program needs."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from shellplay.fences.base.fence import option
from shellplay.fences.base.mount_over import MountOver, mounts_at
from shellplay.kernel import constants as k
from shellplay.kernel import mount
from shellplay.kernel.namespaces import identify

if TYPE_CHECKING:
    from pathlib import Path

    from shellplay.kernel.caller import Caller

NODES = {
    **{"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)},
    "tty": (5, 0),
}
LINKS = {
    **{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1"},
    **{"stderr": "/proc/self/fd/2", "core": "/proc/kcore", "ptmx": "pts/ptmx"},
}
PTS = "newinstance,ptmxmode=0666,mode=0620"


def is_harmless(path: Path) -> bool:
    """Tell whether a path may be opened where only what is in /dev here may be.

    That is one of those devices, or a file that is none.
    """
    try:
        found = path.stat()
    except OSError:
        return False
    if stat.S_ISCHR(found.st_mode):
        return (os.major(found.st_rdev), os.minor(found.st_rdev)) in NODES.values()
    return not (stat.S_ISDIR(found.st_mode) or stat.S_ISBLK(found.st_mode))


class Dev(MountOver, kind="dev", man="pts(4)", aliases=("devices",)):
    """Hides the devices of the host: disks, memory, the terminals of other users.

    null, zero, full, random, urandom and tty are left; pts, shm and mqueue are new.  The
    terminal of bash is still there, as /dev/tty and /dev/console.
    """

    trial = "in ls /dev"

    target = "/dev"

    shm: bool = option("shared memory in it, /dev/shm", host=None, default=True)

    def contents(self, pid: int) -> str:
        """Say what is in /dev, and on which file system."""
        found = mounts_at(pid, self.target)
        return f"/dev: a few harmless devices ({found[0].kind})" if found else ""

    @classmethod
    def fact(cls, pid: int | str) -> str | None:
        """Return what file system a process has as its /dev."""
        found = mounts_at(pid, cls.target)
        return f"{found[0].kind} {found[0].device}" if found else None

    def mount(self, caller: Caller, terminal: str) -> None:
        """Mount an empty one, and bind the nodes of the one before into it."""
        self._mount(caller, _copy_nodes(caller, terminal))

    def mount_instead(self, caller: Caller, terminal: str) -> None:
        """Mount it in the place of what is mounted there last, once the nodes are taken."""
        nodes = _copy_nodes(caller, terminal)
        with caller.together():
            caller.umount2(self.target, k.MNT_DETACH)
            self._mount(caller, nodes)

    def _mount(self, caller: Caller, nodes: dict[str, int]) -> None:
        """Mount an empty /dev, and move the nodes there."""
        from shellplay.fences.rootfs.build import may_see_below_mounts

        # The nodes in it are mounts of their own, others cannot be opened.
        quiet = mount.QUIET
        # Group 5 is that of terminals, where there is one.
        privileged = may_see_below_mounts(caller)
        group = ",gid=5" if privileged else ""
        # Without privileges mqueue can be mounted only in an ipc namespace of its own.
        queues = privileged or identify(caller.pid, "ipc") != identify("self", "ipc")
        with caller.together():
            mask = mount.umask(caller, 0)
            caller.mount("tmpfs", self.target, "tmpfs", quiet, "mode=755,size=65536k")
            for name, tree in nodes.items():
                mount.mknodat(caller, f"/dev/{name}")
                mount.move_mount(caller, tree, f"/dev/{name}", of=f"/dev/{name}")
                caller.close(tree)
            for name, to in LINKS.items():
                mount.symlinkat(caller, to, f"/dev/{name}")
            for name in ("pts", "shm", "mqueue"):
                mount.mkdirat(caller, f"/dev/{name}")
            caller.mount("devpts", "/dev/pts", "devpts", quiet & ~k.MS_NODEV, PTS + group)
            if self.shm:
                caller.mount("tmpfs", "/dev/shm", "tmpfs", quiet, "mode=1777,size=65536k")
            if queues:
                caller.mount("mqueue", "/dev/mqueue", "mqueue", quiet)
            mount.umask(caller, mask)


def _copy_nodes(caller: Caller, terminal: str) -> dict[str, int]:
    """Copy the nodes as detached mounts; return descriptors of them, by name.

    They are bound and not made: mknod(2) of a device is nothing for a user namespace.
    """
    found = {name: (f"/dev/{name}", number) for name, number in NODES.items()}
    seen = f"/proc/{caller.pid}/root{terminal}"
    # The terminal of bash, as Docker binds it, if its node is seen inside.
    if os.path.exists(terminal) and os.path.exists(seen):
        console = os.stat(terminal).st_rdev
        if os.stat(seen).st_rdev == console:
            found["console"] = (terminal, (os.major(console), os.minor(console)))
    return dict(zip(found, mount.copy_devices(caller, list(found.values())), strict=True))
