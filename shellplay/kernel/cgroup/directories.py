"""Make and remove cgroups, and move processes into them, cgroups(7)."""

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
    """Enable a controller for the cgroups below a directory; version 1 needs no such step.

    The controller stays enabled, because other programs may rely on it.  Raises Refused if
    the directory does not have the controller.
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
    """Make a cgroup, mkdir(2); a cpuset of version 1 gets the values of its parent."""
    result = 0
    try:
        os.mkdir(directory)
    except OSError as error:
        result = -(error.errno or errno.EIO)
        raise KernelError("mkdir", -result, directory) from error
    finally:
        note(HERE, "mkdir", (directory, "0777"), result, f"mkdir {directory}")
    for name in ("cpuset.cpus", "cpuset.mems"):
        # In version 1 a cpuset without values accepts no process.
        path = f"{directory}/{name}"
        if os.path.exists(path) and not os.path.exists(f"{directory}/cgroup.type"):
            write(path, read(os.path.dirname(directory), name) or "")


def make_path(top: str, path: str) -> list[str]:
    """Make the cgroups of a path below another one; return those that were missing.

    Raises Refused.
    """
    directory, made = top, []
    for name in filter(None, path.split("/")):
        directory = f"{directory}/{name}"
        if os.path.isdir(directory):
            continue
        try:
            make(directory)
        except KernelError as error:
            raise Refused(
                f"the cgroup {directory} cannot be made: {os.strerror(error.errno)}",
                f"mkdir -p {directory}, as root",
            ) from error
        made.append(directory)
    return made


def remove(directory: str) -> None:
    """Remove a cgroup and the cgroups below it, rmdir(2); raise KernelError if that fails."""
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
    """Move a process into a cgroup; it is not an error if the process has ended."""
    try:
        write(f"{directory}/{PROCS}", str(pid))
    except KernelError as error:
        if error.errno != errno.ESRCH:
            raise


def move_tree(pid: int, directory: str) -> None:
    """Move a process and all its descendants into a cgroup, even while they fork."""
    moved: set[int] = set()
    while left := [each for each in (pid, *descendants(pid)) if each not in moved]:
        for each in left:
            move(each, directory)
            moved.add(each)
