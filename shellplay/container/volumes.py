"""The volumes of a start: files and directories of the host, and tmpfs."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from shellplay.container.spec import VolumeSpec
from shellplay.errors import KernelError, Refused
from shellplay.fences import dev
from shellplay.fences.rootfs import is_of_kernel
from shellplay.kernel import constants as k
from shellplay.kernel import file_system, mountinfo
from shellplay.kernel import mount as mount_calls
from shellplay.kernel.here import HERE
from shellplay.kernel.pidfd import pidfd
from shellplay.kernel.stub import Stub


class Volumes:
    """The volumes of one start, which holds the copies of them by ``held``.

    ``fill`` copies what a process sees at the target of a volume, if that is empty.
    """

    def __init__(
        self,
        volumes: Sequence[VolumeSpec],
        fill: Callable[[VolumeSpec, int], None],
        held: ExitStack,
    ) -> None:
        self._volumes = volumes
        self._fill = fill
        self._held = held
        self._trees: dict[str, int] = {}

    def have(self, target: str) -> bool:
        """Tell whether a volume is mounted at a path."""
        return any(each.target == target for each in self._volumes)

    def copy(self, stub: Stub, *, without_devices: bool) -> None:
        """Copy the mounts of the host, as long as a stub sees them.

        This process holds the copies: a descriptor of the stub would lead out of its root.
        """
        for volume in self._volumes:
            if volume.source is None:
                continue
            tree = mount_calls.open_tree(stub, str(volume.source), recursive=True)
            if volume.read_only:
                mount_calls.mount_setattr(stub, tree, "", "ro", recursive=True)
            if without_devices and not (volume.device or dev.is_harmless(volume.source)):
                mount_calls.mount_setattr(stub, tree, "", "nodev", recursive=True)
            with pidfd(stub.pid) as target:
                self._trees[volume.target] = ours = HERE.pidfd_getfd(target, tree)
            self._held.callback(os.close, ours)
            stub.close(tree)

    def make_places(self, stub: Stub) -> None:
        """Make the mount points, before the root is made read-only."""
        for each in self._volumes:
            if not is_of_kernel(each.target):
                directory = each.source is None or each.source.is_dir()
                mount_calls.make_mount_point(stub, each.target, directory=directory)

    def mount(self, stub: Stub) -> None:
        """Mount them, outer targets first; raises Refused and KernelError."""
        if not self._volumes:
            return
        there = {each.point for each in mountinfo.mounts(stub.pid) or ()}
        for volume in self._volumes:
            if volume.target.startswith("/dev/") and volume.target in there:
                stub.umount2(volume.target, k.MNT_DETACH)
            _require_a_place(stub, volume.target)
            if volume.source is None:
                mount_calls.mount_memory(
                    stub, volume.target, volume.options,
                    read_only=volume.read_only, allowed=volume.allowed,
                )  # fmt: skip
            else:
                if volume.volume is not None:
                    self._fill(volume, stub.pid)
                self._attach(stub, volume)

    def _attach(self, stub: Stub, volume: VolumeSpec) -> None:
        assert volume.source is not None
        with stub.passed(self._trees[volume.target]) as tree:
            try:
                mount_calls.attach(stub, tree, volume.target, of=volume.source)
            except KernelError as error:
                if error.errno not in (errno.ENOTDIR, errno.EINVAL):
                    raise
                raise Refused(
                    f"{volume.source} cannot be mounted at {volume.target}: one of them is "
                    "a directory, and the other is not"
                ) from error


def _require_a_place(stub: Stub, target: str) -> None:
    """Raise Refused if a link of the image leads from a target to /proc, or to the root.

    What is in /proc would be that of the image, also for the program (CVE-2019-16884).
    """
    try:
        # By the stub: /proc/self is another process for us.
        number = stub.openat2(k.AT_FDCWD, target, os.O_PATH | os.O_CLOEXEC, 0)
    except KernelError:
        return  # It is made when the volume is mounted.
    place = os.open(f"/proc/{stub.pid}/fd/{number}", os.O_PATH | os.O_CLOEXEC)
    stub.close(number)
    try:
        in_proc = file_system.kind_of(place) == file_system.PROC and not is_of_kernel(target)
        if in_proc or os.path.samestat(os.fstat(place), os.stat(f"/proc/{stub.pid}/root")):
            raise Refused(
                f"{target} is a link in the image, to where nothing can be mounted",
                "another target",
            )
    finally:
        os.close(place)
