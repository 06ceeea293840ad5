"""The cgroups of one container: a directory in each hierarchy that the container needs."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from shellplay.errors import KernelError, Refused
from shellplay.kernel import procfs
from shellplay.kernel.cgroup import directories, hierarchies
from shellplay.kernel.cgroup.hierarchies import Hierarchy
from shellplay.kernel.proc_write import write
from shellplay.kernel.process_tree import kill_quietly

PREFIX = "shellplay-"
PATIENCE_SECONDS = 5.0
MOMENT_SECONDS = 0.001
PAUSE, FREEZER = "pause", "freezer"
# The REPL and the monitor may remove the same directory at the same time.
GONE = (errno.ENOENT, errno.ENODEV)


def prefix(owner: int) -> str:
    """Return the prefix of the names of all directories of a monitor; ``owner`` is its PID."""
    return f"{PREFIX}{owner}-"


class Group:
    """The directories of one container; each is made for its first user.

    All directories have the same ``name``.  It begins with the ``prefix`` of the monitor, so
    that the monitor can find and remove them after our end.  A user is a fence, or ``pause``.
    They are below ``parent``, a path below the top of a hierarchy, or where we may make them.
    """

    def __init__(self, name: str, parent: str = "") -> None:
        self.name = name
        self._parent = parent
        # The cgroups above ours that were missing.
        self._made: list[str] = []
        self._users: dict[Hierarchy, set[str]] = {}
        self._directories: dict[Hierarchy, str] = {}

    def directory(self, hierarchy: Hierarchy | None) -> str | None:
        """Return the directory in a hierarchy, None if it is not made."""
        return self._directories.get(hierarchy) if hierarchy else None

    @property
    def directories(self) -> tuple[tuple[Hierarchy, str], ...]:
        """The directories, each with its hierarchy."""
        return tuple(self._directories.items())

    def holds(self, hierarchy: Hierarchy, user: str) -> bool:
        """Tell whether a user holds the directory in a hierarchy."""
        return user in self._users.get(hierarchy, ())

    def hold(self, hierarchy: Hierarchy, user: str, *controllers: str) -> str:
        """Return the directory in a hierarchy; make it if it is missing.

        ``controllers`` are enabled in it.  It stays until the last user releases it.  Raises
        Refused if we may not make it or a controller is missing.
        """
        directory = self._directories.get(hierarchy)
        above = os.path.dirname(directory) if directory else self._above(hierarchy)
        for each in controllers:
            directories.allow(hierarchy, above, each)
        if directory is None:
            _remove_stale(above)
            directory = f"{above}/{self.name}"
            directories.make(directory)
            self._directories[hierarchy] = directory
        self._users.setdefault(hierarchy, set()).add(user)
        return directory

    def _above(self, hierarchy: Hierarchy) -> str:
        # The monitor thaws what is frozen, and knows no parents.
        if not self._parent or FREEZER in hierarchy.controllers:
            return hierarchies.place(hierarchy)
        self._made += directories.make_path(hierarchy.point, self._parent)
        return f"{hierarchy.point}/{self._parent.strip('/')}"

    def write(self, hierarchy: Hierarchy, files: dict[str, str]) -> None:
        """Write files of the directory in a hierarchy, in this order; raise KernelError."""
        for name, text in files.items():
            write(f"{self._directories[hierarchy]}/{name}", text)

    def move_tree(self, hierarchy: Hierarchy, pid: int) -> None:
        """Move a process and its descendants into the directory in a hierarchy."""
        directories.move_tree(pid, self._directories[hierarchy])

    def take_in(self, pid: int) -> None:
        """Move a process into every directory."""
        for hierarchy in self._directories:
            self.move_tree(hierarchy, pid)

    def release(self, hierarchy: Hierarchy, user: str) -> None:
        """Release the directory for a user; after the last user, remove it.

        Its processes are moved to our own cgroup before.
        """
        users = self._users.get(hierarchy, set())
        users.discard(user)
        directory = self._directories.get(hierarchy)
        if users or directory is None:
            return
        outside = hierarchy.of("self") or os.path.dirname(directory)
        _remove(directory, lambda pid: directories.move(pid, outside))
        self._directories.pop(hierarchy, None)

    def remove(self) -> None:
        """Kill all processes in the directories, and remove the directories."""
        if self._directories:
            thaw(self.name)
            clear(self.name)
            for directory in self._directories.values() if self._parent else ():
                if os.path.exists(directory):
                    _remove(directory, kill_quietly)
        self._users.clear()
        self._directories.clear()
        while self._made:
            # Another container may be in it by now: then it stays.
            with suppress(KernelError):
                directories.remove(self._made.pop())

    # -- frozen --------------------------------------------------------------------------

    @property
    def frozen(self) -> bool:
        """Whether the kernel reports the container as frozen."""
        directory = self.directory(hierarchies.freezer())
        return directory is not None and _is_frozen(directory)

    def freeze(self, *pids: int) -> None:
        """Freeze processes and their descendants.

        Raises Refused if no freezer is mounted.  Raises KernelError, and thaws the processes,
        if the kernel does not freeze them within five seconds.
        """
        hierarchy = hierarchies.freezer()
        if hierarchy is None:
            raise Refused("pause needs a cgroup: neither version 2 nor a freezer is mounted",
                          "mount -t cgroup2 none /sys/fs/cgroup")  # fmt: skip
        directory = self.hold(hierarchy, PAUSE)
        for pid in pids:
            directories.move_tree(pid, directory)
        _freeze(directory)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _is_frozen(directory):
            if time.monotonic() > deadline:
                self.thaw()
                raise KernelError("write", errno.EBUSY, f"{directory}: it does not freeze")
            time.sleep(MOMENT_SECONDS)

    def thaw(self) -> None:
        """Thaw the frozen processes."""
        hierarchy = hierarchies.freezer()
        if hierarchy is not None and (directory := self.directory(hierarchy)) is not None:
            _thaw(directory)
            self.release(hierarchy, PAUSE)


# -- by name: for a process that did not make the directories -------------------------------


def thaw(name: str) -> None:
    """Thaw all directories with a prefix: version 1 cannot kill a frozen process."""
    for directory in _named(name):
        _thaw(directory)


def clear(name: str) -> None:
    """Kill all processes in the directories with a prefix, and remove the directories.

    Raises KernelError if a directory cannot be removed within five seconds.
    """
    for directory in _named(name):
        if os.path.exists(f"{directory}/cgroup.kill"):
            # It kills all processes at once, so that no process forks meanwhile.  Version 2 has
            # it since Linux 5.14.
            _write_if_present(directory, "cgroup.kill", "1")
        _remove(directory, kill_quietly)


def _named(name: str) -> Iterator[str]:
    for hierarchy in hierarchies.hierarchies():
        own = hierarchy.of("self")
        for each in hierarchy.upwards(own) if own else ():
            yield from _with_prefix(each, name)


def _with_prefix(directory: str, name: str) -> list[str]:
    try:
        entries = os.listdir(directory)
    except (FileNotFoundError, PermissionError):
        return []
    return [f"{directory}/{each}" for each in entries if each.startswith(name)]


def _remove_stale(above: str) -> None:
    # If a REPL and its monitor were killed at the same time, their directories are still there.
    for each in _with_prefix(above, PREFIX):
        owner = os.path.basename(each).removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and procfs.stat(int(owner)) is None:
            # The kernel does not remove a cgroup with processes: then it is in use.
            with suppress(KernelError):
                directories.remove(each)


def _remove(directory: str, empty: Callable[[int], None]) -> None:
    # A killed process stays in the cgroup until it is dead, and a new child starts in it.
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        for pid in hierarchies.pids(directory, below=True):
            empty(pid)
        try:
            directories.remove(directory)
        except KernelError as error:
            if not os.path.exists(directory):
                return
            if error.errno not in (errno.EBUSY, *GONE) or time.monotonic() > deadline:
                raise
            time.sleep(MOMENT_SECONDS)
        else:
            return


def _freeze(directory: str) -> None:
    if os.path.exists(f"{directory}/cgroup.freeze"):
        write(f"{directory}/cgroup.freeze", "1")
    else:
        write(f"{directory}/freezer.state", "FROZEN")


def _thaw(directory: str) -> None:
    if os.path.exists(f"{directory}/cgroup.freeze"):
        _write_if_present(directory, "cgroup.freeze", "0")
    elif os.path.exists(f"{directory}/freezer.state"):
        _write_if_present(directory, "freezer.state", "THAWED")


def _write_if_present(directory: str, name: str, text: str) -> None:
    try:
        write(f"{directory}/{name}", text)
    except KernelError as error:
        if error.errno not in GONE:
            raise


def _is_frozen(directory: str) -> bool:
    if hierarchies.counters(directory, "cgroup.events").get("frozen") == 1:
        return True
    return hierarchies.read(directory, "freezer.state") == "FROZEN"
