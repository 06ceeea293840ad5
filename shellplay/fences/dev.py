"""The dev fence: a /dev with nothing in it but what every program needs."""

from __future__ import annotations

import os
import stat
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shellplay.fences.mounted import Mounted, mounts_at
from shellplay.fences.rooting import may_see_below_mounts
from shellplay.kernel import constants as k
from shellplay.kernel import mounting
from shellplay.kernel.namespaces import identify

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller

NODES = {
    **{"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)},
    "tty": (5, 0),
}
LINKS = {
    **{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1"},
    **{"stderr": "/proc/self/fd/2", "core": "/proc/kcore", "ptmx": "pts/ptmx"},
}
QUIET = k.MS_NOSUID | k.MS_NOEXEC


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


@dataclass(frozen=True)
class Dev(Mounted, kind="dev", man="devpts(4)"):
    """Devices: disks, memory, other terminals.

    What is left is null zero full random urandom tty; pts, shm and mqueue are new.  The
    terminal of bash is still there, as /dev/tty and /dev/console.
    """

    target = "/dev"

    @classmethod
    def fact(cls, pid: int | str) -> str | None:
        """Return what file system a process has as its /dev."""
        found = mounts_at(pid, cls.target)
        return f"{found[0].kind} {found[0].device}" if found else None

    def go_up(self, caller: Caller, terminal: str) -> None:
        """Mount an empty one, and bind the nodes of the one before into it."""
        with ExitStack() as held:
            # Bound and not made: mknod(2) of a device is nothing for a user namespace.
            trees = {
                name: held.enter_context(mounting.device(caller, f"/dev/{name}", number))
                for name, number in NODES.items()
            }
            console = _console(caller, terminal)
            if console is not None:
                trees["console"] = held.enter_context(console)
            mask = mounting.umask(caller, 0)
            held.callback(mounting.umask, caller, mask)
            # The nodes in it are mounts of their own, others cannot be opened.
            quiet = QUIET | k.MS_NODEV
            caller.mount("tmpfs", self.target, "tmpfs", quiet, "mode=755,size=65536k")
            for name, tree in trees.items():
                mounting.mknodat(caller, f"/dev/{name}")
                mounting.move_mount(caller, tree, f"/dev/{name}", of=f"/dev/{name}")
        for name, to in LINKS.items():
            mounting.symlinkat(caller, to, f"/dev/{name}")
        for name in ("pts", "shm", "mqueue"):
            mounting.mkdirat(caller, f"/dev/{name}")
        # Group 5 is that of terminals, where there is one.
        group = ",gid=5" if may_see_below_mounts(caller) else ""
        options = f"newinstance,ptmxmode=0666,mode=0620{group}"
        caller.mount("devpts", "/dev/pts", "devpts", QUIET, options)
        caller.mount("tmpfs", "/dev/shm", "tmpfs", quiet, "mode=1777,size=65536k")
        # Who has no privileges may see the message queues of an ipc fence only.
        if may_see_below_mounts(caller) or identify(caller.pid, "ipc") != identify(
            "self", "ipc"
        ):
            caller.mount("mqueue", "/dev/mqueue", "mqueue", quiet)


def _console(caller: Caller, terminal: str) -> AbstractContextManager[int] | None:
    """Return the terminal of bash, as Docker binds it, if its node is seen inside."""
    node = Path(terminal).stat().st_rdev
    seen = Path(f"/proc/{caller.pid}/root{terminal}")
    if not seen.exists() or seen.stat().st_rdev != node:
        return None
    return mounting.device(caller, terminal, (os.major(node), os.minor(node)))
