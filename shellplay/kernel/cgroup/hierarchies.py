"""Cgroup hierarchies: mount points, the cgroups of a process, and places for new cgroups.

Version 1 has a hierarchy for each controller, version 2 has one hierarchy for all, cgroups(7).
A machine may have both.  We make directories below our own cgroup, so that our own limits
apply, too.  In version 2 a cgroup with processes cannot give controllers to its children.
So there we take the nearest ancestor without processes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from functools import cache, lru_cache

from shellplay.errors import Refused
from shellplay.kernel import procfs
from shellplay.kernel.mountinfo import mounts

# The names of version 2; version 1 has another name for ``io``.
CONTROLLERS = ("memory", "cpu", "pids", "io", "cpuset")
V1_NAMES = {"io": "blkio"}
PROCS = "cgroup.procs"
SUBTREE = "cgroup.subtree_control"
BY_SYSTEMD = "systemd-run --user --scope -p Delegate=yes shellplay"


class Hierarchy:
    """A mounted hierarchy; ``root`` is the path of the cgroup at the mount ``point``."""

    def __init__(
        self, version: int, controllers: frozenset[str], point: str, root: str
    ) -> None:
        self.version = version
        self.controllers = controllers
        self.point = point
        self.root = root

    def of(self, pid: int | str) -> str | None:
        """Return the directory of the cgroup of a process; None if the mount lacks it."""
        for number, controllers, path in memberships(pid):
            unified = number == 0
            if unified != (self.version == 2):
                continue
            if unified or self.controllers == frozenset(controllers):
                below = os.path.relpath(path, self.root)
                if below.startswith(".."):
                    return None
                return self.point if below == "." else f"{self.point}/{below}"
        return None

    def upwards(self, directory: str) -> Iterator[str]:
        """Yield a directory and the directories above it, up to the mount point."""
        while True:
            yield directory
            if directory == self.point:
                return
            directory = os.path.dirname(directory)


def memberships(pid: int | str = "self") -> tuple[tuple[int, tuple[str, ...], str], ...]:
    """Return the cgroups of a process as hierarchy ID, controllers and path, cgroups(7).

    Hierarchy 0 is version 2.  It is empty for a process that has ended.
    """
    return parse_memberships(procfs.read(pid, "cgroup") or b"")


@lru_cache(16)  # Each limit asks for the same process.
def parse_memberships(content: bytes) -> tuple[tuple[int, tuple[str, ...], str], ...]:
    """Parse a cgroup file of /proc; a path may hold colons."""
    found = []
    for line in content.splitlines():
        number, controllers, path = line.split(b":", 2)
        names = tuple(procfs.text(controllers).split(",")) if controllers else ()
        found.append((int(number), names, procfs.text(path)))
    return tuple(found)


@cache  # A machine mounts them when it boots.
def hierarchies() -> tuple[Hierarchy, ...]:
    """Return the mounted hierarchies, without named hierarchies that have no controller."""
    found: dict[object, Hierarchy] = {}
    for mount in mounts() or ():
        if mount.kind == "cgroup2":
            names = frozenset(words(f"{mount.point}/cgroup.controllers"))
            found.setdefault(2, Hierarchy(2, names, mount.point, mount.root))
        elif mount.kind == "cgroup":
            names = frozenset(mount.super_options) & _known()
            if names:
                found.setdefault(names, Hierarchy(1, names, mount.point, mount.root))
    return tuple(found.values())


def _known() -> frozenset[str]:
    with open("/proc/cgroups") as file:
        return frozenset(line.split()[0] for line in file if not line.startswith("#"))


def having(controller: str) -> Hierarchy | None:
    """Return the hierarchy of a controller, by its name in version 2, or None."""
    for each in hierarchies():
        name = V1_NAMES.get(controller, controller) if each.version == 1 else controller
        if name in each.controllers:
            return each
    return None


def freezer() -> Hierarchy | None:
    """Return the hierarchy that freezes processes, or None: version 2 if it is mounted.

    A process that is frozen by version 2 can be killed; by version 1 only after the thaw.
    """
    unified = next((each for each in hierarchies() if each.version == 2), None)
    return unified or having("freezer")


# -- a place for a new one ------------------------------------------------------------------


def place(hierarchy: Hierarchy) -> str:
    """Return the directory below which we may make cgroups; raise Refused with the fix."""
    own = hierarchy.of("self")
    if own is None:
        raise Refused(f"our own cgroup is not below {hierarchy.point}", "fence on the host")
    if hierarchy.version == 1 or not hierarchy.controllers & set(CONTROLLERS):
        if _ours(own):
            return own
        raise Refused(f"only its owner may make a cgroup in {own}", _fix(hierarchy))
    for each in hierarchy.upwards(own):
        if _ours(each) and (_is_topmost(each) or not pids(each)):
            return each
    if not _ours(own):
        raise Refused(f"only its owner may make a cgroup in {own}", _fix(hierarchy))
    raise Refused(
        f"the cgroup {own} holds processes, so those below it get no limits (cgroup v2)",
        f"mkdir {own}/shell; echo $$ >{own}/shell/{PROCS}; and start shellplay in there",
    )


def may_enable(hierarchy: Hierarchy, directory: str, controller: str) -> bool:
    """Tell whether the cgroups below a directory have a controller, or we may enable it."""
    if hierarchy.version == 1:
        return True
    files = [f"{each}/{SUBTREE}" for each in hierarchy.upwards(directory)]
    return all(controller in words(file) or os.access(file, os.W_OK) for file in files)


def _ours(directory: str) -> bool:
    return os.access(directory, os.W_OK) and os.access(f"{directory}/{PROCS}", os.W_OK)


def _is_topmost(directory: str) -> bool:
    # The root of the hierarchy may have processes and give controllers.  It has no type.
    return not os.path.exists(f"{directory}/cgroup.type")


def _fix(hierarchy: Hierarchy) -> str:
    if hierarchy.version == 2 and os.path.exists("/run/systemd/system"):
        return BY_SYSTEMD
    # systemd gives users no cgroups of version 1.
    return "start shellplay as root, or in a cgroup that root has given to you by chown"


# -- files of a cgroup ---------------------------------------------------------------------


def pids(directory: str, *, below: bool = False) -> list[int]:
    """Return the PIDs in a cgroup, with ``below`` also in the cgroups below it."""
    paths = [path for path, _, _ in os.walk(directory)] if below else [directory]
    return [int(word) for path in paths for word in words(f"{path}/{PROCS}")]


def read(directory: str, name: str) -> str | None:
    """Return the text in a file of a cgroup, None if the file is missing."""
    try:
        # Unbuffered: a list of many containers reads thousands of these files.
        with open(f"{directory}/{name}", "rb", buffering=0) as file:
            return procfs.text(file.read() or b"").strip()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENODEV):
            return None
        raise


def counters(directory: str, name: str) -> dict[str, int]:
    """Return the ``key number`` lines of a file of a cgroup; empty if the file is missing."""
    lines = (line.split() for line in (read(directory, name) or "").splitlines())
    return {line[0]: int(line[1]) for line in lines if len(line) == 2}


def words(path: str) -> list[str]:
    """Return the words in a file of a cgroup; empty if the file is missing."""
    return (read(*os.path.split(path)) or "").split()
