"""The container of an orphan, told by what it has inherited."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from shellplay.kernel import namespaces, procfs
from shellplay.model import NamespaceId


class Kinship:
    """The traits that tell the container of a process whose parent has ended.

    ``repl`` is the PID of the REPL; ``shells`` (live) and ``parked`` map the PID of each bash
    to the label of its container.
    """

    def __init__(self, repl: int, shells: Mapping[int, str], parked: Mapping[int, str]) -> None:
        self._repl, self._shells, self._parked = repl, shells, parked

    def learn(self) -> None:
        """Read the traits now: later the bashes may have ended."""
        _ = self._homes, self._fences

    def container_of(self, orphan: int) -> str | None:
        """Return the container of an orphan, None if none is known.

        A container's session is nobody else's, so it comes first; what has left that is known
        by the fenced namespaces that it is in.
        """
        stat = procfs.stat(orphan)
        if stat is None:
            return None
        if label := self._homes.get(stat.session):
            return label
        mine = namespaces.identities(orphan).values()
        shared = [(len(fenced.intersection(mine)), label) for fenced, label in self._fences]
        most = max((count for count, _ in shared), default=0)
        best = {label for count, label in shared if count == most}
        # Of containers that share all their namespaces (a pod) none can be told.
        return best.pop() if most and len(best) == 1 else None

    @cached_property
    def _homes(self) -> dict[int, str]:
        """The labels of containers by the session of each bash."""
        found: dict[int, str] = {}
        for pid, label in {**self._parked, **self._shells}.items():
            stat = procfs.stat(pid)
            if stat and stat.session:
                found[stat.session] = label
        return found

    @cached_property
    def _fences(self) -> list[tuple[set[NamespaceId | None], str]]:
        """The namespaces of each live bash that are not the host's, and its container."""
        host = {*namespaces.identities(self._repl).values(), None}
        return [
            (set(namespaces.identities(pid).values()) - host, label)
            for pid, label in self._shells.items()
        ]
