"""Processes behind all fences of a container but some: to see what a fence refuses.

Such a process is a stub: it makes the system calls that it is sent, and ends.  It runs no
program, so nothing that comes from inside runs outside of a fence.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from shellplay.container.fencing import Fencing
from shellplay.container.join import joined
from shellplay.container.state import ContainerState
from shellplay.errors import KernelError, Refused
from shellplay.fences import REGISTRY
from shellplay.fences.base.namespace import Namespace
from shellplay.fences.base.target import Stage
from shellplay.kernel import constants as k
from shellplay.kernel import idmap, namespaces, procfs
from shellplay.kernel.capabilities import has
from shellplay.kernel.mountinfo import mount_of, mounts
from shellplay.kernel.proc_write import status_within
from shellplay.kernel.stub import Stub
from shellplay.shell.shell import Shell


class Trials:
    """Makes copies of the live bash, and processes behind all of its fences but some."""

    def __init__(self, state: ContainerState, fencing: Fencing) -> None:
        self._state = state
        self._fencing = fencing

    @property
    def kinds(self) -> list[str]:
        """The kinds of the applied fences, in the order in which they were applied."""
        return self._fencing.applied.kinds

    @property
    def pid(self) -> int:
        """The host PID of the live bash."""
        return self._state.pid

    @contextmanager
    def copied(self) -> Iterator[Shell]:
        """Fork the live bash for the block, see ``Shell.copied``; raises Refused if busy."""
        self._state.require_alive()
        if not (self._state.has_bash and self._state.settings.live):
            raise Refused(
                f"{self._state.label} has no live bash that can be copied", "set live on; new"
            )
        self._state.require_idle()
        with self._state.attended(), self._state.live.copied() as copy:
            yield copy

    @contextmanager
    def behind(
        self, without: Collection[str] = (), covered: str | None = None
    ) -> Iterator[Stub]:
        """Start a stub behind all fences but those of the kinds ``without``, for the block.

        Its mounts and its host name are copies of those inside, wherever it may have copies:
        what it changes of them ends with it.  ``covered`` is the path of a file that it finds
        under its bare name in its directory, which is in memory, with the same owner and mode.
        A stub that a program inside could take over is left out of the PID namespace, too.
        Raises KernelError if the kernel refuses it a namespace, or a copy of the mounts.
        """
        if "pid" in self.kinds and self._could_be_taken_over(without):
            without = {*without, "pid"}
        spaces = {
            each.space for kind in without if issubclass(each := REGISTRY[kind], Namespace)
        }
        if any(REGISTRY[kind].stage is Stage.MOUNT or kind == "root" for kind in without):
            spaces.add("mnt")
        with ExitStack() as held:
            state = self._state
            directory = "/" if "mnt" in spaces else None
            stub = joined(state.monitor.stub(), state.live, directory, held, spaces)
            _copy_namespaces(stub)
            if covered is not None:
                _cover(stub, covered)
            stub.setsid()
            self._fencing.surround(stub, state.account, without)
            yield stub

    def _could_be_taken_over(self, without: Collection[str]) -> bool:
        """Tell whether a program inside could trace a stub without some fences.

        It would be out of these fences then.  A stub that has no fence less is worth nothing.
        """
        kinds = [REGISTRY[kind] for kind in without]
        if any(each.stage is Stage.MOUNT or issubclass(each, Namespace) for each in kinds):
            return True
        return bool(kinds) and not self._is_hidden()

    def _is_hidden(self) -> bool:
        """Tell whether a stub can be hidden, and no program inside may look at it still."""
        ours, theirs = procfs.status("self"), procfs.status(self.pid)
        if ours is None or theirs is None or not has(ours.effective, "sys_ptrace"):
            return False
        mine = namespaces.identify("self", "user")
        return mine != namespaces.identify(self.pid, "user") or not has(
            theirs.bounding, "sys_ptrace"
        )


def _copy_namespaces(stub: Stub) -> None:
    """Give a stub mounts and a host name of its own, where that changes no permission.

    The copies belong to its user namespace.  If that is inside of the present owner, it would
    get privileges over the copies that it has not over the originals.
    """
    mine = namespaces.identify(stub.pid, "user")
    for kind in ("mnt", "uts"):
        if mine in namespaces.owners(stub.pid, kind):
            try:
                stub.unshare(namespaces.CLONE_FLAGS[kind])
            except KernelError as error:
                if error.errno != errno.EPERM:
                    raise
                # Without the privilege for a copy it cannot change the original, either.
                continue
            if kind == "mnt":
                stub.mount("none", "/", None, k.MS_REC | k.MS_PRIVATE)


def _cover(stub: Stub, path: str) -> None:
    """Mount memory over the directory of a path, go there, and make a like file.

    A program inside may put a link in the place of the directory meanwhile.  So the stub uses
    bare names from then on, in a directory that is surely the one in memory.
    """
    parent, _, name = path.rpartition("/")
    parent = parent or "/"
    around, there = (status_within(stub.pid, each, os.O_NOFOLLOW) for each in (parent, path))
    if around is None:
        raise KernelError("stat", errno.ENOENT, parent)
    source = f"cover-{os.urandom(8).hex()}"
    stub.mount(source, parent, "tmpfs", 0, f"mode={stat.S_IMODE(around.st_mode):o}")
    stub.chdir(parent)
    if not _is_in(stub, source):
        raise KernelError("chdir", errno.ESTALE, parent)
    _own(stub, ".", around)
    if there is None:
        return
    target, mode = os.fsencode(f"./{name}"), stat.S_IMODE(there.st_mode)
    if stat.S_ISDIR(there.st_mode):
        stub.call("mkdirat", k.AT_FDCWD, target, mode, subject=path)
    else:
        stub.call("mknodat", k.AT_FDCWD, target, stat.S_IFREG | mode, 0, subject=path)
    _own(stub, f"./{name}", there)


def _is_in(stub: Stub, source: str) -> bool:
    """Tell whether the directory of a stub is on the mount that came from a source."""
    fd = os.open(f"/proc/{stub.pid}/cwd", os.O_PATH | os.O_CLOEXEC)
    try:
        mount = mount_of(fd)
    finally:
        os.close(fd)
    return any(each.id == mount and each.source == source for each in mounts(stub.pid) or ())


def _own(stub: Stub, path: str, like: os.stat_result) -> None:
    """Give a path the owner of another file, as far as the user namespace knows it."""
    uid = _inside(like.st_uid, idmap.uid_map(stub.pid))
    gid = _inside(like.st_gid, idmap.gid_map(stub.pid))
    if uid is not None and gid is not None:
        stub.call("fchownat", k.AT_FDCWD, os.fsencode(path), uid, gid, 0, subject=path)


def _inside(number: int, ranges: Sequence[idmap.MapRange] | None) -> int | None:
    for each in ranges or ():
        if each.outside <= number < each.outside + each.length:
            return each.inside + number - each.outside
    return None
