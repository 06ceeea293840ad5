"""The mounts of a live bash: mount, unmount, and what was written since a root fence."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

from shellplay.container.applied import AppliedFences
from shellplay.container.state import ContainerState
from shellplay.errors import KernelError, Refused, UsageError
from shellplay.fences.base.target import Stage
from shellplay.fences.root import Root
from shellplay.fences.rootfs import KERNELS
from shellplay.kernel import constants as k
from shellplay.kernel import mount as mount_calls
from shellplay.kernel import mountinfo
from shellplay.kernel.caller import Caller
from shellplay.kernel.explain import explained
from shellplay.kernel.here import HERE
from shellplay.kernel.mountinfo import Mount
from shellplay.kernel.namespaces import identify, open_namespace
from shellplay.kernel.pidfd import pidfd
from shellplay.kernel.proc_write import open_root
from shellplay.kernel.signals import deferred
from shellplay.shell.broker import broker

if TYPE_CHECKING:
    from pathlib import Path

    from shellplay.fences.rootfs.lower import LowerTree
    from shellplay.image.manifest import Image
    from shellplay.image.overlay_changes import FileChange


class Files:
    """The files of one container."""

    def __init__(self, state: ContainerState, applied: AppliedFences) -> None:
        self._state = state
        self._applied = applied
        # Mounts of the user, which may be unmounted also below the target of a fence.
        self._own: set[tuple[str, str, str]] = set()

    def mount(
        self, source: Path | None, target: str, *, read_only: bool = False, mapped: bool = False
    ) -> None:
        """Mount a file or directory from outside the tree, or a tmpfs, at a path inside.

        Missing directories are made.  With ``mapped`` the owners of the files are mapped as
        by the user fence.  Raises UsageError and Refused.
        """
        place = mount_calls.target_path(target)
        self._require_mnt()
        if source is not None and not source.exists():
            raise UsageError(f"{source} is not there")
        self._require_room(place)
        with self._inside("mount") as caller:
            if source is None:
                mount_calls.mount_memory(caller, place, "mode=1777", read_only=read_only)
            else:
                self._attach(caller, source, place, read_only=read_only, mapped=mapped)
        if (there := self._at(place)) is not None:
            self._own.add(self._known(there))

    def _attach(
        self, caller: Caller, source: Path, place: str, *, read_only: bool, mapped: bool
    ) -> None:
        copied = self._mapped if mapped else self._copied
        with copied(caller, source) as tree:
            if read_only:
                mount_calls.mount_setattr(caller, tree, "", "ro", recursive=True)
            if self._hides_devices:
                mount_calls.mount_setattr(caller, tree, "", "nodev", recursive=True)
            mount_calls.attach(caller, tree, place, of=source)

    @property
    def _hides_devices(self) -> bool:
        root = self._root
        return root is not None and root.nodev

    @contextmanager
    def _copied(self, caller: Caller, source: Path) -> Iterator[int]:
        """Copy the mount of a path outside the tree, for the block."""
        root = self._root
        outside = root.outside() if root else nullcontext(None)
        with outside as before:
            if before is not None:
                with caller.passed(before.fd) as number:
                    caller.setns(number, k.CLONE_NEWNS, of=before.of)
            tree = mount_calls.open_tree(caller, str(source), recursive=True)
        try:
            if before is not None:
                with pidfd(self._state.pid) as target, caller.passed(target) as number:
                    caller.setns(number, k.CLONE_NEWNS, of=self._state.pid)
            yield tree
        finally:
            caller.close(tree)

    @contextmanager
    def _mapped(self, caller: Caller, source: Path) -> Iterator[int]:
        """Copy the mount of a path of the host, with other owners, for the block."""
        if identify(self._state.pid, "user") == identify("self", "user"):
            raise Refused(
                "the users of bash are the host's: none is mapped", "fence user, first"
            )
        # By this process: mount_setattr(2) takes CAP_SYS_ADMIN over the file system.
        with ExitStack() as held:
            users = open_namespace(self._state.pid, "user")
            held.callback(os.close, users)
            try:
                tree = mount_calls.open_tree(HERE, str(source), recursive=True)
                held.callback(os.close, tree)
                mount_calls.map_owners(HERE, tree, users, of=str(source))
            except KernelError as error:
                raise Refused(
                    f"the owners of {source} cannot be mapped ({error.message})", _way_to(error)
                ) from error
            yield held.enter_context(caller.passed(tree))

    def unmount(self, target: str) -> None:
        """Unmount the topmost mount at a path inside; raises UsageError and Refused."""
        place = mount_calls.target_path(target)
        self._require_mnt()
        there = self._at(place)
        if there is None:
            raise Refused(f"nothing is mounted at {place}", "in cat /proc/mounts")
        if self._known(there) not in self._own and (kind := self._owner(there)) is not None:
            raise Refused(f"{place} is of the {kind} fence", f"peel {kind}")
        with self._inside("unmount") as caller:
            # MNT_DETACH: the mount ends with its last user, and bash may be in there.
            caller.umount2(place, k.MNT_DETACH)
        self._own.discard(self._known(there))

    def _at(self, place: str) -> Mount | None:
        """Return the topmost mount at a path, None if there is none."""
        found = [
            each for each in mountinfo.mounts(self._state.pid) or () if each.point == place
        ]
        return found[-1] if found else None

    @staticmethod
    def _known(mount: Mount) -> tuple[str, str, str]:
        """Return what identifies a mount in every copy of the mount namespace."""
        return mount.point, mount.device, mount.root

    def _owner(self, mount: Mount) -> str | None:
        """Return the kind of the fence that has made a mount, None if none has."""
        root = self._root
        fences = [each.fence for each in self._applied.of(Stage.MOUNT)]
        owners = (
            each.kind for each in (*fences, *([root] if root else [])) if each.owns(mount)
        )
        return next(owners, None)

    @property
    def _root(self) -> Root | None:
        """The root fence, None if it is not applied."""
        found = self._applied.find("root")
        return found.fence if found and isinstance(found.fence, Root) else None

    def mounted(self) -> Iterator[tuple[str, str]]:
        """Yield place and file system of each mount that is not the host's or a fence's."""
        host = {(each.device, each.point) for each in mountinfo.mounts("self") or ()}
        points = [point for each in self._applied.fences for point in each.mount_points]
        taken = tuple(f"{point}/" for point in (*points, *KERNELS))
        for each in mountinfo.mounts(self._state.pid) or ():
            place = f"{each.point}/"
            if each.kind == "overlay" or (each.device, each.point) in host:
                continue
            if each.point != "/" and not place.startswith(taken):
                yield each.point, f"{each.kind} {each.device}"

    def open_root(self) -> int:
        """Open its root directory, also that of a program which has ended.

        Raises ShellGone if nothing is left of its files, Refused if it is paused.
        """
        kept = self._state.root
        if self._state.dead and kept is not None and self._root is not None:
            return os.dup(kept)
        self._state.require_alive()
        return open_root(self._state.pid)

    def changes(self) -> Iterator[FileChange]:
        """Yield the changes since the root fence was applied; raises Refused."""
        # Loaded here: to mount takes none of what an image does.
        from shellplay.image.overlay_changes import changes

        upper, lower_tree = self._written()
        return changes(upper, lower_tree.below, lower_tree.apart)

    def commit(self, name: str) -> Generator[str, None, Image]:
        """Make an image of the changes, over the image of the root fence; return it.

        Yields sentences about what is left out.  Raises UsageError and Refused.
        """
        from shellplay.image.commit import commit
        from shellplay.image.reference import parse
        from shellplay.image.store import Store

        parse(name)
        upper, lower_tree = self._written()
        if lower_tree.image is None:
            yield "the host is not an image, so only what was changed is in it"
        leave: set[str] = set()
        if lower_tree.image is None:
            # The upper directory has a place for each mount of the host, changed or not.
            changed = {each.path.split("/")[1] for each in self.changes()}
            leave = {each.name for each in upper.iterdir()} - changed
        return (yield from commit(Store(), name, upper, lower_tree.image, exclude=leave))

    def _written(self) -> tuple[Path, LowerTree]:
        fence = self._root
        if fence is None or fence.lower_tree is None:
            raise Refused(
                "the files are the host's: nothing tells what was changed", "fence root"
            )
        if fence.lower_tree.upper is None:
            raise Refused("what is written goes to the files themselves, so nothing tells")
        return fence.lower_tree.upper, fence.lower_tree

    def _require_room(self, place: str) -> None:
        """Raise Refused if a directory would have to be made in a file system of the host."""
        there = f"/proc/{self._state.pid}/root"
        if "root" in self._applied or os.path.exists(there + place):
            return
        parent = os.path.dirname(place)
        while not os.path.exists(there + parent):
            parent = os.path.dirname(parent)
        with suppress(FileNotFoundError):
            if os.path.samefile(there + parent, parent):
                raise Refused(
                    f"there is no {place}, and it would be made among the host's own files",
                    f"fence root, first; or mkdir -p {place}",
                )

    def _require_mnt(self) -> None:
        self._state.require_alive()
        if "mnt" not in self._applied:
            raise Refused("the mounts of bash are the host's", "fence mnt, first")

    @contextmanager
    def _inside(self, what: str) -> Iterator[Caller]:
        with deferred(), self._state.attended():
            try:
                with broker(self._state.monitor, self._state.pid) as caller:
                    yield caller
            except KernelError as error:
                raise explained(error, what, self._state.pid) from error


def _way_to(error: KernelError) -> str:
    if error.errno == errno.EPERM:
        return "start shellplay as root"
    return "leave idmap out, or take a file system that has it: ext4, xfs, btrfs, tmpfs"
