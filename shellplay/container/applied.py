"""The fences that stand around a container, in the order in which they went up."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

from shellplay.errors import Refused, ShellplayError
from shellplay.fences import Fence, MountOver, Restriction
from shellplay.fences.base.seccomp_filter import SeccompFilter
from shellplay.model import How


@dataclass(frozen=True)
class AppliedFence:
    """One fence that stands: how it went up, and how many bashes were parked then.

    A forked fence at depth n came with the n-th fork; an in-place fence at depth n was put
    around the bash that lived then, or around a copy of it.
    """

    fence: Fence
    how: How
    depth: int


class AppliedFences:
    """An ordered collection of fences, at most one of each kind.

    ``gathered`` are those that hold something from outside for as long as they stand.
    """

    def __init__(self) -> None:
        self.prepared: list[Fence] = []
        self._list: list[AppliedFence] = []

    def __iter__(self) -> Iterator[AppliedFence]:
        return iter(list(self._list))

    def __contains__(self, kind: object) -> bool:
        return any(each.fence.kind == kind for each in self._list)

    def find(self, kind: str) -> AppliedFence | None:
        """Return the fence of a kind, or None if it is not up."""
        return next((each for each in self._list if each.fence.kind == kind), None)

    def get(self, kind: str) -> AppliedFence:
        """Return the fence of a kind; raise Refused if it is not up."""
        found = self.find(kind)
        if found is not None:
            return found
        up = ", ".join(each.fence.kind for each in self._list)
        raise Refused(f"{kind} is not fenced", f"up are: {up}" if up else f"fence {kind}")

    def add(self, standing: AppliedFence) -> None:
        """Note a fence that went up last."""
        self._list.append(standing)

    def remove(self, kind: str) -> None:
        """Forget a fence that came off."""
        self._list = [each for each in self._list if each.fence.kind != kind]

    def change(self, fence: Fence) -> None:
        """Note that the fence of a kind has other options now."""
        self._list = [
            replace(each, fence=fence) if each.fence.kind == fence.kind else each
            for each in self._list
        ]

    def restrictions(self) -> list[AppliedFence]:
        """Return the fences that no process takes off by itself, whatever it may do."""
        return [each for each in self._list if isinstance(each.fence, Restriction)]

    def shown(self, fence: Fence, pid: int) -> bool | None:
        """Tell whether the kernel shows a fence around a process, beside the others that
        stand; None: it never does.
        """
        if not isinstance(fence, SeccompFilter):
            return fence.observed(pid)
        return self._filtered(type(fence), fence.fact(pid), fence.fact("self"))

    def require_shown(self, pid: int, who: str) -> None:
        """Raise ShellplayError if the kernel does not show a process behind each of them."""
        fences = [each.fence for each in self._list]
        missing = [each.kind for each in fences if self.shown(each, pid) is False]
        if missing:
            raise ShellplayError(f"the kernel does not show {who} behind {', '.join(missing)}")

    def up(self, layer: type[Fence], mine: Hashable | None, host: Hashable | None) -> bool:
        """Tell, from the facts of a process and of the host, whether a layer is fenced."""
        known = layer.kind in self
        if not layer.visible:
            return known
        if not issubclass(layer, SeccompFilter):
            return layer.fenced(mine, host)
        # A filter that nobody here put up is a seccomp fence of somebody else.
        return (known or layer.foreign) and self._filtered(layer, mine, host)

    def _filtered(
        self, layer: type[SeccompFilter], mine: Hashable | None, host: Hashable | None
    ) -> bool:
        kinds = [
            each.fence.kind for each in self._list if isinstance(each.fence, SeccompFilter)
        ]
        others = sum(kind != layer.kind for kind in kinds)
        return layer.more_than(others, mine=mine, host=host)

    def above(self, kind: str) -> list[AppliedFence]:
        """Return the fences that went up after a given one."""
        kinds = [each.fence.kind for each in self._list]
        return self._list[kinds.index(kind) + 1 :]

    def require_none_on(self, kind: str) -> None:
        """Raise Refused if fences above would be lost with a given one."""
        fence = self.get(kind).fence
        resting = [
            each.fence.kind
            for each in self.above(kind)
            if kind in each.fence.needs
            # In a new tree there are mounts of its own, and copies of those from before.
            or (kind == "root" and isinstance(each.fence, MountOver))
            # Who mounts has to be in the user namespace that the mounts belong to, and from
            # there nobody reaches what belongs to the one outside of it.
            or (kind == "user" and isinstance(each.fence, MountOver))
            or (each.fence.kind == "root" and isinstance(fence, MountOver))
        ]
        if resting:
            stand = "stands" if len(resting) == 1 else "stand"
            raise Refused(
                f"{', '.join(resting)} {stand} on {kind} and would be lost with it",
                f"peel {resting[-1]}, first; or peel all",
            )

    def release(self, *, everything: bool) -> None:
        """Let go of what was gathered from outside for fences that stand no more."""
        needed = set() if everything else {id(each.fence) for each in self._list}
        for fence in self.prepared:
            if id(fence) not in needed:
                fence.release()
        self.prepared = [fence for fence in self.prepared if id(fence) in needed]

    def cut(self, depth: int) -> None:
        """Forget all fences that went up at ``depth`` or deeper."""
        self._list = [each for each in self._list if each.depth < depth]

    def restart(self, standing: Iterable[AppliedFence]) -> None:
        """Note that a new bash is inside these, and inside no other."""
        self._list = list(standing)
