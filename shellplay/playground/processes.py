"""The process tree of the playground, with the role of each process, and the view inside.

All of it is read from the host's /proc, never by a program of the container, which could
lie.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from shellplay.errors import KernelError
from shellplay.kernel import namespaces, procfs
from shellplay.model import NamespaceId, Process, Role, Value
from shellplay.playground.kinship import Kinship


class Snapshot(Value):
    """Processes at one moment, parents before children, and the number of those left out."""

    processes: list[Process]
    folded: int


class _Place(Value):
    """The role of a process in the playground, and its container."""

    role: Role
    container: str | None


def snapshot(
    *,
    repl: int,
    playground: int | None,
    shells: Mapping[int, str],
    parked: Mapping[int, str],
    everything: bool = False,
) -> Snapshot:
    """Read the processes of the playground, in the order of a tree.

    ``repl`` and ``playground`` are PIDs; ``shells`` (live) and ``parked`` map the PID of
    each bash to the label of its container.  With ``everything`` the other processes of
    the host are read too, otherwise they are only counted.
    """
    family = _Family(repl, playground, shells, parked)
    places = family.places()
    own = namespaces.identify("self", "pid")
    found = []
    for pid in family.in_tree_order():
        place = places.get(pid)
        if place is None and not everything:
            continue
        process = family.read(pid, place or _Place(Role.HOST, None), own)
        if process is not None:
            found.append(process)
    folded = 0 if everything else len(family.statuses) - len(places)
    return Snapshot(found, folded)


def inside_view(taken: Snapshot, shell: int) -> list[Process]:
    """Return the processes that are in the PID namespace of a bash, or in one below it.

    ``taken`` should hold everything: without a pid fence a bash sees the whole host.
    ``shell`` is a host PID; if it has gone, the list is empty.
    """
    ours = next((each for each in taken.processes if each.pid == shell), None)
    if ours is None:
        return []
    depth = len(ours.inside)
    if depth == 1:
        return taken.processes
    deep = [each for each in taken.processes if len(each.inside) >= depth]
    return [each for each in deep if ours.namespace in _lineage(each, depth)]


def with_details(processes: Sequence[Process]) -> list[Process]:
    """Return the processes with the details of the long listing."""
    # psutil takes longer to load than all of this, and only the long listing needs it.
    from shellplay.kernel.process_usage import details

    found = details(process.pid for process in processes)
    return [process.changed(details=found[process.pid]) for process in processes]


class _Family:
    """All processes by PID, and their children."""

    def __init__(
        self,
        repl: int,
        playground: int | None,
        shells: Mapping[int, str],
        parked: Mapping[int, str],
    ) -> None:
        self.repl, self.playground = repl, playground
        self.shells, self.parked = shells, parked
        self._kinship = Kinship(repl, shells, parked)
        self.statuses: dict[int, procfs.Status] = {}
        self.children: dict[int, list[int]] = defaultdict(list)
        self._parents: dict[int, int] = {}
        for pid in procfs.pids():
            status = procfs.status(pid)
            if status:
                self.statuses[pid] = status
                self._parents[pid] = parent = status.ppid
                self.children[parent].append(pid)

    def in_tree_order(self) -> Iterator[int]:
        """Yield every PID after that of its parent, siblings by number."""
        # A parent may have ended between two reads: its children are roots then.
        roots = [pid for pid, parent in self._parents.items() if parent not in self.statuses]
        waiting = sorted(roots, reverse=True)
        while waiting:
            pid = waiting.pop()
            yield pid
            if pid in self.children:
                waiting.extend(sorted(self.children[pid], reverse=True))

    def places(self) -> dict[int, _Place]:
        """Return the place of everything that belongs to the playground."""
        found = {}
        if self.repl in self.statuses:
            found[self.repl] = _Place(Role.REPL, None)
        if self.playground is None or self.playground not in self.statuses:
            return found
        found[self.playground] = _Place(Role.PLAYGROUND, None)
        waiting = [self.playground]
        while waiting:
            parent = waiting.pop()
            for pid in self.children.get(parent, ()):
                found[pid] = self._place(pid, found[parent])
                waiting.append(pid)
        return found

    def read(self, pid: int, place: _Place, own: NamespaceId | None) -> Process | None:
        """Return a process of the family, or None if it has gone."""
        words = procfs.arguments(pid)
        if words is None:
            return None
        identity = self.statuses[pid]
        # One PID only: it is in our namespace, and of thousands none need be read.
        nested = len(identity.pids) > 1
        namespace = namespaces.identify(pid, "pid") if nested else own
        return Process(
            pid=pid,
            ppid=identity.ppid,
            inside=identity.pids,
            state=identity.state,
            uid=identity.uid,
            command=" ".join(words) if words else f"[{identity.name}]",
            container=place.container,
            role=place.role,
            namespace=namespace.inode if namespace else None,
        )

    def _place(self, pid: int, parent: _Place) -> _Place:
        if pid in self.shells:
            return _Place(Role.SHELL, self.shells[pid])
        if pid in self.parked:
            return _Place(Role.PARKED, self.parked[pid])
        if parent.role in (Role.SHELL, Role.PARKED):
            return _Place(Role.JOB, parent.container)
        if parent.role is Role.PLAYGROUND:
            return _Place(Role.CHILD, self._kinship.container_of(pid))
        return _Place(Role.CHILD, parent.container)


def _lineage(process: Process, depth: int) -> list[int | None]:
    if len(process.inside) == depth:
        return [process.namespace]
    try:
        return [each.inode for each in namespaces.lineage(process.pid, "pid")]
    except KernelError:  # it has gone, or it belongs to somebody else
        return []
