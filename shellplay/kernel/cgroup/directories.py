"""Make and remove cgroups, and move processes: mkdir, rmdir and writes, see cgroups(7)."""

from __future__ import annotations

import errno
import os

from shellplay.errors import KernelError, Refused
from shellplay.kernel.call_log import note
from shellplay.kernel.cgroup.hierarchies import (
    CONTROLLERS,
    PROCS,
    SUBTREE,
    Hierarchy,
    read,
    words,
)
from shellplay.kernel.here import HERE
from shellplay.kernel.proc_write import write
from shellplay.kernel.process_tree import descendants


def allow(hierarchy: Hierarchy, directory: str, controller: str) -> None:
    """Have a directory give a controller to those below it; version 1 always does.

    It stays so: others may count on it since.  Raises Refused if it is not given to it.
    """
    if hierarchy.version == 1:
        return
    for each in reversed(list(hierarchy.upwards(directory))):
        if controller in words(f"{each}/{SUBTREE}"):
            continue
        if not os.access(f"{each}/{SUBTREE}", os.W_OK):
            raise Refused(
                f"the controller {controller} is not delegated to {directory}",
                f"as root: a line Delegate={' '.join(CONTROLLERS)} below [Service] in "
                "/etc/systemd/system/user@.service.d/delegate.conf, and log in again",
            )
        write(f"{each}/{SUBTREE}", f"+{controller}")


def make(directory: str) -> None:
    """Make a cgroup, mkdir(2); one of version 1's cpuset gets what the one above it has."""
    result = 0
    try:
        os.mkdir(directory)
    except OSError as error:
        result = -(error.errno or errno.EIO)
        raise KernelError("mkdir", -result, directory) from error
    finally:
        note(HERE, "mkdir", (directory, "0777"), result, f"mkdir {directory}")
    for name in ("cpuset.cpus", "cpuset.mems"):
        # Nobody can be in one without, except in version 2.
        path = f"{directory}/{name}"
        if os.path.exists(path) and not os.path.exists(f"{directory}/cgroup.type"):
            write(path, read(os.path.dirname(directory), name) or "")


def remove(directory: str) -> None:
    """Remove a cgroup and those that were made below it; raises KernelError if that fails."""
    for path, _, _ in os.walk(directory, topdown=False):
        result = 0
        try:
            os.rmdir(path)
        except OSError as error:
            result = -(error.errno or errno.EIO)
            raise KernelError("rmdir", -result, path) from error
        finally:
            note(HERE, "rmdir", (path,), result, f"rmdir {path}")


def move(pid: int, directory: str) -> None:
    """Move a process into a cgroup; that it has ended already is no error."""
    try:
        write(f"{directory}/{PROCS}", str(pid))
    except KernelError as error:
        if error.errno != errno.ESRCH:
            raise


def gather(pid: int, directory: str) -> None:
    """Move a process with all its descendants into a cgroup, also while they fork."""
    moved: set[int] = set()
    while left := [each for each in (pid, *descendants(pid)) if each not in moved]:
        for each in left:
            move(each, directory)
            moved.add(each)
