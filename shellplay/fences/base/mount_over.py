"""The fences that are mounts over a directory, in the table of mounts that bash has."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from shellplay.errors import KernelError
from shellplay.fences.base.fence import Fence
from shellplay.fences.base.target import MadeBy, Stage
from shellplay.kernel import constants as k
from shellplay.kernel import mount, mountinfo, procfs
from shellplay.kernel.mountinfo import Mount
from shellplay.kernel.procfs import Status
from shellplay.model import How

if TYPE_CHECKING:
    from shellplay.fences.base.target import Target
    from shellplay.kernel.caller import Caller

NULL = (1, 3)


class MountOver(Fence, ABC):
    """A fence that is mounted over ``target`` and unmounted again.

    Bash mounts it, busy or not; if bash has given up the privilege, a broker does.
    """

    stage = Stage.MOUNT
    made_by = MadeBy.BROKER
    inside: ClassVar[tuple[str, ...]] = ("mnt",)
    opened_by = "user"
    target: ClassVar[str]

    def permitted(self, status: Status) -> bool:
        """Tell whether this process may mount; the privileges of bash do not matter."""
        ours = procfs.status("self")
        return ours is not None and bool(ours.effective >> k.CAP_SYS_ADMIN & 1)

    def removable(self, status: Status) -> bool:
        """Tell that it can be unmounted: bash need not do it itself."""
        return True

    def how_at_start(self, pid: int, *, peelable: bool) -> How:
        """Say that it can be unmounted, if something lies below it."""
        return How.OUTSIDE if peelable else How.RESPAWNED

    def apply(self, target: Target) -> None:
        """Mount it; if that fails half-way, nothing is left mounted."""
        caller, terminal = target.caller, target.terminal
        if self.observed(target.pid):
            # A mount of a fence below this one that has been removed; it is still there.
            if not is_mounted_over(target.pid, self.target):
                self.mount_instead(caller, terminal)
                return
            self.unmount(caller)
        before = mounts_at(target.pid, self.target)
        try:
            self.mount(caller, terminal)
        except KernelError:
            if mounts_at(target.pid, self.target) != before:
                self.unmount(caller)
            raise

    def apply_at_start(self, target: Target, *, peelable: bool) -> None:
        """Mount it over the host's, which goes by that unless it is to be seen after a peel."""
        if not mounts_at(target.pid, self.target):
            self.mount(target.caller, target.terminal)
        elif peelable:
            self.mount_first(target.caller, target.terminal)
        else:
            self.mount_instead(target.caller, target.terminal)

    @property
    def mount_points(self) -> tuple[str, ...]:
        """Return where it is mounted."""
        return (self.target,)

    def owns(self, mount: Mount) -> bool:
        """Tell whether a mount is at or below its target."""
        return f"{mount.point}/".startswith(f"{self.target}/")

    def remove(self, target: Target) -> None:
        """Unmount it."""
        self.unmount(target.caller)

    @abstractmethod
    def mount(self, caller: Caller, terminal: str) -> None:
        """Mount it, by a process that has joined the namespaces of the bash.

        ``terminal`` is the path of its terminal on the host.
        """

    def mount_first(self, caller: Caller, terminal: str) -> None:
        """Mount it before any program has mounted there."""
        self.mount(caller, terminal)

    def mount_instead(self, caller: Caller, terminal: str) -> None:
        """Mount it and unmount the topmost mount that was there."""
        self.mount(caller, terminal)
        self.replace(caller)

    def replace(self, caller: Caller) -> None:
        """Unmount the mount below the topmost one."""
        # Only now: without privileges a /proc or /sys can be mounted beside another one only.
        with caller.together():
            tree = mount.open_tree(caller, self.target, recursive=True)
            for _ in range(2):
                caller.umount2(self.target, k.MNT_DETACH)
            mount.move_mount(caller, tree, self.target, of=self.target)
            caller.close(tree)

    def unmount(self, caller: Caller) -> None:
        """Unmount it, with all that is mounted below."""
        caller.umount2(self.target, k.MNT_DETACH)


def mounts_at(pid: int | str, target: str) -> list[Mount]:
    """Return the topmost mount at a path, and the mounts below it; [] if there is none."""
    found = mountinfo.mounts_below(pid, target)
    tops = [each for each in found if each.point == target]
    if not tops:
        return []
    return [tops[-1], *(each for each in found if each.point != target)]


def is_mounted_over(pid: int | str, target: str) -> bool:
    """Tell whether there is another mount below the topmost one at a path."""
    return sum(each.point == target for each in mountinfo.mounts_below(pid, target)) > 1


def hide(caller: Caller, paths: Iterable[str], read_only: Iterable[str] = ()) -> None:
    """Mount /dev/null over the files, and an empty directory over the directories, of paths.

    Those of ``read_only`` are made so by ``make_read_only``.
    """
    root = f"/proc/{caller.pid}/root"
    found = [path for path in paths if os.path.exists(root + path)]
    files = [path for path in found if not os.path.isdir(root + path)]
    nulls = mount.copy_devices(caller, [("/dev/null", NULL)] * len(files))
    with caller.together():
        for path in found:
            if path not in files:
                caller.mount("tmpfs", path, "tmpfs", mount.QUIET | k.MS_RDONLY)
        for path, null in zip(files, nulls, strict=True):
            mount.move_mount(caller, null, path, of="/dev/null")
            caller.close(null)
        make_read_only(caller, read_only)


def make_read_only(caller: Caller, paths: Iterable[str]) -> None:
    """Mount each path that exists over itself, read-only, with the mounts below it.

    They get noexec and nosuid, too.
    """
    with caller.together():
        for path in paths:
            if os.path.exists(f"/proc/{caller.pid}/root{path}"):
                caller.mount(path, path, None, k.MS_BIND | k.MS_REC)
                mount.mount_setattr(
                    caller, k.AT_FDCWD, path, *mount.READ_ONLY_OPTIONS, recursive=True
                )
