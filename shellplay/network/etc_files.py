"""/etc/hosts, /etc/resolv.conf and /etc/hostname: in memory, mounted for one container only."""

from __future__ import annotations

import errno
import os

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel import mount as mount_calls
from shellplay.kernel import mountinfo, namespaces
from shellplay.kernel.caller import Caller
from shellplay.kernel.pidfd import pidfd
from shellplay.kernel.proc_write import open_within
from shellplay.model import NamespaceId
from shellplay.monitor.client import Monitor
from shellplay.network.etc_hosts import HOSTS, RESOLV
from shellplay.shell.broker import broker

# Mounted over in a copy of the table that nobody else sees.
STAGE = "/sys"
SIZE = "mode=755,size=1m"


class NameFiles:
    """The files, in each mount namespace in which they were mounted; we write them.

    The third one is there only if it was written.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {HOSTS: "", RESOLV: ""}
        self._mounted: dict[NamespaceId, dict[str, int]] = {}
        self._devices: set[str] = set()

    def write(self, path: str, text: str) -> None:
        """Give one of them other contents, for everybody who sees it, at once."""
        if self._texts.get(path) == text:
            return
        self._texts[path] = text
        for files in list(self._mounted.values()):
            if path in files:
                _fill(files[path], text)

    def mount(self, monitor: Monitor, pid: int) -> tuple[str, ...]:
        """Mount them where a process sees them, if they are not; return what went wrong."""
        space = namespaces.identify(pid, "mnt")
        if space is None or space in self._mounted:
            return ()
        with broker(monitor, pid) as caller:
            caller.unshare(k.CLONE_NEWNS)
            caller.mount(None, "/", None, k.MS_REC | k.MS_PRIVATE)
            trees = self._made(caller, space)
            with pidfd(pid) as target, caller.passed(target) as number:
                caller.setns(number, k.CLONE_NEWNS, of=pid)
            return _attach(caller, trees)

    def mount_before(self, caller: Caller) -> tuple[str, ...]:
        """Mount them by a process that nobody is beside yet; return what went wrong.

        Nobody sees what is mounted over meanwhile, and no copy of the table is needed.
        """
        space = namespaces.identify(caller.pid, "mnt")
        assert space is not None, "it waits for us"
        trees = self._made(caller, space)
        caller.umount2(STAGE, k.MNT_DETACH)
        return _attach(caller, trees)

    def unmount(self, monitor: Monitor, pid: int) -> None:
        """Unmount them where a process sees them, if they are mounted there.

        A root fence has brought those along that were there before it.
        """
        if not self._devices:
            return
        ours = [
            each.point for each in mountinfo.mounts(pid) or () if each.device in self._devices
        ]
        if ours:
            with broker(monitor, pid) as caller:
                for point in reversed(ours):
                    caller.umount2(point, k.MNT_DETACH)
        if (space := namespaces.identify(pid, "mnt")) in self._mounted:
            _close(self._mounted.pop(space))

    def close(self) -> None:
        """Let go of them; they end with those who see them."""
        for files in list(self._mounted.values()):
            _close(files)
        self._mounted.clear()

    def _made(self, caller: Caller, space: NamespaceId) -> dict[str, int]:
        """Make the files, keep them open, and return their mounts, detached."""
        files = self._mounted[space] = {}
        places = {path: f"{STAGE}/{path.rpartition('/')[2]}" for path in self._texts}
        with caller.together():
            caller.mount("tmpfs", STAGE, "tmpfs", mount_calls.QUIET, SIZE)
            for place in places.values():
                mount_calls.mknodat(caller, place)
        for path, place in places.items():
            # As the caller sees it: a link inside would lead us to files of the host.
            files[path] = open_within(caller.pid, place, os.O_WRONLY | os.O_NOFOLLOW)
            device = os.fstat(files[path]).st_dev
            self._devices.add(f"{os.major(device)}:{os.minor(device)}")
            _fill(files[path], self._texts[path])
        with caller.together() as trees:
            for place in places.values():
                mount_calls.open_tree(caller, place)
        return dict(zip(places, trees, strict=True))


def _attach(caller: Caller, trees: dict[str, int]) -> tuple[str, ...]:
    """Mount them at their paths; return sentences about those that cannot be."""
    said = []
    missing = [each for each in trees if not _is_there(caller.pid, each)]
    for path, tree in trees.items():
        try:
            if [path] == missing[:1]:
                # All of them are in one directory.
                mount_calls.make_parents(caller, path)
            if path in missing:
                # Somebody inside may have made it meanwhile.
                mount_calls.mknodat(caller, path, exist_ok=True)
            mount_calls.move_mount(caller, tree, path, of=path, follow=True)
        except KernelError as error:
            if error.errno not in (errno.EROFS, errno.ENOENT, errno.EACCES, errno.ENOTDIR):
                raise
            said.append(f"{path} inside stays as it is: {error.message}")
    with caller.together():
        for tree in trees.values():
            caller.close(tree)
    return tuple(said)


def _is_there(pid: int, path: str) -> bool:
    """Tell whether a process sees a path: links in it lead where they lead inside."""
    try:
        os.close(open_within(pid, path, os.O_PATH | os.O_NOFOLLOW))
    except KernelError:
        return False  # And if it is there all the same, mounting says why it cannot be.
    return True


def _fill(fd: int, text: str) -> None:
    content = text.encode("utf-8", "surrogateescape")
    os.pwrite(fd, content, 0)
    os.ftruncate(fd, len(content))


def _close(files: dict[str, int]) -> None:
    for fd in files.values():
        os.close(fd)
