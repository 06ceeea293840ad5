"""The state of the host that a fence could change by mistake, as one comparable value."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

from shellplay.container.container import Container
from shellplay.kernel import namespaces, procfs
from shellplay.model import NamespaceId
from tests.leftovers import is_a_neighbours, mounts, our_processes

IPC_TABLES = ("msg", "sem", "shm")


def as_root_directory(tree: Path) -> str:
    """Make the mount points in a directory that ``fence root`` needs; return its path."""
    for name in ("proc", "sys", "dev"):
        (tree / name).mkdir(exist_ok=True)
    return str(tree)


def identities(pid: int | str = "self") -> dict[str, NamespaceId | None]:
    """Return the namespaces of a process by kind."""
    return namespaces.identities(pid)


def changed(pid: int, before: dict[str, NamespaceId | None]) -> set[str]:
    """Return the kinds of the namespaces that a process has changed."""
    return {kind for kind, now in identities(pid).items() if now != before[kind]}


def interfaces() -> list[tuple[int, str]]:
    """Return the interfaces of the host, without those of other playgrounds."""
    ours = our_processes()
    return [each for each in socket.if_nameindex() if not is_a_neighbours(each[1], ours)]


def digest() -> dict[str, object]:
    """Return the state of the host that the eight namespace fences protect."""
    return {
        "namespaces": identities(),
        "host name": os.uname().nodename,
        "interfaces": interfaces(),
        "mounts": mounts(),
        "ipc": [Path(f"/proc/sysvipc/{table}").read_text() for table in IPC_TABLES],
        "cgroup": Path("/proc/self/cgroup").read_text(),
        "time offsets": Path("/proc/self/timens_offsets").read_text(),
        "uid map": Path("/proc/self/uid_map").read_text(),
    }


def opened(container: Container) -> dict[int, str]:
    """Return the open files of bash; a copy of it may be on another terminal."""
    files = procfs.fds(container.pid)
    return {fd: re.sub(r"^/dev/pts/\d+$", "terminal", path) for fd, path in files.items()}
