"""/etc/hosts, /etc/resolv.conf and /etc/hostname of one container: files in a tmpfs."""

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

# The tmpfs is mounted here in a private mount namespace, which no other process sees.
STAGING_DIRECTORY = "/sys"
TMPFS_OPTIONS = "mode=755,size=1m"


class EtcFiles:
    """The files of one container, in each mount namespace in which they are mounted.

    The files are open, so that ``write`` changes them for all processes in the container.
    /etc/hostname exists only if it was written before the files are mounted.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {HOSTS: "", RESOLV: ""}
        self._files_by_namespace: dict[NamespaceId, dict[str, int]] = {}
        self._devices: set[str] = set()

    def write(self, path: str, text: str) -> None:
        """Replace the text of a file in all mount namespaces."""
        if self._texts.get(path) == text:
            return
        self._texts[path] = text
        for files in list(self._files_by_namespace.values()):
            if path in files:
                _write(files[path], text)

    def mount(self, monitor: Monitor, pid: int) -> tuple[str, ...]:
        """Mount the files in the mount namespace of a process, unless they are there already.

        Returns sentences about files that cannot be mounted.  Raises KernelError.
        """
        namespace = namespaces.identify(pid, "mnt")
        if namespace is None or namespace in self._files_by_namespace:
            return ()
        with broker(monitor, pid) as caller:
            caller.unshare(k.CLONE_NEWNS)
            caller.mount(None, "/", None, k.MS_REC | k.MS_PRIVATE)
            staged = self._create_files(caller, namespace)
            trees = _open_trees(caller, staged)
            with pidfd(pid) as target, caller.passed(target) as number:
                caller.setns(number, k.CLONE_NEWNS, of=pid)
            return attach(caller, trees)

    def stage_by(self, caller: Caller) -> dict[str, int]:
        """Create the files by a process that is alone in its mount namespace.

        No other process can see STAGING_DIRECTORY while it is covered, so no private mount
        namespace is needed.  Returns detached mounts, descriptors of the process, by path.
        """
        namespace = namespaces.identify(caller.pid, "mnt")
        assert namespace is not None, "it waits for us"
        staged = self._create_files(caller, namespace)
        return _open_trees(caller, staged, unmount=True)

    def unmount(self, monitor: Monitor, pid: int) -> None:
        """Unmount the files in the mount namespace of a process, if they are mounted there.

        A root fence copies the mounts of /etc, so a file may be mounted several times.
        """
        if not self._devices:
            return
        mount_points = [
            mount.point
            for mount in mountinfo.mounts(pid) or ()
            if mount.device in self._devices
        ]
        if mount_points:
            with broker(monitor, pid) as caller:
                for point in reversed(mount_points):
                    caller.umount2(point, k.MNT_DETACH)
        if (namespace := namespaces.identify(pid, "mnt")) in self._files_by_namespace:
            _close(self._files_by_namespace.pop(namespace))

    def close(self) -> None:
        """Close the files; the kernel frees each tmpfs with its last mount."""
        for files in list(self._files_by_namespace.values()):
            _close(files)
        self._files_by_namespace.clear()

    def _create_files(self, caller: Caller, namespace: NamespaceId) -> dict[str, str]:
        """Create the files in a new tmpfs, and keep them open; return their paths there."""
        files = self._files_by_namespace[namespace] = {}
        staged = {
            path: f"{STAGING_DIRECTORY}/{path.rpartition('/')[2]}" for path in self._texts
        }
        with caller.together():
            caller.mount("tmpfs", STAGING_DIRECTORY, "tmpfs", mount_calls.QUIET, TMPFS_OPTIONS)
            for staged_path in staged.values():
                mount_calls.mknodat(caller, staged_path)
        for path, staged_path in staged.items():
            # Opened below the caller's root: a symbolic link there must not lead to the host.
            files[path] = open_within(caller.pid, staged_path, os.O_WRONLY | os.O_NOFOLLOW)
            device = os.fstat(files[path]).st_dev
            self._devices.add(f"{os.major(device)}:{os.minor(device)}")
            _write(files[path], self._texts[path])
        return staged


def _open_trees(
    caller: Caller, staged: dict[str, str], *, unmount: bool = False
) -> dict[str, int]:
    """Copy each staged file as a detached mount; return descriptors of the caller, by path.

    With ``unmount`` the tmpfs is unmounted after that.
    """
    with caller.together() as trees:
        for staged_path in staged.values():
            mount_calls.open_tree(caller, staged_path)
        if unmount:
            caller.umount2(STAGING_DIRECTORY, k.MNT_DETACH)
    return dict(zip(staged, trees, strict=False))


def attach(caller: Caller, trees: dict[str, int]) -> tuple[str, ...]:
    """Mount the files at their paths; return sentences about files that cannot be mounted."""
    notes = []
    missing = [path for path in trees if not _exists(caller.pid, path)]
    for path, tree in trees.items():
        try:
            with caller.together():
                if [path] == missing[:1]:
                    # All files are in /etc, so one call creates the directory for all.
                    mount_calls.make_parents(caller, path)
                if path in missing:
                    # A process in the container may have created the file meanwhile.
                    mount_calls.mknodat(caller, path, exist_ok=True)
                mount_calls.move_mount(caller, tree, path, of=path, follow=True)
                caller.close(tree)
        except KernelError as error:
            if error.errno not in (errno.EROFS, errno.ENOENT, errno.EACCES, errno.ENOTDIR):
                raise
            notes.append(f"{path} inside stays as it is: {error.message}")
    return tuple(notes)


def _exists(pid: int, path: str) -> bool:
    """Tell whether a path exists in the root of a process."""
    try:
        os.close(open_within(pid, path, os.O_PATH | os.O_NOFOLLOW))
    except KernelError:
        return False  # If the path exists, the mount fails, and its error is reported.
    return True


def _write(fd: int, text: str) -> None:
    content = text.encode("utf-8", "surrogateescape")
    os.pwrite(fd, content, 0)
    os.ftruncate(fd, len(content))


def _close(files: dict[str, int]) -> None:
    for fd in files.values():
        os.close(fd)
