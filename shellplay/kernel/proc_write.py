"""Write files of the kernel, as in /proc/PID, and open paths below the root of a process."""

from __future__ import annotations

import errno
import os

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel import procfs
from shellplay.kernel.call_log import note
from shellplay.kernel.here import HERE

# Field 48 of stat, counted from the first one behind the command.
ARG_START = 45


def write_file(pid: int, name: str, text: str) -> None:
    """Write /proc/PID/NAME in one write(2); raise KernelError if the kernel refuses it."""
    write(f"/proc/{pid}/{name}", text)


def write(path: str | os.PathLike[str], text: str) -> None:
    """Write a file of the kernel in one write(2); raise KernelError if it refuses that."""
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


def open_within(pid: int | str, path: str, flags: int) -> int:
    """Open a path as a process resolves it: a link in there leads nowhere else, openat2(2).

    Raises KernelError.
    """
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return HERE.openat2(root, path, flags | os.O_CLOEXEC, k.RESOLVE_IN_ROOT)
    finally:
        os.close(root)


def set_command_line(pid: int, text: str) -> None:
    """Change what ps(1) shows as the command of a process, as far as there is room.

    The words of a command are memory of the process; where they are is in
    /proc/PID/stat, see proc_pid_stat(5).  Raises OSError if its memory is not ours to write.
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
