"""The fences that are mounts over a directory, in the table of mounts that bash has."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from shellplay.fences.base.fence import Fence
from shellplay.kernel import constants as k
from shellplay.kernel import mount, mountinfo, procfs
from shellplay.kernel.mountinfo import Mount
from shellplay.kernel.procfs import Status

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller

NULL = (1, 3)


class MountOver(Fence, ABC):
    """A fence that is mounted over ``target`` and unmounted again.

    By bash, which may be busy; or, if that has given up what it takes, by a process that
    joins its namespaces.
    """

    inside: ClassVar[tuple[str, ...]] = ("mnt",)
    opened_by = "user"
    target: ClassVar[str]

    def permitted(self, status: Status) -> bool:
        """Tell whether we may mount; what bash may does not matter."""
        ours = procfs.status("self")
        return ours is not None and bool(ours.effective >> k.CAP_SYS_ADMIN & 1)

    @abstractmethod
    def mount(self, caller: Caller, terminal: str) -> None:
        """Mount it, by a process that has joined the namespaces of the bash.

        ``terminal`` is the path of its terminal on the host.
        """

    def mount_first(self, caller: Caller, terminal: str) -> None:
        """Mount it over what is there before anybody is: nothing else is mounted there yet."""
        self.mount(caller, terminal)

    def mount_instead(self, caller: Caller, terminal: str) -> None:
        """Mount it in the place of what is mounted there last, which goes."""
        self.mount(caller, terminal)
        self.replace(caller)

    def replace(self, caller: Caller) -> None:
        """Have what is mounted there last be in the place of what lies below it, which goes."""
        # Only now: who has no privileges may mount a /proc or /sys beside another one only.
        tree = mount.open_tree(caller, self.target, recursive=True)
        try:
            for _ in range(2):
                caller.umount2(self.target, k.MNT_DETACH)
            mount.move_mount(caller, tree, self.target, of=self.target)
        finally:
            caller.close(tree)

    def unmount(self, caller: Caller) -> None:
        """Unmount it, with all that is mounted below."""
        caller.umount2(self.target, k.MNT_DETACH)


def mounts_at(pid: int | str, target: str) -> list[Mount]:
    """Return the topmost mount at a path, and those below it; nothing if there is none."""
    found = mountinfo.mounts_below(pid, target)
    tops = [each for each in found if each.point == target]
    if not tops:
        return []
    return [tops[-1], *(each for each in found if each.point != target)]


def is_mounted_over(pid: int | str, target: str) -> bool:
    """Tell whether there is another mount below the topmost one at a path."""
    return sum(each.point == target for each in mountinfo.mounts_below(pid, target)) > 1


def hide(caller: Caller, paths: Iterable[str]) -> None:
    """Cover what is there of some paths: files by /dev/null, directories by an empty one."""
    root = f"/proc/{caller.pid}/root"
    found = [path for path in paths if os.path.exists(root + path)]
    files = [path for path in found if not os.path.isdir(root + path)]
    with (
        mount.devices(caller, [("/dev/null", NULL)] * len(files)) as nulls,
        caller.together(),
    ):
        for path in found:
            if path not in files:
                caller.mount("tmpfs", path, "tmpfs", mount.QUIET | k.MS_RDONLY)
        for path, null in zip(files, nulls, strict=True):
            mount.move_mount(caller, null, path, of="/dev/null")


def make_read_only(caller: Caller, paths: Iterable[str]) -> None:
    """Mount what is there of some paths over itself, read-only, with what is below.

    Nothing in it is executed, or makes its user another.
    """
    with caller.together():
        for path in paths:
            if os.path.exists(f"/proc/{caller.pid}/root{path}"):
                caller.mount(path, path, None, k.MS_BIND | k.MS_REC)
                mount.mount_setattr(caller, k.AT_FDCWD, path, *mount.LOOKED_AT, recursive=True)
