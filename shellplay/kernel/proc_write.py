"""Write files of procfs, sysfs and cgroupfs; open paths below the root of a process."""

from __future__ import annotations

import errno
import os

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel import procfs
from shellplay.kernel.call_log import note
from shellplay.kernel.here import HERE

# Field 48 of stat; index 0 is the first field behind the command.
ARG_START = 45


def write_file(pid: int, name: str, text: str) -> None:
    """Write /proc/PID/NAME in one write(2); raise KernelError if the kernel refuses it."""
    write(f"/proc/{pid}/{name}", text)


def write(path: str | os.PathLike[str], text: str) -> None:
    """Write a file of the kernel in one write(2); raise KernelError if it is refused."""
    result = 0
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            result = os.write(fd, text.encode())
        finally:
            os.close(fd)
    except OSError as error:
        result = -(error.errno or errno.EIO)
        raise KernelError("write", -result, str(path)) from error
    finally:
        note(HERE, "write", (str(path), repr(text)), result, f"printf {text!r} > {path}")


def open_root(pid: int | str) -> int:
    """Open the root directory of a process; return the descriptor, for ``open_below``."""
    return os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def open_within(pid: int | str, path: str, flags: int) -> int:
    """Open a path below the root of a process; see ``open_below``."""
    root = open_root(pid)
    try:
        return open_below(root, path, flags)
    finally:
        os.close(root)


def status_within(pid: int | str, path: str, flags: int = 0) -> os.stat_result | None:
    """Return the status of a path below the root of a process, None if it leads nowhere.

    O_NOFOLLOW in ``flags`` asks for a link itself.  No file is opened for that, O_PATH.
    """
    try:
        fd = open_within(pid, path, os.O_PATH | flags)
    except KernelError:
        return None
    try:
        return os.fstat(fd)
    finally:
        os.close(fd)


def open_below(root: int, path: str, flags: int, mode: int = 0) -> int:
    """Open a path below a root directory, openat2(2); return the descriptor.

    RESOLVE_IN_ROOT resolves links from this root, so no link leads to the host.  A file that
    O_CREAT makes gets the ``mode``.  Raises KernelError.
    """
    return HERE.openat2(root, path, flags | os.O_CLOEXEC, k.RESOLVE_IN_ROOT, mode)


def set_command_line(pid: int, text: str) -> None:
    """Change the command of a process in ps(1); a text longer than the old one is cut.

    The words of the command are in the memory of the process, and /proc/PID/stat has their
    address, proc_pid_stat(5).  Raises OSError if we may not write this memory.
    """
    content = procfs.read(pid, "stat")
    if content is None:
        return
    fields = content[content.rindex(b")") + 2 :].split()
    start, end = int(fields[ARG_START]), int(fields[ARG_START + 1])
    fd = os.open(f"/proc/{pid}/mem", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(fd, text.encode()[: end - start - 1].ljust(end - start, b"\0"), start)
    finally:
        os.close(fd)
