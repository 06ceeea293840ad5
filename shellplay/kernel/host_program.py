"""Programs of the host, opened so that no process that runs them can change their files.

A process has a way to the file of its program that no root directory hides: /proc/PID/exe.
There it could change the mode, the owner and the attributes of a program of the host
(CVE-2019-5736).  Therefore we execute the program

* from a read-only copy of its mount, if we may copy mounts (root);
* from a sealed copy in memory, memfd_create(2), if the file is ours to change;
* by its path, if root owns the file and we have no capabilities: the kernel then lets no
  process of ours change it.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import contextmanager

from shellplay.errors import KernelError, Refused
from shellplay.kernel import constants as k
from shellplay.kernel import mountinfo, procfs
from shellplay.kernel.explain import sysctl
from shellplay.kernel.here import HERE
from shellplay.kernel.mount import mount_setattr, open_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ORIGIN = b"$ORIGIN"
SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
MEMFD_NOEXEC = "vm.memfd_noexec"
CHUNK = 1 << 30
# The file actions of posix_spawn(3) must not replace the descriptor before the execve(2): the
# child gets standard streams, two sockets and our standard error, see ``python_child``.
LOWEST_DESCRIPTOR = 6


class HostProgram:
    """A program of the host; ``opened`` makes one.

    ``path`` is its path on the host.  ``fd`` is the descriptor to execute, None to execute
    the path.  ``moved`` is true if /proc/PID/exe does not read as the path: then the dynamic
    linker takes a wrong directory for $ORIGIN, see ld.so(8).
    """

    def __init__(self, path: str, fd: int | None = None, *, moved: bool = False) -> None:
        self.path = path
        self.fd = fd
        self.moved = moved

    @property
    def executable(self) -> str:
        """The path to execute in a child of this process."""
        return self.path if self.fd is None else f"/proc/self/fd/{self.fd}"

    def finds_its_libraries(self) -> bool:
        """Whether the dynamic linker finds the libraries that lie relative to the program."""
        if not self.moved:
            return True
        with open(self.path, "rb") as file:
            return ORIGIN not in file.read()


@contextmanager
def opened(path: str) -> Iterator[HostProgram]:
    """Open a program of the host for the block.

    Raises Refused if its file could be changed from inside, OSError if it cannot be read.
    """
    program = _opened(path, os.path.realpath(path))
    try:
        yield program
    finally:
        if program.fd is not None:
            os.close(program.fd)


def _opened(path: str, real: str) -> HostProgram:
    status = procfs.status("self")
    if status is None or status.effective:
        try:
            return _on_read_only_mount(path, real)
        except KernelError:
            # No CAP_SYS_ADMIN, Linux before 5.12, or a mount that may not be copied.
            return _sealed_copy(path, real)
    if os.stat(real).st_uid == 0 and not os.access(real, os.W_OK):
        return HostProgram(path)
    return _sealed_copy(path, real)


def _on_read_only_mount(path: str, real: str) -> HostProgram:
    """Open the file on a detached copy of its mount.

    The copy is of the whole mount, so that /proc/PID/exe reads as before.  The descriptor is
    that of the file: no directory of the host can be reached from it.
    """
    point = _mount_point(real)
    tree = open_tree(HERE, point)
    try:
        mount_setattr(HERE, tree, "", "ro", "nosuid", "nodev")
        place = f"/proc/self/fd/{tree}/{os.path.relpath(real, point)}"
        fd = _path_descriptor(place)
    finally:
        os.close(tree)
    return HostProgram(path, fd, moved=point != "/")


def _mount_point(real: str) -> str:
    root, own = map(_mount_of, ("/", real))
    if root == own:
        return "/"
    # There is no line for the mount of a root directory that is not a mount point, chroot(2).
    return next((each.point for each in mountinfo.mounts() or () if each.id == own), "/")


def _mount_of(path: str) -> int:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        return mountinfo.mount_of(fd)
    finally:
        os.close(fd)


def _sealed_copy(path: str, real: str) -> HostProgram:
    try:
        with open(real, "rb") as file, _memory_file(os.path.basename(path)) as copy:
            while os.sendfile(copy, file.fileno(), None, CHUNK):
                pass
            _seal(copy)
            # The kernel executes no file that is open for writing (ETXTBSY).
            return HostProgram(path, _path_descriptor(f"/proc/self/fd/{copy}"), moved=True)
    except OSError as error:
        forbidden = sysctl(MEMFD_NOEXEC) == "2"
        raise Refused(
            f"programs inside could change {real}, and it cannot be copied: {error.strerror}",
            f"sysctl {MEMFD_NOEXEC}=1, as root" if forbidden else None,
        ) from error


@contextmanager
def _memory_file(name: str) -> Iterator[int]:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        fd = os.memfd_create(name, flags | k.MFD_EXEC)
    except OSError as error:
        # Linux before 6.3 does not know the flag, and has no other files.
        if error.errno != errno.EINVAL:
            raise
        fd = os.memfd_create(name, flags)
    try:
        yield fd
    finally:
        os.close(fd)


def _seal(fd: int) -> None:
    try:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS | k.F_SEAL_EXEC)
    except OSError:
        # Linux before 6.3: a process inside may still make its own copy not executable.
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)


def _path_descriptor(path: str) -> int:
    low = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        return fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR)
    finally:
        os.close(low)
