"""The root fence: another root directory, in a mount namespace of its own."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from shellplay.directories import expanded
from shellplay.errors import UsageError
from shellplay.fences.base.cgroup_limit import amount
from shellplay.fences.base.fence import option
from shellplay.fences.base.namespace import (
    Namespace,
    may_join,
    return_to,
    working_directory,
)  # fmt: skip
from shellplay.fences.base.target import OpenNamespace, Target
from shellplay.fences.rootfs import KERNELS, is_of_kernel
from shellplay.kernel import constants as k
from shellplay.kernel import mountinfo, namespaces
from shellplay.kernel.procfs import Status
from shellplay.model import Value

if TYPE_CHECKING:
    from shellplay.fences.rootfs.lower import LowerTree
    from shellplay.image.unpack import UnpackedImage
    from shellplay.kernel.caller import Caller
    from shellplay.kernel.mountinfo import Mount

OVERLAY = "overlay"


class Place(Value):
    """The root directory of a process: its file system, device and path."""

    kind: str
    device: str
    path: str

    def __str__(self) -> str:
        where = "" if self.path == "/" else f":{self.path}"
        return f"{self.kind} {self.device}{where}"


class Root(Namespace, kind="root", man="pivot_root(2)", aliases=("rootfs", "chroot", "files")):
    """Gives bash another root directory: the files of the host, a directory, an image.

    ``root overlay`` has all files of the host.  It keeps what is written in memory, until
    the fence comes off, so the files of the host do not change.  ``root DIRECTORY`` uses
    that directory itself: what is written inside changes it (``--ro`` prevents that).
    ``root image=NAME`` has the files of an image.  /proc, /sys and /dev stay the host's.
    ``fence root`` alone means ``root overlay``.
    """

    trial = "in findmnt /"

    space = "mnt"
    boundary = True
    in_parked = True
    inside = ("mnt",)
    clone_takes_it = False

    base: str = option(
        "the files that / has inside", host="lets programs inside use {}", default=OVERLAY,
        metavar="overlay|DIRECTORY", bare=True, words=lambda: (OVERLAY,),
    )  # fmt: skip
    image: str | None = option(
        "an image with these files", host=None, metavar="NAME", default=None
    )
    ro: bool = option("make / read-only", host=None, default=False)
    nodev: bool = option("open no device but those in /dev", host=None, default=False)
    size: str | None = option(
        "how much can be written", host=None, metavar="AMOUNT", default=None
    )
    # The directories of the host inside; those that other fences mount anew can be left out.
    kernels: tuple[str, ...] = KERNELS
    lower_tree: LowerTree | None = None

    def _check(self) -> None:
        if self.size is not None and (self.base != OVERLAY or self._room == 0):
            raise UsageError(
                "size= is for what is written over other files", "64M, or leave it out"
            )
        if self.base != OVERLAY and self.image is not None:
            raise UsageError("root is a directory or an image, not both", "leave one out")
        if self.base != OVERLAY and not expanded(self.base).is_dir():
            raise UsageError(f"{self.base} is not a directory", "fence root overlay")
        if self.base != OVERLAY and str(expanded(self.base).resolve()) == "/":
            raise UsageError(f"{self.base} is the root already", "fence root overlay")

    @property
    def _room(self) -> int | None:
        """The bytes that can be written, None for half of the machine's memory."""
        return None if self.size is None else amount(self.kind, self.size)

    @classmethod
    def bare(cls, word: str) -> str | None:
        """Return the option for ``overlay`` or a path without a key."""
        return "base" if word == OVERLAY or "/" in word or word == "." else None

    @classmethod
    def fact(cls, pid: int | str) -> Place | None:
        """Return what a process has as its root, as its table of mounts shows it."""
        tops = mountinfo.mounts_at(pid, "/")
        return Place(tops[-1].kind, tops[-1].device, tops[-1].root) if tops else None

    def prepared(self, status: Status) -> tuple[Self, tuple[str, ...]]:
        """Hold the lower tree open; return the fence with it, and sentences about that."""
        from shellplay.fences.rootfs.lower import LowerTree

        if self.image is None:
            lower = expanded("/" if self.base == OVERLAY else self.base).resolve()
            return self.changed(lower_tree=LowerTree([lower], ExitStack())), ()
        # Loaded here: few fences need the store.
        from shellplay.image.store import Store
        from shellplay.image.unpack import unpack

        store = Store()
        image = store.get(self.image)
        unpacked, notes = _finished(unpack(store, image))
        held = ExitStack()
        held.enter_context(unpacked)
        lower_tree = LowerTree(unpacked.directories, held, image)
        return self.changed(lower_tree=lower_tree), tuple(notes)

    def contents(self, pid: int) -> str:
        """Say which files it has, and whether the kernel lets them be written."""
        tops = mountinfo.mounts_at(pid, "/")
        locked = ", read-only" if tops and "ro" in tops[-1].options else ""
        if self.image is not None:
            return f"the files of image {self.image}{locked}"
        if self.base == OVERLAY:
            return f"the host's files, copied on write{locked}"
        return f"the files of {self.base}{locked}"

    def remarks(self) -> tuple[str, ...]:
        """Say what of the tree may surprise, and what leads out of it."""
        return tuple(self.lower_tree.notes) if self.lower_tree else ()

    @property
    def mount_points(self) -> tuple[str, ...]:
        """Return the directories of the host in the tree, where it is not a single overlay."""
        apart = self.lower_tree.apart if self.lower_tree else None
        return tuple(f"/{name}" for name in apart or ())

    def owns(self, mount: Mount) -> bool:
        """Tell whether a mount is a part of the tree."""
        if mount.kind == "overlay" or mount.point in self.mount_points:
            return True
        return is_of_kernel(mount.point)

    def keep_files_only(self) -> bool:
        """Close what leads to another mount namespace, and keep what was written."""
        if self.lower_tree is not None:
            self.lower_tree.forget_before()
        return True

    def release(self) -> None:
        """Close the lower tree."""
        if self.lower_tree is not None:
            self.lower_tree.close()

    @contextmanager
    def outside(self) -> Iterator[OpenNamespace]:
        """Hold the mount namespace that the process has left for it, for the block."""
        assert self.lower_tree is not None
        with self.lower_tree.before() as fd:
            yield OpenNamespace(fd, "the mount namespace before")

    def may_leave(self, status: Status) -> bool:
        """Tell whether a process inside may join the mount namespace before."""
        with self.outside() as outside:
            return may_join(status, namespaces.owners_of_descriptor(outside.fd))

    def unshare(self, caller: Caller) -> None:
        """Move the caller itself into a new mount namespace."""
        assert self.lower_tree is not None
        self.lower_tree.notes.clear()
        self.lower_tree.leave_from(caller.pid)
        super().unshare(caller)

    def enter(self, caller: Caller, fd: int, *, of: str) -> None:
        """Move the caller itself into the tree of another, or back into its own."""
        assert self.lower_tree is not None
        self.lower_tree.notes.clear()
        self.lower_tree.leave_from(caller.pid)
        super().enter(caller, fd, of=of)

    def remove(self, target: Target) -> None:
        """Move a process that is inside back, with what it has open."""
        assert self.lower_tree is not None
        with self.outside() as outside:
            now = namespaces.identify(target.pid, self.space)
            if now == namespaces.of_descriptor(outside.fd):
                return
            from shellplay.fences.rootfs import build

            paths = build.open_paths(target.pid)
            self._leave(target.caller, outside)
            build.reopen(target.caller, paths)
            if working_directory(target.caller) == "/":
                return_to(target.caller, self.lower_tree.lost_directory)

    def configure(self, caller: Caller) -> None:
        """Build the tree, make it the root by pivot_root(2), and unmount the one before."""
        # Loaded here: only applying the fence builds a tree.
        from shellplay.fences.rootfs import build

        assert self.lower_tree is not None
        path, paths = working_directory(caller), build.open_paths(caller.pid)
        with build.stage(caller, self.kernels, self._room) as trees:
            self._build(caller, self.lower_tree)
            build.make_root(caller, trees, directory=self._directory())
        self.restore_time(caller)
        if self.ro:
            build.make_read_only(caller)
        if self.nodev:
            build.forbid_devices(caller)
        if path != "/":
            return_to(caller, path)
        if working_directory(caller) != path:
            self.lower_tree.lost_directory = path
            self.lower_tree.notes.append(
                f"its directory {path} is not there, so bash is in / now"
            )
        self.lower_tree.notes += build.reopen(caller, paths)

    def restore_time(self, caller: Caller) -> None:
        """Give / the modification time of the tree below, after directories were made there."""
        from shellplay.fences.rootfs import build

        assert self.lower_tree is not None
        if self.base == OVERLAY:
            build.copy_time(caller, self.lower_tree.lowers[-1])

    def _directory(self) -> str | None:
        """Return the directory of the host that is the root itself, None for an overlay."""
        return None if self.base == OVERLAY else self.base

    def _build(self, caller: Caller, lower_tree: LowerTree) -> None:
        from shellplay.fences.rootfs import build

        if self.base != OVERLAY:
            caller.mount(str(lower_tree.lowers[0]), build.TREE, None, k.MS_BIND | k.MS_REC)
            return
        lower_tree.keep_stage(f"/proc/{caller.pid}/root{build.STAGE}")
        notes: list[str] | None = None
        if lower_tree.image is not None:
            notes = [] if build.overlay(caller, lower_tree.lowers) else None
        elif build.may_see_below_mounts(caller):
            notes = build.overlay_host(caller)
        if notes is None:
            lower_tree.apart, notes = build.overlay_each(caller, lower_tree.lowers[0])
        lower_tree.notes += notes


def _finished(
    unpacking: Generator[str, None, UnpackedImage],
) -> tuple[UnpackedImage, list[str]]:
    notes: list[str] = []
    while True:
        try:
            notes.append(next(unpacking))
        except StopIteration as end:
            unpacked: UnpackedImage = end.value
            return unpacked, notes
